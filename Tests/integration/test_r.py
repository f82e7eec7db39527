"""R through the server: how its cells end, and that nothing of it reaches the other languages."""

import os
import re
import shutil

import jupyter_kernel_test
import pytest
from installed import Installed

pytestmark = pytest.mark.skipif(not (os.environ.get("PARLEY_R") or shutil.which("R")), reason="needs R: apt install r-base-core")


@pytest.fixture(autouse=True)
def states(client):
    """Each test starts with something to lose, and finds Python's at its end."""
    client.run("python_state = 'kept'").ok()
    client.run("#!r\nr_state <- 'kept'").ok()
    yield
    assert client.run("python_state").outputs == [("execute_result", "'kept'")]


def enter(client, code, **kw):
    cell = client.execute("#!r\ncat('in\\n')\n" + code, **kw)
    client.wait(cell, ("stream", "stdout", "in\n"), 15)
    return cell


def answer(client, value):
    asked = client.until(lambda: client.received["stdin"], 10, "input_request")[-1]
    client.send("stdin", "input_reply", {"value": value}, parent=asked.header)
    return asked


# -- the five endings ----------------------------------------------------------------------------------

@pytest.mark.parametrize("code", ["repeat {}", "Sys.sleep(60)", "system('sleep 60')\ncat('after')"], ids=["loop", "sleep", "child"])
def test_an_interrupt_ends_the_cell_and_keeps_the_state(client, code):
    cell = enter(client, code)
    client.ask("interrupt_request", channel="control", timeout=2)
    run = client.finish(cell, 10)
    assert run.status == "error"
    assert run.outputs == [("stream", "stdout", "in\n"), ("error", "KeyboardInterrupt")]
    assert client.run("#!r\ncat(r_state)").outputs == [("stream", "stdout", "kept")]


@pytest.mark.parametrize("code, sign", [
    ("system(paste('kill -9', Sys.getpid()))", r"SIGKILL|signal 9"), ("quit(status = 3)", r"\b3\b")], ids=["kill -9", "quit"])
def test_the_end_of_r_is_an_error_that_says_so(client, code, sign):
    run = client.run("#!r\ncat('last words\\n')\n" + code)
    assert run.status == "error"
    assert run.text() == "last words\n"
    assert re.search(sign, " ".join([run.error["ename"], run.error["evalue"], *run.error["traceback"]])), run.error
    again = client.run("#!r\nexists('r_state')")
    assert again.outputs[-1] == ("execute_result", "[1] FALSE")


# -- what a notebook does ------------------------------------------------------------------------------

def test_values_text_and_displays(client):
    run = client.run("#!r\nx <- 6\ncat('before\\n')\ndisplay_html('<b>x</b>')\nmessage('careful')\ncat('after\\n')\nx * 7")
    assert run.outputs == [
        ("stream", "stdout", "before\n"), ("display_data", ["text/html"]), ("stream", "stderr", "careful\n"),
        ("stream", "stdout", "after\n"), ("execute_result", "[1] 42")]


def test_a_plot_and_a_table(client):
    run = client.run("#!r\nplot(1:3)\nhead(mtcars)")
    assert [entry[0] for entry in run.outputs] == ["display_data", "execute_result"]
    assert run.only("display_data").content["data"]["image/png"].startswith("iVBORw0KGgo")
    assert "<table" in run.only("execute_result").content["data"]["text/html"]


def test_an_error_names_its_line_of_the_cell(client):
    run = client.run("#!r\nf <- function() {\n  stop('broken ☃')\n}\nf()")
    assert run.error["ename"] == "simpleError" and run.error["evalue"] == "broken ☃"
    text = "\n".join(run.error["traceback"])
    assert ", line 5" in text and ", line 3" in text


def test_input(client):
    cell = client.execute("#!r\nname <- readline('name? ')\nname", allow_stdin=True)
    assert answer(client, "Ada 🎉").content == {"prompt": "name? ", "password": False}
    assert client.finish(cell).outputs == [("execute_result", '[1] "Ada 🎉"')]
    run = client.run("#!r\nreadline('name? ')", allow_stdin=False, timeout=5)
    assert run.error["ename"] == "StdinNotImplementedError"


def test_an_interrupt_ends_a_question(client):
    cell = client.execute("#!r\nreadline('? ')", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 10, "input_request")
    client.ask("interrupt_request", channel="control", timeout=2)
    assert client.finish(cell, 5).outputs == [("error", "KeyboardInterrupt")]
    assert client.run("#!r\n1").outputs == [("execute_result", "[1] 1")]


def test_completion_and_inspection(client):
    code = "#!r\n'🎉'; read.cs"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert reply["matches"] == ["read.csv", "read.csv2"]
    assert code[reply["cursor_start"]:reply["cursor_end"]] == "read.cs"
    reply = client.ask("inspect_request", {"code": "#!r\nmean", "cursor_pos": 8, "detail_level": 0}).content
    assert "Arithmetic Mean" in reply["data"]["text/plain"]


def test_help_is_a_page(client):
    payload = client.run("#!r\n?mean").reply.content["payload"]
    assert "Arithmetic Mean" in payload[0]["data"]["text/plain"]


def test_late_output_belongs_to_its_cell(client):
    run = client.run("#!r\nsystem('(sleep 0.3; echo late)', wait = FALSE)")
    assert run.text() == ""
    client.wait(run.msg_id, ("stream", "stdout", "late\n"), 5)


# -- jupyter_kernel_test -------------------------------------------------------------------------------

@pytest.mark.skipif(not (os.environ.get("PARLEY_R") or shutil.which("R")), reason="needs R: apt install r-base-core")
class TestR(Installed, jupyter_kernel_test.KernelTests):
    language = "r"
    language_name = "R"
    file_extension = ".r"
    code_hello_world = "cat('hello, world')"
    code_stderr = "message('test')"
    completion_samples = [
        {"text": "read.cs", "matches": {"read.csv", "read.csv2"}},
        {"text": "no_such_thing", "matches": set()},
    ]
    complete_code_samples = ["1", "f <- function(x) {\n  x * 2\n}", "print('hello, world')"]
    incomplete_code_samples = ["print('hello", "f <- function(x) {\n  x * 2", "x <-"]
    invalid_code_samples = ["import = 7q", "x <- )"]
    code_page_something = "?mean"
    code_generate_error = "stop('as asked')"
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "[1] 6"},
        {"code": "paste('a', 'b')", "result": '[1] "a b"'},
    ]
    code_display_data = [
        {"code": "display_html('<b>test</b>')", "mime": "text/html"},
        {"code": "plot(1)", "mime": "image/png"},
        {"code": "options(parley.plot.mimetypes = 'image/svg+xml'); plot(1)", "mime": "image/svg+xml"},
    ]
    code_history_pattern = "1 ?* 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "mean"
    code_clear_output = "clear_output()"
