"""Tcl through the server: the endings a cell can have, displays, completion, questions, jupyter_kernel_test."""

import shutil
import subprocess
import time

import jupyter_kernel_test
import pytest

from installed import Installed

TCLSH = shutil.which("tclsh8.6") or shutil.which("tclsh")
TCLX = TCLSH and subprocess.run(
    [TCLSH], input="if {[catch {package require Tclx}]} {exit 1}", text=True, stdout=subprocess.DEVNULL
).returncode == 0
pytestmark = pytest.mark.skipif(not TCLX, reason="needs Tcl 8.6 and TclX")

KEPT = [("execute_result", "'python'"), ("execute_result", "tcl")]


@pytest.fixture
def both(client):
    """Python and Tcl with something to lose."""
    client.run("kept = 'python'")
    client.run("#!tcl\nset kept tcl")
    return client


def state(client):
    return client.run("kept").outputs + client.run("#!tcl\nset kept").outputs


@pytest.mark.parametrize(
    "code",
    ["while 1 {}", "after 60000", "exec sleep 60", "gets stdin", "vwait forever", "while 1 {catch {while 1 {}}}"],
    ids=["loop", "sleep", "child", "question", "vwait", "catch"],
)
def test_interrupted(both, code):
    cell = both.execute("#!tcl\nputs in\n" + code, allow_stdin=True)
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    time.sleep(0.1)  # not for correctness: a child that has started is the harder case
    both.ask("interrupt_request", channel="control")
    run = both.finish(cell, 10)
    assert run.status == "error" and run.error["ename"] == "KeyboardInterrupt"
    assert state(both) == KEPT


def test_killed(both):
    run = both.run("#!tcl\nexec sh -c \"kill -9 [pid]\"; after 9000")
    assert run.status == "error" and "SIGKILL" in "".join([*run.error["traceback"], run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!tcl\ninfo exists kept").outputs[-1] == ("execute_result", "0")


def test_exit(both):
    run = both.run("#!tcl\nputs -nonewline bye\nexit 3")
    assert run.outputs[0] == ("stream", "stdout", "bye")
    assert run.status == "error" and "3" in run.error["evalue"]
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!tcl\nexpr {6 * 7}").outputs[-1] == ("execute_result", "42")


def test_display(client):
    run = client.run("#!tcl\nputs a; display -html <b>x</b> -text x; puts b\nexpr {6 * 7}")
    assert run.outputs == [
        ("stream", "stdout", "a\n"), ("display_data", "x"), ("stream", "stdout", "b\n"), ("execute_result", "42"),
    ]


def test_events_after_the_cell(client):
    cell = client.execute("#!tcl\nafter 100 {puts later}; set x 1")
    client.finish(cell).ok()
    client.wait(cell, ("stream", "stdout", "later\n"), 10)


def test_errors_name_the_line_of_the_cell(client):
    run = client.run("#!tcl\nset x 1\nnosuch $x")
    assert "     3 | nosuch $x" in run.error["traceback"]
    assert 'invalid command name "nosuch"' in run.error["evalue"]


def test_completion(client):
    reply = client.ask("complete_request", {"code": "#!tcl\nputs [string rev", "cursor_pos": 22}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["reverse"], 19, 22)


def test_stdin(client):
    cell = client.execute("#!tcl\nputs -nonewline {name? }\nputs [string toupper [gets stdin]]", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 15, "input_request")
    asked = client.received["stdin"].pop()
    client.send("stdin", "input_reply", {"value": "ada", "status": "ok"}, parent=asked.header)
    assert client.finish(cell).text() == "name? ADA\n"


def test_stdin_refused(client):
    run = client.run("#!tcl\ngets stdin", allow_stdin=False)
    assert run.status == "error" and run.error["evalue"]


# -- jupyter_kernel_test --------------------------------------------------------------------------------


class TestTcl(Installed, jupyter_kernel_test.KernelTests):
    """Tcl has no pager; everything else is filled in."""

    language = "tcl"
    language_name = "tcl"
    file_extension = ".tcl"
    code_hello_world = "puts {hello, world}"
    code_stderr = "puts stderr test"
    completion_samples = [
        {"text": "string le", "matches": {"length"}},
        {"text": "lrep", "matches": {"lrepeat", "lreplace"}},
        {"text": "puts $tcl_platform(pointer", "matches": {"tcl_platform(pointerSize)"}},
    ]
    complete_code_samples = ["set x 1", "puts hello", "proc f x {\n    expr {$x * 2}\n}"]
    incomplete_code_samples = ["proc f x {", 'puts "hello', "puts [list 1"]
    invalid_code_samples = ["}", "set x 1\n}"]
    code_generate_error = "error {as asked}"
    code_execute_result = [{"code": "expr {1+2+3}", "result": "6"}, {"code": "list 1 {4 9}", "result": "1 {4 9}"}]
    code_display_data = [
        {"code": "display -html <b>test</b>", "mime": "text/html"},
        {"code": "display -latex {$x^2$}", "mime": "text/latex"},
    ]
    code_history_pattern = "expr*1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "lindex"
    code_clear_output = "clear_output"


class TestWelcomeOfTcl(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "tcl"
