"""SQL through the server: the marker line, interrupts, ends, questions, and jupyter_kernel_test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jupyter_kernel_test
import pytest

from installed import Installed
from parley_client import command_line, descendants, poll

sys.path.append(str(Path(__file__).resolve().parents[1] / "bridges"))
from postgres_server import PostgresServer, folder_of_binaries  # noqa: E402

RESOURCE = "application/vnd.dataresource+json"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def rows(run):
    """The rows of a cell's result."""
    return [list(row.values()) for row in run.ok().only("execute_result").content["data"][RESOURCE]["data"]]


def bridge(kernel) -> int:
    """The process of the SQL bridge."""
    found = [pid for pid in descendants(kernel.pid) if " bridge-sql " in command_line(pid)]
    # Its guard has the same command line until it has started the bridge; the bridge is the last of them.
    return found[-1]


# --- cells and marker lines -------------------------------------------------------------------------


def test_a_result_and_a_display(client):
    run = client.run("#!sql\nSELECT 'shown' AS a;\nSELECT 6 * 7 AS answer")
    assert run.ok().only("display_data").content["data"]["text/plain"].split() == ["a", "───────", "shown", "(1", "row)"]
    result = run.only("execute_result").content
    assert set(result["data"]) == {"text/plain", "text/html", RESOURCE}
    assert result["data"][RESOURCE]["data"] == [{"answer": 42}]
    assert result["execution_count"] == run.count


def test_connections_by_the_marker_line(client, tmp_path):
    run = client.run(f"#!sql shop=sqlite:///{tmp_path}/shop.db limit=2\nCREATE TABLE t AS SELECT column1 AS n FROM (VALUES (1), (2), (3));\nSELECT * FROM t")
    assert rows(run) == [[1], [2]]
    client.run("#!sql other=sqlite::memory:").ok()
    assert rows(client.run("#!sql shop :least=2\nSELECT n FROM t WHERE n >= :least")) == [[2], [3]]
    assert rows(client.run("#!sql\nSELECT count(*) FROM t")) == [[3]], "the last one used is the one in use"
    assert client.run("#!sql nosuch\nSELECT 1").error["evalue"].startswith('no connection is called "nosuch"; there are: ')


def test_other_languages_refuse_options(client):
    run = client.run("#!bash postgresql://ada:hunter2@host/db\necho no")
    assert run.status == "error" and run.error["ename"] == "UnknownOption"
    assert "hunter2" not in json.dumps(run.error)


def test_sql_among_other_languages(client):
    run = client.run("x = 1\nprint('py')\n#!sql sqlite::memory:\nSELECT 2 AS two;\n\\echo sql\n#!bash\necho sh")
    assert [entry if entry[0] == "stream" else entry[0] for entry in run.ok().outputs] == [
        ("stream", "stdout", "py\n"), "display_data", ("stream", "stdout", "sql\nsh\n")]


def test_an_error_has_its_line_in_the_cell(client):
    run = client.run("print('python')\n#!sql\nSELECT 1;\nSELECT nosuch")
    assert run.error["evalue"] == "no such column: nosuch"
    assert run.error["traceback"][:3] == ["line 4, column 8:", "    SELECT nosuch", "           ^"]


def test_instances_have_connections_of_their_own(client):
    client.run("#!sql\nCREATE TEMP TABLE mine (a)").ok()
    assert client.run("#!sql:other\nSELECT * FROM mine").error["evalue"] == "no such table: mine"


def test_a_wrong_password_is_in_no_output(client):
    run = client.run("#!sql postgresql://ada:hunter2@localhost:1/db\nSELECT 1")
    assert run.status == "error" and run.error["ename"] == "ConnectionError"
    echoes = [message.content for message in run.messages if message.type not in ("execute_input",)]
    assert "hunter2" not in json.dumps(echoes)


# --- the five endings -------------------------------------------------------------------------------


def enter(client, code):
    client.run("python_state = 'kept'").ok()
    client.run("#!sql\n\\set n 5\nDROP TABLE IF EXISTS kept; CREATE TEMP TABLE kept AS SELECT 1 AS a").ok()
    cell = client.execute(f"#!sql\n\\echo in\n{code}")
    client.wait(cell, ("stream", "stdout", "in\n"), 15)
    return cell


def assert_python_is_untouched(client):
    assert client.run("python_state").outputs == [("execute_result", "'kept'")]


def test_a_loop_is_interrupted(kernel, client):
    cell = enter(client, ENDLESS)
    assert client.ask("interrupt_request", channel="control").content["status"] == "ok"
    run = client.finish(cell, 10)
    assert run.status == "error" and run.error["ename"] == "KeyboardInterrupt"
    assert rows(client.run("#!sql\nSELECT a, :n FROM kept")) == [[1, 5]]
    assert_python_is_untouched(client)


def test_an_interrupt_while_idle(client):
    client.run("#!sql\nCREATE TEMP TABLE idle AS SELECT 1 AS a").ok()
    client.ask("interrupt_request", channel="control")
    assert rows(client.run("#!sql\nSELECT a FROM idle")) == [[1]]


def test_killed(kernel, client):
    cell = enter(client, ENDLESS)
    os.kill(bridge(kernel), signal.SIGKILL)
    run = client.finish(cell, 10)
    assert run.status == "error" and "SIGKILL" in json.dumps(run.error)
    assert client.run("#!sql\nSELECT a FROM kept").error["evalue"] == "no such table: kept"
    assert_python_is_untouched(client)


def test_quit(client):
    client.run("python_state = 'kept'")
    run = client.run("#!sql\n\\q")
    assert run.status == "error" and "0" in run.error["evalue"]
    assert rows(client.run("#!sql\nSELECT 1")) == [[1]]
    assert_python_is_untouched(client)


@pytest.fixture(scope="module")
def server():
    if folder_of_binaries() is None:
        pytest.skip("needs a PostgreSQL server: apt install postgresql")
    server = PostgresServer()
    yield server
    server.remove()


def test_a_sleeping_server_is_interrupted(launch, server):
    kernel = launch(env={"PGSECRET": PostgresServer.PASSWORD})
    client = kernel.client()
    uri = server.uri(password="${PGSECRET}")
    client.run(f"#!sql pg={uri}\nCREATE TEMP TABLE kept AS SELECT 1.50::numeric AS a").ok()
    cell = enter_pg(client)
    client.ask("interrupt_request", channel="control")
    run = client.finish(cell, 10)
    assert run.error["ename"] == "KeyboardInterrupt"
    assert rows(client.run("#!sql pg\nSELECT a FROM kept")) == [["1.50"]]
    client.run("#!sql lite=sqlite::memory:").ok()
    assert rows(client.run("#!sql pg\nSELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(6%' AND state = 'active' AND pid <> pg_backend_pid()")) == [[0]]


def enter_pg(client):
    cell = client.execute("#!sql\n\\echo in\nSELECT pg_sleep(60)")
    client.wait(cell, ("stream", "stdout", "in\n"), 15)
    return cell


def test_duckdb_and_its_process(launch):
    python = os.environ.get("PARLEY_TEST_DUCKDB_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import duckdb"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs the Python package duckdb; name an interpreter that has it in PARLEY_TEST_DUCKDB_PYTHON")
    kernel = launch(env={"PARLEY_PYTHON": python})
    client = kernel.client()
    assert rows(client.run("#!sql duckdb:\nSELECT sum(i)::BIGINT FROM range(10) t(i)")) == [[45]]
    cell = client.execute("#!sql\n\\echo in\nSELECT count(*) FROM range(100000000000) a, range(1000000) b")
    client.wait(cell, ("stream", "stdout", "in\n"), 15)
    client.ask("interrupt_request", channel="control")
    assert client.finish(cell, 10).error["ename"] == "KeyboardInterrupt"
    # The end of the bridge is the end of its child.
    child = next(pid for pid in descendants(kernel.pid) if "duckdb_process.py" in command_line(pid))
    os.kill(bridge(kernel), signal.SIGKILL)
    poll(lambda: not any(pid == child for pid in descendants(kernel.pid)), 5, "the end of DuckDB's process")
    assert rows(client.run("#!sql duckdb:\nSELECT 1")) == [[1]]


# --- questions --------------------------------------------------------------------------------------


def test_completion(client, tmp_path):
    client.run("#!sql questions=sqlite::memory:\nCREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)").ok()
    code = "#!sql\nSELECT '☃', na FROM people"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": code.index("na ") + 2}).content
    assert reply["matches"][0] == "name" and reply["cursor_start"] == code.index("na ")
    code = "#!sql quest"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert reply["matches"] == ["questions"] and reply["cursor_start"] == len("#!sql ")
    code = "#!sql\nSELECT * FROM people"
    found = client.ask("inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0}).content
    assert found["found"] and "primary key" in found["data"]["text/plain"]
    assert client.ask("is_complete_request", {"code": "#!sql\nSELECT 1;"}).content["status"] == "complete"


# --- jupyter_kernel_test ----------------------------------------------------------------------------


class TestSQL(Installed, jupyter_kernel_test.KernelTests):
    """SQL has no standard input, no pager and no output to clear; everything else is filled in."""

    language = "sql"
    language_name = "sql"
    file_extension = ".sql"
    code_hello_world = "\\echo hello, world"
    code_stderr = "\\warn test"
    completion_samples = [
        {"text": "SELE", "matches": {"SELECT"}},
        {"text": "SELECT group_conc", "matches": {"group_concat"}},
        {"text": "\\conn", "matches": {"\\connections"}},
        {"text": "SELECT 'sel", "matches": set()},
    ]
    complete_code_samples = ["SELECT 1;", "\\d", "SELECT 1\n\n", "-- nothing"]
    incomplete_code_samples = ["SELECT 1", "SELECT 'a;", "SELECT (1", "/* a"]
    invalid_code_samples = ["SELECT 1)"]
    code_generate_error = "SELECT nosuch"
    code_execute_result = [
        {"code": "SELECT 6 * 7 AS answer", "result": " answer\n────────\n     42\n(1 row)"},
        {"code": "SELECT NULL AS a, 'x' AS b WHERE 0", "result": " a │ b\n───┼───\n(0 rows)"},
    ]
    code_display_data = [
        {"code": "SELECT 1; \n\\set a 1", "mime": "text/html"},
        {"code": "SELECT 1; SELECT 2", "mime": RESOURCE},
    ]
    code_history_pattern = "SELECT 6*answer"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "SELECT"
