"""execute_request: every field of the request and of what it leads to."""

import re

import pytest


def test_print(client):
    run = client.run("print('hi')")
    assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "hi\n"), "idle"]
    assert run.reply.type == "execute_reply"
    assert run.reply.content["status"] == "ok"
    assert run.reply.content["user_expressions"] == {}
    assert run.reply.content.get("payload", []) == []


def test_result(client):
    run = client.run("6 * 7")
    assert run.transcript == ["busy", "execute_input", ("execute_result", "42"), "idle"]
    content = run.only("execute_result").content
    assert content["execution_count"] == run.count
    assert content["data"] == {"text/plain": "42"}
    assert content["metadata"] == {}
    assert content.get("transient", {}) == {}


def test_execute_input_repeats_code_and_count(client):
    code = "x = '😀'  # π\n"
    run = client.run(code)
    assert run.only("execute_input").content == {"code": code, "execution_count": run.count}


def test_missing_fields_have_defaults(client):
    before = client.run("pass").count
    run = client.finish(client.send("shell", "execute_request", {"code": "print(1)"}))
    assert run.status == "ok" and run.count == before + 1
    assert run.outputs == [("stream", "stdout", "1\n")]


@pytest.mark.parametrize(
    "content",
    [{}, {"code": 5}, {"code": None}, {"code": ["a"]}],
    ids=["no code", "number", "null", "list"],
)
def test_invalid_content_is_an_error_reply(client, content):
    msg_id = client.send("shell", "execute_request", content)
    run = client.finish(msg_id)
    assert run.status == "error"
    assert run.reply.content["ename"] == "InvalidRequest"
    assert run.reply.content["evalue"] and isinstance(run.reply.content["traceback"], list)
    assert isinstance(run.count, int)
    assert run.transcript[0] == "busy" and run.transcript[-1] == "idle"
    client.run("pass").ok()


def test_silent_shows_nothing_and_counts_nothing(client):
    before = client.run("pass").count
    run = client.run("quiet = 1\nprint('no')\nquiet", silent=True, store_history=True)
    assert run.status == "ok"
    assert run.transcript == ["busy", "idle"]
    after = client.run("quiet")
    assert after.count == before + 1
    assert after.outputs == [("execute_result", "1")]


def test_silent_error_is_told_in_the_reply_only(client):
    run = client.run("1/0", silent=True)
    assert run.reply.content["ename"] == "ZeroDivisionError"
    assert run.transcript == ["busy", "idle"]


def test_store_history_false_counts_nothing(client):
    before = client.run("pass").count
    run = client.run("print('seen')", store_history=False)
    assert run.outputs == [("stream", "stdout", "seen\n")]
    assert client.run("pass").count == before + 1


def test_counter_steps_by_one(client):
    counts = [client.run("pass").count for _ in range(3)]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def test_failed_cells_count_too(client):
    before = client.run("1/0").count
    assert client.run("pass").count == before + 1


def test_first_count_is_one(fresh):
    assert fresh.run("pass").count == 1


def test_counter_is_one_over_languages(client):
    first = client.run("pass").count
    assert client.run("#!bash\ntrue").count == first + 1
    assert client.run("pass").count == first + 2


def test_empty_silent_code_asks_for_the_counter(client):
    before = client.run("pass").count
    run = client.run("", silent=True)
    assert run.status == "ok" and run.count == before
    assert client.run("pass").count == before + 1


@pytest.mark.parametrize("code", ["", " \n\t\n", "# nothing"], ids=["empty", "blank", "comment"])
def test_code_without_effect(client, code):
    run = client.run(code)
    assert run.status == "ok" and run.outputs == []
    assert run.transcript[0] == "busy" and run.transcript[-1] == "idle"


def test_user_expressions(client):
    run = client.run("x = 20", user_expressions={"good": "x + 1", "bad": "1/0"})
    good, bad = (run.reply.content["user_expressions"][name] for name in ("good", "bad"))
    assert good == {"status": "ok", "data": {"text/plain": "21"}, "metadata": {}}
    assert bad["status"] == "error" and bad["ename"] == "ZeroDivisionError"
    assert bad["evalue"] == "division by zero" and isinstance(bad["traceback"], list)
    assert run.transcript == ["busy", "execute_input", "idle"]


def test_user_expressions_are_evaluated_after_success_only(client):
    client.run("touched = 0")
    run = client.run("1/0", user_expressions={"e": "globals().__setitem__('touched', 1)"})
    assert run.status == "error"
    assert run.reply.content.get("user_expressions", {}) == {}
    assert client.run("touched").outputs == [("execute_result", "0")]


def test_user_expressions_of_a_silent_request(client):
    run = client.run("", silent=True, user_expressions={"e": "1 + 1"})
    assert run.reply.content["user_expressions"]["e"]["data"]["text/plain"] == "2"
    assert run.transcript == ["busy", "idle"]


@pytest.mark.parametrize(
    "text",
    ["naïve", "日本語", "😀👩‍👩‍👧", "\u2028\u2029", "\x00\x1b[31m\x7f", "a\\u0041\"'"],
    ids=["latin", "cjk", "astral", "separators", "control", "escapes"],
)
def test_unicode(client, text):
    code = f"s = {ascii(text)}\nprint(s)\ns == {text!r}"
    run = client.run(code)
    assert run.text() == text + "\n"
    assert run.only("execute_result").content["data"]["text/plain"] == "True"


def test_lone_surrogate_in_code_costs_that_cell_at_most(client):
    client.run('print(ascii("\ud800"))')
    assert client.run("1").outputs == [("execute_result", "1")]


def test_bytes_that_are_not_utf8_are_replaced(client):
    # jupyter_client writes names of files that are no text (surrogate escapes) as the single bytes they are.
    cell = client.send("shell", "execute_request", b'{"code": "print(ascii(\'\xff\'))"}')
    assert client.finish(cell).text() == "'\\ufffd'\n"


def test_error(client):
    run = client.run("def f():\n    1/0\nf()")
    assert run.transcript == ["busy", "execute_input", ("error", "ZeroDivisionError"), "idle"]
    triple = {key: run.reply.content[key] for key in ("ename", "evalue", "traceback")}
    assert run.error == triple
    assert "status" not in run.error
    assert triple["evalue"] == "division by zero"
    assert all(isinstance(line, str) for line in triple["traceback"])
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(triple["traceback"]))
    assert "f()" in plain and "ZeroDivisionError: division by zero" in plain
    assert isinstance(run.count, int)


def test_syntax_error(client):
    run = client.run("for")
    assert run.outputs == [("error", "SyntaxError")]


def test_cell_id_reaches_the_language(client):
    client.run(
        "def _tell(info): print('cell', getattr(info, 'cell_id', None))\n"
        "get_ipython().events.register('pre_run_cell', _tell)"
    )
    try:
        run = client.run("pass", metadata={"cellId": "cell-42", "deletedCells": [], "recordTiming": True})
        assert run.outputs == [("stream", "stdout", "cell cell-42\n")]
    finally:
        client.run("get_ipython().events.unregister('pre_run_cell', _tell)")


def test_reply_metadata_has_the_time_of_start(client):
    from datetime import datetime

    run = client.run("import time; time.sleep(0.3)")
    started = datetime.fromisoformat(run.reply.metadata["started"].replace("Z", "+00:00"))
    ended = datetime.fromisoformat(run.reply.header["date"].replace("Z", "+00:00"))
    asked = datetime.fromisoformat(client.sent[run.msg_id]["date"].replace("Z", "+00:00"))
    assert asked <= started
    assert (ended - started).total_seconds() >= 0.3


def test_page_payload(client):
    run = client.run("len?")
    assert run.outputs == []
    (payload,) = run.reply.content["payload"]
    assert payload["source"] == "page" and payload["start"] == 0
    assert "Return the number of items" in payload["data"]["text/plain"]


def test_set_next_input_payload(client):
    run = client.run("get_ipython().set_next_input('x = 1')")
    (payload,) = run.reply.content["payload"]
    assert payload == {"source": "set_next_input", "text": "x = 1", "replace": False}


def test_display_and_update(client):
    run = client.run(
        "from IPython.display import display, update_display\n"
        "display('first', display_id='d1')\n"
        "update_display('second', display_id='d1')"
    )
    assert run.outputs == [("display_data", "'first'"), ("update_display_data", "'second'")]
    for kind in ("display_data", "update_display_data"):
        assert run.only(kind).content["transient"] == {"display_id": "d1"}


def test_rich_bundles_are_whole(client):
    run = client.run(
        "from IPython.display import display, JSON\n"
        "class Rich:\n"
        "    def __repr__(self): return 'rich'\n"
        "    def _repr_html_(self): return '<b>rich</b>'\n"
        "    def _repr_markdown_(self): return '**rich**'\n"
        "    def _repr_png_(self): return b'\\x89PNG', {'width': 3}\n"
        "display(Rich()); display(JSON({'a': [1, None]}))"
    )
    rich, unpacked = (m.content for m in run.messages if m.type == "display_data")
    assert rich["data"] == {
        "text/plain": "rich",
        "text/html": "<b>rich</b>",
        "text/markdown": "**rich**",
        "image/png": "iVBORw==\n" if rich["data"]["image/png"].endswith("\n") else "iVBORw==",
    }
    assert rich["metadata"] == {"image/png": {"width": 3}}
    assert unpacked["data"]["application/json"] == {"a": [1, None]}


def test_matplotlib_inline(client):
    run = client.run("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);", timeout=60)
    data = run.ok().only("display_data").content["data"]
    assert data["image/png"].startswith("iVBOR")


@pytest.mark.parametrize("wait", [True, False])
def test_clear_output(client, wait):
    run = client.run(f"from IPython.display import clear_output\nprint('a')\nclear_output(wait={wait})\nprint('b')")
    assert run.outputs == [("stream", "stdout", "a\n"), "clear_output", ("stream", "stdout", "b\n")]
    assert run.only("clear_output").content == {"wait": wait}


def test_top_level_await(client):
    assert client.run("import asyncio\nawait asyncio.sleep(0.01, 'slept')").outputs == [("execute_result", "'slept'")]


def test_state_is_kept(client):
    client.run("kept = 1")
    assert client.run("kept").outputs == [("execute_result", "1")]


def test_quit_leaves_the_kernel_usable(client):
    run = client.run("exit")
    sources = [payload["source"] for payload in run.reply.content.get("payload", [])]
    assert run.status == "error" or sources == ["ask_exit"]
    assert client.run("1").outputs == [("execute_result", "1")]


def test_system_exit_is_an_error_of_the_cell(client):
    run = client.run("raise SystemExit(3)")
    assert run.status == "error" and run.reply.content["ename"] == "SystemExit"
    client.run("pass").ok()


class TestBash:
    def test_echo(self, client):
        run = client.run("#!bash\necho out; echo err >&2")
        assert sorted(run.outputs) == [("stream", "stderr", "err\n"), ("stream", "stdout", "out\n")]
        assert run.transcript[:2] == ["busy", "execute_input"] and run.transcript[-1] == "idle"

    def test_state_is_kept(self, client):
        client.run("#!bash\nx=5; f() { echo f$x; }; cd /usr")
        assert client.run("#!bash\nf; pwd").text() == "f5\n/usr\n"

    def test_last_status_is_seen_by_the_next_cell(self, client):
        client.run("#!bash\n(exit 7)")
        assert client.run("#!bash\necho $?").text() == "7\n"

    def test_here_document_and_loop(self, client):
        run = client.run("#!bash\ncat <<END\na\nb\nEND\nfor i in 1 2; do echo $i; done")
        assert run.text() == "a\nb\n1\n2\n"

    def test_trailing_backslash_and_unicode(self, client):
        assert client.run("#!bash\necho 'grüße 😀' \\\n  x").text() == "grüße 😀 x\n"

    def test_syntax_error_is_an_error(self, client):
        run = client.run("#!bash\nif then")
        assert run.status == "error"
        assert "syntax error" in re.sub(r"\s+", " ", run.text("stderr") + str(run.reply.content))
        assert client.run("#!bash\necho on").text() == "on\n"

    def test_display_of_markup(self, client):
        run = client.run("#!bash\necho before; display --html '<b>x</b>'; echo after")
        assert [entry[0] for entry in run.ok().outputs] == ["stream", "display_data", "stream"]
        assert run.only("display_data").content["data"]["text/html"] == "<b>x</b>"

    def test_display_of_a_file(self, client):
        run = client.run("#!bash\necho '<svg xmlns=\"http://www.w3.org/2000/svg\"/>' > p.svg; display p.svg; rm p.svg")
        assert "<svg" in run.ok().only("display_data").content["data"]["image/svg+xml"]
