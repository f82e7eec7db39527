"""Comms: opened by either side, routed to the language that owns the target, buffers whole."""

import sys
import uuid

import pytest

TARGET = (
    "from comm import get_comm_manager, create_comm\n"
    "comms = []\n"
    "def on_open(comm, msg):\n"
    "    comms.append(comm)\n"
    "    print('opened', msg['content']['data'])\n"
    "    def on_msg(msg):\n"
    "        print('got', msg['content']['data'], [bytes(b) for b in msg.get('buffers', [])])\n"
    "        comm.send({'echo': msg['content']['data']}, buffers=[bytes(b)[::-1] for b in msg.get('buffers', [])])\n"
    "    comm.on_msg(on_msg)\n"
    "    comm.on_close(lambda msg: print('closed', msg['content']['data']))\n"
    "get_comm_manager().register_target('it.echo', on_open)"
)


@pytest.fixture
def target(client):
    client.run(TARGET).ok()
    return "it.echo"


def send(client, msg_type, content, **kw):
    msg_id = client.send("shell", msg_type, {"data": {}, **content}, **kw)
    client.idle(msg_id)
    assert client.replies(msg_id) == []
    return msg_id


def comms(client, **content):
    return client.ask("comm_info_request", content).content["comms"]


def test_unknown_target_is_closed_on_iopub(client):
    comm_id = uuid.uuid4().hex
    msg_id = send(client, "comm_open", {"comm_id": comm_id, "target_name": "nobody.knows.this"})
    (close,) = [m for m in client.of(msg_id) if m.type == "comm_close"]
    assert close.content["comm_id"] == comm_id
    assert client.transcript(msg_id)[0] == "busy" and client.transcript(msg_id)[-1] == "idle"
    assert comm_id not in comms(client)


def test_opened_while_the_language_starts(launch, tmp_path):
    # A front end opens its comms as soon as it has connected.
    gate, python = tmp_path / "gate", tmp_path / "python"
    python.write_text(f'#!/bin/sh\nwhile [ ! -e "{gate}" ]; do sleep 0.05; done\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    client = launch(env={"PARLEY_PYTHON": str(python)}).client()
    opened = client.send("shell", "comm_open", {"comm_id": "c", "target_name": "nobody.knows.this", "data": {}})
    client.wait(opened, "busy")
    gate.touch()
    client.idle(opened)
    assert client.transcript(opened) == ["busy", "comm_close", "idle"]
    assert comms(client) == {}


@pytest.mark.parametrize("msg_type", ["comm_msg", "comm_close"])
def test_unknown_comm_is_ignored(client, msg_type):
    msg_id = send(client, msg_type, {"comm_id": "nobody"})
    assert client.transcript(msg_id) == ["busy", "idle"]


def test_open_message_close(client, target):
    comm_id = uuid.uuid4().hex
    opened = send(client, "comm_open", {"comm_id": comm_id, "target_name": target, "data": {"n": 1}})
    assert client.transcript(opened) == ["busy", ("stream", "stdout", "opened {'n': 1}\n"), "idle"]
    assert comms(client, target_name=target) == {comm_id: {"target_name": target}}

    buffers = [b"\x00\x01\xff", b"", b"abc" * 1000]
    sent = send(client, "comm_msg", {"comm_id": comm_id, "data": {"x": "ü"}}, buffers=buffers)
    (echo,) = [m for m in client.of(sent) if m.type == "comm_msg"]
    assert echo.content == {"comm_id": comm_id, "data": {"echo": {"x": "ü"}}}
    assert echo.buffers == [buffer[::-1] for buffer in buffers]

    closed = send(client, "comm_close", {"comm_id": comm_id, "data": {"bye": 1}})
    assert ("stream", "stdout", "closed {'bye': 1}\n") in client.transcript(closed)
    assert comm_id not in comms(client)


def test_opened_by_the_language(client):
    run = client.run(
        "from comm import create_comm\n"
        "mine = create_comm(target_name='front', data={'a': [1, None]}, metadata={'m': 1}, buffers=[b'\\x00raw'])"
    )
    opened = run.only("comm_open")
    assert opened.content["target_name"] == "front"
    assert opened.content["data"] == {"a": [1, None]}
    assert opened.metadata == {"m": 1}
    assert opened.buffers == [b"\x00raw"]
    comm_id = opened.content["comm_id"]
    assert comms(client)[comm_id] == {"target_name": "front"}

    client.run("heard = []; mine.on_msg(lambda msg: heard.append(msg['content']['data']))")
    send(client, "comm_msg", {"comm_id": comm_id, "data": {"from": "front end"}})
    assert client.run("heard").outputs == [("execute_result", "[{'from': 'front end'}]")]
    closed = client.run("mine.send({'k': 1}); mine.close({'last': True})")
    assert closed.only("comm_msg").content["data"] == {"k": 1}
    assert closed.only("comm_close").content["data"] == {"last": True}
    assert comm_id not in comms(client)


def test_comm_info_filters_by_target(client, target):
    a, b = uuid.uuid4().hex, uuid.uuid4().hex
    send(client, "comm_open", {"comm_id": a, "target_name": target})
    run = client.run("from comm import create_comm\nother = create_comm(target_name='other.target', comm_id=%r)" % b)
    run.ok()
    assert set(comms(client)) >= {a, b}
    assert set(comms(client, target_name="other.target")) == {b}
    assert comms(client, target_name="none.of.them") == {}
    for comm_id in (a, b):
        send(client, "comm_close", {"comm_id": comm_id})


def test_failing_handler_costs_nothing(client):
    client.run(
        "from comm import get_comm_manager\n"
        "get_comm_manager().register_target('it.fails', lambda comm, msg: 1/0)"
    )
    msg_id = send(client, "comm_open", {"comm_id": "f" * 32, "target_name": "it.fails"})
    assert client.transcript(msg_id)[-1] == "idle"
    assert client.run("1").outputs == [("execute_result", "1")]


def test_large_buffers(client, target):
    comm_id = uuid.uuid4().hex
    send(client, "comm_open", {"comm_id": comm_id, "target_name": target})
    client.run("comms[-1].on_msg(lambda msg: comms[-1].send({}, buffers=msg['buffers']))")
    body = bytes(range(256)) * 16 * 1024
    sent = send(client, "comm_msg", {"comm_id": comm_id}, buffers=[body, body[::-1]])
    (echo,) = [m for m in client.of(sent) if m.type == "comm_msg"]
    assert echo.buffers == [body, body[::-1]]


def test_both_clients_see_comm_messages(client, second, target):
    comm_id = uuid.uuid4().hex
    send(client, "comm_open", {"comm_id": comm_id, "target_name": target})
    sent = send(client, "comm_msg", {"comm_id": comm_id, "data": {"to": "all"}})
    second.idle(sent)
    assert second.transcript(sent) == client.transcript(sent)


def test_messages_keep_their_order(client, target):
    comm_id = uuid.uuid4().hex
    send(client, "comm_open", {"comm_id": comm_id, "target_name": target})
    client.run("seen = []; comms[-1].on_msg(lambda msg: seen.append(msg['content']['data']['i']))")
    sent = [client.send("shell", "comm_msg", {"comm_id": comm_id, "data": {"i": i}}) for i in range(200)]
    for msg_id in sent:
        client.idle(msg_id)
    assert client.run("seen == list(range(200))").outputs == [("execute_result", "True")]


def test_widget(client):
    run = client.run("import ipywidgets as w\ns = w.IntSlider(value=3)\ns", timeout=60)
    models = [m.content["comm_id"] for m in run.messages if m.type == "comm_open"]
    view = run.only("display_data" if any(m.type == "display_data" for m in run.messages) else "execute_result")
    model = view.content["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert model in models
    update = {"method": "update", "state": {"value": 7}, "buffer_paths": []}
    send(client, "comm_msg", {"comm_id": model, "data": update})
    assert client.run("s.value").outputs == [("execute_result", "7")]


def test_comms_of_a_language_that_died_are_closed(client, target):
    comm_id = uuid.uuid4().hex
    send(client, "comm_open", {"comm_id": comm_id, "target_name": target})
    client.run("import os; os._exit(1)")
    client.run("1")
    assert comm_id not in comms(client)
    again = send(client, "comm_open", {"comm_id": uuid.uuid4().hex, "target_name": target})
    assert "comm_close" in client.transcript(again)
