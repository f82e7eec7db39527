"""Subshells: created on control, addressed in the header, sequential within and concurrent across."""

import pytest


@pytest.fixture
def subshell(client):
    subshell_id = client.ask("create_subshell_request", channel="control").content["subshell_id"]
    yield subshell_id
    client.ask("delete_subshell_request", {"subshell_id": subshell_id}, channel="control")


def listed(client):
    return client.ask("list_subshell_request", channel="control").content["subshell_id"]


def test_create_list_delete(client):
    before = listed(client)
    made = [client.ask("create_subshell_request", channel="control").content for _ in range(3)]
    ids = [content["subshell_id"] for content in made]
    assert all(content["status"] == "ok" for content in made)
    assert len(set(ids)) == 3 and all(isinstance(i, str) and i for i in ids)
    assert sorted(listed(client)) == sorted(before + ids)
    for i in ids:
        assert client.ask("delete_subshell_request", {"subshell_id": i}, channel="control").content["status"] == "ok"
    assert listed(client) == before


@pytest.mark.parametrize("content", [{"subshell_id": "no such"}, {}, {"subshell_id": 5}, {"subshell_id": None}])
def test_delete_of_an_unknown_one_is_an_error(client, content):
    reply = client.ask("delete_subshell_request", content, channel="control").content
    assert reply["status"] == "error"
    assert {"ename", "evalue", "traceback"} <= set(reply)


def test_routed_by_the_header(client, subshell):
    run = client.run("print('there')", subshell_id=subshell)
    assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "there\n"), "idle"]
    assert run.reply.parent["subshell_id"] == subshell
    assert all(m.parent["subshell_id"] == subshell for m in run.messages)


def test_null_is_the_main_shell(client):
    assert client.run("1", subshell_id=None).outputs == [("execute_result", "1")]


def test_variables_are_shared(client, subshell):
    client.run("shared = 1")
    assert client.run("shared", subshell_id=subshell).outputs == [("execute_result", "1")]
    client.run("shared = 2", subshell_id=subshell)
    assert client.run("shared").outputs == [("execute_result", "2")]


def test_runs_while_the_main_shell_is_busy(client, subshell):
    main = client.execute("import threading; go = threading.Event(); print('in', flush=True); print(go.wait(4))")
    client.wait(main, ("stream", "stdout", "in\n"))
    assert client.run("go.set(); print('set')", subshell_id=subshell).outputs == [("stream", "stdout", "set\n")]
    assert client.finish(main).outputs == [("stream", "stdout", "in\nTrue\n")]


def test_main_shell_runs_while_a_subshell_is_busy(client, subshell):
    # A name of its own: the other tests of the module share the namespace.
    side = client.execute("import threading; leave = threading.Event(); print(leave.wait(20))", subshell_id=subshell)
    client.wait(side, "execute_input")
    client.until(lambda: client.run("'leave' in globals()").outputs == [("execute_result", "True")], 5, "side started")
    assert client.run("leave.set()").status == "ok"
    assert client.finish(side).text() == "True\n"


def test_bash_in_a_subshell_while_python_is_busy(client, subshell):
    client.run("#!bash\ntrue")
    main = client.execute("import time; print('in', flush=True); time.sleep(1.5)")
    client.wait(main, ("stream", "stdout", "in\n"))
    assert client.run("#!bash\necho side", subshell_id=subshell).outputs == [("stream", "stdout", "side\n")]
    assert client.replies(main) == []
    client.finish(main).ok()


def test_sequential_within_one(client, subshell):
    cells = [client.execute(f"print({i})", subshell_id=subshell) for i in range(10)]
    for cell in cells:
        client.finish(cell)
    states = [(m.parent_id, m.state) for m in client.received["iopub"] if m.parent_id in cells and m.state]
    assert states == [(cell, state) for cell in cells for state in ("busy", "idle")]


def test_queries_of_a_subshell(client, subshell):
    for msg_type, content in {
        "kernel_info_request": {},
        "complete_request": {"code": "impor", "cursor_pos": 5},
        "inspect_request": {"code": "len", "cursor_pos": 3},
        "is_complete_request": {"code": "1"},
        "history_request": {"hist_access_type": "tail", "n": 1},
        "comm_info_request": {},
    }.items():
        reply = client.ask(msg_type, content, subshell_id=subshell)
        assert reply.content["status"] in ("ok", "complete"), (msg_type, reply.content)
        assert reply.parent["subshell_id"] == subshell


def test_counter_is_its_own(client, subshell):
    main = client.run("pass").count
    assert [client.run("pass", subshell_id=subshell).count for _ in range(3)] == [1, 2, 3]
    assert client.run("pass").count == main + 1


def test_stop_on_error_stays_within(client, subshell):
    failing = client.execute("import time; time.sleep(0.3); 1/0", subshell_id=subshell)
    aborted = client.execute("print('no')", subshell_id=subshell)
    other = client.execute("print('yes')")
    assert client.finish(failing).status == "error"
    assert client.finish(aborted).status == "error"
    assert client.finish(other).outputs == [("stream", "stdout", "yes\n")]


@pytest.mark.parametrize(
    "msg_type, content",
    [
        ("execute_request", {"code": "1"}),
        ("complete_request", {"code": "a", "cursor_pos": 1}),
        ("inspect_request", {"code": "a", "cursor_pos": 1}),
        ("is_complete_request", {"code": "1"}),
        ("history_request", {"hist_access_type": "tail", "n": 1}),
        ("comm_info_request", {}),
        ("kernel_info_request", {}),
    ],
)
def test_unknown_subshell(client, msg_type, content):
    reply = client.ask(msg_type, content, subshell_id="no such")
    assert reply.type == msg_type.removesuffix("_request") + "_reply"
    assert reply.content["status"] == "error"
    assert {"ename", "evalue", "traceback"} <= set(reply.content)
    assert client.transcript(reply.parent_id)[0] == "busy"
    assert client.transcript(reply.parent_id)[-1] == "idle"


def test_comm_message_to_an_unknown_subshell(client):
    msg_id = client.send("shell", "comm_msg", {"comm_id": "c", "data": {}}, subshell_id="no such")
    client.idle(msg_id)
    assert client.transcript(msg_id)[0] == "busy" and client.transcript(msg_id)[-1] == "idle"


def test_deleted_subshell_is_unknown(client):
    made = client.ask("create_subshell_request", channel="control").content["subshell_id"]
    client.run("pass", subshell_id=made).ok()
    client.ask("delete_subshell_request", {"subshell_id": made}, channel="control")
    assert client.run("print('no')", subshell_id=made).status == "error"


def test_input_in_a_subshell(client, subshell):
    cell = client.execute("print(input('side? '))", subshell_id=subshell, allow_stdin=True)
    question = client.until(lambda: client.received["stdin"], 5, "input_request")[-1]
    assert question.parent["msg_id"] == cell
    client.send("stdin", "input_reply", {"value": "answer"}, parent=question.header, subshell_id=subshell)
    assert client.finish(cell).outputs == [("stream", "stdout", "answer\n")]


def test_twenty_subshells(client):
    made = [client.ask("create_subshell_request", channel="control").content["subshell_id"] for _ in range(20)]
    cells = [client.execute(f"print({i})", subshell_id=subshell) for i, subshell in enumerate(made)]
    assert [client.finish(cell).text() for cell in cells] == [f"{i}\n" for i in range(20)]
    for subshell in made:
        client.ask("delete_subshell_request", {"subshell_id": subshell}, channel="control")
