"""stop_on_error: exactly the execute requests that were queued before the error reply are not run."""

import pytest


def test_queued_cells_are_answered_and_not_run(client):
    client.run("ran = []")
    failing = client.execute("import time; time.sleep(0.3); 1/0")
    queued = [client.execute(f"ran.append({i}); print('ran')") for i in range(5)]
    assert client.finish(failing).reply.content["ename"] == "ZeroDivisionError"
    for cell in queued:
        run = client.finish(cell)
        assert run.status == "error"
        assert isinstance(run.count, int)
        assert {"ename", "evalue", "traceback"} <= set(run.reply.content)
        assert run.transcript[0] == "busy" and run.transcript[-1] == "idle"
        assert not [entry for entry in run.outputs if entry[0] == "stream"]
    assert client.run("ran").outputs == [("execute_result", "[]")]


def test_replies_come_in_order(client):
    cells = [client.execute("import time; time.sleep(0.2); 1/0")] + [client.execute("1") for _ in range(20)]
    for cell in cells:
        client.finish(cell)
    assert [m.parent_id for m in client.received["shell"] if m.parent_id in cells] == cells


def test_other_requests_in_between_run_normally(client):
    client.execute("import time; time.sleep(0.3); 1/0")
    client.execute("1")
    info = client.send("shell", "kernel_info_request")
    complete = client.send("shell", "complete_request", {"code": "impor", "cursor_pos": 5})
    client.execute("2")
    comms = client.send("shell", "comm_info_request")
    last = client.execute("3")
    assert client.reply(info).content["status"] == "ok"
    assert "import" in client.reply(complete).content["matches"]
    assert client.reply(comms).content["status"] == "ok"
    assert client.finish(last).status == "error"
    for msg_id in (info, complete, comms):
        client.idle(msg_id)


def test_false_goes_on(client):
    failing = client.execute("import time; time.sleep(0.2); 1/0", stop_on_error=False)
    queued = [client.execute(f"{i}") for i in range(3)]
    assert client.finish(failing).status == "error"
    assert [client.finish(cell).outputs for cell in queued] == [[("execute_result", str(i))] for i in range(3)]


def test_silent_error_does_not_stop(client):
    failing = client.execute("import time; time.sleep(0.2); 1/0", silent=True)
    following = client.execute("'ran'")
    assert client.finish(failing).status == "error"
    assert client.finish(following).outputs == [("execute_result", "'ran'")]


def test_cell_sent_after_the_reply_runs(client):
    for i in range(30):
        failing = client.execute("1/0")
        client.reply(failing, channels=("shell",))
        assert client.run(f"{i}").outputs == [("execute_result", str(i))]


def test_cell_of_another_client_queued_before_the_error_is_stopped_too(client, second):
    failing = client.execute("import time; print('in', flush=True); time.sleep(0.5); 1/0")
    second.wait(failing, ("stream", "stdout", "in"))
    queued = second.execute("print('ran')")
    assert client.finish(failing).status == "error"
    run = second.finish(queued)
    assert run.status == "error" and not run.text()


def test_error_in_bash_stops_python_cells(client):
    failing = client.execute("#!bash\nsleep 0.3; exit 3")
    queued = client.execute("print('ran')")
    assert client.finish(failing).status == "error"
    run = client.finish(queued)
    assert run.status == "error" and not run.text()
    assert client.run("1").outputs == [("execute_result", "1")]


def test_queued_behind_an_unknown_language_is_stopped(client):
    sleeping = client.execute("import time; time.sleep(0.3)")
    failing = client.execute("#!nosuch\nx")
    queued = client.execute("print('ran')")
    assert client.finish(sleeping).status == "ok"
    assert client.finish(failing).status == "error"
    assert client.finish(queued).status == "error"


def test_syntax_error_stops_too(client):
    blocking = client.execute("import time; time.sleep(0.3)")
    failing = client.execute("for")
    queued = client.execute("print('ran')")
    client.finish(blocking)
    assert client.finish(failing).status == "error"
    assert client.finish(queued).status == "error"


@pytest.mark.parametrize("field", [True, None], ids=["true", "absent"])
def test_default_is_true(client, field):
    extra = {} if field is None else {"stop_on_error": field}
    failing = client.execute("import time; time.sleep(0.2); 1/0", **extra)
    queued = client.execute("print('ran')")
    client.finish(failing)
    assert client.finish(queued).status == "error"
