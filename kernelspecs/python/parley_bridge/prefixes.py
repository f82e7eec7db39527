"""Lets jedi look only at names that can match.

jedi collects every name of a module or class, infers for each whether its definition is reachable (``if sys.platform ==
...``), and only then drops those that do not begin with what has been typed. For ``os.pa`` that is nine tenths of the
time of a completion. Here the names that it would drop are left out before; what it offers is the same.
"""

import copy
import sys
import threading

# Methods and comprehensions that only hand names on, between the completion and the names of a scope.
_HANDING_ON = ("values", "wrap_names", "<listcomp>", "<genexpr>")


def _matching(original, asked, askers):
    """``values()`` of the names of a scope, without those that the completion under way would drop."""

    def values(self):
        typed = getattr(asked, "typed", "")
        if typed:
            frame = sys._getframe(1)
            while frame.f_code.co_name in _HANDING_ON and frame.f_back is not None:
                frame = frame.f_back
            # Inference asks for the names of scopes too, and must have all of them.
            used = getattr(self, "_used_names", None)
            if used is not None and frame.f_code in askers:
                # In a copy: inference may come back to this one.
                self = copy.copy(self)
                lower = typed.lower()
                self._used_names = {name: used[name] for name in used
                                    if name.startswith(typed) or name.lower().startswith(lower)}
        return original(self)

    return values


def _announcing(original, asked):
    """The collection of names, which says meanwhile what they will have to begin with."""

    def collect(self, leaf):
        before = getattr(asked, "typed", "")
        asked.typed = self._like_name
        try:
            return original(self, leaf)
        finally:
            asked.typed = before

    return collect


def install(completion):
    """Changes the module jedi.api.completion; one that is made otherwise than expected is left as it is."""
    try:
        from jedi.inference.filters import _AbstractUsedNamesFilter as scope
        question = completion.Completion
        askers = {completion.complete_trailer.__code__, question._complete_global_scope.__code__}
        values, collect = scope.values, question._complete_python
    except (ImportError, AttributeError):
        return
    asked = threading.local()
    scope.values = _matching(values, asked, askers)
    question._complete_python = _announcing(collect, asked)
