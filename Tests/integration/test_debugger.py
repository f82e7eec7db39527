"""The debugger through the whole kernel, as JupyterLab's debugger panel drives it."""

import pytest

from parley_client import holding_the_lock, poll

CODE = "def f(a, b):\n    c = a + b\n    return c\n\nf(2, 3)"


class Panel:
    """A debugger panel on a client."""

    def __init__(self, client):
        self.client = client
        self.seq = 0
        self.seen = 0

    def send(self, command, **arguments):
        self.seq += 1
        return self.client.send(
            "control",
            "debug_request",
            {"type": "request", "seq": self.seq, "command": command, "arguments": arguments},
        )

    def ask(self, command, **arguments):
        msg_id = self.send(command, **arguments)
        reply = self.client.reply(msg_id, channel="control").content
        assert reply["type"] == "response" and reply["command"] == command
        assert reply["request_seq"] == self.seq
        return reply

    def good(self, command, **arguments):
        reply = self.ask(command, **arguments)
        assert reply["success"], reply
        return reply.get("body")

    def start(self):
        self.good("initialize", clientID="test", adapterID="", pathFormat="path", linesStartAt1=True)
        self.good("attach")
        return self

    def set_breakpoints(self, code, *lines):
        path = self.good("dumpCell", code=code)["sourcePath"]
        body = self.good(
            "setBreakpoints",
            source={"path": path},
            breakpoints=[{"line": line} for line in lines],
            sourceModified=False,
        )
        assert [b["verified"] for b in body["breakpoints"]] == [True] * len(lines)
        self.good("configurationDone")
        return path

    def stop(self):
        """Waits for the next stop."""

        def stops():
            return [
                m.content["body"]
                for m in self.client.received["iopub"]
                if m.type == "debug_event" and m.content["event"] == "stopped"
            ]

        self.client.until(lambda: len(stops()) > self.seen, 20, "a stop of the debugger")
        self.seen += 1
        return stops()[self.seen - 1]

    def frame(self):
        return self.good("stackTrace", threadId=1)["stackFrames"][0]["id"]

    def variables(self, frame, scope="Locals"):
        scopes = self.good("scopes", frameId=frame)["scopes"]
        reference = next(s["variablesReference"] for s in scopes if s["name"] == scope)
        return self.good("variables", variablesReference=reference)["variables"]


@pytest.fixture
def panel(client):
    panel = Panel(client)
    yield panel
    panel.ask("disconnect", restart=False, terminateDebuggee=True)


def test_advertised(client):
    info = client.ask("kernel_info_request").content
    assert info["debugger"] is True and "debugger" in info["supported_features"]


def test_initialize(panel):
    assert not panel.good("debugInfo")["isStarted"]
    body = panel.good("initialize", clientID="test", adapterID="", pathFormat="path")
    assert body["supportsConditionalBreakpoints"]
    assert panel.good("debugInfo")["isStarted"]


def test_evaluate_without_a_frame(panel):
    panel.start()
    assert panel.good("evaluate", expression="'a' + 'b'", context="repl")["result"] == "ab"


def test_set_breakpoints(panel):
    panel.start()
    path = panel.set_breakpoints(CODE, 2)
    info = panel.good("debugInfo")
    assert info["breakpoints"] == [{"source": path, "breakpoints": [{"line": 2}]}]
    assert path.startswith(info["tmpFilePrefix"]) and path.endswith(info["tmpFileSuffix"])
    panel.good("setBreakpoints", source={"path": path}, breakpoints=[])
    assert panel.good("debugInfo")["breakpoints"] == []


def test_stops_and_goes_on(client, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = client.execute(CODE)
    assert panel.stop()["reason"] == "breakpoint"
    frame = panel.frame()
    assert {v["name"]: v["value"] for v in panel.variables(frame)} == {"a": "2", "b": "3"}
    rich = panel.good("richInspectVariables", variableName="a", frameId=frame)
    assert rich == {"data": {"text/plain": "2"}, "metadata": {}}
    panel.good("next", threadId=1)
    panel.stop()
    panel.good("continue", threadId=1)
    run = client.finish(cell)
    assert [e for e in run.outputs if e != "debug_event"] == [("execute_result", "5")]


@pytest.mark.parametrize("code, line", [("\n" + CODE, 6), ("#!python\n" + CODE, 3), ("#!bash\ntrue\n#!python\n" + CODE, 5)])
def test_lines_are_those_of_the_cell(client, panel, code, line):
    panel.start()
    path = panel.set_breakpoints(code, line)
    cell = client.execute(code)
    panel.stop()
    top = panel.good("stackTrace", threadId=1)["stackFrames"][0]
    assert (top["line"], top["source"]["path"]) == (line, path)
    panel.good("continue", threadId=1)
    client.finish(cell).ok()


def test_a_page_is_loaded_anew_at_a_breakpoint(client, second, panel):
    panel.start()
    path = panel.set_breakpoints(CODE, 2)
    cell = client.execute(CODE)
    panel.stop()
    other = Panel(second)
    info = other.good("debugInfo")
    assert info["isStarted"] and info["stoppedThreads"] == [1]
    assert info["breakpoints"] == [{"source": path, "breakpoints": [{"line": 2}]}]
    assert {v["name"] for v in other.variables(other.frame())} == {"a", "b"}
    other.good("continue", threadId=1)
    client.finish(cell)
    poll(lambda: other.good("debugInfo")["stoppedThreads"] == [], 5, "no stopped threads")


def last_statuses(client, count):
    """(state, whether it belongs to a request)"""
    return [(m.state, bool(m.parent)) for m in client.received["iopub"] if m.state][-count:]


def test_debug_info_while_python_is_busy(client, kernel, panel):
    """Answered by the server: here nothing in Python can answer, for the interpreter lock is held."""
    before = panel.good("debugInfo")
    with holding_the_lock(client, kernel) as cell:
        assert panel.good("debugInfo") == before
        assert not client.replies(cell)
        # Front ends go by the last status: docs/adr/0008.
        client.until(lambda: last_statuses(client, 2) == [("idle", True), ("busy", False)], 20, "a busy behind the idle")
    client.finish(cell)


def test_control_is_free_while_a_debug_request_waits(client, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = client.execute(CODE)
    panel.stop()
    frame = panel.frame()
    waiting = panel.send("evaluate", expression="__import__('time').sleep(3)", frameId=frame)
    assert client.ask("kernel_info_request", channel="control", timeout=2).content["status"] == "ok"
    assert panel.good("debugInfo")["isStarted"]
    assert not client.replies(waiting, "control")
    client.reply(waiting, channel="control")
    panel.good("continue", threadId=1)
    client.finish(cell)


def test_interrupt_at_a_breakpoint(client, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    for _ in range(2):
        cell = client.execute(CODE)
        panel.stop()
        client.ask("interrupt_request", channel="control")
        assert client.finish(cell).reply.content["ename"] == "KeyboardInterrupt"
    assert panel.good("debugInfo")["isStarted"]


def test_variables_without_a_session(client, panel):
    client.run("text = 'Hello the world'").ok()
    names = {v["name"]: v for v in panel.good("inspectVariables")["variables"]}
    assert names["text"]["value"] == "'Hello the world'"
    rich = panel.good("richInspectVariables", variableName="text")
    assert rich["data"] == {"text/plain": "'Hello the world'"}


def test_copy_to_globals(client, panel):
    code = "def g():\n    var = [1, 2]\n    pass\ng()"
    panel.start()
    panel.set_breakpoints(code, 3)
    cell = client.execute(code)
    panel.stop()
    frame = panel.frame()
    panel.good("copyToGlobals", srcVariableName="var", dstVariableName="var_copy", srcFrameId=frame)
    local = next(v for v in panel.variables(frame) if v["name"] == "var")
    copied = next(v for v in panel.variables(frame, "Globals") if v["name"] == "var_copy")
    assert (local["value"], local["type"]) == (copied["value"], copied["type"])
    bad = panel.ask("copyToGlobals", srcVariableName="var", dstVariableName="a']=1#", srcFrameId=frame)
    assert not bad["success"]
    panel.good("continue", threadId=1)
    client.finish(cell)


def test_requests_are_answered_in_order(client, panel):
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = client.execute(CODE)
    panel.stop()
    scopes = panel.good("scopes", frameId=panel.frame())["scopes"]
    sent = [panel.send("variables", variablesReference=s["variablesReference"]) for s in scopes]
    bodies = [client.reply(msg_id, channel="control").content["body"]["variables"] for msg_id in sent]
    assert {v["name"] for v in bodies[0]} == {"a", "b"}
    assert "f" in {v["name"] for v in bodies[1]} or any("function" in v["name"] for v in bodies[1])
    panel.good("continue", threadId=1)
    client.finish(cell)


def test_a_crash_ends_the_session(fresh):
    panel = Panel(fresh).start()
    panel.set_breakpoints(CODE, 2)
    assert fresh.run("import os; os._exit(3)").status == "error"
    info = panel.good("debugInfo")
    assert not info["isStarted"] and info["breakpoints"] == []
    fresh.run("1").ok()
    panel.start()
    panel.set_breakpoints(CODE, 2)
    cell = fresh.execute(CODE)
    panel.stop()
    panel.good("continue", threadId=1)
    fresh.finish(cell).ok()


def test_a_language_without_a_debugger(launch):
    kernel = launch(args=["--language", "bash"])
    client = kernel.client()
    info = client.ask("kernel_info_request").content
    assert info["debugger"] is False and "debugger" not in info["supported_features"]
    for command in ("debugInfo", "initialize"):
        reply = Panel(client).ask(command)
        assert not reply["success"] and "no debugger" in reply["message"]
