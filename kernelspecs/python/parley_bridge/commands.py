"""Commands of the system from IPython cells: ``!cmd``, ``x = !cmd``, ``%%bash`` and its kin.

Their output goes straight to descriptors 1 and 2: live, in order, and without a copy in between.
Only where a cell captures its output is it piped through Python.
"""

import codecs
import functools
import sys
from threading import current_thread, main_thread

from .streams import Stream


def _is_live():
    # What is printed on 1 and 2 belongs to the cell of the main thread.
    return (isinstance(sys.stdout, Stream) and isinstance(sys.stderr, Stream)
            and current_thread() is main_thread())


def _end(process):
    """Ends a child that did not heed the SIGINT its whole group got."""
    from subprocess import TimeoutExpired
    for stop in (process.terminate, process.kill):
        if process.poll() is not None:
            return
        stop()
        try:
            process.wait(0.2)
        except TimeoutExpired:
            pass


def _user_shell():
    """The program for ``!`` commands, as IPython chooses it; None means the system's own."""
    import os
    import shutil
    return shutil.which(os.environ.get("SHELL") or "sh")


def run(command, text=None, shell=False):
    """Runs a command to its end and returns its exit code; KeyboardInterrupt ends it."""
    import subprocess
    options = {"shell": shell, "stdin": subprocess.DEVNULL if text is None else subprocess.PIPE}
    if shell:
        options["executable"] = _user_shell()
    if not _is_live():
        options.update(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process = subprocess.Popen(command, **options)
    try:
        if process.stdout is None:
            process.communicate(None if text is None else text.encode("utf-8", "replace"))
        else:
            _pass_on(process, text)
    except BaseException:
        _end(process)
        raise
    return process.returncode


def _pass_on(process, text):
    from threading import Thread
    if text is not None:
        def feed():
            with process.stdin:
                process.stdin.write(text.encode("utf-8", "replace"))
        Thread(target=feed, daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with process.stdout as pipe:
        for data in iter(lambda: pipe.read1(65536), b""):
            sys.stdout.write(decoder.decode(data))
    sys.stdout.write(decoder.decode(b"", True))
    process.wait()


def output_of(command):
    """What a shell command prints, both streams together, and its exit code."""
    import subprocess
    process = subprocess.Popen(command, shell=True, executable=_user_shell(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        data = process.communicate()[0]
    except BaseException:
        _end(process)
        raise
    return data.decode("utf-8", "replace").replace("\r\n", "\n"), process.returncode


def improve_script_magics(module):
    """Has ``%%bash`` and the like print live, where their output is not asked for otherwise."""
    original = module.ScriptMagics.shebang

    @functools.wraps(original)
    def shebang(self, line, cell):
        args, command = original.parser.parse_known_args(module.arg_split(line, posix=True))
        if args.out or args.err or args.bg or getattr(args, "proc", None) or not command:
            return original(self, line, cell)
        try:
            code = run(command, cell if cell.endswith("\n") else cell + "\n")
        except FileNotFoundError:
            print("Couldn't find program: %r" % command[0])
            return None
        if code != 0 and args.raise_error:
            from subprocess import CalledProcessError
            raise CalledProcessError(code, cell.encode())
        return None

    module.ScriptMagics.shebang = shebang
