"""Lua through the server: the endings a cell can have, displays, completion, questions, jupyter_kernel_test."""

import shutil
import time
from pathlib import Path

import jupyter_kernel_test
import pytest

from installed import Installed

LUA = shutil.which("lua5.4") or shutil.which("lua54")
HEADERS = any(Path(p, "lua.h").exists() for p in ("/usr/include/lua5.4", "/usr/include", "/usr/local/include"))
pytestmark = pytest.mark.skipif(
    not (LUA and HEADERS and shutil.which("cc")), reason="needs lua5.4, its headers and a C compiler"
)

KEPT = [("execute_result", "'python'"), ("execute_result", "lua")]


@pytest.fixture
def both(client):
    """Python and Lua with something to lose."""
    client.run("kept = 'python'")
    client.run("#!lua\nlocal kept = 'lua'")
    return client


def state(client):
    return client.run("kept").outputs + client.run("#!lua\nkept").outputs


@pytest.mark.parametrize(
    "code",
    [
        "while true do end",
        "os.execute('sleep 60')",
        "io.popen('sleep 60'):read('a')",
        "io.read()",
        "while true do pcall(function() while true do end end) end",
    ],
    ids=["loop", "sleep", "child", "question", "pcall"],
)
def test_interrupted(both, code):
    cell = both.execute("#!lua\nprint('in')\n" + code, allow_stdin=True)
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    time.sleep(0.1)  # not for correctness: a child that has started is the harder case
    both.ask("interrupt_request", channel="control")
    run = both.finish(cell, 10)
    assert run.status == "error" and run.error["ename"] == "KeyboardInterrupt"
    assert state(both) == KEPT


def test_killed(both):
    pid = "io.open('/proc/self/stat'):read('n')"
    run = both.run(f"#!lua\nos.execute('kill -9 ' .. {pid})")
    assert run.status == "error" and "SIGKILL" in "".join([*run.error["traceback"], run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!lua\nkept == nil").outputs[-1] == ("execute_result", "true")


def test_exit(both):
    run = both.run("#!lua\nprint('bye')\nos.exit(3)")
    assert run.outputs[0] == ("stream", "stdout", "bye\n")
    assert run.status == "error" and "3" in run.error["evalue"]
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!lua\n6 * 7").outputs[-1] == ("execute_result", "42")


def test_display(client):
    run = client.run("#!lua\nprint('a') display{html = '<b>x</b>', text = 'x'} print('b')\n6 * 7")
    assert run.outputs == [
        ("stream", "stdout", "a\n"), ("display_data", "x"), ("stream", "stdout", "b\n"), ("execute_result", "42"),
    ]


def test_errors_name_the_line_of_the_cell(client):
    run = client.run("#!lua\nlocal x = {}\nx.y.z = 2")
    assert ":3: attempt to index a nil value (field 'y')" in run.error["evalue"]
    assert "     3 | x.y.z = 2" in run.error["traceback"]


def test_completion(client):
    client.run("#!lua\nlocal text = 'x'")
    reply = client.ask("complete_request", {"code": "#!lua\ntext:upp", "cursor_pos": 14}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["upper"], 11, 14)


def test_stdin(client):
    cell = client.execute("#!lua\nio.write('name? ')\nprint(io.read():upper())", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 15, "input_request")
    asked = client.received["stdin"].pop()
    client.send("stdin", "input_reply", {"value": "ada", "status": "ok"}, parent=asked.header)
    assert client.finish(cell).text() == "name? ADA\n"


def test_stdin_refused(client):
    run = client.run("#!lua\nio.read()", allow_stdin=False)
    assert run.status == "error" and run.error["evalue"]


# -- jupyter_kernel_test --------------------------------------------------------------------------------


class TestLua(Installed, jupyter_kernel_test.KernelTests):
    """Lua has no pager; everything else is filled in."""

    language = "lua"
    language_name = "lua"
    file_extension = ".lua"
    code_hello_world = "print('hello, world')"
    code_stderr = "io.stderr:write('test\\n')"
    completion_samples = [
        {"text": "string.re", "matches": {"rep", "reverse"}},
        {"text": "coroutine.w", "matches": {"wrap"}},
        {"text": "zzz.", "matches": set()},
    ]
    complete_code_samples = ["1", "print('hello')", "function f(x)\n  return x * 2\nend"]
    incomplete_code_samples = ["function f(x)", "print([[hello", "for i = 1, 2 do"]
    invalid_code_samples = ["end", "x = = 1"]
    code_generate_error = "error('as asked')"
    code_execute_result = [{"code": "1+2+3", "result": "6"}, {"code": "{1, 4, 9}", "result": "{1, 4, 9}"}]
    code_display_data = [
        {"code": "display{html = '<b>test</b>'}", "mime": "text/html"},
        {"code": "display{latex = '$x^2$'}", "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "string.rep"
    code_clear_output = "clear_output()"


class TestWelcomeOfLua(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "lua"
