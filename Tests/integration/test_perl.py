"""Perl through the server: the endings a cell can have, displays, completion, questions, jupyter_kernel_test."""

import shutil
import time

import jupyter_kernel_test
import pytest

from installed import Installed

pytestmark = pytest.mark.skipif(not shutil.which("perl"), reason="needs perl")


@pytest.fixture
def both(client):
    """Python and Perl with something to lose."""
    client.run("kept = 'python'")
    client.run("#!perl\nuse strict; my $kept = 'perl';")
    return client


def state(client):
    return client.run("kept").outputs + client.run("#!perl\n$kept").outputs


KEPT = [("execute_result", "'python'"), ("execute_result", "'perl'")]


@pytest.mark.parametrize("code", ["1 while 1;", "sleep 60;", "system 'sleep 60';", "my $x = `sleep 60`;", "my $x = <STDIN>;"])
def test_interrupted(both, code):
    cell = both.execute("#!perl\nprint \"in\\n\"; " + code, allow_stdin=True)
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    time.sleep(0.1)  # not for correctness: a child that has started is the harder case
    both.ask("interrupt_request", channel="control")
    run = both.finish(cell, 10)
    assert run.outputs == [("stream", "stdout", "in\n"), ("error", "Interrupt")] and run.status == "error"
    assert state(both) == KEPT


def test_killed(both):
    run = both.run("#!perl\nkill KILL => $$; sleep 9;")
    assert run.status == "error" and "SIGKILL" in "".join(run.error["traceback"] + [run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]
    assert both.run("#!perl\nno strict; defined $kept ? 1 : 'lost'").outputs[-1] == ("execute_result", "'lost'")


def test_exit(both):
    run = both.run("#!perl\nexit 3")
    assert run.status == "error" and run.error["evalue"] == "exit with status 3: the cell has ended, Perl goes on"
    assert state(both) == KEPT


def test_exit_at_once(both):
    run = both.run("#!perl\nuse POSIX (); POSIX::_exit(3);")
    assert run.status == "error" and "3" in "".join(run.error["traceback"] + [run.error["evalue"]])
    assert both.run("kept").outputs == KEPT[:1]


def test_display(client):
    run = client.run("#!perl\nprint \"a\\n\"; Parley::display(Parley::html('<b>x</b>')); print \"b\\n\"; 6 * 7")
    assert run.outputs == [("stream", "stdout", "a\n"), ("display_data", "<b>x</b>"), ("stream", "stdout", "b\n"), ("execute_result", "42")]


def test_errors_name_the_line_of_the_cell(client):
    run = client.run("#!perl\n\ndie 'here'")
    assert ", line 3" in "\n".join(run.error["traceback"])


def test_completion(client):
    client.run("#!perl\nmy $my_text = bless {}, 'My'; sub My::upcase { }")
    reply = client.ask("complete_request", {"code": "#!perl\n$my_text->upc", "cursor_pos": 20}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["upcase"], 17, 20)


def test_stdin(client):
    cell = client.execute("#!perl\nprint 'name? ';\nprint uc <STDIN>;", allow_stdin=True)
    client.until(lambda: client.received["stdin"], 15, "input_request")
    asked = client.received["stdin"].pop()
    client.send("stdin", "input_reply", {"value": "ada", "status": "ok"}, parent=asked.header)
    assert client.finish(cell).outputs == [("stream", "stdout", "name? ADA\n")]


def test_stdin_refused(client):
    run = client.run("#!perl\nmy $x = <STDIN>;", allow_stdin=False)
    assert run.error["ename"] == "Error" and run.error["evalue"]


# -- jupyter_kernel_test --------------------------------------------------------------------------------

class TestPerl(Installed, jupyter_kernel_test.KernelTests):
    """Perl has no pager; everything else is filled in."""

    language = "perl"
    language_name = "perl"
    file_extension = ".pl"
    code_hello_world = "print \"hello, world\\n\""
    code_stderr = "warn 'test'"
    completion_samples = [
        {"text": "sprin", "matches": {"sprintf"}},
        {"text": "use List::Uti", "matches": {"List::Util", "List::Util::"}},
        {"text": "zzz", "matches": set()},
    ]
    complete_code_samples = ["1", "print 'hello'", "sub f {\n  2 * shift\n}"]
    incomplete_code_samples = ["sub f {", "print 'abc", "my @x = (1,"]
    invalid_code_samples = ["}", "1 + )"]
    code_generate_error = "die 'as asked'"
    code_execute_result = [{"code": "1+2+3", "result": "6"}, {"code": "[map { $_ * $_ } 1 .. 3]", "result": "[1, 4, 9]"}]
    code_display_data = [
        {"code": "Parley::display(Parley::html('<b>test</b>'))", "mime": "text/html"},
        {"code": "Parley::display(Parley::latex('$x^2$'))", "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "push"
    code_clear_output = "Parley::clear_output()"


class TestWelcomeOfPerl(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "perl"
