"""What is measured, one function a group: f(kernel, options, put).

put(metric, samples, unit, **extra) records figures; NA says why there are none.
"""
import gc
import json
import os
import signal
import statistics
import subprocess
import time

import psutil
import zmq

from .client import DELIM, MIB, NA, Timeout, cpu_ns, now, pss, wakeups


def m_startup(mk, opt, put):
    for _ in range(opt.starts):
        k = mk()
        try:
            k.spawn(opt.ctx)
            put("startup_info", [k.t_info * 1e3], "ms")
            put("startup_exec", [k.t_exec * 1e3], "ms")
            time.sleep(0.3)
            n = len(k.tree())
            dt = k.shutdown(10)
            if dt is None:
                put("shutdown", [], "ms", na="still alive 10 s after shutdown_request on control")
            else:
                put("shutdown", [dt * 1e3], "ms")
            time.sleep(1.0)
            left = [c for _, c in k.alive()]
            put("left_after_shutdown", [len(left)], "processes", of=n, who=left[:4])
        finally:
            k.cleanup()


def loop(fn, n, warm, budget):
    """n timings of fn() after warm-ups, or as many as the budget allows"""
    end = now() + budget
    for _ in range(warm):
        fn()
        if now() > end:
            break
    out = []
    end = now() + budget
    gc.collect()
    gc.disable()
    try:
        while len(out) < n and now() < end:
            out.append(fn() * 1e3)
    finally:
        gc.enable()
    return out


def pace(k):
    """seconds that a no-op takes, roughly: to size loops for slow kernels"""
    return statistics.median([k.cl.run(k.code("noop"))[0] for _ in range(5)])


def m_rtt(k, opt, put):
    c = k.cl
    code = k.code("noop")

    hist = True

    def ex():
        t = now()
        mid = c.execute(code, history=hist)
        a = c.wait_idle(mid, t + 10)
        b, _ = c.wait_reply(mid, t + 10)
        return max(a, b) - t

    def ki():
        t = now()
        mid = c.send("shell", "kernel_info_request", b"{}")
        b, _ = c.wait_reply(mid, t + 10)
        d = b - t
        try:
            c.wait_idle(mid, t + 2)      # outside the figure: keeps iopub in step
        except Timeout:
            pass
        return d

    def hb():
        t = now()
        c.hb.send(b"ping")
        c.recv("hb", t + 3)
        return now() - t

    def ctl():
        t = now()
        mid = c.send("control", "kernel_info_request", b"{}")
        b, _ = c.wait_reply(mid, t + 5, "control")
        return b - t

    def comp():
        t = now()
        mid = c.send("shell", "complete_request", {"code": cc, "cursor_pos": len(cc)})
        b, _ = c.wait_reply(mid, t + 20)
        return b - t

    put("exec_rtt", loop(ex, opt.iters, min(100, opt.iters // 5), 20), "ms")
    hist = False
    k.drain()
    put("exec_rtt_nohist", loop(ex, opt.iters // 2, 20, 10), "ms")
    k.drain()
    put("info_rtt", loop(ki, opt.iters, 30, 30), "ms")
    k.drain()
    try:
        put("hb_idle", loop(hb, 200, 20, 5), "ms")
    except Timeout:
        put("hb_idle", [], "ms", na="no heartbeat answer in 3 s")
    try:
        put("control_idle", loop(ctl, 200, 20, 5), "ms")
    except Timeout:
        put("control_idle", [], "ms", na="control does not answer kernel_info_request in 5 s")
    k.drain()
    try:
        cc = k.code("complete")
        put("complete_idle", loop(comp, 30, 3, 8), "ms")
    except (NA, Timeout) as e:
        put("complete_idle", [], "ms", na=str(e) or "no answer")


def m_probe(k, opt, put):
    """the same round trips with the C client: what the Python client adds"""
    exe = opt.subst["bin"] + "/floor_kernel"
    if not os.path.exists(exe):
        raise NA("floor_kernel not built")
    code = json.dumps(k.code("noop"))[1:-1]
    n = max(20, min(opt.iters, int(8 / pace(k))))
    r = subprocess.run([exe, "--probe", k.cf_path, str(n), code, str(min(100, n // 4))], capture_output=True, timeout=150)
    if r.returncode:
        raise NA("the C client got no answer (rc %d)" % r.returncode)
    d = json.loads(r.stdout)
    put("c_exec_p50", [d["execute_p50_us"] / 1e3], "ms")
    put("c_exec_p99", [d["execute_p99_us"] / 1e3], "ms")
    put("c_info_p50", [d["kernel_info_p50_us"] / 1e3], "ms")


def m_busy(k, opt, put):
    c = k.cl
    D = 2.0
    for kind in ("sleep", "busy", "native"):
        try:
            code = k.code(kind, S=D)
        except NA as e:
            for w in ("hb_", "control_"):
                put(w + kind, [], "ms", na=str(e))
            continue
        k.drain()
        xs = {"hb": [], "control": []}
        blocked = {"hb": None, "control": None}    # answered only when the cell was over
        dead = set()                                # not answered even 3 s after that
        idle = []
        mid = c.execute(code)
        t0 = now()
        time.sleep(0.3)

        def look():
            for fr in k.drain():
                i = fr.index(DELIM)
                if b'"status"' in fr[i + 2] and mid + b'"' in fr[i + 3] and b'"idle"' in fr[i + 5]:
                    idle.append(now())
            return bool(idle)

        while not look() and now() - t0 < D + 25 and len(dead) < 2:
            pend = {"hb", "control"} - dead
            poller = zmq.Poller()
            for w in pend:
                poller.register(c.socks[w], zmq.POLLIN)
            t = now()
            if "hb" in pend:
                c.hb.send(b"ping")
            if "control" in pend:
                m2 = c.send("control", "kernel_info_request", b"{}")
            while pend:
                for sock, _ in poller.poll(100):
                    w = "hb" if sock is c.hb else "control"
                    fr = sock.recv_multipart()
                    if w == "control" and m2 + b'"' not in fr[fr.index(DELIM) + 3]:
                        continue
                    d = now() - t
                    pend.discard(w)
                    poller.unregister(sock)
                    if d > 0.05:
                        time.sleep(0.02)
                    if d > 0.05 and look():
                        blocked[w] = d * 1e3
                    else:
                        xs[w].append(d * 1e3)
                if pend and (look() and now() - idle[0] > 3 or now() - t0 > D + 25):
                    dead |= pend
                    break
            time.sleep(0.01)
        ran = (idle[0] if idle else now()) - t0
        for w in ("hb", "control"):
            name = "%s_%s" % (w, kind)
            if w in dead:
                put(name, [], "ms", na="no answer, not even after the cell (%.1f s)" % ran)
            elif xs[w]:
                put(name, xs[w], "ms", cell_s=ran, answered=len(xs[w]), blocked_ms=blocked[w])
            elif blocked[w]:
                put(name, [blocked[w]], "ms", cell_s=ran, answered=0, blocked_ms=blocked[w])
            else:
                put(name, [], "ms", na="the cell was over in %.2f s" % ran)
        if "hb" in dead:                            # a REQ socket that waits is of no more use
            c.hb.close(0)
            c.connect("hb")
        try:
            if not idle:
                c.wait_idle(mid, now() + 30)
            c.wait_reply(mid, now() + 10)
        except Timeout:
            raise NA("the %s cell never came back" % kind) from None
        time.sleep(0.2)
    # completion while a cell sleeps
    try:
        cc = k.code("complete")
        mid = c.execute(k.code("sleep", S=2))
        time.sleep(0.3)
        t = now()
        m2 = c.send("shell", "complete_request", {"code": cc, "cursor_pos": len(cc)})
        first = None
        tr = None
        end = now() + 20
        while tr is None or first is None:
            fr = c.recv("shell", end)
            i = fr.index(DELIM)
            if m2 + b'"' in fr[i + 3]:
                tr = now() - t
                first = first or "complete"
            elif mid + b'"' in fr[i + 3]:
                first = first or "execute"
        put("complete_busy", [tr * 1e3], "ms", answered_while_running=first == "complete" and tr < 1.6)
        c.wait_idle(mid, now() + 10)
    except NA as e:
        put("complete_busy", [], "ms", na=str(e))
    except Timeout:
        put("complete_busy", [], "ms", na="no answer in 20 s")


def text_of(c, keep, name="stdout"):
    parts, msgs = [], 0
    for fr in keep:
        i = fr.index(DELIM)
        if b'"stream"' in fr[i + 2]:
            m = c.parse(fr)
            if m["content"].get("name") == name:
                parts.append(m["content"]["text"])
                msgs += 1
    return "".join(parts), msgs


def verdict(got, want):
    if got == want:
        return "exact"
    g2 = got.replace("\r\n", "\n")
    if g2 == want:
        return "exact after CRLF->LF"
    if g2.strip("\n") == want.strip("\n"):
        return "exact but for newlines at an end"
    lines = g2.split("\n")
    w = want.split("\n")
    have = set(lines)
    missing = sum(1 for x in w if x and x not in have)
    return "BAD: %d of %d bytes, %d of %d lines missing" % (len(got), len(want), missing, len(w) - 1)


def stream_cell(k, opt, put, name, code, want, deadline):
    c = k.cl
    k.drain()
    keep = []
    t = now()
    mid = c.execute(code)
    try:
        ti = c.wait_idle(mid, t + deadline, keep)
    except Timeout:
        got, msgs = text_of(c, keep)
        put(name, [], "ms", na="not done in %d s: %d of %d bytes" % (deadline, len(got), len(want)), messages=msgs)
        return False
    dt = ti - t
    try:
        _, fr = c.wait_reply(mid, now() + 15)
        st = c.parse(fr)["content"].get("status")
    except Timeout:
        st = "no reply"
    at_idle = len(keep)
    end, stop, tl = now() + 2, now() + 30, ti       # what comes after idle: until 2 s without any
    size = sum(len(fr[-1]) for fr in keep)
    while now() < min(end, stop) and size < len(want):
        try:
            fr = c.recv("iopub", end)
        except Timeout:
            break
        if DELIM in fr[:-5]:
            keep.append(fr)
            size += len(fr[-1])
            tl = now()
            end = tl + 2
    if size < 2 * len(want):
        time.sleep(0.5)
        keep += k.drain()
    got, msgs = text_of(c, keep[:at_idle])
    v = verdict(got, want)
    late = ""
    if len(keep) > at_idle:
        late, lm = text_of(c, keep[at_idle:])
        if late:
            v2 = verdict(got + late, want)
            v = "LATE: %d of %d bytes come after idle, the last %.0f ms after it; with them %s" % (
                len(late), len(want), (tl - ti) * 1e3, v2)
            got, msgs = got + late, msgs + lm
            dt = tl - t
    put(name, [dt * 1e3], "ms", messages=msgs, bytes=len(got), order=v, reply=st, idle_ms=(ti - t) * 1e3,
        mib_s=len(got) / MIB / dt)
    return True


def m_lines(k, opt, put):
    n = opt.lines
    p0, r0 = pss(k.tree())
    put("pss_idle", [p0], "MiB", rss=r0, processes=len(k.tree()))
    put("pss_server", [pss(k.tree()[:1])[0]], "MiB")
    ok = stream_cell(k, opt, put, "lines", k.code("lines", N=n), "".join("%019d\n" % i for i in range(n)), 60)
    if not ok:
        raise NA("see lines")
    time.sleep(1)
    p1, r1 = pss(k.tree())
    put("pss_after_lines", [p1], "MiB", rss=r1)
    put("pss_server_after_lines", [pss(k.tree()[:1])[0]], "MiB")


def m_chunks(k, opt, put):
    n = opt.chunk_mib * 16
    stream_cell(k, opt, put, "chunks", k.code("chunks", N=n),
                "".join("%08d%s\n" % (i, "x" * 65527) for i in range(n)), 30)


def m_display(k, opt, put):
    c = k.cl
    for mib in opt.display_mib:
        name = "display_%dMiB" % mib
        b = mib * MIB
        try:
            code = k.code("display", B=b)
        except NA as e:
            put(name, [], "ms", na=str(e))
            continue
        dts, bad, late, st, res = [], 0, 0, None, ""

        def payload(frames):
            size, err = 0, ""
            for fr in frames:
                i = fr.index(DELIM)
                if b"display_data" in fr[i + 2] or b"execute_result" in fr[i + 2]:
                    d = c.parse(fr)["content"]["data"]
                    size = max(size, max([len(v) for v in d.values() if isinstance(v, str)] or [0]))
                elif b'"error"' in fr[i + 2]:
                    err = str(c.parse(fr)["content"].get("evalue"))[:120]
            return size, err
        for _ in range(3 if mib <= 16 else 2):
            k.drain()
            keep = []
            t = now()
            mid = c.execute(code)
            try:
                td = c.wait_idle(mid, t + 60, keep)
                _, fr = c.wait_reply(mid, now() + 20)
            except Timeout as e:
                put(name, [], "ms", na="not done in 60 s: %s" % e)
                return
            st = c.parse(fr)["content"].get("status")
            size, res = payload(keep)
            if size < b and st == "ok":              # a kernel that says idle before its output is out
                end = now() + 10
                while size < b and now() < end:
                    try:
                        fr = c.recv("iopub", end)
                    except Timeout:
                        break
                    td = now()
                    if DELIM in fr[:-5]:
                        size = max(size, payload([fr])[0])
                    else:
                        c.malformed.append([(bytes(f[:40]).decode("latin1"), len(f)) for f in fr[:8]])
                late += size >= b
            if size < b:
                bad += 1
                continue
            dts.append((td - t) * 1e3)
        if not dts:
            put(name, [], "ms", na="payload did not arrive (status %s) %s" % (st, res))
            continue
        put(name, dts, "ms", mib_s=mib / statistics.median(dts) * 1e3, bad=bad, after_idle=late)
    time.sleep(1)
    put("pss_server_after_display", [pss(k.tree()[:1])[0]], "MiB")


def m_pipeline(k, opt, put):
    c = k.cl
    code = k.code("noop")
    n = 1000 if pace(k) < 0.03 else 100      # slow kernels: 100 cells, scaled to 1000
    k.drain()
    t = now()
    mids = [c.execute(code) for _ in range(n)]
    idle, replies, order = 0, 0, True
    last = mids[-1] + b'"'
    end = t + 120
    try:
        while True:
            fr = c.recv("iopub", end)
            i = fr.index(DELIM)
            if b'"status"' in fr[i + 2] and b'"idle"' in fr[i + 5]:
                idle += 1
                if last in fr[i + 3]:
                    ti = now()
                    break
        while replies < n:
            fr = c.recv("shell", now() + 10)
            i = fr.index(DELIM)
            if mids[replies] + b'"' not in fr[i + 3]:
                order = False
            replies += 1
    except Timeout:
        put("pipeline", [], "ms", na="%d idles and %d replies of %d within the deadline" % (idle, replies, n))
        return
    put("pipeline", [(ti - t) * 1e3 * 1000 / n], "ms", cells=n, per_cell_us=(ti - t) / n * 1e6, idles=idle, replies=replies, in_order=order)


def m_interrupt(k, opt, put):
    c = k.cl
    for kind, code in (("sleep", ("sleep", {"S": 60})), ("busy", ("busyforever", {}))):
        name = "interrupt_" + kind
        xs, sts, after = [], [], None
        try:
            src = k.code(code[0], **code[1])
        except NA as e:
            put(name, [], "ms", na=str(e))
            continue
        for _ in range(5):
            k.drain()
            mid = c.execute(src)
            time.sleep(0.5)
            t = now()
            k.interrupt()
            try:
                b, fr = c.wait_reply(mid, t + 10)
                st = c.parse(fr)["content"].get("status")
            except Timeout:
                gone = k.proc.poll() is not None
                put(name, [], "ms", na="KERNEL DIED at the interrupt" if gone else "not interrupted in 10 s",
                    done=len(xs))
                return
            xs.append((b - t) * 1e3)
            sts.append(st)
            try:
                c.wait_idle(mid, now() + 5)
                dt, r = c.run(k.code("noop"), 10)
                after = r.get("status")
            except Timeout:
                after = "no answer to the next cell"
                break
            time.sleep(0.1)
        put(name, xs, "ms", status=sorted(set(map(str, sts))), next_cell=after)


def m_input(k, opt, put):
    c = k.cl
    code = k.code("input")
    xs = []
    for _ in range(20):
        k.drain()
        t = now()
        mid = c.execute(code, stdin=True)
        try:
            fr = c.recv("stdin", t + 5)
        except Timeout:
            raise NA("no input_request on stdin in 5 s") from None
        i = fr.index(DELIM)
        c.send("stdin", "input_reply", {"value": "abc", "status": "ok"}, parent=fr[i + 2])
        try:
            a = c.wait_idle(mid, t + 10)
            b, fr = c.wait_reply(mid, t + 10)
        except Timeout:
            raise NA("input_reply is never taken") from None
        xs.append((max(a, b) - t) * 1e3)
    put("input_rtt", xs[2:], "ms")


def m_slowreader(k, opt, put):
    """2,000 HWM messages on our side, then a reader that sleeps 3 s: is output lost?"""
    c = k.cl
    n, b = 8000, 4096
    code = k.code("displays", N=n, B=b)
    c.iopub.close(0)
    c.connect("iopub", hwm=1000)
    end = now() + 10
    while True:
        mid = c.execute(k.code("noop"))
        try:
            c.wait_idle(mid, min(end, now() + 0.5))
            break
        except Timeout:
            if now() > end:
                raise NA("no idle") from None
    time.sleep(0.2)
    k.drain("shell")
    k.drain()
    mid = c.execute(code)
    time.sleep(3)
    got, t, idle = 0, now(), False
    while now() - t < 20:
        try:
            fr = c.recv("iopub", now() + 4)
        except Timeout:
            break
        i = fr.index(DELIM)
        if b"display_data" in fr[i + 2]:
            got += 1
        elif b'"status"' in fr[i + 2] and mid + b'"' in fr[i + 3] and b'"idle"' in fr[i + 5]:
            idle = True
            break
    p, _ = pss(k.tree())
    put("slow_reader", [100.0 * got / n], "% of displays arrived", got=got, sent=n, idle_arrived=idle, pss_then=p)


def m_late_reader(k, opt, put):
    """a client that reads iopub only once it has the reply (small buffer of its own): is output lost?"""
    c, n = k.cl, 40000
    code = k.code("flushed", N=n)
    c.iopub.close(0)
    c.connect("iopub", hwm=1000)
    ready = now() + 10
    while True:                      # until the new subscription is seen to work
        mid = c.execute(k.code("noop"))
        try:
            c.wait_idle(mid, min(ready, now() + 0.5))
            c.wait_reply(mid, now() + 10)
            break
        except Timeout:
            if now() > ready:
                raise NA("no idle") from None
    k.drain("shell")
    k.drain()
    t = now()
    mid = c.execute(code)
    dt, _ = c.wait_reply(mid, t + 60)
    keep, idle = [], True
    try:
        c.wait_idle(mid, now() + 10, keep)
    except Timeout:
        idle = False
    got, msgs = text_of(c, keep)
    lines = got.count("\n")
    whole = idle and lines == n
    put("late_reader", [100.0 * lines / n if whole else min(99.9, 100.0 * lines / n)], "% of lines arrived",
        got=lines, sent=n, idle_arrived=idle, messages=msgs, reply_ms=(dt - t) * 1e3)


def m_idlecpu(k, opt, put):
    time.sleep(2)
    ps = k.tree()
    a, wa = cpu_ns(ps), wakeups(ps[:1])
    t = now()
    time.sleep(opt.idle_s)
    b, wb = cpu_ns(ps), wakeups(ps[:1])
    put("idle_wakeups", [wb - wa], "wake-ups of the server in %.0f s" % (now() - t))
    dt = now() - t
    used = sum(v - a.get(q, 0) for q, v in b.items())
    put("idle_cpu", [used / 1e6 * 10 / dt], "ms CPU in 10 s", threads=len(b))


def m_orphans(k, opt, put):
    if k.lang.get("child"):
        try:
            k.cl.execute(k.code("child"))
            time.sleep(0.7)
        except NA:
            pass
    ps = k.tree()
    kids = [p for p in ps if p.pid != k.proc.pid]
    os.kill(k.proc.pid, signal.SIGKILL)
    k.proc.wait(5)
    time.sleep(3)
    left = [w for _, w in k.alive(but=(k.proc.pid,))]
    user = [w for w in left if w.startswith("sleep 30")]
    own = [w for w in left if w not in user]
    put("orphans", [len(own)], "processes", children=len(kids), who=own[:6])
    if k.lang.get("child"):
        put("orphans_of_cell", [len(user)], "processes")


def m_switch(k, opt, put):
    """a polyglot kernel: cells alternate between two languages"""
    codes = k.spec.get("switch")
    if not codes:
        raise NA("not polyglot")
    c = k.cl
    for x in codes:                 # the first of each starts its backend
        t = now()
        dt, r = c.run(x, 60)
        if r.get("status") != "ok":
            raise NA("%r fails: %s" % (x, str(r)[:150]))
        put("switch_first", [dt * 1e3], "ms")
    i = [0]

    def one():
        i[0] ^= 1
        t = now()
        mid = c.execute(codes[i[0]])
        a = c.wait_idle(mid, t + 20)
        b, _ = c.wait_reply(mid, t + 20)
        return max(a, b) - t
    put("switch_rtt", loop(one, 200, 10, 30), "ms")
    p, r = pss(k.tree())
    put("switch_pss", [p], "MiB", processes=len(k.tree()))


def m_subshell(k, opt, put):
    """kernel subshells: a no-op and a completion while the main shell sleeps"""
    if "kernel subshells" not in (k.info.get("supported_features") or []):
        raise NA("no subshells announced")
    c = k.cl
    t = now()
    mid = c.send("control", "create_subshell_request", {})
    b, fr = c.wait_reply(mid, t + 10, "control")
    r = c.parse(fr)["content"]
    put("subshell_create", [(b - t) * 1e3], "ms")
    extra = ',"subshell_id":%s' % json.dumps(r["subshell_id"])
    code, cc = k.code("noop"), k.code("complete")
    for _ in range(2):               # the first completion imports things
        t = now()
        mid = c.send("shell", "complete_request", {"code": cc, "cursor_pos": len(cc)}, extra=extra)
        c.wait_reply(mid, t + 20)
    main = c.execute(k.code("sleep", S=5))
    time.sleep(0.3)
    t0 = now()
    for metric, n in (("subshell_complete_while_busy", 5), ("subshell_exec_while_busy", 100)):
        xs = []
        while len(xs) < n and now() - t0 < 4:
            t = now()
            if "complete" in metric:
                mid = c.send("shell", "complete_request", {"code": cc, "cursor_pos": len(cc)}, extra=extra)
            else:
                mid = c.send("shell", "execute_request", {"code": code, "silent": False, "store_history": False,
                             "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}, extra=extra)
            b, _ = c.wait_reply(mid, t + 10)
            xs.append((b - t) * 1e3)
        put(metric, xs, "ms", blocked=max(xs or [0]) > 3000)
    c.wait_idle(main, now() + 10)


GROUPS = {"startup": m_startup, "rtt": m_rtt, "probe": m_probe, "busy": m_busy, "lines": m_lines, "chunks": m_chunks,
          "display": m_display, "pipeline": m_pipeline, "interrupt": m_interrupt, "input": m_input,
          "slowreader": m_slowreader, "latereader": m_late_reader, "idlecpu": m_idlecpu, "orphans": m_orphans, "switch": m_switch, "subshell": m_subshell}
OWN_START = {"startup"}
