"""The SQL bridge against a real PostgreSQL server, which the tests start."""

import pytest

from postgres_server import PostgresServer, folder_of_binaries
from sql_driver import needs_program, start_sql  # noqa: F401

pytestmark = needs_program


@pytest.fixture(scope="module")
def server():
    if folder_of_binaries() is None:
        pytest.skip("needs a PostgreSQL server: apt install postgresql")
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def pg(start_sql, server):
    sql = start_sql()
    assert sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "pg=" + server.uri())[-1] == "stdout: DROP SCHEMA\nCREATE SCHEMA"
    return sql


def test_pg_statements_and_notices(pg):
    assert pg("CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL, price numeric(10,2));\n"
              "INSERT INTO t (name, price) VALUES ('a', 1.10), ('b', NULL);\n"
              "DO $$ BEGIN RAISE NOTICE 'half; done'; END $$; SELECT * FROM t") == [
        "stdout: CREATE TABLE\nINSERT 0 2", "stderr: NOTICE:  half; done", "stdout: DO",
        "result id│name│price / 1│a│1.10 / 2│b│NULL / (2 rows)"]
    assert pg("CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN x > 1 THEN x END; END;\n"
              "SELECT f(2) /* a /* b */ ; */, $a$;$a$ AS q, E'\\';' AS e")[-1] == "result f│q│e / 2│;│'; / (1 row)"


def test_pg_values_are_exact(pg):
    fields, rows = pg.data(
        "SELECT 9223372036854775807 AS big, 7::int2 AS small, 12345678901234567890.123456789::numeric AS exact, "
        "0.1::float8 AS real, 'NaN'::float8 AS nan, true AS flag, NULL AS nothing, '' AS empty, "
        "'2020-02-29'::date AS day, '2020-01-01 01:02:03.5+00'::timestamptz AT TIME ZONE 'UTC' AS moment, "
        "'\\x00ff'::bytea AS bytes, ARRAY[1, NULL] AS list, '{\"a\": 1}'::jsonb AS json, 'héllo ☃ 𝄞' AS text")
    assert fields == ["big integer string", "small integer", "exact number string", "real number", "nan number string",
                      "flag boolean", "nothing string", "empty string", "day date", "moment datetime",
                      "bytes string binary", "list string", "json string", "text string"]
    assert rows == [["9223372036854775807", 7, "12345678901234567890.123456789", 0.1, "NaN", True, None, "", "2020-02-29",
                     "2020-01-01 01:02:03.5", "\\x00ff", "{1,NULL}", '{"a": 1}', "héllo ☃ 𝄞"]]


def test_pg_parameters(pg):
    pg("CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'x'' OR true; --'), (2, 'b')")
    assert pg("SELECT id FROM t WHERE name = :name OR id = :n::int AND :name <> ':n'", """:n=2 :name="x' OR true; --" """) == [
        "result id / 1 / 2 / (2 rows)"]
    assert pg("SELECT (ARRAY[1, 2, 3])[1:n] AS part FROM (SELECT 2 AS n) AS s") == ["result part / {1,2} / (1 row)"]
    assert "data type of parameter :n; write :n::type" in pg("SELECT :n IS NULL", ":n=1")[0]
    assert pg("SELECT coalesce(:n, 'null') AS v", ":n=null") == ["result v / null / (1 row)"]


def test_pg_errors(pg):
    assert pg("SELECT 1 AS one;\nSELECT 'é', :a::text,\n  nosuch", ":a=x") == [
        "display one / 1 / (1 row)",
        'line 3, column 3:\n      nosuch\n      ^\nSQLError: column "nosuch" does not exist (42703)']
    pg("CREATE TABLE t (id int PRIMARY KEY)")
    assert pg("INSERT INTO t VALUES (1), (1)") == [
        'line 1:\n    INSERT INTO t VALUES (1), (1)\nSQLError: duplicate key value violates unique constraint "t_pkey" (23505)\n'
        "DETAIL: Key (id)=(1) already exists."]
    assert pg("BEGIN; SELECT 1/0")[-1].endswith("division by zero (22012)\nThe transaction is aborted: end it with ROLLBACK.")
    assert pg("ROLLBACK; SELECT count(*) FROM t") == ["stdout: ROLLBACK", "result count / 0 / (1 row)"]


def test_pg_limit_says_how_many_there_were(pg):
    result = pg("SELECT generate_series(1, 1000000) AS n", "limit=2")[0]
    assert result.startswith("result n / 1 / 2 / (the first 2 of 1,000,000 rows; limit=N on the marker line shows N")


def test_pg_copy(pg):
    pg("CREATE TABLE t (id int, name text)")
    assert pg("COPY t FROM STDIN;\n1\ta;b\n2\t\\N\n\\.\nSELECT * FROM t") == [
        "stdout: COPY 2", "result id│name / 1│a;b / 2│NULL / (2 rows)"]
    assert pg("COPY t TO STDOUT (FORMAT csv)") == ["stdout: 1,a;b\n2,\nCOPY 2"]
    assert "no data follows the statement" in pg("COPY t FROM STDIN")[0]


def test_pg_interrupt(pg):
    pg("CREATE TEMP TABLE kept AS SELECT 42 AS a")
    assert pg.interrupted("\\echo\nSELECT pg_sleep(60)", after="text")[-1] == (
        "line 2:\n    SELECT pg_sleep(60)\nKeyboardInterrupt: interrupted")
    assert pg.interrupted("\\echo\nSELECT count(*) FROM generate_series(1, 1e12)", after="text")[-1].endswith("interrupted")
    assert pg("SELECT a FROM kept") == ["result a / 42 / (1 row)"]
    assert pg.interrupted("BEGIN;\nSELECT pg_sleep(60); SELECT 1", after="text")[-1] == (
        "line 2:\n    SELECT pg_sleep(60); SELECT 1\nKeyboardInterrupt: interrupted\n"
        "The transaction is aborted: end it with ROLLBACK.\nOne statement after it did not run.")
    assert pg("ROLLBACK; SELECT a FROM kept")[-1] == "result a / 42 / (1 row)"


def test_pg_secrets(start_sql, server):
    sql = start_sql(PGSECRET=PostgresServer.PASSWORD)
    told = sql("\\conninfo", server.uri(password="${PGSECRET}")) + sql("\\connections", "again=" + server.uri())
    assert told[0].count("${PGSECRET}") == 2 and "ada:***@" in told[1] and "s3cret" not in str(told)
    wrong = sql("SELECT 1", server.uri(password="wr0ng"))
    assert "password authentication failed" in wrong[0] and "wr0ng" not in wrong[0]


def test_pg_completion_and_inspection(pg):
    pg('CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, "Amount" numeric NOT NULL DEFAULT 0);'
       "CREATE TABLE people (id int, name text)")
    assert pg.bridge.complete("SELECT * FROM shop.or")["matches"] == ["orders"]
    assert pg.bridge.complete("SELECT * FROM sh")["matches"] == ["shop"]
    assert pg.bridge.complete("SELECT o. FROM shop.orders o", 9)["matches"] == ['"Amount"', "id"]
    assert "pg_class" in pg.bridge.complete("SELECT * FROM pg_catalog.pg_cl")["matches"]
    assert "string_agg" in pg.bridge.complete("SELECT string_a")["matches"]
    text = pg.bridge.inspect("SELECT * FROM shop.orders", 22)["data"]["text/plain"]
    assert "table shop.orders" in text and "primary key" in text and "CREATE UNIQUE INDEX" in text
    pg("BEGIN; SELECT 1/0")
    assert pg.bridge.complete("SELECT * FROM sh")["matches"] == []
    assert pg("ROLLBACK") == ["stdout: ROLLBACK"]


def test_pg_server_restarts(pg, server):
    pg("CREATE TABLE t AS SELECT 1 AS a")
    server.stop()
    server.start()
    assert "ConnectionError: the connection is lost" in pg("SELECT a FROM t")[-1]
    assert pg("SELECT a FROM t") == [
        "stderr: [the connection pg was lost and is open again; its settings, temporary tables and open transaction are gone]",
        "result a / 1 / (1 row)"]
