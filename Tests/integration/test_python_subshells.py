"""Subshells with Python behind them: cells and comm messages run at the same time."""

import pytest


@pytest.fixture
def subshell(client):
    made = client.ask("create_subshell_request", channel="control").content["subshell_id"]
    yield made
    client.ask("delete_subshell_request", {"subshell_id": made}, channel="control")


@pytest.fixture
def two(client):
    made = [client.ask("create_subshell_request", channel="control").content["subshell_id"] for _ in range(2)]
    yield made
    for subshell in made:
        client.ask("delete_subshell_request", {"subshell_id": subshell}, channel="control")


def slow(client):
    cell = client.execute(
        "import time\ngo = False\nprint('main', flush=True)\n"
        "for _ in range(2000):\n    time.sleep(0.01)\n    if go: break\nprint('over')"
    )
    client.wait(cell, ("stream", "stdout", "main"))
    return cell


def test_runs_while_the_main_shell_is_busy(client, subshell):
    main = slow(client)
    run = client.run("print('side')\n6 * 7", subshell_id=subshell)
    assert run.outputs == [("stream", "stdout", "side\n"), ("execute_result", "42")]
    assert not client.replies(main)
    client.run("go = True", subshell_id=subshell).ok()
    assert client.finish(main).outputs == [("stream", "stdout", "main\nover\n")]


def test_same_namespace(client, subshell):
    client.run("shared = [1]").ok()
    client.run("shared.append(2)", subshell_id=subshell).ok()
    assert client.run("shared").outputs == [("execute_result", "[1, 2]")]


def test_threads(client, subshell):
    code = "import threading; print(threading.current_thread() is threading.main_thread())"
    assert client.run(code).text() == "True\n"
    assert client.run(code, subshell_id=subshell).text() == "False\n"


def test_deleting_ends_the_thread(client):
    made = client.ask("create_subshell_request", channel="control").content["subshell_id"]
    client.run("import threading; mine = threading.current_thread()", subshell_id=made).ok()
    state = "print(mine.name.startswith('subshell'), mine.is_alive())"
    assert client.run(state).text() == "True True\n"
    client.ask("delete_subshell_request", {"subshell_id": made}, channel="control")
    client.run("mine.join(20)").ok()
    assert client.run(state).text() == "True False\n"


@pytest.mark.parametrize("main", [True, False])
def test_beside_each_other(client, two, main):
    """Both wait for the other: neither can be queued behind the other."""
    client.run("import threading; barrier = threading.Barrier(2)").ok()
    shells = [None if main else two[0], two[1]]
    cells = [client.execute("barrier.wait(20)", subshell_id=shell) for shell in shells]
    for cell in cells:
        client.finish(cell).ok()
    for cell, shell in zip(cells, shells):
        statuses = [m for m in client.of(cell) if m.type == "status"]
        assert [m.state for m in statuses] == ["busy", "idle"]
        assert {m.parent.get("subshell_id") for m in statuses} == {shell}


def test_in_turn_within_one(client, subshell):
    cells = [client.execute(f"import time; time.sleep(0.05); print({n})", subshell_id=subshell) for n in range(4)]
    assert [client.finish(cell).text() for cell in cells] == [f"{n}\n" for n in range(4)]


def test_await_in_both(client, subshell):
    side = client.execute("import asyncio\nawait asyncio.sleep(0.2)\nprint('side')", subshell_id=subshell)
    assert client.run("import asyncio\nawait asyncio.sleep(0.1)\n'main'").outputs == [("execute_result", "'main'")]
    assert client.finish(side).text() == "side\n"


def test_stop_on_error(client, subshell):
    failing = client.execute("import time; time.sleep(0.2); 1/0", subshell_id=subshell)
    aborted = client.execute("print('no')", subshell_id=subshell)
    assert client.run("print('main')").text() == "main\n"
    assert client.finish(failing).status == "error"
    assert client.finish(aborted).outputs == []
    assert client.run("print('again')", subshell_id=subshell).text() == "again\n"


def test_silent(client, subshell):
    noisy = client.execute("import time; time.sleep(0.1); print('noisy')")
    silent = client.run("print('silent'); 6 * 7", subshell_id=subshell, silent=True)
    assert silent.outputs == []
    assert client.finish(noisy).text() == "noisy\n"


def test_questions_of_both(client, subshell):
    cells = {
        client.execute(f"input('{name}? ')", subshell_id=shell, allow_stdin=True): name
        for name, shell in (("main", None), ("side", subshell))
    }
    client.until(lambda: len(client.received["stdin"]) >= 2, 10, "two questions")
    for question in client.received["stdin"][-2:]:
        name = cells[question.parent["msg_id"]]
        assert question.content["prompt"] == f"{name}? "
        client.send("stdin", "input_reply", {"value": name.upper()}, parent=question.header)
    for cell, name in cells.items():
        assert client.finish(cell).outputs == [("execute_result", repr(name.upper()))]


def test_question_of_a_thread(client):
    cell = client.execute(
        "import threading\nsaid = []\nt = threading.Thread(target=lambda: said.append(input('thread? ')))\n"
        "t.start(); t.join(); said",
        allow_stdin=True,
    )
    question = client.until(
        lambda: [m for m in client.received["stdin"] if m.parent["msg_id"] == cell], 10, "the question"
    )[0]
    client.send("stdin", "input_reply", {"value": "yes"}, parent=question.header)
    assert client.finish(cell).outputs == [("execute_result", "['yes']")]


@pytest.mark.parametrize("code", ["while True: pass", "input()", "import asyncio; await asyncio.sleep(100)"])
def test_interrupt(client, subshell, code):
    cell = client.execute(f"print('on', flush=True)\n{code}", subshell_id=subshell, allow_stdin=True)
    client.wait(cell, ("stream", "stdout", "on"))
    if "input" in code:
        client.until(
            lambda: [m for m in client.received["stdin"] if m.parent["msg_id"] == cell], 10, "the question"
        )
    client.ask("interrupt_request", channel="control")
    assert client.finish(cell).reply.content["ename"] == "KeyboardInterrupt"
    assert client.run("6 * 7", subshell_id=subshell).outputs == [("execute_result", "42")]


def test_interrupt_of_all(client, two):
    cells = [client.execute("print('on', flush=True)\nwhile True: pass", subshell_id=s) for s in (None, *two)]
    for cell in cells:
        client.wait(cell, ("stream", "stdout", "on"))
    client.ask("interrupt_request", channel="control")
    for cell in cells:
        assert client.finish(cell).reply.content["ename"] == "KeyboardInterrupt"


def test_comm_callback_beside_a_cell(client, subshell):
    """JupyterLab makes a subshell for each comm target: a slider moves while a cell runs."""
    client.run(
        "import comm\ndef target(c, message):\n    def moved(m):\n"
        "        print('moved', m['content']['data'])\n        c.send({'seen': True})\n    c.on_msg(moved)\n"
        "comm.get_comm_manager().register_target('slider', target)"
    ).ok()
    opened = client.send("shell", "comm_open", {"comm_id": "c1", "target_name": "slider", "data": {}}, subshell_id=subshell)
    client.idle(opened)
    main = slow(client)
    moved = client.send("shell", "comm_msg", {"comm_id": "c1", "data": {"value": 7}}, subshell_id=subshell)
    client.idle(moved)
    assert client.transcript(moved) == ["busy", ("stream", "stdout", "moved {'value': 7}\n"), "comm_msg", "idle"]
    assert not client.replies(main)
    client.run("go = True", subshell_id=subshell).ok()
    client.finish(main)


def test_slider(client, subshell):
    pytest.importorskip("ipywidgets")
    client.run(
        "from ipywidgets import IntSlider\nslider = IntSlider()\n"
        "slider.observe(lambda change: print('value', change['new']), 'value')"
    ).ok()
    comm_id = client.run("print(slider.comm.comm_id)").text().strip()
    main = slow(client)
    data = {"method": "update", "state": {"value": 42}, "buffer_paths": []}
    moved = client.send("shell", "comm_msg", {"comm_id": comm_id, "data": data}, subshell_id=subshell)
    client.idle(moved)
    assert ("stream", "stdout", "value 42\n") in client.transcript(moved)
    assert not client.replies(main)
    client.run("go = True", subshell_id=subshell).ok()
    client.finish(main)


def test_crash_of_the_language(fresh):
    made = fresh.ask("create_subshell_request", channel="control").content["subshell_id"]
    main = slow(fresh)
    side = fresh.run("import os; os._exit(3)", subshell_id=made)
    assert side.status == "error" and fresh.finish(main).status == "error"
    assert fresh.run("6 * 7", subshell_id=made).outputs == [("execute_result", "42")]


def test_shutdown_with_a_busy_subshell(launch):
    kernel = launch()
    client = kernel.client()
    made = client.ask("create_subshell_request", channel="control").content["subshell_id"]
    cell = client.execute("print('on', flush=True)\nwhile True: pass", subshell_id=made)
    client.wait(cell, ("stream", "stdout", "on"))
    client.ask("shutdown_request", {"restart": False}, channel="control")
    kernel.process.wait(10)
