"""Which cell does this code belong to?

A context variable holds the cell. Tasks and callbacks of an event loop inherit it by themselves,
threads and executor jobs get it here, so that their output finds its way back to the cell that
started them even after other cells have run.
"""

import _signal
import contextvars
import sys
import threading


class Cell:
    """A request that runs code: execute_request, or a comm message."""

    __slots__ = ("id", "execution_count", "allow_stdin", "parent", "silent", "subshell", "ended",
                 "last_error", "error_in_display", "payload", "code")

    def __init__(self, id, content=None, head=None):
        content = content or {}
        self.id = id
        self.execution_count = content.get("execution_count")
        self.allow_stdin = bool(content.get("allow_stdin"))
        self.silent = bool(content.get("silent"))
        self.subshell = None             # the id of the subshell it runs in
        self.ended = False
        self.last_error = None           # the error it has published last
        self.error_in_display = False
        self.payload = []
        self.code = content.get("code") or ""
        header = (head or {}).get("header")
        self.parent = {"header": header, "msg_id": header.get("msg_id"), "content": content,
                       "metadata": (head or {}).get("metadata") or {}} if header else {}


CELL = contextvars.ContextVar("parley_cell", default=None)


def untraced(thread):
    """Marks a thread of the bridge's own, which debuggers must neither show nor stop."""
    thread.pydev_do_not_trace = True
    thread.is_pydev_daemon_thread = True
    return thread


def _is_own(thread):
    return getattr(thread, "is_pydev_daemon_thread", False)


_thread_start = threading.Thread.start
_thread_run = threading.Thread._bootstrap_inner


def _start(self):
    self._parley_cell = CELL.get()
    self._parley_starter_is_own = _is_own(threading.current_thread())
    if not _executor_patched and "concurrent.futures.thread" in sys.modules:
        _patch_executor(sys.modules["concurrent.futures.thread"])
    _thread_start(self)


def _bootstrap_inner(self):
    CELL.set(getattr(self, "_parley_cell", None))
    if _is_own(self):
        # The system may give a signal to any thread, and Python tells the main one only when that thread has run. On a
        # busy machine an interrupt would then meet the next cell.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))
    elif getattr(self, "_parley_starter_is_own", False):
        # What the user's threads start must be as easy to interrupt as they are.
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGINT,))
    _thread_run(self)


_executor_patched = False


def _patch_executor(module):
    """Makes a pool's job belong to the cell that submits it, not to the one that made the pool."""
    global _executor_patched
    _executor_patched = True
    submit = module.ThreadPoolExecutor.submit

    def submit_from_cell(self, fn, /, *args, **kwargs):
        cell = CELL.get()

        def job(*args, **kwargs):
            token = CELL.set(cell)
            try:
                return fn(*args, **kwargs)
            finally:
                CELL.reset(token)

        return submit(self, job, *args, **kwargs)

    module.ThreadPoolExecutor.submit = submit_from_cell


def install():
    """From now on new threads know their cell."""
    threading.Thread.start = _start
    threading.Thread._bootstrap_inner = _bootstrap_inner
