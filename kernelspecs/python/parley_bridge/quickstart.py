"""What makes start-up quick: nothing here changes what cells see."""

import os
import sys
from contextlib import contextmanager
from types import ModuleType


def _remove_files(folder):
    # Without shutil: that would be imported from the files in question.
    for place, _, names in os.walk(folder):
        for each in names:
            try:
                os.unlink(os.path.join(place, each))
            except OSError:
                pass


def import_own(name):
    """Imports a module of the bridge, and keeps its compiled form in the user's cache folder.

    The folder of the bridge may not be writable, or writing may be switched off: then every start
    would compile them anew, which takes as long as half of IPython.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(cache):
        __import__(name)
        return sys.modules[name]
    before = sys.pycache_prefix, sys.dont_write_bytecode
    sys.pycache_prefix = os.path.join(cache, "parley", "python")
    sys.dont_write_bytecode = False
    try:
        try:
            __import__(name)
        except (EOFError, ValueError):
            # A full disk cuts the files short, and Python believes them ever after.
            _remove_files(sys.pycache_prefix)
            __import__(name)
    finally:
        sys.pycache_prefix, sys.dont_write_bytecode = before
    return sys.modules[name]


@contextmanager
def without_logging_config():
    """traitlets imports logging.config, and with it sockets and pickle, for a function that only
    configurable applications call. Inside this context it gets that function alone."""
    name = "logging.config"
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)

    def dictConfig(config):
        from logging.config import dictConfig
        return dictConfig(config)

    stand_in.dictConfig = dictConfig
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def add_working_directory():
    """Lets cells import from the current folder, behind the standard library as IPython has it."""
    if "" in sys.path or getattr(sys.flags, "safe_path", False):
        return
    for index, path in enumerate(sys.path):
        if os.path.basename(path) in ("site-packages", "dist-packages"):
            break
    else:
        index = 0
    sys.path.insert(index, "")
