"""Notebooks that nobody here has written have the same outputs under Parley and under ipykernel.

They come out of source packages, see packages.txt. What is left out of the comparison is in ../parity/normalise.py;
differences that are meant are in DIFFERENCES.
"""

import difflib
import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity")]

import fetch  # noqa: E402
import peers  # noqa: E402
from normalise import Normaliser  # noqa: E402

pytestmark = pytest.mark.notebooks
NAMES = fetch.lines("notebooks.txt")

# Notebook -> the row of the table in docs/python.md. The outputs have to differ.
DIFFERENCES = json.loads((HERE / "differences.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def places():
    return fetch.notebooks()


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """Kernelspecs of both, in a home of their own."""
    home = tmp_path_factory.mktemp("home")
    for name, value in peers.environment(home).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    # The same chance and the same date for both.
    startup = Path(os.environ["IPYTHONDIR"]) / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "seed.py").write_text("import random, numpy\nrandom.seed(1)\nnumpy.random.seed(1)\n")
    (home / "matplotlibrc").write_text("svg.hashsalt: parity\n")
    os.environ.update(MATPLOTLIBRC=str(home / "matplotlibrc"), SOURCE_DATE_EPOCH="0")
    commands = {
        "parley": [peers.parley_binary(), "kernel", "-f", "{connection_file}"],
        "ipykernel": [*peers.IPYKERNEL, "{connection_file}"],
    }
    for name, argv in commands.items():
        folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / f"notebooks-{name}"
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": "python"}
        if name == "parley":
            spec["interrupt_mode"] = "message"
        (folder / "kernel.json").write_text(json.dumps(spec))
    return {name: f"notebooks-{name}" for name in commands}


def run(path: Path, kernel: str, folder: Path) -> list[str]:
    """Executes the notebook to its end; its outputs as lines."""
    shutil.copytree(path.parent, folder)
    notebook = nbformat.read(folder / path.name, as_version=4)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=100,
        allow_errors=True,
        coalesce_streams=True,  # how much a kernel sends at a time is a matter of speed
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    assert all(c.execution_count for c in notebook.cells if c.cell_type == "code" and c.source.strip()), "not run"
    normaliser = Normaliser()
    shown = [
        {"cell": number, "source": cell.source.splitlines()[:1], "output": normaliser.value(output)}
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    widgets = notebook.metadata.get("widgets", {})
    text = json.dumps([shown, normaliser.value(widgets)], indent=1, sort_keys=True, ensure_ascii=False)
    return text.split("\n")


@pytest.mark.parametrize("name", NAMES)
def test_same_outputs(name, places, kernels, tmp_path):
    # Both in a folder of the same name, for notebooks that print it.
    found = {
        kernel: run(places[name], spec, tmp_path / kernel / f"work-{kernel}") for kernel, spec in kernels.items()
    }
    difference = list(difflib.unified_diff(found["ipykernel"], found["parley"], lineterm="", n=1))
    if name in DIFFERENCES:
        assert difference, "listed, but there is no difference any more"
    else:
        assert not difference, "\n".join(difference)


def test_enough_notebooks():
    assert len(NAMES) >= 10
    assert set(DIFFERENCES) <= set(NAMES)
    table = (HERE.parents[1] / "docs" / "python.md").read_text("utf-8")
    assert all(f"| {row} |" in table for row in DIFFERENCES.values())
