"""The event loop that lives across cells, for top-level ``await`` and background tasks.

asyncio is imported when a cell needs it, not before. As in ipykernel, code at the top of a cell
finds this loop by ``asyncio.get_running_loop()``, so that ``asyncio.create_task(...)`` works
without an await; but it is only marked as running, so ``asyncio.run()`` and
``loop.run_until_complete()`` work too.
"""

import os
import select
import sys
import threading
import traceback
from collections import deque

from .hooks import when_imported
from .interrupts import TURNS


class CellAwaiter:
    """Owns the loop of a thread that runs cells; ``wake()`` is the loop's word of work from another thread."""

    def __init__(self):
        self.loop = None
        self.task = None                 # the cell that is being awaited
        self.cancelled = False           # it was cancelled by an interrupt

    def ensure(self):
        """The loop, made when it is first wanted."""
        import asyncio     # in the main thread the first time leads to EventLoop._imported
        if self.loop is None or self.loop.is_closed():
            self.loop = make_loop(asyncio, self)
            asyncio.set_event_loop(self.loop)
        return self.loop

    def enter(self):
        """A cell starts: its code shall find the loop."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and hasattr(asyncio, "_set_running_loop"):
            asyncio._set_running_loop(self.ensure())

    def leave(self):
        """The cell is over."""
        if self.loop is not None:
            sys.modules["asyncio"]._set_running_loop(None)

    def run(self, coroutine):
        """Runs a cell's coroutine to its end. An interrupt cancels it wherever it waits."""
        loop = self.ensure()
        task = self.task = loop.create_task(coroutine)
        self.cancelled = False
        try:
            while True:
                try:
                    return loop.run_until_complete(task)
                except KeyboardInterrupt:
                    # It hit some other task's code. The cell is what the user wants to stop.
                    if task.done():
                        raise
                    self.cancelled = True
                    task.cancel()
        finally:
            self.task = None

    def cancel(self, frame):
        """An interrupt while the thread is in the loop itself, where an exception would lose callbacks."""
        task = self.task
        module = frame.f_globals.get("__name__", "") if frame is not None else ""
        if task is None or module != "selectors" and not module.startswith("asyncio."):
            return False
        self.cancelled = True
        self.loop.call_soon_threadsafe(task.cancel)
        return True


class EventLoop(CellAwaiter):
    """The loop of the main thread, which goes on between the cells."""

    def __init__(self, fd, interrupts):
        super().__init__()
        self.jobs = deque()              # callables for the main thread, from the second lane
        self._fd = fd
        self._idle = False
        self._in_cell = False
        self._wake = os.pipe()
        os.set_blocking(self._wake[1], False)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._poll.register(self._wake[0], select.POLLIN)
        interrupts.cancel = self.cancel

    def install(self):
        """Waits for the first import of asyncio."""
        when_imported("asyncio", self._imported)

    def _imported(self, asyncio):
        _allow_run_in_cells(asyncio)
        turn = TURNS.get(threading.get_ident())
        if turn is not None:
            if turn.running:
                turn.loop.enter()
        # In another thread the mark would be set for that thread.
        elif self._in_cell and threading.current_thread() is threading.main_thread():
            self.enter()

    # -- the cell -------------------------------------------------------------------------------

    def enter(self):
        self._in_cell = True
        super().enter()

    def leave(self):
        self._in_cell = False
        super().leave()

    # -- between cells --------------------------------------------------------------------------

    def wait(self):
        """Waits for the next request, while background tasks go on."""
        while True:
            # Said before looking for work, so that whoever brings some from now on wakes us.
            self._idle = True
            if self.jobs:
                self._idle = False
                self.run_jobs()
                continue
            if self._is_live():
                ready = self._run_until_readable()
            else:
                ready = [fd for fd, _ in self._poll.poll()]
            self._idle = False
            if self._wake[0] in ready:
                os.read(self._wake[0], 4096)
            if self._fd in ready:
                return

    def wake(self):
        """Has :meth:`wait` look for work again. From any thread."""
        if self._idle:
            os.write(self._wake[1], b"w")

    def _is_live(self):
        loop = self.loop
        if loop is None or loop.is_closed():
            return False
        try:
            # The loop's own wake-up pipe is always registered.
            return bool(loop._ready or loop._scheduled or len(loop._selector.get_map()) > 1)
        except AttributeError:
            return True      # a loop of somebody else's making

    def _run_until_readable(self):
        loop = self.loop
        ready = []

        def stop(fd):
            ready.append(fd)
            loop.stop()

        fds = (self._fd, self._wake[0])
        try:
            for fd in fds:
                loop.add_reader(fd, stop, fd)
            loop.run_forever()
        except BaseException:
            # SystemExit of a background task, say: told in its cell, and no end of the bridge.
            traceback.print_exc()
        finally:
            for fd in fds:
                loop.remove_reader(fd)
        return ready

    # -- jobs of the second lane ----------------------------------------------------------------

    def add_job(self, job):
        """Has the main thread run ``job``: in the cell's loop while it waits, else after the cell."""
        self.jobs.append(job)
        if self.task is not None:
            self.loop.call_soon_threadsafe(self.run_jobs)
        self.wake()

    def run_jobs(self):
        """Runs what the second lane left for the main thread."""
        while self.jobs:
            self.jobs.popleft()()


def make_loop(asyncio, owner):
    """A loop for cells; ``owner.wake()`` is called when another thread has brought work."""
    class CellLoop(asyncio.SelectorEventLoop):
        """The loop of the cells. It may be run by code that only sees it marked as running."""

        def run_forever(self):
            marked = asyncio._get_running_loop()
            if marked is self and not self.is_running():
                asyncio._set_running_loop(None)
                try:
                    return super().run_forever()
                finally:
                    asyncio._set_running_loop(self)
            return super().run_forever()

        def run_until_complete(self, future):
            marked = asyncio._get_running_loop()
            if marked is self and not self.is_running():
                asyncio._set_running_loop(None)
                try:
                    return super().run_until_complete(future)
                finally:
                    asyncio._set_running_loop(self)
            return super().run_until_complete(future)

        def call_soon_threadsafe(self, callback, *args, **kwargs):
            handle = super().call_soon_threadsafe(callback, *args, **kwargs)
            owner.wake()
            return handle

    return CellLoop()


def _allow_run_in_cells(asyncio):
    """asyncio.run() refuses when a loop is marked as running. In a cell that is only a mark."""

    def unmarked(function):
        def run(*args, **kwargs):
            marked = asyncio._get_running_loop()
            if marked is None or marked.is_running():
                return function(*args, **kwargs)
            asyncio._set_running_loop(None)
            try:
                return function(*args, **kwargs)
            finally:
                asyncio._set_running_loop(marked)
                asyncio.set_event_loop(marked)
        run.__wrapped__ = function
        run.__name__ = function.__name__
        run.__doc__ = function.__doc__
        return run

    asyncio.run = unmarked(asyncio.run)
    if hasattr(asyncio, "Runner"):
        asyncio.Runner.run = unmarked(asyncio.Runner.run)
