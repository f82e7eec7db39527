"""`--report`: the executed notebook as a page, by the nbconvert of the user's Python."""

import base64
import html
import subprocess
import venv

import pytest
from conftest import parley
from nbformat import v4

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

pytest.importorskip("nbconvert")


def test_a_page(run):
    (run.folder / "pixel.png").write_bytes(base64.b64decode(PIXEL))
    done = run(v4.new_markdown_cell("![dot](pixel.png)"), "print('hé <b>')", options=["--report", "report.html"])
    page = (done.folder / "report.html").read_text("utf-8")
    assert done.code == 0 and page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert html.escape("hé <b>") in page and "<title>out.ipynb</title>" in page
    assert f"data:image/png;base64,{PIXEL}" in page and 'src="pixel.png"' not in page


def test_a_failed_run_has_one_too(run, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "sesame-1234")
    done = run("print(token)", "1/0", options=["--report", "r.html", "--secret", "token=env:API_TOKEN"])
    page = (done.folder / "r.html").read_text("utf-8")
    assert done.code == 1 and "ZeroDivisionError" in page
    assert "[secret token]" in page and "sesame-1234" not in page


def test_the_folder_of_the_cells_is_not_that_of_the_report(run):
    (run.folder / "sub").mkdir()
    done = run("1", options=["--report", "r.html", "--cwd", "sub"])
    assert done.code == 0 and (done.folder / "r.html").exists()


def test_without_nbconvert_the_run_is_what_it_was(run, tmp_path, monkeypatch):
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare/bin/python")
    monkeypatch.setenv("PARLEY_PYTHON", python)
    done = run("echo hi", options=["-l", "bash", "--report", "r.html", "--no-progress-bar"])
    assert done.code == 0 and done.text(0) == "hi\n" and not (done.folder / "r.html").exists()
    assert done.stderr == f"parley: no report: {python} has no nbconvert; install it: {python} -m pip install nbconvert\n"


def test_an_nbconvert_that_fails(run, monkeypatch):
    fake = run.folder / "python"
    fake.write_text("#!/bin/sh\necho 'ValueError: no' >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PARLEY_PYTHON", str(fake))
    done = run("echo hi; exit 1", "echo", options=["-l", "bash", "--report", "r.html"])
    assert f"parley: no report: nbconvert of {fake} ended with exit code 3: ValueError: no" in done.stderr
    assert done.code == done.result["exit_code"] != 0 and not (done.folder / "r.html").exists()


def test_a_page_that_cannot_be_written(run):
    done = run("1", options=["--report", "missing/r.html", "--no-progress-bar"])
    assert done.code == 0 and done.stderr.startswith("parley: no report: ") and "missing/r.html" in done.stderr


def test_one_standard_output():
    done = subprocess.run([parley(), "run", "in.ipynb", "-", "--report", "-"], capture_output=True, text=True)
    assert done.returncode == 64 and "cannot both be standard output" in done.stderr
