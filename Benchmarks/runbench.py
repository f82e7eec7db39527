"""python Benchmarks/runbench.py PARLEY: `parley run` beside papermill and nbclient, all in turns within one run.

Rows: a notebook of 400 no-op Python cells, a notebook of one cell, both from command to exit; and 50 runs of `parley run`
at once. Each command runs as its users run it: `papermill IN OUT`, `jupyter execute` for nbclient, `parley run IN OUT`, with
the same interpreter. "nbclient in process" leaves nbclient's own start out: NotebookClient.execute() in a warm process.
Exit code 1 if a target of TARGETS is missed or a run has failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# row, the most `parley run` may take of a peer's time, the peer
TARGETS = [
    ("400 cells", 0.1, "papermill"),
    ("400 cells", 1.0, "nbclient"),
    ("400 cells", 1.0, "nbclient in process"),
    ("one cell", 0.25, "papermill"),
]
IN_PROCESS = """
import nbformat, sys, time
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
began = time.monotonic()
NotebookClient(notebook, kernel_name="python3").execute()
print(time.monotonic() - began)
"""


def notebook(cells: int) -> str:
    cell = {"cell_type": "code", "metadata": {}, "source": "pass", "outputs": [], "execution_count": None}
    return json.dumps({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                     "language_info": {"name": "python"}},
        "cells": [{**cell, "id": f"cell-{n}"} for n in range(cells)],
    })


def check(path: Path, cells: int):
    """A run that was fast because it ran nothing does not count."""
    counts = [c["execution_count"] for c in json.loads(path.read_text())["cells"]]
    assert counts == list(range(1, cells + 1)), f"{path.name}: cells did not run: {counts[:5]}..."


def timed(command, folder: Path) -> float:
    began = time.monotonic()
    done = subprocess.run([str(w) for w in command], cwd=folder, capture_output=True, text=True, timeout=300)
    took = time.monotonic() - began
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stderr[-2000:]}"
    return took


def runners(parley: Path):
    """name -> a run of a notebook with so many cells, in seconds"""
    def command(*words):
        def run(folder, cells):
            took = timed([*words, "in.ipynb", "out.ipynb"], folder)
            check(folder / "out.ipynb", cells)
            return took
        return run

    def nbclient(folder, cells):
        took = timed([sys.executable, "-m", "jupyter", "execute", "--output=out", "in.ipynb"], folder)
        check(folder / "out.ipynb", cells)
        return took

    def in_process(folder, cells):
        done = subprocess.run([sys.executable, "-c", IN_PROCESS, "in.ipynb"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return float(done.stdout.split()[-1])

    return {
        "parley run": command(parley, "run", "-k", "parley", "--no-progress-bar"),
        "papermill": command(sys.executable, "-m", "papermill", "--no-progress-bar"),
        "nbclient": nbclient,
        "nbclient in process": in_process,
        "parley run, ipykernel proxied": command(parley, "run", "--no-progress-bar"),
    }


def at_once(parley: Path, folder: Path, number: int) -> tuple[float, int]:
    """Seconds until all have ended, and how many failed."""
    began = time.monotonic()
    runs = []
    for n in range(number):
        place = folder / f"at-once-{n}"
        place.mkdir()
        (place / "in.ipynb").write_text(notebook(3))
        runs.append((place, subprocess.Popen(
            [parley, "run", "-k", "parley", "--no-progress-bar", "in.ipynb", "out.ipynb"],
            cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)))
    failures = 0
    for place, run in runs:
        try:
            assert run.wait(timeout=300) == 0
            check(place / "out.ipynb", 3)
        except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as problem:
            failures += 1
            print(f"failed: {place.name}: {problem!r}", file=sys.stderr)
            run.kill()
    return time.monotonic() - began, failures


def load() -> str:
    return " ".join(f"{n:.1f}" for n in os.getloadavg())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parley", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=50)
    options = parser.parse_args()
    # Both use this interpreter, and ipykernel's kernelspec beside it.
    os.environ["PARLEY_PYTHON"] = sys.executable
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix) / "share/jupyter")
    os.environ.setdefault("PARLEY_LANGUAGES", str(Path(__file__).resolve().parents[1] / "kernelspecs"))
    os.environ.pop("PYTHONPATH", None)

    found: dict[tuple[str, str], list[float]] = {}
    print(f"{os.cpu_count()} cores, load {load()}")
    with tempfile.TemporaryDirectory(prefix="runbench-") as base:
        base = Path(base)
        os.environ["IPYTHONDIR"] = str(base / "ipython")
        rows = {"400 cells": 400, "one cell": 1}
        for row, cells in rows.items():
            for turn in range(options.rounds):
                for name, run in runners(options.parley.resolve()).items():
                    folder = base / f"{row}-{turn}-{name}".replace(" ", "-")
                    folder.mkdir()
                    (folder / "in.ipynb").write_text(notebook(cells))
                    found.setdefault((row, name), []).append(run(folder, cells))
                print(f"{row}, round {turn + 1}: load {load()}", flush=True)
        seconds, failures = at_once(options.parley.resolve(), base, options.at_once)
        print(f"at once: load {load()}\n")

    middle = {key: statistics.median(times) for key, times in found.items()}
    print("| | seconds, median | best |\n|---|---|---|")
    for (row, name), times in found.items():
        print(f"| {row}, {name} | {middle[row, name]:.2f} | {min(times):.2f} |")
    print(f"| {options.at_once} runs of three cells at once | {seconds:.1f} | {failures} failed |\n")
    print("| what | target | measured | |\n|---|---|---|---|")
    missed = failures > 0
    for row, most, peer in TARGETS:
        share = middle[row, "parley run"] / middle[row, peer]
        missed |= share > most
        print(f"| {row} | <= {most:g}x {peer} | {share:.3f}x | {'met' if share <= most else 'MISSED'} |")
    print(f"| {options.at_once} runs at once | 0 failed | {failures} | {'MISSED' if failures else 'met'} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
