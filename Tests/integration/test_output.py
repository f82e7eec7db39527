"""Output: every byte, in order, of the right cell, whoever reads slowly or not at all."""

import threading
import time

import pytest
import zmq

from parley_client import endpoint, resident

# --- order ---


def test_stdout_and_stderr_interleave_exactly(client):
    run = client.run("import sys\nfor i in range(100): print(f'o{i}'); print(f'e{i}', file=sys.stderr)")
    expected = []
    for i in range(100):
        expected += [("stream", "stdout", f"o{i}\n"), ("stream", "stderr", f"e{i}\n")]
    assert run.outputs == expected


def test_print_display_print(client):
    run = client.run(
        "from IPython.display import display\nfor i in range(200): print(f'a{i}'); display(i); print(f'b{i}')"
    )
    expected = [("stream", "stdout", "a0\n")]
    for i in range(200):
        following = f"b{i}\n" + (f"a{i + 1}\n" if i < 199 else "")
        expected += [("display_data", str(i)), ("stream", "stdout", following)]
    assert run.outputs == expected


def test_order_holds_without_newlines_and_flushes(client):
    run = client.run(
        "import sys\nfrom IPython.display import display\n"
        "for i in range(50): sys.stdout.write('o'); sys.stderr.write('e'); display(i)"
    )
    expected = []
    for i in range(50):
        expected += [("stream", "stdout", "o"), ("stream", "stderr", "e"), ("display_data", str(i))]
    assert run.outputs == expected


# --- children ---


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('echo child; echo oops >&2')",
        "import subprocess; subprocess.run('echo child; echo oops >&2', shell=True)",
        "#!bash\necho child; echo oops >&2",
        "#!bash\nsh -c 'echo child; echo oops >&2'",
    ],
    ids=["os.system", "subprocess", "bash", "sh"],
)
def test_output_of_a_child(client, code):
    run = client.run(code)
    assert run.text() == "child\n"
    assert run.text("stderr") == "oops\n"


def test_output_of_a_child_stands_where_it_was_made(client):
    run = client.run("import os\nfor i in range(20): print('a', i); os.system(f'echo b {i}'); print('c', i)")
    assert run.text() == "".join(f"a {i}\nb {i}\nc {i}\n" for i in range(20))


def test_output_of_c_code(client):
    run = client.run("import ctypes; c = ctypes.CDLL(None); print('1'); c.puts(b'2'); c.fflush(None); print('3')")
    assert run.text() == "1\n2\n3\n"


def test_raw_descriptors(client):
    run = client.run("import os; os.write(1, b'one'); os.write(2, b'two')")
    assert (run.text(), run.text("stderr")) == ("one", "two")


def test_children_inherit_nothing_of_the_bridge(client):
    code = "import subprocess; print(subprocess.run(['ls', '/proc/self/fd'], close_fds=False, stdout=-1).stdout.decode())"
    # 0, 1, 2 and the one that ls has opened.
    assert client.run(code).text().split() == ["0", "1", "2", "3"]
    assert client.run("#!bash\nls /proc/self/fd").text().split() == ["0", "1", "2", "3"]


# --- text ---


def test_three_byte_characters(client):
    text = "語" * 3000
    assert client.run("print('語' * 3000)").text() == text + "\n"
    assert client.run("import os; os.write(1, ('語' * 3000).encode());").text() == text
    assert client.run("import os; os.system(\"printf '語%.0s' $(seq 3000)\");").text() == text
    assert client.run("#!bash\nprintf '語%.0s' $(seq 3000)").text() == text


def test_character_in_pieces(client):
    run = client.run(
        "import os, time\nfor piece in '語😀'.encode(): os.write(1, bytes([piece])); time.sleep(0.05)"
    )
    assert run.text() == "語😀"


def test_invalid_bytes_are_replaced_and_the_rest_is_whole(client):
    run = client.run("import os; os.write(1, b'a\\xff\\xfeb\\xe8\\xaa' + '語'.encode() + b'\\xc3')")
    assert run.text().replace("\ufffd", "").endswith("語")
    assert run.text().startswith("a\ufffd") and "b" in run.text()
    assert client.run("print('ok')").text() == "ok\n"


def test_carriage_returns_and_escapes_pass(client):
    text = "10%\r20%\r\x1b[31mred\x1b[0m\b\a\x0c\x00end"
    assert client.run(f"print({text!r}, end='')").text() == text


def test_binary_noise_from_a_child(client):
    run = client.run("#!bash\nhead -c 300000 /dev/urandom")
    assert run.status == "ok" and run.transcript[-1] == "idle"


# --- threads ---


def test_threads_write_into_the_cell_that_started_them(client):
    first = client.run(
        "import threading, time, sys\n"
        "def talk():\n"
        "    for i in range(20): print(f't{i}'); time.sleep(0.02)\n"
        "worker = threading.Thread(target=talk); worker.start()"
    )
    second = client.run("for i in range(10): print(f'm{i}'); time.sleep(0.02)\nworker.join()")
    client.wait(first.msg_id, ("stream", "stdout", "t19\n"))
    assert client.transcript(first.msg_id)[2:] and first.text() == "".join(f"t{i}\n" for i in range(20))
    assert second.text() == "".join(f"m{i}\n" for i in range(10))


def test_lines_of_many_threads_are_whole(client):
    run = client.run(
        "import threading, sys\n"
        "def talk(n):\n"
        "    for i in range(200): sys.stdout.write(f'{n}:{i}\\n')\n"
        "ts = [threading.Thread(target=talk, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts];"
    )
    by_thread = {str(n): [] for n in range(8)}
    for line in run.text().splitlines():
        n, i = line.split(":")
        by_thread[n].append(int(i))
    assert all(numbers == list(range(200)) for numbers in by_thread.values())


# --- volume ---

LINES = 40_000
FLOOD = "for i in range(40_000): print(f'{i:06d}' + 'y' * 200, flush=True)"
BASH_FLOOD = "#!bash\ny=$(printf 'y%.0s' {1..200}); for ((i = 0; i < 40000; i++)); do printf '%06d%s\\n' $i $y; done"


@pytest.mark.parametrize("code", [FLOOD, BASH_FLOOD], ids=["python", "bash"])
def test_client_that_reads_iopub_only_after_the_reply(client, code):
    cell = client.execute(code)
    client.reply(cell, 50, channels=("shell",))
    client.idle(cell, 20)
    expected = "".join(f"{i:06d}" + "y" * 200 + "\n" for i in range(LINES))
    assert client.transcript(cell) == ["busy", "execute_input", ("stream", "stdout", expected), "idle"]


def test_reader_that_is_away_for_three_seconds(client):
    """Eight thousand displays of 4 KiB, none lost, in order."""
    cell = client.execute(
        "from IPython.display import display\n"
        "for i in range(8000): display({'text/plain': f'{i:06d}' + 'z' * 4090}, raw=True)"
    )
    time.sleep(3)
    client.idle(cell, 40)
    client.reply(cell)
    displays = [m.content["data"]["text/plain"] for m in client.of(cell) if m.type == "display_data"]
    assert [int(text[:6]) for text in displays] == list(range(8000))
    assert all(len(text) == 4096 for text in displays)


class Silent:
    """A subscriber that connects and never reads."""

    def __init__(self, client):
        self.socket = client.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 1
        self.socket.rcvbuf = 8192
        self.socket.connect(endpoint(client.info, "iopub"))
        self.socket.subscribe(b"")
        assert self.socket.poll(3000), "no welcome"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close(0)


class PeakMemory:
    """The most resident memory of a process within the block."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.before = self.peak = resident(self.pid)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.wait(0.005):
            self.peak = max(self.peak, resident(self.pid))

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def growth(self):
        return self.peak - self.before


PRINT_64_MIB = "chunk = ('x' * 127 + '\\n') * 512\nimport sys\nfor _ in range(1024): sys.stdout.write(chunk)"


def print_64_mib(client):
    began = time.monotonic()
    run = client.run(PRINT_64_MIB, timeout=50)
    took = time.monotonic() - began
    assert sum(len(m.content["text"]) for m in run.messages if m.type == "stream") == 64 * 1024 * 1024
    return took


@pytest.mark.slow
def test_reader_that_never_reads_slows_nobody(fresh):
    pid = fresh.kernel.pid
    print_64_mib(fresh)
    alone = print_64_mib(fresh)
    with Silent(fresh), PeakMemory(pid) as memory:
        together = [print_64_mib(fresh) for _ in range(3)]
        assert fresh.ask("kernel_info_request", channel="control", timeout=1).content["status"] == "ok"
    assert min(together) < 3 * alone + 1
    assert memory.growth < 150 * 1024 * 1024, f"grew by {memory.growth >> 20} MiB over 192 MiB of output"


@pytest.mark.slow
def test_memory_is_bounded_while_nobody_reads(fresh):
    """The client itself reads nothing while 256 MiB are printed; then everything is there or accounted for."""
    pid = fresh.kernel.pid
    fresh.run("1")
    code = PRINT_64_MIB.replace("1024)", "4096)")
    with PeakMemory(pid) as memory:
        cell = fresh.execute(code)
        time.sleep(3)
        fresh.idle(cell, 40)
        fresh.reply(cell)
    text = sum(len(m.content["text"]) for m in fresh.of(cell) if m.type == "stream")
    assert text == 256 * 1024 * 1024 or any("elided" in m.content["text"] for m in fresh.of(cell) if m.type == "stream")
    assert memory.growth < 200 * 1024 * 1024, f"grew by {memory.growth >> 20} MiB"


def test_dead_subscriber_is_forgotten(kernel, client):
    for _ in range(20):
        with Silent(client):
            pass
    client.run("print('x' * 1_000_000)").ok()
    assert client.run("1").outputs == [("execute_result", "1")]


@pytest.mark.parametrize("size", [1, 16], ids=["1 MiB", "16 MiB"])
def test_large_display(client, size):
    run = client.run(
        f"from IPython.display import display\ndisplay({{'text/plain': 'd', 'text/x-big': 'b' * ({size} << 20)}}, raw=True)",
        timeout=50,
    )
    data = run.ok().only("display_data").content["data"]
    assert data["text/x-big"] == "b" * (size << 20)


def test_one_long_line(client):
    assert client.run("print('l' * (8 << 20))", timeout=50).text() == "l" * (8 << 20) + "\n"


def test_large_code(client):
    code = "x = '" + "c" * (4 << 20) + "'\nlen(x)"
    run = client.run(code, timeout=50)
    assert run.outputs == [("execute_result", str(4 << 20))]
    assert run.only("execute_input").content["code"] == code


def test_flood_of_small_messages_is_merged(client):
    """Stream text is coalesced: a front end gets far fewer messages than there were writes."""
    run = client.run("for i in range(100_000): print(i)", timeout=50)
    assert run.text() == "".join(f"{i}\n" for i in range(100_000))
    assert sum(m.type == "stream" for m in run.messages) < 20_000


def test_output_comes_while_the_cell_runs(client):
    cell = client.execute("import time\nprint('first'); time.sleep(1.5); print('second')")
    client.wait(cell, ("stream", "stdout", "first\n"), 1.2)
    assert client.replies(cell) == []
    client.finish(cell)


def test_partial_line_comes_while_the_cell_runs(client):
    cell = client.execute("import time, sys\nprint('10%', end='', flush=True); time.sleep(1.5)")
    client.wait(cell, ("stream", "stdout", "10%"), 1.2)
    assert client.replies(cell) == []
    client.finish(cell)
