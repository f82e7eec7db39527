"""Frames on descriptors: two lines of JSON, then raw buffers."""

import _thread
import os
import threading
from collections import deque

from . import encoding


class Closed(Exception):
    """The other side has closed the descriptor."""


_MAIN = threading.main_thread().ident
# From here on the server is told how much is to come.
_LARGE = 1 << 20


class FrameReader:
    """Cuts the bytes of one descriptor into frames ``(head, content, buffers)``."""

    def __init__(self, fd):
        self.fd = fd
        self._bytes = bytearray()
        self._scanned = 0     # bytes in which the content's end was looked for
        self._backlog = deque()

    def put_back(self, frame):
        """Keeps a frame that came out of turn for the next :meth:`take`."""
        self._backlog.append(frame)

    def take(self):
        """The next frame that is here already, or None."""
        if self._backlog:
            return self._backlog.popleft()
        return self._parse()

    def fill(self):
        """Reads once, blocking."""
        data = os.read(self.fd, 1 << 18)
        if not data:
            raise Closed
        self._bytes += data

    def next(self):
        """The next frame, waiting for it."""
        frame = self.take()
        while frame is None:
            self.fill()
            frame = self.take()
        return frame

    def next_new(self):
        """The next complete frame that was not put back, or None."""
        return self._parse()

    def _parse(self):
        data = self._bytes
        first = data.find(b"\n")
        if first < 0:
            return None
        second = data.find(b"\n", max(first + 1, self._scanned))
        if second < 0:
            self._scanned = len(data)
            return None
        head = encoding.loads(data[:first].decode("utf-8", "replace"))
        end = second + 1
        lengths = head.get("buffers") or ()
        if len(data) < end + sum(lengths):
            return None
        content = encoding.loads(data[first + 1:second].decode("utf-8", "replace"))
        buffers = []
        for length in lengths:
            buffers.append(bytes(data[end:end + length]))
            end += length
        self._scanned = 0     # first: a signal handler of the user may raise in between
        del data[:end]
        return head, content, buffers


class FrameWriter:
    """Writes whole frames to one descriptor, from any thread.

    ``guard`` keeps SIGINT from tearing a frame apart (see interrupts.py).
    """

    def __init__(self, fd, guard):
        self.fd = fd
        self._guard = guard
        self._lock = threading.Lock()
        self._owner = None
        self._nested = deque()

    def send(self, msg_type, content=None, id=None, metadata=None, buffers=None, seq=None,
             request=None):
        """Writes one frame; with ``seq`` the server is asked for an ``ack``."""
        head = {"msg_type": msg_type}
        if id is not None:
            head["id"] = id
        if request is not None:
            head["request"] = request
        if metadata:
            head["metadata"] = metadata
        if seq is not None:
            head["ack"] = True
            head["seq"] = seq
        parts = [b""]
        if buffers:
            views = [memoryview(b).cast("B") if not isinstance(b, bytes) else b for b in buffers]
            head["buffers"] = [len(view) for view in views]
            parts += views
        body = encoding.dump_parts(content) if content else [b"{}"]
        size = sum(map(len, body))
        if size >= _LARGE:
            head["size"] = size
        start = encoding.dumps(head)
        if len(body) == 1 and len(body[0]) < 65536:
            parts[0] = b"%b\n%b\n" % (start, body[0])
        else:
            parts[0:1] = [start + b"\n"] + body + [b"\n"]
        self._write(parts)

    def _write(self, parts):
        me = threading.get_ident()
        if self._owner == me:
            # A finalizer or a signal handler sends while this thread is in the middle of a frame.
            self._nested.append(parts)
            return
        with self._guard:
            with self._lock:
                self._owner = me
                try:
                    self._write_whole(parts)
                    while self._nested:
                        self._write_whole(self._nested.popleft())
                finally:
                    self._owner = None

    def _write_whole(self, parts):
        """Writes a frame to its end, also when a handler of another signal raises meanwhile, as timeouts by SIGALRM do.

        Handlers run in the main thread, between any two of its instructions: what takes many is another thread's.
        """
        if len(parts) == 1 or threading.get_ident() != _MAIN:
            self._write_parts(parts)
            return
        failures, done, go, written = [], [], _thread.allocate_lock(), _thread.allocate_lock()
        go.acquire()
        written.acquire()

        def work():
            go.acquire()
            try:
                self._write_parts(parts)
            except BaseException as failure:
                failures.append(failure)
            finally:
                done.append(True)
                written.release()

        _thread.start_new_thread(work, ())
        while True:
            try:
                # Either may be left by an exception at any point, and is then done again.
                if go.locked():
                    go.release()
                while not done:
                    written.acquire()
                break
            except BaseException as raised:
                failures.append(raised)
        if failures:
            raise failures[0]

    def _write_parts(self, parts):
        if len(parts) == 1:
            data = parts[0]
            done = os.write(self.fd, data)
            if done == len(data):
                return
            parts = [memoryview(data)[done:]]
        for part in parts:
            for piece in encoding.pieces(part) if type(part) is str else (part,):
                view = memoryview(piece)
                while view:
                    view = view[os.write(self.fd, view):]
