"""Any installed kernelspec is a language: ipykernel behind Parley, on sockets of its own."""

import json
import sys

import pytest
from parley_client import Kernel, alive, descendants, poll


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter")
    for name, argv in {
        "plainpython": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "gone": ["/nowhere/kernel", "{connection_file}"],
        "broken": [sys.executable, "-c", "import sys; sys.exit('no such luck')", "{connection_file}"],
    }.items():
        spec = folder / "kernels" / name
        spec.mkdir(parents=True)
        (spec / "kernel.json").write_text(json.dumps({
            "argv": argv, "display_name": name, "language": "something", "env": {"GREETING": "hello ${USER_NAME}"}}))
    kernel = Kernel(folder / "run", env={"JUPYTER_PATH": str(folder), "USER_NAME": "Ada"}).start()
    yield kernel
    kernel.stop()


@pytest.fixture(scope="module")
def client(kernel):
    return kernel.client()


def run(client, code, **kw):
    return client.run("#!plainpython\n" + code, **kw)


def test_a_cell_reads_like_any_other(client):
    assert run(client, "x = 6 * 7\nprint('hi')\nx").transcript == [
        "busy", "execute_input", ("stream", "stdout", "hi\n"), ("execute_result", "42"), "idle"]


def test_state_and_numbers(client):
    first = run(client, "y = 1")
    second = run(client, "y")
    assert second.only("execute_result").content["data"]["text/plain"] == "1"
    assert second.only("execute_result").content["execution_count"] == second.count == first.count + 1


def test_error(client):
    failed = run(client, "1/0")
    assert failed.status == "error"
    assert failed.error["ename"] == "ZeroDivisionError"
    failed.only("error")


def test_environment_of_the_kernelspec(client):
    assert run(client, "import os; print(os.environ['GREETING'])").text() == "hello Ada\n"


def test_display_and_update(client):
    shown = run(client, "from IPython.display import display, HTML\nh = display(HTML('<b>'), display_id='d')\nh.update(HTML('<i>'))")
    assert shown.only("display_data").content["data"]["text/html"] == "<b>"
    assert shown.only("update_display_data").content["transient"]["display_id"] == "d"


def test_question(client):
    msg_id = client.execute("#!plainpython\nprint('I am', input('name? '))", allow_stdin=True)
    (question,) = client.until(lambda: client.received["stdin"], 20, "the question")
    assert question.content["prompt"] == "name? "
    assert question.parent == client.sent[msg_id]
    client.send("stdin", "input_reply", {"value": "Ada"}, parent=question.header)
    assert client.finish(msg_id).text() == "I am Ada\n"


def test_question_where_nobody_can_answer(client):
    assert run(client, "input()", allow_stdin=False).error["ename"] == "StdinNotImplementedError"


def test_completion_and_inspection(client):
    run(client, "import os")
    code = "#!plainpython\nos.getcw"
    assert "getcwd" in client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content["matches"]
    assert client.ask("inspect_request", {"code": code + "d", "cursor_pos": len(code) + 1}).content["found"]
    assert client.ask("is_complete_request", {"code": "#!plainpython\nfor i in x:"}).content["status"] == "incomplete"


def test_user_expressions(client):
    reply = run(client, "z = 3", user_expressions={"twice": "z * 2"}).reply
    assert reply.content["user_expressions"]["twice"]["data"]["text/plain"] == "6"


def test_interrupt_keeps_the_state(client):
    run(client, "kept = 1")
    msg_id = client.execute("#!plainpython\nimport time\nprint('on', flush=True)\ntime.sleep(60)")
    client.wait(msg_id, ("stream", "stdout", "on\n"))
    client.send("control", "interrupt_request")
    assert client.finish(msg_id).error["ename"] == "KeyboardInterrupt"
    assert run(client, "kept").status == "ok"


def test_its_end_is_an_error_in_the_cell(client):
    client.run("#!python\nours = 1").ok()
    ended = run(client, "import os; os._exit(7)")
    assert ended.error["ename"] == "BackendTerminated"
    assert "exit code 7" in ended.error["evalue"]
    assert client.run("#!python\nours").status == "ok"
    assert run(client, "'back'").status == "ok"


@pytest.mark.parametrize("name, word", [("gone", "/nowhere/kernel"), ("broken", "no such luck")])
def test_a_kernel_that_does_not_start_says_why(client, name, word):
    failed = client.run(f"#!{name}\n1")
    assert failed.error["ename"] == "BackendStartFailed"
    assert word in "\n".join([failed.error["evalue"], *failed.error["traceback"]])


def test_an_end_between_two_cells_is_told_by_the_next(client):
    pid = run(client, "import os; kept = 1; os.getpid()").only("execute_result").content["data"]["text/plain"]
    client.run(f"#!bash\nread -r _ _ _ guard _ < /proc/{pid}/stat; kill -9 {pid}; while kill -0 $guard 2>/dev/null; do sleep 0.01; done").ok()
    after = run(client, "'kept' in globals()")
    assert after.outputs[-1] == ("execute_result", "False")
    assert "signal 9" in after.text("stderr") and "what it had in memory is lost" in after.text("stderr")
    assert run(client, "1").outputs == [("execute_result", "1")]


def test_nothing_is_left_behind(tmp_path):
    folder = tmp_path / "kernels" / "plainpython"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "x", "language": "python"}))
    kernel = Kernel(tmp_path / "run", env={"JUPYTER_PATH": str(tmp_path)}).start()
    client = kernel.client()
    client.run(
        "#!plainpython\nimport subprocess; p = subprocess.Popen(['sleep', '300'], start_new_session=True)"
    ).ok()
    below = descendants(kernel.pid)
    assert len(below) >= 3
    kernel.process.kill()
    poll(lambda: not any(alive(pid) for pid in below), 10, "the end of everything below the kernel")
    kernel.stop()
