"""Completion and inspection by IPython."""

import threading

_EXPERIMENTAL = "_jupyter_types_experimental"


class Completion:
    """Answers questions about code. Main thread and second lane may ask at the same time."""

    def __init__(self, shell):
        self._shell = shell
        self._lock = threading.Lock()
        self._quick = None

    def complete(self, code, position):
        """The reply to complete_request, with the types JupyterLab shows."""
        from IPython.core.completer import provisionalcompleter, rectify_completions
        with self._lock, provisionalcompleter():
            found = list(rectify_completions(code, self._shell.Completer.completions(code, position)))
        start, end = (found[0].start, found[0].end) if found else (position, position)
        return {
            "status": "ok",
            "matches": [item.text for item in found],
            "cursor_start": start,
            "cursor_end": end,
            "metadata": {_EXPERIMENTAL: [
                {"start": item.start, "end": item.end, "text": item.text, "type": item.type,
                 "signature": item.signature} for item in found]},
        }

    def complete_quickly(self, code, position):
        """What can be said without jedi, while a running cell leaves little time for it."""
        from IPython.core.completer import IPCompleter
        shell = self._shell
        if self._quick is None:
            self._quick = IPCompleter(shell=shell, namespace=shell.user_ns,
                                      global_namespace=shell.user_global_ns, parent=shell)
            self._quick.custom_completers = shell.Completer.custom_completers
            self._quick.use_jedi = False
        line_start = code.rfind("\n", 0, position) + 1
        line_end = code.find("\n", position)
        line = code[line_start:] if line_end < 0 else code[line_start:line_end]
        text, matches = self._quick.complete(line_buffer=line, cursor_pos=position - line_start)
        return {"status": "ok", "matches": list(matches), "cursor_start": position - len(text),
                "cursor_end": position, "metadata": {"parley": {"partial": True}}}

    def inspect(self, code, position, detail_level=0, omit_sections=()):
        """The reply to inspect_request."""
        from IPython.utils.tokenutil import token_at_cursor
        name = token_at_cursor(code, position)
        shell = self._shell
        try:
            data = shell.object_inspect_mime(name, detail_level=detail_level,
                                             omit_sections=omit_sections)
        except KeyError:
            return {"status": "ok", "found": False, "data": {}, "metadata": {}}
        if not shell.enable_html_pager:
            data.pop("text/html", None)
        return {"status": "ok", "found": True, "data": data, "metadata": {}}

    def is_complete(self, code):
        """The reply to is_complete_request."""
        status, indent = self._shell.input_transformer_manager.check_complete(code)
        reply = {"status": status}
        if status == "incomplete":
            reply["indent"] = " " * (indent or 0)
        return reply
