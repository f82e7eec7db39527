"""The user's IPython profile: configuration and startup files, as in any other IPython.

IPython's own application classes would do this too, but they import the terminal.
"""

import functools
import glob
import os
import sys
import warnings

_NAMES = ("ipython_config", "ipython_kernel_config")
_APPS = ("InteractiveShellApp", "IPKernelApp")


@functools.lru_cache(maxsize=None)    # or each call would make a temporary folder of its own
def ipython_dir():
    """The user's IPython folder; IPython's own function only where there is something to decide."""
    folder = os.environ.get("IPYTHONDIR") or os.path.join(os.path.expanduser("~"), ".ipython")
    if os.path.isabs(folder) and os.path.isdir(folder) and os.access(folder, os.W_OK):
        return folder
    from IPython.paths import get_ipython_dir
    with warnings.catch_warnings():
        # Without a home that can be written it takes a temporary folder, which is fine. Its warning would stand in the
        # first cell's output.
        warnings.filterwarnings("ignore", "IPython (parent|dir) ")
        return get_ipython_dir()


def _folders():
    profile = os.path.join(ipython_dir(), "profile_default")
    folders = [os.path.join(sys.prefix, "etc", "ipython")]
    if os.name == "posix":
        folders[:0] = ["/etc/ipython", "/usr/local/etc/ipython"]
    return folders + [profile]


def load_config():
    """The merged configuration, the user's own files last."""
    from traitlets.config import Config
    config = Config()
    for folder in _folders():
        for name in _NAMES:
            for ending in (".py", ".json"):
                if os.path.isfile(os.path.join(folder, name + ending)):
                    _merge(config, folder, name + ending)
    # The server keeps the history. This process keeps that of its session, in memory.
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    # tqdm and others take the presence of this section for the presence of a notebook.
    config.IPKernelApp.setdefault("parley", True)
    return config


def _merge(config, folder, name):
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader
    loader = JSONFileConfigLoader if name.endswith(".json") else PyFileConfigLoader
    try:
        config.merge(loader(name, path=folder).load_config())
    except Exception as error:
        print("%s was not read: %s: %s" % (os.path.join(folder, name), type(error).__name__, error),
              file=sys.stderr)


def _setting(config, name, default):
    for app in _APPS:
        value = config.get(app, {}).get(name, default)
        if value is not default:
            if hasattr(value, "get_value"):       # c.X.list.append(...) in a config file
                value = value.get_value(list(default))
            return list(value)
    return list(default)


def run_startup(shell):
    """Extensions, exec_lines and the files of the startup folders."""
    config = shell.config
    extensions = _setting(config, "default_extensions", ["storemagic"])
    for name in extensions + _setting(config, "extensions", []):
        try:
            shell.extension_manager.load_extension(name)
        except Exception:
            print("Error in loading extension: %s" % name, file=sys.stderr)
            shell.showtraceback()
    files = []
    for folder in _folders():
        for pattern in ("*.py", "*.ipy"):
            files += sorted(glob.glob(os.path.join(folder, "startup", pattern)))
    for path in files:
        _run_file(shell, path)
    for line in _setting(config, "exec_lines", []):
        shell.run_cell(line, store_history=False)
    for path in _setting(config, "exec_files", []):
        _run_file(shell, os.path.expanduser(path))
    shell.user_ns_hidden.update(shell.user_ns)


def _run_file(shell, path):
    shell.user_ns["__file__"] = path
    try:
        if path.endswith(".ipy"):
            shell.safe_execfile_ipy(path)
        else:
            shell.safe_execfile(path, shell.user_ns)
    finally:
        shell.user_ns.pop("__file__", None)
