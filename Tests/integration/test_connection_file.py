"""The connection file: read, written when absent, completed; and what happens when it is wrong."""

import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from parley_client import PORTS, connection_info, parley_binary, poll


def written(file):
    def read():
        try:
            info = json.loads(file.read_text())
        except (OSError, ValueError):
            return None
        return info if all(int(info.get(port, 0)) > 0 for port in PORTS) else None

    return poll(read, 5, f"connection file {file.name} with real ports")


def mode(file):
    return stat.S_IMODE(file.stat().st_mode)


def test_written_when_absent(launch, tmp_path):
    file = tmp_path / "absent.json"
    kernel = launch(file=file, info={})
    info = kernel.info = written(file)
    assert mode(file) == 0o600
    assert {"transport", "ip", "key", "signature_scheme", *PORTS} <= set(info)
    assert info["key"] and info["transport"] in ("tcp", "ipc")
    assert len({info[port] for port in PORTS}) == 5
    assert kernel.client().run("1").outputs == [("execute_result", "1")]


def test_written_with_a_key_of_its_own_each_time(launch, tmp_path):
    keys = set()
    for name in ("a.json", "b.json"):
        launch(file=tmp_path / name, info={})
        keys.add(written(tmp_path / name)["key"])
    assert len(keys) == 2


def test_port_zero_is_bound_and_written_back(launch, tmp_path):
    file = tmp_path / "zero.json"
    given = connection_info(**dict.fromkeys(PORTS, 0), jupyter_session="keep me", kernel_name="k")
    file.write_text(json.dumps(given))
    file.chmod(0o600)
    kernel = launch(file=file, info={})
    info = kernel.info = written(file)
    assert len({info[port] for port in PORTS}) == 5
    assert {key: info[key] for key in given if key not in PORTS} == {
        key: given[key] for key in given if key not in PORTS
    }
    assert mode(file) == 0o600
    assert kernel.client().run("1").outputs == [("execute_result", "1")]


def test_some_ports_given_some_zero(launch, tmp_path):
    file = tmp_path / "mixed.json"
    given = connection_info(iopub_port=0, hb_port=-1)
    file.write_text(json.dumps(given))
    kernel = launch(file=file, info={})
    info = kernel.info = written(file)
    assert (info["shell_port"], info["control_port"]) == (given["shell_port"], given["control_port"])
    assert kernel.client().heartbeat([b"x"]) == [b"x"]


def test_given_file_is_left_as_it_is(launch):
    kernel = launch()
    before = kernel.file.read_bytes()
    kernel.client().run("1")
    assert kernel.file.read_bytes() == before


@pytest.mark.parametrize("option", ["-f", "--connection-file"])
def test_both_spellings_of_the_option(launch, tmp_path, option):
    info = connection_info()
    file = tmp_path / "spelled.json"
    file.write_text(json.dumps(info))
    kernel = launch(info=info, file=file, argv=[parley_binary(), "kernel", option, str(file)])
    assert kernel.client().ask("kernel_info_request").content["status"] == "ok"


def test_file_without_option_is_made_and_deleted(launch, home):
    """Without -f the kernel makes a file in the runtime folder and deletes it at its end."""
    runtime = home / "jupyter" / "runtime"
    before = set(runtime.glob("*.json"))
    kernel = launch(info={}, argv=[parley_binary(), "kernel"])
    (file,) = poll(lambda: set(runtime.glob("*.json")) - before, 5, "a new connection file in the runtime folder")
    kernel.info = written(file)
    assert mode(file) == 0o600
    kernel.client().run("1").ok()
    os.kill(kernel.pid, signal.SIGTERM)
    kernel.exit_code(5)
    assert not file.exists()


# --- what is wrong is said in one line ---


def refused(file, *args):
    done = subprocess.run(
        [parley_binary(), "kernel", "-f", str(file), *args], capture_output=True, text=True, timeout=10
    )
    assert done.returncode > 0, f"exit code {done.returncode}: {done.stderr}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert not any(word in done.stderr for word in ("Traceback", "Fatal error", "Stack dump", "Swift."))
    assert done.stdout == ""
    return done.returncode, lines[0]


WRONG = {
    "not JSON": "hello",
    "truncated": '{"shell_port": 1',
    "empty": "",
    "a list": "[]",
    "null": "null",
    "not UTF-8": b'{"key": "\xff"}',
    "NaN": '{"shell_port": NaN}',
}


@pytest.mark.parametrize("name", WRONG)
def test_unreadable_content(tmp_path, name):
    file = tmp_path / "wrong.json"
    text = WRONG[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    _, line = refused(file)
    assert str(file) in line


def test_a_file_without_end():
    _, line = refused("/dev/zero")
    assert "/dev/zero" in line and "too large" in line


def test_folder_in_place_of_the_file(tmp_path):
    _, line = refused(tmp_path)
    assert str(tmp_path) in line


def test_folder_of_an_absent_file_is_missing(tmp_path):
    _, line = refused(tmp_path / "no" / "such" / "file.json")
    assert "no/such" in line


@pytest.mark.parametrize("key", ["shell_port", "hb_port", "key", "ip", "transport"])
def test_missing_key_is_named(tmp_path, key):
    info = connection_info()
    del info[key]
    file = tmp_path / "missing.json"
    file.write_text(json.dumps(info))
    _, line = refused(file)
    assert key in line


@pytest.mark.parametrize(
    "change",
    [
        {"transport": "carrier pigeon"},
        {"signature_scheme": "hmac-rot13"},
        {"signature_scheme": "sha256"},
        {"shell_port": "http"},
        {"iopub_port": 70000},
        {"stdin_port": [1]},
        {"ip": "300.1.2.3"},
        {"ip": 5},
        {"key": 5},
        {"curve_publickey": "short", "curve_secretkey": "short"},
    ],
    ids=lambda change: "-".join(f"{k}={v}" for k, v in change.items())[:40],
)
def test_wrong_value_is_named(tmp_path, change):
    file = tmp_path / "value.json"
    file.write_text(json.dumps(connection_info(**change)))
    _, line = refused(file)
    assert any(key in line or str(value) in line for key, value in change.items())


@pytest.mark.parametrize("port", PORTS)
def test_port_taken(tmp_path, port):
    file = tmp_path / "taken.json"
    info = connection_info()
    file.write_text(json.dumps(info))
    with socket.socket() as s:
        s.bind(("127.0.0.1", info[port]))
        s.listen()
        taken, line = refused(file)
    assert str(info[port]) in line
    file.write_text("hello")
    wrong, _ = refused(file)
    assert taken != wrong


def test_port_taken_leaves_nothing_running(launch):
    info = connection_info()
    with socket.socket() as s:
        s.bind(("127.0.0.1", info["hb_port"]))
        s.listen()
        kernel = launch(info=info)
        assert kernel.exit_code(5) > 0
        assert kernel.family.gone(2) == []


def test_same_port_twice(tmp_path):
    info = connection_info()
    info["iopub_port"] = info["shell_port"]
    file = tmp_path / "twice.json"
    file.write_text(json.dumps(info))
    _, line = refused(file)
    assert str(info["shell_port"]) in line


def test_unknown_default_language(tmp_path):
    file = tmp_path / "good.json"
    file.write_text(json.dumps(connection_info()))
    _, line = refused(file, "--language", "nosuch")
    assert "nosuch" in line and "parley languages" in line


def test_a_file_that_may_not_grow(launch, tmp_path):
    file = tmp_path / "absent.json"
    command = f'ulimit -f 0 && exec "{parley_binary()}" kernel -f "$0" 2>&1 | cat'
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}", str(file)], capture_output=True, text=True, timeout=10)
    (line,) = done.stdout.splitlines()
    assert done.returncode == 73 and str(file) in line and "too large" in line
    assert list(tmp_path.iterdir()) == []


# --- few descriptors ---


def limited(launch, limit):
    """A kernel behind `ulimit`, with the usual connection file."""
    info = connection_info()
    command = f'{limit} && exec "{parley_binary()}" kernel -f "$0"'
    folder = launch.folder
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "limited.json"
    file.write_text(json.dumps(info))
    return launch(info=info, file=file, argv=["sh", "-c", command, str(file)])


def test_too_few_descriptors_are_told_in_one_line(launch):
    kernel = limited(launch, "ulimit -n 40")
    assert kernel.exit_code(5) == 69
    (line,) = kernel.stderr().splitlines()
    assert "40" in line and "ulimit -n" in line


def test_few_descriptors_are_made_more_where_the_system_allows(launch):
    client = limited(launch, "ulimit -S -n 40").client()
    assert client.run("#!bash\necho x").outputs == [("stream", "stdout", "x\n")]


def test_no_more_than_needed_where_it_does_not(launch):
    assert limited(launch, "ulimit -n 64").client().run("1").outputs == [("execute_result", "1")]
