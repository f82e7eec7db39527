"""The ipc transport: the same, over files."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from parley_client import CHANNELS, connection_info


@pytest.fixture
def place():
    """A short path: an ipc address has about a hundred bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ipc-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def ipc_info(place, **overrides):
    ports = {channel + "_port": i + 1 for i, channel in enumerate(CHANNELS)}
    return connection_info(transport="ipc", ip=str(place / "kernel-ipc"), **ports, **overrides)


def test_every_channel(launch, place):
    client = launch(info=ipc_info(place)).client()
    run = client.run("print(input('? '))", allow_stdin=False)
    assert run.status == "error"
    assert client.run("print('x')").transcript == ["busy", "execute_input", ("stream", "stdout", "x\n"), "idle"]
    assert client.ask("kernel_info_request", channel="control").content["status"] == "ok"
    assert client.heartbeat([b"ping"]) == [b"ping"]


def test_files_are_gone_afterwards(launch, place):
    kernel = launch(info=ipc_info(place))
    client = kernel.client()
    assert len(list(place.iterdir())) == 5
    client.send("control", "shutdown_request", {"restart": False})
    kernel.exit_code(3)
    assert list(place.iterdir()) == []


def test_started_over_the_remains_of_a_killed_one(launch, place):
    info = ipc_info(place)
    kernel = launch(info=info)
    kernel.client().run("1")
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.exit_code(2)
    assert len(list(place.iterdir())) == 5
    assert launch(info=info).client().run("2").outputs == [("execute_result", "2")]


def test_taken_by_a_kernel_that_runs(launch, place):
    info = ipc_info(place)
    client = launch(info=info).client()
    second = launch(info=info)
    assert second.exit_code(5) == 75
    (line,) = second.stderr().splitlines()
    assert str(place) in line and "another process listens there" in line
    assert client.run("1").outputs == [("execute_result", "1")]
    assert client.heartbeat([b"still the first"]) == [b"still the first"]


def test_path_with_a_space_and_unicode(launch, place):
    folder = place / "a ü"
    folder.mkdir()
    assert launch(info=ipc_info(folder)).client().run("1").outputs == [("execute_result", "1")]


def test_through_the_kernel_manager(managed):
    kernel = managed("python", transport="ipc")
    assert kernel.client.execute_interactive("1 + 1", timeout=20)["content"]["status"] == "ok"
