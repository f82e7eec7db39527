"""Whatever notebook is read is written as nbformat writes it, byte for byte.

`parley recover` reads and writes a notebook without running it, given a journal that knows no cell.
"""

import copy
import json
import site
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, code, notebook, parley

PLACES = [Path(p) for p in site.getsitepackages()] + [ROOT / "examples", ROOT / "docs", ROOT / ".cache/notebooks"]
FOUND = sorted({path for place in PLACES for path in place.rglob("*.ipynb")})


def rewritten(tmp_path, text: bytes):
    (tmp_path / "out.ipynb").write_bytes(text)
    (tmp_path / "out.ipynb.journal").write_text('{"parley_journal":1}\n')
    return subprocess.run(
        [parley(), "recover", "out.ipynb"], capture_output=True, text=True, cwd=tmp_path, timeout=20
    )


def expected(text: bytes) -> bytes:
    """What nbformat makes of the same: upgraded, with the record of the recovery, which is the test's means."""
    made = nbformat.v4.upgrade(nbformat.reads(text.decode(), as_version=4))
    made.metadata["parley"] = {
        **made.metadata.get("parley", {}),
        "reason": "platform_error",
        "message": "the run was killed; what it had done was recovered from its journal",
    }
    made.metadata.setdefault("papermill", {})["exception"] = True
    return made


@pytest.mark.parametrize("path", FOUND, ids=lambda p: "/".join(p.parts[-3:]))
def test_notebooks_of_others(tmp_path, path):
    text = path.read_bytes()
    if json.loads(text).get("nbformat") != 4:
        told = rewritten(tmp_path, text)
        assert told.returncode == 65 and "older than 4" in told.stderr
        return
    assert rewritten(tmp_path, text).returncode == 0
    written = (tmp_path / "out.ipynb").read_bytes()
    theirs = expected(text)
    for mine, cell in zip(json.loads(written)["cells"], theirs.cells):
        if not has_ids(text):
            cell["id"] = mine["id"]
    assert written.decode() == nbformat.v4.writes_json(theirs) + "\n"


def has_ids(text: bytes) -> bool:
    ids = [cell.get("id") for cell in json.loads(text)["cells"]]
    return None not in ids and len(set(ids)) == len(ids)


HARD = {
    "floats": [0.1, 1e16, 1e-5, 1e15, 123456789.125, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 0.0001, 2.5],
    "integers": [0, -1, 2**53 + 1, 2**63, -(2**63), 10**40],
    "not numbers": [float("nan"), float("inf"), float("-inf")],
    "text": ["\x00\x07\b\f\x1b\x7f", "é\U0001d11e\u2028\u2029\x85", '"\\/', ""],
    "empty": [{}, [], None, True, False],
    "z": 1, "A": 2, "a": 3, "é": 4, "\U0001d11e": 5, "\uffff": 6,
}


def test_hard_values(tmp_path):
    made = notebook("x", metadata={}, **{"hard": HARD})
    made.cells[0].outputs = [
        nbformat.v4.new_output(
            "display_data",
            {
                "text/plain": "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\r\nj\rk\n\n",
                "text/html": "", "image/svg+xml": "<svg>\n</svg>", "application/javascript": "1\n2",
                "application/json": {"b": ["x\n", 1.0], "a": "l1\nl2"}, "application/x+json": ["one", "two"],
                "image/png": "AAAA\nBBBB\n", "application/vnd.other": "kept\nwhole",
            },
        ),
        nbformat.v4.new_output("stream", text="no end"),
        nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["a\nb", "c"]),
    ]
    text = nbformat.v4.writes_json(made).encode()
    assert rewritten(tmp_path, text).returncode == 0
    assert (tmp_path / "out.ipynb").read_bytes().decode() == nbformat.v4.writes_json(expected(text)) + "\n"


@pytest.mark.parametrize("minor", range(5))
def test_older_minors_get_ids(tmp_path, minor):
    made = json.loads(nbformat.v4.writes_json(notebook(code("print(1)"), "2")))
    made["nbformat_minor"] = minor
    for cell in made["cells"]:
        del cell["id"]
    text = json.dumps(made).encode()
    ids = []
    for _ in range(2):
        assert rewritten(tmp_path, text).returncode == 0
        read = nbformat.read(tmp_path / "out.ipynb", 4)
        nbformat.validate(read)
        assert read.nbformat_minor == 5
        ids.append([cell.id for cell in read.cells])
    assert ids[0] == ids[1] and len(set(ids[0])) == 2


def test_ids_that_are_missing_or_double_are_mended(tmp_path):
    made = json.loads(nbformat.v4.writes_json(notebook("1", "2", "3", "4")))
    made["cells"][1]["id"] = "cell-1"
    made["cells"][2]["id"] = "not valid!"
    del made["cells"][3]["id"]
    assert rewritten(tmp_path, json.dumps(made).encode()).returncode == 0
    read = nbformat.read(tmp_path / "out.ipynb", 4)
    nbformat.validate(read)
    assert read.cells[0].id == "cell-1" and len({cell.id for cell in read.cells}) == 4


def test_a_newer_minor_and_unknown_fields_survive(tmp_path):
    made = json.loads(nbformat.v4.writes_json(notebook("1")))
    made["nbformat_minor"] = 7
    made["new_at_the_top"] = {"a": 1}
    made["cells"][0]["new_in_a_cell"] = [1.50]
    before = copy.deepcopy(made)
    assert rewritten(tmp_path, json.dumps(made).encode()).returncode == 0
    after = json.loads((tmp_path / "out.ipynb").read_text())
    assert after["nbformat_minor"] == 7
    assert after["new_at_the_top"] == before["new_at_the_top"]
    assert after["cells"][0]["new_in_a_cell"] == before["cells"][0]["new_in_a_cell"]


def test_what_must_not_be_on_disk_is_removed(tmp_path):
    made = json.loads(nbformat.v4.writes_json(notebook("1")))
    made["metadata"].update(orig_nbformat=3, orig_nbformat_minor=2, signature="sha256:x")
    made["cells"][0]["metadata"]["trusted"] = True
    assert rewritten(tmp_path, json.dumps(made).encode()).returncode == 0
    text = (tmp_path / "out.ipynb").read_text()
    assert not any(word in text for word in ("orig_nbformat", "signature", "trusted"))
