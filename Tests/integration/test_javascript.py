"""JavaScript through the server: how cells end, what they show and ask, and jupyter_kernel_test."""

import os
import shutil

import jupyter_kernel_test
import pytest

from installed import Installed
from parley_client import alive, command_line, complete_beside, descendants, poll

NODE = os.environ.get("PARLEY_NODE") or shutil.which("node") or shutil.which("nodejs")
pytestmark = pytest.mark.skipif(not NODE, reason="needs Node.js 20 or newer: apt install nodejs, or PARLEY_NODE")


@pytest.fixture
def states(client):
    """Something to lose in both languages."""
    client.run("python_state = 1").ok()
    client.run("#!javascript\nlet kept = 7").ok()
    return client


def interrupt(client):
    assert client.ask("interrupt_request", channel="control", timeout=2).content["status"] == "ok"


def python_is_untouched(client):
    assert client.run("python_state").outputs == [("execute_result", "1")]


ENDLESS = {
    "loop": "console.log('in'); while (true) {}",
    "sleep": "console.log('in'); await new Promise(done => setTimeout(done, 60000))",
    "child process": "console.log('in'); child_process.execSync('sleep 61')",
}


@pytest.mark.parametrize("situation", ENDLESS)
def test_an_interrupted_cell_is_an_error_and_the_state_is_kept(kernel, states, situation):
    cell = states.execute("#!javascript\n" + ENDLESS[situation])
    states.wait(cell, ("stream", "stdout", "in\n"), 15)
    if situation == "child process":
        poll(lambda: sleepers(kernel), 5, "the child of the cell")
    interrupt(states)
    run = states.finish(cell, 5)
    assert run.status == "error" and run.outputs[-1] == ("error", "KeyboardInterrupt")
    assert states.run("#!js\nkept").outputs == [("execute_result", "7")]
    poll(lambda: not sleepers(kernel), 2, "end of the interrupted cell's child")
    python_is_untouched(states)


def sleepers(kernel):
    return [pid for pid in descendants(kernel.pid) if alive(pid) and command_line(pid).startswith("sleep 61")]


@pytest.mark.parametrize("death, says", [
    ("process.kill(process.pid, 'SIGKILL')", "SIGKILL"),
    ("console.log('last words'); process.exit(3)", "3"),
    ("process.abort()", "SIGABRT"),
])
def test_the_end_of_the_process_is_an_error_of_the_cell(states, death, says):
    run = states.run("#!node\n" + death)
    assert run.status == "error"
    assert says in " ".join([run.error["ename"], run.error["evalue"], *run.error["traceback"]])
    assert run.text() == ("last words\n" if "last words" in death else "")
    assert states.run("#!javascript\ntypeof kept").outputs[-1] == ("execute_result", "'undefined'")
    python_is_untouched(states)


def test_text_and_displays_in_order(client):
    run = client.run("#!javascript\nconsole.log('a'); display.html('<b>x</b>'); console.error('e'); child_process.execSync('echo c', {stdio: 'inherit'}); 42")
    assert run.outputs == [("stream", "stdout", "a\n"), ("display_data", "<b>x</b>"), ("stream", "stderr", "e\n"),
                           ("stream", "stdout", "c\n"), ("execute_result", "42")]


def test_late_output_has_its_cell_as_parent(client):
    first = client.run("#!javascript\nsetTimeout(() => console.log('late'), 200); undefined")
    client.run("#!javascript\n1")
    client.wait(first.msg_id, ("stream", "stdout", "late\n"), 5)


def test_a_question_is_asked_and_answered(client):
    cell = client.execute("#!javascript\nprompt('name? ')", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 10, "input_request")
    request = client.received["stdin"].pop()
    assert request.content == {"prompt": "name? ", "password": False}
    client.send("stdin", "input_reply", {"value": "Ada"}, parent=request.header)
    assert client.finish(cell).outputs == [("execute_result", "'Ada'")]


def test_nobody_can_be_asked(client):
    run = client.run("#!javascript\nprompt('name? ')", allow_stdin=False)
    assert run.error["ename"] == "StdinNotImplementedError"


def test_completion_and_inspection(client):
    client.run("#!javascript\nconst planet = {mass: 5}").ok()
    code = "#!javascript\nplanet.ma"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert reply["matches"] == ["mass"] and code[reply["cursor_start"]:reply["cursor_end"]] == "ma"
    code = "#!javascript\nplanet"
    reply = client.ask("inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0}).content
    assert "planet: Object {mass: 5}" in reply["data"]["text/plain"]


def test_completion_while_a_cell_computes(client):
    client.run("#!javascript\nlet quicksand = 1").ok()
    cell = client.execute("#!javascript\nconsole.log('in'); while (true) {}")
    client.wait(cell, ("stream", "stdout", "in\n"), 10)
    assert complete_beside(client, "#!javascript\nquicks", "quicksand")["matches"] == ["quicksand"]
    interrupt(client)
    assert client.finish(cell, 5).status == "error"


def test_the_line_of_the_cell(client):
    assert "cell-" in client.run("#!javascript\n\nnull.x").error["traceback"][0]
    assert client.run("#!javascript\n\nnull.x").error["traceback"][0].endswith(":3")


# --- the common conformance tests ---------------------------------------------------------------


class TestJavaScript(Installed, jupyter_kernel_test.KernelTests):
    """JavaScript has no pager; everything else is filled in."""

    language = "javascript"
    language_name = "javascript"
    file_extension = ".js"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('test')"
    completion_samples = [
        {"text": "consol", "matches": {"console"}},
        {"text": "JSON.stringi", "matches": {"stringify"}},
        {"text": "zzz.", "matches": set()},
        {"text": "require('node:fs/pro", "matches": {"node:fs/promises"}},
    ]
    complete_code_samples = ["1", "console.log('hello, world')", "function f(x) {\n  return x * 2\n}", "await 5"]
    incomplete_code_samples = ["function f(x) {", "`hello", "[1, 2", "if (x)"]
    invalid_code_samples = ["let 7q = )", "}"]
    code_generate_error = "throw new Error('as asked')"
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[1, 2, 3].map(n => n * n)", "result": "[ 1, 4, 9 ]"},
        {"code": "await Promise.resolve('x')", "result": "'x'"},
    ]
    code_display_data = [
        {"code": "display.html('<b>test</b>')", "mime": "text/html"},
        {"code": "display.svg('<svg/>')", "mime": "image/svg+xml"},
        {"code": "display.json({a: 1})", "mime": "application/json"},
        {"code": "display.vegalite({$schema: 'https://vega.github.io/schema/vega-lite/v5.json'})",
         "mime": "application/vnd.vegalite.v5+json"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "parseInt"
    code_clear_output = "clearOutput()"


class TestWelcome(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "javascript"
