"""A small foreign driver for Parley bridges.

It plays the server's part of ``docs/bridge-protocol.md`` in plain Python, and shares no code with
the server or with any bridge: an oracle that only knows the document. It spawns a bridge with its
pipes, reads descriptors 1, 2 and 4 with the ordering rules of section 6, answers ``ack`` and
``input_request``, and records everything a cell produced as a list of events.

    with Bridge.from_folder("kernelspecs/python") as bridge:
        cell = bridge.execute("print('hi')\\n6*7")
        assert cell.transcript == ["stdout: hi\\n", "result: 42"]
"""

import errno
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections import deque
from pathlib import Path

DEADLINE = 20.0


class BridgeGone(Exception):
    """The bridge closed descriptor 4 while something was still expected from it."""


class Event:
    """One frame of the bridge, or a run of text it printed on 1 or 2 (then ``raw`` is true)."""

    def __init__(self, head, content, buffers=(), raw=False):
        self.head = head
        self.content = content
        self.buffers = list(buffers)
        self.raw = raw

    @property
    def type(self):
        return self.head["msg_type"]

    @property
    def id(self):
        return self.head.get("id")

    def short(self):
        """One readable line: what a user of a notebook would see."""
        content = self.content
        if self.type == "stream":
            return "%s: %s" % (content["name"], content["text"])
        if self.type == "error":
            return "error: %s: %s" % (content["ename"], content["evalue"])
        if self.type in ("execute_result", "display_data", "update_display_data"):
            name = {"execute_result": "result", "display_data": "display"}.get(self.type, "update")
            data = content["data"]
            return "%s: %s" % (name, data.get("text/plain", sorted(data)))
        if self.type == "clear_output":
            return "clear_output: wait=%s" % content.get("wait", False)
        if self.type == "input_request":
            return "input_request: %s" % content["prompt"]
        return self.type

    def __repr__(self):
        return "<%s %s %r>" % (self.type, self.head, self.content)


class Cell:
    """A request on its way, and everything that was published while it ran."""

    def __init__(self, request_id):
        self.id = request_id
        self.events = []
        self.reply = None

    @property
    def status(self):
        return self.reply.content["status"]

    def of_type(self, *msg_types):
        return [event for event in self.events if event.type in msg_types]

    def text(self, name="stdout"):
        """All text of one stream."""
        return "".join(e.content["text"] for e in self.of_type("stream") if e.content["name"] == name)

    @property
    def transcript(self):
        return transcript(self.events)


def transcript(events):
    """The events as short lines, adjacent text of one stream merged: text comes in pieces of any length."""
    lines = []
    last = None
    for event in events:
        stream = event.content["name"] if event.type == "stream" else None
        if stream and last == stream:
            lines[-1] += event.content["text"]
        else:
            lines.append(event.short())
        last = stream
    return lines


def _find_interpreter(rule, env):
    """The interpreter search of section 9: env, prefixes, then PATH."""
    for name in rule.get("env", []):
        if env.get(name):
            return env[name]
    for name in rule.get("prefixes", []):
        for program in rule.get("names", []) if env.get(name) else []:
            path = os.path.join(env[name], "bin", program)
            if os.access(path, os.X_OK):
                return path
    for program in rule.get("names", []):
        path = shutil.which(program, path=env.get("PATH"))
        if path:
            return path
    raise FileNotFoundError("none of %s" % rule.get("names"))


class Bridge:
    """A running bridge. Single-threaded: everything happens in :meth:`pump`."""

    def __init__(self, argv, env=None, cwd=None, concurrent=False, requests="json"):
        self.requests = requests
        self.answers = deque()   # what input_request gets: a str, or a content dict
        self.asked = []          # every input_request seen
        self.late = []           # events outside of any request
        self.on_event = None     # called with every event as it is taken
        self.header = None       # a header to send with every request
        self.ack_delay = 0       # seconds an ack is held back, to provoke order mistakes
        self.acks = 0
        self._next_id = 0
        self._current = None
        self._repetition = None  # when the last interrupt is repeated, and for which cell
        self.manifest = {}
        self._waiting = {}
        self._wire = bytearray()
        self._utf8 = {"stdout": b"", "stderr": b""}
        self.exit_status = None
        self._spawn(argv, dict(os.environ if env is None else env), cwd, concurrent)

    @classmethod
    def from_folder(cls, folder, env=None, cwd=None):
        """Starts the bridge whose manifest is ``folder/bridge.json`` and takes its handshake."""
        folder = Path(folder).resolve()
        manifest = json.loads((folder / "bridge.json").read_text("utf-8"))
        env = dict(os.environ if env is None else env)
        env.update(manifest.get("environment", {}))
        values = {"{resource_dir}": str(folder)}
        if "interpreter" in manifest:
            values["{interpreter}"] = _find_interpreter(manifest["interpreter"], env)
        argv = []
        for word in manifest["argv"]:
            for name, value in values.items():
                word = word.replace(name, value)
            argv.append(word)
        bridge = cls(argv, env, cwd, manifest.get("concurrent", False),
                     manifest.get("requests", "json"))
        bridge.manifest = manifest
        bridge.handshake()
        return bridge

    # -- process --------------------------------------------------------------------------------

    def _spawn(self, argv, env, cwd, concurrent):
        pipes = {1: os.pipe(), 2: os.pipe(), 4: os.pipe(), 3: os.pipe()}
        if concurrent:
            pipes[5] = os.pipe()
        ours, actions = {}, [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0)]
        theirs = []
        for number, (read_end, write_end) in pipes.items():
            to_child = number in (3, 5)
            child_end = fcntl.fcntl(read_end if to_child else write_end, fcntl.F_DUPFD_CLOEXEC, 50)
            ours[number] = fcntl.fcntl(write_end if to_child else read_end,
                                       fcntl.F_DUPFD_CLOEXEC, 50)
            os.close(read_end)
            os.close(write_end)
            theirs.append(child_end)
            actions.append((os.POSIX_SPAWN_DUP2, child_end, number))
        if cwd:
            argv = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(cwd)] + list(argv)
        program = shutil.which(argv[0], path=env.get("PATH")) or argv[0]
        self.started_at = time.perf_counter()
        self.pid = os.posix_spawn(program, [str(word) for word in argv], env,
                                  file_actions=actions, setsid=True,
                                  setsigmask=[], setsigdef=list(signal.valid_signals()
                                                                - {signal.SIGKILL, signal.SIGSTOP}
                                                                - set(range(32, 35))))
        for fd in theirs:
            os.close(fd)
        self._fds = ours
        for number in (1, 2, 4):
            os.set_blocking(ours[number], False)
        self._open = {1, 2, 4}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    def interrupt(self):
        """What the interrupt button does: SIGINT to the bridge's process group.

        Sent once more to a cell that runs on, after the time that the manifest says, as by the server.
        """
        os.killpg(self.pid, signal.SIGINT)
        repeat = self.manifest.get("interrupt_repeat", 0)
        self._repetition = (time.monotonic() + repeat, self._current) if repeat else None

    def _repeat_interrupt(self):
        moment, cell = self._repetition
        if cell is not self._current or cell is None or cell.reply is not None:
            self._repetition = None
        elif time.monotonic() >= moment:
            self._repetition = None
            os.killpg(self.pid, signal.SIGINT)

    def kill(self):
        """Ends the bridge at once, with its process group."""
        if self.exit_status is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.exit_status = os.waitpid(self.pid, 0)[1]
        for fd in self._fds.values():
            os.close(fd)
        self._fds = {}

    def shutdown(self, restart=False, timeout=5.0):
        """Sends shutdown_request and returns the raw wait status of the process."""
        self._send("shutdown_request", {"restart": restart}, None)
        return self.wait_exit(timeout)

    def wait_exit(self, timeout=5.0):
        end = time.monotonic() + timeout
        while self.exit_status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_status = status
                break
            if time.monotonic() > end:
                raise TimeoutError("the bridge is still there")
            self._pump_once(0.02)
        self._read_rest()
        return self.exit_status

    def _read_rest(self):
        """Takes what an ended process has left in the pipes. A child of it may hold them open still."""
        while 4 in self._open and select.select([self._fds[4]], [], [], 0)[0]:
            self._read_events()
        self._drain_output()

    # -- requests -------------------------------------------------------------------------------

    def handshake(self, timeout=DEADLINE):
        """Waits for kernel_info_reply with id 0; its content becomes ``self.info``."""
        cell = self._waiting[0] = Cell(0)
        self.pump(lambda: cell.reply is not None, timeout)
        self.info = cell.reply.content
        self.started_in = time.perf_counter() - self.started_at
        return self.info

    def start(self, msg_type, content, lane=3, buffers=(), metadata=None, **head):
        """Sends a request and returns its Cell without waiting for the reply."""
        self._next_id += 1
        cell = self._waiting[self._next_id] = Cell(self._next_id)
        if lane == 3:
            self._current = cell
        self._send(msg_type, content, cell.id, lane, buffers, metadata, **head)
        return cell

    def wait(self, cell, timeout=DEADLINE):
        self.pump(lambda: cell.reply is not None, timeout)
        return cell

    def request(self, msg_type, content, lane=3, buffers=(), timeout=DEADLINE):
        """Sends a request and waits for its reply, or for ``done``."""
        return self.wait(self.start(msg_type, content, lane, buffers), timeout)

    def start_execute(self, code, subshell=None, **fields):
        """Sends execute_request with the specification's defaults."""
        self.execution_count = getattr(self, "execution_count", 0)
        if not fields.get("silent"):
            self.execution_count += 1
        content = {"code": code, "silent": False, "store_history": not fields.get("silent"),
                   "user_expressions": {}, "allow_stdin": True, "stop_on_error": True,
                   "execution_count": self.execution_count}
        content.update(fields)
        if subshell is not None:
            return self.start("execute_request", content, lane=5, subshell_id=subshell)
        return self.start("execute_request", content)

    def execute(self, code, timeout=DEADLINE, **fields):
        return self.wait(self.start_execute(code, **fields), timeout)

    def complete(self, code, cursor_pos=None, lane=3):
        pos = len(code) if cursor_pos is None else cursor_pos
        cell = self.request("complete_request", {"code": code, "cursor_pos": pos}, lane)
        return cell.reply.content

    def inspect(self, code, cursor_pos=None, detail_level=0, lane=3):
        pos = len(code) if cursor_pos is None else cursor_pos
        cell = self.request("inspect_request", {"code": code, "cursor_pos": pos,
                                                "detail_level": detail_level}, lane)
        return cell.reply.content

    def is_complete(self, code, lane=3):
        return self.request("is_complete_request", {"code": code}, lane).reply.content

    def settle(self):
        """Asks something harmless, as the server does behind an interrupt: signals that are late meet that."""
        self.is_complete("")

    def _send(self, msg_type, content, request_id, lane=3, buffers=(), metadata=None, seq=None,
              **fields_of_head):
        if self.requests.startswith("nul"):
            fields = [msg_type, "" if request_id is None else str(request_id)]
            if seq is not None:
                content = dict(content, seq=seq)
            for key, value in content.items():
                text = (value if isinstance(value, str) else json.dumps(value)).replace("\0", "")
                size = len(text.encode("utf-8", "surrogateescape"))
                if self.requests == "nul-sized" and size >= 8192:
                    fields += ["%s:%d" % (key, size), text]
                else:
                    fields.append("%s=%s" % (key, text))
            data = b"".join(f.encode("utf-8", "surrogateescape") + b"\0" for f in fields) + b"\0"
        else:
            head = dict(fields_of_head, msg_type=msg_type)
            if request_id is not None:
                head["id"] = request_id
            if metadata:
                head["metadata"] = metadata
            if self.header and request_id is not None:
                head["header"] = self.header
            if seq is not None:
                head["seq"] = seq
            if buffers:
                head["buffers"] = [len(b) for b in buffers]
            data = b"%s\n%s\n" % (json.dumps(head).encode(), json.dumps(content).encode())
            data += b"".join(bytes(b) for b in buffers)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fds[lane], view):]

    # -- reading --------------------------------------------------------------------------------

    def pump(self, until, timeout=DEADLINE):
        """Reads until the condition holds."""
        end = time.monotonic() + timeout
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing more from the bridge; so far: %r, late: %r"
                                   % (self._current and self._current.events, self.late))
            if 4 not in self._open:
                raise BridgeGone("descriptor 4 is closed; late: %r" % self.late)
            self._pump_once(min(left, 0.25))

    @property
    def late_transcript(self):
        """What came outside of any request, as :func:`transcript` shows it."""
        return transcript(self.late)

    def pump_late(self, last, timeout=DEADLINE):
        """Reads until the line ``last`` has come outside of any request."""
        self.pump(lambda: last in self.late_transcript, timeout)

    def pump_for(self, seconds):
        """Reads for a while: for late output."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and 4 in self._open:
            self._pump_once(min(max(0, end - time.monotonic()), 0.25))

    def _pump_once(self, timeout):
        if self._repetition is not None:
            self._repeat_interrupt()
        watched = [self._fds[n] for n in self._open]
        ready, _, _ = select.select(watched, [], [], timeout)
        if self._fds[4] in ready:
            self._read_events()
        else:
            self._drain_output()

    def _read_events(self):
        try:
            data = os.read(self._fds[4], 1 << 20)
        except BlockingIOError:
            return
        if not data:
            self._open.discard(4)
        self._wire += data
        # Rule 1 of section 6: what was printed before a frame is in the pipes by now.
        self._drain_output()
        for event in self._frames():
            self._take(event)

    def _drain_output(self):
        for number, name in ((1, "stdout"), (2, "stderr")):
            while number in self._open:
                try:
                    data = os.read(self._fds[number], 1 << 16)
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        raise
                    break
                if not data:
                    self._open.discard(number)
                    break
                self._take_text(name, self._utf8[name] + data)

    def _take_text(self, name, data):
        """Publishes whole code points only; the tail of a split one waits for the rest."""
        keep = 0
        for back in range(1, min(4, len(data)) + 1):
            byte = data[-back]
            if byte & 0xC0 == 0x80:
                continue
            need = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            keep = back if need > back else 0
            break
        self._utf8[name] = data[len(data) - keep:]
        text = data[:len(data) - keep].decode("utf-8", "replace")
        if text:
            self._record(Event({"msg_type": "stream"}, {"name": name, "text": text}, raw=True))

    def _frames(self):
        while True:
            first = self._wire.find(b"\n")
            second = self._wire.find(b"\n", first + 1) if first >= 0 else -1
            if second < 0:
                return
            head = json.loads(bytes(self._wire[:first]).decode("utf-8"))
            lengths = head.get("buffers") or []
            end = second + 1 + sum(lengths)
            if len(self._wire) < end:
                return
            content = json.loads(bytes(self._wire[first + 1:second]).decode("utf-8"),
                                 parse_constant=_no_constant)
            assert isinstance(content, dict), "content must be one JSON object"
            buffers, at = [], second + 1
            for length in lengths:
                buffers.append(bytes(self._wire[at:at + length]))
                at += length
            del self._wire[:end]
            yield Event(head, content, buffers)

    def _take(self, event):
        if event.head.get("ack"):
            self.acks += 1
            if self.ack_delay:
                time.sleep(self.ack_delay)
            self._send("ack", {}, None, seq=event.head["seq"])
        if event.type == "sync":
            return
        if event.type.endswith("_reply") or event.type == "done":
            cell = self._waiting.pop(event.id, None)
            assert cell is not None, "a reply nobody asked for: %r" % event
            cell.reply = event
            if self._current is cell:
                self._current = None
            return
        self._record(event)
        if event.type == "input_request":
            self.asked.append(event)
            if self.answers:
                answer = self.answers.popleft()
                if callable(answer):
                    answer = answer(event)
                if isinstance(answer, str):
                    answer = {"status": "ok", "value": answer}
                if answer is not None:
                    self._send("input_reply", answer, event.id, 5 if "request" in event.head else 3)

    def answer(self, event, value):
        """Answers an input_request that found no prepared answer."""
        self._send("input_reply", {"status": "ok", "value": value}, event.id,
                   5 if "request" in event.head else 3)

    def _record(self, event):
        owner = event.head.get("request") if event.type == "input_request" else event.id
        if owner is not None and owner in self._waiting:
            self._waiting[owner].events.append(event)
        elif self._current is not None and (event.id is None or event.type == "input_request"):
            self._current.events.append(event)
        else:
            self.late.append(event)
        if self.on_event:
            self.on_event(event)


def _no_constant(name):
    raise ValueError("%s is not JSON" % name)
