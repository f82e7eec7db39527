"""The heartbeat echoes whatever comes, however busy the languages are."""

import time

import pytest
import zmq

from parley_client import endpoint

# Each keeps Python from doing anything else for about one and a half seconds.
STUCK = {
    "sleeps": "import time; print('in', flush=True); time.sleep(1.5)",
    "spins": "import time; print('in', flush=True); end = time.time() + 1.5\nwhile time.time() < end: pass",
    "holds the lock in C": "import ctypes; print('in', flush=True); ctypes.PyDLL(None).usleep(1_500_000)",
    "computes a large power": "print('in', flush=True); x = 3 ** 11_000_000; del x",
    "bash loop": "#!bash\necho in; end=$((SECONDS + 2)); while ((SECONDS < end)); do :; done",
}


@pytest.mark.parametrize(
    "frames",
    [[b"ping"], [b""], [b"a", b"b", b"c"], [b"", b"x", b""], [bytes(range(256))], [b"z" * 2_000_000]],
    ids=["one", "empty", "three", "empty around", "binary", "large"],
)
def test_echo(client, frames):
    assert client.heartbeat(frames) == frames


def test_every_ping_of_one_socket_is_answered(client):
    with client.context.socket(zmq.REQ) as s:
        s.linger = 0
        s.connect(endpoint(client.info, "hb"))
        for i in range(200):
            s.send(b"%d" % i)
            assert s.poll(2000)
            assert s.recv() == b"%d" % i


def test_a_monitor_that_does_not_read_blocks_nobody(client):
    with client.context.socket(zmq.DEALER) as s:
        s.linger = 0
        s.rcvhwm = 1
        s.connect(endpoint(client.info, "hb"))
        for _ in range(2000):
            try:
                s.send_multipart([b"", b"x" * 1000], zmq.NOBLOCK)
            except zmq.Again:
                break
        assert client.heartbeat([b"ping"]) == [b"ping"]


@pytest.mark.parametrize("what", STUCK)
def test_echo_while_a_language(client, what):
    cell = client.execute(STUCK[what])
    client.wait(cell, ("stream", "stdout", "in\n"))
    slowest = 0.0
    for _ in range(50):
        began = time.monotonic()
        assert client.heartbeat([b"ping"], 1) == [b"ping"]
        slowest = max(slowest, time.monotonic() - began)
    client.pump(0)
    assert client.replies(cell) == [], "the cell ended too early for this test"
    assert slowest < 0.3
    client.finish(cell).ok()
