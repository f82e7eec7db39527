"""A Jupyter client and a kernel launcher for tests, on nothing but pyzmq and hmac.

The client signs and verifies by itself, keeps every message it has received, and gives every wait a
deadline, so that a test reads as a transcript:

    run = client.run("print('hi')")
    assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "hi\n"), "idle"]
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

import zmq

DELIMITER = b"<IDS|MSG>"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
PORTS = tuple(name + "_port" for name in CHANNELS)

REPOSITORY = Path(__file__).resolve().parents[2]


def parley_binary() -> str:
    """The kernel under test: PARLEY_BIN, else the release build, else the debug build."""
    if os.environ.get("PARLEY_BIN"):
        return os.path.abspath(os.environ["PARLEY_BIN"])
    for kind in ("release", "debug"):
        path = REPOSITORY / ".build" / kind / "parley"
        if path.exists():
            return str(path)
    raise RuntimeError("no parley executable: build it first or set PARLEY_BIN")


def poll(condition, timeout: float, what: str, interval: float = 0.01):
    """The first true value of condition(), or a failure after the deadline."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def complete_beside(client, code: str, wanted: str, timeout: float = 20) -> dict:
    """The completion of code that has `wanted` among its matches, while a cell runs.

    A language then has half a second, or the answer is empty; on a busy machine the user presses Tab once more.
    """
    def answer():
        reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
        assert reply["status"] == "ok"
        return reply if wanted in [match.strip() for match in reply["matches"]] else None

    return poll(answer, timeout, f"{wanted!r} among the matches of {code!r}")


# --- connection files ---------------------------------------------------------------------------


def free_ports(count: int) -> list[int]:
    held = []
    try:
        for _ in range(count):
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            held.append(s)
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def connection_info(**overrides) -> dict:
    info = dict(zip(PORTS, free_ports(5)))
    info.update(
        transport="tcp",
        ip="127.0.0.1",
        key=secrets.token_hex(16),
        signature_scheme="hmac-sha256",
        kernel_name="parley",
    )
    info.update(overrides)
    return info


def endpoint(info: dict, channel: str) -> str:
    port = info[channel + "_port"]
    if info["transport"] == "ipc":
        return f"ipc://{info['ip']}-{port}"
    return f"tcp://{info['ip']}:{port}"


# --- messages -----------------------------------------------------------------------------------


class Signer:
    def __init__(self, info: dict):
        self.key = info["key"].encode("utf-8")
        self.digest = getattr(hashlib, info.get("signature_scheme", "hmac-sha256").removeprefix("hmac-"))

    def __call__(self, *frames: bytes) -> bytes:
        if not self.key:
            return b""
        mac = hmac.new(self.key, digestmod=self.digest)
        for frame in frames:
            mac.update(frame)
        return mac.hexdigest().encode("ascii")


def strict_json(frame: bytes):
    """Decodes as a browser would: UTF-8 only, no NaN and no Infinity."""

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(frame.decode("utf-8"), parse_constant=refuse)


class Message:
    def __init__(self, channel: str, frames: list[bytes], signer: Signer):
        at = frames.index(DELIMITER)
        self.channel = channel
        self.identities = frames[:at]
        self.signature = frames[at + 1]
        self.raw = frames[at + 2 : at + 6]
        self.buffers = frames[at + 6 :]
        self.received = time.monotonic()
        assert self.signature == signer(*self.raw), f"bad signature on {channel}: {frames[:8]!r}"
        self.header, self.parent, self.metadata, self.content = (strict_json(part) for part in self.raw)
        for part in (self.header, self.parent, self.metadata, self.content):
            assert isinstance(part, dict), f"a part is not an object: {self.raw!r}"

    @property
    def type(self) -> str:
        return self.header["msg_type"]

    @property
    def parent_id(self):
        return self.parent.get("msg_id")

    @property
    def state(self):
        return self.content.get("execution_state") if self.type == "status" else None

    def entry(self):
        """How this message stands in a transcript."""
        content = self.content
        match self.type:
            case "status":
                return content["execution_state"]
            case "stream":
                return ("stream", content["name"], content["text"])
            case "error":
                return ("error", content["ename"])
            case "execute_result" | "display_data" | "update_display_data":
                data = content["data"]
                return (self.type, data["text/plain"] if "text/plain" in data else sorted(data))
        return self.type

    def __repr__(self):
        text = json.dumps(self.content, ensure_ascii=False)
        return f"<{self.channel} {self.type} parent={self.parent_id} {text[:300]}>"


def transcript(messages) -> list:
    """Entries of the messages in order; neighbouring text of one stream is one entry."""
    entries: list = []
    for message in messages:
        entry = message.entry()
        if entry[0] == "stream" and entries and entries[-1][:2] == entry[:2]:
            entries[-1] = entry[:2] + (entries[-1][2] + entry[2],)
        else:
            entries.append(entry)
    return entries


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- the client ---------------------------------------------------------------------------------


class RawClient:
    def __init__(
        self,
        info: dict,
        *,
        subscribe: bytes | None = b"",
        identity: bytes | None = None,
        hwm: int | None = None,
        without: tuple[str, ...] = (),
        describe=lambda: "",
    ):
        self.info = info
        self.describe = describe
        self.session = uuid.uuid4().hex
        self.identity = identity or self.session.encode()
        self.signer = Signer(info)
        self.context = zmq.Context()
        self.context.linger = 0
        self.sockets = {}
        for channel, kind in (
            ("shell", zmq.DEALER),
            ("control", zmq.DEALER),
            ("stdin", zmq.DEALER),
            ("iopub", zmq.SUB),
        ):
            if channel in without:
                continue
            s = self.context.socket(kind)
            if kind == zmq.DEALER:
                s.identity = self.identity
            elif subscribe is None:
                continue
            else:
                if hwm is not None:
                    s.rcvhwm = hwm
                s.subscribe(subscribe)
            s.connect(endpoint(info, channel))
            self.sockets[channel] = s
        self.received: dict[str, list[Message]] = {name: [] for name in ("shell", "control", "stdin", "iopub")}
        self.sent: dict[str, dict] = {}

    def close(self):
        for s in self.sockets.values():
            s.close(0)
        self.context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # sending

    def header(self, msg_type: str, **fields) -> dict:
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": self.session,
            "username": "tester",
            "date": now(),
            "msg_type": msg_type,
            "version": "5.4",
        }
        header.update(fields)
        return {key: value for key, value in header.items() if value is not ...}

    def frames(self, header, content, *, parent=None, metadata=None, buffers=()) -> list[bytes]:
        parts = [
            part if isinstance(part, bytes) else json.dumps(part, ensure_ascii=False).encode("utf-8", "surrogatepass")
            for part in (header, parent or {}, metadata or {}, content)
        ]
        return [DELIMITER, self.signer(*parts), *parts, *buffers]

    def send(
        self, channel, msg_type, content=None, *, parent=None, metadata=None, buffers=(), identities=(), **header_fields
    ) -> str:
        """Sends one message; returns its msg_id. A header field given as ... is left out."""
        header = self.header(msg_type, **header_fields)
        body = self.frames(header, content or {}, parent=parent, metadata=metadata, buffers=buffers)
        self.sockets[channel].send_multipart([*identities, *body])
        self.sent[header.get("msg_id")] = header
        return header.get("msg_id")

    def execute(self, code: str, *, metadata=None, subshell_id=..., **content) -> str:
        fields = {} if subshell_id is ... else {"subshell_id": subshell_id}
        return self.send("shell", "execute_request", {"code": code, **content}, metadata=metadata, **fields)

    # receiving

    def pump(self, timeout: float, channels=("shell", "control", "stdin", "iopub")) -> int:
        """Waits up to timeout for messages, takes in all that are there; returns how many."""
        poller = zmq.Poller()
        for channel in channels:
            if channel in self.sockets:
                poller.register(self.sockets[channel], zmq.POLLIN)
        ready = dict(poller.poll(max(0, int(timeout * 1000))))
        count = 0
        for channel in channels:
            s = self.sockets.get(channel)
            if s not in ready:
                continue
            for _ in range(200):
                try:
                    frames = s.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self.received[channel].append(Message(channel, frames, self.signer))
                count += 1
        return count

    def until(self, condition, timeout: float, what: str, **kw):
        """Takes in messages until condition() is true; returns its value."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                seen = [f"  {m!r}" for name in self.received for m in self.received[name][-12:]]
                raise AssertionError(
                    f"not within {timeout} s: {what}\nlast messages:\n" + "\n".join(seen) + self.describe()
                )
            self.pump(min(left, 0.5), **kw)

    def settle(self, quiet: float = 0.3):
        """Takes in messages until none has come for a while (to assert that something did not come)."""
        while self.pump(quiet):
            pass

    def of(self, msg_id) -> list[Message]:
        """The IOPub messages whose parent is that request."""
        return [m for m in self.received["iopub"] if m.parent_id == msg_id]

    def transcript(self, msg_id) -> list:
        return transcript(self.of(msg_id))

    def replies(self, msg_id, channel="shell") -> list[Message]:
        return [m for m in self.received[channel] if m.parent_id == msg_id]

    def reply(self, msg_id, timeout: float = 20, channel="shell", **kw) -> Message:
        return self.until(
            lambda: self.replies(msg_id, channel), timeout, f"reply to {self._name(msg_id)} on {channel}", **kw
        )[0]

    def idle(self, msg_id, timeout: float = 20):
        self.until(
            lambda: any(m.state == "idle" for m in self.of(msg_id)), timeout, f"idle after {self._name(msg_id)}"
        )

    def wait(self, msg_id, entry, timeout: float = 20):
        """Waits until the transcript of a request holds the entry (streams: holds the text)."""

        def there():
            for e in self.transcript(msg_id):
                if e == entry or (isinstance(entry, tuple) and e[:2] == entry[:2] and entry[-1] in e[-1]):
                    return True
            return False

        self.until(there, timeout, f"{entry!r} from {self._name(msg_id)}")

    def _name(self, msg_id):
        return self.sent.get(msg_id, {}).get("msg_type", msg_id)

    # whole exchanges

    def run(self, code: str, *, timeout: float = 30, **kw) -> "Run":
        return self.finish(self.execute(code, **kw), timeout)

    def finish(self, msg_id: str, timeout: float = 30) -> "Run":
        reply = self.reply(msg_id, timeout)
        self.idle(msg_id)
        return Run(self, msg_id, reply)

    def ask(self, msg_type: str, content=None, *, channel="shell", timeout: float = 20, **kw) -> Message:
        """A request and its reply; on shell also the idle that ends it."""
        msg_id = self.send(channel, msg_type, content, **kw)
        reply = self.reply(msg_id, timeout, channel)
        if channel == "shell" and "iopub" in self.sockets:
            self.idle(msg_id)
        return reply

    def ready(self, timeout: float = 30):
        """Waits until the kernel answers and IOPub delivers, asking again as front ends do."""
        end = time.monotonic() + timeout
        while not self.received["iopub"] and time.monotonic() < end - timeout + 0.3:
            self.pump(0.1)  # the welcome; a request that overtakes the subscription would have to be repeated
        while time.monotonic() < end:
            msg_id = self.send("shell", "kernel_info_request")
            try:
                self.reply(msg_id, 2)
                self.idle(msg_id, 0.5)
                return self
            except AssertionError:
                continue
        raise AssertionError(f"kernel not ready within {timeout} s" + self.describe())

    def heartbeat(self, frames: list[bytes], timeout: float = 5) -> list[bytes]:
        with self.context.socket(zmq.REQ) as s:
            s.linger = 0
            s.connect(endpoint(self.info, "hb"))
            s.send_multipart(frames)
            assert s.poll(int(timeout * 1000)), f"no heartbeat within {timeout} s" + self.describe()
            return s.recv_multipart()


class Run:
    """One finished execute_request."""

    def __init__(self, client: RawClient, msg_id: str, reply: Message):
        self.client, self.msg_id, self.reply = client, msg_id, reply

    @property
    def messages(self) -> list[Message]:
        return self.client.of(self.msg_id)

    @property
    def transcript(self) -> list:
        return self.client.transcript(self.msg_id)

    @property
    def outputs(self) -> list:
        """The transcript without what every execution has."""
        return [e for e in self.transcript if e not in ("busy", "execute_input", "idle")]

    @property
    def status(self) -> str:
        return self.reply.content["status"]

    @property
    def count(self) -> int:
        return self.reply.content["execution_count"]

    def text(self, name: str = "stdout") -> str:
        return "".join(
            m.content["text"] for m in self.messages if m.type == "stream" and m.content["name"] == name
        )

    def only(self, msg_type: str) -> Message:
        found = [m for m in self.messages if m.type == msg_type]
        assert len(found) == 1, f"expected one {msg_type}, got {self.transcript}"
        return found[0]

    @property
    def error(self) -> dict:
        return self.only("error").content

    def ok(self) -> "Run":
        assert self.status == "ok", (self.reply.content, self.transcript)
        return self


# --- processes ----------------------------------------------------------------------------------


def stat_of(pid: int):
    """(state, parent, start time) of a process, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rsplit(")", 1)[1].split()
    return fields[0], int(fields[1]), fields[19]


def alive(pid: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and stat[0] not in "ZX"


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for other in all_pids():
        stat = stat_of(other)
        if stat:
            children.setdefault(stat[1], []).append(other)
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return "?"


class Family:
    """Every process that carries one mark in its environment, and all that were seen below a pid."""

    VARIABLE = "PARLEY_TEST_FAMILY"

    def __init__(self):
        self.mark = uuid.uuid4().hex
        self.seen: dict[int, str] = {}

    def environment(self) -> dict:
        return {self.VARIABLE: self.mark}

    def look(self, *roots: int) -> list[int]:
        """Remembers whoever lives below the roots or carries the mark; returns those alive."""
        needle = f"{self.VARIABLE}={self.mark}".encode()
        found = set()
        for root in roots:
            found.update(descendants(root))
        for pid in all_pids():
            try:
                if needle in Path(f"/proc/{pid}/environ").read_bytes():
                    found.add(pid)
            except OSError:
                pass
        for pid in found:
            stat = stat_of(pid)
            if stat:
                self.seen[pid] = stat[2]
        return self.alive()

    def alive(self) -> list[int]:
        living = []
        for pid, start in self.seen.items():
            stat = stat_of(pid)
            if stat and stat[2] == start and stat[0] not in "ZX" and pid != os.getpid():
                living.append(pid)
        return living

    def gone(self, timeout: float) -> list[str]:
        """Waits for the end of the whole family; returns the command lines of those that stay."""
        end = time.monotonic() + timeout
        while True:
            living = self.look(*self.alive())
            if not living or time.monotonic() > end:
                return [f"{pid}: {command_line(pid)}" for pid in living]
            time.sleep(0.01)

    def kill(self):
        for pid in self.look(*self.alive()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def resident(pid: int) -> int:
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Kernel:
    """A kernel process of our own, with the connection file that it was given."""

    def __init__(self, folder: Path, *, info: dict | None = None, args=(), env=None, file: Path | None = None, argv=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.info = connection_info() if info is None else info
        self.file = file or folder / f"kernel-{uuid.uuid4().hex}.json"
        if self.info and file is None:
            self.file.write_text(json.dumps(self.info))
            self.file.chmod(0o600)
        self.args = list(args)
        self.argv = argv
        self.env = env or {}
        self.family = Family()
        self.clients: list[RawClient] = []
        self.process: subprocess.Popen | None = None
        self.log = folder / f"stderr-{uuid.uuid4().hex}.txt"

    def start(self) -> "Kernel":
        environment = {**os.environ, "JPY_PARENT_PID": str(os.getpid()), **self.family.environment(), **self.env}
        environment = {key: value for key, value in environment.items() if value is not None}
        argv = self.argv or [parley_binary(), "kernel", "-f", str(self.file), *self.args]
        with open(self.log, "wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        return self.process.pid

    def stderr(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def describe(self) -> str:
        code = self.process.poll() if self.process else None
        state = "running" if code is None else f"ended with {code}"
        return f"\nkernel {state}; its log:\n{self.stderr()[-2000:]}"

    def client(self, ready: bool = True, **kw) -> RawClient:
        client = RawClient(self.info, describe=self.describe, **kw)
        self.clients.append(client)
        return client.ready() if ready else client

    def exit_code(self, timeout: float) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"kernel still there after {timeout} s" + self.describe()) from None

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self):
        """Ends the kernel as a server would and says who stayed behind."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.family.look(self.pid)
            self.process.terminate()
        try:
            self.process.wait(5)
            stubborn = False
        except subprocess.TimeoutExpired:
            stubborn = True
            self.family.kill()
            self.process.wait(5)
        left = self.family.gone(3)
        self.family.kill()
        assert not stubborn, "kernel did not end within 5 s of SIGTERM" + self.describe()
        assert not left, f"left behind: {left}"


@contextlib.contextmanager
def holding_the_lock(client: RawClient, kernel):
    """A Python cell that holds the interpreter's lock, so that nothing in that process can answer, until the block ends."""
    path = kernel.folder / "lock"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)  # both ends: neither side waits for the other to open it
    try:
        cell = client.execute(f"import ctypes, os\nlock = os.open({str(path)!r}, os.O_RDONLY)\nprint('held', flush=True)\n"
                              "_ = ctypes.PyDLL(None).read(lock, ctypes.create_string_buffer(1), 1)")
        client.wait(cell, ("stream", "stdout", "held\n"))
        yield cell
    finally:
        os.write(end, b"x")
        client.wait(cell, "idle")
        os.close(end)
        path.unlink()
