"""The SQL bridge against DuckDB, in the Python process it starts for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sql_driver import needs_program, start_sql  # noqa: F401

pytestmark = needs_program


@pytest.fixture
def duck(start_sql):
    python = os.environ.get("PARLEY_TEST_DUCKDB_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import duckdb"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs the Python package duckdb; name an interpreter that has it in PARLEY_TEST_DUCKDB_PYTHON")
    sql = start_sql(PARLEY_PYTHON=python)
    assert sql("", "duckdb:")[0].startswith("stdout: connected to duckdb:, DuckDB ")
    return sql


def test_duckdb_statements(duck):
    assert duck("CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL(10,2)); INSERT INTO t VALUES (1, 1.1), (2, NULL);\n"
                "UPDATE t SET n = 2; INSERT INTO t VALUES (3, 1) RETURNING id; FROM t") == [
        "stdout: CREATE TABLE\nINSERT 2\nUPDATE 2", "display id / 3 / (1 row)",
        "result id│n / 1│2.00 / 2│2.00 / 3│1.00 / (3 rows)"]
    assert duck("SELECT 1;\nSELECT nosuch\nFROM t")[1].startswith(
        "line 2, column 8:\n    SELECT nosuch\n           ^\nSQLError: Binder Error: ")
    assert duck("SELECT * FROM range(5)", "limit=2")[0].endswith("(the first 2 rows; there are more, limit=N on the marker line shows N)")


def test_duckdb_values_and_parameters(duck):
    fields, rows = duck.data("SELECT 9223372036854775807 AS big, 170141183460469231731687303715884105727 AS huge, "
                             "1.50::DECIMAL(10,2) AS exact, DATE '2020-02-29' AS day, [1, NULL] AS list, NULL AS nothing, "
                             "TIMESTAMPTZ '2020-01-01 01:02:03+00' = '2020-01-01 02:02:03+01' AS same, :x || '☃' AS text",
                             ":x='a;b'")
    assert fields == ["big integer string", "huge integer string", "exact number string", "day date", "list string",
                      "nothing string", "same boolean", "text string"]
    assert rows == [["9223372036854775807", "170141183460469231731687303715884105727", "1.50", "2020-02-29", "[1, null]",
                     None, True, "a;b☃"]]


def test_duckdb_interrupt_and_questions(duck):
    duck("CREATE TABLE people (id INTEGER, name VARCHAR)")
    assert duck.interrupted("BEGIN;\nSELECT count(*) FROM range(100000000000) a, range(1000000) b", after="text")[-1].endswith(
        "KeyboardInterrupt: interrupted\nThe transaction is still open: end it with COMMIT or ROLLBACK.")
    assert duck("ROLLBACK; SELECT count(*) AS n FROM people")[-1] == "result n / 0 / (1 row)"
    duck.bridge.interrupt()
    duck.bridge.pump_for(0.1)
    assert duck("SELECT 1 AS a") == ["result a / 1 / (1 row)"]
    assert duck.bridge.complete("SELECT * FROM people WHERE na")["matches"][0] == "name"
    assert "table main.people" in duck.bridge.inspect("SELECT * FROM people", 16)["data"]["text/plain"]


def test_duckdb_without_its_package(start_sql):
    sql = start_sql(PARLEY_PYTHON="/no/such/python")
    assert sql("", "duckdb:") == ["ConnectionError: DuckDB needs Python with the package duckdb; /no/such/python: No such file or directory"]
    assert sql("SELECT 1 AS a") == ["result a / 1 / (1 row)"]


def test_duckdb_s_process_is_killed(duck):
    duck("CREATE TABLE t (a INTEGER)")
    children = Path(f"/proc/{duck.bridge.pid}/task/{duck.bridge.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert duck("SELECT * FROM t")[-1].startswith(
        "line 1:\n    SELECT * FROM t\nConnectionError: the Python process of the connection has ended\n")
    result = duck("SELECT 1 AS a")
    assert result[0].startswith("stderr: [the connection duckdb: was lost and is open again;")
    assert result[1] == "result a / 1 / (1 row)"
