"""What papermill 2.7.0 does with small notebooks, recorded, and what `parley run` does with the same: field by field.

record_papermill.py has made the record. DIFFERENT has what differs on purpose; nothing else may.
"""

import json
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, parley, valid
from record_papermill import CASES, FIXTURES, RECORDED, steady

NAMES = sorted(CASES)


def flat(value, path="") -> dict:
    """path -> value of all that is no object and no list"""
    if isinstance(value, dict) and value:
        return {k: v for name, item in value.items() for k, v in flat(item, f"{path}.{name}").items()}
    if isinstance(value, list) and value:
        return {k: v for number, item in enumerate(value) for k, v in flat(item, f"{path}[{number}]").items()}
    return {path.lstrip("."): value}


def comparable(notebook: dict) -> dict:
    """Without what only one of them writes at all: our own record, tracebacks, and papermill's banners."""
    notebook = steady(notebook)
    notebook["metadata"].pop("parley", None)
    notebook["metadata"].get("language_info", {}).pop("version", None)
    notebook["metadata"].get("language_info", {}).pop("codemirror_mode", None)
    notebook["cells"] = [c for c in notebook["cells"] if "papermill-error-cell-tag" not in c["metadata"].get("tags", ())]
    for cell in notebook["cells"]:
        cell["metadata"].pop("parley", None)
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", ()):
            output.pop("traceback", None)
            if "text" in output:
                output["text"] = "".join(output["text"])
    return flat(notebook)


class Case:
    def __init__(self, name, folder):
        self.record = json.loads((FIXTURES / name / "case.json").read_text("utf-8"))
        shutil.copy(FIXTURES / name / "in.ipynb", folder)
        self.output = folder / "out.ipynb"
        done = subprocess.run(
            [parley(), "run", "in.ipynb", "out.ipynb", "--no-progress-bar", *self.record["options"]],
            cwd=folder, capture_output=True, text=True, timeout=50, stdin=subprocess.DEVNULL,
        )
        self.exit, self.stderr = done.returncode, done.stderr
        self.theirs = FIXTURES / name / "out.ipynb"

    def differences(self) -> dict:
        """path -> [papermill's, ours]"""
        theirs = comparable(json.loads(self.theirs.read_text("utf-8")))
        ours = comparable(json.loads(self.output.read_text("utf-8")))
        nothing = "(absent)"
        return {
            path: [theirs.get(path, nothing), ours.get(path, nothing)]
            for path in sorted(theirs.keys() | ours.keys())
            if theirs.get(path, nothing) != ours.get(path, nothing)
        }


# Fields that differ on purpose, as patterns, with the reason; and the cases in which they do.
STATUS = r"cells\[\d\]\.metadata\.papermill\.(status|exception)|metadata\.papermill\.exception"
DIFFERENT = {
    "carriage-return": {r"cells\[1\]\.outputs\[0\]\.text": "what a carriage return overwrites is gone"},
    "exit-0": {STATUS: "a notebook that ends itself with success has no exception, and its cell has not failed"},
    "kernel-dies": {
        STATUS: "papermill records `completed` and no exception, for the cells never reached too",
        r"cells\[2\]\.outputs.*": "the cell says what happened to its language",
        r"cells\[2\]\.metadata\.execution\.(iopub\.status\.idle|shell\.execute_reply)": "the cell has an end",
        r"metadata\.language_info\..*": "the kernel's answer is kept whatever the ending",
    },
    "timeout": {
        STATUS: "papermill records `completed` and no exception, for the cells never reached too",
        r"cells\[1\]\.outputs\[1\].*": "the cell says that its time was over",
        r"cells\[1\]\.metadata\.execution\.shell\.execute_reply": "the cell was interrupted and has answered",
        r"metadata\.language_info\..*": "the kernel's answer is kept whatever the ending",
    },
    "types": {r"cells\[2\]\.source": "text beyond ASCII is written as it is"},
    "prepare-only": {r"cells\[2\]\.metadata\.papermill": "every code cell has the record, the injected one too"},
}
# The same id in every run, so that two runs can be compared.
INJECTED = {r"cells\[\d\]\.id": "the injected cell's id is no chance"}
for name in ("injected-again", "no-parameters-cell", "parameters", "precedence", "prepare-only", "report-mode",
             "two-parameters-cells", "types"):
    DIFFERENT.setdefault(name, {}).update(INJECTED)

# Exit codes: papermill's, ours.
CODES = {
    "kernel-dies": (138, 138),
    "timeout": (1, 124),
    "no-kernel": (1, 69),
    "raises-exception": (1, 0),
    "unknown-parameter": (0, 65),
    "ill-typed": (0, 65),
}
FAILED = ("error", "exit-3", "input")
# Nothing is run and nothing written where papermill only finds out later, or never.
REFUSED = ("no-kernel", "unknown-parameter", "ill-typed")


@pytest.mark.parametrize("name", NAMES)
def test_as_papermill_but_for_what_is_listed(name, tmp_path):
    case = Case(name, tmp_path)
    expected = CODES.get(name, (1, 1) if name in FAILED else (0, 0))
    assert (case.record["exit"], case.exit) == expected, case.stderr
    if name in REFUSED:
        assert case.record["output"] and not case.output.exists()
        return
    valid(case.output)
    listed = DIFFERENT.get(name, {})
    found = case.differences()
    unlisted = {p: v for p, v in found.items() if not any(re.fullmatch(pattern, p) for pattern in listed)}
    assert not unlisted
    gone = [pattern for pattern in listed if not any(re.fullmatch(pattern, path) for path in found)]
    assert not gone, "listed, but there is no difference any more"


def test_no_cell_is_inserted_for_an_error(tmp_path):
    case = Case("error", tmp_path)
    theirs = json.loads(case.theirs.read_text("utf-8"))["cells"]
    banners = [n for n, cell in enumerate(theirs) if "papermill-error-cell-tag" in cell["metadata"].get("tags", ())]
    assert banners == [0, 3], "one on top, one before the cell that failed: indexes of cells have moved"
    assert [cell.id for cell in valid(case.output).cells] == ["title", "cell-1", "cell-2", "cell-3"]


def test_the_last_line_of_an_error_is_papermills(tmp_path):
    case = Case("error", tmp_path)
    assert case.record["last_line"] == "ZeroDivisionError: division by zero"
    assert case.record["last_line"] in case.stderr.splitlines()


def test_raises_exception_lets_later_cells_run_in_both(tmp_path):
    case = Case("raises-exception", tmp_path)
    assert [cell.get("execution_count") for cell in valid(case.output).cells] == [None, 1, 2]
    assert case.differences() == {}, "papermill writes the same and ends with 1 all the same"


def test_unknown_parameters_can_be_allowed(tmp_path):
    theirs = json.loads((FIXTURES / "unknown-parameter" / "out.ipynb").read_text("utf-8"))
    shutil.copy(FIXTURES / "unknown-parameter" / "in.ipynb", tmp_path)
    subprocess.run(
        [parley(), "run", "in.ipynb", "out.ipynb", "--no-progress-bar", "-p", "z", "1", "--allow-unknown"],
        cwd=tmp_path, check=True, capture_output=True, timeout=50,
    )
    ours = json.loads((tmp_path / "out.ipynb").read_text("utf-8"))
    assert comparable(ours) | {"cells[2].id": ""} == comparable(theirs) | {"cells[2].id": ""}


def test_the_record_is_of_the_release_whose_form_we_write():
    assert all((FIXTURES / name / "case.json").exists() for name in NAMES)
    written = json.loads((FIXTURES / "plain" / "out.ipynb").read_text("utf-8"))["metadata"]["papermill"]["version"]
    assert written == RECORDED
    assert (ROOT / "Tests/runner/record_papermill.py").exists()
