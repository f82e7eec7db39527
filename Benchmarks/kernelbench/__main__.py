"""What Jupyter kernels cost, measured from outside over raw ZeroMQ.

Every kernel is started from a connection file written here (tcp on 127.0.0.1,
hmac-sha256, free ports), one kernel alive at a time, the kernels interleaved
within every group of every round: drift of the machine meets all alike. A
figure that a kernel lacks reads n/a with the reason.
"""
import argparse
import datetime
import json
import os
import shutil
import signal
import sys
import tempfile

import zmq

from . import report
from .client import NA, Kernel, Timeout, now, spin
from .metrics import GROUPS, OWN_START

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def options():
    ap = argparse.ArgumentParser(prog="kernelbench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--parley", default=os.path.join(HERE, "..", ".build", "release", "parley"), help="the binary: {parley} in the spec")
    ap.add_argument("--spec", default=os.path.join(HERE, "kernels.json"), help="kernels and languages")
    ap.add_argument("--targets", default=os.path.join(HERE, "targets.json"))
    ap.add_argument("--peers", default="peers", help="folder of the environments: {peers} in the spec")
    ap.add_argument("--bin", default=None, help="folder of floor_kernel: {bin} in the spec (default: --peers)")
    ap.add_argument("--kernels", default="", help="only these, by name")
    ap.add_argument("--only", default="", help="groups: " + ",".join(GROUPS))
    ap.add_argument("--skip", default="")
    ap.add_argument("--once", default="", help="groups for the first round only")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--iters", type=int, default=500)
    ap.add_argument("--starts", type=int, default=3)
    ap.add_argument("--lines", type=int, default=100000)
    ap.add_argument("--chunk-mib", type=int, default=64)
    ap.add_argument("--display-mib", default="1,16,64")
    ap.add_argument("--idle-s", type=float, default=10)
    ap.add_argument("--work", default=None, help="folder for HOME, histories and logs (default: the system's temporary one)")
    ap.add_argument("--base", default="ipykernel", help="the kernel that the tables give ratios to")
    ap.add_argument("--out", default="results", help="writes OUT.json and OUT.md")
    ap.add_argument("--resume", action="store_true", help="add rounds to OUT.json")
    ap.add_argument("--report", action="store_true", help="only rewrite OUT.md from OUT.json")
    a = ap.parse_args()
    a.display_mib = [int(x) for x in a.display_mib.split(",")]
    a.subst = {"peers": os.path.abspath(a.peers), "bin": os.path.abspath(a.bin or a.peers), "bench": HERE,
               "parley": os.path.abspath(a.parley)}
    return a


def measure(name, group, round_, spec, a, data, work):
    """one group on one kernel; no fault of a kernel ends the run"""
    rec = data["results"].setdefault(name, {}).setdefault(str(round_), {})

    def put(metric, samples, unit, na=None, **extra):
        o = rec.setdefault(metric, {"samples": [], "unit": unit})
        o["samples"] += [round(x, 5) for x in samples]
        if na:
            o["na"] = na
        o.update(extra)

    def make():
        return Kernel(name, spec["kernels"][name], spec["languages"], a.subst, work)

    began, speed = now(), spin()
    k = err = None
    try:
        if group in OWN_START:
            GROUPS[group](make, a, put)
        else:
            k = make()
            k.spawn(a.ctx)
            k.ready()
            data["info"].setdefault(name, {x: k.info.get(x) for x in ("implementation", "implementation_version", "protocol_version")})
            GROUPS[group](k, a, put)
    except NA as e:
        err = str(e)
    except Timeout as e:
        err = "deadline: %s" % e
    except Exception as e:
        err = "%s: %s" % (type(e).__name__, e)
    finally:
        if err:
            if k is not None and k.proc is not None and err.startswith("deadline"):
                err += " | log: " + " ".join(k.log_tail().split())[-300:]
            put(group, [], "", na=err)
        if k is not None:
            if getattr(k, "cl", None):
                if k.cl.malformed:
                    put("malformed", [len(k.cl.malformed)], "messages", na="not a Jupyter message in %s: %s" % (group, k.cl.malformed[0]))
                s = data["signatures"].setdefault(name, [0, 0])
                s[0] += k.cl.seen_sig
                s[1] += k.cl.bad_sig
            k.cleanup()
    data["spin"].append([round_, group, name, round(speed, 2), round(os.getloadavg()[0], 2)])
    print("round %d %-10s %-14s %6.1f s%s" % (round_, group, name, now() - began, "  n/a: " + err[:300] if err else ""), flush=True)


def run(a, spec, data):
    names = [x for x in a.kernels.split(",") if x] or [k for k in spec["kernels"] if not spec["kernels"][k].get("off")]
    groups = [g for g in GROUPS if (not a.only or g in a.only.split(",")) and g not in a.skip.split(",")]
    data["kernels"] += [n for n in names if n not in data["kernels"]]
    # A background job of a shell has SIGINT ignored, and kernels would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    a.ctx = zmq.Context()
    work = tempfile.mkdtemp(prefix="kernelbench-", dir=a.work)
    first = data["rounds_done"]
    try:
        for r in range(first, first + a.rounds):
            for g in groups:
                if r > first and g in a.once.split(","):
                    continue
                for n in names[r % len(names):] + names[:r % len(names)]:
                    if g in spec["kernels"][n].get("groups", [g]) and (g != "switch" or "switch" in spec["kernels"][n]):
                        measure(n, g, r, spec, a, data, work)
                save(a, data)
            data["rounds_done"] = r + 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def save(a, data):
    with open(a.out + ".json", "w") as f:
        json.dump(data, f, indent=0)


def main():
    a = options()
    with open(a.spec) as f:
        spec = json.load(f)
    with open(a.targets) as f:
        targets = json.load(f)
    data = {"when": datetime.datetime.now().isoformat(timespec="minutes"), "kernels": [], "results": {}, "spin": [],
            "signatures": {}, "info": {}, "rounds_done": 0, "iters": a.iters}
    if (a.resume or a.report) and os.path.exists(a.out + ".json"):
        with open(a.out + ".json") as f:
            data = json.load(f)
    if not a.report:
        run(a, spec, data)
    summary = report.summarize(data, a.base)
    data["summary"] = summary
    save(a, data)
    rows = report.against_targets(data, targets)
    with open(a.out + ".md", "w") as f:
        f.write(report.targets_markdown(rows, data) + "\n" + report.markdown(data, summary, a.base))
    print(report.targets_markdown(rows, data))
    print("wrote %s.json and %s.md" % (a.out, a.out))


if __name__ == "__main__":
    sys.exit(main())
