"""What SIGINT means: KeyboardInterrupt in the user's code, and nothing anywhere else."""

import _signal                # its getsignal makes no enumeration of what it finds
import select
import signal
import threading

_MAIN = threading.main_thread().ident
_SIGINT = int(signal.SIGINT)


TURNS = {}      # by thread: the state of the threads that are interrupted too, see subshells.py


class Guard:
    """A region of the bridge's own code that KeyboardInterrupt must not tear apart.

    Usable from every thread, re-entrant; only the main thread and subshells need it. A SIGINT that
    comes inside takes effect at the end of the outermost region.
    """

    def __init__(self, interrupts):
        self._interrupts = interrupts

    def __enter__(self):
        ident = threading.get_ident()
        if ident == _MAIN:
            self._interrupts.hold += 1
        elif ident in TURNS:
            TURNS[ident].hold += 1

    def __exit__(self, *exc):
        ident = threading.get_ident()
        if ident == _MAIN:
            self._interrupts.release()
        elif ident in TURNS:
            TURNS[ident].release()


class Opening:
    """The reverse inside a guard: a place that may block, and loses nothing when it is left.

    Like a guard it only means something in the main thread.
    """

    def __init__(self, interrupts):
        self._interrupts = interrupts
        self._held = None

    def __enter__(self):
        if threading.get_ident() != _MAIN:
            return
        self._held = self._interrupts.hold
        self._interrupts.hold = 1
        self._interrupts.release()

    def __exit__(self, *exc):
        if self._held is not None:
            self._interrupts.hold = self._held


class Telling:
    """While it lasts, an interrupt is told to the user: a further one has nothing left to end."""

    def __init__(self, interrupts):
        self._interrupts = interrupts

    def __enter__(self):
        if threading.get_ident() == _MAIN:
            self._interrupts.told = True

    def __exit__(self, *exc):
        if threading.get_ident() == _MAIN:
            self._interrupts.told = False


class Interrupts:
    """The handler of SIGINT and the state it decides by. All of it belongs to the main thread."""

    def __init__(self, request_fd):
        self.running = False     # user code runs: SIGINT is meant for it
        self.starting = False    # a request has been taken, its code does not run yet
        self.hold = 0            # depth of guards
        self.told = False        # an interrupt is being told to the user
        self.pending = False     # a SIGINT waits for the end of a guard, or for the cell to start
        self.cancel = None       # how to interrupt an event loop: frame -> bool, set by aio
        self.leave_stop = None   # how to go on from a breakpoint: frame -> bool, set by the debugger
        self.others = None       # interrupts the subshells
        self.guard = Guard(self)
        self._poll = select.poll()
        self._poll.register(request_fd, select.POLLIN)

    def install(self):
        """Takes SIGINT, whatever was inherited or left behind by user code."""
        if _signal.getsignal(_SIGINT) is not self._handler:
            self._handler = self._on_sigint
            signal.signal(signal.SIGINT, self._handler)

    _handler = object()

    def begin(self):
        """User code starts. Raises at once if the interrupt came just before."""
        if _signal.getsignal(_SIGINT) is not self._handler:
            signal.signal(signal.SIGINT, self._handler)
        self.running = True
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt

    def end(self):
        """User code has ended: what comes now comes too late."""
        self.running = False
        self.starting = False
        self.pending = False
        self.hold = 0

    def release(self):
        """Leaves one guard; the last one lets a waiting interrupt take effect."""
        self.hold -= 1
        if self.hold <= 0 and self.pending and self.running:
            self.pending = False
            raise KeyboardInterrupt

    def opening(self):
        """A context in which a blocking call may be interrupted although guards are held."""
        return Opening(self)

    def telling(self):
        """A context in which an interrupt is told to the user, and further ones are dropped."""
        return Telling(self)

    _repeated = False

    def repeat(self):
        """Interrupts the main thread once more, and no other. From any other thread."""
        self._repeated = True
        signal.pthread_kill(_MAIN, signal.SIGINT)

    def _on_sigint(self, signum, frame):
        if self._repeated:
            self._repeated = False
        elif self.others is not None:
            self.others()
        if not self.running:
            # The server sends SIGINT only while a request runs. If that request still lies in the
            # pipe, the interrupt is meant for it; otherwise it missed the cell that just ended.
            if self.starting or self._poll.poll(0):
                self.pending = True
            return
        if self.told:
            return
        if self.hold > 0:
            self.pending = True
            return
        if self.leave_stop is not None and self.leave_stop(frame):
            return
        if self.cancel is not None and self.cancel(frame):
            return
        raise KeyboardInterrupt
