"""Work to be done when, and only when, the user's code imports a certain module.

It keeps the modules nobody asked for out of the start-up.
"""

import sys


class _Loader:
    """Wraps a module's own loader; the module keeps that one."""

    def __init__(self, loader, action):
        self._loader = loader
        self._action = action

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._action(module)


class _Finder:
    """Stands first on sys.meta_path and only looks at names it has an action for."""

    def __init__(self):
        self.actions = {}

    def find_spec(self, name, path=None, target=None):
        action = self.actions.pop(name, None)
        if action is None:
            return None
        spec = None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                break
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            self.actions[name] = action
            return spec
        spec.loader = _Loader(spec.loader, action)
        return spec


_finder = _Finder()


def when_imported(name, action):
    """Calls ``action(module)`` right after the import, or now if it has been imported."""
    if name in sys.modules:
        action(sys.modules[name])
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.actions[name] = action
