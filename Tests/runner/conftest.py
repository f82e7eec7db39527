"""Fixtures: a private home, notebooks made of cells, and runs of `parley run` with what they left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="parley-run-"))


def _private_environment():
    """Nothing that the tests start reads or writes the files of whoever runs them."""
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "XDG_", "JPY_", "IPYTHON", "PAPERMILL")) or name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            del os.environ[name]
    for name, place in {
        "HOME": "",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }.items():
        folder = HOME / place
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        os.environ[name] = str(folder)
    os.environ["PARLEY_PYTHON"] = sys.executable
    os.environ.setdefault("PARLEY_LANGUAGES", str(ROOT / "kernelspecs"))
    # ipykernel's own kernelspec, python3.
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix) / "share/jupyter")
    os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


_private_environment()


def pytest_sessionfinish(session, exitstatus):
    shutil.rmtree(HOME, ignore_errors=True)


def parley() -> str:
    return os.environ.get("PARLEY_BIN") or str(ROOT / ".build/release/parley")


def code(source: str, *tags: str, **metadata) -> nbformat.NotebookNode:
    return v4.new_code_cell(source, metadata={"tags": list(tags), **metadata} if tags or metadata else {})


def notebook(*cells, kernel: str | None = "parley", **metadata) -> nbformat.NotebookNode:
    made = v4.new_notebook(cells=[code(cell) if isinstance(cell, str) else cell for cell in cells])
    for number, cell in enumerate(made.cells, 1):
        cell.id = f"cell-{number}"
    if kernel:
        made.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    made.metadata.update(metadata)
    return made


class Run:
    """One `parley run` of a notebook, ended or not."""

    def __init__(self, folder: Path, made, *options, **more):
        self.folder = folder
        self.input = folder / "in.ipynb"
        self.output = folder / "out.ipynb"
        nbformat.write(made, self.input)
        command = [parley(), "run", self.input, self.output, "--result", folder / "result.json", *options]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, **more
        )

    def wait(self, limit: float = 30) -> Run:
        out, err = self.process.communicate(timeout=limit)
        self.stdout, self.stderr = out.decode(), err.decode()
        return self

    @property
    def code(self) -> int:
        return self.process.returncode

    @property
    def result(self) -> dict:
        return json.loads((self.folder / "result.json").read_text())

    @property
    def notebook(self) -> nbformat.NotebookNode:
        return valid(self.output)

    @property
    def statuses(self) -> list[str]:
        return [cell.metadata.parley.status for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def reason(self) -> str:
        return self.notebook.metadata.parley.reason

    def outputs(self, index: int) -> list:
        return self.notebook.cells[index].outputs

    def text(self, index: int, name: str = "stdout") -> str:
        return "".join(o.text for o in self.outputs(index) if o.output_type == "stream" and o.name == name)

    def until(self, file: str) -> Run:
        """Waits until a cell has made a file: the cell is running, or has passed that point."""
        deadline = time.monotonic() + 20
        while not (self.folder / file).exists():
            assert self.process.poll() is None, "the run has ended"
            assert time.monotonic() < deadline, f"no {file}"
            time.sleep(0.01)
        return self


def valid(path: Path) -> nbformat.NotebookNode:
    """The notebook in a file that must be whole, valid, and in the form that nbformat writes."""
    text = path.read_text("utf-8")
    read = nbformat.reads(text, as_version=4)
    nbformat.validate(read)
    assert text == nbformat.writes(read) + "\n"
    return read


@pytest.fixture
def start(tmp_path):
    runs = []

    def begin(*cells, options=(), kernel="parley", metadata=None, **more) -> Run:
        runs.append(Run(tmp_path, notebook(*cells, kernel=kernel, **(metadata or {})), *options, **more))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def run(start, tmp_path):
    def to_its_end(*cells, limit=30, **more) -> Run:
        return start(*cells, **more).wait(limit)

    to_its_end.folder = tmp_path
    return to_its_end
