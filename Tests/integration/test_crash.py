"""A language that dies costs its own state only, and the cell says what happened."""

import re

import pytest

DEATHS = {
    "python os._exit": ("import os; os._exit(3)", r"\b3\b"),
    "python SIGKILL": ("import os; os.kill(os.getpid(), 9)", r"SIGKILL|signal 9"),
    "python segfault": ("import ctypes; ctypes.string_at(0)", r"SIGSEGV|signal 11"),
    "python abort": ("import os; os.abort()", r"SIGABRT|signal 6"),
    "python exits quietly": ("import os; os._exit(0)", r"\b0\b|exit"),
    "bash exit": ("#!bash\nexit 3", r"\b3\b"),
    "bash SIGKILL": ("#!bash\nkill -9 $$", r"SIGKILL|signal 9"),
    "bash SIGSEGV": ("#!bash\nkill -SEGV $$", r"SIGSEGV|signal 11"),
    "bash set -e": ("#!bash\nset -e; false; echo not reached", r"\b1\b"),
    "bash exec": ("#!bash\nexec sh -c 'exit 5'", r"\b5\b"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_the_cell_says_what_happened(client, death):
    code, pattern = DEATHS[death]
    dies_in_bash = code.startswith("#!bash")
    client.run("state = 'python kept'")
    client.run("#!bash\nstate='bash kept'")
    run = client.run(code)
    assert run.transcript[0] == "busy" and run.transcript[-1] == "idle"
    assert run.status == "error"
    error = run.error
    assert error["ename"] == run.reply.content["ename"] and isinstance(run.count, int)
    assert re.search(pattern, " ".join([error["ename"], error["evalue"], *error["traceback"]])), error
    if dies_in_bash:
        assert client.run("state").outputs == [("execute_result", "'python kept'")]
        assert client.run("#!bash\necho again").outputs[-1] == ("stream", "stdout", "again\n")
    else:
        assert client.run("#!bash\necho $state").outputs == [("stream", "stdout", "bash kept\n")]
        assert client.run("6 * 7").outputs[-1] == ("execute_result", "42")


def test_last_words_are_kept(client):
    run = client.run("import os, sys; print('out'); print('err', file=sys.stderr); os.write(1, b'raw'); os._exit(4)")
    assert run.text() == "out\nraw"
    assert run.text("stderr").startswith("err\n")
    assert run.transcript[-2][0] == "error"


def test_state_of_the_dead_language_is_gone(client):
    client.run("lost = 1")
    client.run("import os; os._exit(3)")
    assert client.run("'lost' in globals()").outputs[-1] == ("execute_result", "False")


def test_counter_and_history_go_on(client):
    before = client.run("import os; os._exit(3)").count
    assert client.run("1").count == before + 1


def test_queued_cells_are_not_run(client):
    dying = client.execute("import os, time; time.sleep(0.3); os._exit(3)")
    queued = client.execute("print('ran')")
    assert client.finish(dying).status == "error"
    assert client.finish(queued).status == "error"


def test_death_between_cells(client):
    """Nobody waits for a reply then; the next cell has a living language."""
    pid = int(client.run("import os; os.getpid()").only("execute_result").content["data"]["text/plain"])
    client.run(f"#!bash\nkill -9 {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.01; done")
    run = client.run("6 * 7")
    if run.status == "error":
        assert re.search(r"SIGKILL|signal 9", " ".join([run.error["evalue"], *run.error["traceback"]]))
        run = client.run("6 * 7")
    assert run.outputs[-1] == ("execute_result", "42")


def test_deaths_in_a_row(client):
    for _ in range(4):
        assert client.run("import os; os._exit(3)").status == "error"
    assert client.run("6 * 7", timeout=50).outputs[-1] == ("execute_result", "42")


def test_death_while_a_question_is_open(client):
    cell = client.execute(
        "import threading, os, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.5), os._exit(3))).start()\n"
        "input('? ')",
        allow_stdin=True,
    )
    client.until(lambda: client.received["stdin"], 10, "input_request")
    assert client.finish(cell).status == "error"
    assert client.run("6 * 7").outputs[-1] == ("execute_result", "42")


def test_death_during_completion(client):
    client.run("class Evil:\n    def __dir__(self): import os; os._exit(3)\nevil = Evil()")
    reply = client.ask("complete_request", {"code": "evil.", "cursor_pos": 5})
    assert reply.content["status"] in ("ok", "error")
    assert client.run("6 * 7").outputs[-1] == ("execute_result", "42")


def test_children_of_the_dead_language_end(kernel, client):
    from parley_client import alive, poll

    run = client.run("import subprocess, os\np = subprocess.Popen(['sleep', '80'], start_new_session=True)\np.pid")
    pid = int(run.only("execute_result").content["data"]["text/plain"])
    client.run("os._exit(3)")
    client.run("1")
    poll(lambda: not alive(pid), 5, "end of the dead language's child")


def test_fork_without_exec(client):
    run = client.run(
        "import os\npid = os.fork()\nif pid == 0:\n    print('child', flush=True); os._exit(0)\n"
        "os.waitpid(pid, 0); print('parent')"
    )
    assert sorted(run.ok().text().split()) == ["child", "parent"]
    client.run("1").ok()


def test_closed_descriptors(client):
    """A cell that closes everything it can hurts itself at most."""
    client.run("import os; os.closerange(3, 100)")
    run = client.run("6 * 7")
    if run.status == "error":
        run = client.run("6 * 7")
    assert run.outputs[-1] == ("execute_result", "42")


def test_closed_stdout(client):
    client.run("import sys; sys.stdout.close()")
    client.run("#!bash\nexec >&-")
    client.run("#!restart python")
    client.run("#!restart bash")
    assert client.run("print(1)").outputs[-1] == ("stream", "stdout", "1\n")
    assert client.run("#!bash\necho 2").outputs[-1] == ("stream", "stdout", "2\n")


def test_deep_recursion(client):
    run = client.run("def f(): return f()\nf()")
    assert run.status == "error" and run.error["ename"] == "RecursionError"
    client.run("1").ok()


def test_server_reaps_orphans(kernel, client):
    from parley_client import all_pids, poll, stat_of

    client.run("#!bash\nfor i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.1' >/dev/null 2>&1 &); done")

    def zombies():
        stats = [stat_of(pid) for pid in all_pids()]
        return [s for s in stats if s and s[0] == "Z" and s[1] == kernel.pid]

    time_up = client.run("#!bash\nsleep 0.5")
    assert time_up.status == "ok"
    poll(lambda: not zombies(), 5, "no zombie below the server")


def test_a_display_nested_too_deep_costs_that_display_only(client):
    client.run("kept = 1\ndef nested(n):\n    x = []\n    for _ in range(n):\n        x = [x]\n    return x").ok()
    show = "display({'application/json': nested(%d), 'text/plain': 'it'}, raw=True)"
    assert client.run(show % 300).outputs == [("display_data", "it")]
    run = client.run(show % 500)
    (note,) = run.outputs
    assert run.status == "ok" and note[:2] == ("stream", "stderr") and "nested more than" in note[2]
    assert client.run("kept").outputs == [("execute_result", "1")]
