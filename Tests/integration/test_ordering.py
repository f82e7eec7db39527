"""Status and ordering: busy first, idle last, one after the other, for every message type."""


import pytest

WITH_REPLY = {
    "kernel_info_request": {},
    "execute_request": {"code": "1"},
    "complete_request": {"code": "pri", "cursor_pos": 3},
    "inspect_request": {"code": "len", "cursor_pos": 3, "detail_level": 0},
    "is_complete_request": {"code": "1"},
    "history_request": {"hist_access_type": "tail", "n": 1, "output": False, "raw": True},
    "comm_info_request": {},
    "connect_request": {},
}
WITHOUT_REPLY = {
    "comm_open": {"comm_id": "c0", "target_name": "nobody", "data": {}},
    "comm_msg": {"comm_id": "c1", "data": {}},
    "comm_close": {"comm_id": "c2", "data": {}},
    "frobnicate_request": {"x": 1},
    "frobnicate": {},
}


@pytest.mark.parametrize("msg_type", WITH_REPLY)
def test_busy_reply_idle(client, msg_type):
    msg_id = client.send("shell", msg_type, WITH_REPLY[msg_type])
    reply = client.reply(msg_id)
    client.idle(msg_id)
    client.ask("kernel_info_request")
    assert reply.type == msg_type.removesuffix("_request") + "_reply"
    assert reply.content["status"] in ("ok", "complete")
    assert len(client.replies(msg_id)) == 1
    states = client.transcript(msg_id)
    assert (states[0], states[-1]) == ("busy", "idle")
    assert states.count("busy") == states.count("idle") == 1


@pytest.mark.parametrize("msg_type", WITHOUT_REPLY)
def test_busy_idle_and_no_reply(client, msg_type):
    msg_id = client.send("shell", msg_type, WITHOUT_REPLY[msg_type])
    client.idle(msg_id)
    client.ask("kernel_info_request")
    assert client.replies(msg_id) == []
    states = client.transcript(msg_id)
    assert (states[0], states[-1]) == ("busy", "idle")
    assert states.count("busy") == states.count("idle") == 1


@pytest.mark.parametrize(
    "msg_type, content",
    [
        ("complete_request", {"code": 1}),
        ("inspect_request", {"cursor_pos": 1}),
        ("is_complete_request", {}),
        ("history_request", {"hist_access_type": "nonsense"}),
        ("history_request", {}),
    ],
)
def test_invalid_request_gets_an_error_reply(client, msg_type, content):
    reply = client.ask(msg_type, content)
    assert reply.type == msg_type.removesuffix("_request") + "_reply"
    assert reply.content["status"] == "error"
    assert {"ename", "evalue", "traceback"} <= set(reply.content)
    states = client.transcript(reply.parent_id)
    assert (states[0], states[-1]) == ("busy", "idle")


def test_starting_is_said_once_and_without_parent(launch):
    """The subscriber that is there before the kernel sees it; nothing repeats it."""
    from parley_client import RawClient, connection_info

    info = connection_info()
    with RawClient(info) as early:
        kernel = launch(info=info)
        early.ready()
        early.run("1")
        starting = [m for m in early.received["iopub"] if m.state == "starting"]
        assert [m.parent for m in starting] == [{}]
        assert early.received["iopub"].index(starting[0]) <= 1
        late = kernel.client()
        late.run("1")
        early.run("1")
        assert sum(m.state == "starting" for m in early.received["iopub"]) == 1


def test_requests_are_strictly_sequential(client):
    cells = [client.execute(f"print({i})") for i in range(10)]
    for cell in cells:
        client.finish(cell)
    entries = [(m.parent_id, m.entry()) for m in client.received["iopub"] if m.parent_id in cells]
    assert [parent for parent, entry in entries if entry == "busy"] == cells
    running = None
    for parent, entry in entries:
        if entry == "busy":
            assert running is None
            running = parent
        assert parent == running
        if entry == "idle":
            running = None
    assert [m.parent_id for m in client.received["shell"] if m.parent_id in cells] == cells


def test_mixed_requests_answer_in_order(client):
    sent = [client.send("shell", kind, content) for kind, content in WITH_REPLY.items()]
    for msg_id in sent:
        client.reply(msg_id)
        client.idle(msg_id)
    assert [m.parent_id for m in client.received["shell"] if m.parent_id in sent] == sent


def test_output_comes_before_the_result(client):
    run = client.run("import sys\nsys.stdout.write('no newline')\n5")
    assert run.outputs == [("stream", "stdout", "no newline"), ("execute_result", "5")]


def test_output_comes_before_the_error(client):
    run = client.run("import sys\nsys.stdout.write('a'); sys.stderr.write('b')\n1/0")
    assert run.outputs == [
        ("stream", "stdout", "a"),
        ("stream", "stderr", "b"),
        ("error", "ZeroDivisionError"),
    ]


def test_output_comes_before_idle(client):
    for i in range(50):
        run = client.run(f"print('x' * {i + 1}, end='')")
        assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "x" * (i + 1)), "idle"]


def test_bash_output_comes_before_idle(client):
    for i in range(50):
        run = client.run(f"#!bash\nprintf {i}")
        assert run.transcript == ["busy", "execute_input", ("stream", "stdout", str(i)), "idle"]


def test_output_after_idle_keeps_its_parent(client):
    run = client.run(
        "import threading, time, sys\n"
        "go = threading.Event()\n"
        "def later():\n"
        "    go.wait(10); print('late', flush=True)\n"
        "threading.Thread(target=later).start()"
    )
    assert run.outputs == []
    release = client.execute("go.set()")
    client.finish(release)
    client.wait(run.msg_id, ("stream", "stdout", "late\n"))
    assert client.transcript(release) == ["busy", "execute_input", "idle"]


def test_bash_background_output_is_not_lost(client):
    run = client.run("#!bash\n{ sleep 0.4; echo late; } &")
    assert run.outputs == []
    client.wait(run.msg_id, ("stream", "stdout", "late\n"))


def test_no_status_for_queries_on_control(client):
    """They would make front ends show idle while a cell runs."""
    sent = [
        client.send("control", kind)
        for kind in ("kernel_info_request", "usage_request", "list_subshell_request")
    ]
    for msg_id in sent:
        client.reply(msg_id, channel="control")
    client.ask("kernel_info_request")
    assert [client.transcript(msg_id) for msg_id in sent] == [[], [], []]


def test_control_answers_in_order(client):
    sent = [client.send("control", "kernel_info_request" if i % 2 else "usage_request") for i in range(20)]
    for msg_id in sent:
        client.reply(msg_id, channel="control")
    assert [m.parent_id for m in client.received["control"]] == sent


def test_unknown_type_on_control_is_ignored(client):
    client.send("control", "frobnicate_request")
    client.ask("kernel_info_request", channel="control")
    assert [m.type for m in client.received["control"]] == ["kernel_info_reply"]


def test_many_small_requests_get_one_idle_each(client):
    sent = [client.send("shell", "comm_info_request") for _ in range(300)]
    for msg_id in sent:
        client.idle(msg_id)
    assert all(client.transcript(msg_id) == ["busy", "idle"] for msg_id in sent)
