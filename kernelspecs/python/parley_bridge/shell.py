"""Cells run by IPython."""

import ast
import importlib
import os
import sys
import traceback
import types
from contextlib import nullcontext

from IPython.core import page
from IPython.core.autocall import ExitAutocall
from IPython.core.compilerop import CachingCompiler
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from IPython.core.payload import PayloadManager
from traitlets import Any, Type, default

from . import aio, colours, commands, names, prefixes, profile, transform
from .cells import CELL, Cell
from .completion import Completion
from .display import BridgeDisplayHook, BridgeDisplayPublisher
from .history import HistoryManager
from .hooks import when_imported
from .quickstart import add_working_directory
from .transform import Transformers

_HERE = os.path.dirname(os.path.abspath(__file__))


_NO_CELL = Cell(None)        # stands in while startup files run


class _Compiler(CachingCompiler):
    """Gives code the file name of its cell, by which a debugger finds it."""

    def get_code_name(self, raw_code, transformed_code, number):
        """The name; tracebacks show the cell's number instead."""
        return names.file_name(raw_code)

    def cache(self, transformed_code, number=0, raw_code=None):
        """Remembers the code's lines and number. Those of subshells have numbers of their own."""
        cell = CELL.get()
        if cell is not None and cell.subshell is not None:
            number = cell.execution_count
        return super().cache(transformed_code, number, raw_code=raw_code)


class _Payloads(PayloadManager):
    """Payloads of the cell that writes them."""

    @property
    def _payload(self):
        return (CELL.get() or _NO_CELL).payload

    @_payload.setter
    def _payload(self, items):
        (CELL.get() or _NO_CELL).payload = items


class _Exit(ExitAutocall):
    """``exit`` and ``quit``: ask the front end to leave, which decides what that means."""

    def __call__(self, keep_kernel=False):
        self._ip.keepkernel_on_exit = keep_kernel
        self._ip.ask_exit()


class _Configurables(list):
    """The list that %config goes through; whoever looks at it finds the completer there too."""

    def __init__(self, items, shell):
        super().__init__(items)
        self._shell = shell

    def __iter__(self):
        self._shell.Completer
        return super().__iter__()


# The class is called as in ipykernel because much code in the wild asks for this very name to find
# out that it runs in a notebook (rich and others).
class ZMQInteractiveShell(InteractiveShell):
    """An IPython shell whose output goes through the bridge."""

    displayhook_class = Type(BridgeDisplayHook)
    display_pub_class = Type(BridgeDisplayPublisher)
    compiler_class = Type(_Compiler)
    bridge = Any()
    kernel = Any()
    keepkernel_on_exit = None
    exiter = Any()
    _completer = None

    @default("exiter")
    def _default_exiter(self):
        return _Exit(self)

    # -- what a notebook does differently -----------------------------------------------------------

    def init_io(self):
        """Line numbers are those of the cell, and plain Python is left alone."""
        super().init_io()
        self.input_transformer_manager = Transformers()

    def init_environment(self):
        """Programs started from cells: colours yes, pagers no."""
        for name, value in (("TERM", "xterm-color"), ("CLICOLOR", "1"), ("FORCE_COLOR", "1"),
                            ("CLICOLOR_FORCE", "1"), ("PAGER", "cat"), ("GIT_PAGER", "cat")):
            os.environ[name] = value
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

    def init_virtualenv(self):
        """The interpreter was chosen by the server; nothing is added to its path."""

    def init_hooks(self):
        """Pages go to the front end."""
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(self._page), 99)

    def init_history(self):
        """This session's inputs, in memory."""
        self.history_manager = HistoryManager(shell=self, parent=self)
        self.configurables.append(self.history_manager)

    def init_completer(self):
        """The completer is made when it is first asked for: it takes a tenth of the start-up."""
        self.configurables = _Configurables(self.configurables, self)

    @property
    def Completer(self):
        """IPython's completer."""
        if self._completer is None:
            super().init_completer()
        return self._completer

    @Completer.setter
    def Completer(self, completer):
        self._completer = completer

    def init_magics(self):
        """IPython's magics, and those that differ in a notebook."""
        super().init_magics()
        from .magics import BridgeMagics
        self.register_magics(BridgeMagics)
        self.magics_manager.register_alias("ed", "edit")

    def init_payload(self):
        """Payloads go with the reply of their cell."""
        self.payload_manager = _Payloads(parent=self)
        self.configurables.append(self.payload_manager)

    def init_display_pub(self):
        """display() publishes frames."""
        self.display_pub = self.display_pub_class(parent=self, shell=self)
        self.display_pub.output = self.bridge.output
        self.configurables.append(self.display_pub)

    def init_displayhook(self):
        """Results are published as frames."""
        super().init_displayhook()
        self.displayhook.output = self.bridge.output

    def enable_gui(self, gui=None):
        """Accept what needs no event loop of a window system."""
        if gui not in (None, "", "inline", "agg", "none", "asyncio"):
            raise UsageError("The Python bridge runs no %r event loop; use %%matplotlib inline "
                             "or the ipympl package for interactive figures." % gui)

    def should_run_async(self, raw_cell, *, transformed_cell=None, **kwargs):
        """Whether the cell awaits at its top; IPython compiles it to find out."""
        if transformed_cell is not None and not ("await" in transformed_cell
                                                 or "async" in transformed_cell):
            return False
        return super().should_run_async(raw_cell, transformed_cell=transformed_cell, **kwargs)

    def _tee(self, channel):
        # IPython 9 keeps a second copy of everything printed for %notebook. It grows without bound
        # and doubles the cost of print.
        return nullcontext()

    def _page(self, text, start=0, screen_lines=0, pager_cmd=None):
        data = text if isinstance(text, dict) else {"text/plain": text}
        self.payload_manager.write_payload(
            {"source": "page", "data": data, "start": max(0, start)})

    def set_next_input(self, s, replace=False):
        """Have the front end put text into the next cell, or in place of this one."""
        self.payload_manager.write_payload(
            {"source": "set_next_input", "text": s, "replace": replace})

    def ask_exit(self):
        """Tell the front end that the user wants to leave."""
        self.payload_manager.write_payload(
            {"source": "ask_exit", "keepkernel": self.keepkernel_on_exit})

    # -- commands -------------------------------------------------------------------------------

    def system(self, cmd):
        """Run a shell command; its exit code is in ``_exit_code`` afterwards."""
        code = commands.run(self.var_expand(cmd, depth=1), shell=True)
        self.user_ns["_exit_code"] = code if code <= 128 else 128 - code
        if code != 0 and getattr(self, "system_raise_on_error", False):
            from subprocess import CalledProcessError
            raise CalledProcessError(code, cmd)

    system_piped = system_raw = system

    def getoutput(self, cmd, split=True, depth=0):
        """Run a shell command and return what it prints, as a list of lines or as one string."""
        from IPython.utils.text import LSString, SList
        text, code = commands.output_of(self.var_expand(cmd, depth=depth + 1))
        self.user_ns["_exit_code"] = code
        if code != 0 and getattr(self, "system_raise_on_error", False):
            from subprocess import CalledProcessError
            raise CalledProcessError(code, cmd)
        return SList(text.splitlines()) if split else LSString(text[:-1] if text[-1:] == "\n"
                                                               else text)

    # -- errors ---------------------------------------------------------------------------------

    def showtraceback(self, exc_tuple=None, *args, **kwargs):
        """Publish the error with the user's part of its traceback."""
        if exc_tuple is None:
            exc_tuple = sys.exc_info()
        elif isinstance(exc_tuple, BaseException):
            exc_tuple = (type(exc_tuple), exc_tuple, exc_tuple.__traceback__)
        interrupts = self.bridge.interrupts
        # The text of other errors is made by the user's code, which may hang.
        with interrupts.telling() if exc_tuple[0] is KeyboardInterrupt else nullcontext():
            if exc_tuple[0] is KeyboardInterrupt and self._has_told_interrupt():
                return                        # a second one met IPython behind the first one's traceback
            self._show_traceback(exc_tuple, *args, **kwargs)

    def _has_told_interrupt(self):
        error = (CELL.get() or _NO_CELL).last_error
        return error is not None and error["ename"] == "KeyboardInterrupt"

    def _show_traceback(self, exc_tuple, *args, **kwargs):
        if exc_tuple[1] is not None and not isinstance(exc_tuple[1], SyntaxError):
            exc_tuple = self._as_seen_by_user(*exc_tuple)
            if _holds_group(exc_tuple[1]):
                # IPython can only print these; a notebook expects an error message.
                self._get_exc_info(exc_tuple)     # sets what %tb and %debug go by
                lines = traceback.format_exception(exc_tuple[0], exc_tuple[1], exc_tuple[2])
                self._showtraceback(exc_tuple[0], exc_tuple[1], "".join(lines).splitlines())
                return
        super().showtraceback(exc_tuple, *args, **kwargs)

    def _as_seen_by_user(self, etype, value, tb):
        loop = self.bridge.current_loop()
        if loop.cancelled and etype.__name__ == "CancelledError":
            # The way an interrupt reaches code that awaits.
            etype, value = KeyboardInterrupt, KeyboardInterrupt()
        tb = _with_lines(tb)
        self._cut(tb)
        _without_transformers(tb)
        return etype, value, tb

    def _cut(self, tb):
        """Ends a traceback where the user's code called the bridge, or was interrupted by it."""
        frames = []
        while tb is not None:
            frames.append(tb)
            tb = tb.tb_next
        cut = len(frames)
        while cut and _is_ours(frames[cut - 1]):
            cut -= 1
        for index in range(cut - 1, 0, -1):
            if frames[index].tb_frame.f_globals is self.user_global_ns:
                break
            # The event loop's part of the bridge has user code on both sides.
            if _is_ours(frames[index]) and frames[index].tb_frame.f_globals is not vars(aio):
                cut = index
        if 0 < cut < len(frames):
            frames[cut - 1].tb_next = None

    def show_usage_error(self, exc):
        """A magic that was used wrongly."""
        self._showtraceback(UsageError, exc, ["UsageError: %s" % exc])

    def _showtraceback(self, etype, evalue, stb):
        error = {"ename": str(etype.__name__), "evalue": _str(evalue), "traceback": list(stb)}
        cell = CELL.get() or _NO_CELL
        if self.displayhook.content is not None:
            cell.error_in_display = True      # a formatter failed: the cell has failed
        cell.last_error = error
        self.bridge.output.publish("error", error)

    def _format_exception_for_storage(self, exception, filename=None, running_compiled_code=False):
        # IPython 9 would format the traceback a second time, for %notebook, and fail the cell once
        # more if that raises.
        return (CELL.get() or _NO_CELL).last_error or {"ename": type(exception).__name__, "evalue": _str(exception),
                                   "traceback": []}

    # -- parents, for widgets -----------------------------------------------------------------------

    def get_parent(self):
        """The request this code runs for, as far as the server has told."""
        cell = CELL.get()
        return cell.parent if cell is not None else {}

    @property
    def parent_header(self):
        return self.get_parent()

    def set_parent(self, parent):
        """For widgets written for ipykernel; the cell is known from the context."""


InteractiveShellABC.register(ZMQInteractiveShell)


def _with_lines(tb):
    """A traceback in which each entry has a line: an interrupt at the very beginning of a function is in none, from Python
    3.11 on, and IPython cannot show that."""
    entries = []
    while tb is not None:
        entries.append(tb)
        tb = tb.tb_next
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if entry.tb_lineno is None:
            entry = types.TracebackType(entry.tb_next, entry.tb_frame, entry.tb_lasti, entry.tb_frame.f_code.co_firstlineno)
            entries[index] = entry
            if index > 0:
                entries[index - 1].tb_next = entry
    return entries[0] if entries else None


def _without_transformers(tb):
    """Takes out the bridge's own step between IPython and a transformer of the user's that has failed."""
    while tb is not None and tb.tb_next is not None:
        if tb.tb_next.tb_frame.f_globals is vars(transform):
            tb.tb_next = tb.tb_next.tb_next
        else:
            tb = tb.tb_next


def _is_ours(tb):
    code = tb.tb_frame.f_code
    # debugpy is between the bridge and the code that is interrupted at a breakpoint.
    return (os.path.dirname(code.co_filename) == _HERE or "pydevd" in code.co_filename
            or "_pydevd_" in code.co_name)


def _holds_group(value):
    group = getattr(__builtins__, "BaseExceptionGroup", None) if not isinstance(
        __builtins__, dict) else __builtins__.get("BaseExceptionGroup")
    seen = set()
    while group is not None and value is not None and id(value) not in seen:
        if isinstance(value, group):
            return True
        seen.add(id(value))
        value = value.__cause__ or value.__context__
    return False


def _str(value):
    try:
        return str(value)
    except Exception:
        return "<unprintable %s object>" % type(value).__name__


class IPythonShell:
    """What the main loop asks to run cells and to answer questions about code."""

    def __init__(self, bridge, shell):
        self._bridge = bridge
        self._shell = shell
        self._takes_cell_id = "cell_id" in InteractiveShell.run_cell.__code__.co_varnames
        answers = Completion(shell)
        self.complete = answers.complete
        self.complete_quickly = answers.complete_quickly
        self.inspect = answers.inspect
        self.is_complete = answers.is_complete

    def run_startup(self):
        """The user's startup files."""
        profile.run_startup(self._shell)

    def execute(self, cell, content, metadata, interrupts):
        """Runs a cell in this thread, whose ``interrupts`` says when user code begins and ends;
        returns the content of execute_reply."""
        shell = self._shell
        code = content.get("code") or ""
        silent = bool(content.get("silent"))
        store = bool(content.get("store_history", not silent)) and not silent
        if cell.subshell is not None:
            store = False            # In and Out are the main shell's
        elif cell.execution_count is not None:
            # A cell that is not kept has the number of the last one; the next one that is kept comes after it.
            self._set_count(cell.execution_count + (not store))
        options = {"store_history": store, "silent": silent}
        if self._takes_cell_id and metadata.get("cellId"):
            options["cell_id"] = metadata["cellId"]
        self._bridge.current_loop().cancelled = False
        expressions, error, handled = {}, None, False
        try:
            try:
                interrupts.begin()
                result = shell.run_cell(code, **options)
                error = result.error_before_exec or result.error_in_exec
                # By the user's own handler, so that it need not be shown. (IPython itself shows nothing
                # of an error if an interrupt comes while it formats the traceback.)
                handled = isinstance(error, shell.custom_exceptions or ())
                if error is None and not cell.error_in_display:
                    wanted = content.get("user_expressions")
                    if wanted:
                        expressions = shell.user_expressions(wanted)
            finally:
                interrupts.end()
        except BaseException as caught:
            # Interrupted before the code began, or right behind it.
            error = caught
        if error is None and not cell.error_in_display:
            reply = {"status": "ok", "user_expressions": expressions}
        else:
            if cell.last_error is None and handled:
                cell.last_error = {"ename": type(error).__name__, "evalue": _str(error), "traceback": []}
            elif cell.last_error is None:
                self._show_plainly(error)
            reply = dict(cell.last_error, status="error", user_expressions={})
        reply["payload"] = cell.payload
        return reply

    def allow_threads(self):
        """Cells of subshells will run at the same time as those of the main thread."""
        shell = self._shell
        # These count how often they were entered, and are taken down at zero. Now they stay.
        shell.builtin_trap.__enter__()
        shell.display_trap.__enter__()
        if shell.autoawait:
            # IPython sets the flag to compile a cell and takes it back afterwards.
            shell.compile.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    # -- for the debugger ---------------------------------------------------------------------------

    @property
    def namespace(self):
        """The user's variables."""
        return self._shell.user_ns

    @property
    def hidden(self):
        """Variables that are IPython's, not the user's."""
        return self._shell.user_ns_hidden

    def bundle(self, value):
        """The MIME bundle and the metadata of a value."""
        return self._shell.display_formatter.format(value)

    def _set_count(self, count):
        """Makes In, Out and the prompt number agree with the server's count."""
        shell = self._shell
        if shell.execution_count != count:      # to set it costs as much as a short line of code
            shell.execution_count = count
        history = shell.history_manager
        for inputs in (history.input_hist_parsed, history.input_hist_raw):
            if len(inputs) < count:
                inputs.extend([""] * (count - len(inputs)))

    def _show_plainly(self, error):
        """An error nobody has shown: one whose traceback could not be formatted, say."""
        try:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
        except Exception:
            lines = [type(error).__name__]
        self._shell._showtraceback(type(error), error, "".join(lines).splitlines())


def _use_debugger_of_ipython(module):
    """pdb.set_trace() and breakpoint() bring IPython's debugger, which an interrupt can stop."""
    import pdb
    if hasattr(module, "InterruptiblePdb"):
        module.Pdb = module.InterruptiblePdb
    pdb.Pdb = module.Pdb
    pdb.set_trace = module.set_trace


class _Runner:
    """Runs a cell's coroutine; %autoawait shows its name."""

    def __init__(self, bridge):
        self._bridge = bridge

    def __call__(self, coroutine):
        return self._bridge.current_loop().run(coroutine)

    def __str__(self):
        return "asyncio"


def make_shell(bridge):
    """Starts IPython, without its history database and without its terminal."""
    when_imported("IPython.core.magics.script", commands.improve_script_magics)
    when_imported("IPython.core.debugger", _use_debugger_of_ipython)
    when_imported("pdb", lambda _: importlib.import_module("IPython.core.debugger"))
    when_imported("jedi.api.completion", prefixes.install)
    colours.install()
    shell = ZMQInteractiveShell.instance(bridge=bridge, config=profile.load_config(),
                                         ipython_dir=profile.ipython_dir())
    shell.kernel = types.SimpleNamespace(shell=shell, get_parent=lambda channel=None: shell.get_parent(),
                                         comm_manager=None)

    run = _Runner(bridge)
    shell.loop_runner_map = dict(shell.loop_runner_map, asyncio=(run, True))
    if shell.loop_runner is InteractiveShell.loop_runner_map["asyncio"][0]:
        shell.loop_runner = run
    add_working_directory()
    return IPythonShell(bridge, shell)
