"""The worked example of the author's guide, against the protocol document."""

import os
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "echo"


@pytest.fixture
def echo():
    with Bridge.from_folder(FOLDER) as bridge:
        yield bridge


def test_it_introduces_itself(echo):
    assert echo.info["bridge_protocol"] == 1
    assert echo.info["language_info"]["name"] == "echo"
    assert set(echo.info["capabilities"]) == {"complete", "is_complete"}


def test_it_is_a_short_program():
    lines = (FOLDER / "bridge.pl").read_text("utf-8").splitlines()
    assert sum(1 for line in lines if line.strip()) <= 80


def test_lines_are_echoed(echo):
    cell = echo.execute("hello\n\nworld: äö ✓ 🎉\n")
    assert cell.transcript == ["stdout: hello\nworld: äö ✓ 🎉\n"]
    assert cell.status == "ok"


def test_text_and_rich_output_keep_their_order(echo):
    echo.ack_delay = 0.02  # a bridge that prints on without waiting would be caught out
    cell = echo.execute("one\nhtml <b>two</b>\nthree\nresult four\nfive")
    assert cell.transcript == [
        "stdout: one\n",
        "display: <b>two</b>",
        "stdout: three\n",
        "result: four",
        "stdout: five\n",
    ]


def test_stderr(echo):
    assert echo.execute("stderr oops").transcript == ["stderr: oops\n"]


def test_an_error_ends_the_cell(echo):
    cell = echo.execute("before\nerror went wrong\nafter")
    assert cell.transcript == ["stdout: before\n", "error: EchoError: went wrong"]
    assert cell.status == "error"
    assert cell.reply.content["traceback"] == ["EchoError: went wrong"]
    assert echo.execute("still here").status == "ok"


def test_a_question(echo):
    echo.answers.append("Ada")
    cell = echo.execute("ask Who? \nthanks")
    assert cell.transcript == ["input_request: Who? ", "stdout: Ada\nthanks\n"]


@pytest.mark.parametrize("answer, error", [
    ({"status": "eof"}, "error: EOFError: no answer"),
    ({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no"},
     "error: StdinNotImplementedError: no"),
])
def test_a_question_nobody_answers(echo, answer, error):
    echo.answers.append(answer)
    assert echo.execute("ask Who?").transcript[-1] == error


@pytest.mark.parametrize("command", ["loop", "ask Who?"])
def test_interrupt(echo, command):
    cell = echo.start_execute("started\n%s\nnever" % command)
    echo.pump(lambda: cell.events and (command == "loop" or echo.asked))
    echo.interrupt()
    echo.wait(cell)
    assert cell.transcript[-1] == "error: Interrupt: interrupted"
    assert cell.status == "error"
    assert echo.execute("alive").transcript == ["stdout: alive\n"]


def test_an_answer_that_comes_too_late_is_dropped(echo):
    cell = echo.start_execute("ask first?")
    echo.pump(lambda: echo.asked)
    echo.interrupt()
    echo.wait(cell)
    echo.answer(echo.asked[0], "stale")
    echo.answers.append("fresh")
    assert echo.execute("ask second?").text() == "fresh\n"


def test_interrupt_while_idle_means_nothing(echo):
    echo.execute("x")
    echo.interrupt()
    assert echo.execute("alive").text() == "alive\n"


def test_completion_counts_code_points(echo):
    reply = echo.complete("🎉 äh", 2)
    assert (reply["cursor_start"], reply["cursor_end"]) == (2, 2)
    reply = echo.complete("🎉\nht")
    assert reply["matches"] == ["html"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (2, 4)


def test_is_complete(echo):
    assert echo.is_complete("one")["status"] == "complete"
    assert echo.is_complete("one \\")["status"] == "incomplete"
    assert echo.execute("one \\\ntwo").text() == "one two\n"


def test_unknown_keys_and_messages_are_ignored(echo):
    echo._send("from_the_future", {"a": 1}, 999)
    assert echo.execute("x", from_the_future=True).status == "ok"


def test_shutdown(echo):
    assert echo.shutdown() == 0


def test_it_ends_when_the_server_is_gone(echo):
    os.close(echo._fds.pop(3))
    assert echo.wait_exit() == 0
