"""Python cells in an interpreter that has no IPython, nor anything else: the standard library alone."""

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A fresh environment without a single package."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=50)
    python = folder / "bin" / "python"
    found = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('IPython'), u.find_spec('comm'))"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert found.stdout == "None None\n", "the environment is not bare"
    return python


@pytest.fixture(scope="module")
def bare_kernel(bare, _module_kernels):
    return _module_kernels(env={"PARLEY_PYTHON": str(bare)})


@pytest.fixture
def cells(bare_kernel):
    client = bare_kernel.client()
    yield client
    bare_kernel.clients.remove(client)
    client.close()


def test_it_is_the_bare_interpreter(cells, bare):
    run = cells.run("import sys\nprint(sys.prefix)\ntry:\n    import IPython\nexcept ImportError:\n    print('none')").ok()
    assert run.text() == f"{bare.parent.parent}\nnone\n"


def test_output_and_result(cells):
    run = cells.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7").ok()
    assert run.outputs == [("stream", "stdout", "out\n"), ("stream", "stderr", "err\n"), ("execute_result", "42")]
    assert run.only("execute_result").content["execution_count"] == run.count


def test_no_result_for_none_and_semicolon(cells):
    assert cells.run("None").ok().outputs == []
    assert cells.run("5;").ok().outputs == []
    assert cells.run("x = 5").ok().outputs == []


def test_results_are_kept(cells):
    count = cells.run("'kept'").ok().count
    assert cells.run("_").ok().outputs == [("execute_result", "'kept'")]
    assert cells.run(f"Out[{count}], In[{count}]").ok().outputs == [("execute_result", "('kept', \"'kept'\")")]


def test_rich_results(cells):
    cells.run("class Rich:\n    def _repr_html_(self): return '<b>x</b>'\n    def __repr__(self): return 'plain'").ok()
    data = cells.run("Rich()").ok().only("execute_result").content["data"]
    assert data == {"text/plain": "plain", "text/html": "<b>x</b>"}


def test_png_of_bytes_is_base64(cells):
    cells.run("class Picture:\n    def _repr_png_(self): return b'\\x89PNG'").ok()
    assert cells.run("Picture()").ok().only("execute_result").content["data"]["image/png"] == "iVBORw=="


def test_display_and_update(cells):
    cells.run("display('first', display_id='d')").ok()
    message = cells.run("display('second', display_id='d', update=True)").ok().only("update_display_data")
    assert message.content["data"] == {"text/plain": "'second'"}
    assert message.content["transient"] == {"display_id": "d"}


def test_display_keeps_its_place(cells):
    run = cells.run("print('before')\ndisplay(1)\nprint('after')").ok()
    assert run.outputs == [("stream", "stdout", "before\n"), ("display_data", "1"), ("stream", "stdout", "after\n")]


def test_error_with_traceback(cells):
    run = cells.run("def f():\n    return 1 / 0\nf()")
    assert run.status == "error"
    assert run.error["ename"] == "ZeroDivisionError"
    text = "\n".join(run.error["traceback"])
    assert "return 1 / 0" in text and "line 3" in text and "line 2, in f" in text
    assert "parley_bridge" not in text, "the frames of the bridge are nobody's business"


def test_traceback_into_an_earlier_cell(cells):
    cells.run("def broken():\n    raise ValueError('from before')").ok()
    assert "raise ValueError('from before')" in "\n".join(cells.run("broken()").error["traceback"])


def test_syntax_error(cells):
    run = cells.run("x = 1\ny = )")
    assert run.error["ename"] == "SyntaxError"
    assert "line 2" in "\n".join(run.error["traceback"])


def test_state_stays_after_an_error(cells):
    cells.run("kept = 1\n1 / 0")
    assert cells.run("kept").ok().outputs == [("execute_result", "1")]


def test_system_exit_is_an_error_and_no_end(cells):
    cells.run("here = 'still'").ok()
    assert cells.run("raise SystemExit(3)").error["ename"] == "SystemExit"
    assert cells.run("here").ok().outputs == [("execute_result", "'still'")]


@pytest.mark.parametrize("code", ["%timeit 1", "!ls", "%%bash\nls"])
def test_magics_say_what_is_missing(cells, code):
    error = cells.run(code).error
    assert "IPython" in error["evalue"] and "pip install ipython" in error["evalue"]


def test_input(cells):
    msg_id = cells.execute("print('hello ' + input('name? '))", allow_stdin=True)
    question = cells.until(lambda: cells.replies(msg_id, "stdin"), 20, "a question")[0]
    assert question.content == {"prompt": "name? ", "password": False}
    cells.send("stdin", "input_reply", {"status": "ok", "value": "Ada"}, parent=question.header)
    assert cells.finish(msg_id).ok().text() == "hello Ada\n"


def test_getpass(cells):
    msg_id = cells.execute("import getpass\ngetpass.getpass('key: ')", allow_stdin=True)
    question = cells.until(lambda: cells.replies(msg_id, "stdin"), 20, "a question")[0]
    assert question.content == {"prompt": "key: ", "password": True}
    cells.send("stdin", "input_reply", {"status": "ok", "value": "s"}, parent=question.header)
    assert cells.finish(msg_id).ok().outputs == [("execute_result", "'s'")]


def test_input_without_stdin(cells):
    assert cells.run("input()", allow_stdin=False).error["ename"] == "StdinNotImplementedError"


def test_await_and_background_task(cells):
    cells.run(
        "import asyncio\n"
        "go = asyncio.Event()\n"
        "async def later():\n    await go.wait()\n    return 'done'\n"
        "task = asyncio.create_task(later())"
    ).ok()
    assert cells.run("go.set()\nawait task").ok().outputs == [("execute_result", "'done'")]


def test_interrupt(cells):
    msg_id = cells.execute("import time\nprint('sleeping')\ntime.sleep(60)")
    cells.wait(msg_id, ("stream", "stdout", "sleeping\n"))
    cells.ask("interrupt_request", channel="control")
    assert cells.finish(msg_id, 20).error["ename"] == "KeyboardInterrupt"
    assert cells.run("1").ok().outputs == [("execute_result", "1")]


def test_thread_and_child(cells):
    run = cells.run(
        "import subprocess, sys, threading\n"
        "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "subprocess.run([sys.executable, '-c', 'print(\"child\")'], check=True).returncode"
    ).ok()
    assert run.outputs == [("stream", "stdout", "thread\nchild\n"), ("execute_result", "0")]


def test_user_expressions(cells):
    reply = cells.run("v = 20", user_expressions={"good": "v + 1", "bad": "nothing"}).reply.content
    assert reply["user_expressions"]["good"]["data"] == {"text/plain": "21"}
    assert reply["user_expressions"]["bad"]["ename"] == "NameError"


def test_complete(cells):
    cells.run("thing_one = 1; import os").ok()
    reply = cells.ask("complete_request", {"code": "x = thing_", "cursor_pos": 10}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["thing_one"], 4, 10)
    assert "os.getcwd" in cells.ask("complete_request", {"code": "os.getc", "cursor_pos": 7}).content["matches"]


def test_inspect(cells):
    cells.run("def documented(a, *, b=2):\n    'What it does.'\n    return a").ok()
    ask = {"code": "documented", "cursor_pos": 4}
    brief = cells.ask("inspect_request", {**ask, "detail_level": 0}).content
    assert brief["found"] and "(a, *, b=2)" in brief["data"]["text/plain"]
    assert "What it does." in brief["data"]["text/plain"]
    source = cells.ask("inspect_request", {**ask, "detail_level": 1}).content
    assert "return a" in source["data"]["text/plain"]
    assert cells.ask("inspect_request", {"code": "unknown_x", "cursor_pos": 4, "detail_level": 0}).content["found"] is False


@pytest.mark.parametrize(
    "code, status",
    [("x = 1", "complete"), ("for i in range(3):", "incomplete"), ("x = )", "invalid"), ("await f()", "complete")],
)
def test_is_complete(cells, code, status):
    assert cells.ask("is_complete_request", {"code": code}).content["status"] == status


def test_silent_and_store_history(cells):
    before = cells.run("'counted'").ok().count
    silent = cells.run("quiet = 5", silent=True).ok()
    assert silent.outputs == []
    assert cells.run("quiet", store_history=False).ok().outputs == [("execute_result", "5")]
    assert cells.run("1").ok().count == before + 1


def test_future_import_stays(cells):
    cells.run("from __future__ import annotations").ok()
    assert cells.run("def f(x: unknown): pass\nf.__annotations__").ok().outputs == [
        ("execute_result", "{'x': 'unknown'}")
    ]


def test_classes_of_cells_can_be_pickled(cells):
    run = cells.run("import pickle\nclass Point: pass\ntype(pickle.loads(pickle.dumps(Point()))) is Point").ok()
    assert run.outputs == [("execute_result", "True")]


def test_kernel_info_says_so(cells):
    cells.run("1").ok()
    content = cells.ask("kernel_info_request").content
    assert content["language_info"]["name"] == "python"
    assert content["language_info"]["version"] == "%d.%d.%d" % sys.version_info[:3]


def test_the_end_of_the_interpreter_is_told(launch, bare):
    client = launch(env={"PARLEY_PYTHON": str(bare)}).client()
    run = client.run("import os\nos._exit(3)")
    assert run.status == "error"
    assert client.run("'again'").ok().outputs == [("execute_result", "'again'")]
    assert os.path.exists(bare)
