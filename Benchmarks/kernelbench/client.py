"""A Jupyter client over raw ZeroMQ for timing, and the kernel process that it drives.

The timed path is this file's own: frames built beforehand, one HMAC, blocking reads with deadlines.
"""
import datetime
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import psutil
import zmq

DELIM = b"<IDS|MSG>"
now = time.perf_counter
MIB = 1 << 20


class NA(Exception):
    """The metric has no figure; the text says why."""


class Timeout(Exception):
    pass


class Died(Exception):
    pass


class Client:
    def __init__(self, ctx, cf):
        self.ctx, self.cf = ctx, cf
        self.session = uuid.uuid4().hex
        self.ident = self.session.encode()
        self.mac = hmac.new(cf["key"].encode(), digestmod=hashlib.sha256)
        self.n = 0
        self.bad_sig = self.seen_sig = 0
        self.malformed = []
        self.socks = {}

    def connect(self, name, hwm=0):
        kind = {"shell": zmq.DEALER, "control": zmq.DEALER, "stdin": zmq.DEALER,
                "iopub": zmq.SUB, "hb": zmq.REQ}[name]
        s = self.ctx.socket(kind)
        s.linger = 0
        s.reconnect_ivl = 2          # a kernel that binds late costs us 2 ms at most
        s.sndhwm = 0
        s.rcvhwm = hwm
        s.rcvtimeo = 30000
        if kind == zmq.DEALER:
            s.identity = self.ident
        if kind == zmq.SUB:
            s.subscribe(b"")
        s.connect("tcp://%s:%d" % (self.cf["ip"], self.cf[name + "_port"]))
        self.socks[name] = s
        setattr(self, name, s)
        return s

    def close(self):
        for s in self.socks.values():
            s.close(0)
        self.socks = {}

    def frames(self, typ, content, parent=b"{}", extra=""):
        self.n += 1
        mid = "%s_%d" % (self.session, self.n)
        date = datetime.datetime.now(datetime.timezone.utc).isoformat()
        h = ('{"msg_id":"%s","msg_type":"%s","username":"bench","session":"%s","date":"%s","version":"5.3"%s}'
             % (mid, typ, self.session, date, extra)).encode()
        c = content if isinstance(content, bytes) else json.dumps(content).encode()
        m = self.mac.copy()
        m.update(h + parent + b"{}" + c)
        return mid.encode(), [DELIM, m.hexdigest().encode(), h, parent, b"{}", c]

    def send(self, name, typ, content, parent=b"{}", extra=""):
        mid, fr = self.frames(typ, content, parent, extra)
        self.socks[name].send_multipart(fr)
        return mid

    def recv(self, name, deadline):
        """One raw message, or Timeout at the deadline (absolute)."""
        s = self.socks[name]
        ms = int((deadline - now()) * 1000) + 1
        if ms <= 0 or not s.poll(ms):
            raise Timeout(name)
        return s.recv_multipart()

    def parse(self, fr):
        i = fr.index(DELIM)
        m = self.mac.copy()
        for f in fr[i + 2:i + 6]:
            m.update(f)
        self.seen_sig += 1
        if m.hexdigest().encode() != fr[i + 1]:
            self.bad_sig += 1
        return {"header": json.loads(fr[i + 2]), "parent": json.loads(fr[i + 3] or b"{}"),
                "content": json.loads(fr[i + 5]), "buffers": fr[i + 6:]}

    # --- the two waits of the timed path
    def wait_idle(self, mid, deadline, keep=None):
        recv = self.iopub.recv_multipart
        end = mid + b'"'
        while True:
            ms = int((deadline - now()) * 1000) + 1
            if ms <= 0:
                raise Timeout("no idle on iopub")
            self.iopub.rcvtimeo = ms
            try:
                fr = recv()
            except zmq.Again:
                raise Timeout("no idle on iopub") from None
            if keep is not None:
                keep.append(fr)
            if len(fr) > 6 and fr[1] == DELIM:
                i = 1
            elif DELIM in fr[:-5]:
                i = fr.index(DELIM)
            else:                        # not a Jupyter message at all
                self.malformed.append([(bytes(f[:40]).decode("latin1"), len(f)) for f in fr[:8]])
                if keep is not None:
                    keep.pop()
                continue
            if b'"status"' in fr[i + 2] and end in fr[i + 3] and b'"idle"' in fr[i + 5]:
                return now()

    def wait_reply(self, mid, deadline, sock="shell"):
        s = self.socks[sock]
        end = mid + b'"'
        while True:
            ms = int((deadline - now()) * 1000) + 1
            if ms <= 0:
                raise Timeout("no reply on " + sock)
            s.rcvtimeo = ms
            try:
                fr = s.recv_multipart()
            except zmq.Again:
                raise Timeout("no reply on " + sock) from None
            i = 0 if fr[0] == DELIM else fr.index(DELIM)
            if end in fr[i + 3]:
                return now(), fr

    def execute(self, code, silent=False, stdin=False, history=True):
        return self.send("shell", "execute_request", {
            "code": code, "silent": silent, "store_history": history and not silent,
            "user_expressions": {}, "allow_stdin": stdin, "stop_on_error": True})

    def run(self, code, deadline_s=30, keep=None):
        """execute, wait for idle and reply; -> (seconds to both, reply content)"""
        t = now()
        mid = self.execute(code)
        ti = self.wait_idle(mid, t + deadline_s, keep)
        tr, fr = self.wait_reply(mid, t + deadline_s)
        return max(ti, tr) - t, self.parse(fr)["content"]


def free_ports(n):
    """n free ports below the range that outgoing connections are given from"""
    out = []
    while len(out) < n:
        p = random.randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", p))
            except OSError:
                continue
        if p not in out:
            out.append(p)
    return out


class Kernel:
    def __init__(self, name, spec, langs, subst, workdir):
        self.name, self.spec, self.subst = name, spec, subst
        self.lang = dict(langs.get(spec.get("language"), {}))
        self.lang.update(spec.get("snippets", {}))
        self.why = dict(langs.get(spec.get("language"), {}).get("why", {}), **spec.get("why", {}))
        self.workdir = workdir
        self.known = {}
        self.proc = None

    def code(self, key, **kw):
        c = self.lang.get(key)
        if c is None:
            raise NA(self.why.get(key, "no way to say it in this kernel"))
        for k, v in kw.items():
            c = c.replace("@%s@" % k, str(v))
        return self.spec.get("prefix", "") + c

    def fill(self, s, cf=""):
        for k, v in self.subst.items():
            s = s.replace("{%s}" % k, v)
        return s.replace("{connection_file}", cf)

    def spawn(self, ctx, tries=3):
        """start it; a port that another process took meanwhile gets a new try"""
        for i in range(tries):
            try:
                return self.spawn_once(ctx)
            except Died as e:
                if i == tries - 1 or "in use" not in str(e):
                    raise NA(str(e)) from None
                self.cleanup()

    def spawn_once(self, ctx):
        p = free_ports(5)
        self.dir = tempfile.mkdtemp(dir=self.workdir)
        self.cf_path = os.path.join(self.dir, "kernel.json")
        self.cf = {"transport": "tcp", "ip": "127.0.0.1", "signature_scheme": "hmac-sha256",
                   "key": uuid.uuid4().hex, "shell_port": p[0], "control_port": p[1], "iopub_port": p[2],
                   "stdin_port": p[3], "hb_port": p[4], "kernel_name": self.name}
        with open(self.cf_path, "w") as f:
            json.dump(self.cf, f)
        env = {k: v for k, v in os.environ.items()
               if k in ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")}
        home = os.path.join(self.workdir, "home-" + self.name)
        os.makedirs(home, exist_ok=True)
        env.update(HOME=home, IPYTHONDIR=os.path.join(home, "ipython"), DENO_DIR=os.path.join(home, "deno"),
                   JUPYTER_RUNTIME_DIR=os.path.join(home, "rt"), JUPYTER_NO_CONFIG="1", NO_COLOR="1",
                   JPY_PARENT_PID=str(os.getpid()), TERM="dumb", TMPDIR=self.dir)
        env.update({k: self.fill(v) for k, v in self.spec.get("env", {}).items()})
        argv, mine = [], True
        for a in self.spec["argv"]:      # only the first {connection_file} is ours: a proxy fills in its own
            b = self.fill(a, self.cf_path if mine else "{connection_file}")
            mine = mine and "{connection_file}" not in a
            argv.append(b)
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.cl = Client(ctx, self.cf)
        self.cl.connect("shell")
        ki = self.cl.send("shell", "kernel_info_request", {})
        self.t0 = now()
        self.proc = subprocess.Popen(argv, env=env, cwd=self.dir, stdin=subprocess.DEVNULL,
                                     stdout=self.log, stderr=self.log, start_new_session=True)
        while True:                      # a kernel that dies early is told at once
            try:
                _, fr = self.cl.wait_reply(ki, min(self.t0 + 60, now() + 1))
                break
            except Timeout:
                if self.proc.poll() is not None:
                    raise Died("exit code %s at startup: %s" % (self.proc.returncode, " ".join(self.log_tail().split())[-200:])) from None
                if now() > self.t0 + 60:
                    raise
        self.t_info = now() - self.t0
        self.info = self.cl.parse(fr)["content"]
        if self.spec.get("setup"):
            for c in self.spec["setup"]:
                mid = self.cl.execute(c)
                self.cl.wait_reply(mid, self.t0 + 90)
        mid = self.cl.execute(self.code("noop"))
        _, fr = self.cl.wait_reply(mid, self.t0 + 90)
        self.t_exec = now() - self.t0
        r = self.cl.parse(fr)["content"]
        if r.get("status") != "ok":
            raise NA("the no-op cell fails: %s" % str(r)[:200])
        self.tree()

    def ready(self):
        """the other sockets, and the iopub subscription seen to work"""
        for n in ("iopub", "control", "stdin", "hb"):
            self.cl.connect(n)
        end = now() + 20
        while True:
            mid = self.cl.execute(self.code("noop"))
            try:
                self.cl.wait_idle(mid, min(end, now() + 0.5))
                self.cl.wait_reply(mid, now() + 10)
                break
            except Timeout:
                if now() > end:
                    raise NA("no idle status ever seen on iopub") from None
        time.sleep(0.3)
        self.drain()

    def drain(self, name="iopub"):
        out = []
        try:
            while True:
                fr = self.cl.socks[name].recv_multipart(zmq.NOBLOCK)
                if DELIM in fr[:-5]:
                    out.append(fr)
                else:
                    self.cl.malformed.append([(bytes(f[:40]).decode("latin1"), len(f)) for f in fr[:8]])
        except zmq.Again:
            return out

    def tree(self):
        """living processes of this kernel, remembered for the clean-up"""
        try:
            root = psutil.Process(self.proc.pid)
            ps = [root] + root.children(recursive=True)
        except psutil.NoSuchProcess:
            ps = []
        for p in ps:
            try:
                self.known[(p.pid, p.create_time())] = " ".join(p.cmdline())[:90] or p.name()
            except psutil.Error:
                pass
        return ps

    def alive(self, but=()):
        out = []
        for (pid, ct), cmd in self.known.items():
            if pid in but:
                continue
            try:
                p = psutil.Process(pid)
                if p.create_time() == ct and p.status() != psutil.STATUS_ZOMBIE:
                    out.append((pid, cmd))
            except psutil.Error:
                pass
        return out

    def interrupt(self):
        if self.spec.get("interrupt_mode", "signal") == "message":
            self.cl.send("control", "interrupt_request", {})
        else:
            os.killpg(self.proc.pid, signal.SIGINT)

    def shutdown(self, wait=10):
        """-> seconds until the process is gone, None if it is not"""
        if "control" not in self.cl.socks:
            self.cl.connect("control")
        self.tree()
        t = now()
        self.cl.send("control", "shutdown_request", {"restart": False})
        while now() - t < wait:
            if self.proc.poll() is not None:
                return now() - t
            time.sleep(0.0005)
        return None

    def cleanup(self):
        """end what we started, each by pid, and nothing else"""
        if self.proc is None:
            return
        self.tree()
        if self.proc.poll() is None:
            try:
                self.shutdown(3)
            except Exception:
                pass
        for pid, _ in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            pass
        self.cl.close()
        self.log.close()
        self.proc = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_tail(self):
        try:
            with open(os.path.join(self.dir, "log"), "rb") as f:
                return f.read()[-600:].decode("utf8", "replace")
        except OSError:
            return ""


def pss(procs):
    kb = rss = 0
    for p in procs:
        try:
            with open("/proc/%d/smaps_rollup" % p.pid) as f:
                for line in f:
                    if line.startswith("Pss:"):
                        kb += int(line.split()[1])
                    elif line.startswith("Rss:"):
                        rss += int(line.split()[1])
        except OSError:
            pass
    return kb / 1024, rss / 1024


def cpu_ns(procs):
    out = {}
    for p in procs:
        try:
            for t in os.listdir("/proc/%d/task" % p.pid):
                with open("/proc/%d/task/%s/schedstat" % (p.pid, t)) as f:
                    out[(p.pid, t)] = int(f.read().split()[0])
        except OSError:
            pass
    return out


def wakeups(procs):
    """times that threads of these processes have gone to sleep by themselves: each was woken once"""
    n = 0
    for p in procs:
        try:
            for t in os.listdir("/proc/%d/task" % p.pid):
                with open("/proc/%d/task/%s/status" % (p.pid, t)) as f:
                    n += sum(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))
        except OSError:
            pass
    return n


def spin():
    """this machine's speed right now, for reading the noise off afterwards (ms)"""
    t = now()
    x = 0
    for i in range(200000):
        x += i
    return (now() - t) * 1e3
