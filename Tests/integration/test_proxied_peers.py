"""Other projects' kernels as languages: Deno, xeus-python, bash_kernel, IRkernel, and ipykernel with its debugger."""

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from parley_client import Kernel, alive, descendants, poll
from test_debugger import CODE, Panel


@dataclass
class Peer:
    """Code of one kernel's language, and what is known of the kernel."""

    argv: list
    language: str
    hello: str
    value: tuple
    error: tuple
    html: str
    loop: str
    state: tuple
    completion: tuple
    question: str = ""
    crash: str = ""
    spec: dict = field(default_factory=dict)
    # What becomes of a cell that is interrupted, and whether the state survives.
    interrupted: str = "KeyboardInterrupt"
    keeps_state: bool = True


def module(name):
    return [sys.executable, "-m", name, "-f", "{connection_file}"]


PEERS = {
    "deno": Peer(
        [str(Path(sys.executable).with_name("deno")), "jupyter", "--kernel", "--conn", "{connection_file}"], "typescript",
        hello="console.log('hi')", value=("6 * 7", "42"), error=("throw new TypeError('no')", "TypeError"),
        html="Deno.jupyter.html`<b>x</b>`", loop="console.log('go'); while (true) {}",
        state=("let kept: number = 41", "console.log(kept)", "41\n"), completion=("Deno.jupyt", "jupyter"),
        question="console.log('I am ' + prompt('name?'))", crash="Deno.exit(7)", spec={"interrupt_mode": "message"},
        interrupted=None),
    "xpython": Peer(
        module("xpython_launcher"), "python",
        hello="print('hi')", value=("6 * 7", "42"), error=("1/0", "<class 'ZeroDivisionError'>"),
        html="from IPython.display import HTML, display; display(HTML('<b>x</b>'))", loop="print('go', flush=True)\nwhile True: pass",
        state=("kept = 41", "print(kept)", "41\n"), completion=("prin", "print"),
        question="print('I am ' + input('name?'))", crash="import os; os._exit(7)",
        # xeus-python 0.19 ends at a SIGINT, under jupyter_client too.
        interrupted="BackendTerminated", keeps_state=False),
    "bashkernel": Peer(
        module("bash_kernel"), "bash",
        hello="echo hi", value=(), error=("false", ""), html="", loop="echo go; sleep 60",
        state=("kept=41", "echo $kept", "41\n"), completion=("ech", "echo")),
    "ir": Peer(
        ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"], "R",
        hello="cat('hi\\n')", value=("6 * 7", "[1] 42"), error=("stop('no')", "ERROR"),
        html="IRdisplay::display_html('<b>x</b>')", loop="cat('go\\n'); flush(stdout()); repeat {}",
        state=("kept <- 41", "cat(kept, '\\n', sep = '')", "41\n"), completion=("read.cs", "read.csv"),
        question="cat('I am', readline('name?'))", crash="quit(status = 7)"),
}


def is_installed(name):
    if name == "ir":
        return shutil.which("R") and not subprocess.run(
            ["R", "--slave", "-e", "library(IRkernel)"], capture_output=True).returncode
    return Path(PEERS[name].argv[0]).exists() and (
        PEERS[name].argv[1] != "-m" or importlib.util.find_spec(PEERS[name].argv[2]))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter")
    for name, peer in PEERS.items():
        spec = folder / "kernels" / name
        spec.mkdir(parents=True)
        (spec / "kernel.json").write_text(json.dumps(
            {"argv": peer.argv, "display_name": name, "language": peer.language, **peer.spec}))
    kernel = Kernel(folder / "run", env={"JUPYTER_PATH": str(folder), "NO_COLOR": "1"}).start()
    client = kernel.client()
    client.run("ours = 1").ok()
    yield kernel
    below = descendants(kernel.pid)
    assert client.run("ours").status == "ok", "Python must not notice what happens to others"
    kernel.stop()
    assert not [pid for pid in below if alive(pid)]


@pytest.fixture(scope="module")
def client(kernel):
    return kernel.client()


@pytest.fixture(params=PEERS)
def peer(request, client):
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    peer = PEERS[request.param]
    peer.name = request.param

    def run(code, **kw):
        return client.run(f"#!{request.param}\n{code}", timeout=40, **kw)

    def displays(code):
        """The MIME bundles a cell shows. Deno sends them, and text, behind its own idle at times."""
        cell = run(code)
        bundles = lambda: [m.content["data"] for m in cell.messages if m.type in ("execute_result", "display_data")]
        client.until(bundles, 20, "a display")
        return bundles()

    def prints(code, text):
        cell = run(code)
        client.wait(cell.msg_id, ("stream", "stdout", text))
        assert cell.text() == text
        return cell

    peer.run, peer.displays, peer.prints = run, displays, prints
    return peer


def test_output_and_value(peer):
    transcript = peer.prints(peer.hello, "hi\n").transcript
    assert transcript[:2] == ["busy", "execute_input"]
    # Whichever comes first, the server keeps it with its cell.
    assert transcript[2:] == [("stream", "stdout", "hi\n"), "idle"] or peer.name == "deno" and len(transcript) == 4
    if peer.value:
        code, shown = peer.value
        assert [bundle["text/plain"] for bundle in peer.displays(code)] == [shown]


def test_error(peer):
    code, name = peer.error
    run = peer.run(code)
    assert run.status == "error" and run.only("error").content["ename"] == name


def test_rich_display(peer):
    if not peer.html:
        pytest.skip("shows no HTML of its own")
    (shown,) = peer.displays(peer.html)
    assert shown["text/html"] == "<b>x</b>"


def test_completion(peer, client):
    text, match = peer.completion
    peer.run(peer.hello)
    code = f"#!{peer.name}\n{text}"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}, timeout=15).content
    assert any(found.strip() == match or found.endswith(match) for found in reply["matches"]), reply
    assert code[: reply["cursor_start"]].startswith(f"#!{peer.name}\n")


def test_question(peer, client):
    if not peer.question:
        pytest.skip("asks nothing")
    before = len(client.received["stdin"])
    msg_id = client.execute(f"#!{peer.name}\n{peer.question}", allow_stdin=True)
    client.until(lambda: len(client.received["stdin"]) > before, 20, "the question")
    question = client.received["stdin"][-1]
    assert question.content["prompt"].strip() == "name?" and question.parent == client.sent[msg_id]
    client.send("stdin", "input_reply", {"value": "Ada"}, parent=question.header)
    client.finish(msg_id)
    client.wait(msg_id, ("stream", "stdout", "I am Ada"))


def test_interrupt(peer, client):
    code, show, shown = peer.state
    peer.run(code)
    msg_id = client.execute(f"#!{peer.name}\n{peer.loop}")
    client.wait(msg_id, ("stream", "stdout", "go"))
    client.ask("interrupt_request", channel="control")
    try:
        client.reply(msg_id, 8)
    except AssertionError:
        # Some lose one that comes just before the program that the cell starts; whoever sees that presses again.
        client.ask("interrupt_request", channel="control")
    run = client.finish(msg_id, 15)
    assert run.status == "error"
    if peer.interrupted:
        assert run.only("error").content["ename"] == peer.interrupted
    if peer.keeps_state:
        peer.prints(show, shown)
    peer.prints(peer.hello, "hi\n")


def test_its_end_is_an_error_in_the_cell(peer):
    if not peer.crash:
        pytest.skip("its shell is started anew by itself")
    run = peer.run(peer.crash)
    if run.status == "ok":
        run = peer.run(peer.hello)      # it replies before it leaves
    else:
        assert run.error["ename"] == "BackendTerminated"
    peer.prints(peer.hello, "hi\n")


# -- the debugger ---------------------------------------------------------------------------------


def test_the_debugger_of_a_proxied_default_language(tmp_path):
    folder = tmp_path / "kernels" / "plainpython"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({
        "argv": module("ipykernel_launcher"), "display_name": "x", "language": "python", "metadata": {"debugger": True}}))
    kernel = Kernel(tmp_path / "run", env={"JUPYTER_PATH": str(tmp_path)}, args=["--language", "plainpython"]).start()
    try:
        client = kernel.client()
        assert client.run("1").ok()
        assert client.ask("kernel_info_request").content["debugger"] is True
        panel = Panel(client)
        assert panel.good("debugInfo")["isStarted"] is False
        panel.start()
        panel.set_breakpoints(CODE, 2)
        cell = client.execute(CODE)
        assert panel.stop()["reason"] == "breakpoint"
        names = {v["name"]: v["value"] for v in panel.variables(panel.frame())}
        assert (names["a"], names["b"]) == ("2", "3")
        panel.good("continue", threadId=1)
        assert client.finish(cell).only("execute_result").content["data"]["text/plain"] == "5"
        panel.ask("disconnect", restart=False, terminateDebuggee=True)
    finally:
        below = descendants(kernel.pid)
        kernel.stop()
        poll(lambda: not any(alive(pid) for pid in below), 5, "the end of everything below the kernel")
