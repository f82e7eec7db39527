"""Cells and comm messages of subshells in the Python bridge, which run in threads of their own."""

import re

import pytest

from conftest import has, python_with_ipython


def slow(bridge, seconds=20):
    """A cell in the main shell that runs until the name ``go`` is set."""
    cell = bridge.start_execute("import time\nprint('main', flush=True)\n"
                                "for i in range(%d):\n    time.sleep(0.01)\n"
                                "    if 'go' in globals(): break\nprint('over')" % (seconds * 100))
    bridge.pump(lambda: "main" in cell.text())
    return cell


def in_subshell(bridge, code, id="s", **fields):
    return bridge.wait(bridge.start_execute(code, subshell=id, **fields))


@pytest.mark.parametrize("bridge", ["python", "plain"], indirect=True)
def test_runs_beside_the_main_shell(bridge):
    main = slow(bridge)
    cell = in_subshell(bridge, "x = 5\nprint('sub', x)\nx + 1")
    assert cell.transcript == ["stdout: sub 5\n", "result: 6"]
    assert cell.of_type("execute_result")[0].content["execution_count"] == 2
    assert main.reply is None
    in_subshell(bridge, "go = True")
    bridge.wait(main)
    assert main.transcript == ["stdout: main\nover\n"]
    assert bridge.execute("x").transcript == ["result: 5"]


@pytest.fixture
def bridge(request):
    return request.getfixturevalue(request.param)


def test_main_results_are_left_alone(python):
    python.execute("'main'")
    in_subshell(python, "'sub'")
    assert python.execute("_, In[1], sorted(Out)").transcript == ["result: ('main', \"'main'\", [1])"]


def test_semicolon(python):
    assert in_subshell(python, "1;").transcript == []
    python.execute("2;")
    assert in_subshell(python, "3").transcript == ["result: 3"]


def test_error(python):
    cell = in_subshell(python, "1/0", execution_count=7)
    assert cell.transcript == ["error: ZeroDivisionError: division by zero"]
    assert cell.reply.content["status"] == "error"
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(cell.reply.content["traceback"]))
    assert "In[7]" in plain and "parley" not in plain
    assert in_subshell(python, "print('on')").transcript == ["stdout: on\n"]


def test_one_after_the_other_within_one(python):
    cells = [python.start_execute("import time; time.sleep(0.05); print(%d)" % n, subshell="s")
             for n in range(3)]
    for n, cell in enumerate(cells):
        assert python.wait(cell).text() == "%d\n" % n


def test_beside_each_other(python):
    python.execute("import threading; barrier = threading.Barrier(3)")
    cells = [python.start_execute("barrier.wait(10); print(threading.current_thread().name)",
                                  subshell=id) for id in ("a", "b")]
    main = python.start_execute("barrier.wait(10)")
    assert [python.wait(cell).text() for cell in cells] == ["subshell-a\n", "subshell-b\n"]
    assert python.wait(main).status == "ok"


def test_await(python):
    main = slow(python)
    code = ("import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 'awaited'\n"
            "print(await f())\nt = asyncio.create_task(f())\nawait t")
    assert in_subshell(python, code).transcript == ["stdout: awaited\n", "result: 'awaited'"]
    in_subshell(python, "go = True")
    python.wait(main)
    # Both shells await at the same time.
    cells = [python.start_execute("await asyncio.sleep(0.2)", subshell=id) for id in ("s", "t")]
    main = python.execute("await asyncio.sleep(0.1); 'main'")
    assert main.transcript == ["result: 'main'"]
    assert [python.wait(cell).status for cell in cells] == ["ok", "ok"]


def test_background_tasks_go_on(python):
    in_subshell(python, "import asyncio, threading\ndone = threading.Event()\n"
                        "async def f():\n    await asyncio.sleep(0.05)\n    print('later')\n    done.set()\n"
                        "task = asyncio.create_task(f())")
    assert python.execute("done.wait(5)").transcript[-1] == "result: True"
    python.pump(lambda: any("later" in e.short() for e in python.late))


def test_input(python):
    main = slow(python)
    python.answers += ["Ada", "main"]
    cell = in_subshell(python, "input('who? ')")
    assert cell.transcript == ["input_request: who? ", "result: 'Ada'"]
    assert python.asked[0].head["request"] == cell.id
    in_subshell(python, "go = True")
    python.wait(main)
    assert python.execute("input('and? ')").transcript == ["input_request: and? ", "result: 'main'"]
    assert "request" not in python.asked[1].head
    cell = in_subshell(python, "input()", allow_stdin=False)
    assert cell.reply.content["ename"] == "StdinNotImplementedError"
    python.answers.append({"status": "eof"})
    assert in_subshell(python, "input()").reply.content["ename"] == "EOFError"


def test_input_in_a_thread(python):
    python.answers.append("from the thread")
    cell = python.execute("import threading\nanswers = []\n"
                          "t = threading.Thread(target=lambda: answers.append(input('thread? ')))\n"
                          "t.start(); t.join(); answers")
    assert cell.transcript == ["input_request: thread? ", "result: ['from the thread']"]


def test_input_in_a_thread_whose_cell_ends(python):
    cell = python.execute("def late():\n    try:\n        input('late? ')\n    except Exception as e:\n"
                          "        outcome.append(type(e).__name__)\n"
                          "outcome = []\nt = threading.Thread(target=late) if 'threading' in globals() else "
                          "__import__('threading').Thread(target=late)\nt.start()")
    assert cell.status == "ok"
    assert python.execute("t.join(10); outcome").transcript == ["result: ['StdinNotImplementedError']"]


@pytest.mark.parametrize("code", [
    "print('on', flush=True)\nwhile True: pass",
    "print('on', flush=True)\ninput()",
    "import asyncio\nprint('on', flush=True)\nawait asyncio.sleep(100)",
    "import asyncio\nprint('on', flush=True)\nasync def f():\n    while True: pass\nawait f()",
    "import time\nprint('on', flush=True)\nfor i in range(10000): time.sleep(0.01)",
])
def test_interrupt(python, code):
    cell = python.start_execute(code, subshell="s")
    python.pump(lambda: "on" in cell.text())
    if "input" in code:
        python.pump(lambda: python.asked)
    python.interrupt()
    assert python.wait(cell, 10).reply.content["ename"] == "KeyboardInterrupt"
    assert [e.content["ename"] for e in cell.of_type("error")] == ["KeyboardInterrupt"]
    assert in_subshell(python, "6*7").transcript == ["result: 42"]


def test_interrupt_reaches_all(python):
    cells = [python.start_execute("print('on', flush=True)\nwhile True: pass", subshell=id)
             for id in (None, "a", "b")]
    python.pump(lambda: all("on" in cell.text() for cell in cells))
    python.interrupt()
    for cell in cells:
        assert python.wait(cell, 10).reply.content["ename"] == "KeyboardInterrupt"


def test_interrupts_tear_no_frame(python):
    """Interrupted while it prints and displays as fast as it can."""
    for _ in range(10):
        cell = python.start_execute("print('on', flush=True)\nwhile True:\n    print('x' * 1000)\n"
                                    "    display({'text/plain': 'y' * 1000}, raw=True)", subshell="s")
        python.pump(lambda: "on" in cell.text())
        python.interrupt()
        assert python.wait(cell, 10).reply.content["ename"] == "KeyboardInterrupt"
    assert in_subshell(python, "6*7").transcript == ["result: 42"]


def test_closing_ends_the_thread(python):
    in_subshell(python, "import threading")
    names = "[t.name for t in threading.enumerate() if t.name.startswith('subshell')]"
    assert python.execute(names).transcript == ["result: ['subshell-s']"]
    python._send("subshell_close", {"subshell_id": "s"}, None, 5)
    python.execute("for t in threading.enumerate():\n    if t.name == 'subshell-s': t.join(10)")
    assert python.execute(names).transcript == ["result: []"]
    assert in_subshell(python, "'again'").transcript == ["result: 'again'"]


def test_magics(python):
    cell = in_subshell(python, "%subshell")
    assert cell.text().startswith("subshell id: s\n") and "subshell list: ['s']" in cell.text()
    assert in_subshell(python, "!echo shell").text() == "shell\n"
    assert in_subshell(python, "%%bash\necho script").text() == "script\n"
    assert "jupyter console --existing" in python.execute("%connect_info").text()
    assert "jupyter qtconsole --existing" in python.execute("%qtconsole").text()


def test_payload_belongs_to_its_cell(python):
    main = slow(python)
    cell = in_subshell(python, "get_ipython().set_next_input('next')\ngo = True")
    assert [p["text"] for p in cell.reply.content["payload"]] == ["next"]
    assert python.wait(main).reply.content["payload"] == []


def test_user_expressions(python):
    cell = in_subshell(python, "y = 3", user_expressions={"double": "y * 2"})
    assert cell.reply.content["user_expressions"]["double"]["data"]["text/plain"] == "6"


@pytest.mark.skipif(not has(python_with_ipython(), "comm"), reason="needs comm")
def test_comm_in_a_subshell(python):
    """A widget's callback runs while a long cell runs in the main shell."""
    python.execute("import comm, threading\ndef target(c, message):\n"
                   "    def moved(m):\n        print('moved', m['content']['data'], threading.current_thread().name)\n"
                   "        c.send({'seen': True})\n    c.on_msg(moved)\n"
                   "comm.get_comm_manager().register_target('slider', target)")
    main = slow(python)
    opened = python.start("comm_open", {"comm_id": "c", "target_name": "slider", "data": {}}, lane=5,
                          subshell_id="s")
    python.wait(opened)
    moved = python.start("comm_msg", {"comm_id": "c", "data": {"value": 7}}, lane=5, subshell_id="s")
    python.wait(moved)
    assert moved.reply.type == "done"
    assert moved.text() == "moved {'value': 7} subshell-s\n"
    assert [e.content["data"] for e in moved.of_type("comm_msg")] == [{"seen": True}]
    assert main.reply is None
    in_subshell(python, "go = True")
    python.wait(main)
