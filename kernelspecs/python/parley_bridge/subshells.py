"""Subshells: cells and comm messages that run in threads of their own, in the same namespace.

A subshell's cells run one after the other, beside those of the main thread. What they print goes in
frames, as from any other thread; what they ask is answered on the second lane. SIGINT reaches them
as far as Python lets it: as an exception between two of their bytecodes.
"""

import os
import sys
import threading
import traceback
from queue import SimpleQueue
from time import sleep

from . import aio, interrupts
from .cells import CELL, Cell


class Turn:
    """Whether a thread runs user code, and how to interrupt it: for a thread what
    :class:`~parley_bridge.interrupts.Interrupts` is for the main thread."""

    def __init__(self):
        import ctypes
        self._raise = ctypes.pythonapi.PyThreadState_SetAsyncExc
        self._ident = ctypes.c_ulong(threading.get_ident())
        self._exception = ctypes.py_object(KeyboardInterrupt)
        self._lock = threading.Lock()
        self._sent = False       # an exception was sent to the thread
        self.running = False
        self.pending = False
        self.hold = 0
        self.loop = None         # the thread's event loop, a ThreadLoop
        self.question = None     # an answer the thread waits for: callable that ends the waiting
        self.tracing = None      # has is_tracing, which is true while a debugger looks at the thread
        self.again = None        # called when it did: interrupts once more, a moment later
        interrupts.TURNS[threading.get_ident()] = self

    def begin(self):
        """User code starts."""
        self.pending = False
        self.running = True

    def end(self):
        """User code has ended; an interrupt that is still on its way comes too late."""
        while True:
            try:
                with self._lock:
                    self.running = False
                    self.pending = False
                    self.hold = 0
                break
            except KeyboardInterrupt:
                continue
        if self._sent:
            # Whether it has come is not to be known, and to withdraw it leaves CPython (3.11, under
            # a debugger) looking for it for ever. Another one in its place comes for certain.
            self._sent = False
            try:
                self._raise(self._ident, self._exception)
                while True:
                    sleep(0)
            except KeyboardInterrupt:
                pass

    def release(self):
        """Leaves a guard, see interrupts.py."""
        self.hold -= 1
        if self.hold <= 0 and self.pending and self.running:
            self.pending = False
            raise KeyboardInterrupt

    def interrupt(self):
        """Has KeyboardInterrupt raised in the thread. From the main thread."""
        # Without waiting: the handler of a signal may have come in the middle of anything.
        if not self._lock.acquire(False):
            return
        try:
            if not self.running:
                return
            # What makes the thread wait lets it go, and sees to the rest.
            if self.question is not None:
                self.question()
            elif self.hold > 0:
                self.pending = True
            elif not self.loop.cancel(sys._current_frames().get(self._ident.value)):
                tracing = self.tracing
                # Between these two nothing lets another thread run.
                if tracing is None or not tracing.is_tracing:
                    self._raise(self._ident, self._exception)
                    self._sent = True
                else:
                    self.again()
        finally:
            self._lock.release()

    def close(self):
        """The thread ends."""
        interrupts.TURNS.pop(threading.get_ident(), None)


class ThreadLoop(aio.CellAwaiter):
    """The event loop of a subshell, made when asyncio is first used there."""

    def __init__(self):
        super().__init__()
        self._waiting = False

    def wait(self, queue):
        """Background tasks go on until there is something in the queue."""
        while queue.empty():
            self._waiting = True
            try:
                self.loop.run_forever()
            except BaseException:
                traceback.print_exc()
            finally:
                self._waiting = False

    def stop_waiting(self):
        """There is something in the queue now. From any thread."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._stop)

    def _stop(self):
        if self._waiting:
            self.loop.stop()

    def wake(self):
        """Called by the loop when work came from another thread; its own pipe wakes it."""


class Subshell:
    """One subshell: a thread with a queue of requests."""

    def __init__(self, bridge, id):
        self._bridge = bridge
        self._queue = SimpleQueue()
        self._loop = ThreadLoop()
        self._turn = None
        self.id = id
        self.thread = threading.Thread(target=self._run, name="subshell-" + self.id, daemon=True)
        self.thread.start()

    def put(self, frame):
        """Adds a request, or None to end the subshell."""
        self._queue.put(frame)
        self._loop.stop_waiting()

    def interrupt(self):
        """Interrupts what runs."""
        if self._turn is not None:
            self._turn.interrupt()

    def _run(self):
        turn = self._turn = Turn()
        turn.loop = self._loop
        try:
            while True:
                try:
                    if self._loop.loop is not None:
                        self._loop.wait(self._queue)
                    frame = self._queue.get()
                    if frame is None:
                        return
                    self._serve(*frame)
                except KeyboardInterrupt:
                    turn.end()
                except Exception:
                    traceback.print_exc()
        finally:
            turn.close()

    def _serve(self, head, content, buffers):
        bridge = self._bridge
        cell = Cell(head.get("id"), content, head)
        cell.subshell = self.id
        CELL.set(cell)
        self._loop.enter()
        try:
            if head["msg_type"] == "execute_request":
                bridge.before_cell()
                reply = bridge.shell.execute(cell, content, head.get("metadata") or {}, self._turn)
                if bridge.output.forked:
                    bridge.output.flush()
                    os._exit(0 if reply.get("status") == "ok" else 1)
            else:
                reply = None
                self._comm(head, content, buffers)
        except KeyboardInterrupt:
            reply = {"status": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": []}
        finally:
            self._turn.end()
            self._loop.leave()
        bridge.output.flush()
        bridge.inputs.abandon(cell)
        CELL.set(None)
        if head["msg_type"] == "execute_request":
            bridge.reply(head, reply)
        else:
            bridge.writer.send("done", None, head.get("id"))

    def _comm(self, head, content, buffers):
        try:
            self._turn.begin()
            self._bridge.comms.handle(head, content, buffers)
        except KeyboardInterrupt:
            self._turn.end()
            print("KeyboardInterrupt", file=sys.stderr)


class Subshells:
    """All subshells, by the id the server gave them. Requests come from the second lane only."""

    def __init__(self, bridge):
        self._bridge = bridge
        self._all = {}

    def __iter__(self):
        return iter(list(self._all.values()))

    def put(self, id, frame):
        """Hands a request to a subshell, which is made for its first one."""
        subshell = self._all.get(id)
        if subshell is None:
            if not self._all:
                import ctypes  # noqa: F401  before a signal handler needs it
                self._bridge.shell.allow_threads()
            subshell = self._all[id] = Subshell(self._bridge, id)
        subshell.put(frame)

    def close(self, id):
        """Ends a subshell after what it has still to do."""
        subshell = self._all.pop(id, None)
        if subshell is not None:
            subshell.put(None)

    def interrupt(self):
        """What SIGINT does to them."""
        for subshell in self:
            subshell.interrupt()
