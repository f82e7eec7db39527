"""The Python bridge, driven by the foreign driver: what a notebook would show, line by line."""

import base64
import re
import time

import pytest

from conftest import has, python_with_ipython

needs_widgets = pytest.mark.skipif(not has(python_with_ipython(), "ipywidgets"),
                                   reason="needs ipywidgets")
needs_matplotlib = pytest.mark.skipif(not has(python_with_ipython(), "matplotlib"),
                                      reason="needs matplotlib")


def interrupt_when(bridge, cell, text, timeout=10):
    """Waits until the cell has printed ``text``, then presses the interrupt button."""
    bridge.pump(lambda: text in cell.text(), timeout)
    bridge.interrupt()
    return bridge.wait(cell, timeout)


# -- results and errors ---------------------------------------------------------------------------


def test_handshake(python):
    info = python.info
    assert info["bridge_protocol"] == 1
    assert info["language_info"]["name"] == "python"
    assert info["language_info"]["codemirror_mode"] == {"name": "ipython", "version": 3}
    assert "IPython" in info["banner"]
    assert set(info["capabilities"]) - {"debug"} == {"complete", "inspect", "is_complete", "comm",
                                                     "subshells"}


def test_result_and_counters(python):
    assert python.execute("6*7").transcript == ["result: 42"]
    cell = python.execute("_ + 1")
    assert cell.of_type("execute_result")[0].content["execution_count"] == 2
    assert python.execute("__, In[1], Out[2], _1, _i2").transcript == [
        "result: (42, '6*7', 43, 42, '_ + 1')"]


def test_count_comes_from_the_server(python):
    """After a restart of the language alone the server counts on."""
    python.execution_count = 40
    assert python.execute("'a'").of_type("execute_result")[0].content["execution_count"] == 41
    assert python.execute("In[41], Out[41], _41").transcript == ["result: (\"'a'\", 'a', 'a')"]
    assert python.execute("1/0").status == "error"
    assert python.execute("%history 41").text() == "'a'\n"
    assert python.execute("len(In)").transcript == ["result: 46"]


def test_error(python):
    cell = python.execute("def f():\n    1/0\n\nf()")
    assert cell.transcript == ["error: ZeroDivisionError: division by zero"]
    error = cell.events[0].content
    assert cell.reply.content["status"] == "error"
    assert {k: cell.reply.content[k] for k in error} == error
    plain = "\n".join(error["traceback"])
    assert re.search(r"In ?\[1\]", re.sub(r"\x1b\[[\d;]*m", "", plain)) and "parley" not in plain


@pytest.mark.parametrize("code, ename", [
    ("def f(:", "SyntaxError"), ("  x\n y", "IndentationError"), ("%nomagic", "UsageError"),
    ("import sys; sys.exit(3)", "SystemExit"), ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("class E(Exception):\n  def __str__(self): 1/0\nraise E()", "E"),
    ("def f(): f()\nf()", "RecursionError"), ("b'\\xff'.decode()", "UnicodeDecodeError"),
])
def test_every_error_is_one_error_event(python, code, ename):
    cell = python.execute(code)
    assert [e.content["ename"] for e in cell.of_type("error")] == [ename]
    assert cell.reply.content["status"] == "error"
    assert cell.reply.content["ename"] == ename
    assert python.execute("1").transcript == ["result: 1"]


def test_exception_group(python):
    cell = python.execute("raise ExceptionGroup('two', [ValueError(1), TypeError(2)])")
    if cell.reply.content["ename"] == "NameError":
        pytest.skip("Python < 3.11")
    assert "TypeError: 2" in "\n".join(cell.of_type("error")[0].content["traceback"])


def test_error_in_formatter_fails_the_cell(python):
    cell = python.execute("class A:\n  def __repr__(self): 1/0\nA()")
    assert cell.status == "error"


def test_silent_and_without_history(python):
    python.execute("1")
    assert python.execute("x = 5; x", silent=True, execution_count=1).transcript == []
    assert python.execute("x").transcript == ["result: 5"]
    cell = python.execute("'h'", store_history=False)
    assert cell.status == "ok"


def test_user_expressions(python):
    cell = python.execute("a = 2", user_expressions={"ok": "a+1", "bad": "1/0"})
    found = cell.reply.content["user_expressions"]
    assert found["ok"] == {"status": "ok", "data": {"text/plain": "3"}, "metadata": {}}
    assert found["bad"]["status"] == "error" and found["bad"]["ename"] == "ZeroDivisionError"
    assert python.execute("1/0", user_expressions={"a": "1"}).reply.content["user_expressions"] == {}


def test_payloads(python):
    cell = python.execute("print?")
    page = cell.reply.content["payload"]
    assert len(page) == 1 and page[0]["source"] == "page" and page[0]["start"] == 0
    assert "Prints the values" in page[0]["data"]["text/plain"]
    payload = python.execute("get_ipython().set_next_input('x=1')").reply.content["payload"]
    assert payload == [{"source": "set_next_input", "text": "x=1", "replace": False}]
    payload = python.execute("exit").reply.content["payload"]
    assert payload == [{"source": "ask_exit", "keepkernel": False}]
    assert python.execute("1").transcript == ["result: 1"]


# -- display --------------------------------------------------------------------------------------


def test_display_and_update(python):
    cell = python.execute("from IPython.display import *\n"
                          "h = display(HTML('<b>x</b>'), display_id='d')\nh.update(HTML('y'))\n"
                          "clear_output(wait=True)")
    first, second, clear = cell.events
    assert first.type == "display_data"
    assert first.content["data"]["text/html"] == "<b>x</b>"
    assert first.content["transient"] == second.content["transient"] == {"display_id": "d"}
    assert second.type == "update_display_data"
    assert clear.content == {"wait": True}
    cell = python.execute("display(1)")
    assert cell.events[0].content["transient"] == {}


def test_what_json_has_no_word_for(python):
    cell = python.execute(
        "import datetime\n"
        "display({'image/png': b'\\x89PNG', 'application/json': {'n': float('nan'), 't': "
        "datetime.date(2020,1,2), 's': {1}, 5: (1, float('inf'))}}, raw=True)")
    data = cell.events[0].content["data"]
    assert data["image/png"] == base64.b64encode(b"\x89PNG").decode()
    assert data["application/json"] == {"n": None, "t": "2020-01-02", "s": [1], "5": [1, None]}
    assert python.execute("'\\ud800'").status == "ok"
    assert python.execute("print('\\ud800 \\udcff')").status == "ok"


def test_big_display(python):
    cell = python.execute("display({'text/plain': 'x' * (8 << 20)}, raw=True)")
    assert cell.events[0].content["data"] == {"text/plain": "x" * (8 << 20)}
    assert 8 << 20 < cell.events[0].head["size"] < (8 << 20) + 100
    cell = python.execute("display({'a': 'x' * 70000, 'b': '\"' * 70000, 'c': '\u20ac' * 70000, "
                          "'d': 1}, raw=True, metadata={'m': 1})")
    assert cell.events[0].content == {
        "data": {"a": "x" * 70000, "b": '"' * 70000, "c": "\u20ac" * 70000, "d": 1},
        "metadata": {"m": 1}, "transient": {}}


def test_a_big_display_of_mixed_text(python):
    """It is escaped a slice of 128 Ki characters at a time; none may notice its neighbours."""
    python.execute("import json\nplain = 'x' * 131072\nmixed = plain[1:] + '\\n' + '\\\\' + plain + '\"\u20ac\\x00\\t' + plain[2:] + '\U0001f600' * 70000")
    cell = python.execute("display({'text/html': mixed, 'text/plain': mixed + '\\ud800.'}, raw=True)")
    plain = "x" * 131072
    mixed = plain[1:] + "\n" + "\\" + plain + '"\u20ac\x00\t' + plain[2:] + "\U0001f600" * 70000
    assert cell.events[0].content["data"] == {"text/html": mixed, "text/plain": mixed + "?."}


def test_a_timeout_of_the_user_s_does_not_tear_a_big_display(python):
    """Its handler raises in the main thread, wherever that is; the frame is whole, and the exception follows it."""
    cell = python.execute(
        "import signal, time\nclass Late(Exception): pass\n"
        "def late(*_): raise Late\n"
        "before = signal.signal(signal.SIGALRM, late)\ntext, caught = '\u20ac' * (6 << 20), 0\n"
        "for delay in (0.003, 0.01, 0.02, 0.03, 0.05, 0.07):\n"
        "    try:\n        _ = signal.setitimer(signal.ITIMER_REAL, delay)\n"
        "        display({'text/plain': text}, raw=True)\n        time.sleep(10)\n"
        "    except Late: caught += 1\n"
        "_ = signal.signal(signal.SIGALRM, before)\nprint(caught)", 60)
    assert cell.text() == "6\n" and cell.status == "ok"
    assert {event.content["data"]["text/plain"] for event in cell.of_type("display_data")} <= {"\u20ac" * (6 << 20)}
    assert python.execute("6 * 7").transcript == ["result: 42"]


@needs_matplotlib
def test_matplotlib_inline(python):
    cell = python.execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('before')", 60)
    assert [e.type for e in cell.events][-1] == "display_data"
    assert "image/png" in cell.events[-1].content["data"]
    cell = python.execute("%matplotlib inline\nplt.plot([1]);", 60)
    assert "image/png" in cell.events[-1].content["data"]
    assert python.execute("%matplotlib agg\nplt.plot([1]);", 60).of_type("display_data") == []


# -- order ----------------------------------------------------------------------------------------


def test_streams_keep_their_order(python):
    cell = python.execute("import sys\nfor i in range(5):\n  print('o', i)\n"
                          "  print('e', i, file=sys.stderr)")
    assert cell.transcript == [line for i in range(5)
                               for line in ("stdout: o %d\n" % i, "stderr: e %d\n" % i)]


def test_displays_and_prints_keep_their_order(python):
    python.ack_delay = 0.005
    cell = python.execute("for i in range(20):\n  print(i)\n  display(i)")
    assert cell.transcript == [line for i in range(20)
                               for line in ("stdout: %d\n" % i, "display: %d" % i)]


def test_children_keep_the_order(python):
    code = """
import os, subprocess, sys
print('1'); os.system('echo 2; echo 3 >&2'); print('4')
display('5'); subprocess.run(['echo', '6']); print('7', end='')
!echo 8
os.write(1, b'9\\n'); print('10', file=sys.stderr)
"""
    assert python.execute(code).transcript == [
        "stdout: 1\n2\n", "stderr: 3\n", "stdout: 4\n", "display: '5'", "stdout: 6\n78\n9\n",
        "stderr: 10\n"]


def test_100k_lines(python):
    cell = python.execute("for i in range(100000): print(i)")
    assert cell.text() == "".join("%d\n" % i for i in range(100000))


def test_wide_characters(python):
    cell = python.execute("print('\u20ac' * 30001)")
    assert cell.text() == "\u20ac" * 30001 + "\n"


def test_unfinished_line_appears_at_once(python):
    cell = python.start_execute("import time\nprint('wait', end='')\ntime.sleep(30)")
    interrupt_when(python, cell, "wait", timeout=5)


def test_stream_attributes(python):
    assert python.execute("import sys\nsys.stdout.fileno(), sys.stderr.fileno(), "
                          "sys.stdout.isatty(), sys.stdout.encoding").transcript == [
        "result: (1, 2, False, 'UTF-8')"]
    assert python.execute("_ = sys.stdout.buffer.write(b'raw\\n')").transcript == ["stdout: raw\n"]
    assert python.execute("sys.stdout.write(5)").reply.content["ename"] == "TypeError"


def test_an_interrupt_at_the_beginning_of_a_function_has_no_line(python):
    cell = python.execute(
        "import sys, types\ndef outer(x):\n    def inner(): return x, sys._getframe()\n    return inner()[1]\n"
        "entry = types.TracebackType(None, outer(1), 0, -1)\nassert sys.version_info < (3, 11) or entry.tb_lineno is None\n"
        "raise KeyboardInterrupt().with_traceback(entry)")
    assert cell.transcript == ["error: KeyboardInterrupt: "]
    assert "inner()" in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(cell.of_type("error")[0].content["traceback"]))


# -- threads, tasks, forks ------------------------------------------------------------------------


def test_thread_output_belongs_to_its_cell(python):
    first = python.execute("import threading, time\ngo = threading.Event()\n"
                           "def work():\n  go.wait()\n  print('late'); display('shown')\n"
                           "t = threading.Thread(target=work); t.start()")
    second = python.execute("go.set(); t.join(); print('second')")
    assert second.transcript == ["stdout: second\n"]
    assert python.late_transcript == ["stdout: late\n", "display: 'shown'"]
    assert {event.id for event in python.late} == {first.id}


def test_a_thread_that_is_held_up_while_it_prints(python):
    """It has found its cell running, and goes on when the next one runs: the text is the first one's all the same."""
    first = python.execute(
        "import sys, threading\n"
        "output = next(c.cell_contents for c in sys.stdout.write.__closure__ if type(c.cell_contents).__name__ == 'Output')\n"
        "held, gate, switch = threading.Event(), threading.Event(), output._switch\n"
        "def slow_switch(to):\n"
        "    switch(to)\n"
        "    if threading.current_thread() is worker: held.set(); gate.wait(10)\n"
        "worker = threading.Thread(target=lambda: sys.stderr.write('late\\n'))\n"
        "print('before'); output._switch = slow_switch; worker.start(); _ = held.wait(10)")
    second = python.execute("del output._switch; gate.set(); worker.join(); print('second')")
    assert first.transcript == ["stdout: before\n"] and second.transcript == ["stdout: second\n"]
    python.pump_late("stderr: late\n")
    assert [(e.id, e.short()) for e in python.late] == [(first.id, "stderr: late\n")]


def test_executor_jobs_belong_to_the_submitting_cell(python):
    python.execute("from concurrent.futures import ThreadPoolExecutor\n"
                   "pool = ThreadPoolExecutor(1)\npool.submit(print, 'a').result()")
    second = python.execute("import threading; go = threading.Event()\n"
                            "def f():\n  go.wait()\n  print('b')\n"
                            "job = pool.submit(f)")
    python.execute("go.set(); job.result()")
    assert python.late_transcript == ["stdout: b\n"]
    assert {event.id for event in python.late} == {second.id}


def test_thread_of_the_running_cell(python):
    cell = python.execute("import threading\nprint(1)\nt = threading.Thread(target=lambda: print(2))"
                          "\nt.start(); t.join(); print(3); display(4)")
    assert cell.transcript == ["stdout: 1\n2\n3\n", "display: 4"]


def test_fork(python):
    # From Python 3.12 on, forking warns wherever there are threads, as there are in any kernel.
    python.execute("import warnings; warnings.simplefilter('ignore')")
    cell = python.execute("import os\nprint('before', end=' ')\npid = os.fork()\n"
                          "if pid == 0:\n  print('child'); display('shown'); os._exit(0)\n"
                          "os.waitpid(pid, 0); print('parent')")
    assert cell.transcript == ["stdout: before child\n'shown'\nparent\n"]
    # A copy that runs to the end of its cell is gone then, and answers nothing.
    cell = python.execute("pid = os.fork()\nif pid: _ = os.waitpid(pid, 0)\nprint('x')")
    assert cell.transcript == ["stdout: x\nx\n"]
    assert python.execute("2").transcript == ["result: 2"]


def test_multiprocessing(python):
    cell = python.execute("import multiprocessing as m\nctx = m.get_context('fork')\n"
                          "def f(x):\n  print('job', x); return x * x\n"
                          "with ctx.Pool(2) as pool: print(pool.map(f, [1, 2]))")
    assert sorted(cell.text().split("\n")) == ["", "[1, 4]", "job 1", "job 2"]


def test_descriptors_are_not_inherited(python):
    cell = python.execute("!ls -l /proc/self/fd | grep -c pipe")
    assert cell.text().strip() == "2"


# -- asyncio --------------------------------------------------------------------------------------


def test_await_and_background_tasks(python):
    assert python.execute("import asyncio\nawait asyncio.sleep(0.01)\n5").transcript == ["result: 5"]
    cell = python.execute("async def tick():\n  for i in range(3):\n    await asyncio.sleep(0.02)\n"
                          "    print('tick', i)\ntask = asyncio.create_task(tick())")
    assert cell.status == "ok"
    # Nothing runs now: the loop goes on by itself.
    python.pump_late("stdout: tick 0\ntick 1\ntick 2\n")
    assert {event.id for event in python.late} == {cell.id}
    assert python.execute("task.done(), asyncio.run(asyncio.sleep(0, 'run'))").transcript == [
        "result: (True, 'run')"]


def test_loop_is_one_loop(python):
    python.execute("import asyncio\nloop = asyncio.get_running_loop()")
    assert python.execute("await asyncio.sleep(0)\nasyncio.get_running_loop() is loop").transcript \
        == ["result: True"]
    assert python.execute("loop.run_until_complete(asyncio.sleep(0, 7))").transcript == ["result: 7"]


def test_call_from_thread_while_idle(python, gate):
    python.execute("import asyncio, os, threading, time\nloop = asyncio.get_running_loop()\n"
                   "async def hello(): print('hello')\n"
                   "def later():\n  while not os.path.exists('%s'): time.sleep(0.01)\n" % gate +
                   "  asyncio.run_coroutine_threadsafe(hello(), loop)\n"
                   "threading.Thread(target=later).start()")
    gate.touch()
    python.pump_late("stdout: hello\n")


# -- interrupts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [
    "import time; print('go'); time.sleep(60)",
    "print('go')\nwhile True: pass",
    "print('go')\nwhile True: print('x' * 100)",
    "print('go')\nwhile True: display(1)",
    "import asyncio; print('go'); await asyncio.sleep(60)",
    "async def f():\n  while True: pass\nprint('go'); await f()",
    "import asyncio\nasync def f(): await asyncio.sleep(60)\nprint('go'); await asyncio.gather(f(), f())",
    "import os; r, w = os.pipe(); print('go'); os.read(r, 1)",
    "!echo go; sleep 60",
    "x = !echo go >&2; sleep 60\n",
    "%%bash\necho go\nsleep 60",
    "import subprocess; subprocess.run('echo go; sleep 60', shell=True)",
    "import threading; e = threading.Event(); print('go'); e.wait()",
])
def test_interrupt(python, code):
    if "x = !" in code:
        code = code.replace(">&2", "> /dev/null")
        cell = python.start_execute("print('go', flush=True)\n" + code)
    else:
        cell = python.start_execute(code)
    interrupt_when(python, cell, "go", 15)
    assert cell.reply.content["ename"] == "KeyboardInterrupt"
    assert cell.of_type("error")[-1].content["ename"] == "KeyboardInterrupt"
    assert "parley_bridge" not in "".join(cell.reply.content["traceback"])
    assert python.execute("'alive'").transcript == ["result: 'alive'"]


def test_interrupt_while_the_traceback_is_formatted(python):
    """IPython then prints a line and shows no error; the cell must end in one all the same."""
    cell = python.execute("class E(Exception):\n  calls = 0\n  def __str__(self):\n    E.calls += 1\n"
                          "    if E.calls == 1: raise KeyboardInterrupt\n    return 'broken'\nraise E()")
    assert cell.reply.content["ename"] == "E"
    assert [event.content["ename"] for event in cell.of_type("error")] == ["E"]


def test_a_transformer_that_fails_shows_no_frame_of_the_bridge(python):
    python.execute("def fails(lines): raise ValueError('no')\nget_ipython().input_transformers_cleanup.append(fails)")
    cell = python.execute("1")
    shown = "\n".join(cell.reply.content["traceback"])
    assert cell.reply.content["ename"] == "ValueError"
    assert "fails" in shown
    assert "parley_bridge" not in shown


def test_interrupt_between_the_code_and_the_bridge(python):
    """An interrupt that no cell catches is an error of the cell nevertheless."""
    python.execute("import sys; shell = sys.modules['parley_bridge.shell'].IPythonShell\n"
                   "whole = shell.execute\n"
                   "def once(*args): shell.execute = whole; raise KeyboardInterrupt\n"
                   "shell.execute = once")
    cell = python.execute("1")
    assert cell.transcript == ["error: KeyboardInterrupt: "]
    assert cell.reply.content["ename"] == "KeyboardInterrupt"
    assert python.execute("2").transcript == ["result: 2"]


def test_interrupt_while_idle_changes_nothing(python):
    python.execute("1")
    for _ in range(3):
        python.interrupt()
        python.settle()
    assert python.execute("2").transcript == ["result: 2"]


def test_interrupt_storm(python):
    """Interrupts at any moment end no bridge, tear no frame, and leave every request answered."""
    for i in range(60):
        cell = python.start_execute("for i in range(50): display(i); print(i)")
        time.sleep(0.0007 * (i % 20))
        python.interrupt()
        python.wait(cell)
        assert cell.reply.content.get("ename", "KeyboardInterrupt") == "KeyboardInterrupt"
    assert python.execute("'alive'").transcript == ["result: 'alive'"]


def test_users_own_handler_stays_in_its_cell(python):
    python.execute("import signal; _ = signal.signal(signal.SIGINT, signal.SIG_IGN)")
    cell = python.start_execute("import time; print('go'); time.sleep(60)")
    interrupt_when(python, cell, "go")
    assert cell.reply.content["ename"] == "KeyboardInterrupt"


def test_sigint_ignored_by_the_parent(start, tmp_path):
    """A shell's background job inherits SIGINT ignored; the bridge takes it back."""
    wrapper = tmp_path / "python"
    wrapper.write_text("#!/bin/sh\ntrap '' INT\nexec %s \"$@\"\n" % python_with_ipython())
    wrapper.chmod(0o755)
    bridge = start("python", PARLEY_PYTHON=str(wrapper))
    cell = bridge.start_execute("import time; print('go'); time.sleep(60)")
    interrupt_when(bridge, cell, "go")
    assert cell.reply.content["ename"] == "KeyboardInterrupt"


# -- input ----------------------------------------------------------------------------------------


def test_input(python):
    python.answers.extend(["Ada", "secret", {"status": "eof"}, {"status": "error", "ename": "E",
                                                               "evalue": "nobody there"}])
    cell = python.execute("print('hi')\nname = input('name? ')\nprint('hello', name)")
    assert cell.transcript == ["stdout: hi\n", "input_request: name? ", "stdout: hello Ada\n"]
    cell = python.execute("import getpass; getpass.getpass('pw ')")
    assert cell.events[0].content == {"prompt": "pw ", "password": True}
    assert cell.transcript[-1] == "result: 'secret'"
    assert python.execute("input()").reply.content["ename"] == "EOFError"
    reply = python.execute("input()").reply.content
    assert reply["ename"] == "StdinNotImplementedError" and reply["evalue"] == "nobody there"
    reply = python.execute("input()", allow_stdin=False).reply.content
    assert reply["ename"] == "StdinNotImplementedError"
    assert reply["evalue"] == ("raw_input was called, but this frontend does not support input "
                               "requests.")


def test_interrupt_of_input_and_stale_reply(python):
    cell = python.start_execute("input('a')")
    python.pump(lambda: python.asked)
    python.interrupt()
    python.wait(cell)
    assert cell.reply.content["ename"] == "KeyboardInterrupt"
    python.answer(python.asked[0], "stale")
    python.answers.append("fresh")
    assert python.execute("input('b')").transcript[-1] == "result: 'fresh'"


# -- shell commands, magics -----------------------------------------------------------------------


def test_commands_and_magics(python):
    assert python.execute("%%bash\necho out; echo err >&2; echo out2").text() == "out\nout2\n"
    assert python.execute("%%bash\nexit 3").reply.content["ename"] == "CalledProcessError"
    assert python.execute("x = !echo a; echo b\nx").transcript == ["result: ['a', 'b']"]
    cell = python.execute("%%capture c\nprint('p'); display('d')\n!echo shell")
    assert cell.transcript == []
    assert python.execute("c.stdout, len(c.outputs)").transcript == [
        "result: ('p\\nshell\\n', 1)"]
    assert "Wall time" in python.execute("%%time\npass").text()
    assert python.execute("!exit 3\n_exit_code").transcript == ["result: 3"]
    python.execute("%%bash --out o\necho kept")
    assert python.execute("o").transcript == ["result: 'kept\\n'"]
    assert python.execute("%%writefile t.py\nx = 1").status == "ok"
    assert python.execute("%load t.py").reply.content["payload"][0]["source"] == "set_next_input"
    python.answers.extend(["x", "c"])
    cell = python.execute("import pdb\nx = 11\npdb.set_trace()\nx = 12")
    assert "11\n" in cell.text()
    assert python.execute("%store").status == "ok"


# -- questions about code -------------------------------------------------------------------------


def test_completion(python):
    python.execute("abcdef = 1; import os")
    reply = python.complete("print(abcd")
    assert reply["matches"] == ["abcdef"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (6, 10)
    kinds = reply["metadata"]["_jupyter_types_experimental"]
    assert set(kinds[0]) == {"start", "end", "text", "type", "signature"}
    assert "path" in python.complete("x = '\U0001f600'; os.pat")["matches"][0]
    assert "%time" in python.complete("%tim")["matches"]
    assert python.complete("")["status"] == "ok"


def test_inspection(python):
    reply = python.inspect("print(")
    assert reply["found"] and "Prints the values" in reply["data"]["text/plain"]
    assert python.inspect("nothing_here") == {"status": "ok", "found": False, "data": {},
                                              "metadata": {}}


@pytest.mark.parametrize("code, expected", [
    ("x = 1", {"status": "complete"}), ("for i in x:", {"status": "incomplete", "indent": "    "}),
    ("(1,", {"status": "incomplete", "indent": ""}), ("x = = 1", {"status": "invalid"}),
    ("%%bash\nls", {"status": "incomplete", "indent": ""}),
])
def test_is_complete(python, code, expected):
    assert python.is_complete(code) == expected


def test_questions_while_a_cell_runs(python):
    python.execute("import os; abcdef = 1")
    cell = python.start_execute("print('go')\nwhile True: pass")
    python.pump(lambda: "go" in cell.text())
    assert "abcdef" in python.complete("abcd", lane=5)["matches"]
    assert python.inspect("os.getcwd", lane=5)["found"]
    assert python.is_complete("x", lane=5)["status"] == "complete"
    python.interrupt()
    assert python.wait(cell).reply.content["ename"] == "KeyboardInterrupt"


# -- comms ----------------------------------------------------------------------------------------

TARGET = """
from comm import get_comm_manager
got = []
def opened(comm, msg):
    comm.on_msg(lambda m: (got.append(m['content']['data']), print('msg'),
                           comm.send({'echo': m['content']['data']}, buffers=m['buffers'])))
    comm.on_close(lambda m: print('closed'))
    comm.send({'hello': 1})
get_comm_manager().register_target('t', opened)
"""


@pytest.fixture
def comm_python(python):
    if python.execute("import comm").status == "error":
        pytest.skip("needs the comm package")
    return python


def test_comm_from_the_front_end(comm_python):
    python = comm_python
    cell = python.execute(TARGET)
    assert [e.content for e in cell.of_type("comm_target")] == [{"target_name": "t"}]
    opened = python.request("comm_open", {"comm_id": "c", "target_name": "t", "data": {}})
    assert opened.reply.type == "done"
    assert opened.of_type("comm_msg")[0].content == {"data": {"hello": 1}, "comm_id": "c"}
    message = python.request("comm_msg", {"comm_id": "c", "data": 5}, buffers=[b"\n\x00ab", b""])
    assert message.transcript[0] == "stdout: msg\n"
    echo = message.of_type("comm_msg")[0]
    assert echo.content["data"] == {"echo": 5} and echo.buffers == [b"\n\x00ab", b""]
    assert python.request("comm_close", {"comm_id": "c", "data": {}}).text() == "closed\n"
    assert python.request("comm_msg", {"comm_id": "gone", "data": {}}).events == []
    unknown = python.request("comm_open", {"comm_id": "u", "target_name": "nobody", "data": {}})
    assert [e.short() for e in unknown.events] == ["comm_close"]


def test_comm_to_the_front_end(comm_python):
    cell = comm_python.execute("import comm\nc = comm.create_comm(target_name='jupyter.x', "
                               "data={'a': 1}, buffers=[memoryview(b'xy')], metadata={'v': 2})\n"
                               "c.close()")
    opened = cell.of_type("comm_open")[0]
    assert opened.content["target_name"] == "jupyter.x" and opened.content["data"] == {"a": 1}
    assert opened.buffers == [b"xy"] and opened.head["metadata"] == {"v": 2}
    assert cell.of_type("comm_close")[0].content["comm_id"] == opened.content["comm_id"]


def test_comm_while_a_cell_runs(comm_python):
    python = comm_python
    python.execute(TARGET)
    python.request("comm_open", {"comm_id": "c", "target_name": "t", "data": {}})
    # While the cell awaits, the callback runs at once ...
    cell = python.start_execute("import asyncio\nprint('go')\nwhile not got: await asyncio.sleep(0.01)"
                                "\ngot")
    python.pump(lambda: "go" in cell.text())
    message = python.request("comm_msg", {"comm_id": "c", "data": 1}, lane=5)
    assert message.reply.type == "done" and message.text() == "msg\n"
    assert python.wait(cell).transcript[-1] == "result: [1]"
    # ... and after a cell that does not.
    cell = python.start_execute("import time\nprint('go')\ntime.sleep(0.3)\ngot")
    python.pump(lambda: "go" in cell.text())
    message = python.request("comm_msg", {"comm_id": "c", "data": 2}, lane=5)
    assert message.transcript[0] == "stdout: msg\n"
    assert cell.reply is not None and cell.transcript[-1] == "result: [1]"
    assert python.execute("got").transcript == ["result: [1, 2]"]


@needs_widgets
def test_ipywidgets(python):
    cell = python.execute("import ipywidgets as w\ns = w.IntSlider(value=3)\ns", 60)
    opened = [e for e in cell.of_type("comm_open") if "_model_name" in str(e.content)]
    assert opened and opened[0].content["target_name"] == "jupyter.widget"
    view = cell.of_type("execute_result")[0].content["data"]
    assert "application/vnd.jupyter.widget-view+json" in view
    slider = view["application/vnd.jupyter.widget-view+json"]["model_id"]
    python.execute("s.observe(lambda c: print('now', c['new']), 'value')")
    message = python.request("comm_msg", {"comm_id": slider, "data": {
        "method": "update", "state": {"value": 9}, "buffer_paths": []}})
    assert message.text() == "now 9\n"
    assert python.execute("s.value").transcript == ["result: 9"]


@needs_widgets
def test_output_widget_names_the_request(python):
    """The front end routes output into the widget by the msg_id of the request."""
    python.execute("import ipywidgets as w\no = w.Output()", 60)
    python.header = {"msg_id": "the-request", "msg_type": "execute_request"}
    cell = python.execute("with o: print('captured')")
    states = [e.content["data"]["state"] for e in cell.of_type("comm_msg")
              if "state" in e.content["data"]]
    assert {"msg_id": "the-request"} in states and {"msg_id": ""} in states
    order = [e.type for e in cell.events]
    assert order == ["comm_msg", "stream", "comm_msg"]


def test_unknown_comm_target_while_a_cell_runs(python):
    """A comm message for a target nobody registered, while a cell runs, is closed afterwards."""
    cell = python.start_execute("import time; print('go'); time.sleep(0.2)")
    python.pump(lambda: "go" in cell.text())
    message = python.request("comm_open", {"comm_id": "u", "target_name": "x", "data": {}}, lane=5)
    assert [e.short() for e in message.events] == ["comm_close"] and cell.reply is not None


# -- life -----------------------------------------------------------------------------------------


def test_shutdown_runs_exit_handlers(python, tmp_path):
    python.execute("import atexit; atexit.register(lambda: open('left', 'w').write('x'))")
    assert python.shutdown() == 0
    assert (tmp_path / "left").read_text() == "x"


def test_end_of_the_pipe_ends_the_bridge(python):
    import os
    for lane in (3, 5):
        os.close(python._fds.pop(lane))
    assert python.wait_exit() == 0


def test_profile_is_honoured(start, tmp_path):
    profile = tmp_path / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00-first.py").write_text("from_startup = 1\n")
    (profile / "ipython_config.py").write_text(
        "c = get_config()\nc.InteractiveShellApp.exec_lines = ['from_config = 2']\n"
        "c.InteractiveShell.ast_node_interactivity = 'all'\n")
    bridge = start("python", PARLEY_PYTHON=python_with_ipython())
    if "IPython is not installed" in bridge.info["banner"]:
        pytest.skip("needs IPython")
    assert bridge.execute("from_startup\nfrom_config").transcript == ["result: 1", "result: 2"]


def test_the_history_database_is_left_alone(python, tmp_path):
    python.execute("1")
    assert not list(tmp_path.rglob("history.sqlite"))


# -- without IPython ------------------------------------------------------------------------------


def test_plain_python(plain):
    assert "IPython is not installed" in plain.info["banner"]
    assert plain.execute("x = 6\nx * 7").transcript == ["result: 42"]
    assert plain.execute("_ + 1;").transcript == []
    cell = plain.execute("def f():\n    return 1/0\nf()")
    assert cell.transcript == ["error: ZeroDivisionError: division by zero"]
    text = "\n".join(cell.of_type("error")[0].content["traceback"])
    assert "return 1/0" in text and "fallback.py" not in text
    assert plain.execute("%ls").reply.content["ename"] == "SyntaxError"
    assert plain.execute("import asyncio\nawait asyncio.sleep(0.01)\n'aw'").transcript == [
        "result: 'aw'"]
    plain.answers.append("Ada")
    assert plain.execute("input('name? ')").transcript[-1] == "result: 'Ada'"
    assert plain.execute("from __future__ import annotations").status == "ok"
    assert plain.execute("def g(x: undefined): pass").status == "ok"
    assert plain.execute("").transcript == []
    assert plain.execute("# only a comment").transcript == []
    cell = plain.execute("class H:\n  def _repr_html_(self): return '<i>'\nH()")
    assert cell.events[0].content["data"]["text/html"] == "<i>"
    assert plain.execute("y = 1", user_expressions={"a": "y+1"}).reply.content[
        "user_expressions"]["a"]["data"] == {"text/plain": "2"}


def test_plain_questions(plain):
    plain.execute("abcdef = [1]; import os")
    assert plain.complete("abcd")["matches"] == ["abcdef"]
    assert "os.getcwd" in plain.complete("os.getc")["matches"]
    assert "Signature" in plain.inspect("os.path.join")["data"]["text/plain"]
    assert plain.inspect("nope")["found"] is False
    assert plain.is_complete("for i in x:") == {"status": "incomplete", "indent": "    "}
    assert plain.is_complete("x = 1") == {"status": "complete"}
    assert plain.is_complete("x = = 1") == {"status": "invalid"}


def test_plain_interrupt_and_order(plain):
    cell = plain.start_execute("import time; print('go'); time.sleep(60)")
    interrupt_when(plain, cell, "go")
    assert cell.reply.content["ename"] == "KeyboardInterrupt"
    cell = plain.execute("import sys\nprint(1); print(2, file=sys.stderr); display(3); print(4)")
    assert cell.transcript == ["stdout: 1\n", "stderr: 2\n", "display: 3", "stdout: 4\n"]


def test_a_home_that_cannot_be_written_leaves_no_warning_in_the_first_cell(start, tmp_path):
    (tmp_path / "file").touch()
    home = str(tmp_path / "file" / "home")
    python = start("python", PARLEY_PYTHON=python_with_ipython(), HOME=home, IPYTHONDIR="", TMPDIR=str(tmp_path))
    assert python.execute("print(1)").transcript == ["stdout: 1\n"]
    assert len(list(tmp_path.glob("tmp*"))) <= 1, "one folder in its place, not one for each use"


def test_compiled_files_that_a_full_disk_has_cut_short_are_made_anew(start, tmp_path):
    cache = tmp_path / "cache"
    first = start("python", PARLEY_PYTHON=python_with_ipython(), XDG_CACHE_HOME=str(cache))
    assert first.execute("print(1)").transcript == ["stdout: 1\n"]
    files = list(cache.rglob("*.pyc"))
    assert {file.name.split(".")[0] for file in files} >= {"handshake", "serve", "shell"}
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    second = start("python", PARLEY_PYTHON=python_with_ipython(), XDG_CACHE_HOME=str(cache))
    assert second.execute("print(1)").transcript == ["stdout: 1\n"]
