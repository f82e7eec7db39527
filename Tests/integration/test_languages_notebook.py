"""examples/languages.ipynb, which uses every language that ships, under the runners people use."""

import json
import subprocess

import nbformat
import pytest
from parley_client import REPOSITORY, parley_binary

NOTEBOOK = REPOSITORY / "examples" / "languages.ipynb"
# What each language's cells say, by the first word of the cell; no language may be missing.
SAID = {
    "python": ["<b>primes</b>", "129"],
    "bash": ["5 squared is 25", "Bash is still **cheerful**."],
    "sql": ["CREATE TABLE", "Neptune"],
    "javascript": ["04a322f90ce45e3d", "<svg"],
    "r": ["versicolor", "image/png"],
    "swift": ["5.0", "10.0"],
    "ruby": ["fig"],
    "perl": ["i=4 m=1 p=2 s=4"],
    "lua": ["1 1 2 3 5 8 13 21 34 55", "65"],
    "tcl": ["So Much To Say"],
    "java": ["Ada and Grace"],
    "octave": ["34 34 34 34", "ans = 3"],
    "echo": ["Good morning", "<i>from fifty lines of Perl</i>"],
}


def language(cell):
    first = cell.source.split("\n")[0]
    return first[2:].split()[0] if first.startswith("#!") else "python"


def said(notebook) -> dict:
    """All that the cells of each language have shown, as text."""
    found: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text = "".join(
                output["text"] if output.output_type == "stream" else json.dumps(output, ensure_ascii=False)
                for output in cell.outputs)
            found[language(cell)] = found.get(language(cell), "") + text
    return found


def check(notebook):
    nbformat.validate(notebook)
    found = said(notebook)
    assert set(found) == set(SAID)
    for name, parts in SAID.items():
        for part in parts:
            assert part in found[name], (name, found[name][:2000])
    assert not [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error"]


@pytest.fixture(scope="module", autouse=True)
def everything_is_installed():
    listed = json.loads(subprocess.run([parley_binary(), "languages", "--json"], capture_output=True, timeout=30).stdout)
    missing = [entry["name"] for entry in listed if entry["name"] in SAID and entry["status"] != "installed"]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}; make setup-languages")


def test_every_shipped_language_is_in_it():
    shipped = {path.parent.name for path in (REPOSITORY / "kernelspecs").glob("*/bridge.json")}
    assert {language(cell) for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"} == shipped == set(SAID)


@pytest.mark.timeout(300)
def test_nbclient(installed, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(
        notebook, kernel_name=installed, timeout=240, iopub_timeout=2, raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(tmp_path)}}).execute()
    check(notebook)


@pytest.mark.timeout(300)
def test_papermill(installed, tmp_path):
    import papermill

    papermill.execute_notebook(
        NOTEBOOK, tmp_path / "out.ipynb", kernel_name=installed, cwd=tmp_path, execution_timeout=240,
        progress_bar=False)
    check(nbformat.read(tmp_path / "out.ipynb", 4))


@pytest.mark.timeout(300)
def test_parley_run(installed, tmp_path):
    done = subprocess.run(
        [parley_binary(), "run", NOTEBOOK, tmp_path / "out.ipynb", "--cwd", tmp_path], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    check(nbformat.read(tmp_path / "out.ipynb", 4))
