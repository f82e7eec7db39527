"""The debugger: requests of a front end's debugger panel, answered with debugpy's help.

debugpy is imported by the first request that needs it. What can be said without it (variables while
nothing is stopped, the files of cells) is said here.
"""

import atexit
import os
import reprlib
import sys
import threading
from queue import SimpleQueue
from time import sleep

from . import names
from .cells import untraced
from .dap import Connection, Unavailable
from .explorer import Explorer, is_hidden
from .interrupts import TURNS

_MAIN = threading.main_thread()
_shown = []              # what show() was given last

# Answered at once; everything else is for a thread that is stopped.
_WHENEVER = {"initialize", "attach", "configurationDone", "disconnect", "threads", "pause",
             "setBreakpoints", "setExceptionBreakpoints", "setFunctionBreakpoints"}
_PAUSE = 105
_EXCEPTIONS = {122, 137}
_BREAKPOINTS = {111, 208}         # stop reasons: lines, functions
_HERE = os.path.dirname(os.path.abspath(__file__))
_MACHINERY = {os.path.join(_HERE, name + ".py")
              for name in ("encoding", "frames", "inputs", "interrupts", "output", "streams")}


def show(value):
    """Takes a variable of a stopped frame; evaluated there, so that it runs in the frame's thread."""
    _shown[:] = [value]
    return True


class Debugger:
    """Answers requests one after the other in a thread that no debugger traces."""

    def __init__(self, bridge):
        self._bridge = bridge
        self._queue = SimpleQueue()
        self._connection = Connection(self._event)
        self._explorer = Explorer()
        self._started = False
        self._breakpoints = {}
        self._stopped = set()
        self._waiting = {}               # threads at breakpoints: whether they were interrupted there
        self._due = set()                # threads to interrupt once debugpy has done with them
        self._pid = os.getpid()
        bridge.interrupts.leave_stop = self._leave_stop
        atexit.register(self._clean_up)
        untraced(threading.Thread(target=self._run, name="parley-debug", daemon=True)).start()

    def put(self, head, content):
        """Adds a request."""
        self._queue.put((head, content))

    def _clean_up(self):
        if os.getpid() == self._pid:
            names.clean_up()

    def _run(self):
        while True:
            head, request = self._queue.get()
            if head is None:
                self._resume()
                continue
            try:
                reply = self._answer(request)
            except Unavailable as error:
                reply = _failure(request, str(error))
            except Exception as error:
                reply = _failure(request, "%s: %s" % (type(error).__name__, error))
            self._bridge.reply(head, reply)

    def _answer(self, request):
        command = str(request.get("command"))
        handler = getattr(self, "_on_" + command, None)
        arguments = request.get("arguments")
        arguments = arguments if isinstance(arguments, dict) else {}
        if handler is not None:
            return handler(request, arguments)
        return self._forward(request, arguments)

    def _forward(self, request, arguments):
        command = str(request.get("command"))
        if not self._started:
            return _failure(request, "the debugger has not been started")
        if not self._connection.knows(command):
            return _failure(request, "%s is not supported" % command)
        needs_stop = None if command in _WHENEVER else lambda: not self._stopped
        response = self._connection.request(command, arguments, needs_stop)
        if response is None:
            return _failure(request, "nothing is stopped")
        response["request_seq"] = request.get("seq")
        return response

    def _event(self, event):
        name, body = event.get("event"), event.get("body") or {}
        if name == "stopped":
            self._stopped.add(body.get("threadId"))
        elif name == "continued":
            if body.get("allThreadsContinued", True):
                self._stopped.clear()
            else:
                self._stopped.discard(body.get("threadId"))
        self._bridge.writer.send("debug_event", event)

    # -- threads --------------------------------------------------------------------------------

    def prepare_thread(self):
        """A cell is about to run in this thread: it is traced while there is a debugger, only then."""
        if self._connection.pydb is None:
            return
        ident = threading.get_ident()
        self._due.discard(ident)
        turn = TURNS.get(ident)
        if turn is not None:
            turn.tracing = getattr(threading.current_thread(), "additional_info", None)
            turn.again = lambda: self._leave_stop(None, ident)
        if self._started:
            # A step that led out of the last cell does not lead into this one.
            self._connection.run_thread()
        if sys.version_info < (3, 12):
            tracer = sys.gettrace()
            if tracer is None and self._started:
                self._connection.pydb.enable_tracing()
            elif not self._started and _is_debugpy(tracer):
                self._connection.pydb.disable_tracing()

    def after_fork(self):
        """This process is a copy, in which nobody could go on from a breakpoint."""
        self._started = False
        if self._connection.pydb is not None:
            self._connection.pydb.pydb_disposed = True
            self._connection.pydb.disable_tracing()
            threading.settrace(None)

    def _watch_stops(self):
        # debugpy calls this in the thread that has come to a breakpoint, and it returns to go on.
        pydb = self._connection.pydb
        wait = pydb.do_wait_suspend

        def do_wait_suspend(thread, frame, *args, **kwargs):
            if not self._may_stop(thread, frame):
                reason = getattr(thread, "stop_reason", None)
                if reason in _EXCEPTIONS or reason != _PAUSE and not self._in_user_code():
                    self._connection.run_thread()    # it is over, and so is a step beyond the cell
                return None      # it is asked again at the next line, until it has come to user code
            ident = threading.get_ident()
            turn = TURNS.get(ident)
            self._waiting[ident] = False
            if turn is not None:
                turn.question = lambda: self._leave_stop(None, ident)
            try:
                return wait(thread, frame, *args, **kwargs)
            finally:
                if turn is not None:
                    turn.question = None
                if self._waiting.pop(ident):
                    # This ends the tracing of the thread; prepare_thread() starts it again.
                    raise KeyboardInterrupt

        pydb.do_wait_suspend = do_wait_suspend

    def _may_stop(self, thread, frame):
        """Not where the bridge is at work: it may hold what it needs to talk to the server. And a
        step or pause only ends in a cell, or in what a cell has called."""
        if not self._in_user_code():
            return False
        ident = threading.get_ident()
        is_free = ident != _MAIN.ident and ident not in TURNS
        good = is_free or getattr(thread, "stop_reason", None) in _BREAKPOINTS
        while frame is not None:
            name = frame.f_code.co_filename
            if name in _MACHINERY:
                return False
            good = good or name.startswith(names.PREFIX)
            frame = frame.f_back
        return good

    def _in_user_code(self):
        turn = (self._bridge.interrupts if threading.current_thread() is _MAIN
                else TURNS.get(threading.get_ident()))
        return turn is None or turn.running and turn.hold <= 0

    def _leave_stop(self, frame, ident=_MAIN.ident):
        """SIGINT in debugpy: an exception just anywhere in there would leave it in disorder. At a
        breakpoint the thread leaves debugpy's loop first. Elsewhere it is interrupted again, as
        soon as it is back in the user's code."""
        if ident in self._waiting:
            self._waiting[ident] = True
        elif _is_debuggers(frame) or self._looks_at(ident):
            self._due.add(ident)
        else:
            self._due.discard(ident)
            return False
        self._queue.put((None, None))
        return True

    def _looks_at(self, ident):
        """Whether debugpy is at work in the main thread, to decide whether it shall stop."""
        if ident != _MAIN.ident:
            return True
        return bool(getattr(getattr(_MAIN, "additional_info", None), "is_tracing", False))

    def _resume(self):
        """Lets the interrupted threads go on, or interrupts them again."""
        due = list(self._due)
        try:
            if self._waiting:
                self._connection.request("continue", {"threadId": "*"}, lambda: not self._waiting)
        except Unavailable:
            pass
        for ident in due:
            sleep(0.001)
            if ident == _MAIN.ident:
                self._bridge.interrupts.repeat()
                continue
            self._due.discard(ident)
            turn = TURNS.get(ident)
            if turn is not None:
                turn.interrupt()

    # -- session --------------------------------------------------------------------------------

    def _on_initialize(self, request, arguments):
        if not self._started:
            first = self._connection.pydb is None
            self._connection.open(_uninteresting())
            if first:
                self._watch_stops()
            self._started = True
        # Threads are numbered as debugpy meets them. Front ends take the main thread for number one.
        response = self._forward(request, dict({"adapterID": ""}, **arguments))
        self._connection.request("threads")
        return response

    def _on_attach(self, request, arguments):
        if not self._started:
            return _failure(request, "the debugger has not been started")
        arguments = {key: value for key, value in arguments.items()
                     if key not in ("connect", "listen", "redirectOutput", "logToFile")}
        options = arguments.get("debugOptions") or []
        arguments["debugOptions"] = [o for o in options if o != "RedirectOutput"]
        arguments.setdefault("justMyCode", False)
        arguments["subProcess"] = False
        response = self._forward(request, arguments)
        if response.get("success"):
            self._connection.request("configurationDone")
        return response

    def _on_configurationDone(self, request, arguments):
        return _success(request)

    def _on_disconnect(self, request, arguments):
        # Never with terminateDebuggee: this process is more than its debugger.
        if self._started:
            self._connection.request("disconnect", {"terminateDebuggee": False})
        self._started = False
        self._breakpoints.clear()
        self._stopped.clear()
        return _success(request)

    _on_terminate = _on_disconnect

    def _on_debugInfo(self, request, arguments):
        return _success(request, {
            "isStarted": self._started, "hashMethod": "Murmur2", "hashSeed": names.SEED,
            "tmpFilePrefix": names.PREFIX, "tmpFileSuffix": names.SUFFIX,
            "breakpoints": [{"source": source, "breakpoints": lines}
                            for source, lines in self._breakpoints.items()],
            "stoppedThreads": sorted(self._stopped), "richRendering": True,
            "exceptionPaths": ["Python Exceptions"], "copyToGlobals": True})

    # -- sources --------------------------------------------------------------------------------

    def _on_dumpCell(self, request, arguments):
        return _success(request, {"sourcePath": names.dump(str(arguments["code"]))})

    def _on_setBreakpoints(self, request, arguments):
        response = self._forward(request, arguments)
        path = (arguments.get("source") or {}).get("path")
        if response.get("success") and path is not None:
            set_ones = (response.get("body") or {}).get("breakpoints") or []
            self._breakpoints[path] = [{"line": point["line"]} for point in set_ones if "line" in point]
        return response

    def _on_source(self, request, arguments):
        path = (arguments.get("source") or {}).get("path") or ""
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return _success(request, {"content": file.read()})
        except (OSError, ValueError) as error:
            return _failure(request, "the source cannot be read: %s" % error)

    def _on_modules(self, request, arguments):
        modules = list(sys.modules.copy().items())
        start = arguments.get("startModule", request.get("startModule")) or 0
        count = arguments.get("moduleCount", request.get("moduleCount")) or len(modules)
        found = []
        for index, (name, module) in enumerate(modules[start:start + count], start):
            path = getattr(getattr(module, "__spec__", None), "origin", None)
            if isinstance(path, str) and path.endswith(".py"):
                found.append({"id": index, "name": name, "path": path})
        return _success(request, {"modules": found, "totalModules": len(modules)})

    # -- variables ------------------------------------------------------------------------------

    def _on_inspectVariables(self, request, arguments):
        shell = self._bridge.shell
        return _success(request, {"variables": self._explorer.inspect(shell.namespace, shell.hidden)})

    def _on_variables(self, request, arguments):
        if not self._stopped:
            reference = arguments.get("variablesReference") or 0
            return _success(request, {"variables": self._explorer.children(reference)})
        response = self._forward(request, arguments)
        body = response.get("body") or {}
        if "variables" in body:
            body["variables"] = [v for v in body["variables"] if not is_hidden(v.get("name", ""))]
        return response

    def _on_richInspectVariables(self, request, arguments):
        name = str(arguments.get("variableName"))
        if not name.isidentifier():
            # Headings of groups of variables come here too.
            reply = _success(request, {"data": {}, "metadata": {}})
            reply["success"] = name in ("special variables", "function variables", "class variables",
                                        "protected variables")
            return reply
        frame = arguments.get("frameId")
        if self._stopped and frame is not None:
            code = "__import__(%r, None, None, ['show']).show(%s)" % (__name__, name)
            response = self._forward(dict(request, command="evaluate"), {
                "expression": code, "frameId": frame, "context": "clipboard"})
            response["command"] = request["command"]
            if not _shown:
                return _failure(request, "there is no variable %s" % name)
            value = _shown.pop()
        else:
            namespace = self._bridge.shell.namespace
            if name not in namespace:
                return _failure(request, "there is no variable %s" % name)
            value = namespace[name]
        data, metadata = self._bridge.shell.bundle(value)
        return _success(request, {"data": data, "metadata": {
            mime: more for mime, more in metadata.items() if mime in data}})

    def _on_copyToGlobals(self, request, arguments):
        source, target = arguments.get("srcVariableName"), arguments.get("dstVariableName")
        for name in (source, target):
            if not isinstance(name, str) or not name.isidentifier():
                return _failure(request, "srcVariableName and dstVariableName must be valid identifiers")
        if not self._stopped:
            return _failure(request, "nothing is stopped")
        response = self._forward(dict(request, command="setExpression"), {
            "expression": "globals()[%r]" % target, "value": source,
            "frameId": arguments.get("srcFrameId")})
        response["command"] = request["command"]
        return response

    def _on_evaluate(self, request, arguments):
        if arguments.get("frameId") is not None:
            return self._forward(request, arguments)
        # Not in a frame: in the user's namespace.
        namespace, source = self._bridge.shell.namespace, str(arguments.get("expression"))
        try:
            try:
                value = eval(source, namespace)
            except SyntaxError:
                value = exec(source, namespace)
        except BaseException as error:
            return _failure(request, "%s: %s" % (type(error).__name__, error))
        return _success(request, {
            "result": "" if value is None else value if isinstance(value, str) else reprlib.repr(value),
            "type": type(value).__name__, "variablesReference": 0})

    def _on_continue(self, request, arguments):
        # All threads were stopped together, and front ends know but one of them.
        if self._started and not self._stopped:
            return _success(request, {"allThreadsContinued": True})
        return self._forward(request, dict(arguments, threadId="*"))

    def _on_pause(self, request, arguments):
        return self._forward(request, dict(arguments, threadId="*"))


def _uninteresting():
    """Folders whose code is neither traced nor shown: what runs the cells and formats their errors."""
    folders = []
    for name in ("IPython", "asyncio"):
        path = getattr(sys.modules.get(name), "__file__", None)
        if path:
            folders.append(os.path.dirname(path) + "/")
    if folders and "IPython" in sys.modules:
        packages = os.path.dirname(os.path.dirname(folders[0]))
        folders += [os.path.join(packages, name) + "/" for name in (
            "traitlets", "pygments", "stack_data", "executing", "asttokens", "pure_eval", "comm",
            "matplotlib_inline", "jedi", "parso")]
    return folders


def _is_debuggers(frame):
    """Whether a frame is debugpy's, or ours that it has called."""
    name = frame.f_code.co_filename if frame is not None else ""
    return "pydevd" in name or name == __file__


def _is_debugpy(tracer):
    module = getattr(tracer, "__module__", None) or type(tracer).__module__ or ""
    return "pydevd" in module


def _success(request, body=None):
    reply = {"type": "response", "seq": request.get("seq"), "request_seq": request.get("seq"),
             "success": True, "command": request.get("command")}
    if body is not None:
        reply["body"] = body
    return reply


def _failure(request, message):
    return {"type": "response", "seq": request.get("seq"), "request_seq": request.get("seq"),
            "success": False, "command": request.get("command"), "message": message, "body": {}}
