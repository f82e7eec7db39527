"""Line magics that mean something else in a notebook than in a terminal."""

import os
import threading
from pathlib import Path

from IPython.core import page
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from .cells import CELL


@magics_class
class BridgeMagics(Magics):
    """Magics that go through the front end."""

    @line_magic
    def edit(self, parameter_s="", last_call=None):
        """Have the front end edit a file or the source of an object."""
        from IPython.core.magics.code import CodeMagics, MacroToEdit
        options, args = self.parse_options(parameter_s, "prn:")
        try:
            name, line, _ = CodeMagics._find_edit_target(self.shell, args, options,
                                                         last_call or ["", ""])
        except MacroToEdit:
            raise UsageError("Macros cannot be edited in a notebook.") from None
        self.shell.payload_manager.write_payload(
            {"source": "edit_magic", "filename": str(Path(name).resolve()), "line_number": line})

    @line_magic
    def clear(self, arg_s):
        """Clear the output of the cell."""
        self.shell.display_pub.clear_output()

    @line_magic
    def autosave(self, arg_s):
        """Set the interval, in seconds, in which the classic notebook saves; 0 switches it off."""
        from IPython.display import Javascript, display
        try:
            interval = int(arg_s)
        except ValueError:
            raise UsageError("%%autosave requires an integer, got %r" % arg_s) from None
        display(Javascript("IPython.notebook.set_autosave_interval(%i)" % (1000 * interval)),
                include=["application/javascript"])
        print("Autosaving every %i seconds" % interval if interval else "Autosave disabled")

    @line_magic
    def less(self, arg_s):
        """Show a file in the front end's pager; Python files are coloured."""
        if not arg_s:
            raise UsageError("Missing filename.")
        path = Path(arg_s).expanduser()
        if path.suffix == ".py":
            from IPython.utils import openpy
            text = self.shell.pycolorize(openpy.read_py_file(str(path), skip_encoding_cookie=False))
        else:
            text = path.read_text("utf-8", "replace")
        page.page(text)

    more = line_magic("more")(less)

    @line_magic
    def connect_info(self, arg_s):
        """Tell where the connection of this kernel can be found."""
        print("This notebook's kernel is Parley; its Python runs behind it and has no ports of its own.\n"
              "The newest connection file in the folder that `jupyter --runtime-dir` prints is that of\n"
              "the kernel that was started last:\n\n"
              "    jupyter console --existing\n")

    @line_magic
    def qtconsole(self, arg_s):
        """Tell how to open a console on this kernel."""
        print("A console is opened from a terminal: jupyter qtconsole --existing %s" % arg_s)

    @line_magic
    def subshell(self, arg_s):
        """Show this cell's subshell and those that have run something."""
        cell = CELL.get()
        print("subshell id: %s" % (cell.subshell if cell is not None else None))
        print("thread id: %d" % threading.get_ident())
        print("main thread id: %d" % threading.main_thread().ident)
        print("pid: %d" % os.getpid())
        print("thread count: %d" % threading.active_count())
        print("subshell list: %s" % [subshell.id for subshell in self.shell.bridge.subshells])

    @line_magic
    def man(self, arg_s):
        """Show a manual page in the front end's pager."""
        page.page(self.shell.getoutput("man %s | col -b" % arg_s, split=False))
