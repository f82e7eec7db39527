#!/usr/bin/env python3
"""run_tests.py --parley BINARY [--tsan SCRATCH] STAGE...: runs the stages and counts what they ran.

A stage is `swift`, a folder of pytest tests or one file of them. All stages run, whatever fails before; the exit code is 0
only if all passed and each ran at least one test. The last line reads "N passed, N failed, N skipped".
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parent.parent


def tally(report):
    """(passed, failed, skipped) of one xunit file"""
    passed = failed = skipped = 0
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def command(stage, report, tsan):
    if stage == "swift":
        extra = ["--sanitize=thread", "--scratch-path", tsan] if tsan else []
        return ["swift", "test", "--parallel", *extra, "--xunit-output", str(report)]
    # Under the sanitizer memory grows by its own rules: what bounds it is tested without.
    chosen = ["-k", "not never_reads and not outlived"] if tsan else []
    return [sys.executable, "-m", "pytest", "-q", "--durations=5", f"--junitxml={report}", *chosen, stage]


def races(folder):
    """what the thread sanitizer reported, one text a process"""
    texts = [(path.name, path.read_text(errors="replace")) for path in sorted(folder.glob("tsan*"))]
    return [(name, text) for name, text in texts if "WARNING: ThreadSanitizer" in text or "ERROR: ThreadSanitizer" in text]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parley", required=True, help="the binary, given to the tests as PARLEY_BIN")
    parser.add_argument("--tsan", metavar="SCRATCH", help="build folder made with the thread sanitizer")
    parser.add_argument("stages", nargs="+")
    options = parser.parse_args()

    os.chdir(ROOT)
    environment = dict(os.environ, PARLEY_BIN=str(pathlib.Path(options.parley).resolve()))
    totals = [0, 0, 0]
    broken = []
    with tempfile.TemporaryDirectory(prefix="parley-tests-") as folder:
        folder = pathlib.Path(folder)
        if options.tsan:
            # Tests of junk make libzmq ask for absurd amounts of memory; it copes with a refusal.
            environment["TSAN_OPTIONS"] = (
                f"log_path={folder}/tsan exitcode=0 allocator_may_return_null=1 suppressions={ROOT}/scripts/tsan.supp")
        for stage in options.stages:
            if stage != "swift" and not (pathlib.Path(stage).is_file() or list(pathlib.Path(stage).rglob("test_*.py"))):
                broken.append(f"{stage}: no test file")
                continue
            print(f"\n=== {stage}", flush=True)
            report = folder / (stage.replace("/", "-") + ".xml")
            began = time.monotonic()
            code = subprocess.run(command(stage, report, options.tsan), env=environment, stdin=subprocess.DEVNULL).returncode
            # Swift Testing writes its own file beside the one that is asked for.
            counts = [tally(path) for path in folder.glob(report.stem + "*.xml")]
            counts = [sum(column) for column in zip(*counts)] or [0, 0, 0]
            totals = [a + b for a, b in zip(totals, counts)]
            if code or counts[1]:
                broken.append(f"{stage}: exit code {code}, {counts[1]} failed")
            elif not counts[0]:
                broken.append(f"{stage}: no test passed")
            print(f"=== {stage}: {time.monotonic() - began:.0f} s", flush=True)
        for name, text in races(folder):
            broken.append(f"{name}: the thread sanitizer reported a race")
            print(f"\n=== {name}\n{text}")
    print()
    for line in broken:
        print("FAILED", line)
    # A stage that broke without naming a test, in building say, still counts as one failure.
    failed = totals[1] or len(broken)
    print(f"{totals[0]} passed, {failed} failed, {totals[2]} skipped", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
