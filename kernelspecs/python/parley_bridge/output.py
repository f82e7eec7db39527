"""The one queue that everything printed goes through, and the order in which it leaves.

Text of the running cell goes raw to descriptors 1 and 2, where the text of C libraries and of
child processes goes too; everything else goes to descriptor 4 as frames. The server empties 1 and 2
before it takes a frame, so raw text before a frame is in order by itself. Raw text *after* a frame,
or after raw text on the other descriptor, is not: then the bridge asks with a ``sync`` frame, and
waits until the server has taken everything so far. Only the main thread can wait, for it alone
reads descriptor 3; any other thread sends its text as a ``stream`` frame instead.
"""

import os
import select
import sys
import threading
from time import monotonic

from .cells import CELL, untraced
from .frames import Closed

LINGER = 0.012       # seconds text may wait for more text
MANY = 1000          # pieces of text that are enough to write
LONG = 8192          # characters that are enough to write

_NOWHERE = object()
_MAIN = threading.main_thread().ident


class Raw:
    """Descriptor 1 or 2, for the text of the cell that runs, and what waits to be written there."""

    def __init__(self, name, fd):
        self.name = name
        self.fd = fd
        self.pieces = []


class Late:
    """A stream of a cell that is over, or of no cell: its text goes in frames that carry the id."""

    def __init__(self, name, id):
        self.name = name
        self.id = id
        self.pieces = []


class Output:
    """Everything that leaves the bridge, except replies, passes here."""

    def __init__(self, writer, reader, interrupts):
        self.writer = writer
        self.reader = reader
        self.interrupts = interrupts
        self.current = None          # the cell that runs; raw text belongs to it
        self.last_id = None          # the last request, for output of nobody in particular
        self.forked = False          # this process is a copy of the bridge, made by os.fork
        self.stdout = Raw("stdout", 1)
        self.stderr = Raw("stderr", 2)
        self.active = self.stdout    # where the last text went; before it changes, all is flushed
        self.armed = False           # the timer is on its way
        self.next_flush = 0.0        # from then on a newline is written at once
        self._late = {}
        self._lock = threading.RLock()
        self._unordered = None       # what the server may not have taken yet: a Raw, or _NOWHERE
        self._seq = 0
        self._poll = select.poll()
        self._poll.register(reader.fd, select.POLLIN)
        self._alarm = threading.Lock()
        self._alarm.acquire()
        self._timer = None

    # -- cells ----------------------------------------------------------------------------------

    def begin(self, cell):
        """A request that runs code starts: from now on its text goes raw."""
        # The server has taken all there was before it sent the request.
        self._unordered = None
        self.next_flush = 0.0        # the first line appears at once, whatever follows it
        self.last_id = cell.id
        CELL.set(cell)
        self.current = cell

    def end(self):
        """The running cell is over, its reply is next."""
        self.flush()
        self.current = _NOWHERE
        for raw in (self.stdout, self.stderr):
            pieces, raw.pieces = raw.pieces, []
            if pieces:
                self._rescue(raw.name, pieces)

    # -- text -----------------------------------------------------------------------------------

    def writer_for(self, raw):
        """The write() of a stream. It decides the cost of print, hence the closure.

        Without a lock: a list's append is atomic, and flushing takes only what it has counted. Each cell has lists of
        its own. A thread that was held up before its append, until the cell is over, finds its text again there.
        """
        get_cell = CELL.get
        # What a program says on stderr before it dies must not die with it.
        never_waits = raw is self.stderr

        def write(text):
            """Take text; it is written within a few milliseconds, at flush() at the latest."""
            if text.__class__ is not str and not isinstance(text, str):
                raise TypeError("write() argument must be str, not %s" % type(text).__name__)
            pieces = raw.pieces
            cell = get_cell()
            if cell is not self.current:
                self._put_late(raw.name, text)
                return len(text)
            if self.active is not raw:
                self._switch(raw)
            pieces.append(text)
            size = len(text)
            if cell is not self.current:
                self._rescue(raw.name, pieces)
                return size
            if len(pieces) > MANY or size > LONG:
                self.flush()
            elif "\n" in text and (never_waits or monotonic() >= self.next_flush):
                self.flush()
            elif not self.armed:
                self._arm()
            return size

        return write

    def _rescue(self, name, pieces):
        """What was put among a cell's text when the cell had ended goes to it as late text."""
        with self.interrupts.guard:
            with self._lock:
                count = len(pieces)
                text = "".join(pieces[:count])
                del pieces[:count]
                if text:
                    self._put_late(name, text)

    def _switch(self, to):
        self.flush()
        self.active = to

    def _put_late(self, name, text):
        cell = CELL.get()
        key = name, cell.id if cell is not None else self.last_id
        with self.interrupts.guard:
            with self._lock:
                late = self._late.get(key)
                if late is None or self.active is not late:
                    self._drain()
                    late = self.active = self._late[key] = Late(*key)
                late.pieces.append(text)
                if len(late.pieces) > MANY or "\n" in text and monotonic() >= self.next_flush:
                    self._drain()
                elif not self.armed:
                    self._arm()

    def flush(self):
        """Writes everything that waits."""
        if self.stdout.pieces or self.stderr.pieces or self._late:
            with self.interrupts.guard:
                with self._lock:
                    self._drain()

    def _drain(self):
        for to in (self.stdout, self.stderr):
            if to.pieces and to is not self.active:
                self._write(to)       # left there by a thread that wrote while another switched
        while self._late:
            self._write(self._late.popitem()[1])
        to = self.active
        if type(to) is Raw and to.pieces:
            self._write(to)
        self.next_flush = 0.0 if self.forked else monotonic() + LINGER

    def _write(self, to):
        pieces = to.pieces
        count = len(pieces)
        text = "".join(pieces[:count])
        del pieces[:count]
        if not text:
            return
        if type(to) is Late:
            if self.forked:
                self._write_fd(1 if to.name == "stdout" else 2, text)
            else:
                self._unordered = _NOWHERE
                self.writer.send("stream", {"name": to.name, "text": text}, to.id)
            return
        if not self.forked and self._unordered is not None and self._unordered is not to:
            if threading.get_ident() != _MAIN or self.current is _NOWHERE:
                self._unordered = _NOWHERE
                cell = self.current
                self.writer.send("stream", {"name": to.name, "text": text},
                                 self.last_id if cell is _NOWHERE or cell is None else cell.id)
                return
            self._sync()
        self._unordered = to
        self._write_fd(to.fd, text)

    def _write_fd(self, fd, text):
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            data = text.encode("utf-8", "replace")
        view = memoryview(data)
        # Blocks while the server holds the cell back. An interrupt loses the rest of the text.
        with self.interrupts.opening():
            while view:
                view = view[os.write(fd, view):]

    def write_bytes(self, raw, data):
        """``sys.stdout.buffer``: bytes that need not be text."""
        pieces = raw.pieces
        cell = CELL.get()
        if cell is not self.current:
            self._put_late(raw.name, bytes(data).decode("utf-8", "replace"))
            return
        if self.active is not raw:
            self._switch(raw)
        pieces.append(bytes(data).decode("utf-8", "surrogateescape"))
        if cell is not self.current:
            self._rescue(raw.name, pieces)
            return
        self.flush()

    # -- order ----------------------------------------------------------------------------------

    def _sync(self):
        """Waits until the server has taken all output so far. Main thread, lock and guard held."""
        self._seq += 1
        seq = self._seq
        self.writer.send("sync", None, seq=seq)
        reader = self.reader
        while True:
            frame = reader.next_new()
            if frame is None:
                with self.interrupts.opening():
                    self._poll.poll()
                try:
                    reader.fill()
                except Closed:
                    os._exit(0)
            elif frame[0].get("msg_type") == "ack":
                if frame[0].get("seq") == seq:
                    self._unordered = None
                    return
            elif frame[0].get("msg_type") != "input_reply":
                reader.put_back(frame)   # while starting up, the first request may be here already

    def before_child(self):
        """A child process is about to start, and will print on 1 and 2 itself."""
        if self.forked:
            return
        self.flush()
        if self.current is _NOWHERE:
            return
        with self.interrupts.guard:
            with self._lock:
                if self._unordered is not None and threading.get_ident() == _MAIN:
                    self._sync()
                self._unordered = _NOWHERE

    # -- frames ---------------------------------------------------------------------------------

    def publish(self, msg_type, content, metadata=None, buffers=None):
        """Sends an output message of the cell this code belongs to, behind all text so far."""
        if self.forked:
            self._publish_in_copy(msg_type, content)
            return
        cell = CELL.get()
        with self.interrupts.guard:
            with self._lock:
                self._drain()
                self._unordered = _NOWHERE
                self.writer.send(msg_type, content,
                                 cell.id if cell is not None else self.last_id, metadata, buffers)

    def _publish_in_copy(self, msg_type, content):
        # The descriptor of events belongs to the original; the copy shows what can be shown as text.
        if msg_type == "error":
            print("\n".join(content["traceback"]), file=sys.stderr)
        elif "text/plain" in content.get("data", ()):
            print(content["data"]["text/plain"])
        self.flush()

    # -- time -----------------------------------------------------------------------------------

    def _arm(self):
        """Sees to it that what waits is written soon, even if nothing more is printed."""
        self.armed = True
        if self._timer is None:
            self._timer = untraced(threading.Thread(target=self._run_timer, name="parley-flush",
                                                    daemon=True))
            self._timer.start()
        self._alarm.release()

    def _run_timer(self):
        pause = threading.Lock()
        pause.acquire()
        while True:
            self._alarm.acquire()
            pause.acquire(timeout=LINGER)
            self.armed = False
            try:
                self.flush()
            except OSError:
                return

    # -- fork -----------------------------------------------------------------------------------

    def after_fork(self):
        """This process is the child: what waited is the parent's to print."""
        self.forked = True
        for to in (self.stdout, self.stderr):
            to.pieces.clear()
        self._late.clear()
        self._lock = threading.RLock()
        self.armed = True                # there is no timer here, so do not call for it
        self.next_flush = 0.0
