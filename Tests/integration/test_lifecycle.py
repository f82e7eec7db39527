"""From start to end: shutdown, signals, the launcher's death, and nobody left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from parley_client import Family, alive, connection_info, parley_binary, poll

# Processes that try to get away: own session, own group, double fork.
RUNAWAYS = (
    "import subprocess\n"
    "for line in ('sleep 900', 'setsid sleep 901', 'setsid sh -c \"setsid sleep 902 & sleep 903\"'):\n"
    "    subprocess.Popen(line, shell=True)\n"
    "subprocess.Popen(['sleep', '904'], start_new_session=True)"
)
BASH_RUNAWAYS = "#!bash\nsleep 905 & setsid sleep 906 & (setsid setsid sleep 907 &) ; nohup sleep 908 >/dev/null 2>&1 & disown"

STATES = {
    "idle": None,
    "python sleeps": "import time; print('in', flush=True); time.sleep(60)",
    "python spins": "print('in', flush=True)\nwhile True: pass",
    "python ignores everything": (
        "import signal, time\nfor s in (1, 2, 13, 15): signal.signal(s, signal.SIG_IGN)\n"
        "print('in', flush=True)\nwhile True: time.sleep(1)"
    ),
    "bash runs": "#!bash\necho in; trap '' TERM INT HUP; sleep 60",
    "waits for input": "print('in', flush=True); input()",
}


@pytest.fixture(params=STATES)
def state(request, launch):
    """A kernel with runaways, in one of the states."""
    kernel = launch()
    client = kernel.client()
    client.run(RUNAWAYS).ok()
    client.run(BASH_RUNAWAYS).ok()
    if STATES[request.param]:
        cell = client.execute(STATES[request.param], allow_stdin=True)
        client.wait(cell, ("stream", "stdout", "in\n"))
    assert len(kernel.family.look(kernel.pid)) >= 10
    return kernel, client


def ended(kernel, within=2.0):
    began = time.monotonic()
    code = kernel.exit_code(within)
    left = kernel.family.gone(max(0.5, within - (time.monotonic() - began)))
    assert left == []
    return code


@pytest.mark.parametrize("restart", [False, True])
def test_shutdown_request(state, restart):
    kernel, client = state
    reply = client.ask("shutdown_request", {"restart": restart}, channel="control", timeout=2)
    assert reply.type == "shutdown_reply"
    assert reply.content == {"status": "ok", "restart": restart}
    assert ended(kernel) == 0


def test_sigterm(state):
    kernel, _ = state
    os.kill(kernel.pid, signal.SIGTERM)
    ended(kernel)


def test_sigkill_of_the_server(state):
    kernel, _ = state
    os.kill(kernel.pid, signal.SIGKILL)
    ended(kernel)


def test_sigkill_of_the_process_group(launch):
    """What a manager does in the end."""
    kernel = launch()
    kernel.client().run(RUNAWAYS).ok()
    kernel.family.look(kernel.pid)
    os.killpg(kernel.pid, signal.SIGKILL)
    ended(kernel)


def test_shutdown_on_shell_is_still_taken(fresh):
    msg_id = fresh.send("shell", "shutdown_request", {"restart": False})
    assert fresh.reply(msg_id, 2).content["restart"] is False
    assert fresh.kernel.exit_code(2) == 0


def test_shutdown_before_any_backend_is_up(launch):
    kernel = launch()
    client = kernel.client(ready=False)
    client.ask("shutdown_request", {"restart": False}, channel="control", timeout=3)
    ended(kernel)


def test_shutdown_reply_survives_a_flood(fresh):
    cell = fresh.execute("while True: print('x' * 1000)")
    fresh.wait(cell, ("stream", "stdout", "x"))
    fresh.ask("shutdown_request", {"restart": False}, channel="control", timeout=3)
    ended(fresh.kernel)


LAUNCHER = (
    "import os, subprocess, sys, time\n"
    "env = dict(os.environ, JPY_PARENT_PID=str(os.getpid()))\n"
    "p = subprocess.Popen(sys.argv[1:], env=env, start_new_session=True, stdin=subprocess.DEVNULL)\n"
    "print(p.pid, flush=True)\n"
    "time.sleep(600)\n"
)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_launcher_death(tmp_path, end):
    from parley_client import RawClient

    family = Family()
    info = connection_info()
    file = tmp_path / "kernel.json"
    file.write_text(json.dumps(info))
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, parley_binary(), "kernel", "-f", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **family.environment()},
    )
    try:
        pid = int(launcher.stdout.readline())
        with RawClient(info) as client:
            client.ready()
            client.run(RUNAWAYS).ok()
            client.execute("import time; time.sleep(60)")
        family.look(pid)
        launcher.send_signal(end)
        launcher.wait(5)
        poll(lambda: not alive(pid), 3, "end of the kernel after its launcher's")
        assert family.gone(2) == []
    finally:
        launcher.kill()
        launcher.wait()
        launcher.stdout.close()
        family.kill()


@pytest.mark.parametrize("value", [None, "1", "nonsense", "", "-5", "999999999"])
def test_odd_parent_pid_does_not_end_the_kernel(launch, value):
    """Containers have launchers with pid 1, wrappers pass on stale numbers."""
    kernel = launch(env={"JPY_PARENT_PID": value})
    client = kernel.client()
    client.run("import time; time.sleep(1.2)").ok()
    assert client.run("1").outputs == [("execute_result", "1")]


def test_session_changes_with_the_process(launch):
    info = connection_info()
    sessions = set()
    for _ in range(3):
        kernel = launch(info=info)
        client = kernel.client()
        reply = client.ask("shutdown_request", {"restart": True}, channel="control")
        sessions.add(reply.header["session"])
        kernel.exit_code(2)
    assert len(sessions) == 3


def test_restart_on_the_same_ports_at_once(launch):
    info = connection_info()
    for _ in range(10):
        kernel = launch(info=info)
        client = kernel.client()
        client.send("control", "shutdown_request", {"restart": True})
        kernel.exit_code(2)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_twenty_restarts_through_the_kernel_manager(managed):
    kernel = managed("python")
    ports = kernel.manager.ports
    for i in range(20):
        assert kernel.client.execute_interactive(f"print({i})", timeout=20, output_hook=lambda m: None)["content"]["status"] == "ok"
        kernel.manager.restart_kernel()
        kernel.client.wait_for_ready(timeout=20)
    assert kernel.manager.ports == ports


def test_immediate_restart_through_the_kernel_manager(managed):
    kernel = managed("python")
    kernel.client.execute("while True: pass")
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=20)
    assert kernel.client.execute_interactive("1", timeout=20)["content"]["status"] == "ok"


def test_connection_survives_restart_for_a_waiting_subscriber(launch):
    """The same sockets of a client reach the next process on the same ports."""
    info = connection_info()
    first = launch(info=info)
    client = first.client()
    client.run("1")
    client.ask("shutdown_request", {"restart": True}, channel="control")
    first.exit_code(2)
    launch(info=info)
    client.ready()
    assert client.run("6 * 7").outputs == [("execute_result", "42")]


def test_nothing_is_written_to_stdout(launch, tmp_path):
    kernel = launch()
    client = kernel.client()
    client.run("print(1); 1/0")
    client.run("#!bash\necho x; nosuchcommand")
    assert "nosuchcommand" not in kernel.stderr() and "ZeroDivision" not in kernel.stderr()


@pytest.mark.slow
def test_ten_kernels_at_once(launch):
    clients = [launch().client() for _ in range(10)]
    cells = [client.execute(f"print({i})") for i, client in enumerate(clients)]
    assert [c.finish(cell, 50).text() for c, cell in zip(clients, cells)] == [f"{i}\n" for i in range(10)]
