"""CurveZMQ: keys in the connection file encrypt all five sockets."""

import pytest
import zmq

from parley_client import CHANNELS, RawClient, connection_info, endpoint


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_required_by_the_kernel_manager(managed, transport):
    kernel = managed("python", transport_encryption="required", transport=transport)
    outputs = []
    reply = kernel.client.execute_interactive("print('secret')", timeout=20, output_hook=outputs.append)
    assert reply["content"]["status"] == "ok"
    assert [m["content"]["text"] for m in outputs if m["msg_type"] == "stream"] == ["secret\n"]
    assert kernel.client.is_alive()
    info = kernel.manager.get_connection_info()
    assert info["curve_publickey"] and info["curve_secretkey"]


def test_plaintext_client_gets_nothing(managed):
    kernel = managed("python", transport_encryption="required")
    info = kernel.manager.get_connection_info()
    info["key"] = info["key"].decode() if isinstance(info["key"], bytes) else info["key"]
    with RawClient(info) as plain:
        for channel in ("shell", "control"):
            plain.send(channel, "kernel_info_request")
        kernel.client.execute_interactive("print('seen by whom?')", timeout=20, output_hook=lambda m: None)
        plain.settle(1)
        assert not any(plain.received.values())
        with plain.context.socket(zmq.REQ) as s:
            s.linger = 0
            s.connect(endpoint(info, "hb"))
            s.send(b"ping")
            assert not s.poll(500)
    assert kernel.client.execute_interactive("1", timeout=20)["content"]["status"] == "ok"


def test_keys_survive_a_restart(managed):
    kernel = managed("python", transport_encryption="required")
    before = kernel.manager.get_connection_info()["curve_publickey"]
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=30)
    assert kernel.manager.get_connection_info()["curve_publickey"] == before
    assert kernel.client.execute_interactive("1", timeout=20)["content"]["status"] == "ok"


@pytest.fixture
def encrypted(launch):
    public, secret = zmq.curve_keypair()
    info = connection_info(curve_publickey=public.decode(), curve_secretkey=secret.decode())
    launch(info=info)
    context = zmq.Context()
    yield info, context
    context.destroy(0)


def connect(context, info, channel, kind, server_key=None):
    s = context.socket(kind)
    s.linger = 0
    s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
    s.curve_serverkey = server_key or info["curve_publickey"].encode()
    s.connect(endpoint(info, channel))
    return s


def test_a_client_with_a_key_pair_of_its_own(encrypted):
    """Whoever knows the server's public key is let in; there is no list of clients."""
    info, context = encrypted
    hb = connect(context, info, "hb", zmq.REQ)
    hb.send(b"ping")
    assert hb.poll(5000) and hb.recv() == b"ping"
    sub = connect(context, info, "iopub", zmq.SUB)
    sub.subscribe(b"")
    assert sub.poll(5000) and b"iopub_welcome" in b"".join(sub.recv_multipart())


@pytest.mark.parametrize("channel", CHANNELS)
def test_wrong_server_key_is_refused(encrypted, channel):
    info, context = encrypted
    good = connect(context, info, "hb", zmq.REQ)
    good.send(b"ping")
    assert good.poll(5000)
    other, _ = zmq.curve_keypair()
    s = connect(context, info, channel, zmq.SUB if channel == "iopub" else zmq.DEALER, other)
    if channel == "iopub":
        s.subscribe(b"")
    else:
        s.send_multipart([b"", b"ping"])
    assert not s.poll(700)


def test_half_a_key_pair_is_an_error(launch):
    public, _ = zmq.curve_keypair()
    kernel = launch(info=connection_info(curve_publickey=public.decode()))
    assert kernel.exit_code(5) > 0
    assert "curve_secretkey" in kernel.stderr()
    assert len(kernel.stderr().strip().splitlines()) == 1
