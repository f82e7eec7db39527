"""Notebooks that nobody here wrote put out the same as under nbclient, kernel and all.

They are papermill's own test notebooks, from the installed package.
"""

from pathlib import Path

import nbformat
import pytest
from conftest import Run
from test_outputs import normal

papermill = pytest.importorskip("papermill")
nbclient = pytest.importorskip("nbclient")
FOLDER = Path(papermill.__file__).parent / "tests/notebooks"

NAMES = [
    "binder", "blank-vscode", "broken1", "broken2", "complex_parameters", "line_magic_error", "nb_version_4.4",
    "no_parameters", "read_check", "result_no_exec", "simple_execute", "sysexit1", "test_logging",
]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_nbclient(tmp_path, name):
    theirs = nbformat.v4.upgrade(nbformat.read(FOLDER / f"{name}.ipynb", 4))
    # Banners of an earlier failure, which Parley removes.
    theirs.cells = [c for c in theirs.cells if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]
    theirs.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    done = Run(tmp_path, theirs).wait(50)
    try:
        nbclient.NotebookClient(theirs, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
        assert done.code == 0, done.stderr
    except nbclient.exceptions.CellExecutionError:
        assert done.code == 1
    mine = done.notebook
    reached = next((n for n, c in enumerate(mine.cells) if c.metadata.get("parley", {}).get("status") == "failed"), len(mine.cells))
    for number, cell in enumerate(mine.cells[: reached + 1]):
        if cell.cell_type == "code" and cell.source.strip():
            assert normal(cell.outputs) == normal(theirs.cells[number].outputs), number
