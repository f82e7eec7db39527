"""The file names that cells are compiled under.

A front end with a debugger computes the same names from the text of its cells: prefix, hash of the
code, suffix. The files themselves exist only for cells that a debugger has asked to be dumped.
"""

import os

SEED = 0x9747B28C
SUFFIX = ".py"


def _temporary():
    # tempfile would say the same, but it is slow to import.
    for name in ("TMPDIR", "TEMP", "TMP"):
        folder = os.environ.get(name)
        if folder and os.path.isdir(folder):
            return os.path.realpath(folder)
    return os.path.realpath("/tmp")


# Nobody can know the name beforehand and lay a trap there. JupyterLab ("Cell [2]" in its callstack)
# and numba (cache=True in cells) know the files of cells by the start of this name.
FOLDER = "%s/ipykernel_%d_%s" % (_temporary(), os.getpid(), os.urandom(6).hex())
PREFIX = FOLDER + "/"

_dumped = {}             # path -> the lines of the cell


def murmur2(data, seed=SEED):
    """The 32-bit MurmurHash2 of some bytes."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    size = len(data)
    words = memoryview(data)[:size & ~3]
    h = (seed ^ size) & mask
    for k in memoryview(bytes(words)).cast("I") if _LITTLE else _words(words):
        k = k * m & mask
        h = h * m & mask ^ (k ^ k >> 24) * m & mask
    tail = data[size & ~3:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


_LITTLE = memoryview(b"\1\0\0\0").cast("I")[0] == 1


def _words(view):
    return (int.from_bytes(view[at:at + 4], "little") for at in range(0, len(view), 4))


def path_of(code):
    """The name of a cell as the front end computes it."""
    return "%s%d%s" % (PREFIX, murmur2(code.encode("utf-8", "replace")), SUFFIX)


def file_name(code):
    """The name that code is compiled under.

    The server has blanked the lines that are another language's, markers above all. Where the cell
    they come from was dumped, the code goes by the name of the whole cell.
    """
    path = path_of(code)
    if path in _dumped or not _dumped or not (code[:1].isspace() or "\n" in code):
        return path
    lines = code.split("\n")
    for whole, others in _dumped.items():
        if _is_part(lines, others):
            return whole
    return path


def _is_part(lines, whole):
    if len(lines) > len(whole):
        return False
    same = False
    for line, other in zip(lines, whole):
        if line == other:
            same = same or not line.isspace() and line != ""
        elif line.strip(" ") or len(line) != len(other):
            return False
    return same


def dump(code):
    """Writes a cell to its file, for debuggers that read sources; returns the path."""
    path = path_of(code)
    if not _dumped:
        try:
            os.mkdir(FOLDER, 0o700)
        except FileExistsError:
            status = os.lstat(FOLDER)
            if status.st_uid != os.getuid() or status.st_mode & 0o170077 != 0o040000:
                raise
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(code)
    _dumped[path] = code.split("\n")
    return path


def clean_up():
    """Removes the files."""
    for path in list(_dumped):
        try:
            os.unlink(path)
        except OSError:
            pass
    if _dumped:
        try:
            os.rmdir(FOLDER)
        except OSError:
            pass
