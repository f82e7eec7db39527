"""Start-up by registration: the kernel picks its ports and tells them to whoever started it."""

import json
import os
import secrets
import signal
import uuid

import pytest
import zmq

from parley_client import DELIMITER, PORTS, Message, Signer, now


@pytest.fixture
def registrar():
    """Binds the registration socket; close() at the end."""
    context = zmq.Context()

    def bind(kind):
        s = context.socket(kind)
        s.linger = 0
        port = s.bind_to_random_port("tcp://127.0.0.1")
        return s, port

    yield bind
    context.destroy(0)


def registration(port, **fields):
    return {
        "transport": "tcp",
        "signature_scheme": "hmac-sha256",
        "key": secrets.token_hex(16),
        **fields,
    }


def start(launch, tmp_path, content):
    file = tmp_path / "registration.json"
    file.write_text(json.dumps(content))
    return launch(file=file, info={})


@pytest.mark.parametrize("number", [int, str], ids=["port a number", "port a string"])
def test_handshake_of_the_specification(launch, tmp_path, registrar, number):
    """DEALER; one signed frame with the ports as strings; a signed frame acknowledges it."""
    s, port = registrar(zmq.ROUTER)
    kernel_id = str(uuid.uuid4())
    file = registration(port, kernel_id=kernel_id, registration_ip="127.0.0.1", registration_port=number(port))
    kernel = start(launch, tmp_path, file)
    assert s.poll(5000), "no registration" + kernel.describe()
    frames = s.recv_multipart()
    at = frames.index(DELIMITER)
    signature, body = frames[at + 1 :]
    sign = Signer(file)
    assert signature == sign(body)
    told = json.loads(body)
    assert told["kernel_id"] == kernel_id
    assert all(isinstance(told[name], str) and int(told[name]) > 0 for name in PORTS)
    ack = b"{}"
    s.send_multipart([*frames[:at], DELIMITER, sign(ack), ack])
    kernel.info = {**file, "ip": "127.0.0.1", **{name: int(told[name]) for name in PORTS}}
    assert kernel.client().run("6 * 7").outputs == [("execute_result", "42")]


@pytest.mark.parametrize("number", [int, str], ids=["port a number", "port a string"])
def test_handshake_of_positron(launch, tmp_path, registrar, number):
    """REQ; a full handshake_request message with integer ports; handshake_reply ends it."""
    s, port = registrar(zmq.REP)
    file = registration(port, ip="127.0.0.1", registration_port=number(port))
    kernel = start(launch, tmp_path, file)
    assert s.poll(5000), "no registration" + kernel.describe()
    sign = Signer(file)
    request = Message("registration", s.recv_multipart(), sign)
    assert request.type == "handshake_request"
    told = request.content
    assert all(isinstance(told[name], int) and told[name] > 0 for name in PORTS)
    header = {
        "msg_id": uuid.uuid4().hex,
        "session": "front end",
        "username": "u",
        "date": now(),
        "msg_type": "handshake_reply",
        "version": "5.3",
    }
    parts = [json.dumps(part).encode() for part in (header, request.header, {}, {"status": "ok"})]
    s.send_multipart([DELIMITER, sign(*parts), *parts])
    kernel.info = {**file, **{name: told[name] for name in PORTS}}
    assert kernel.client().run("6 * 7").outputs == [("execute_result", "42")]


def test_sockets_are_bound_before_the_ports_are_told(launch, tmp_path, registrar):
    import socket

    s, port = registrar(zmq.ROUTER)
    file = registration(port, kernel_id="k", registration_ip="127.0.0.1", registration_port=port)
    start(launch, tmp_path, file)
    assert s.poll(5000)
    told = json.loads(s.recv_multipart()[-1])
    for name in PORTS:
        socket.create_connection(("127.0.0.1", int(told[name])), timeout=1).close()


def test_sigterm_while_nobody_acknowledges(launch, tmp_path, registrar):
    s, port = registrar(zmq.ROUTER)
    kernel = start(launch, tmp_path, registration(port, kernel_id="k", registration_ip="127.0.0.1", registration_port=port))
    assert s.poll(5000)
    os.kill(kernel.pid, signal.SIGTERM)
    assert kernel.exit_code(2) > 0
    assert "signal" in kernel.stderr()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["silence", "forged"])
def test_gives_up_without_an_acknowledgement(launch, tmp_path, registrar, answer):
    s, port = registrar(zmq.ROUTER)
    file = registration(port, kernel_id="k", registration_ip="127.0.0.1", registration_port=port)
    kernel = start(launch, tmp_path, file)
    assert s.poll(5000)
    frames = s.recv_multipart()
    if answer == "forged":
        s.send_multipart([*frames[: frames.index(DELIMITER)], DELIMITER, b"0" * 64, b"{}"])
    assert kernel.exit_code(15) > 0
    assert len(kernel.stderr().strip().splitlines()) >= 1


@pytest.mark.slow
def test_gives_up_when_nobody_listens(launch, tmp_path):
    file = registration(1, kernel_id="k", registration_ip="127.0.0.1", registration_port=1)
    kernel = start(launch, tmp_path, file)
    assert kernel.exit_code(15) > 0
    assert "127.0.0.1" in kernel.stderr() or "registration" in kernel.stderr()
