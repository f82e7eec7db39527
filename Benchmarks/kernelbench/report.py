"""Figures of a run as tables, and held against the targets."""
import math
import statistics


def quant(xs, q):
    xs = sorted(xs)
    return xs[min(len(xs) - 1, max(0, math.ceil(q * len(xs)) - 1))]


def summarize(data, base):
    """{metric: {kernel: {...}}} from the rounds"""
    out = {}
    for kn, rounds in data["results"].items():
        for r, ms in rounds.items():
            for m, rec in ms.items():
                o = out.setdefault(m, {}).setdefault(kn, {"samples": [], "na": None, "per_round": {}, "extra": {}})
                o["unit"] = rec["unit"]
                o["samples"] += rec["samples"]
                if rec["samples"]:
                    o["per_round"][r] = statistics.median(rec["samples"])
                if rec.get("na"):
                    o["na"] = rec["na"]
                o["extra"].update({k: v for k, v in rec.items() if k not in ("samples", "na", "unit")})
                if rec.get("order"):
                    o.setdefault("orders", []).append(rec["order"])
    for m, ks in out.items():
        b = ks.get(base, {}).get("per_round", {})
        for kn, o in ks.items():
            s = o.pop("samples")
            if s:
                o.update(median=statistics.median(s), p99=quant(s, .99), p10=quant(s, .1), n=len(s), best=min(s))
                rs = [v / b[r] for r, v in o["per_round"].items() if b.get(r)]
                o["ratio"] = statistics.median(rs) if rs else None
    return out


def num(x):
    if x is None:
        return "-"
    a = abs(x)
    if a >= 1000:
        return "{:,.0f}".format(x)
    return ("%.0f" if a >= 100 else "%.1f" if a >= 10 else "%.2f" if a >= 0.1 else "%.3f" if a else "%.0f") % x


TABLES = [
    ("Startup, shutdown (ms)", ["startup_info", "startup_exec", "shutdown", "left_after_shutdown", "orphans", "orphans_of_cell"]),
    ("Round trips, idle (ms)", ["exec_rtt", "exec_rtt_nohist", "info_rtt", "hb_idle", "control_idle", "complete_idle", "input_rtt"]),
    ("Round trips with the C client (ms)", ["c_exec_p50", "c_exec_p99", "c_info_p50"]),
    ("While a cell runs (ms)", ["hb_sleep", "control_sleep", "hb_busy", "control_busy", "hb_native", "control_native", "complete_busy"]),
    ("Output (ms to idle)", ["lines", "chunks", "display_1MiB", "display_16MiB", "display_64MiB", "slow_reader", "late_reader"]),
    ("Pipelining 1000 cells, interrupt (ms)", ["pipeline", "interrupt_sleep", "interrupt_busy"]),
    ("Memory (MiB PSS), idle CPU", ["pss_idle", "pss_after_lines", "pss_server", "pss_server_after_lines", "pss_server_after_display", "idle_cpu", "idle_wakeups"]),
    ("Subshells (ms)", ["subshell_create", "subshell_exec_while_busy", "subshell_complete_while_busy"]),
    ("Polyglot: alternating two languages", ["switch_first", "switch_rtt", "switch_pss"]),
]


def markdown(data, summ, base):
    w = []
    order = data["kernels"]
    w.append("p10 / median / p99 where n >= 20, else the median (and the best); [ratio of medians to %s, median of the rounds]. Rounds: %d. %s" % (base, data["rounds_done"], data["when"]))
    for title, ms in TABLES:
        ms = [m for m in ms if m in summ]
        if not ms:
            continue
        w.append("\n### %s\n" % title)
        w.append("| kernel | " + " | ".join("%s" % m for m in ms) + " |")
        w.append("|---" * (len(ms) + 1) + "|")
        for kn in order:
            cells = []
            for m in ms:
                o = summ[m].get(kn)
                if not o:
                    cells.append("")
                elif "median" not in o:
                    cells.append("n/a")
                else:
                    t = num(o["median"])
                    if o["n"] >= 20:
                        t = "%s / %s / %s" % (num(o["p10"]), t, num(o["p99"]))
                    elif o["n"] > 1 and o["best"] < 0.9 * o["median"]:
                        t += " (best %s)" % num(o["best"])
                    if o.get("ratio") is not None and kn != base:
                        t += " [%sx]" % num(o["ratio"])
                    e = o["extra"]
                    if e.get("blocked_ms") and not e.get("answered"):
                        t = "BLOCKED %s" % num(e["blocked_ms"])
                    if e.get("answered_while_running") is False:
                        t = "after the cell"
                    for word, mark in (("BAD", " LOSS"), ("LATE", " LATE")):
                        if any(word in x for x in o.get("orders", [])):
                            t += mark
                    if m == "slow_reader" and e.get("idle_arrived") is False:
                        t += " and no idle"
                    if e.get("after_idle") or e.get("bad"):
                        t += " (%s after idle, %s lost)" % (e.get("after_idle", "?"), e.get("bad", "?"))
                    if e.get("mib_s"):
                        t += " %s MiB/s" % num(e["mib_s"])
                    cells.append(t)
            if any(cells):
                w.append("| %s | %s |" % (kn, " | ".join(cells)))
    w.append("\n### n/a, and other remarks\n")
    for m in summ:
        for kn in order:
            o = summ[m].get(kn)
            if not o:
                continue
            if o.get("na"):
                w.append("- %s, %s: n/a: %s" % (kn, m, o["na"]))
            e = o["extra"]
            if o.get("orders"):
                w.append("- %s, %s: %s; %s messages" % (kn, m, " / ".join(sorted(set(o["orders"]))), e.get("messages")))
            if m in ("orphans", "left_after_shutdown") and e.get("who"):
                w.append("- %s, %s: %s" % (kn, m, "; ".join(e["who"])))
            if m.startswith("interrupt_") and (e.get("status") not in (None, ["error"]) or e.get("next_cell") not in (None, "ok")):
                w.append("- %s, %s: status %s, next cell %s" % (kn, m, e.get("status"), e.get("next_cell")))
    for kn, s in data.get("signatures", {}).items():
        if s[1]:
            w.append("- %s: %d of %d signatures bad" % (kn, s[1], s[0]))
    return "\n".join(w) + "\n"


# ------------------------------------------------------------------ targets
def stat(xs, which):
    return {"p50": statistics.median, "p99": lambda v: quant(v, .99)}[which](xs)


def samples(data, kernel, metric):
    """{round: samples}; rounds without any left out"""
    rounds = data["results"].get(kernel, {})
    return {r: ms[metric]["samples"] for r, ms in rounds.items() if ms.get(metric, {}).get("samples")}


def reason(data, kernel, metric):
    for ms in data["results"].get(kernel, {}).values():
        if ms.get(metric, {}).get("na"):
            return ms[metric]["na"]
    return "not measured"


def limit_of(t):
    if t.get("exact"):
        return "exact"
    if "at_least" in t:
        return ">= %g %%" % t["at_least"]
    if "to" not in t:
        return "<= %g %s" % (t["at_most"], t["unit"])
    return "<= %gx %s" % (t["at_most"], "before" if "to_metric" in t else t["to"])


def judge(t, data):
    """(figure, met, note) of one target"""
    kernel, metric = t.get("kernel", "parley"), t["metric"]
    mine = samples(data, kernel, metric)
    if not mine:
        return "", None, reason(data, kernel, metric)
    pooled = [x for xs in mine.values() for x in xs]
    if t.get("exact"):
        orders = [ms[metric].get("order", "?") for ms in data["results"][kernel].values() if metric in ms]
        return " / ".join(sorted(set(orders))), all(o == "exact" for o in orders), ""
    if "at_least" in t:
        return num(min(pooled)), min(pooled) >= t["at_least"], ""
    if "to" not in t:
        v = max(pooled) if t["stat"] == "worst" else stat(pooled, t["stat"])
        return num(v), v <= t["at_most"], ""
    base, base_metric = t["to"], t.get("to_metric", metric)
    other = samples(data, base, base_metric)
    both = [r for r in mine if r in other]
    if not both:
        return "", None, "%s: %s" % (base, reason(data, base, base_metric))
    theirs = [x for r in both for x in other[r]]
    if t["stat"] == "p99":           # of all rounds together: one round has few samples beyond it
        ratio = stat(pooled, "p99") / stat(theirs, "p99")
    else:
        ratio = statistics.median(stat(mine[r], t["stat"]) / stat(other[r], t["stat"]) for r in both)
    return "%sx (%s to %s)" % (num(ratio), num(stat(pooled, t["stat"])), num(stat(theirs, t["stat"]))), ratio <= t["at_most"], ""


def against_targets(data, targets):
    """one row a target: what, limit, figure, met (None: no figure), note"""
    rows = []
    for t in targets:
        figure, met, note = judge(t, data)
        what = t["what"] + (", p99" if t.get("stat") == "p99" else "")
        rows.append({"what": what, "limit": limit_of(t), "figure": figure, "met": met, "note": note})
    return rows


def targets_markdown(rows, data):
    w = ["Rounds: %d. %s. Ratios are the median of the rounds' ratios (p99: of all samples); ms or MiB in brackets.\n" % (
         data["rounds_done"], data["when"]), "| what | target | measured | |", "|---|---|---|---|"]
    for r in rows:
        w.append("| %s | %s | %s | %s |" % (r["what"], r["limit"], r["figure"] or "n/a: " + r["note"][:120],
                                           {True: "met", False: "MISSED", None: "-"}[r["met"]]))
    judged = [r for r in rows if r["met"] is not None]
    w.append("\n%d of %d measured targets met, %d not measured." % (sum(r["met"] for r in judged), len(judged), len(rows) - len(judged)))
    return "\n".join(w) + "\n"
