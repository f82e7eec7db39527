"""Headers: what goes out is exact, what comes in may be sloppy."""

import re
import secrets

import pytest

from parley_client import connection_info


def everything(client):
    client.run("print(1); 2")
    client.run("1/0")
    client.run("#!bash\necho x")
    client.ask("complete_request", {"code": "pri", "cursor_pos": 3})
    client.ask("kernel_info_request", channel="control")
    client.send("shell", "comm_open", {"comm_id": "c", "target_name": "nobody", "data": {}})
    client.ask("comm_info_request")
    return [message for messages in client.received.values() for message in messages]


def test_date_is_utc_with_six_digits(client):
    for message in everything(client):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", message.header["date"]), message.header


def test_date_is_the_present(client):
    from datetime import datetime, timezone

    date = client.ask("kernel_info_request").header["date"]
    age = datetime.now(timezone.utc) - datetime.fromisoformat(date.replace("Z", "+00:00"))
    assert abs(age.total_seconds()) < 2


def test_one_session_of_the_kernel_s_own(client, second):
    messages = everything(client) + everything(second)
    sessions = {m.header["session"] for m in messages}
    assert len(sessions) == 1
    assert not sessions & {client.session, second.session}


def test_message_ids_are_unique(client):
    messages = everything(client)
    ids = {m.header["msg_id"] for m in messages}
    assert len(ids) == len(messages) and all(isinstance(i, str) and i for i in ids)
    assert not ids & set(client.sent)


def test_header_fields_are_complete(client):
    for message in everything(client):
        assert {"msg_id", "session", "username", "date", "msg_type", "version"} <= set(message.header)
        assert isinstance(message.header["username"], str)


def raw_header(msg_type, msg_id):
    """As no encoder would write it: odd spaces, escapes, number forms, unknown fields."""
    return (
        '{ "zebra" : [1.0, 1e2,  -0.0, "\\u00e9\\/", {"deep": null}],\t"msg_id":"%s","session":"ses\\u0073ion",'
        ' "username":"ü", "date" : "2026-01-02T03:04:05.6Z","msg_type":"%s",\n "version":"5.4",'
        '"subshell_id":null, "x-long": 12345678901234567890123 }' % (msg_id, msg_type)
    ).encode()


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_parent_header_is_the_request_header_byte_for_byte(client, channel):
    msg_id = secrets.token_hex(8)
    header = raw_header("kernel_info_request", msg_id)
    client.sockets[channel].send_multipart(client.frames(header, {}))
    assert client.reply(msg_id, channel=channel).raw[1] == header


def test_parent_header_of_output_too(client):
    msg_id = secrets.token_hex(8)
    header = raw_header("execute_request", msg_id)
    code = "print(1)\nfrom IPython.display import display\ndisplay(2)\n3/0"
    client.sockets["shell"].send_multipart(client.frames(header, {"code": code}))
    run = client.finish(msg_id)
    assert {m.raw[1] for m in [run.reply, *run.messages]} == {header}
    assert run.outputs == [("stream", "stdout", "1\n"), ("display_data", "2"), ("error", "ZeroDivisionError")]


def test_unknown_header_fields_come_back(client):
    msg_id = client.send("shell", "kernel_info_request", colour="blue", nested={"a": [1, {"b": None}]})
    parent = client.reply(msg_id).parent
    assert parent == client.sent[msg_id]


@pytest.mark.parametrize(
    "date",
    [
        ...,
        None,
        "",
        "yesterday",
        0,
        {},
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05.123456789Z",
        "2026-01-02T03:04:05.1+02:00",
        "9999-99-99T99:99:99Z",
    ],
    ids=["absent", "null", "empty", "word", "number", "object", "day", "naive", "nanoseconds", "offset", "impossible"],
)
def test_any_date_is_accepted(client, date):
    assert client.ask("kernel_info_request", date=date).content["status"] == "ok"


@pytest.mark.parametrize("field", ["username", "version", "session", "date"])
@pytest.mark.parametrize("value", [..., None], ids=["absent", "null"])
def test_optional_header_fields(client, field, value):
    assert client.ask("kernel_info_request", **{field: value}).content["status"] == "ok"
    msg_id = client.execute("1")
    assert client.finish(msg_id).status == "ok"


@pytest.mark.parametrize("version", ["5.0", "5.3", "5.6", "6.0", "", "nonsense"])
def test_any_client_version(client, version):
    assert client.ask("kernel_info_request", version=version).content["status"] == "ok"


def test_request_with_a_parent_header(client):
    parent = client.header("execute_request")
    reply = client.ask("kernel_info_request", parent=parent)
    assert reply.parent["msg_type"] == "kernel_info_request"


@pytest.mark.parametrize("msg_id", ["ä-😀", 'quote"back\\slash', "x" * 10_000, " "], ids=["unicode", "quotes", "long", "space"])
def test_any_text_is_a_message_id(client, msg_id):
    assert client.ask("kernel_info_request", msg_id=msg_id).parent_id == msg_id


def test_ports_may_be_strings(launch):
    info = connection_info()
    client = launch(info={**info, **{k: str(v) for k, v in info.items() if k.endswith("_port")}}).client()
    assert client.run("1").outputs == [("execute_result", "1")]


def test_extra_keys_of_the_connection_file_are_ignored(launch):
    info = connection_info(
        jupyter_session="/home/u/a b.ipynb", kernel_name="x", whatever={"a": [1, None]}, curve_publickey=None
    )
    assert launch(info=info).client().run("1").outputs == [("execute_result", "1")]
