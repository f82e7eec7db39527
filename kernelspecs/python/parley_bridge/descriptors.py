"""Descriptors 1 and 2 belong to all cells: one that closes or redirects them does so for itself alone."""

import fcntl
import os

_HIGH = 64      # out of the way of what programs expect to get
_LOWER = 24     # where so many descriptors are not allowed


class Descriptors:
    """The pipes the server reads, and copies of them to put them back."""

    def __init__(self):
        self._kept = [(fd, _copy(fd), _identity(fd)) for fd in (1, 2)]

    def reopen(self):
        """Puts back what is closed, before anything else is written."""
        self._put_back(None)

    def restore(self):
        """Puts back what leads elsewhere."""
        self._put_back(True)

    def _put_back(self, elsewhere):
        for fd, copy, identity in self._kept:
            now = _identity(fd)
            if now != identity and (elsewhere or now is None):
                try:
                    os.dup2(copy, fd)
                except OSError:
                    pass            # the copy has been closed, too: the next print says so


def _copy(fd):
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWER)


def _identity(fd):
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino
