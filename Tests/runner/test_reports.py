"""What a run tells while it goes: progress, output, events, the result."""

import json
import os
import pty
import subprocess

import nbformat
from conftest import code, notebook, parley


def test_the_result(run):
    done = run("1", "1/0", "2", options=["--run-id", "my-run"])
    result = done.result
    assert result["run_id"] == "my-run" == done.notebook.metadata.parley.run_id
    assert (result["reason"], result["exit_code"]) == ("user_error", 1)
    assert result["failed_cell"]["index"] == 1 and result["failed_cell"]["id"] == "cell-2"
    assert result["failed_cell"]["traceback"]
    assert [cell["status"] for cell in result["cells"]] == ["ok", "failed", "not_reached"]


def test_events_on_a_descriptor(start):
    reading, writing = os.pipe()
    going = start("print('hé')", options=["--events", f"fd:{writing}"], pass_fds=[writing])
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    assert going.wait().code == 0
    assert [e["event"] for e in events] == ["run_started", "cell_started", "output", "cell_ended", "run_ended"]
    assert events[2]["text"] == "hé\n" and events[3]["status"] == "ok" and events[4]["reason"] == "ok"


def test_output_is_logged_byte_for_byte(run):
    done = run(
        "import sys\nsys.stdout.write('a\\r50 %\\rno newline'); sys.stdout.flush()\nprint('wrong', file=sys.stderr)",
        options=["--log-output"],
    )
    assert done.stdout == "a\r50 %\rno newline" and done.stderr == "wrong\n"


def test_output_in_files(run):
    done = run(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        options=["--stdout-file", "o.txt", "--stderr-file", "e.txt"],
    )
    assert (done.folder / "o.txt").read_text() == "out\n"
    assert (done.folder / "e.txt").read_text() == "err\n"


def test_progress_in_a_log(run):
    done = run("# papermill_description=Load\nx = 1", code("1", "skip-execution"), code("x", name="Show"))
    lines = done.stderr.splitlines()
    assert lines[0].startswith("parley: [1/2] ok in ") and lines[0].endswith(": Load")
    assert lines[1].startswith("parley: [2/2] ok in ") and lines[1].endswith(": Show")


def test_no_progress(run):
    assert run("1", options=["--no-progress-bar"]).stderr == ""


def test_progress_on_a_terminal(tmp_path):
    nbformat.write(notebook("x = 1", "x"), tmp_path / "in.ipynb")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([parley(), "run", "in.ipynb", "out.ipynb"], stderr=theirs, cwd=tmp_path)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # how Linux says that the other end has closed
        pass
    assert process.wait(20) == 0
    assert b"2/2" in seen and b"\n" not in seen and seen.endswith(b"\r\x1b[K")


def test_a_reader_that_stops_reading_stops_nothing_for_ever(start):
    going = start("for n in range(100000): print('x' * 100)", options=["--log-output"])
    out, _ = going.process.communicate(timeout=40)
    assert going.code == 0 and len(out) == 100000 * 101


def test_a_reader_that_has_gone_is_no_failure(start):
    going = start("for n in range(20000): print('x' * 100)", options=["--log-output"])
    going.process.stdout.close()
    assert going.process.wait(30) == 0
