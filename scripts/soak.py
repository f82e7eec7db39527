#!/usr/bin/env python3
"""soak.py --parley BINARY [--at-once N] [--rounds N] FOLDER...: the test folders again and again, several at a time.

A busy machine brings out what a quiet one hides: tests that depend on time, and races in the product. Each worker begins
with another folder, so that all of them run beside each other. What failed is told with its log; the last line counts.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache/soak"


def work(number, options, failures, lock):
    """One worker: all folders in turn, `rounds` times"""
    shift = number % len(options.folders)
    folders = options.folders[shift:] + options.folders[:shift]
    environment = dict(os.environ, PARLEY_BIN=str(pathlib.Path(options.parley).resolve()))
    for turn in range(1, options.rounds + 1):
        for folder in folders:
            log = LOGS / f"{number}-{turn}-{folder.strip('/').replace('/', '-')}.log"
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
            with open(log, "w") as output:
                code = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                      stderr=subprocess.STDOUT).returncode
            text = log.read_text(errors="replace")
            found = re.findall(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
            with lock:
                failures += [(name, log) for name in found or ([folder] if code else [])]
                print(f"{time.strftime('%T')} worker {number}, round {turn}: {text.splitlines()[-1] if text else code}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parley", required=True, help="the binary, given to the tests as PARLEY_BIN")
    parser.add_argument("--at-once", type=int, default=3, help="workers; more than the machine has cores")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()

    LOGS.mkdir(parents=True, exist_ok=True)
    failures, lock = [], threading.Lock()
    with ThreadPoolExecutor(options.at_once) as pool:
        workers = [pool.submit(work, number, options, failures, lock) for number in range(options.at_once)]
        for worker in workers:
            worker.result()
    for name, log in sorted(failures):
        print(f"FAILED {name}: {log}")
    print(f"{len(failures)} failures in {options.at_once * options.rounds} rounds")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
