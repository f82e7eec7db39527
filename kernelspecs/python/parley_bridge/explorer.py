"""The user's variables for a front end's variable list, while nothing is stopped."""

import re
import reprlib
from itertools import islice
from time import monotonic
from types import ModuleType

BUDGET = 1.0         # seconds for the values of one list
MANY = 300           # children that are listed

_IPYTHON = re.compile(r"_\d*|__|___|_i\d*|_ii|_iii|_oh|_dh|_ih|__\w+__")
_ALWAYS = {"In", "Out", "exit", "quit", "get_ipython", "open", "debugpy"}


def is_hidden(name):
    """Whether a name is IPython's or Python's own rather than the user's."""
    return name in _ALWAYS or _IPYTHON.fullmatch(name) is not None


class _Repr(reprlib.Repr):
    def __init__(self):
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 30
        self.maxdeque = self.maxarray = 30
        self.maxstring = self.maxother = 2000
        self.maxlong = 200


class Explorer:
    """Lists variables and their parts. A reference is good until the next :meth:`inspect`."""

    def __init__(self):
        self._repr = _Repr()
        self._objects = []

    def inspect(self, namespace, hidden):
        """The variables of a namespace."""
        self._objects = []
        items = [(name, value) for name, value in sorted(namespace.copy().items())
                 if not is_hidden(name) and not (name in hidden and _is_same(hidden, name, value))]
        return self._describe((name, value, name) for name, value in items)

    def children(self, reference):
        """The parts of a variable."""
        if not 0 < reference <= len(self._objects):
            return []
        value, path = self._objects[reference - 1]
        try:
            return self._describe(_parts(value, path))
        except Exception:
            return []

    def _describe(self, items):
        end = monotonic() + BUDGET
        variables = []
        for name, value, path in islice(items, MANY):
            try:
                text = self._repr.repr(value) if monotonic() < end else "…"
            except Exception as error:
                text = "<%s in __repr__>" % type(error).__name__
            reference = 0
            if _has_parts(value):
                self._objects.append((value, path))
                reference = len(self._objects)
            variables.append({"name": name, "value": text, "type": type(value).__name__,
                              "evaluateName": path, "variablesReference": reference})
        return variables


def _is_same(hidden, name, value):
    # IPython keeps the values it put there itself: a variable of that name may be the user's since.
    return not isinstance(hidden, dict) or hidden[name] is value


def _has_parts(value):
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return bool(value)
    if isinstance(value, (type, ModuleType)) or callable(value):
        return False
    return bool(getattr(value, "__dict__", None)) or bool(getattr(type(value), "__slots__", None))


def _parts(value, path):
    if isinstance(value, dict):
        for key, item in islice(value.items(), MANY):
            name = reprlib.repr(key)
            yield name, item, "%s[%s]" % (path, name)
        yield "len()", len(value), "len(%s)" % path
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value[:MANY]):
            yield str(index), item, "%s[%d]" % (path, index)
        yield "len()", len(value), "len(%s)" % path
    elif isinstance(value, (set, frozenset)):
        for index, item in enumerate(islice(value, MANY)):
            yield str(index), item, ""
        yield "len()", len(value), "len(%s)" % path
    else:
        slots = getattr(type(value), "__slots__", ())
        names = list(getattr(value, "__dict__", ())) + list((slots,) if isinstance(slots, str) else slots)
        for name in sorted(str(name) for name in names):
            try:
                yield name, object.__getattribute__(value, name), "%s.%s" % (path, name)
            except AttributeError:
                continue
