"""The connection to debugpy, which runs in this very process: requests, responses, events."""

import io
import os
import socket
import sys
import threading
from queue import Empty, SimpleQueue

from . import encoding
from .cells import untraced

PATIENCE = 5             # tenths of a second
_HERE = os.path.dirname(os.path.abspath(__file__))


class Unavailable(Exception):
    """There is no debugpy, or it does not work here."""


class Connection:
    """Speaks the debug adapter protocol to debugpy through a pair of sockets.

    No port is opened and no adapter process started. The connection is made once and stays: a client
    that disconnects leaves debugpy idle, and the next one finds it here.
    """

    def __init__(self, on_event):
        self._on_event = on_event
        self._seq = 0
        self._lock = threading.Lock()
        self._waiting = {}
        self._socket = None
        self.pydb = None
        self._commands = None

    # -- setting up -----------------------------------------------------------------------------

    def open(self, untraced_folders):
        """Imports debugpy, connects it, and has it trace all threads from now on."""
        if self._socket is not None:
            return
        pydevd = _import_pydevd()
        ours, theirs = socket.socketpair()
        debugpy_folder = os.path.dirname(sys.modules["debugpy"].__file__)
        connect = pydevd.start_client
        pydevd.start_client = lambda host, port: theirs
        try:
            # Child processes are none of the notebook's debugger's business: they would wait for it.
            pydevd.settrace(host="127.0.0.1", port=1, suspend=False, patch_multiprocessing=False,
                            wait_for_ready_to_run=False, block_until_connected=True,
                            dont_trace_start_patterns=(debugpy_folder, _HERE, *untraced_folders),
                            dont_trace_end_patterns=("/bridge.py",))
        finally:
            pydevd.start_client = connect
        self.pydb = pydevd.get_global_debugger()
        self.pydb.disable_tracing()      # in this thread, which is the bridge's own
        self._socket = ours
        untraced(threading.Thread(target=self._read, name="parley-debug-events",
                                  daemon=True)).start()

    def run_thread(self):
        """Ends the stepping of this thread."""
        from _pydevd_bundle.pydevd_comm import resume_threads
        from _pydevd_bundle.pydevd_constants import get_current_thread_id
        resume_threads(get_current_thread_id(threading.current_thread()))

    def knows(self, command):
        """Whether debugpy answers a command; what it does not know it prints about, and is silent."""
        if self._commands is None:
            from _pydevd_bundle.pydevd_process_net_command_json import PyDevJsonCommandProcessor
            self._commands = PyDevJsonCommandProcessor
        return hasattr(self._commands, "on_%s_request" % command.lower())

    # -- talking --------------------------------------------------------------------------------

    def request(self, command, arguments=None, unless=None):
        """Sends a request and waits for the response.

        What a stopped thread has to answer is never answered when that thread runs: then, when
        ``unless()`` says so for a while, the result is None.
        """
        answer = SimpleQueue()
        with self._lock:
            self._seq += 1
            seq = self._seq
            self._waiting[seq] = answer.put
            self._send({"type": "request", "seq": seq, "command": command,
                        "arguments": {} if arguments is None else arguments})
        patience = PATIENCE
        while True:
            try:
                response = answer.get(timeout=None if unless is None else 0.1)
                break
            except Empty:
                patience = patience - 1 if unless() else PATIENCE
                if patience <= 0:
                    self._waiting.pop(seq, None)
                    return None
        if response is None:
            raise Unavailable("the connection to debugpy was lost")
        return response

    def _send(self, message):
        data = encoding.dumps(message)
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))

    def _read(self):
        try:
            with self._socket.makefile("rb") as stream:
                while True:
                    message = _read_message(stream)
                    if message is None:
                        break
                    message.pop("pydevd_cmd_id", None)
                    if message.get("type") == "response":
                        done = self._waiting.pop(message.get("request_seq"), None)
                        if done is not None:
                            done(message)
                    else:
                        self._on_event(message)
        except OSError:
            pass
        while self._waiting:
            self._waiting.popitem()[1](None)


def _read_message(stream):
    size = None
    while True:
        line = stream.readline()
        if not line:
            return None
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
        elif not line.strip() and size is not None:
            data = stream.read(size)
            return encoding.loads(data.decode("utf-8", "replace")) if len(data) == size else None


def _import_pydevd():
    # It warns of frozen modules, which nobody steps through, and of much else. None of it is for cells.
    name = "PYDEVD_DISABLE_FILE_VALIDATION"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        import debugpy.server.api  # noqa: F401  makes pydevd importable
        import pydevd
        from _pydev_bundle import pydev_log
    except ImportError as error:
        raise Unavailable(
            "Debugging Python needs debugpy (%s). Install it with: %s -m pip install debugpy"
            % (error, sys.executable)) from error
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
    log = getattr(pydev_log, "_LoggingGlobals", None)
    if log is not None:
        log._debug_stream = io.TextIOWrapper(open(os.devnull, "wb"))
        log._debug_stream_initialized = True
    return pydevd
