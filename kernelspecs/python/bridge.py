"""The Python bridge of Parley: runs Python cells for the server, over inherited pipes.

Start-up is written for speed. The handshake goes out before anything heavy is imported, so that
the server and the front end go on while IPython loads.
"""

import signal

# First of all: from here on no SIGINT may end the process. The real policy follows in interrupts.py.
signal.signal(signal.SIGINT, lambda *_: None)

import gc  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

# Start-up only makes objects that stay. The collector would walk them again and again.
gc.disable()


def main():
    """Runs the bridge until the server closes descriptor 3 or asks for shutdown."""
    for fd in (3, 4, 5):
        try:
            os.set_inheritable(fd, False)
        except OSError:
            pass   # descriptor 5 is optional
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    sys.path.insert(0, here)
    from parley_bridge.quickstart import import_own

    handshake = import_own("parley_bridge.handshake")
    folder = handshake.find_ipython()
    handshake.send(4, folder)
    serve = import_own("parley_bridge.serve")
    # The cells' own imports must not find this folder.
    sys.path.remove(here)
    serve.run(use_ipython=folder is not None)


if __name__ == "__main__":
    main()
