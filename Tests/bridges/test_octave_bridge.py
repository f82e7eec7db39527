"""The Octave bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import os
import shutil
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "octave"
INTERRUPTED = "error: KeyboardInterrupt: "

pytestmark = pytest.mark.skipif(not shutil.which("octave-cli"), reason="needs GNU Octave: apt install octave")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Bridge.from_folder(FOLDER, cwd=tmp_path_factory.mktemp("work")) as bridge:
        yield bridge


@pytest.fixture
def octave(shared):
    """One session for all tests that do not end it."""
    shared.late.clear()
    return shared


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def traceback(cell):
    return "\n".join(cell.reply.content["traceback"])


# -- start and end -------------------------------------------------------------------------------

def test_it_introduces_itself(octave):
    assert octave.info["bridge_protocol"] == 1
    assert octave.info["language_info"]["name"] == "octave"
    assert octave.info["language_info"]["file_extension"] == ".m"
    assert set(octave.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_shutdown_leaves_no_file(tmp_path):
    with Bridge.from_folder(FOLDER, env=dict(os.environ, TMPDIR=str(tmp_path))) as bridge:
        bridge.execute("x = 1;")
        (folder,) = tmp_path.glob("oct-*")
        assert folder.stat().st_mode & 0o77 == 0
        assert bridge.shutdown() == 0
    assert list(tmp_path.glob("oct-*")) == []


def test_exit_ends_the_process():
    with Bridge.from_folder(FOLDER) as bridge:
        bridge.start_execute("exit (3)")
        assert os.waitstatus_to_exitcode(bridge.wait_exit(10)) == 3


# -- cells ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, lines", [
    ("", []),
    ("% a comment", []),
    ("x = 5;", []),
    ("x = 5", ["stdout: x = 5\n"]),
    ("3 + 4", ["stdout: ans = 7\n"]),
    ("[1 2; 3 4]", ["stdout: ans =\n\n   1   2\n   3   4\n\n"]),
    ("disp ('héllo ☃ 𝄞')", ["stdout: héllo ☃ 𝄞\n"]),
    ("s = 'ä''b\"'", ["stdout: s = ä'b\"\n"]),
    ("for i = 1:3\n  printf ('%d', i);\nend\n# end", ["stdout: 123"]),
    ("function y = twice (x)\n  y = 2 * x;\nend\ntwice (4)", ["stdout: ans = 8\n"]),
    ("system ('echo child');", ["stdout: child\n"]),
    ("[s, o] = system ('echo a; exit 3')", ["stdout: s = 3\no = a\n\n"]),
    ("s = system ('exit 2')", ["stdout: s = 2\n"]),
    ("fprintf (stderr, 'careful\\n')", ["stderr: careful\n"]),
    ("warning ('beware')", ["stderr: warning: beware\n"]),
])
def test_cells(octave, code, lines):
    cell = octave.execute(code)
    assert (cell.transcript, cell.status) == (lines, "ok")


def test_state_stays_and_clear_all_takes_nothing_of_the_bridge(octave):
    octave.execute("kept = [1 2]; function y = inc (x) y = x + 1; end")
    assert show(octave, "inc (kept)") == ["stdout: ans =\n\n   2   3\n\n"]
    octave.execute("clear all; clear functions")
    assert show(octave, "exist ('kept'), display_html ('x')") == ["stdout: ans = 0\n", "display: x"]


def test_output_is_live(octave):
    cell = octave.start_execute("disp (1); printf ('2'); pause (600)")
    octave.pump(lambda: cell.text() == "1\n2")
    octave.interrupt()
    assert octave.wait(cell).transcript[-1] == INTERRUPTED


def test_user_expressions(octave):
    got = octave.execute("e = 20;", user_expressions={"sum": "e + 22", "a b": "'é'", "bad": "nope"}).reply.content["user_expressions"]
    assert {k: v["data"]["text/plain"] for k, v in got.items() if v["status"] == "ok"} == {"sum": "42", "a b": "é"}
    assert got["bad"]["ename"] == "Octave:undefined-function"


# -- errors --------------------------------------------------------------------------------------

def test_an_error_names_the_lines_of_the_cells_and_nothing_else(octave):
    octave.execute("function fail (x)\n  error ('my:id', 'bad %d', x);\nend")
    first = octave.execution_count
    cell = octave.execute("\n\nfail (3)")
    assert cell.transcript == ["error: my:id: bad 3"]
    assert traceback(cell).split("\n")[1:] == ["    at fail (cell %d, line 2)" % first, "       error ('my:id', 'bad %d', x);",
                                               "    at (cell %d, line 3)" % (first + 1)]


def test_empty_lines_count(octave):
    cell = octave.execute("x = 1;\n\n\nerror ('here')\n\ny = 2;")
    assert traceback(cell).split("\n")[1:] == ["    at (cell %d, line 4)" % octave.execution_count, "       error ('here')"]


def test_a_syntax_error_is_found_before_anything_runs(octave):
    cell = octave.execute("disp (1)\n\nx = )")
    assert [line.split(":")[1] for line in cell.transcript] == [" SyntaxError"]
    assert "near line 3 of the cell" in traceback(cell)
    assert "parley" not in traceback(cell)


def test_recursion(octave):
    cell = octave.execute("function deep (), deep (); end\ndeep ()")
    assert "max_recursion_depth" in cell.reply.content["evalue"]
    assert show(octave, "1;") == []


# -- display -------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, mime, data", [
    ("display_html ('<b>é</b>')", "text/html", "<b>é</b>"),
    ("display_markdown ('# x')", "text/markdown", "# x"),
    ("display_latex ('$x^2$')", "text/latex", "$x^2$"),
    ("display_svg ('<svg/>')", "image/svg+xml", "<svg/>"),
    ("display_json (struct ('a', 1:3))", "application/json", {"a": [1, 2, 3]}),
    ("display_json ('{\"a b\": null}')", "application/json", {"a b": None}),
    ("display_png (uint8 ([1 2]))", "image/png", "AQI="),
    ("display_data ('text/x-own', 'y')", "text/x-own", "y"),
])
def test_display(octave, code, mime, data):
    (event,) = octave.execute(code).of_type("display_data")
    assert event.content["data"][mime] == data
    assert "text/plain" in event.content["data"]


def test_updates_and_clear_output(octave):
    cell = octave.execute("display_data ('text/html', '10 %', 'bar'); update_display ('bar', 'text/html', '20 %'); clear_output (true)")
    assert cell.transcript == ["display: 10 %", "update: 20 %", "clear_output: wait=True"]
    assert [e.content["transient"]["display_id"] for e in cell.events[:2]] == ["bar", "bar"]


def test_text_and_displays_in_order(octave):
    octave.ack_delay = 0.02
    try:
        assert show(octave, "printf ('a'); display_html ('b'); system ('echo c'); display_html ('d'); disp ('e')") == [
            "stdout: a", "display: b", "stdout: c\n", "display: d", "stdout: e\n"]
    finally:
        octave.ack_delay = 0


def test_wrong_displays_are_told(octave):
    assert show(octave, "display_html (5)") == ["error: Parley:display: display_data: the data of text/html must be text"]
    assert show(octave, "display_png ('nofile.png')") == ["error: Parley:display: display_png: cannot read nofile.png"]


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="needs gnuplot: apt install gnuplot-nox fonts-freefont-otf")
def test_figures_are_shown_when_they_change(octave):
    (event,) = octave.execute("plot (1:3)").of_type("display_data")
    assert base64.b64decode(event.content["data"]["image/png"]).startswith(b"\x89PNG")
    assert show(octave, "x = 1;") == []
    assert len(octave.execute("title ('new')").of_type("display_data")) == 1
    assert show(octave, "close all") == []


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="needs gnuplot: apt install gnuplot-nox")
def test_a_figure_that_cannot_be_printed_fails_its_own_cell_only(tmp_path):
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        assert show(bridge, "function print (varargin), error ('no ink'); end\nplot (1:3)") == ["error: error: no ink"]
        assert show(bridge, "disp (1)") == ["stdout: 1\n"]


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="needs gnuplot: apt install gnuplot-nox fonts-freefont-otf")
def test_figures_need_no_ghostscript(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "sleep", "gnuplot"):
        (programs / name).symlink_to(shutil.which(name))
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        assert show(bridge, "setenv ('PATH', '%s')\nplot (1:3)" % programs) == ["display: <image/png>"]


# -- input ---------------------------------------------------------------------------------------

def test_input(octave):
    octave.answers.extend(["Ada", "3 + 4", ""])
    assert show(octave, "s = input ('name? ', 's')\nn = input ('n? ')\nisempty (input ('? '))") == [
        "input_request: name? ", "stdout: s = Ada\n", "input_request: n? ", "stdout: n = 7\n", "input_request: ? ", "stdout: ans = 1\n"]


def test_nobody_to_ask(octave):
    octave.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no front end"})
    assert show(octave, "input ('? ')")[-1] == "error: Parley:StdinNotImplementedError: input: no front end"


# -- interrupts ----------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "while true, end",
    "pause (60)",
    "system ('sleep 60');",
    "[s, o] = system ('sleep 60');",
    "while true, try, pause (0.01); catch, end, end",
    "while true, disp (1), end",
    "while true, display_html ('x'), end",
    "input ('? ')",
    "unwind_protect, while true, end, unwind_protect_cleanup, x = 1; end",
])
def test_an_interrupt_keeps_the_state(octave, code):
    octave.execute("survivor = 42;")
    cell = octave.start_execute("disp ('in')\n" + code)
    octave.pump(lambda: "in\n" in cell.text() and (len(cell.of_type("input_request")) or "input" not in code))
    octave.pump_for(0.1)
    octave.interrupt()
    octave.wait(cell, 10)
    assert (cell.status, cell.transcript[-1]) == ("error", INTERRUPTED)
    assert show(octave, "survivor") == ["stdout: survivor = 42\n"]


def test_a_hundred_interrupts(octave):
    octave.execute("n = 0;")
    for _ in range(100):
        cell = octave.start_execute("n += 1; disp ('in'), while true, end")
        octave.pump(lambda: "in\n" in cell.text())
        octave.interrupt()
        assert octave.wait(cell).transcript[-1] == INTERRUPTED
    assert show(octave, "n") == ["stdout: n = 100\n"]


def test_an_interrupt_while_idle_does_nothing(octave):
    octave.execute("idle = 1;")
    octave.interrupt()
    octave.settle()
    assert show(octave, "idle") == ["stdout: idle = 1\n"]


# -- questions -----------------------------------------------------------------------------------

def completions(bridge, code):
    reply = bridge.complete(code)
    assert reply["cursor_end"] == len(code)
    return code[reply["cursor_start"]:], reply["matches"]


def test_completion(octave, tmp_path):
    octave.execute("my_variable = 1; record.alpha = 1; record.beta = 2;")
    assert completions(octave, "my_var") == ("my_var", ["my_variable"])
    assert completions(octave, "x = 'é𝄞'; plotmat") == ("plotmat", ["plotmatrix"])
    assert completions(octave, "record.al") == ("record.al", ["record.alpha"])
    (tmp_path / "data.csv").touch()
    assert completions(octave, "load ('%s/da" % tmp_path)[1] == ["%s/data.csv" % tmp_path]
    assert completions(octave, "no_such_na")[1] == []
    assert completions(octave, "parley_")[1] == []


def test_inspection(octave):
    octave.execute("answer = 42; function y = doubled (x)\n  y = 2 * x;\nend")
    assert "answer = 42" in octave.inspect("answer")["data"]["text/plain"]
    assert "Compute the sine" in octave.inspect("𝄞; sin (", 6)["data"]["text/plain"]
    assert "y = 2 * x" in octave.inspect("doubled")["data"]["text/plain"]
    assert octave.inspect("nothing_here")["found"] is False


@pytest.mark.parametrize("code, status", [
    ("1 + 1", "complete"), ("", "complete"), ("if true\n  x\nend", "complete"), ("function f ()\nend", "complete"), ("% note", "complete"),
    ("for i = 1:3", "incomplete"), ("function f ()\n  if x", "incomplete"), ("x = [1 2", "incomplete"), ("while true\n  if x", "incomplete"),
    ("x = )", "invalid"), ("x = 1;\n\n\ny = );\nz = 1;", "invalid"), ("x = 1;\n\n\ny = [", "incomplete"), ("end", "invalid"), ("x = 'abc", "invalid"),
])
def test_is_complete(octave, code, status):
    assert octave.is_complete(code)["status"] == status


def test_indent(octave):
    assert octave.is_complete("for i = 1:3")["indent"] == "  "
    assert octave.is_complete("for i = 1:3\n  x")["indent"] == "  "


# -- whatever the user does ----------------------------------------------------------------------

@pytest.mark.parametrize("code", ["fclose all;", "fclose ('all');", "restoredefaultpath;", "clear -all", "close all force", "cd /", "more on"])
def test_the_bridge_survives(octave, code):
    octave.execute(code)
    assert show(octave, "disp (1)") == ["stdout: 1\n"]
    assert octave.is_complete("if x")["status"] == "incomplete"


def test_bytes_that_are_no_utf8_break_no_frame(octave):
    assert show(octave, "display_html (char ([104 233]))") == ["display: h\ufffd"]
    assert show(octave, "error (char ([104 233]))") == ["error: error: h\ufffd"]
