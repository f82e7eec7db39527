"""Several clients on one kernel, identities, reconnection."""

import uuid

import zmq

from parley_client import DELIMITER, Message, endpoint


def test_both_clients_get_everything_on_iopub(client, second):
    mine = client.run("print('a')")
    theirs = second.run("print('b')")
    client.idle(theirs.msg_id)
    second.idle(mine.msg_id)
    for msg_id in (mine.msg_id, theirs.msg_id):
        assert client.transcript(msg_id) == second.transcript(msg_id)
        assert client.transcript(msg_id)[0] == "busy"


def test_replies_go_to_whoever_asked(client, second):
    mine = [client.execute(f"{i}") for i in range(20)]
    theirs = [second.execute(f"{i}") for i in range(20)]
    for a, b in zip(mine, theirs):
        client.reply(a)
        second.reply(b)
    assert {m.parent_id for m in client.received["shell"]} >= set(mine)
    assert not {m.parent_id for m in client.received["shell"]} & set(theirs)
    assert not {m.parent_id for m in second.received["shell"]} & set(mine)


def test_control_replies_go_to_whoever_asked(client, second):
    a = client.send("control", "kernel_info_request")
    b = second.send("control", "kernel_info_request")
    client.reply(a, channel="control")
    second.reply(b, channel="control")
    assert [m.parent_id for m in client.received["control"]] == [a]
    assert [m.parent_id for m in second.received["control"]] == [b]


def test_all_identity_frames_come_back(client):
    hops = [b"", b"hop one", b"\x00\xff", b""]
    for channel in ("shell", "control"):
        msg_id = client.send(channel, "kernel_info_request", identities=hops)
        assert client.reply(msg_id, channel=channel).identities == hops


def test_no_identity_frames(client):
    assert client.ask("kernel_info_request").identities == []


def test_anonymous_dealer(client):
    """A client that sets no identity gets one from ZeroMQ."""
    with client.context.socket(zmq.DEALER) as s:
        s.linger = 0
        s.connect(endpoint(client.info, "shell"))
        s.send_multipart(client.frames(client.header("kernel_info_request"), {}))
        assert s.poll(5000)
        frames = s.recv_multipart()
    assert frames[0] == DELIMITER
    assert Message("shell", frames, client.signer).type == "kernel_info_reply"


def test_req_socket_through_an_empty_frame(client):
    with client.context.socket(zmq.REQ) as s:
        s.linger = 0
        s.connect(endpoint(client.info, "shell"))
        s.send_multipart(client.frames(client.header("kernel_info_request"), {}))
        assert s.poll(5000)
        assert Message("shell", s.recv_multipart(), client.signer).type == "kernel_info_reply"


def test_reconnecting_client_takes_over_its_identity(kernel, client):
    """Handover: the newer connection of the same identity gets the replies."""
    identity = uuid.uuid4().hex.encode()
    old = kernel.client(identity=identity)
    new = kernel.client(identity=identity)
    try:
        for channel in ("shell", "control"):
            assert new.ask("kernel_info_request", channel=channel).content["status"] == "ok"
        assert new.run("print('taken over')").outputs == [("stream", "stdout", "taken over\n")]
        assert new.run("input('? ')", allow_stdin=False).status == "error"
    finally:
        for c in (old, new):
            kernel.clients.remove(c)
            c.close()


def test_client_that_leaves_in_mid_cell_costs_nothing(kernel, client):
    leaving = kernel.client()
    cell = leaving.execute("import time; print('in', flush=True); time.sleep(0.5); print('out')")
    leaving.wait(cell, ("stream", "stdout", "in"))
    kernel.clients.remove(leaving)
    leaving.close()
    client.wait(cell, ("stream", "stdout", "in\nout\n"))
    client.idle(cell)
    assert client.run("1").outputs == [("execute_result", "1")]


def test_ten_clients_come_and_go(kernel, client):
    for i in range(10):
        visitor = kernel.client()
        assert visitor.run(f"print({i})").outputs == [("stream", "stdout", f"{i}\n")]
        kernel.clients.remove(visitor)
        visitor.close()
