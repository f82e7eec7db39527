"""Interrupts: by message and by SIGINT to the process group, in every situation a cell can be in."""

import os
import re
import signal
import time

import pytest

from parley_client import alive, command_line, descendants, poll

SITUATIONS = {
    "sleep": "import time; print('in', flush=True); time.sleep(60)",
    "busy loop": "print('in', flush=True)\nwhile True: pass",
    "child process": "import subprocess; subprocess.run(['sh', '-c', 'echo in; sleep 61'])",
    "shell escape": "!echo in; sleep 62",
    "await": "import asyncio; print('in', flush=True); await asyncio.sleep(60)",
    "cell magic": "%%bash\necho in; sleep 63",
    "bash sleep": "#!bash\necho in; sleep 64",
    "bash loop": "#!bash\necho in; while :; do :; done",
    "bash pipeline": "#!bash\necho in; yes | sleep 65",
    "bash read": "#!bash\necho in; read -r x < <(sleep 66)",
}


def by_message(kernel, client):
    reply = client.ask("interrupt_request", channel="control", timeout=2)
    assert reply.type == "interrupt_reply" and reply.content["status"] == "ok"


def by_signal(kernel, client):
    os.killpg(os.getpgid(kernel.pid), signal.SIGINT)


HOW = pytest.mark.parametrize("interrupt", [by_message, by_signal], ids=["message", "signal"])


def enter(client, code, **kw):
    cell = client.execute(code, **kw)
    client.wait(cell, ("stream", "stdout", "in\n"), 15)
    return cell


def sleepers(kernel):
    """The sleep commands that a cell has started; each situation has a number of seconds of its own."""
    lines = [command_line(pid) for pid in descendants(kernel.pid) if alive(pid)]
    return [line for line in lines if re.match(r"sleep 6[1-9]\b", line)]


@HOW
@pytest.mark.parametrize("situation", SITUATIONS)
def test_ends_in_an_error(kernel, client, situation, interrupt):
    client.run("python_state = 1")
    client.run("#!bash\nbash_state=1")
    cell = enter(client, SITUATIONS[situation])
    if re.search(r"sleep', '6\d|sleep 6\d", SITUATIONS[situation]):
        poll(lambda: sleepers(kernel), 5, "the child of the cell")
    interrupt(kernel, client)
    run = client.finish(cell, 10)
    assert run.status == "error"
    assert [entry[0] for entry in run.outputs if entry[0] == "error"] == ["error"]
    assert run.transcript[-1] == "idle"
    assert client.run("python_state").outputs == [("execute_result", "1")]
    assert client.run("#!bash\necho $bash_state").outputs == [("stream", "stdout", "1\n")]
    poll(lambda: not sleepers(kernel), 2, "end of the interrupted cell's children")


@HOW
@pytest.mark.parametrize("situation", ["sleep", "busy loop", "await"])
def test_python_sees_keyboard_interrupt(kernel, client, situation, interrupt):
    cell = enter(client, SITUATIONS[situation])
    interrupt(kernel, client)
    run = client.finish(cell, 10)
    assert run.error["ename"] == run.reply.content["ename"] == "KeyboardInterrupt"


@HOW
def test_input(kernel, client, interrupt):
    cell = client.execute("input('? ')", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 10, "input_request")
    interrupt(kernel, client)
    assert client.finish(cell, 5).outputs == [("error", "KeyboardInterrupt")]
    assert client.run("1").outputs == [("execute_result", "1")]


@HOW
def test_idle(kernel, client, interrupt):
    """Nothing happens, and the next cell is not hit by it."""
    client.run("x = 1")
    client.run("#!bash\ny=1")
    for _ in range(5):
        interrupt(kernel, client)
    assert client.run("x").outputs == [("execute_result", "1")]
    assert client.run("#!bash\necho $y").outputs == [("stream", "stdout", "1\n")]
    assert kernel.is_running()


@HOW
def test_before_any_cell(launch, interrupt):
    kernel = launch()
    client = kernel.client()
    interrupt(kernel, client)
    assert client.run("1").outputs == [("execute_result", "1")]


@HOW
def test_once_is_once(kernel, client, interrupt):
    """The language gets one interrupt, not one by each way."""
    cell = enter(
        client,
        "import time\nhits, told, end = 0, False, time.time() + 1.5\n"
        "while time.time() < end:\n"
        "    try:\n"
        "        if not told: told = True; print('in', flush=True)\n"
        "        time.sleep(0.05)\n"
        "    except KeyboardInterrupt: hits += 1",
    )
    interrupt(kernel, client)
    client.finish(cell, 10)
    assert client.run("hits").outputs == [("execute_result", "1")]


@HOW
def test_caught_interrupt_leaves_the_cell_running(kernel, client, interrupt):
    cell = enter(
        client,
        "import time\ntry: print('in', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: print('caught')",
    )
    interrupt(kernel, client)
    assert client.finish(cell, 5).outputs == [("stream", "stdout", "in\ncaught\n")]


STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "print('in', flush=True)\nwhile True: time.sleep(1)"
)


@pytest.mark.slow
@HOW
def test_pressing_again_ends_what_ignores_the_interrupt(kernel, client, interrupt):
    """The language that will not stop is told on the first press and ended by the next ones."""
    client.run("#!bash\nkept=1")
    cell = enter(client, STUBBORN)
    interrupt(kernel, client)
    client.wait(cell, ("stream", "stderr", "interrupt again"), 10)
    for _ in range(3):
        interrupt(kernel, client)
        client.pump(1, ("shell",))
        if client.replies(cell):
            break
    run = client.finish(cell, 10)
    assert run.status == "error" and [entry[0] for entry in run.outputs].count("error") == 1
    text = "\n".join(run.error["traceback"])
    assert "the third one ended it" in text and "memory has run out" not in text
    assert client.run("1").outputs == [("execute_result", "1")]
    assert client.run("#!bash\necho $kept").outputs == [("stream", "stdout", "1\n")]


def test_twice_at_once(kernel, client):
    cell = enter(client, SITUATIONS["sleep"])
    for _ in range(2):
        client.send("control", "interrupt_request")
    assert client.finish(cell, 10).status == "error"
    client.until(lambda: len(client.received["control"]) == 2, 5, "two interrupt replies")
    assert client.run("1").outputs == [("execute_result", "1")]


def test_queued_cells_are_not_run(client):
    cell = enter(client, SITUATIONS["sleep"])
    queued = [client.execute("print('ran')") for _ in range(3)]
    client.ask("interrupt_request", channel="control")
    client.finish(cell)
    for msg_id in queued:
        run = client.finish(msg_id)
        assert run.status == "error" and run.text() == ""


def test_rest_of_a_bash_cell_is_not_run(client):
    cell = enter(client, "#!bash\necho in; sleep 60; echo after")
    client.ask("interrupt_request", channel="control")
    run = client.finish(cell)
    assert run.status == "error" and run.text() == "in\n"


def test_twenty_in_a_row(kernel, client):
    for i in range(20):
        cell = enter(client, SITUATIONS["sleep" if i % 2 else "busy loop"])
        by_message(kernel, client)
        assert client.finish(cell, 5).outputs[-1] == ("error", "KeyboardInterrupt")
    assert client.run("1").outputs == [("execute_result", "1")]


def test_is_fast(kernel, client):
    took = []
    for _ in range(5):
        cell = enter(client, SITUATIONS["sleep"])
        began = time.monotonic()
        by_message(kernel, client)
        client.finish(cell)
        took.append(time.monotonic() - began)
    assert sorted(took)[2] < 0.25


def test_only_the_language_that_runs_is_interrupted(kernel, client):
    """A background job of bash survives the interrupt of a Python cell."""
    client.run("#!bash\nsleep 70 & echo $! > job.txt")
    cell = enter(client, SITUATIONS["sleep"])
    by_message(kernel, client)
    client.finish(cell)
    run = client.run("#!bash\nkill -0 $(cat job.txt) && echo alive; kill $(cat job.txt); rm job.txt")
    assert run.text() == "alive\n"


def test_through_the_kernel_manager(managed):
    kernel = managed("python")
    msg_id = kernel.client.execute("import time; time.sleep(60)")
    time.sleep(0.3)
    kernel.manager.interrupt_kernel()
    while (reply := kernel.client.get_shell_msg(timeout=10))["parent_header"]["msg_id"] != msg_id:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
