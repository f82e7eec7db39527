"""Every ending has its reason, its exit code and the truth about each cell."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import code, parley

# Once the guard is gone too, the runner knows that the language has ended.
KILL = """#!bash
read -r _ _ _ guard _ < /proc/$(cat pid)/stat
kill -9 $(cat pid)
while kill -0 $guard 2>/dev/null; do sleep 0.01; done"""
SLEEP = "open('begun', 'w').close()\nimport time\ntime.sleep(60)"


def test_ok(run):
    done = run("x = 1", "x + 1")
    assert done.code == 0 and done.reason == "ok"
    assert done.statuses == ["ok", "ok"]
    assert done.outputs(1)[0].data["text/plain"] == "2"


def test_user_error(run):
    done = run("x = 1", "1/0", "print('never')")
    assert done.code == 1 and done.reason == "user_error"
    assert done.statuses == ["ok", "failed", "not_reached"]
    assert done.outputs(1)[0].ename == "ZeroDivisionError"
    assert done.outputs(2) == []
    assert done.result["failed_cell"]["ename"] == "ZeroDivisionError"
    assert "cell 2 (cell-2, In [2])" in done.stderr and "1/0" in done.stderr
    assert "\x1b" not in done.stderr


def test_raises_exception_lets_a_cell_fail(run):
    done = run(code("1/0", "raises-exception"), "print('goes on')")
    assert done.code == 0 and done.statuses == ["ok", "ok"]
    assert done.outputs(0)[0].output_type == "error"
    assert done.text(1) == "goes on\n"


def test_raises_exception_lets_a_language_die(run):
    done = run("kept = 42", code("#!bash\nkill -9 $$", "raises-exception"), "#!bash\necho back", "kept")
    assert done.code == 0 and done.statuses == ["ok", "ok", "ok", "ok"]
    assert done.outputs(1)[0].ename == "BackendTerminated"
    assert done.text(2) == "back\n" and done.outputs(3)[0].data["text/plain"] == "42"


def test_skip_execution_leaves_a_cell_out(run):
    done = run(code("1/0", "skip-execution"), "print('goes on')")
    assert done.code == 0 and done.statuses == ["skipped", "ok"]
    assert done.notebook.cells[0].execution_count is None and done.outputs(0) == []


@pytest.mark.parametrize("end", ["import sys; sys.exit()", "import sys; sys.exit(0)"])
def test_a_notebook_may_end_itself(run, end):
    done = run(end, "print('never')")
    assert done.code == 0 and done.reason == "ok"
    assert done.statuses == ["ok", "not_reached"]


def test_exit_with_a_code_is_an_error(run):
    done = run("import sys; sys.exit(3)", "print('never')")
    assert done.code == 1 and done.statuses == ["failed", "not_reached"]


def test_a_killed_kernel(run):
    done = run("x = 1", "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)", "x")
    assert done.code == 138 and done.reason == "kernel_died"
    assert done.statuses == ["ok", "died", "not_reached"]
    assert done.text(1) == "last words\n"
    assert "signal 9" in done.outputs(1)[-1].evalue


def test_a_killed_proxied_kernel(run):
    done = run("import os\nos._exit(7)", "x", kernel="python3")
    assert done.code == 138 and done.statuses == ["died", "not_reached"]


@pytest.mark.parametrize("tags", [(), ("raises-exception",)], ids=["plain", "raises-exception"])
def test_a_language_that_died_between_its_cells(run, tags):
    """Its next cell would run without what the earlier ones have made, and might even succeed."""
    first = "import os\nx = 1\nwith open('pid', 'w') as file: _ = file.write(str(os.getpid()))"
    done = run(first, KILL, code("print('x' in globals())", *tags), "print('never')")
    assert done.statuses == ["ok", "ok", "died", "not_reached"]
    assert done.code == 138 and done.reason == "kernel_died"
    (error,) = done.outputs(2)
    assert error.ename == "BackendStateLost" and "signal 9" in error.evalue


@pytest.fixture
def memory_group():
    """A control group of version 1 with 150 MB of memory, for whoever joins it."""
    path = Path(f"/sys/fs/cgroup/memory/parley-test-{os.getpid()}")
    try:
        path.mkdir()
        (path / "memory.limit_in_bytes").write_text("150000000")
    except OSError:
        pytest.skip("memory groups can only be made by root, with cgroup v1")
    yield path
    path.rmdir()


def test_out_of_memory_is_named(run, memory_group):
    done = run(
        "x = 1", "hog = bytearray(400_000_000)", "x",
        preexec_fn=lambda: (memory_group / "cgroup.procs").write_text(str(os.getpid())),
    )
    assert done.code == 137 and done.reason == "oom"
    assert done.statuses == ["ok", "died", "not_reached"]


def test_a_kernel_that_does_not_start(tmp_path, start):
    folder = tmp_path / "jupyter/kernels/broken"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({"argv": ["false", "{connection_file}"], "display_name": "Broken", "language": "x"})
    )
    done = start("1", "2", kernel="broken", env={**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter")}).wait()
    assert done.code == 69 and done.reason == "start_failed"
    assert done.statuses == ["failed", "not_reached"]


def test_a_kernel_that_never_answers(tmp_path, start):
    folder = tmp_path / "jupyter/kernels/mute"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({"argv": ["sleep", "60"], "display_name": "Mute", "language": "x"})
    )
    env = {**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter")}
    done = start("1", kernel="mute", env=env, options=["--start-timeout", "1"]).wait(10)
    assert done.code == 69 and done.reason == "start_failed"
    assert "did not start within 1 s" in done.stderr and done.statuses == ["not_reached"]


def test_input_is_refused(run):
    done = run("input('name? ')")
    assert done.code == 1
    assert done.outputs(0)[-1].ename == "StdinNotImplementedError"


# Limits of time


@pytest.mark.parametrize(
    "cell, options",
    [
        (code(SLEEP), ["--execution-timeout", "0.5"]),
        (code(SLEEP, "timeout=0.5"), ["--execution-timeout", "50"]),
        (code(SLEEP, parley={"execution_timeout": 0.5}), []),
    ],
    ids=["option", "tag", "metadata"],
)
def test_a_cell_that_takes_too_long(run, cell, options):
    done = run("x = 1", cell, "x", options=options)
    assert done.code == 124 and done.reason == "timeout_cell"
    assert done.statuses == ["ok", "timed_out", "not_reached"]
    assert [o.ename for o in done.outputs(1)] == ["KeyboardInterrupt", "CellTimeoutError"]
    assert "0.5 s" in done.outputs(1)[-1].evalue
    assert done.notebook.cells[1].metadata.papermill.status == "failed"
    assert done.notebook.cells[2].metadata.papermill.status == "pending"


def test_a_cell_that_ignores_interrupts_is_killed(run):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    done = run(stubborn, options=["--execution-timeout", "0.5"])
    assert done.code == 124 and done.statuses == ["timed_out"]


@pytest.mark.parametrize("place", ["option", "metadata"])
def test_a_run_that_takes_too_long(run, place):
    how = {"options": ["--run-timeout", "2"]} if place == "option" else {"metadata": {"parley": {"run_timeout": 2}}}
    done = run("x = 1", SLEEP, "x", **how)
    assert done.code == 123 and done.reason == "timeout_run"
    assert done.statuses == ["ok", "timed_out", "not_reached"]


def test_a_tag_that_is_no_time(run):
    done = run(code("1", "timeout=soon"))
    assert done.code == 65 and not done.output.exists()
    assert 'the tag "timeout=soon" of cell cell-1 is no time' in done.stderr


# Signals


@pytest.mark.parametrize("number, expected", [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_saves_what_there_is(start, number, expected):
    going = start("print('done')", "print('half', flush=True)\n" + SLEEP, "print('never')").until("begun")
    going.process.send_signal(number)
    done = going.wait(10)
    assert done.code == expected and done.reason == "cancelled"
    assert done.statuses == ["ok", "interrupted", "not_reached"]
    assert done.text(0) == "done\n" and done.text(1) == "half\n"
    assert done.result["exit_code"] == expected
    assert not list(done.folder.glob("out.ipynb.*"))


def test_a_signal_ends_a_cell_that_ignores_interrupts(start):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nopen('begun', 'w').close()\nwhile True: pass"
    going = start(stubborn).until("begun")
    going.process.terminate()
    done = going.wait(10)
    assert done.code == 143 and done.statuses == ["interrupted"]


def test_a_second_signal_waits_for_nothing(start):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nopen('begun', 'w').close()\nwhile True: pass"
    going = start(stubborn).until("begun")
    going.process.terminate()
    going.process.terminate()
    assert going.wait(10).code == 143 and going.statuses == ["interrupted"]


def test_a_signal_while_the_input_is_read(tmp_path):
    process = subprocess.Popen(
        [parley(), "run", "-", "out.ipynb"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    time.sleep(0.5)
    process.terminate()
    assert process.wait(5) == 143
    assert b"SIGTERM asked for the end" in process.stderr.read()
    process.stdin.close()
    assert not list(tmp_path.iterdir())


def test_no_process_is_left(start):
    going = start("import os\nopen('pid', 'w').write(str(os.getpid()))\n" + SLEEP).until("begun")
    going.process.send_signal(signal.SIGTERM)
    done = going.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(int((done.folder / "pid").read_text()), 0)
