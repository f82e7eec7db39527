"""`--keep-alive-on-failure`: a console attaches to a failed run, by jupyter_client."""

import re
import signal
import time
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient


class Kept:
    """A run that has failed and is kept: the process, and a client of its kernel."""

    def __init__(self, going):
        self.going = going
        self.told = ""
        for line in going.process.stderr:
            self.told += line.decode()
            if found := re.search(r"jupyter console --existing (\S+)", self.told):
                break
        else:
            raise AssertionError(self.told)
        self.file = Path(found[1])
        self.client = BlockingKernelClient(connection_file=str(self.file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=20)

    def execute(self, code: str) -> str:
        """What the code prints."""
        printed = []
        reply = self.client.execute_interactive(
            code,
            timeout=20,
            output_hook=lambda m: printed.append(m["content"]["text"]) if m["msg_type"] == "stream" else None,
        )
        assert reply["content"]["status"] == "ok", reply
        return "".join(printed)


@pytest.fixture
def keep(start):
    clients = []

    def attach(*cells, limit="60", options=(), **more) -> Kept:
        kept = Kept(start(*cells, options=["--keep-alive-on-failure", limit, *options], **more))
        clients.append(kept.client)
        return kept

    yield attach
    for client in clients:
        client.stop_channels()


def test_a_console_reads_a_variable_of_the_failed_run(keep):
    kept = keep("x = 41", "#!bash\ny=five", "1/0", "x = 0", options=["--report", "r.html"])
    # All is saved and told while the run is kept.
    assert kept.going.statuses == ["ok", "ok", "failed", "not_reached"]
    assert kept.going.result["reason"] == "user_error" and "ZeroDivisionError" in kept.told
    assert (kept.going.folder / "r.html").exists()
    saved = kept.going.output.read_bytes()
    assert kept.execute("print(x + 1)") == "42\n"
    assert kept.execute("#!bash\necho $y") == "five\n"
    kept.client.shutdown()
    assert kept.client.get_control_msg(timeout=10)["content"]["status"] == "ok"
    assert kept.going.process.wait(10) == 1
    assert kept.going.output.read_bytes() == saved and not kept.file.exists()
    assert sorted(p.name for p in kept.going.folder.iterdir()) == ["in.ipynb", "out.ipynb", "r.html", "result.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(keep, number):
    kept = keep("1/0", limit="0")
    kept.going.process.send_signal(number)
    assert kept.going.process.wait(10) == 1 and not kept.file.exists()
    assert kept.going.reason == "user_error"


def test_it_ends_in_time(keep):
    began = time.monotonic()
    kept = keep("1/0", limit="3s")
    assert "after 3 s" in kept.told + kept.going.process.stderr.readline().decode()
    assert kept.going.process.wait(20) == 1 and time.monotonic() - began >= 3


def test_a_question_reaches_the_console(keep):
    kept = keep("1/0")
    asked = kept.client.execute("print('hello ' + input('name? '))", allow_stdin=True)
    assert kept.client.get_stdin_msg(timeout=10)["content"]["prompt"] == "name? "
    kept.client.input("Ada")
    assert kept.client.get_shell_msg(timeout=10)["parent_header"]["msg_id"] == asked


def test_what_a_thread_still_prints_is_not_in_the_notebook(keep):
    kept = keep(
        "import threading, time\ngo = threading.Event()\n"
        "t = threading.Thread(target=lambda: (go.wait(), print('late', flush=True))); t.start()",
        "1/0",
    )
    saved = kept.going.output.read_bytes()
    kept.execute("go.set(); t.join()")
    kept.going.process.terminate()
    assert kept.going.process.wait(10) == 1 and kept.going.output.read_bytes() == saved


def test_a_cell_that_took_too_long_is_kept_too(keep):
    kept = keep("x = 1", "while True: x += 1", options=["--execution-timeout", "1"])
    assert int(kept.execute("print(x)")) > 1
    kept.going.process.terminate()
    assert kept.going.process.wait(10) == 124


@pytest.mark.parametrize("cell, code", [("1", 0), ("import os; os.kill(os.getpid(), 9)", 138)])
def test_what_has_no_failed_cell_or_no_language_is_not_kept(run, cell, code):
    done = run(cell, options=["--keep-alive-on-failure", "0"])
    assert done.code == code and "--existing" not in done.stderr


def test_a_foreign_kernel_is_kept_too(keep):
    pytest.importorskip("ipykernel")
    kept = keep("x = 41", "1/0", kernel="python3")
    assert kept.execute("print(x + 1)") == "42\n"
    kept.going.process.terminate()
    assert kept.going.process.wait(10) == 1
