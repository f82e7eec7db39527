"""Runs the same cells in Parley and in ipykernel and says what differs."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from parley_client import Kernel, Message, RawClient, endpoint  # noqa: E402

from cells import Cell  # noqa: E402
from normalise import Normaliser  # noqa: E402

IPYKERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f"]


def environment(home: Path) -> dict:
    """Each kernel has a home, a history and settings of its own."""
    places = {
        "HOME": "",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": "run",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "IPYTHONDIR": "ipython",
    }
    env = {name: None for name in os.environ if name.startswith(("JUPYTER", "IPYTHON", "JPY_", "PYTHON", "PYTEST"))}
    for name, place in places.items():
        folder = home / place
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        env[name] = str(folder)
    env["PARLEY_PYTHON"] = sys.executable
    env["VIRTUAL_ENV"] = env["CONDA_PREFIX"] = env["MPLBACKEND"] = None
    env["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    env["COLUMNS"] = "80"
    env["SHELL"] = "/bin/bash"
    env["LC_ALL"] = "C.UTF-8"
    # Font lists take long to make; both may use the same.
    env["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR") or str(Path(tempfile.gettempdir()) / f"parity-mpl-{os.getuid()}")
    return env


class Peer:
    """One of the two kernels, with the cells of one file sent to it."""

    def __init__(self, name: str, folder: Path):
        home = folder / f"home-{name}"
        self.name = name
        work = folder / f"work-{name}"
        work.mkdir(parents=True)
        self.kernel = Kernel(work, env=environment(home))
        if name == "ipykernel":
            self.kernel.argv = [*IPYKERNEL, str(self.kernel.file)]
        self.kernel.start()
        self.client: RawClient | None = None
        self.sent: list[tuple[Cell, str, Message]] = []
        self.normaliser = Normaliser()
        self.comms: list[str] = []

    def run(self, cells: list[Cell]) -> dict[str, list[str]]:
        """Sends all cells, one after the other; the messages of each, comparable, when all have run."""
        self.client = self.kernel.client()
        self._connect_stdin()
        for cell in cells:
            self._send(cell)
        return {cell.id: self._lines(cell, msg_id, reply) for cell, msg_id, reply in self.sent}

    def stop(self):
        try:
            self.kernel.stop()
        except AssertionError as failure:
            raise AssertionError(f"{self.name}: {failure}") from None

    def _connect_stdin(self):
        """ipykernel loses a question that comes before the client's stdin socket has connected."""
        client = self.client
        client.sockets["stdin"].close()
        socket = client.context.socket(zmq.DEALER)
        socket.identity = client.identity
        socket.immediate = True  # writable only when it is connected
        socket.connect(endpoint(client.info, "stdin"))
        client.sockets["stdin"] = socket
        assert socket.poll(10_000, zmq.POLLOUT), f"{self.name}: stdin does not connect"

    # sending

    def _send(self, cell: Cell):
        client, options = self.client, dict(cell.options)
        request = options.pop("request", "execute")
        answers = options.pop("answers", [])
        answers = answers[self.name] if isinstance(answers, dict) else answers
        wait, interrupt = options.pop("wait", None), options.pop("interrupt", None)
        options.pop("normalise", None)
        buffers = ()
        if request == "execute":
            content = {"code": cell.code, "silent": False, "store_history": True, "user_expressions": {},
                       "allow_stdin": True, "stop_on_error": False, **options}
        elif request in ("complete", "inspect"):
            content = {"code": cell.code.replace("¦", ""), "cursor_pos": cell.code.index("¦"), **options}
        elif request == "is_complete":
            content = {"code": cell.code}
        else:
            content = json.loads(self._with_comms(cell.code)) if cell.code else {}
            buffers = [b.encode() for b in options.get("buffers", ())]
        msg_type = request if request.startswith("comm_") and request != "comm_info" else request + "_request"
        started, interrupted = time.monotonic(), None
        msg_id = client.send("shell", msg_type, content, buffers=buffers)
        reply, asked = None, 0
        while True:
            replies = client.replies(msg_id)
            questions = client.replies(msg_id, "stdin")
            if len(questions) > asked:
                question = questions[asked]
                assert asked < len(answers), f"{cell.id}: no answer for question {asked + 1}: {question}"
                client.send("stdin", "input_reply", {"status": "ok", "value": answers[asked]}, parent=question.header)
                asked += 1
            if interrupt and interrupt in self._all_text():
                interrupt, interrupted = None, time.monotonic()
                self._interrupt()
            if self.name == "ipykernel" and interrupted and time.monotonic() - interrupted > 2:
                interrupted = time.monotonic()
                self._interrupt()  # a first one that arrives while its loop waits can be lost
            idle = any(m.state == "idle" for m in client.of(msg_id))
            if idle and (replies or not msg_type.endswith("_request")) and (wait is None or wait in self._all_text()):
                reply = replies[0] if replies else None
                break
            if time.monotonic() - started > 60:
                raise AssertionError(f"{self.name}: {cell.id}: no end after 60 s; {client.transcript(msg_id)[-5:]}"
                                     + self.kernel.describe())
            client.pump(0.2)
        assert asked == len(answers), f"{cell.id}: asked {asked} of {len(answers)} questions"
        assert interrupt is None, f"{cell.id}: over before it was interrupted"
        for message in client.of(msg_id):
            if message.type == "comm_open" and message.content["comm_id"] not in self.comms:
                self.comms.append(message.content["comm_id"])
        self.sent.append((cell, msg_id, reply))

    def _interrupt(self):
        """As each kernel's kernelspec says."""
        if self.name == "ipykernel":
            os.killpg(self.kernel.pid, signal.SIGINT)
        else:
            self.client.ask("interrupt_request", channel="control")

    def _all_text(self) -> str:
        return "".join(json.dumps(m.content, ensure_ascii=False) for m in self.client.received["iopub"]
                       if m.type != "execute_input")

    def _with_comms(self, code: str) -> str:
        for number in range(len(self.comms), 0, -1):
            code = code.replace(f"COMM-{number}", self.comms[number - 1])
        return code

    # reading

    def _lines(self, cell: Cell, msg_id: str, reply: Message | None) -> list[str]:
        extra = cell.options.get("normalise", ())
        iopub = self.normaliser.messages(self.client.of(msg_id), extra)
        stdin = self.normaliser.messages(self.client.replies(msg_id, "stdin"), extra)
        shell = self.normaliser.messages([reply] if reply else [], extra)
        return ["IOPub", *iopub, "stdin", *stdin, "shell", *shell]


def run_both(cells: list[Cell], folder: Path) -> dict[str, dict[str, list[str]]]:
    """Kernel -> cell -> its messages as lines."""
    with contextlib.ExitStack() as stack:
        peers = {name: Peer(name, folder) for name in ("ipykernel", "parley")}
        for peer in peers.values():
            stack.callback(peer.stop)
        return {name: peer.run(cells) for name, peer in peers.items()}


def compare(cells: list[Cell], folder: Path) -> dict[str, list[str]]:
    """Runs the cells of one file in both kernels. For each cell the lines that differ: - ipykernel, + Parley."""
    found = run_both(cells, folder)
    return {cell.id: difference(found["ipykernel"][cell.id], found["parley"][cell.id]) for cell in cells}


def difference(theirs: list[str], ours: list[str]) -> list[str]:
    lines = difflib.unified_diff(theirs, ours, n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]
