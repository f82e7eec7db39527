"""Rich output of IPython: display(), results, clear_output()."""

import threading

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from traitlets import Any

from .cells import CELL


class BridgeDisplayPublisher(DisplayPublisher):
    """Publishes what ``display()`` is given as frames."""

    output = Any()
    _thread = threading.local()

    @property
    def _hooks(self):
        return self._thread.__dict__.setdefault("hooks", [])

    def register_hook(self, hook):
        """Have ``hook(message)`` see what this thread publishes. It returns the message, or None to drop it."""
        self._hooks.append(hook)

    def unregister_hook(self, hook):
        """Take a hook back; False where there is no such hook."""
        if hook not in self._hooks:
            return False
        self._hooks.remove(hook)
        return True

    def _send(self, msg_type, content):
        if self._hooks:
            message = {"header": {"msg_type": msg_type}, "msg_type": msg_type, "metadata": {}, "content": content,
                       "parent_header": self.shell.get_parent().get("header") or {}}
            for hook in list(self._hooks):
                message = hook(message)
                if message is None:
                    return
            msg_type, content = message["msg_type"], message["content"]
        self.output.publish(msg_type, content)

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **kwargs):
        """Send a MIME bundle to the front end, or update the displays of the same display_id."""
        metadata = {} if metadata is None else metadata
        self._validate_data(data, metadata)
        content = {"data": data, "metadata": metadata,
                   "transient": {} if transient is None else transient}
        self._send("update_display_data" if update else "display_data", content)

    def clear_output(self, wait=False):
        """Clear the output of the cell; with ``wait`` when the next output comes."""
        self._send("clear_output", {"wait": bool(wait)})

    def set_parent(self, parent):
        """For widgets written for ipykernel; the cell is known from the context."""


class BridgeDisplayHook(DisplayHook):
    """Publishes the value of a cell's last expression as ``execute_result``."""

    output = Any()
    _state = threading.local()       # cells of subshells show results at the same time

    @property
    def content(self):
        """The result that is being put together in this thread."""
        return getattr(self._state, "content", None)

    @content.setter
    def content(self, content):
        self._state.content = content

    def start_displayhook(self):
        """A result is about to be formatted."""
        self._is_active = True
        self.content = {"data": {}, "metadata": {}}

    def write_output_prompt(self):
        """The number of the prompt."""
        cell = CELL.get()
        is_main = cell is None or cell.subshell is None
        self.content["execution_count"] = self.prompt_count if is_main else cell.execution_count

    def quiet(self):
        """Whether the cell ends in a semicolon."""
        cell = CELL.get()
        if cell is None or cell.subshell is None:
            return super().quiet()
        return self.semicolon_at_end_of_expression(cell.code)

    def update_user_ns(self, result):
        """Remember the result as ``_`` and in ``Out``, which are the main shell's."""
        cell = CELL.get()
        if cell is None or cell.subshell is None:
            super().update_user_ns(result)

    def log_output(self, format_dict):
        """Note the result for the session's log."""
        cell = CELL.get()
        if cell is None or cell.subshell is None:
            super().log_output(format_dict)

    def write_format_data(self, format_dict, md_dict=None):
        """The formatted result."""
        self.content["data"] = format_dict
        self.content["metadata"] = {} if md_dict is None else md_dict

    def finish_displayhook(self):
        """The result is complete."""
        content, self.content = self.content, None
        self._is_active = False
        if content and content["data"]:
            self.output.publish("execute_result", content)

    def set_parent(self, parent):
        """For widgets written for ipykernel; the cell is known from the context."""
