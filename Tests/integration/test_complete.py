"""complete, inspect and is_complete."""

import pytest

from parley_client import complete_beside, holding_the_lock


def complete(client, code, cursor=..., **kw):
    content = {"code": code, "cursor_pos": len(code) if cursor is ... else cursor}
    return client.ask("complete_request", content, **kw).content


def inspect(client, code, cursor=..., detail=0):
    content = {"code": code, "cursor_pos": len(code) if cursor is ... else cursor, "detail_level": detail}
    return client.ask("inspect_request", content).content


# --- completion ---


def test_matches_and_span(client):
    content = complete(client, "x = 1; impor")
    assert content["status"] == "ok"
    assert "import" in content["matches"]
    assert (content["cursor_start"], content["cursor_end"]) == (7, 12)
    assert isinstance(content["metadata"], dict)


def test_types(client):
    client.run("def completed_function(a, b): pass")
    content = complete(client, "completed_f")
    types = content["metadata"]["_jupyter_types_experimental"]
    (entry,) = [t for t in types if t["text"].startswith("completed_function")]
    assert entry["type"] == "function" and (entry["start"], entry["end"]) == (0, 11)


@pytest.mark.parametrize("prefix", ["'é'; ", "'日本'; ", "'😀'; ", "'👩‍👩‍👧'; ", "'e\u0301'; "])
def test_cursor_counts_code_points(client, prefix):
    code = prefix + "impor"
    content = complete(client, code)
    assert "import" in content["matches"]
    assert (content["cursor_start"], content["cursor_end"]) == (len(prefix), len(code))


def test_cursor_in_the_middle(client):
    content = complete(client, "'😀'; impor; 'tail 😀'", 10)
    assert "import" in content["matches"]
    assert (content["cursor_start"], content["cursor_end"]) == (5, 10)


@pytest.mark.parametrize("cursor", [None, 5, 6, 10_000, -1])
def test_cursor_null_and_past_the_end(client, cursor):
    content = complete(client, "impor", cursor)
    assert content["status"] == "ok"
    if cursor != -1:
        assert "import" in content["matches"]
    assert 0 <= content["cursor_start"] <= content["cursor_end"] <= 5


def test_cursor_absent(client):
    assert "import" in client.ask("complete_request", {"code": "impor"}).content["matches"]


def test_nothing_to_complete(client):
    content = complete(client, "zzzqqq")
    assert content["status"] == "ok" and content["matches"] == []


def test_variables(client):
    client.run("a_long_variable_name = 1")
    assert "a_long_variable_name" in complete(client, "a_long_var")["matches"]


def test_bash(client):
    client.run("#!bash\na_shell_variable=1; a_shell_function() { :; }")
    code = "#!bash\na_shell_f"
    content = complete(client, code)
    assert "a_shell_function" in [m.strip() for m in content["matches"]]
    assert (content["cursor_start"], content["cursor_end"]) == (7, len(code))


def test_bash_variable_and_file(client, kernel):
    (kernel.folder / "a-file-to-find.txt").write_text("")
    client.run("#!bash\na_shell_variable=1")
    assert any("a_shell_variable" in m for m in complete(client, "#!bash\necho $a_shell_v")["matches"])
    assert any("a-file-to-find.txt" in m for m in complete(client, "#!bash\ncat a-file-to")["matches"])


@pytest.mark.parametrize("language", ["", "#!bash\n"], ids=["python", "bash"])
def test_completion_while_a_cell_runs(client, language):
    client.run(language + "true_name=1")
    complete(client, language + "true_na")
    cell = client.execute("import time; print('in', flush=True); time.sleep(600)")
    client.wait(cell, ("stream", "stdout", "in\n"))
    code = language + ("impor" if not language else "ech")
    complete_beside(client, code, "import" if not language else "echo")
    assert client.replies(cell) == []
    client.ask("interrupt_request", channel="control")
    client.finish(cell)


def test_inspection_while_a_cell_runs(client):
    cell = client.execute("import time; print('in', flush=True); time.sleep(600)")
    client.wait(cell, ("stream", "stdout", "in\n"))
    msg_id = client.send("shell", "inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0})
    reply = client.reply(msg_id)
    assert reply.content["status"] == "ok"
    assert client.replies(cell) == []
    client.ask("interrupt_request", channel="control")
    client.finish(cell)


def test_completion_while_python_holds_its_lock(client, kernel):
    """Nothing can ask Python now; the answer comes all the same, empty or from memory."""
    with holding_the_lock(client, kernel) as cell:
        msg_id = client.send("shell", "complete_request", {"code": "impor", "cursor_pos": 5})
        assert client.reply(msg_id).content["status"] == "ok"
        assert client.replies(cell) == []
    client.finish(cell)
    assert "import" in complete(client, "impor")["matches"]


def test_many_at_once(client):
    sent = [client.send("shell", "complete_request", {"code": "impor", "cursor_pos": 5}) for _ in range(20)]
    assert all("import" in client.reply(msg_id).content["matches"] for msg_id in sent)


# --- inspection ---


def test_found(client):
    content = inspect(client, "len")
    assert content["status"] == "ok" and content["found"] is True
    assert "Return the number of items" in content["data"]["text/plain"]
    assert isinstance(content["metadata"], dict)


def test_not_found(client):
    content = inspect(client, "no_such_name_at_all")
    assert (content["status"], content["found"], content["data"]) == ("ok", False, {})


def test_detail(client):
    client.run('def documented():\n    """Tells."""\n    return "source text"')
    assert "source text" not in inspect(client, "documented")["data"]["text/plain"]
    assert "source text" in inspect(client, "documented", detail=1)["data"]["text/plain"]


def test_inspect_cursor_counts_code_points(client):
    assert inspect(client, "'😀😀😀'; len", 9)["found"]
    assert inspect(client, "'😀😀😀'; len")["found"]


@pytest.mark.parametrize("cursor", [None, 10_000, 0, -5])
def test_inspect_cursor_out_of_range(client, cursor):
    assert inspect(client, "len", cursor)["status"] == "ok"


def test_inspect_bash(client):
    client.run("#!bash\na_function() { echo inside; }")
    content = inspect(client, "#!bash\na_function")
    assert content["found"] and "echo inside" in content["data"]["text/plain"]
    assert inspect(client, "#!bash\ncd")["found"]
    assert not inspect(client, "#!bash\nnosuchcommandatall")["found"]


# --- is_complete ---


@pytest.mark.parametrize(
    "code, status",
    [
        ("1", "complete"),
        ("", "complete"),
        ("for i in range(3):", "incomplete"),
        ("x = (", "incomplete"),
        ("'''abc", "incomplete"),
        ("x = )", "invalid"),
        ("#!bash\necho 1", "complete"),
        ("#!bash\nfor i in 1 2; do", "incomplete"),
        ("#!bash\necho 'abc", "incomplete"),
        ("#!bash\ncat <<END\nabc", "incomplete"),
        ("#!bash\nfi", "invalid"),
    ],
)
def test_is_complete(client, code, status):
    content = client.ask("is_complete_request", {"code": code}).content
    assert content["status"] == status
    assert ("indent" in content) == (status == "incomplete") or status == "incomplete"


def test_indent(client):
    assert client.ask("is_complete_request", {"code": "if 1:"}).content["indent"] == "    "
    assert "indent" not in client.ask("is_complete_request", {"code": "1"}).content
