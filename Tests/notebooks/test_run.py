"""Notebooks that nobody here has written put out the same under `parley run` as under nbclient with ipykernel.

Once in Parley's own Python, and once, where a notebook names ipykernel's kernelspec, in ipykernel through Parley's
proxy. Both stop at the first cell that fails. run_differences.json has the differences that are meant, with the reason.
"""

import collections
import difflib
import json
import os
import shutil
import subprocess

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from test_notebooks import HERE, Normaliser, fetch, kernels, peers, places  # noqa: F401
from normalise import UUID  # isort: skip

pytestmark = pytest.mark.notebooks
MORE = [
    "nbconvert-7.17.2/tests/files/notebook4_jpeg.ipynb",
    "nbconvert-7.17.2/tests/preprocessors/files/HelloWorld.ipynb",
    "nbconvert-7.17.2/tests/exporters/files/notebook3.ipynb",
    "nbconvert-7.17.2/tests/exporters/files/notebook_inject.ipynb",
    "nbval-0.11.0/tests/exceptions.ipynb",
    "nbval-0.11.0/tests/ipynb-test-samples/test-exceptions-fail-storedmismatch.ipynb",
    "nbval-0.11.0/tests/ipynb-test-samples/test-stream-fail-missingoutput.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/broken.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/line_magic_error.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/nb_version_4.4.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/sysexit0.ipynb",
]
NAMES = fetch.lines("notebooks.txt") + MORE
# One of each kind: text, errors, widgets, pictures, LaTeX, an exit.
PROXIED = [
    "nbconvert-7.17.2/tests/files/Unexecuted_widget_2.ipynb",
    "nbconvert-7.17.2/tests/files/notebook_tags.ipynb",
    "nbconvert-7.17.2/tests/exporters/files/svg.ipynb",
    "nbval-0.11.0/tests/latex-example.ipynb",
    "nbval-0.11.0/tests/test_coalesce.ipynb",
    "nbval-0.11.0/tests/exceptions.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/complex_parameters.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/simple_execute.ipynb",
    "papermill-2.7.0/papermill/tests/notebooks/systemexit.ipynb",
]
CASES = [(name, "own") for name in NAMES] + [(name, "proxied") for name in PROXIED]

# "name (own)" or "name (proxied)" -> the reason. The outputs have to differ.
DIFFERENCES = json.loads((HERE / "run_differences.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def specs(kernels):  # noqa: F811
    """ipykernel under the name that most notebooks give, for Parley and for nbclient."""
    folder = os.path.join(os.environ["JUPYTER_DATA_DIR"], "kernels")
    shutil.copytree(os.path.join(folder, kernels["ipykernel"]), os.path.join(folder, "python3"), dirs_exist_ok=True)


@pytest.fixture(scope="session")
def theirs(places, specs, tmp_path_factory):  # noqa: F811
    """name -> what nbclient has found, each notebook run once."""
    found = {}

    def outcome(name):
        if name not in found:
            folder = tmp_path_factory.mktemp("nbclient") / "work-ipykernel"
            notebook = prepared(fetch.CACHE / name, folder)
            client = NotebookClient(
                notebook, kernel_name="python3", timeout=100, coalesce_streams=True,
                resources={"metadata": {"path": str(folder)}},
            )
            try:
                client.execute()
                failed = False
            except CellExecutionError:
                failed = True
            found[name] = failed, lines(notebook)
        return found[name]

    return outcome


def prepared(path, folder):
    """A copy of the notebook and of what is beside it, without outputs."""
    shutil.copytree(path.parent, folder)
    notebook = nbformat.read(folder / path.name, as_version=4)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def lines(notebook):
    """All that the cells put out, comparable."""
    normaliser = Normaliser()
    shown = [
        {"cell": number, "count": cell.execution_count, "outputs": [normaliser.value(o) for o in cell.outputs]}
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]
    widgets = [
        {"type": media_type, "state": models(saved["state"], normaliser)}
        for media_type, saved in notebook.metadata.get("widgets", {}).items()
    ]
    return json.dumps([shown, widgets], indent=1, sort_keys=True, ensure_ascii=False).split("\n")


def models(state, normaliser):
    """The models of widgets, whose ids are chance and order the file: those that look like no other come first and
    number the ids they refer to, by which the others, mostly layouts, are then told apart."""
    def looks(entry):
        return UUID.sub("", json.dumps(entry[1], sort_keys=True))

    count = collections.Counter(map(looks, state.items()))
    ordered = sorted(state.items(), key=lambda entry: (count[looks(entry)] > 1, looks(entry)))
    unique = [(i, json.loads(json.dumps(m, sort_keys=True))) for i, m in ordered if count[looks((i, m))] == 1]
    for model_id, model in unique:
        normaliser.value({model_id: model})
    return normaliser.value(dict(ordered))


@pytest.mark.parametrize("name, kernel", CASES)
def test_same_outputs_as_nbclient(name, kernel, places, theirs, tmp_path):  # noqa: F811
    failed, expected = theirs(name)
    folder = tmp_path / "work-parley"
    notebook = prepared(fetch.CACHE / name, folder)
    if kernel == "proxied":
        assert notebook.metadata.kernelspec.name == "python3", "the notebook names another kernel"
    nbformat.write(notebook, folder / "in.ipynb")
    ours = subprocess.run(
        [peers.parley_binary(), "run", "in.ipynb", "out.ipynb", "--no-progress-bar",
         "--execution-timeout", "100", *(["-k", "parley"] if kernel == "own" else [])],
        cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )
    written = nbformat.read(folder / "out.ipynb", as_version=4)
    nbformat.validate(written)
    assert written.metadata.parley.kernel == ("python3" if kernel == "proxied" else "parley")
    difference = list(difflib.unified_diff(expected, lines(written), "nbclient", "parley run", lineterm="", n=1))
    case = f"{name} ({kernel})"
    if case in DIFFERENCES:
        assert difference, "listed, but there is no difference any more"
        return
    assert not difference, "\n".join(difference) + ours.stderr
    # To end itself with success is no failure to `parley run`.
    ended = any(o.get("ename") == "SystemExit" for c in written.cells for o in c.get("outputs", ()))
    assert ended or ours.returncode == failed, ours.stderr


def test_enough_notebooks():
    assert len(set(NAMES)) >= 20
    assert set(DIFFERENCES) <= {f"{name} ({kernel})" for name, kernel in CASES}
    assert all(DIFFERENCES.values()), "each difference has its reason"
