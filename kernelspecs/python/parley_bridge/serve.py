"""The main loop: takes one request after the other from descriptor 3 and answers it."""

import atexit
import builtins
import gc
import os
import sys
import threading
import traceback

from . import cells, processes
from .aio import EventLoop
from .cells import Cell
from .comms import Comms
from .descriptors import Descriptors
from .frames import Closed, FrameReader, FrameWriter
from .inputs import Inputs
from .interrupts import TURNS, Interrupts
from .lane import Lane
from .output import Output
from .quickstart import import_own, without_logging_config
from .streams import Stream
from .subshells import Subshells


class Bridge:
    """All parts of the bridge, wired up; ``shell`` runs the cells."""

    def __init__(self):
        self.interrupts = Interrupts(3)
        self.reader = FrameReader(3)
        self.writer = FrameWriter(4, self.interrupts.guard)
        self.output = Output(self.writer, self.reader, self.interrupts)
        self.descriptors = Descriptors()
        self.loop = EventLoop(3, self.interrupts)
        self.comms = Comms(self.output)
        self.subshells = Subshells(self)
        self.interrupts.others = self.subshells.interrupt
        self.debugger = None
        self._making = threading.Lock()
        self.shell = None
        self.inputs = None
        self._handlers = {
            "execute_request": self._execute,
            "complete_request": self._ask,
            "inspect_request": self._ask,
            "is_complete_request": self._ask,
            "comm_open": self._comm,
            "comm_msg": self._comm,
            "comm_close": self._comm,
            "debug_request": lambda head, content, buffers: self.debug(head, content),
            "shutdown_request": self._shutdown,
            "ack": _stale,
            "input_reply": _stale,
        }

    def start(self, use_ipython):
        """Takes over the streams and SIGINT, then loads what runs the cells."""
        self.interrupts.install()
        sys.stdout = sys.__stdout__ = Stream(self.output, self.output.stdout)
        sys.stderr = sys.__stderr__ = Stream(self.output, self.output.stderr)
        cells.install()
        self.shell, not_implemented = self._load_shell(use_ipython)
        self.inputs = Inputs(self.output, not_implemented)
        self.inputs.install()
        self.comms.install()
        self.loop.install()
        processes.install(self.output, self._after_fork)
        self.shell.run_startup()
        self.output.end()
        Lane(self).start()

    def _load_shell(self, use_ipython):
        if use_ipython:
            try:
                with without_logging_config():
                    import IPython.core.interactiveshell  # noqa: F401
                from IPython.core.error import StdinNotImplementedError
                make_shell = import_own("parley_bridge.shell").make_shell
                return make_shell(self), StdinNotImplementedError
            except Exception:
                # A broken installation is no reason to have no Python at all.
                traceback.print_exc()
                print("IPython could not be loaded; this is plain Python.", file=sys.stderr)
        from .fallback import PlainShell, StdinNotImplementedError
        return PlainShell(self), StdinNotImplementedError

    def run(self):
        """Serves until the end of descriptor 3."""
        reader = self.reader
        while True:
            try:
                if self.loop.jobs:
                    self.loop.run_jobs()
                frame = reader.take()
                if frame is None:
                    self.loop.wait()
                    reader.fill()
                    continue
                self.handle(frame)
            except Closed:
                self.leave()
            except KeyboardInterrupt:
                # It slipped through between the user's code and ours.
                self.interrupts.end()

    def handle(self, frame):
        """Answers one request, whatever happens."""
        head = frame[0]
        handler = self._handlers.get(head.get("msg_type"))
        try:
            if handler is not None:
                handler(*frame)
            elif head.get("id") is not None:
                self.reply(head, {"status": "error", "ename": "NotImplementedError",
                                  "evalue": str(head.get("msg_type")), "traceback": []})
        except KeyboardInterrupt:
            self.interrupts.end()
            error = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": ["KeyboardInterrupt"]}
            cell = cells.CELL.get()
            told = cell is not None and cell.id == head.get("id") and cell.last_error is not None
            if head.get("msg_type") == "execute_request" and not told:
                self.output.publish("error", error)
            self.reply(head, dict(error, status="error"))

    def reply(self, head, content):
        """Sends the reply to a request."""
        name = head["msg_type"]
        name = name[:-8] if name.endswith("_request") else name
        self.writer.send(name + "_reply", content, head.get("id"))

    # -- requests -------------------------------------------------------------------------------

    def _execute(self, head, content, buffers):
        interrupts = self.interrupts
        interrupts.starting = True
        cell = Cell(head.get("id"), content, head)
        self.output.begin(cell)
        self.loop.enter()
        self.before_cell()
        try:
            content = self.shell.execute(cell, content, head.get("metadata") or {}, interrupts)
        finally:
            interrupts.end()
            self.loop.leave()
        if self.output.forked:
            # A copy made by os.fork in the cell has run to its end. It is not the bridge.
            self.output.flush()
            os._exit(0 if content.get("status") == "ok" else 1)
        self._end_cell(cell)
        self.reply(head, content)

    def before_cell(self):
        """A cell is about to run in this thread."""
        if self.debugger is not None:
            self.debugger.prepare_thread()

    def current_loop(self):
        """The event loop of this thread, or the main thread's."""
        turn = TURNS.get(threading.get_ident())
        return self.loop if turn is None else turn.loop

    def _after_fork(self):
        self.interrupts.others = None
        if self.debugger is not None:
            self.debugger.after_fork()

    def debug(self, head, content):
        """A request of the debugger, answered by a thread of its own. From any thread."""
        with self._making:
            if self.debugger is None:
                self.debugger = import_own("parley_bridge.debugger").Debugger(self)
        self.debugger.put(head, content)

    def _end_cell(self, cell):
        self.descriptors.reopen()
        self.output.end()
        self.descriptors.restore()
        self.inputs.abandon(cell)
        # Whatever the cell did to them, the next one starts with a handler of ours.
        self.interrupts.install()
        if builtins.input is not self.inputs.input:
            builtins.input = self.inputs.input

    def _ask(self, head, content, buffers):
        """A question while no cell runs. It may run user code (properties, __dir__), which may hang:
        the server interrupts what takes too long."""
        self.interrupts.starting = True
        try:
            try:
                self.interrupts.begin()
                content = self.answer(head["msg_type"], content)
            finally:
                self.interrupts.end()
        except KeyboardInterrupt:
            content = {"status": "error", "ename": "KeyboardInterrupt", "evalue": "the answer took too long",
                       "traceback": []}
        self.reply(head, content)

    def answer(self, msg_type, content):
        """The content of the reply to a question about code."""
        code = content.get("code") or ""
        position = content.get("cursor_pos")
        position = len(code) if position is None else max(0, min(position, len(code)))
        try:
            if msg_type == "complete_request":
                return self.shell.complete(code, position)
            if msg_type == "inspect_request":
                return self.shell.inspect(code, position, content.get("detail_level") or 0,
                                          content.get("omit_sections") or ())
            return self.shell.is_complete(code)
        except Exception as error:
            return {"status": "error", "ename": type(error).__name__, "evalue": str(error),
                    "traceback": traceback.format_exc().splitlines()}

    def _comm(self, head, content, buffers):
        """A comm message while no cell runs: its callbacks are user code like any other."""
        cell = Cell(head.get("id"), content, head)
        self.output.begin(cell)
        self.before_cell()
        self._run_comm(head, content, buffers)
        self.output.end()
        self.writer.send("done", None, head.get("id"))

    def comm_from_lane(self, head, content, buffers):
        """A comm message that came while a cell ran, now in the main thread.

        The server may still count what is printed raw to the cell, so this prints in frames, as a
        background task does.
        """
        token = cells.CELL.set(Cell(head.get("id"), content, head))
        in_cell = self.interrupts.running
        try:
            if in_cell:
                self.comms.handle(head, content, buffers)
            else:
                self._run_comm(head, content, buffers)
            self.output.flush()
        finally:
            cells.CELL.reset(token)
            self.writer.send("done", None, head.get("id"))

    def _run_comm(self, head, content, buffers):
        self.loop.enter()
        self.interrupts.starting = True
        try:
            try:
                self.interrupts.begin()
                self.comms.handle(head, content, buffers)
            finally:
                self.interrupts.end()
        except KeyboardInterrupt:
            print("KeyboardInterrupt", file=sys.stderr)
        finally:
            self.loop.leave()

    def _shutdown(self, head, content, buffers):
        self.leave()

    def leave(self):
        """Ends the process: exit handlers run, and nothing is torn down that the system frees."""
        try:
            atexit._run_exitfuncs()
        except BaseException:
            traceback.print_exc()
        self.output.flush()
        os._exit(0)


def _stale(head, content, buffers):
    """An answer to a question nobody waits for any more."""


def run(use_ipython):
    """Starts the bridge and serves for good."""
    bridge = Bridge()
    bridge.start(use_ipython)
    # What is here now stays. A collection need not look at it ever again.
    gc.freeze()
    gc.enable()
    bridge.run()
