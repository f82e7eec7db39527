"""iopub_welcome: every subscriber gets one, at once, as its first message."""

import contextlib

import pytest
import zmq

from parley_client import DELIMITER, Message, endpoint


@contextlib.contextmanager
def subscriber(client, topic=b"", kind=zmq.SUB):
    with client.context.socket(kind) as s:
        s.linger = 0
        s.connect(endpoint(client.info, "iopub"))
        if kind == zmq.SUB:
            s.subscribe(topic)
        else:
            s.send(b"\x01" + topic)
        yield s


def receive(client, s, timeout=3) -> Message:
    assert s.poll(timeout * 1000), f"nothing on iopub within {timeout} s"
    return Message("iopub", s.recv_multipart(), client.signer)


def welcome(client, s, topic="") -> Message:
    message = receive(client, s)
    assert message.type == "iopub_welcome", message
    assert message.content == {"subscription": topic}
    assert message.parent == {}
    return message


def test_first_message_is_the_welcome(client):
    with subscriber(client) as s:
        message = welcome(client, s)
    assert message.header["session"] == client.ask("kernel_info_request").header["session"]
    assert message.metadata == {} and message.buffers == []


def test_two_subscribers(client):
    with subscriber(client) as first, subscriber(client) as other:
        welcome(client, first)
        welcome(client, other)


def test_ten_staggered_subscribers(client):
    """Each gets its own; those that were there before may see the later ones too."""
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            welcome(client, stack.enter_context(subscriber(client)))


def test_a_peer_that_subscribes_thousands_of_times_keeps_nobody_out(fresh):
    with fresh.context.socket(zmq.XSUB) as greedy:
        greedy.linger = 0
        greedy.connect(endpoint(fresh.info, "iopub"))
        for _ in range(5000):
            greedy.send(b"\x01")
        welcome(fresh, greedy)
        # Those it was refused are no reason to refuse the next one, whom it must not slow down either.
        with subscriber(fresh) as s:
            welcome(fresh, s)
            run = fresh.run("print('still here')")
            assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "still here\n"), "idle"]


def test_reconnecting_again_and_again(client):
    """Connections that are gone do not count against one that has got their descriptor."""
    for _ in range(150):
        with subscriber(client) as s:
            welcome(client, s)


def test_subscriber_in_mid_cell(client):
    cell = client.execute("import time\nfor i in range(10): print(i, flush=True); time.sleep(0.05)")
    client.wait(cell, ("stream", "stdout", "1"))
    with subscriber(client) as s:
        welcome(client, s)
        assert receive(client, s).parent_id == cell
    client.finish(cell)


@pytest.mark.parametrize("topic", ["kernel", "stream.stdout", "ünïcode"])
def test_topic_is_the_first_frame(client, topic):
    with subscriber(client, topic.encode()) as s:
        assert s.poll(3000), "no welcome for a topic"
        frames = s.recv_multipart()
        assert frames[0].startswith(topic.encode()) and frames.index(DELIMITER) == 1
        message = Message("iopub", frames, client.signer)
    assert (message.type, message.content) == ("iopub_welcome", {"subscription": topic})


def test_two_topics_two_welcomes(client):
    with subscriber(client, b"one") as s:
        welcome(client, s, "one")
        s.subscribe(b"two")
        welcome(client, s, "two")


def test_unsubscribing_is_silent(client):
    with subscriber(client, b"one") as s:
        welcome(client, s, "one")
        s.unsubscribe(b"one")
        s.subscribe(b"three")
        welcome(client, s, "three")
        assert not s.poll(200)


def test_topic_that_is_not_utf8_gets_no_welcome(client):
    with subscriber(client, b"\xff\xfe") as s:
        assert not s.poll(500)
    assert client.run("1").outputs == [("execute_result", "1")]


def test_reader_of_one_topic_is_spared_the_rest(client):
    with subscriber(client, b"nothing has this topic") as s:
        welcome(client, s, "nothing has this topic")
        client.run("print('x')")
        assert not s.poll(200)


def test_reconnected_subscriber_is_welcomed_again(client):
    for _ in range(3):
        with subscriber(client) as s:
            welcome(client, s)


def test_first_request_may_come_with_the_subscription(launch):
    """A front end that does not wait: connects all sockets and executes at once; nothing is lost."""
    for _ in range(5):
        client = launch().client(ready=False)
        run = client.run("print('early')")
        assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "early\n"), "idle"]


def test_without_any_subscriber_cells_run_all_the_same(launch):
    client = launch().client(ready=False, subscribe=None)
    cell = client.execute("6 * 7", user_expressions={"x": "6 * 7"})
    reply = client.reply(cell)
    assert reply.content["user_expressions"]["x"]["data"]["text/plain"] == "42"
