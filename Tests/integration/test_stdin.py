"""stdin: questions of the language to the front end that asked for the cell."""

import pytest
import zmq

from parley_client import endpoint, poll


def question(client, count=1):
    return client.until(lambda: len(client.received["stdin"]) >= count, 10, "input_request") and client.received[
        "stdin"
    ][count - 1]


def answer(client, asked, value, **content):
    client.send("stdin", "input_reply", {"value": value, **content}, parent=asked.header)


def test_prompt_and_answer(client):
    cell = client.execute("name = input('name? '); print(f'hello {name}')", allow_stdin=True)
    asked = question(client)
    assert asked.type == "input_request"
    assert asked.content == {"prompt": "name? ", "password": False}
    assert asked.parent == client.sent[cell]
    answer(client, asked, "Ada")
    run = client.finish(cell)
    assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "hello Ada\n"), "idle"]


def test_password(client):
    cell = client.execute("import getpass; print(getpass.getpass('secret: '))", allow_stdin=True)
    asked = question(client)
    assert asked.content == {"prompt": "secret: ", "password": True}
    answer(client, asked, "pässwörd")
    assert client.finish(cell).text() == "pässwörd\n"


@pytest.mark.parametrize("status", [{}, {"status": "ok"}], ids=["without status", "with status"])
def test_reply_with_and_without_status(client, status):
    cell = client.execute("print(input())", allow_stdin=True)
    answer(client, question(client), "x", **status)
    assert client.finish(cell).text() == "x\n"


@pytest.mark.parametrize("value", ["", "a\nb", "😀", " spaces ", "x" * 100_000])
def test_values(client, value):
    cell = client.execute("got = input()", allow_stdin=True)
    answer(client, question(client), value)
    client.finish(cell).ok()
    assert client.run(f"got == {value!r}").outputs == [("execute_result", "True")]


def test_several_questions(client):
    cell = client.execute("print([input(f'{i}? ') for i in range(3)])", allow_stdin=True)
    for i in range(3):
        asked = question(client, i + 1)
        assert asked.content["prompt"] == f"{i}? "
        answer(client, asked, str(i * i))
    assert client.finish(cell).text() == "['0', '1', '4']\n"


def test_output_is_flushed_before_the_question(client):
    cell = client.execute("print('before', end=''); input()", allow_stdin=True)
    asked = question(client)
    client.wait(cell, ("stream", "stdout", "before"), 1)
    answer(client, asked, "")
    client.finish(cell)


@pytest.mark.parametrize("allow", [False, ...], ids=["false", "absent"])
def test_not_allowed_is_an_error_at_once(client, allow):
    fields = {} if allow is ... else {"allow_stdin": allow}
    if allow is ...:
        # Absent: the specification leaves it to the kernel; a question or an error, never a hang.
        cell = client.execute("input('? ')", **fields)
        client.until(lambda: client.received["stdin"] or client.replies(cell), 5, "a question or an error")
        if client.received["stdin"]:
            answer(client, client.received["stdin"][0], "x")
        client.finish(cell)
        return
    run = client.run("input('? ')", timeout=5, **fields)
    assert run.status == "error" and run.outputs == [("error", run.error["ename"])]
    assert "StdinNotImplementedError" in run.error["ename"]
    assert client.received["stdin"] == []


def test_not_allowed_password(client):
    run = client.run("import getpass; getpass.getpass()", timeout=5, allow_stdin=False)
    assert run.status == "error" and client.received["stdin"] == []


def test_reading_sys_stdin_does_not_hang(client):
    run = client.run("import sys; print(repr(sys.stdin.read()))", timeout=5, allow_stdin=False)
    assert run.status == "error" or run.text() == "''\n"


def test_child_process_finds_stdin_at_its_end(client):
    assert client.run("import subprocess; print(subprocess.run(['cat']).returncode)", timeout=10).text() == "0\n"
    assert client.run("#!bash\ncat; echo done", timeout=10).text() == "done\n"


def test_end_of_file(client):
    cell = client.execute("try: input()\nexcept EOFError: print('end')", allow_stdin=True)
    answer(client, question(client), "\x04")
    assert client.finish(cell).text() == "end\n"


def test_interrupt_while_waiting(client):
    cell = client.execute("input('? ')", allow_stdin=True)
    question(client)
    client.ask("interrupt_request", channel="control")
    run = client.finish(cell, 5)
    assert run.outputs == [("error", "KeyboardInterrupt")]


def test_stale_reply_is_discarded(client):
    """An answer that comes after its question was interrupted is not taken for the next one's."""
    cell = client.execute("input('first ')", allow_stdin=True)
    stale = question(client)
    client.ask("interrupt_request", channel="control")
    client.finish(cell)
    answer(client, stale, "stale")
    cell = client.execute("print(input('second '))", allow_stdin=True)
    asked = question(client, 2)
    assert asked.content["prompt"] == "second "
    answer(client, asked, "right")
    assert client.finish(cell).text() == "right\n"


def test_answer_to_no_question_is_discarded(client):
    client.send("stdin", "input_reply", {"value": "nobody asked"})
    client.ask("kernel_info_request")
    cell = client.execute("print(input())", allow_stdin=True)
    answer(client, question(client), "asked")
    assert client.finish(cell).text() == "asked\n"


def test_reply_with_the_request_as_parent(client):
    """jupyter_client's console leaves the parent header of its answers empty; others name the cell."""
    for parent in ({}, None):
        cell = client.execute("print(input())", allow_stdin=True)
        count = len(client.received["stdin"]) + 1
        question(client, count)
        client.send("stdin", "input_reply", {"value": "v"}, parent=client.sent[cell] if parent is None else parent)
        assert client.finish(cell).text() == "v\n"


def test_malformed_reply_is_not_an_answer(client):
    cell = client.execute("print(input())", allow_stdin=True)
    asked = question(client)
    client.send("stdin", "input_reply", {}, parent=asked.header)
    client.send("stdin", "nonsense", {"value": "no"}, parent=asked.header)
    answer(client, asked, "yes")
    run = client.finish(cell)
    assert run.status == "error" or run.text() in ("yes\n", "\n")


def test_the_client_that_asked_is_asked(client, second):
    cell = second.execute("print(input('who? '))", allow_stdin=True)
    asked = question(second)
    client.settle(0.1)
    assert client.received["stdin"] == []
    answer(second, asked, "second")
    assert second.finish(cell).text() == "second\n"


def test_answer_of_another_client_does_not_count(client, second):
    cell = client.execute("print(input())", allow_stdin=True)
    asked = question(client)
    second.send("stdin", "input_reply", {"value": "intruder"}, parent=asked.header)
    second.ask("kernel_info_request", channel="control")
    answer(client, asked, "owner")
    assert client.finish(cell).text() == "owner\n"


def test_identities_behind_the_client_s_own_need_not_come_back(client):
    cell = client.send(
        "shell", "execute_request", {"code": "print(input())", "allow_stdin": True}, identities=[b"behind", b"it"]
    )
    asked = question(client)
    assert asked.identities == [b"behind", b"it"]
    answer(client, asked, "x")
    assert client.finish(cell).text() == "x\n"


def test_question_waits_for_a_stdin_socket_that_connects_late(launch):
    kernel = launch()
    fresh = kernel.client(without=("stdin",))
    cell = fresh.execute("print(input())", allow_stdin=True)
    poll(lambda: "nobody takes a question yet" in kernel.stderr(), 50, "the kernel's word that nobody is there")
    late = fresh.context.socket(zmq.DEALER)
    late.identity = fresh.identity
    late.connect(endpoint(fresh.info, "stdin"))
    fresh.sockets["stdin"] = late
    answer(fresh, question(fresh), "x")
    assert fresh.finish(cell).text() == "x\n"


def test_other_requests_are_answered_while_waiting(client):
    cell = client.execute("input()", allow_stdin=True)
    asked = question(client)
    assert client.ask("kernel_info_request", channel="control", timeout=1).content["status"] == "ok"
    assert client.heartbeat([b"x"]) == [b"x"]
    answer(client, asked, "")
    client.finish(cell).ok()


def test_question_of_bash(client):
    """read -p in bash reads from the front end, or fails at once; it does not hang."""
    cell = client.execute("#!bash\nread -r -p 'name? ' name; echo \"hello $name\"", allow_stdin=True)
    client.until(lambda: client.received["stdin"] or client.replies(cell), 10, "a question or the reply")
    if client.received["stdin"]:
        assert client.received["stdin"][0].content["prompt"] == "name? "
        answer(client, client.received["stdin"][0], "Ada")
        assert client.finish(cell).text() == "hello Ada\n"
    else:
        assert client.finish(cell).text() == "hello \n"


def test_shutdown_while_waiting(fresh):
    fresh.execute("input()", allow_stdin=True)
    question(fresh)
    fresh.ask("shutdown_request", {"restart": False}, channel="control")
    assert fresh.kernel.exit_code(3) == 0
