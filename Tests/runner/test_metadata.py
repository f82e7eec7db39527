"""The records that others read: papermill's and nbclient's, beside our own."""

import datetime
import subprocess
import sys

import nbformat
import pytest
from conftest import code, notebook

CELLS = [nbformat.v4.new_markdown_cell("# title"), "x = 1", "", "x"]


def test_execution_times_are_those_of_nbclient(run):
    nbclient = pytest.importorskip("nbclient")
    theirs = notebook("1", kernel="python3")
    nbclient.NotebookClient(theirs, kernel_name="python3").execute()
    mine = run("1").notebook.cells[0].metadata.execution
    assert set(mine) == set(theirs.cells[0].metadata.execution)
    order = ["iopub.status.busy", "iopub.execute_input", "shell.execute_reply", "iopub.status.idle"]
    times = [datetime.datetime.fromisoformat(mine[name].replace("Z", "+00:00")) for name in order]
    assert times == sorted(times)


@pytest.fixture(scope="module")
def papermills(tmp_path_factory):
    pytest.importorskip("papermill")
    folder = tmp_path_factory.mktemp("papermill")
    for name, cells in {"ok": CELLS, "failed": ["x = 1", "1/0", "x"]}.items():
        nbformat.write(notebook(*cells, kernel="python3"), folder / f"{name}.ipynb")
        subprocess.run(
            [sys.executable, "-m", "papermill", f"{name}.ipynb", f"{name}-out.ipynb", "--no-progress-bar"],
            cwd=folder, capture_output=True, timeout=50,
        )
    return folder


def shape(value):
    """A record with what differs from run to run replaced by its type; times must have papermill's form."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, str):
        try:
            assert datetime.datetime.fromisoformat(value).utcoffset() == datetime.timedelta(0)
            return "a time"
        except ValueError:
            return value
    return "seconds" if isinstance(value, float) else value


def test_papermills_record_of_a_run(run, papermills):
    theirs = nbformat.read(papermills / "ok-out.ipynb", 4)
    mine = run(*CELLS).notebook
    ignoring = {"input_path", "output_path"}
    for record in (theirs.metadata.papermill, mine.metadata.papermill):
        for name in ignoring:
            assert record.pop(name).endswith(".ipynb")
    assert shape(mine.metadata.papermill) == shape(theirs.metadata.papermill)
    for ours, cell in zip(mine.cells, theirs.cells):
        assert shape(ours.metadata.papermill) == shape(cell.metadata.papermill)
        assert ours.metadata.tags == cell.metadata.tags


def test_papermills_record_of_a_failure(run, papermills):
    theirs = nbformat.read(papermills / "failed-out.ipynb", 4)
    cells = [c for c in theirs.cells if "papermill-error-cell-tag" not in c.metadata.tags]
    mine = run("x = 1", "1/0", "x").notebook
    assert mine.metadata.papermill.exception is theirs.metadata.papermill.exception is True
    for ours, cell in zip(mine.cells, cells, strict=True):
        assert shape(ours.metadata.papermill) == shape(cell.metadata.papermill)


def test_papermills_banners_are_removed(tmp_path, papermills):
    from conftest import Run

    done = Run(tmp_path, nbformat.read(papermills / "failed-out.ipynb", 4), "-k", "parley").wait()
    assert done.code == 1 and len(done.notebook.cells) == 3


def test_our_own_record(run):
    done = run("x = bytearray(50_000_000)", "sum(range(3_000_000))")
    own = done.notebook.metadata.parley
    assert {"version", "run_id", "kernel", "reason", "start_time", "end_time", "duration"} <= set(own)
    first, second = (cell.metadata.parley for cell in done.notebook.cells)
    assert first.peak_memory > 50_000_000
    assert 0 <= second.cpu_seconds < 10
    assert all(own.cpu_seconds == round(own.cpu_seconds, 2) for own in (first, second))


def test_settings_in_our_metadata_survive_a_run(run):
    done = run(code("1", parley={"execution_timeout": 20, "status": "old"}), metadata={"parley": {"run_timeout": 50}})
    assert done.notebook.cells[0].metadata.parley.execution_timeout == 20
    assert done.notebook.cells[0].metadata.parley.status == "ok"
    assert done.notebook.metadata.parley.run_timeout == 50


def test_language_info_is_the_kernels(run):
    info = run("1").notebook.metadata.language_info
    assert info.name == "python" and info.version == sys.version.split()[0]


# Which kernel runs a notebook

WHO = "import sys; print('ipykernel' in sys.modules)"


@pytest.mark.parametrize(
    "kernel, options, is_ipykernel",
    [
        ("python3", [], True), ("parley", [], False), ("parley-python", [], False), (None, [], False),
        ("python3", ["-k", "parley"], False), ("parley", ["-k", "python3"], True), ("python3", ["-k", "python"], False),
        ("gone", [], False),
    ],
)
def test_the_kernel(run, kernel, options, is_ipykernel):
    done = run(WHO, kernel=kernel, options=options)
    assert done.code == 0 and done.text(0) == f"{is_ipykernel}\n"
    assert ("not installed" in done.stderr) == (kernel == "gone")


def test_a_chosen_kernel_is_named_in_the_output(run):
    done = run("echo $((6 * 7))", kernel="python3", options=["-k", "bash"])
    assert done.text(0) == "42\n"
    assert done.notebook.metadata.kernelspec.name == "parley-bash"


def test_a_cell_of_the_notebooks_own_language_stays_with_its_kernel(run):
    done = run(code(WHO, vscode={"languageId": "python"}), code("echo hi", vscode={"languageId": "shellscript"}), kernel="python3")
    assert done.text(0) == "True\n" and done.text(1) == "hi\n"


def test_the_folder(run, tmp_path):
    (tmp_path / "there").mkdir()
    done = run("import os; print(os.getcwd())", options=["--cwd", "there"])
    assert done.code == 0 and done.text(0) == f"{tmp_path}/there\n"


def test_a_command_taken_out_is_a_comment_to_other_kernels(run):
    done = run("#!pip install something\nprint('ran')", "#!bash\necho bash", kernel="python3")
    assert done.code == 0, done.stderr
    assert done.text(0) == "ran\n" and done.text(1) == "bash\n"
    assert done.notebook.cells[0].source == "#!pip install something\nprint('ran')"


def test_a_kernels_name_is_no_path(tmp_path, run):
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "kernel.json").write_text('{"argv": ["touch", "ran"], "display_name": "E", "language": "python"}')
    done = run("1", kernel=f"../../../../../../../../../../..{folder}")
    assert "not installed" in done.stderr and not (tmp_path / "ran").exists()
