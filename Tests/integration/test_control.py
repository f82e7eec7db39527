"""The control channel answers while the languages are stuck."""

import os
import time

import pytest

from parley_client import resident
from test_heartbeat import STUCK


@pytest.mark.parametrize("what", STUCK)
def test_every_request_is_answered_while_a_language(client, what):
    cell = client.execute(STUCK[what])
    client.wait(cell, ("stream", "stdout", "in\n"))

    def ask(msg_type, content=None):
        reply = client.ask(msg_type, content, channel="control", timeout=3)
        assert reply.type == msg_type.removesuffix("_request") + "_reply"
        assert reply.content["status"] == "ok", reply.content
        return reply.content

    ask("kernel_info_request")
    ask("usage_request")
    made = ask("create_subshell_request")["subshell_id"]
    assert made in ask("list_subshell_request")["subshell_id"]
    ask("delete_subshell_request", {"subshell_id": made})
    client.pump(0)
    assert client.replies(cell) == [], "the cell ended too early for this test"
    client.finish(cell).ok()


def test_interrupt_is_answered_while_python_holds_its_lock(client):
    cell = client.execute(STUCK["holds the lock in C"])
    client.wait(cell, ("stream", "stdout", "in\n"))
    reply = client.ask("interrupt_request", channel="control", timeout=3)
    assert reply.type == "interrupt_reply" and reply.content["status"] == "ok"
    assert client.replies(cell) == [], "the cell ended too early for this test"
    assert client.finish(cell).status == "error"
    client.run("1").ok()


def test_usage(kernel, client):
    client.run("block = bytearray(60_000_000); block[::4096] = b'x' * len(block[::4096])")
    content = client.ask("usage_request", channel="control").content
    assert content["hostname"] == os.uname().nodename
    assert content["pid"] == kernel.pid
    assert content["cpu_count"] == os.cpu_count()
    assert content["kernel_cpu"] >= 0
    # The whole process tree counts, the languages above all.
    assert content["kernel_memory"] > 60_000_000
    memory = content["host_virtual_memory"]
    assert memory["total"] > memory["available"] > 0
    assert 0 < memory["percent"] < 100
    client.run("del block")


def test_usage_sees_a_language_at_work(client):
    client.ask("usage_request", channel="control")
    cell = client.execute("import time; end = time.time() + 1.0\nwhile time.time() < end: pass")
    client.reply(cell)
    client.idle(cell)
    assert client.ask("usage_request", channel="control").content["kernel_cpu"] > 20


def test_requests_of_the_shell_do_not_hold_up_control(client):
    sent = [client.execute("import time; time.sleep(1)"), *(client.execute("pass") for _ in range(200))]
    client.ask("kernel_info_request", channel="control")
    client.pump(0)
    assert client.replies(sent[-1]) == []
    for cell in sent:
        client.finish(cell)


def test_shell_only_requests_on_control_do_no_harm(client):
    client.send("control", "execute_request", {"code": "sneaked = 1"})
    client.ask("kernel_info_request", channel="control")
    client.run("1").ok()


def test_control_while_a_cell_floods(client):
    cell = client.execute("for _ in range(200_000): print('x' * 100)")
    client.wait(cell, ("stream", "stdout", "x"))
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        client.ask("kernel_info_request", channel="control", timeout=2)
        slowest = max(slowest, time.monotonic() - began)
    assert client.finish(cell).text() == ("x" * 100 + "\n") * 200_000
    assert slowest < 1


def test_server_stays_small(kernel, client):
    client.run("1")
    assert resident(kernel.pid) < 200 * 1024 * 1024
