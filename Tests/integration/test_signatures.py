"""Message signatures: every scheme, verified before anything else, never fatal."""

import pytest

from parley_client import DELIMITER, connection_info

SCHEMES = ["hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha1", "hmac-md5"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scheme(launch, scheme):
    client = launch(info=connection_info(signature_scheme=scheme)).client()
    assert client.run("print(1)").transcript == ["busy", "execute_input", ("stream", "stdout", "1\n"), "idle"]
    assert client.ask("kernel_info_request", channel="control").content["status"] == "ok"


def test_empty_key_signs_and_checks_nothing(launch):
    client = launch(info=connection_info(key="")).client()
    run = client.run("1")
    assert {m.signature for m in [run.reply, *run.messages]} == {b""}
    header = client.header("kernel_info_request")
    frames = client.frames(header, {})
    frames[1] = b"whatever"
    client.sockets["shell"].send_multipart(frames)
    assert client.reply(header["msg_id"]).content["status"] == "ok"


@pytest.mark.parametrize("key", ["clé-ключ-😀", "k", "x" * 1000], ids=["unicode", "short", "long"])
def test_key_is_its_utf8_bytes(launch, key):
    client = launch(info=connection_info(key=key)).client()
    assert client.ask("kernel_info_request").content["status"] == "ok"


def test_scheme_may_be_missing(launch):
    info = connection_info()
    del info["signature_scheme"]
    assert launch(info=info).client().ask("kernel_info_request").content["status"] == "ok"


def forge(kind, frames):
    signature = frames[1]
    forged = {
        "wrong": b"0" * 64,
        "empty": b"",
        "truncated": signature[:-1],
        "extended": signature + b"0",
        "uppercase": signature.upper(),
        "not hex": b"\xff" * 64,
        "raw digest": bytes.fromhex(signature.decode()),
        "one bit": signature[:-1] + (b"0" if signature[-1:] != b"0" else b"1"),
        "huge": b"a" * 1_000_000,
    }[kind]
    return [frames[0], forged, *frames[2:]]


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize(
    "kind", ["wrong", "empty", "truncated", "extended", "not hex", "raw digest", "one bit", "huge"]
)
def test_forged_message_is_dropped(client, channel, kind):
    """No reply, no status, no effect; and the kernel lives."""
    header = client.header("execute_request" if channel == "shell" else "shutdown_request")
    content = {"code": "forged = True"} if channel == "shell" else {"restart": False}
    client.sockets[channel].send_multipart(forge(kind, client.frames(header, content)))
    assert client.ask("kernel_info_request", channel=channel).content["status"] == "ok"
    assert client.replies(header["msg_id"], channel) == []
    assert client.of(header["msg_id"]) == []
    assert client.run("'forged' in globals()").outputs == [("execute_result", "False")]


@pytest.mark.parametrize("part", range(4))
def test_each_part_is_covered_by_the_signature(client, part):
    header = client.header("execute_request")
    frames = client.frames(header, {"code": "tampered = True"}, metadata={"a": 1})
    frames[2 + part] = frames[2 + part].replace(b"{", b"{ ", 1)
    client.sockets["shell"].send_multipart(frames)
    client.ask("kernel_info_request")
    assert client.replies(header["msg_id"]) == []
    assert client.run("'tampered' in globals()").outputs == [("execute_result", "False")]


def test_buffers_are_not_signed(client):
    msg_id = client.send(
        "shell", "comm_msg", {"comm_id": "none", "data": {}}, buffers=[b"\x00\x01", b"", b"x" * 100_000]
    )
    client.idle(msg_id)
    info = client.send("shell", "kernel_info_request", buffers=[b"unsigned"])
    assert client.reply(info).content["status"] == "ok"


def test_duplicate_is_dropped(client):
    client.run("times = 0")
    header = client.header("execute_request")
    frames = client.frames(header, {"code": "times += 1"})
    for _ in range(3):
        client.sockets["shell"].send_multipart(frames)
    client.reply(header["msg_id"])
    assert client.run("times").outputs == [("execute_result", "1")]
    assert len(client.replies(header["msg_id"])) == 1
    assert client.transcript(header["msg_id"]).count("busy") == 1


def test_duplicate_is_dropped_on_another_channel_too(client):
    header = client.header("kernel_info_request")
    frames = client.frames(header, {})
    client.sockets["shell"].send_multipart(frames)
    client.reply(header["msg_id"])
    client.sockets["control"].send_multipart(frames)
    client.ask("kernel_info_request", channel="control")
    assert client.replies(header["msg_id"], "control") == []


def test_forged_copy_does_not_burn_the_signature(client):
    """A message whose forged twin came first is still taken."""
    header = client.header("kernel_info_request")
    frames = client.frames(header, {})
    client.sockets["shell"].send_multipart([*frames[:2], *(part + b" " for part in frames[2:])])
    client.sockets["shell"].send_multipart(frames)
    assert client.reply(header["msg_id"]).content["status"] == "ok"


def test_the_key_is_never_logged(launch):
    kernel = launch(info=connection_info(key="do-not-tell-0123456789"))
    client = kernel.client()
    for channel in ("shell", "control", "stdin"):
        client.sockets[channel].send_multipart([DELIMITER, b"0" * 64, b"{}", b"{}", b"{}", b"{}"])
    client.run("1/0")
    assert "do-not-tell" not in kernel.stderr()
