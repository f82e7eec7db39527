"""Octave through the server: the five endings, what a front end asks, and jupyter_kernel_test."""

import re
import shutil

import jupyter_kernel_test
import pytest
from installed import Installed

pytestmark = pytest.mark.skipif(not shutil.which("octave-cli"), reason="needs GNU Octave: apt install octave")
HAS_PLOTS = bool(shutil.which("gnuplot") and shutil.which("gs"))

INTERRUPTED = {
    "endless loop": "disp ('in')\nwhile true, end",
    "sleep": "disp ('in')\npause (60)",
    "child process": "system ('echo in; sleep 61');",
}


@pytest.mark.parametrize("situation", INTERRUPTED)
def test_an_interrupt_ends_the_cell_and_keeps_the_state(client, situation):
    client.run("python_state = 1")
    client.run("#!octave\nstate = 42;").ok()
    cell = client.execute("#!octave\n" + INTERRUPTED[situation])
    client.wait(cell, ("stream", "stdout", "in\n"))
    client.ask("interrupt_request", channel="control")
    run = client.finish(cell, 10)
    assert run.outputs[-1] == ("error", "KeyboardInterrupt")
    assert client.run("#!octave\nstate").outputs == [("stream", "stdout", "state = 42\n")]
    assert client.run("python_state").outputs == [("execute_result", "1")]


@pytest.mark.parametrize("code, pattern", [("exit (3)", r"\b3\b"), ("kill (getpid (), 9); pause (10)", "SIGKILL|signal 9")])
def test_the_end_of_the_process_is_told_in_its_cell(client, code, pattern):
    client.run("python_state = 1")
    client.run("#!octave\nlost = 42;").ok()
    run = client.run("#!octave\n" + code)
    assert run.status == "error"
    assert re.search(pattern, " ".join([run.error["evalue"], *run.error["traceback"]]))
    assert client.run("#!octave\nlost").error["ename"] == "Octave:undefined-function"
    assert client.run("python_state").outputs == [("execute_result", "1")]


def test_text_and_displays_in_order(client):
    run = client.run("#!octave\nx = 5\ndisplay_html ('<b>x</b>')\ndisp ('é')")
    assert run.outputs == [("stream", "stdout", "x = 5\n"), ("display_data", "<b>x</b>"), ("stream", "stdout", "é\n")]


def test_an_error_names_the_line_of_the_cell(client):
    run = client.run("#!octave\nx = 1;\nerror ('broken')")
    assert run.error["evalue"] == "broken"
    assert "line 3)" in "\n".join(run.error["traceback"])


def test_completion(client):
    code = "#!octave\nplotmat"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert reply["matches"] == ["plotmatrix"]
    assert code[reply["cursor_start"]:reply["cursor_end"]] == "plotmat"


def test_questions(client):
    cell = client.execute("#!octave\ndisp (['Hello ' input('name? ', 's')])", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 20, "input_request")
    question = client.received["stdin"][-1]
    assert question.content["prompt"] == "name? "
    client.send("stdin", "input_reply", {"value": "Ada"}, parent=question.header)
    assert client.finish(cell).outputs == [("stream", "stdout", "Hello Ada\n")]
    run = client.run("#!octave\ninput ('? ')", allow_stdin=False)
    assert run.error["ename"] == "Parley:StdinNotImplementedError" and run.error["evalue"]


class TestOctave(Installed, jupyter_kernel_test.KernelTests):
    """Octave prints its values, so there are no results; and there is no pager. Everything else is filled in."""

    language = "octave"
    language_name = "octave"
    file_extension = ".m"
    code_hello_world = "disp ('hello, world')"
    code_stderr = "fprintf (stderr, 'test\\n')"
    completion_samples = [
        {"text": "plotmat", "matches": {"plotmatrix"}},
        {"text": "no_such_na", "matches": set()},
    ]
    complete_code_samples = ["1", "x = 1;", "if true\n  x = 1;\nend"]
    incomplete_code_samples = ["for i = 1:3", "x = [1 2", "function f ()\n  if x"]
    invalid_code_samples = ["x = )", "end"]
    code_generate_error = "error ('as asked')"
    code_display_data = [
        {"code": "display_html ('<b>test</b>')", "mime": "text/html"},
        {"code": "display_latex ('$x^2$')", "mime": "text/latex"},
        *([{"code": "plot (1:3)", "mime": "image/png"}] if HAS_PLOTS else []),
    ]
    code_inspect_sample = "sin"
    code_clear_output = "clear_output ()"
