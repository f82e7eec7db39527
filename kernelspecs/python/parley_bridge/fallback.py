"""Cells run by the standard library alone, for an interpreter without IPython.

Plain Python: the value of a cell's last expression is shown, ``await`` works at the top, objects
may have ``_repr_html_`` and the like. Magics do not exist, and the error message says why.
"""

import ast
import builtins
import codeop
import inspect
import linecache
import re
import sys
import traceback
import types

from . import names
from .cells import CELL
from .quickstart import add_working_directory

_HERE = __file__.rpartition("/")[0]
_REPRS = (("_repr_html_", "text/html"), ("_repr_markdown_", "text/markdown"),
          ("_repr_svg_", "image/svg+xml"), ("_repr_png_", "image/png"),
          ("_repr_jpeg_", "image/jpeg"), ("_repr_latex_", "text/latex"),
          ("_repr_json_", "application/json"), ("_repr_javascript_", "application/javascript"))
_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")


class StdinNotImplementedError(NotImplementedError):
    """input() was called where no front end can answer."""


def bundle(value):
    """The MIME bundle and the metadata of a value, by IPython's display conventions."""
    data, metadata = {"text/plain": repr(value)}, {}
    if isinstance(value, type):
        return data, metadata
    method = getattr(value, "_repr_mimebundle_", None)
    if callable(method):
        found = method()
        found, more = found if isinstance(found, tuple) else (found, {})
        data.update(found or {})
        metadata.update(more or {})
    for name, mime in _REPRS:
        method = getattr(value, name, None)
        if mime not in data and callable(method):
            found = method()
            if isinstance(found, tuple):
                found, metadata[mime] = found
            if found is not None:
                data[mime] = found
    return data, metadata


class PlainShell:
    """Runs cells in the namespace of a module ``__main__``."""

    def __init__(self, bridge):
        self._bridge = bridge
        self._flags = 0              # of __future__ imports in earlier cells
        module = types.ModuleType("__main__")
        module.__builtins__ = builtins
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self.namespace["In"] = self._inputs = [""]
        self.namespace["Out"] = self._results = {}
        self.namespace["display"] = self.display
        self._completer = None
        add_working_directory()

    def run_startup(self):
        """Plain Python has no startup files for this kind of use."""

    def display(self, *values, display_id=None, update=False, raw=False, metadata=None):
        """Show values with their richest representation, as IPython's display() does."""
        for value in values:
            data, more = (value, {}) if raw else bundle(value)
            more.update(metadata or {})
            self._bridge.output.publish(
                "update_display_data" if update else "display_data",
                {"data": data, "metadata": more,
                 "transient": {} if display_id is None else {"display_id": str(display_id)}})

    # -- execution ------------------------------------------------------------------------------

    def execute(self, cell, content, metadata, interrupts):
        """Runs a cell in this thread, whose ``interrupts`` says when user code begins and ends;
        returns the content of execute_reply."""
        code = content.get("code") or ""
        silent = bool(content.get("silent"))
        count = cell.execution_count or len(self._inputs)
        if content.get("store_history", not silent) and not silent and cell.subshell is None:
            self._inputs.extend([""] * (count - len(self._inputs)))
            self._inputs.append(code)
        try:
            try:
                interrupts.begin()
                self._run(code, count, silent)
                expressions = {name: self._evaluate(source) for name, source
                               in (content.get("user_expressions") or {}).items()}
            finally:
                interrupts.end()
        except BaseException as caught:
            error = self._describe(caught)
            self._bridge.output.publish("error", error)
            return dict(error, status="error", user_expressions={}, payload=[])
        return {"status": "ok", "user_expressions": expressions, "payload": []}

    def _run(self, code, count, silent):
        name = names.file_name(code) if self._bridge.debugger is not None else "<cell %d>" % count
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        if re.match(r"\s*(%%?|!!?)\w", code):
            raise SyntaxError("magics and ! need IPython, which is not installed for this "
                              "interpreter (python -m pip install ipython)")
        tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                       | self._flags, True)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not silent:
            last = ast.Expression(tree.body.pop().value)
        self._remember_futures(tree)
        if tree.body:
            self._run_code(tree, name, "exec")
        if last is not None:
            value = self._run_code(last, name, "eval")
            if value is not None and not _ends_in_semicolon(code):
                self._show(value, count)

    def _remember_futures(self, tree):
        import __future__
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for item in node.names:
                    feature = getattr(__future__, item.name, None)
                    self._flags |= getattr(feature, "compiler_flag", 0)

    def _run_code(self, tree, name, mode):
        code = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | self._flags, True)
        value = eval(code, self.namespace)
        if code.co_flags & inspect.CO_COROUTINE:
            value = self._bridge.current_loop().run(value)
        return value

    def _show(self, value, count):
        data, metadata = bundle(value)
        if CELL.get().subshell is None:
            builtins._ = value
            self._results[count] = value
        self._bridge.output.publish("execute_result", {"data": data, "metadata": metadata,
                                                       "execution_count": count})

    def _evaluate(self, source):
        try:
            data, metadata = bundle(eval(source, self.namespace))
            return {"status": "ok", "data": data, "metadata": metadata}
        except Exception as error:
            return dict(self._describe(error), status="error")

    def _describe(self, error):
        if self._bridge.current_loop().cancelled and type(error).__name__ == "CancelledError":
            error = KeyboardInterrupt().with_traceback(error.__traceback__)
        tb = error.__traceback__
        while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_HERE):
            tb = tb.tb_next
        step = tb
        while step is not None and step.tb_next is not None:
            if step.tb_next.tb_frame.f_code.co_filename.startswith(_HERE):
                step.tb_next = None
                break
            step = step.tb_next
        try:
            text = str(error)
        except Exception:
            text = "<unprintable %s object>" % type(error).__name__
        lines = "".join(traceback.format_exception(type(error), error, tb)).rstrip("\n")
        return {"ename": type(error).__name__, "evalue": text, "traceback": lines.split("\n")}

    # -- for the debugger ---------------------------------------------------------------------------

    hidden = ("In", "Out", "display")
    bundle = staticmethod(bundle)

    def allow_threads(self):
        """Cells of subshells will run at the same time as those of the main thread."""

    # -- questions about code -------------------------------------------------------------------

    def complete(self, code, position):
        """Completes names and attributes with rlcompleter."""
        if self._completer is None:
            import rlcompleter
            self._completer = rlcompleter.Completer(self.namespace)
        match = re.search(r"[A-Za-z_][\w.]*\Z", code[:position])
        text = match.group() if match else ""
        matches = []
        while text and len(matches) < 500:
            found = self._completer.complete(text, len(matches))
            if found is None:
                break
            matches.append(found)
        matches = sorted({item.rstrip("( ):") for item in matches})
        return {"status": "ok", "matches": matches, "cursor_start": position - len(text),
                "cursor_end": position, "metadata": {}}

    def inspect(self, code, position, detail_level=0, omit_sections=()):
        """Signature and documentation of the name at the cursor, or its source."""
        before = re.search(r"[A-Za-z_][\w.]*\Z", code[:position].rstrip("("))
        after = re.match(r"\w*", code[position:])
        name = (before.group() if before else "") + after.group()
        try:
            value = self._lookup(name)
        except (KeyError, AttributeError):
            return {"status": "ok", "found": False, "data": {}, "metadata": {}}
        return {"status": "ok", "found": True, "metadata": {},
                "data": {"text/plain": self._explain(name, value, detail_level)}}

    def _lookup(self, name):
        first, *rest = name.split(".")
        value = self.namespace[first] if first in self.namespace else vars(builtins)[first]
        for part in rest:
            value = inspect.getattr_static(value, part)
        return value

    @staticmethod
    def _explain(name, value, detail_level):
        parts = []
        if callable(value):
            try:
                parts.append("Signature: %s%s" % (name, inspect.signature(value)))
            except (TypeError, ValueError):
                pass
        parts.append("Type: %s" % type(value).__name__)
        if detail_level:
            try:
                return "\n".join(parts + ["Source:", inspect.getsource(value)])
            except (TypeError, OSError):
                pass
        text = inspect.getdoc(value)
        return "\n".join(parts + (["Docstring:", text] if text else []))

    def is_complete(self, code):
        """Complete, incomplete or invalid, by the rules of the interactive interpreter."""
        if not code.strip():
            return {"status": "complete"}
        try:
            compiler = codeop.CommandCompiler()
            compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            done = compiler(code, "<cell>", "exec")
        except (SyntaxError, OverflowError, ValueError):
            return {"status": "invalid"}
        last = code.rstrip("\n").rpartition("\n")[2]
        spaces = len(last) - len(last.lstrip(" "))
        if done is None or (last.startswith((" ", "\t")) and not code.endswith("\n\n")):
            return {"status": "incomplete",
                    "indent": " " * (spaces + (4 if last.rstrip().endswith(":") else 0))}
        return {"status": "complete"}


def _ends_in_semicolon(code):
    import io
    import tokenize
    last = ""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.OP or token.string.strip() and token.type != tokenize.COMMENT:
            last = token.string
    return last == ";"
