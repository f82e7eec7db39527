"""What each language costs: its start, a no-op cell, and memory. `python -m kernelbench.languages PARLEY PYTHON`."""
import json
import os
import statistics
import subprocess
import sys
import tempfile

import zmq

from .client import NA, Kernel, pss

# A cell that does nothing; its first run starts the language.
NOOP = {
    "bash": ":", "java": "int x = 1;", "javascript": "1;void 0", "lua": "x = 1", "octave": "x = 1;",
    "perl": "1;", "python": "pass", "r": "invisible(1)", "ruby": "nil", "sql": "select 1", "swift": "_ = 1", "tcl": "set x 1",
}
CELLS = 50


def languages(parley):
    """The languages that have a bridge and are installed, by name."""
    found = json.loads(subprocess.run([parley, "languages", "--json"], capture_output=True, check=True).stdout)
    return [entry["name"] for entry in found if entry["kind"] == "bridge" and entry["status"] == "installed"]


def measure(parley, python, language, workdir):
    """(seconds to the end of the first cell, of the first cell after a restart, median and worst of the rest, MiB)"""
    spec = {"argv": [parley, "kernel", "--language", "echo", "-f", "{connection_file}"], "env": {"PARLEY_PYTHON": python}}
    context = zmq.Context()
    kernel = Kernel("parley-" + language, dict(spec, snippets={"noop": "x"}), {}, {}, workdir)
    try:
        kernel.spawn(context)
        kernel.ready()
        before = pss(kernel.tree())[0]
        code = "#!%s\n%s" % (language, NOOP[language])
        first = checked(kernel, code)
        checked(kernel, "#!restart " + language)
        second = checked(kernel, code)
        rest = sorted(checked(kernel, code) for _ in range(CELLS))
        memory = pss(kernel.tree())[0] - before
        return first, second, statistics.median(rest), rest[-1], memory
    finally:
        kernel.cleanup()
        context.destroy(0)


def checked(kernel, code):
    seconds, reply = kernel.cl.run(code, 120)
    if reply["status"] != "ok":
        raise NA("%s: %s" % (reply.get("ename"), reply.get("evalue")))
    return seconds


def main():
    parley, python = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    print("| language | first cell (s) | after a restart (s) | no-op cell, median (ms) | the worst of %d (ms) | memory, PSS (MiB) |"
          % CELLS)
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as workdir:
        for language in sorted(set(languages(parley)) & set(NOOP)):
            try:
                first, second, median, worst, memory = measure(parley, python, language, workdir)
                print("| %s | %.2f | %.2f | %.2f | %.1f | %.0f |"
                      % (language, first, second, median * 1e3, worst * 1e3, memory), flush=True)
            except NA as why:
                print("| %s | n/a: %s | | | | |" % (language, why), flush=True)


if __name__ == "__main__":
    main()
