"""papermill's command line, by `--compat papermill` and by its name; papermill itself says what is right."""

import os
import subprocess
import sys

import nbformat
import pytest
from conftest import code, notebook, parley, valid

TAGGED = code("a = 1\nb = 'x'", "parameters")


@pytest.fixture
def papermill(tmp_path):
    """Runs a command line of papermill's through a link of that name."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/papermill").symlink_to(parley())

    def call(*arguments, cells=(TAGGED, "print(repr([a, b]))"), kernel="parley", **more):
        nbformat.write(notebook(*cells, kernel=kernel), tmp_path / "in.ipynb")
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            ["papermill", *arguments], executable=tmp_path / "bin/papermill", cwd=tmp_path, capture_output=True,
            timeout=40, **more,
        )  # fmt: skip

    call.folder = tmp_path
    return call


def last(folder, name="out.ipynb"):
    return valid(folder / name).cells[-1].outputs[0].text.strip()


EVERYTHING = [
    "in.ipynb", "out.ipynb", "-p", "a", "5", "-r", "b", "7", "--engine", "nbclient", "--no-request-save-on-cell-execute",
    "--autosave-cell-every", "10", "--prepare-execute", "--cwd", ".", "--no-progress-bar", "--log-output",
    "--stdout-file", "stdout", "--stderr-file", "stderr", "--log-level", "DEBUG", "--start-timeout", "30",
    "--execution-timeout", "20", "--no-report-mode", "-l", "python",
]  # fmt: skip


def test_the_whole_command_line(papermill):
    ended = papermill(*EVERYTHING)
    assert ended.returncode == 0, ended.stderr
    assert last(papermill.folder) == "[5, '7']" == (papermill.folder / "stdout").read_text().strip()


def test_maestros_command(papermill):
    (papermill.folder / "init").mkdir()
    extra = '{"a": 5, "attempt_number": 1, "criticality": "low", "StepTimeout": "1h", "owner": {"name": "x"}}'
    ended = papermill("in.ipynb", "out.ipynb", "-y", extra, "--log-output", "--start_timeout", "600")
    assert ended.returncode == 0 and last(papermill.folder) == "[5, 'x']"
    assert b"does not declare all parameters: attempt_number, criticality, StepTimeout, owner" in ended.stderr
    assert valid(papermill.folder / "out.ipynb").metadata.papermill.parameters.owner == {"name": "x"}


def test_by_option(run):
    ended = run(TAGGED, "print(a, zz)", options=("--compat", "papermill", "-p", "a", "2", "-p", "zz", "3"))
    assert ended.code == 0 and ended.text(2) == "2 3\n"


@pytest.mark.parametrize("arguments", [["in.ipynb", "--nosuch"], ["in.ipynb", "out.ipynb", "-p", "a"]])
def test_wrong_usage_is_2(papermill, arguments):
    assert papermill(*arguments).returncode == 2


def test_everything_that_fails_is_1_and_a_dead_kernel_138(papermill):
    assert papermill("nosuch.ipynb", "out.ipynb").returncode == 1
    assert papermill("in.ipynb", "out.ipynb", cells=["1/0"]).returncode == 1
    assert papermill("in.ipynb", "out.ipynb", "-k", "nosuch").returncode == 1
    assert papermill("in.ipynb", "out.ipynb", "--execution-timeout", "1", cells=["while True: pass"]).returncode == 1
    assert papermill("in.ipynb", "out.ipynb", cells=["import os; os._exit(1)"]).returncode == 138
    assert papermill("in.ipynb", "{nosuch}.ipynb").returncode == 1
    assert papermill("in.ipynb", "out.ipynb", "-y", "[").returncode == 1


def test_a_failure_is_shown_as_papermill_shows_it(papermill):
    pytest.importorskip("papermill")
    cells = ["x = 1", "1/0", "x"]
    ended = papermill("in.ipynb", "out.ipynb", cells=cells, kernel="python3")
    subprocess.run(
        [sys.executable, "-m", "papermill", "in.ipynb", "theirs.ipynb"], cwd=papermill.folder, capture_output=True,
        timeout=40,
    )  # fmt: skip
    mine, theirs = valid(papermill.folder / "out.ipynb"), nbformat.read(papermill.folder / "theirs.ipynb", 4)
    assert ended.returncode == 1
    assert [(cell.cell_type, cell.source) for cell in mine.cells] == [(c.cell_type, c.source) for c in theirs.cells]
    assert [cell.metadata.tags for cell in mine.cells] == [cell.metadata.tags for cell in theirs.cells]
    # A further run starts without them.
    again = papermill("out.ipynb", "again.ipynb", cells=cells)
    assert again.returncode == 1 and len(valid(papermill.folder / "again.ipynb").cells) == 5


def test_pipes_stand_for_the_notebook(papermill):
    text = nbformat.writes(notebook(TAGGED, "print(a)"))
    piped = papermill("-p", "a", "4", stdin=None, input=text.encode())
    assert nbformat.reads(piped.stdout.decode(), 4).cells[-1].outputs[0].text == "4\n"
    papermill("out.ipynb", "-p", "a", "5", stdin=None, input=text.encode())
    assert last(papermill.folder) == "5"
    alone = papermill("in.ipynb")
    assert nbformat.reads(alone.stdout.decode(), 4).cells[-1].outputs[0].text == "[1, 'x']\n"


def test_paths_are_format_strings(papermill):
    assert papermill("in.ipynb", "{b}-{a:03d}-{{x}}-{pm[current_datetime_utc]:%Y}.ipynb", "-p", "a", "5", "-p", "b", "y")
    (made,) = papermill.folder.glob("y-*.ipynb")
    assert made.name.startswith("y-005-{x}-2")
    ended = papermill("in.ipynb", "{nosuch}.ipynb")
    assert ended.returncode == 1 and b'"nosuch", which is missing' in ended.stderr


def test_help_notebook(papermill):
    assert b"a: int (default 1)" in papermill("in.ipynb", "--help-notebook").stdout
    without = papermill("in.ipynb", "--help-notebook", cells=["1"])
    assert without.returncode == 1 and b"No cell tagged 'parameters'" in without.stdout


def test_help_and_version(papermill):
    assert papermill("--help").returncode == 0 and b"--parameters_yaml" in papermill("--help").stdout
    assert papermill("--version").returncode == 0


def test_a_terminal_is_no_notebook(papermill):
    main, side = os.openpty()
    ended = papermill(stdin=side)
    os.close(main)
    os.close(side)
    assert ended.returncode == 2 and b"IN is missing" in ended.stderr
