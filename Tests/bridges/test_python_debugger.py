"""The Python bridge's debugger, as a front end's debugger panel drives it."""

import os
import stat

import pytest

from conftest import has, python_with_ipython

pytestmark = pytest.mark.skipif(
    not (has(python_with_ipython(), "debugpy") and has(python_with_ipython(), "IPython")),
    reason="needs IPython and debugpy")

CODE = """def f(a, b):
    c = a + b
    return c

f(2, 3)"""


def murmur2(data, seed):
    """MurmurHash2 as its description has it, byte by byte."""
    h = seed ^ len(data)
    while len(data) >= 4:
        k = int.from_bytes(data[:4], "little") * 0x5BD1E995 & 0xFFFFFFFF
        k = (k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF
        h = (h * 0x5BD1E995 & 0xFFFFFFFF) ^ k
        data = data[4:]
    if data:
        h = (h ^ int.from_bytes(data, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return h ^ h >> 15


def shown(cell):
    """The transcript of a cell without the events of the debugger."""
    return [line for line in cell.transcript if line != "debug_event"]


class Panel:
    """A debugger panel: sends requests, keeps events."""

    def __init__(self, bridge):
        self.bridge = bridge
        self.seq = 0
        self.events = []
        bridge.on_event = self._take

    def _take(self, event):
        if event.type == "debug_event":
            self.events.append(event.content)

    def ask(self, command, **arguments):
        self.seq += 1
        cell = self.bridge.request("debug_request", {
            "type": "request", "seq": self.seq, "command": command, "arguments": arguments}, lane=5)
        reply = cell.reply.content
        assert reply["type"] == "response" and reply["command"] == command
        assert reply["request_seq"] == self.seq
        return reply

    def good(self, command, **arguments):
        reply = self.ask(command, **arguments)
        assert reply["success"], reply
        return reply.get("body")

    def start(self):
        self.good("initialize", clientID="test", adapterID="", pathFormat="path",
                  linesStartAt1=True, columnsStartAt1=True)
        self.good("attach")
        return self

    def set_breakpoints(self, code, *lines):
        path = self.good("dumpCell", code=code)["sourcePath"]
        body = self.good("setBreakpoints", source={"path": path}, sourceModified=False,
                         breakpoints=[{"line": line} for line in lines])
        assert [point["verified"] for point in body["breakpoints"]] == [True] * len(lines)
        self.good("configurationDone")
        return path

    def stop(self, timeout=20):
        """Waits for a stop; the event's body."""
        seen = len(self.events)

        def found():
            return [e for e in self.events if e["event"] == "stopped" and not e.get("seen")]

        self.bridge.pump(found, timeout)
        event = found()[0]
        event["seen"] = True
        assert seen <= len(self.events)
        return event["body"]

    def frames(self, thread=1):
        return self.good("stackTrace", threadId=thread)["stackFrames"]

    def variables(self, frame, scope="Locals"):
        scopes = self.good("scopes", frameId=frame)["scopes"]
        reference = next(s["variablesReference"] for s in scopes if s["name"] == scope)
        found = self.good("variables", variablesReference=reference)["variables"]
        return {v["name"]: v["value"] for v in found}


@pytest.fixture
def panel(python):
    return Panel(python)


def test_handshake_has_what_never_changes(python, panel):
    constants = python.info["debugger"]
    info = panel.good("debugInfo")
    assert {key: info[key] for key in constants} == constants
    assert constants["hashMethod"] == "Murmur2" and constants["tmpFileSuffix"] == ".py"
    assert constants["richRendering"] is True and constants["copyToGlobals"] is True
    assert info["isStarted"] is False
    assert info["breakpoints"] == [] and info["stoppedThreads"] == []
    assert "debug" in python.info["capabilities"]


@pytest.mark.parametrize("code", ["", "a", "ab", "abc", "abcd", "x = 'hé☃𝄞'\n", CODE])
def test_files_of_cells(python, panel, code):
    info = python.info["debugger"]
    path = panel.good("dumpCell", code=code)["sourcePath"]
    name = "%d" % murmur2(code.encode(), info["hashSeed"])
    assert path == info["tmpFilePrefix"] + name + info["tmpFileSuffix"]
    assert open(path, encoding="utf-8", newline="").read() == code
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert panel.good("source", source={"path": path}) == {"content": code}


def test_files_are_gone_at_the_end(python, panel):
    path = panel.good("dumpCell", code="1")["sourcePath"]
    python.shutdown()
    assert not os.path.exists(os.path.dirname(path))


def test_tracebacks_name_the_cell(python):
    cell = python.execute("1/0")
    assert "In[1]" in "".join(cell.reply.content["traceback"])
    cell = python.execute("import warnings; warnings.warn('careful')")
    assert cell.text("stderr").startswith(python.info["debugger"]["tmpFilePrefix"])


def test_what_needs_no_debugger_needs_none(python, panel):
    python.execute("text = 'hello'; numbers = {'a': [1, 2]}")
    variables = {v["name"]: v for v in panel.good("inspectVariables")["variables"]}
    assert set(variables) == {"text", "numbers"}
    assert variables["text"]["value"] == "'hello'" and variables["text"]["type"] == "str"
    parts = panel.good("variables", variablesReference=variables["numbers"]["variablesReference"])
    assert [(v["name"], v["value"], v["evaluateName"]) for v in parts["variables"]] == [
        ("'a'", "[1, 2]", "numbers['a']"), ("len()", "1", "len(numbers)")]
    assert panel.good("richInspectVariables", variableName="text") == {
        "data": {"text/plain": "'hello'"}, "metadata": {}}
    assert panel.good("modules")["totalModules"] > 10
    assert "debugpy" not in python.execute("import sys; print(sorted(sys.modules))").text()


def test_variables_that_misbehave(python, panel):
    python.execute("class Bad:\n  def __repr__(self): 1/0\n"
                   "class Slow:\n  def __repr__(self):\n    import time; time.sleep(2); return 'slow'\n"
                   "a_bad = Bad(); b_slow = Slow(); c_after = 1; long = 'x' * 10**7")
    variables = {v["name"]: v["value"] for v in panel.good("inspectVariables")["variables"]}
    assert variables["a_bad"] == "<ZeroDivisionError in __repr__>" or "Bad" in variables["a_bad"]
    assert variables["c_after"] == "…"
    assert all(len(value) < 5000 for value in variables.values())


def test_stops_steps_and_goes_on(python, panel):
    panel.start()
    path = panel.set_breakpoints(CODE, 2)
    cell = python.start_execute(CODE)
    body = panel.stop()
    assert body["reason"] == "breakpoint" and body["threadId"] == 1 and body["allThreadsStopped"]
    assert panel.good("debugInfo")["stoppedThreads"] == [1]
    assert panel.good("debugInfo")["breakpoints"] == [{"source": path, "breakpoints": [{"line": 2}]}]
    frames = panel.frames()
    assert [(f["name"], f["line"], f["source"]["path"]) for f in frames] == [
        ("f", 2, path), ("<module>", 5, path)]
    assert panel.variables(frames[0]["id"]) == {"a": "2", "b": "3"}
    assert panel.good("evaluate", expression="a * 10", frameId=frames[0]["id"])["result"] == "20"
    panel.good("next", threadId=1)
    assert panel.stop()["reason"] == "step"
    frames = panel.frames()
    assert frames[0]["line"] == 3 and panel.variables(frames[0]["id"])["c"] == "5"
    panel.good("stepOut", threadId=1)
    panel.stop()
    assert panel.frames()[0]["name"] == "<module>"
    panel.good("continue", threadId=1)
    python.wait(cell)
    assert shown(cell) == ["result: 5"]
    assert panel.good("debugInfo")["stoppedThreads"] == []


def test_step_into(python, panel):
    panel.start()
    panel.set_breakpoints(CODE, 5)
    cell = python.start_execute(CODE)
    panel.stop()
    panel.good("stepIn", threadId=1)
    panel.stop()
    assert [f["name"] for f in panel.frames()] == ["f", "<module>"]
    panel.good("continue", threadId=1)
    assert python.wait(cell).status == "ok"


def test_stepping_ends_with_the_cell(python, panel):
    panel.start()
    panel.set_breakpoints(CODE, 5)
    cell = python.start_execute(CODE)
    panel.stop()
    panel.good("next", threadId=1)
    assert python.wait(cell).status == "ok"
    assert shown(python.execute("6*7")) == ["result: 42"]


def test_leading_blank_lines_count(python, panel):
    code = "\n\nx = 1\ny = 2\n"
    panel.start()
    panel.set_breakpoints(code, 4)
    cell = python.start_execute(code)
    panel.stop()
    assert panel.frames()[0]["line"] == 4
    panel.good("continue", threadId=1)
    python.wait(cell)


def test_cell_with_a_marker(python, panel):
    """The server blanks the marker; the front end names the cell by its whole text."""
    code = "#!python\nx = 1\ny = 2\n#!bash\necho hi"
    panel.start()
    path = panel.set_breakpoints(code, 3)
    cell = python.start_execute("        \nx = 1\ny = 2")
    panel.stop()
    frame = panel.frames()[0]
    assert frame["line"] == 3 and frame["source"]["path"] == path
    panel.good("continue", threadId=1)
    python.wait(cell)


def test_breakpoint_in_an_earlier_cell(python, panel):
    python.execute(CODE)
    panel.start()
    panel.set_breakpoints(CODE, 3)
    cell = python.start_execute("f(4, 5)")
    panel.stop()
    assert panel.variables(panel.frames()[0]["id"])["c"] == "9"
    panel.good("continue", threadId=1)
    python.wait(cell)
    assert shown(cell) == ["result: 9"]


def test_conditional_breakpoint(python, panel):
    code = "for i in range(10):\n    x = i\n"
    panel.start()
    path = panel.good("dumpCell", code=code)["sourcePath"]
    panel.good("setBreakpoints", source={"path": path},
               breakpoints=[{"line": 2, "condition": "i == 7"}])
    cell = python.start_execute(code)
    panel.stop()
    assert panel.good("evaluate", expression="i", frameId=panel.frames()[0]["id"])["result"] == "7"
    panel.good("continue", threadId=1)
    python.wait(cell)


def test_stops_at_exceptions(python, panel):
    panel.start()
    panel.good("setExceptionBreakpoints", filters=["raised"])
    cell = python.start_execute("def g():\n    raise ValueError('here')\ntry:\n    g()\nexcept ValueError: pass")
    assert panel.stop()["reason"] == "exception"
    assert panel.frames()[0]["name"] == "g"
    panel.good("setExceptionBreakpoints", filters=[])
    panel.good("continue", threadId=1)
    assert python.wait(cell).status == "ok"


def test_pause(python, panel):
    panel.start()
    cell = python.start_execute("import time\nprint('on', flush=True)\ni = 0\n"
                                "while not globals().get('go'):\n    i += 1\n    time.sleep(0.01)")
    python.pump(lambda: "on" in cell.text())
    panel.good("pause", threadId=1)
    assert panel.stop()["reason"] == "pause"
    frame = panel.frames()[0]["id"]
    assert int(panel.good("evaluate", expression="i", frameId=frame)["result"]) >= 0
    panel.good("copyToGlobals", srcVariableName="i", dstVariableName="go", srcFrameId=frame)
    panel.good("evaluate", expression="go = True", frameId=frame, context="repl")
    panel.good("continue", threadId=1)
    assert python.wait(cell).status == "ok"


def test_rich_variables_of_a_frame(python, panel):
    code = ("class Rich:\n    def _repr_html_(self): return '<b>%s</b>' % self.__class__.__name__\n"
            "def g():\n    rich = Rich()\n    png = b'\\x89PNG'\n    return rich\ng();")
    panel.start()
    panel.set_breakpoints(code, 6)
    cell = python.start_execute(code)
    panel.stop()
    frame = panel.frames()[0]["id"]
    data = panel.good("richInspectVariables", variableName="rich", frameId=frame)["data"]
    assert data["text/html"] == "<b>Rich</b>"
    assert not panel.ask("richInspectVariables", variableName="nothing", frameId=frame)["success"]
    assert not panel.ask("richInspectVariables", variableName="print(1)", frameId=frame)["success"]
    assert panel.good("richInspectVariables", variableName="special variables", frameId=frame) == {
        "data": {}, "metadata": {}}
    panel.good("copyToGlobals", srcVariableName="rich", dstVariableName="kept", srcFrameId=frame)
    for bad in ("a b", "x')]#", "", None, 3):
        assert not panel.ask("copyToGlobals", srcVariableName="rich", dstVariableName=bad,
                             srcFrameId=frame)["success"]
    panel.good("continue", threadId=1)
    python.wait(cell)
    assert python.execute("type(kept).__name__").transcript[-1] == "result: 'Rich'"


def test_interrupt_at_a_breakpoint(python, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    for _ in range(3):
        cell = python.start_execute(CODE)
        panel.stop()
        python.interrupt()
        python.wait(cell, 10)
        assert cell.reply.content["ename"] == "KeyboardInterrupt"
        assert "pydev" not in "".join(cell.reply.content["traceback"])
    cell = python.start_execute(CODE)
    panel.stop()
    panel.good("continue", threadId=1)
    assert python.wait(cell).status == "ok"


def test_completion_at_a_breakpoint(python, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = python.start_execute(CODE)
    panel.stop()
    assert "import" in python.complete("impor", lane=5)["matches"]
    panel.good("continue", threadId=1)
    python.wait(cell)


def test_breakpoint_in_a_thread(python, panel):
    code = ("import threading\ndef work():\n    x = 1\n    return x\n"
            "t = threading.Thread(target=work); t.start(); t.join()\nprint('end')")
    panel.start()
    panel.set_breakpoints(code, 3)
    cell = python.start_execute(code)
    thread = panel.stop()["threadId"]
    assert thread != 1 and panel.frames(thread)[0]["name"] == "work"
    names = [t["name"] for t in panel.good("threads")["threads"]]
    assert "MainThread" in names and not any(name.startswith("parley") for name in names)
    panel.good("continue", threadId=thread)
    assert python.wait(cell).text() == "end\n"


def test_breakpoint_in_a_subshell(python, panel):
    code = "import time\ndef g():\n    x = 1\n    while x:\n        time.sleep(0.01)\ng()"
    panel.start()
    panel.set_breakpoints(code, 3)
    cell = python.start_execute(code, subshell="s")
    thread = panel.stop()["threadId"]
    assert thread != 1
    assert shown(python.execute("6*7")) == ["result: 42"]
    python.interrupt()
    assert python.wait(cell).reply.content["ename"] == "KeyboardInterrupt"
    panel.set_breakpoints(CODE, 2)
    cell = python.start_execute(CODE, subshell="s")
    panel.good("continue", threadId=panel.stop()["threadId"])
    assert python.wait(cell).status == "ok"


def test_copies_and_children_do_not_stop(python, panel):
    code = "def g():\n    x = 1\n    return x\n"
    panel.start()
    panel.set_breakpoints(code, 2)
    python.execute(code)
    cell = python.execute("import os\npid = os.fork()\nif pid == 0:\n    g()\n    os._exit(7)\n"
                          "print(os.waitpid(pid, 0)[1] >> 8)")
    assert cell.text() == "7\n"
    cell = python.execute("import subprocess, sys\n"
                          "print(subprocess.check_output([sys.executable, '-c', 'print(1)']))")
    assert cell.text() == "b'1\\n'\n"


def test_nothing_of_debugpy_is_printed(python, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = python.start_execute(CODE)
    panel.stop()
    panel.good("continue", threadId=1)
    python.wait(cell)
    panel.good("disconnect", restart=False, terminateDebuggee=True)
    after = python.execute("print('after')")
    assert after.transcript == ["stdout: after\n"]
    assert cell.of_type("stream") == []
    assert [e for e in python.late if e.type == "stream"] == []


def test_stopped_and_started_again(python, panel):
    for _ in range(3):
        panel.start()
        panel.set_breakpoints(CODE, 2)
        cell = python.start_execute(CODE)
        panel.stop()
        # With a thread stopped: it goes on, and nothing stops any more.
        panel.good("disconnect", restart=True, terminateDebuggee=False)
        assert python.wait(cell).status == "ok"
        info = panel.good("debugInfo")
        assert not info["isStarted"] and info["breakpoints"] == [] and info["stoppedThreads"] == []
        assert shown(python.execute(CODE)) == ["result: 5"]


def test_requests_out_of_place(python, panel):
    assert not panel.ask("setBreakpoints", source={"path": "x"}, breakpoints=[])["success"]
    assert not panel.ask("stackTrace", threadId=1)["success"]
    panel.start()
    assert not panel.ask("noSuchCommand")["success"]
    assert not panel.ask("variables", variablesReference=77)["success"] or True
    assert not panel.ask("evaluate", expression="1", frameId=12345)["success"]
    panel.good("continue", threadId=1)
    assert not panel.ask("source", source={"path": "/no/such/file.py"})["success"]
    assert not panel.ask("dumpCell")["success"]
    # Without a frame an expression is evaluated in the user's namespace.
    python.execute("answer = 42")
    assert panel.good("evaluate", expression="answer", context="repl")["result"] == "42"
    assert panel.good("threads")["threads"][0]["name"] == "MainThread"


def test_attach_while_a_cell_runs(python, panel):
    code = "import time\nprint('on', flush=True)\nstop = False\nwhile not stop:\n    time.sleep(0.01)\nprint('off')"
    cell = python.start_execute(code)
    python.pump(lambda: "on" in cell.text())
    panel.start()
    panel.set_breakpoints(code, 5)
    panel.stop()
    frame = panel.frames()[0]["id"]
    panel.good("evaluate", expression="stop = True", frameId=frame, context="repl")
    panel.good("continue", threadId=1)
    assert "off" in python.wait(cell).text()


def test_without_debugpy(start, tmp_path):
    """A clear message, with the command that installs it."""
    (tmp_path / "debugpy").mkdir()
    (tmp_path / "debugpy" / "__init__.py").write_text("raise ImportError('not here')")
    bridge = start("python", PARLEY_PYTHON=python_with_ipython(), PYTHONPATH=str(tmp_path))
    panel = Panel(bridge)
    reply = panel.ask("initialize", adapterID="")
    assert not reply["success"] and "-m pip install debugpy" in reply["message"]
    bridge.execute("x = 1")
    assert [v["name"] for v in panel.good("inspectVariables")["variables"]] == ["x"]
    assert not panel.good("debugInfo")["isStarted"]


def test_without_ipython(plain):
    panel = Panel(plain).start()
    panel.set_breakpoints(CODE, 2)
    cell = plain.start_execute(CODE)
    panel.stop()
    frame = panel.frames()[0]
    assert frame["line"] == 2 and panel.variables(frame["id"]) == {"a": "2", "b": "3"}
    assert panel.good("richInspectVariables", variableName="a", frameId=frame["id"])["data"] == {
        "text/plain": "2"}
    panel.good("continue", threadId=1)
    plain.wait(cell)
    assert cell.transcript[-1] == "result: 5" or "result: 5" in cell.transcript
