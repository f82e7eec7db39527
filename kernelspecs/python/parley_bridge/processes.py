"""Other processes: children that print, and copies of the bridge itself."""

import os
import sys

_SPAWNS = frozenset(("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.forkpty",
                     "os.exec", "pty.spawn"))


def install(output, after_fork):
    """What was printed before a child starts comes out before what the child prints."""

    def audit(event, args):
        if event in _SPAWNS:
            output.before_child()

    def in_child():
        # The pipes are the original's. Closing them also lets the server see when it ends.
        for fd in (3, 4, 5):
            try:
                os.close(fd)
            except OSError:
                pass
        output.after_fork()
        after_fork()

    sys.addaudithook(audit)
    os.register_at_fork(before=output.flush, after_in_child=in_child)
