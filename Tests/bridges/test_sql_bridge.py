"""The SQL bridge: cells, parameters, connections, questions; SQLite files, one of them with a million rows."""

import json
import sqlite3

import pytest

from bridge_driver import BridgeGone
from sql_driver import RESOURCE, needs_program, sql, start_sql  # noqa: F401

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

pytestmark = needs_program


# --- cells ------------------------------------------------------------------------------------------


def test_handshake(sql):
    assert sql.bridge.info["language_info"]["name"] == "sql"
    assert sql.bridge.info["capabilities"] == ["complete", "inspect", "is_complete"]


def test_several_statements(sql):
    assert sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t (name) VALUES ('a'), ('b;c');\n"
               "SELECT count(*) FROM t; -- the end;\nSELECT * FROM t") == [
        "stdout: CREATE TABLE\n2 rows changed",
        "display count(*) / 2 / (1 row)",
        "result id│name / 1│a / 2│b;c / (2 rows)",
    ]
    assert sql("UPDATE t SET name = 'z' WHERE id = 1; DELETE FROM t; DROP TABLE t") == [
        "stdout: 1 row changed\n2 rows changed\nDROP TABLE"]


def test_triggers_and_quotes_are_cut_right(sql):
    assert sql("""
        CREATE TABLE t (a); CREATE TABLE log (a);
        CREATE TRIGGER noted AFTER INSERT ON t BEGIN
          INSERT INTO log VALUES (CASE WHEN new.a > 1 THEN 'big;' ELSE 'small' END);
          INSERT INTO log VALUES ('second');
        END;
        INSERT INTO t VALUES (2);
        SELECT "a" AS [x;y], `a` /* ; */ FROM log""")[-1] == "result x;y│a / big;│big; / second│second / (2 rows)"


def test_state_and_the_empty_cell(sql):
    sql("CREATE TEMP TABLE t AS SELECT 42 AS answer")
    assert sql("SELECT answer FROM t") == ["result answer / 42 / (1 row)"]
    assert sql("") == sql(" \n-- nothing\n") == sql(";;") == []


def test_silent_publishes_nothing_but_runs(sql):
    cell = sql.cell("CREATE TABLE t (a); SELECT 1", silent=True)
    assert cell.events == [] and cell.status == "ok"
    cell = sql.cell("SELEC 1", silent=True)
    assert cell.events == [] and cell.reply.content["ename"] == "SQLError"
    assert sql("SELECT count(*) AS n FROM t") == ["result n / 0 / (1 row)"]


def test_values_are_exact(sql):
    fields, rows = sql.data("SELECT 9007199254740992 AS fits, 9223372036854775807 AS big, NULL AS missing, '' AS empty, "
                            "0.1 AS real, x'00ff' AS blob, 'héllo ☃ 𝄞' AS text, 1 AS twice, 2 AS twice, 9e999 AS endless")
    assert fields == ["fits integer", "big integer string", "missing any", "empty string", "real number",
                      "blob string binary", "text string", "twice integer", "twice_2 integer twice", "endless number string"]
    assert rows == [[9007199254740992, "9223372036854775807", None, "", 0.1, "\\x00ff", "héllo ☃ 𝄞", 1, 2, "Infinity"]]
    assert sql("SELECT NULL, '', 'a\nb', 12345678901234567") == [
        "result NULL│''│'a↵b'│12345678901234567 / NULL││a↵b│12345678901234567 / (1 row)"]


def test_a_column_may_mix_types(sql):
    assert sql.data("VALUES (1), ('x'), (NULL), (2.5)") == (["column1 any"], [[1], ["x"], [None], [2.5]])
    assert sql.data("VALUES (1), (2.5)") == (["column1 number"], [[1], [2.5]])


def test_html_is_escaped_and_null_is_not_text(sql):
    page = sql.cell("SELECT '<script>&' AS \"<b>\", NULL").of_type("execute_result")[0].content["data"]["text/html"]
    assert "&lt;script&gt;&amp;" in page and "&lt;b&gt;" in page and "<script>" not in page
    assert "NULL</i>" in page and "1 row, " in page


def test_limit(sql):
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    result = sql(many)[0]
    assert " / 1000 / (the first 1,000 rows; there are more, limit=N on the marker line shows N)" in result
    assert sql(many + " LIMIT 3", "limit=2")[0].endswith("1 / 2 / (the first 2 rows; there are more, limit=N on the marker line shows N)")
    assert sql(many + " LIMIT 3", "limit=3")[0].endswith("3 / (3 rows)")
    assert sql(many + " LIMIT 1500", "limit=all")[0].endswith("1500 / (1,500 rows)")
    assert sql("SELECT 1", "limit=few") == ["MarkerError: limit=few: the limit is a number of rows, or all"]


# --- parameters -------------------------------------------------------------------------------------


def test_parameters_are_bound(sql):
    sql("CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'Ada'), (2, '''; DROP TABLE t; --')")
    assert sql("SELECT id FROM t WHERE name = :name", ''':name="'; DROP TABLE t; --"''') == ["result id / 2 / (1 row)"]
    assert sql("SELECT name FROM t WHERE id = :n -- not :this\n AND ':that' <> /* :other */ :s", ":n=1 :s=x") == [
        "result name / Ada / (1 row)"]
    assert sql("SELECT typeof(:a), typeof(:b), typeof(:c), typeof(:d), :a", ":a=5 :b='5' :c=null :d=1.5")[0].endswith(
        "integer│text│null│real│5 / (1 row)")


def test_parameters_of_other_kinds_are_refused(sql):
    assert sql("SELECT ?") == ["line 1:\n    SELECT ?\nParameterError: no value for ?; write parameters as :name"]
    assert sql("SELECT @a, :b", ":b=1")[0].endswith("no value for @a; write parameters as :name")


def test_parameters_by_set(sql):
    assert sql("\\set n 2\n\\set who 'Ada L'\nSELECT :n + 1 AS x, :who AS who\n;\n\\echo :who has :n") == [
        "display x│who / 3│Ada L / (1 row)", "stdout: Ada L has 2"]
    assert sql("\\set") == ["result name│value / n│2 / who│Ada L / (2 rows)"]
    assert sql("\\unset n\nSELECT 1,\n  :n") == [
        "line 3, column 3:\n      :n\n      ^\nParameterError: no value for :n; give one with \":n=VALUE\" on the marker line "
        "or \"\\set n VALUE\" on a line of its own"]


# --- errors -----------------------------------------------------------------------------------------


def test_errors_have_their_place_in_the_cell(sql):
    assert sql("SELECT 1;\n\nSELECT 'é',\n  nosuch\nFROM sqlite_schema;\nSELECT 2; SELECT 3") == [
        "display 1 / 1 / (1 row)",
        "line 4, column 3:\n      nosuch\n      ^\nSQLError: no such column: nosuch\n2 statements after it did not run.",
    ]
    cell = sql.cell("SELEC 1")
    assert cell.status == "error" and cell.reply.content["ename"] == "SQLError"
    assert cell.reply.content["evalue"] == 'near "SELEC": syntax error'


def test_a_failed_statement_tells_of_the_transaction(sql):
    sql("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)")
    assert "UNIQUE constraint failed: t.a\nThe transaction was rolled back." in sql(
        "BEGIN; INSERT OR ROLLBACK INTO t VALUES (1)")[-1]


# --- interrupts -------------------------------------------------------------------------------------


def test_interrupt_keeps_everything(sql):
    sql("CREATE TEMP TABLE t (a); \\set n 1")
    assert sql.interrupted("BEGIN; INSERT INTO t VALUES (1); \\echo\n" + ENDLESS + "; SELECT 2", after="text")[-1] == (
        f"line 2:\n    {ENDLESS}; SELECT 2\nKeyboardInterrupt: interrupted\n"
        "The transaction is still open: end it with COMMIT or ROLLBACK.\nOne statement after it did not run.")
    assert sql("COMMIT; SELECT a FROM t") == ["result a / 1 / (1 row)"]


def test_interrupt_right_behind_the_request(sql):
    for _ in range(20):
        cell = sql.bridge.start_execute(ENDLESS)
        sql.bridge.interrupt()
        assert sql.bridge.wait(cell, timeout=5).reply.content["ename"] == "KeyboardInterrupt"
        assert sql("SELECT 1 AS a") == ["result a / 1 / (1 row)"]


def test_interrupt_while_idle_does_nothing(sql):
    sql("CREATE TEMP TABLE t AS SELECT 1 AS a")
    for _ in range(3):
        sql.bridge.interrupt()
    sql.bridge.settle()
    assert sql("SELECT a FROM t") == ["result a / 1 / (1 row)"]


def test_interrupt_while_a_locked_file_is_waited_for(sql, tmp_path):
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("CREATE TABLE t (a)")
    sql("", "sqlite:///x.db")
    other.execute("BEGIN EXCLUSIVE")
    assert sql.interrupted("\\echo\nINSERT INTO t VALUES (1)", after="text")[-1].endswith("KeyboardInterrupt: interrupted")
    other.close()
    assert sql("INSERT INTO t VALUES (1)") == ["stdout: 1 row changed"]


# --- connections ------------------------------------------------------------------------------------


def test_connections_are_named_and_kept(sql, tmp_path):
    assert sql("", "one=sqlite:///one.db")[0].startswith("stdout: connected to sqlite:///one.db, SQLite 3.")
    sql("CREATE TABLE here (a)")
    sql("CREATE TABLE there (a)", f"two=sqlite:///{tmp_path}/two.db")
    assert sql("\\d") == ["result schema│name│kind / main│there│table / (1 row)"]
    assert sql("\\d", "one") == ["result schema│name│kind / main│here│table / (1 row)"]
    assert sql("SELECT count(*) AS n FROM here") == ["result n / 0 / (1 row)"]
    names = [row[:2] for row in sql.data("\\connections")[1]]
    assert names == [["*", "one"], ["", "two"]]
    assert (tmp_path / "one.db").exists() and (tmp_path / "two.db").exists()
    assert sql("\\close one") == [] and [row[:2] for row in sql.data("\\connections")[1]] == [["*", "two"]]
    assert "no connection is called \"one\"; there are: two." in sql("SELECT 1", "one")[0]


@pytest.mark.parametrize("marker, said", [
    ("sqlite:x.db", "has no path; write sqlite:///file"),
    ("mysql://u:hunter2@h/d", '"mysql://u:***@h/d" is no address of a database'),
    ("sqlite:////no/such/folder/x.db", "/no/such/folder/x.db: unable to open database file"),
    ("sqlite:///text.db", "text.db: file is not a database"),
    ("nosuch", 'no connection is called "nosuch"'),
    ("x=nosuch", '"nosuch" is no address of a database'),
    ("${NO_SUCH_VARIABLE}", "the environment has no variable NO_SUCH_VARIABLE"),
    ("postgresql://u:hunter2@localhost:1/d", "Connection refused"),
    ("postgresql://u:hunter2@localhost:port/d", "invalid integer value"),
    ("postgresql://u:${SECRET}@localhost:1/d", "postgresql://u:${SECRET}@localhost:1/d: "),
])
def test_a_wrong_address_says_so_and_costs_nothing(start_sql, tmp_path, marker, said):
    sql = start_sql(SECRET="hunter2")
    (tmp_path / "text.db").write_text("this is no database " * 100)
    sql("CREATE TABLE kept (a)", "sqlite:///kept.db")
    error = sql("SELECT 1", marker)[0]
    assert "ConnectionError: " in error and said in error and "hunter2" not in error
    assert sql("SELECT count(*) AS n FROM kept") == ["result n / 0 / (1 row)"]
    assert "hunter2" not in json.dumps(sql.data("\\connections"))


def test_a_variable_of_the_environment(start_sql, tmp_path):
    sql = start_sql(BASE=str(tmp_path / "v.db"), WHOLE=f"sqlite:///{tmp_path}/v.db")
    sql("CREATE TABLE t (a)", "sqlite:///${BASE}")
    assert sql("\\d", "${WHOLE}") == ["result schema│name│kind / main│t│table / (1 row)"]


# --- a file of realistic size -----------------------------------------------------------------------


def test_a_million_rows(sql, tmp_path):
    database = sqlite3.connect(tmp_path / "big.db")
    database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, note TEXT)")
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)",
                         ((n, n % 5000, n * 0.25, f"order {n}") for n in range(1, 1_000_001)))
    database.commit()
    database.close()
    more = "(the first 1,000 rows; there are more, limit=N on the marker line shows N)"
    assert sql("SELECT * FROM orders", "sqlite:///big.db")[0].endswith(more)
    # Whoever fetched the rest of this one would never come back.
    assert sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")[0].endswith(more)
    assert sql.data("SELECT count(*), sum(amount), max(note) FROM orders")[1] == [[1_000_000, 125000125000.0, "order 999999"]]
    assert sql.data("SELECT id FROM orders WHERE id = :id", ":id=777777")[1] == [[777777]]
    assert sql("UPDATE orders SET amount = amount + 1")[0].startswith("stdout: 1000000 rows changed")
    sql.interrupted("\\echo\nSELECT count(*) FROM orders a, orders b WHERE a.amount < b.amount", after="text")
    assert sql.data("SELECT count(*) FROM orders")[1] == [[1_000_000]]
    assert sql("SELECT * FROM orders", "limit=20000")[0].count(" / ") == 20_001
    memory = int(next(line.split()[1] for line in open(f"/proc/{sql.bridge.pid}/status") if line.startswith("VmHWM")))
    assert memory < 400_000, f"{memory} KiB"


# --- questions --------------------------------------------------------------------------------------


def test_completion(sql):
    sql('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, "first name" TEXT); CREATE VIEW adults AS SELECT 1 AS x')

    def matches(code, **content):
        return sql.bridge.request("complete_request", {"code": code, "cursor_pos": len(code), **content}).reply.content

    assert "select" in matches("sel")["matches"] and "SELECT" in matches("SEL")["matches"]
    assert matches("SELECT * FROM peo")["matches"] == ["people"]
    assert matches("SELECT * FROM ")["matches"][:2] == ["adults", "people"]
    assert matches("SELECT p. FROM people p"[:9])["matches"] == []
    reply = sql.bridge.complete("SELECT p. FROM people p", 9)
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (['"first name"', "id", "name"], 9, 9)
    assert matches("SELECT * FROM people WHERE na")["matches"][0] == "name"
    assert matches("SELECT '☃', people.na")["cursor_start"] == len("SELECT '☃', people.")
    assert matches("SELECT 'sel")["matches"] == [] and matches("-- sel")["matches"] == []
    assert matches("SELECT group_con")["matches"] == ["group_concat"]
    assert matches("\\c")["matches"] == ["\\close", "\\connections"] and matches("\\d peo")["matches"] == ["people"]
    sql("\\set number 1")
    assert matches("SELECT :nu")["matches"] == [":number"]
    line = " " * len("#!sql sqli")
    assert matches(line, marker="sqli")["matches"] == ["sqlite::memory:", "sqlite:///"]


def test_inspection(sql):
    sql("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x'); CREATE INDEX by_name ON people (name)")
    found = sql.bridge.inspect("SELECT * FROM people", 16)
    assert found["found"] and "table main.people" in found["data"]["text/plain"]
    assert "CREATE INDEX by_name" in found["data"]["text/plain"] and "<table>" in found["data"]["text/html"]
    assert sql.bridge.inspect("SELECT name FROM people", 8)["data"] == {
        "text/plain": "column main.people.name: TEXT, not null, default 'x'"}
    assert "WHERE condition" in sql.bridge.inspect("select 1", 3)["data"]["text/plain"]
    assert sql.bridge.inspect("SELECT nosuch", 9)["found"] is False
    assert sql("\\d people") == [
        "result column│type│null│default│note / id│INTEGER│not null││primary key / name│TEXT│not null│'x'│ / (2 rows)",
        "stdout: CREATE INDEX by_name ON people (name)"]
    assert sql("\\d nosuch") == [
        "line 1:\n    \\d nosuch\nSQLError: there is no table or view nosuch in sqlite::memory:"]


@pytest.mark.parametrize("code, status", [
    ("SELECT 1;", "complete"), ("SELECT 1\n\n", "complete"), ("", "complete"), ("\\d", "complete"), ("-- x", "complete"),
    ("SELECT 1", "incomplete"), ("SELECT 'a;", "incomplete"), ("SELECT /* ;", "incomplete"),
    ("CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT 1;", "incomplete"), ("SELECT 1)", "invalid"),
])
def test_is_complete(sql, code, status):
    assert sql.bridge.is_complete(code)["status"] == status


def test_commands(sql):
    assert sql("\\warn careful") == ["stderr: careful"]
    assert "\\connections" in sql("\\?")[0]
    assert sql("\\nosuch") == ["line 1:\n    \\nosuch\nCommandError: there is no command \\nosuch; \\? lists those there are"]
    assert sql("\\close") == ["line 1:\n    \\close\nCommandError: use it as: \\close NAME"]


def test_user_expressions(sql):
    reply = sql.cell("SELECT 1", user_expressions={"six": "SELECT 6", "bad": "SELEC"}).reply.content["user_expressions"]
    assert reply["six"]["data"][RESOURCE]["data"] == [{"6": 6}]
    assert reply["bad"]["status"] == "error" and reply["bad"]["ename"] == "SQLError"


def test_quit(sql):
    with pytest.raises(BridgeGone):
        sql("\\q")
    assert sql.bridge.wait_exit() == 0
