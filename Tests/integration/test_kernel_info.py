"""kernel_info: what it says, how soon, and on which channels."""

import re
import time

import pytest

PROTOCOL = "5.6"


def test_reply_has_every_field(client):
    reply = client.ask("kernel_info_request")
    assert reply.type == "kernel_info_reply"
    content = reply.content
    assert content["status"] == "ok"
    assert content["protocol_version"] == PROTOCOL
    assert content["implementation"] == "parley"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", content["implementation_version"])
    assert content["banner"].strip()
    assert isinstance(content["debugger"], bool)
    for link in content["help_links"]:
        assert set(link) == {"text", "url"} and link["url"].startswith("http")


def test_language_info_is_that_of_the_default_language(client):
    info = client.ask("kernel_info_request").content["language_info"]
    assert info["name"] == "python"
    assert re.match(r"\d+(\.\d+)*", info["version"])
    assert info["mimetype"] == "text/x-python"
    assert info["file_extension"] == ".py"
    assert isinstance(info.get("codemirror_mode", ""), (str, dict))


def test_language_option_sets_the_default_language(launch):
    client = launch(args=["--language", "bash"]).client()
    info = client.ask("kernel_info_request").content["language_info"]
    assert (info["name"], info["file_extension"]) == ("bash", ".sh")
    assert client.run("echo $((6 * 7))").outputs == [("stream", "stdout", "42\n")]


def test_features_say_subshells(client):
    features = client.ask("kernel_info_request").content["supported_features"]
    assert "kernel subshells" in features
    assert all(isinstance(feature, str) for feature in features)


def test_one_protocol_version_everywhere(client):
    run = client.run("1")
    client.ask("kernel_info_request", channel="control")
    every = [message for messages in client.received.values() for message in messages]
    assert len(every) > 6 and run.messages
    assert {message.header["version"] for message in every} == {PROTOCOL}


def test_same_answer_on_control(client):
    shell = client.ask("kernel_info_request").content
    control = client.ask("kernel_info_request", channel="control").content
    assert shell.pop("execution_state") and control.pop("execution_state")
    assert shell == control


def test_execution_state_tells_the_state_of_the_kernel(client):
    cell = client.execute("import time; print('in', flush=True); time.sleep(1)")
    client.wait(cell, ("stream", "stdout", "in"))
    busy = client.ask("kernel_info_request", channel="control").content
    client.finish(cell)
    idle = client.ask("kernel_info_request", channel="control").content
    assert (busy["execution_state"], idle["execution_state"]) == ("busy", "idle")


@pytest.fixture
def slow_python(tmp_path):
    """An interpreter that needs three seconds to start."""
    import sys

    wrapper = tmp_path / "python-slow"
    wrapper.write_text(f'#!/bin/sh\nsleep 3\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


def test_answered_before_the_backend_is_up(launch, slow_python):
    kernel = launch(env={"PARLEY_PYTHON": slow_python})
    client = kernel.client(ready=False)
    for channel in ("shell", "control"):
        msg_id = client.send(channel, "kernel_info_request")
        reply = client.reply(msg_id, 2, channel)
        assert reply.content["language_info"]["name"] == "python"
        assert reply.received - kernel.started < 1.0
    assert client.run("6 * 7").outputs == [("execute_result", "42")]
    assert time.monotonic() - kernel.started > 3


def test_missing_interpreter_costs_its_cells_only(launch):
    client = launch(env={"PARLEY_PYTHON": "/nonexistent/python3"}).client()
    run = client.run("1 + 1")
    assert run.status == "error"
    assert "/nonexistent/python3" in run.error["evalue"]
    assert run.error["ename"] == run.reply.content["ename"]
    assert client.run("#!bash\necho still here").outputs == [("stream", "stdout", "still here\n")]


def test_bare_environment(launch):
    """A gateway may start a kernel with nothing but PATH; text is UTF-8 all the same."""
    import os
    import sys

    env = {name: None for name in os.environ if name not in ("PATH", "PARLEY_TEST_FAMILY")}
    client = launch(env=env | {"PARLEY_PYTHON": sys.executable}).client()
    assert client.run("print('grüße 😀')").ok().outputs == [("stream", "stdout", "grüße 😀\n")]
    assert client.run("#!bash\nv=grüße; echo ${#v}").ok().outputs == [("stream", "stdout", "5\n")]


def test_connect_request_names_the_ports(client):
    content = client.ask("connect_request").content
    ports = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    assert {name: content[name] for name in ports} == {name: client.info[name] for name in ports}
