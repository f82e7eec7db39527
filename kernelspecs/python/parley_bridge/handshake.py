"""The first frame: what this interpreter is, sent before anything heavy is imported."""

import os
import sys

from . import names


def find_ipython():
    """The folder of IPython, found without importing it; None where there is none."""
    if os.environ.get("PARLEY_PYTHON_PLAIN"):
        return None
    for folder in sys.path:
        path = os.path.join(folder or os.curdir, "IPython", "core", "interactiveshell.py")
        if os.path.isfile(path):
            return os.path.dirname(os.path.dirname(path))
    try:
        # Not a plain folder: a zip, or an editable install with a finder of its own.
        from importlib.util import find_spec
        spec = find_spec("IPython")
    except Exception:
        return None
    return os.path.dirname(spec.origin) if spec and spec.origin else None


def has_debugpy():
    """Whether debugpy could be imported; asked of the finders themselves, without importlib."""
    for finder in sys.meta_path:
        try:
            if finder.find_spec("debugpy", None) is not None:
                return True
        except Exception:
            continue
    return False


def debugger_information():
    """What of the debugger's ``debugInfo`` never changes; the server answers it by itself."""
    return ('{"hashMethod":"Murmur2","hashSeed":%d,"tmpFilePrefix":%s,"tmpFileSuffix":%s,'
            '"richRendering":true,"exceptionPaths":["Python Exceptions"],"copyToGlobals":true}'
            % (names.SEED, _quote(names.PREFIX), _quote(names.SUFFIX)))


def ipython_version(folder):
    """The version as IPython/core/release.py has it, read as text."""
    parts = {}
    try:
        with open(os.path.join(folder, "core", "release.py"), encoding="utf-8") as file:
            for line in file:
                name, equals, value = line.partition("=")
                if equals and name.startswith("_version_"):
                    parts[name.strip()[9:]] = value.partition("#")[0].strip().strip("\"'")
        text = "%(major)s.%(minor)s.%(patch)s" % parts
        return text + parts.get("extra", "").lstrip(".") if all(
            p.isdigit() for p in text.split(".")) else ""
    except (OSError, KeyError):
        return ""


def banner(folder):
    """What a console shows before the first prompt."""
    first = "Python %s\n" % sys.version.replace("\n", "")
    if folder is None:
        return first + ("IPython is not installed for this interpreter: plain Python, without magics. "
                        "Install it with: python -m pip install ipython\n")
    return (first + "Type 'copyright', 'credits' or 'license' for more information\n"
            "IPython %s -- An enhanced Interactive Python. Type '?' for help.\n"
            % ipython_version(folder))


def _quote(text):
    # json is imported later, with the rest: it costs as much as this whole module.
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char < " ":
            out.append("\\u%04x" % ord(char))
        else:
            out.append(char)
    return '"%s"' % "".join(out)


def send(fd, folder):
    """Writes kernel_info_reply with id 0."""
    lexer, mode = ("ipython3", '{"name":"ipython","version":3}') if folder else ("python3", '"python"')
    capabilities = '["complete","inspect","is_complete","comm","subshells"%s]' % (
        ',"debug"' if has_debugpy() else "")
    content = (
        '{"bridge_protocol":1,"language_info":{"name":"python","version":%s,'
        '"mimetype":"text/x-python","codemirror_mode":%s,"pygments_lexer":"%s",'
        '"nbconvert_exporter":"python","file_extension":".py"},"banner":%s,"capabilities":%s,"debugger":%s,'
        '"help_links":[{"text":"Python Reference","url":"https://docs.python.org/%d.%d"},'
        '{"text":"IPython Reference","url":"https://ipython.readthedocs.io/en/stable/"}]}'
        % (_quote(sys.version.split()[0]), mode, lexer, _quote(banner(folder)), capabilities,
           debugger_information(), sys.version_info[0], sys.version_info[1]))
    data = ('{"msg_type":"kernel_info_reply","id":0}\n%s\n' % content).encode("utf-8", "replace")
    while data:
        data = data[os.write(fd, data):]
