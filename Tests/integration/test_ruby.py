"""Ruby through the server: the endings a cell can have, displays, completion, questions, jupyter_kernel_test."""

import shutil
import time

import jupyter_kernel_test
import pytest

from installed import Installed

pytestmark = pytest.mark.skipif(not shutil.which("ruby"), reason="needs ruby")


@pytest.fixture
def both(client):
    """Python and Ruby with something to lose."""
    client.run("kept = 'python'")
    client.run("#!ruby\nkept = 'ruby'; nil")
    return client


def state(client):
    return client.run("kept").outputs + client.run("#!ruby\nkept").outputs


KEPT = [("execute_result", "'python'"), ("execute_result", '"ruby"')]


@pytest.mark.parametrize("code", ["loop {}", "sleep 60", "system 'sleep 60'", "`sleep 60`", "Thread.new { sleep }.join", "gets"])
def test_interrupted(both, code):
    cell = both.execute("#!ruby\nputs 'in'; " + code, allow_stdin=True)
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    time.sleep(0.1)  # not for correctness: a child that has started is the harder case
    both.ask("interrupt_request", channel="control")
    run = both.finish(cell, 10)
    assert run.outputs == [("stream", "stdout", "in\n"), ("error", "Interrupt")] and run.status == "error"
    assert state(both) == KEPT


def test_killed(both):
    run = both.run("#!ruby\nProcess.kill(:KILL, $$); sleep")
    assert run.status == "error" and "SIGKILL" in "".join(run.error["traceback"] + [run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!ruby\ndefined?(kept).inspect").outputs[-1] == ("execute_result", '"nil"')


def test_exit(both):
    run = both.run("#!ruby\nexit 3")
    assert run.status == "error" and run.error["evalue"] == "exit with status 3: the cell has ended, Ruby goes on"
    assert state(both) == KEPT


def test_exit_at_once(both):
    run = both.run("#!ruby\nexit! 3")
    assert run.status == "error" and "3" in "".join(run.error["traceback"] + [run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]


def test_display(client):
    run = client.run("#!ruby\nputs 'a'; Parley.display(Parley.html('<b>x</b>')); puts 'b'; 6 * 7")
    assert run.outputs == [("stream", "stdout", "a\n"), ("display_data", "<b>x</b>"), ("stream", "stdout", "b\n"), ("execute_result", "42")]


def test_errors_name_the_line_of_the_cell(client):
    run = client.run("#!ruby\n\nraise 'here'")
    assert ", line 3" in "\n".join(run.error["traceback"])


def test_completion(client):
    client.run("#!ruby\nmy_text = 'a'")
    reply = client.ask("complete_request", {"code": "#!ruby\nmy_text.upc", "cursor_pos": 18}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["upcase", "upcase!"], 15, 18)


def test_stdin(client):
    cell = client.execute("#!ruby\nprint 'name? '\nputs gets.upcase", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 15, "input_request")
    asked = client.received["stdin"].pop()
    client.send("stdin", "input_reply", {"value": "ada", "status": "ok"}, parent=asked.header)
    assert client.finish(cell).outputs == [("stream", "stdout", "name? ADA\n")]


def test_stdin_refused(client):
    run = client.run("#!ruby\ngets", allow_stdin=False)
    assert run.error["ename"] == "Parley::InputError" and run.error["evalue"]


# -- jupyter_kernel_test --------------------------------------------------------------------------------

class TestRuby(Installed, jupyter_kernel_test.KernelTests):
    """Ruby has no pager; everything else is filled in."""

    language = "ruby"
    language_name = "ruby"
    file_extension = ".rb"
    code_hello_world = "puts 'hello, world'"
    code_stderr = "warn 'test'"
    completion_samples = [
        {"text": "'a'.upc", "matches": {"upcase", "upcase!"}},
        {"text": "[1].each_sl", "matches": {"each_slice"}},
        {"text": "zzz", "matches": set()},
    ]
    complete_code_samples = ["1", "puts 'hello'", "def f(x)\n  x * 2\nend"]
    incomplete_code_samples = ["def f(x)", "puts 'abc", "[1, 2,"]
    invalid_code_samples = ["end", "1 + )"]
    code_generate_error = "raise 'as asked'"
    code_execute_result = [{"code": "1+2+3", "result": "6"}, {"code": "(1..3).map { |n| n * n }", "result": "[1, 4, 9]"}]
    code_display_data = [
        {"code": "Parley.display(Parley.html('<b>test</b>'))", "mime": "text/html"},
        {"code": "Parley.display(Parley.math('x^2'))", "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Array"
    code_clear_output = "Parley.clear_output"


class TestWelcomeOfRuby(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "ruby"
