"""python Tests/runner/record_papermill.py: records what papermill 2.7.0 does with small notebooks into fixtures/papermill.

Of each case: IN.ipynb, the command line, the exit code, and OUT.ipynb with what differs from run to run taken out (see
`steady`). The tests compare ours with these, so that they need no papermill.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import v4

FIXTURES = Path(__file__).resolve().parent / "fixtures/papermill"
RECORDED = "2.7.0"

# name -> cells as (source, tags...), options
CASES = {
    "plain": ([("x = 1",), ("",), ("print(x)\nx",)], []),
    "parameters": ([("x = 1",), ("a = 1\nb = 'text'", "parameters"), ("print(a, b)",)], ["-p", "a", "5", "-p", "b", "other"]),
    "no-parameters-cell": ([("print('a' in globals())",)], ["-p", "a", "5"]),
    "injected-again": (
        [("a = 1", "parameters"), ("# Parameters\na = 2", "injected-parameters"), ("print(a)",)], ["-p", "a", "3"]),
    "two-parameters-cells": ([("a = 1", "parameters"), ("a = 2", "parameters"), ("print(a)",)], ["-p", "a", "9"]),
    "unknown-parameter": ([("a = 1", "parameters"), ("print(a)",)], ["-p", "z", "1"]),
    "types": (
        [("\n".join(f"{n} = None" for n in "i f t n s lower null zeros grouped raw y neg sci".split()), "parameters"),
         ("print(repr((i, f, t, n, s, lower, null, zeros, grouped, raw, y, neg, sci)))",)],
        ["-p", "i", "5", "-p", "f", "2.5", "-p", "t", "True", "-p", "n", "None", "-p", "s", "some text", "-p", "lower", "true",
         "-p", "null", "null", "-p", "zeros", "007", "-p", "grouped", "1_000", "-r", "raw", "5",
         "-y", "y: {k: [1, 2.5, true, null, é]}", "-p", "neg", "-3", "-p", "sci", "1e3"]),
    "precedence": (
        [("a = 0\nb = 0\nc = 0\nd = ''", "parameters"), ("print(a, b, c, d)",)],
        ["-b", "YTogMQpiOiAxCmM6IDEKZDogMQo=", "-y", "{b: 2, c: 2, d: 2}", "-p", "c", "3", "-r", "d", "4"]),
    "ill-typed": ([("a: int = 1", "parameters"), ("print(a)",)], ["-p", "a", "text"]),
    "prepare-only": ([("a = 1", "parameters"), ("print(a)",)], ["-p", "a", "5", "--prepare-only"]),
    "report-mode": ([("a = 1", "parameters"), ("print(a)",)], ["-p", "a", "5", "--report-mode"]),
    "error": ([("x = 1",), ("1/0",), ("x",)], []),
    "raises-exception": ([("1/0", "raises-exception"), ("print('after')",)], []),
    "skip-execution": ([("1/0", "skip-execution"), ("print('after')",)], []),
    "input": ([("input('name? ')",), ("print('after')",)], []),
    "exit-0": ([("import sys\nsys.exit(0)",), ("print('after')",)], []),
    "exit-3": ([("import sys\nsys.exit(3)",), ("print('after')",)], []),
    "kernel-dies": ([("print('before')",), ("import os\nos.kill(os.getpid(), 9)",), ("print('after')",)], []),
    "timeout": ([("import time\ntime.sleep(20)",), ("print('after')",)], ["--execution-timeout", "1"]),
    "no-kernel": ([("1",)], ["-k", "there-is-none"]),
    "carriage-return": ([("print('a\\rb')\nimport sys\nprint('e', file=sys.stderr)",)], []),
}


def given(cells) -> nbformat.NotebookNode:
    made = v4.new_notebook(metadata={
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    })
    made.cells = [v4.new_markdown_cell("# Title", id="title")] + [
        v4.new_code_cell(source, id=f"cell-{number}", metadata={"tags": tags} if tags else {})
        for number, (source, *tags) in enumerate(cells, 1)
    ]
    return made


def steady(value, key=""):
    """The same for every run: times, durations, new ids and the places of files are replaced by what they are."""
    if isinstance(value, dict):
        return {name: steady(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [steady(item, key) for item in value]
    if key == "duration" and isinstance(value, float):
        return "SECONDS"
    if key == "id" and re.fullmatch(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}(-?[0-9a-f]+)?", str(value)):
        return "NEW-ID"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(\+00:00|Z)?", value):
        return "TIME"
    if isinstance(value, str):
        return re.sub(r"\S+/site-packages/(\S+?):\d+:", r"\1:", value)
    return value


def record(name: str, cells, options):
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(given(cells), folder / "in.ipynb")
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "in.ipynb").write_bytes((folder / "in.ipynb").read_bytes())
        done = subprocess.run(
            [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--no-progress-bar", *options],
            cwd=work, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL,
        )
        output = Path(work) / "out.ipynb"
        if output.exists():
            made = steady(json.loads(output.read_text("utf-8")))
            for part in ("codemirror_mode", "version"):
                made["metadata"].get("language_info", {}).pop(part, None)
            for cell in made["cells"]:
                for shown in cell.get("outputs", ()):
                    shown.pop("traceback", None)
            (folder / "out.ipynb").write_text(json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
    case = {"options": options, "exit": done.returncode, "output": output_exists(folder), "last_line": "".join(last)}
    (folder / "case.json").write_text(json.dumps(case, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    print(f"{name}: exit {done.returncode}", flush=True)


def output_exists(folder: Path) -> bool:
    return (folder / "out.ipynb").exists()


if __name__ == "__main__":
    assert version("papermill") == RECORDED, f"the record is papermill {RECORDED}'s, here is {version('papermill')}"
    for name, (cells, options) in CASES.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            record(name, cells, options)
