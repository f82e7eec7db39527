"""Runs DuckDB for the SQL bridge: a line of JSON on standard input is a statement, a line on standard output its answer.

SIGINT interrupts the statement that runs and nothing else.
"""

import decimal
import json
import os
import re
import signal
import sys
import threading

KINDS = {"BOOLEAN": "boolean", "DATE": "date", "BLOB": "binary", "FLOAT": "number", "DOUBLE": "number",
         "HUGEINT": "integer", "UHUGEINT": "integer", "BIGNUM": "integer"}
for size in ("TINY", "SMALL", "", "BIG"):
    KINDS[size + "INT" if size else "INTEGER"] = KINDS["U" + (size + "INT" if size else "INTEGER")] = "integer"
EXACT = 1 << 63


def kind(name):
    """What the bridge calls a type of DuckDB."""
    if name in KINDS:
        return KINDS[name]
    if name.startswith("DECIMAL"):
        return "decimal"
    if name.startswith("TIMESTAMP"):
        return "datetime"
    return "time" if name.startswith("TIME") else "string"


def plain(value):
    """A value as JSON that loses nothing."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value < EXACT else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, "NaN")
    if isinstance(value, (bytes, bytearray)):
        return "\\x" + value.hex()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=lambda part: str(plain(part)))
    return str(value)


def parameter(value):
    return decimal.Decimal(value["decimal"]) if isinstance(value, dict) else value


class Database:
    def __init__(self, path):
        import duckdb

        stand_in_for_pytz()
        self.duckdb = duckdb
        self.connection = duckdb.connect(path)
        self.transaction = "none"

    def run(self, request):
        statements = self.duckdb.extract_statements(request["sql"])
        if not statements:
            return {"tag": ""}
        words = [word.upper() for word in request["sql"].replace(";", " ").split(None, 2)]
        values = {name: parameter(value) for name, value in request["parameters"].items()}
        self.connection.execute(statements[0], values or None)
        self.follow(words[0])
        expected = {str(item).rsplit(".", 1)[-1] for item in statements[0].expected_result_type}
        names = [column[0] for column in self.connection.description or []]
        if names == ["explain_key", "explain_value"]:
            return {"tag": "\n".join(row[1] for row in self.connection.fetchall())}
        if "QUERY_RESULT" not in expected or ("CHANGED_ROWS" in expected and names == ["Count"]):
            # What changes rows answers with their number, which is no result but a note.
            row = self.connection.fetchone() if "CHANGED_ROWS" in expected and names else None
            name = " ".join(words[:2] if words[0] in ("CREATE", "DROP", "ALTER") else words[:1])
            return {"tag": "%s %d" % (name, row[0]) if row and words[0] not in ("CREATE", "DROP") else name}
        columns = [{"name": column[0], "kind": kind(str(column[1]))} for column in self.connection.description]
        rows = self.connection.fetchmany(request["limit"] + 1)
        more = len(rows) > request["limit"]
        return {"columns": columns, "more": more,
                "rows": [[plain(value) for value in row] for row in rows[:request["limit"]]]}

    def follow(self, word):
        """DuckDB does not tell whether a transaction is open."""
        if word in ("BEGIN", "START"):
            self.transaction = "open"
        elif word in ("COMMIT", "END", "ROLLBACK", "ABORT"):
            self.transaction = "none"

    def answer(self, request):
        """What there is to say to a request; sets transaction and error texts right."""
        try:
            reply = self.run(request)
        except Exception as error:
            if self.transaction == "open" and "aborted" in str(error):
                self.transaction = "failed"
            reply = {"error": problem(error, request["sql"])}
        reply["transaction"] = self.transaction
        return reply


def problem(error, sql):
    """The error's text without its picture of the statement, and its place in it, in bytes."""
    text = str(error)
    picture = re.search(r"\n\nLINE (\d+): (.*)\n( *)\^", text)
    if text.startswith("INTERRUPT"):
        return {"name": "KeyboardInterrupt", "message": "interrupted"}
    content = {"name": "SQLError", "message": text.split("\n\nLINE ")[0].rstrip()}
    lines = sql.split("\n")
    number = int(picture[1]) if picture else 0
    # A long line is shown in part, which has no place of its own.
    if picture and number <= len(lines) and picture[2].rstrip() == lines[number - 1].rstrip():
        column = len(picture[3]) - len("LINE %d: " % number)
        content["offset"] = len("\n".join(lines[:number - 1] + [lines[number - 1][:column]]).encode())
    return content


def stand_in_for_pytz():
    """DuckDB makes values with a time zone by pytz, which few have; the standard library does as well."""
    import importlib.util
    import types
    import zoneinfo

    class Zone(zoneinfo.ZoneInfo):
        def localize(self, time):
            return time.replace(tzinfo=self)

    if importlib.util.find_spec("pytz") is None:
        module = sys.modules["pytz"] = types.ModuleType("pytz")
        module.timezone = Zone
        module.utc = Zone("UTC")


class Turn(threading.Thread):
    """Runs one request. The main thread waits meanwhile, free to take a signal: DuckDB looks for none for long."""

    def __init__(self, database, request):
        super().__init__(daemon=True)
        self.database = database
        self.request = request
        self.done = threading.Event()
        self.reply = None

    def run(self):
        try:
            self.reply = self.database.answer(self.request)
        finally:
            self.done.set()

    def wait(self):
        interrupts = []
        signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
        self.start()
        # Again and again, since one before the statement has begun would be lost.
        while not self.done.wait(0.02 if interrupts else 1):
            if interrupts:
                self.database.connection.interrupt()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self.reply


def main():
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a library prints goes where a user sees it, not into the answers.
    os.dup2(2, 1)
    # An interrupt while nothing runs means nothing.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def answer(content):
        channel.write(json.dumps(content) + "\n")
        channel.flush()

    try:
        database = Database(sys.argv[1])
    except ImportError as error:
        return answer({"error": {"message": "DuckDB needs its Python package (%s); install it: %s -m pip install duckdb"
                                 % (error, sys.executable)}})
    except Exception as error:
        return answer({"error": {"message": "%s: %s" % (sys.argv[1], error)}})
    answer({"version": database.duckdb.__version__})
    for line in iter(sys.stdin.buffer.readline, b""):
        answer(Turn(database, json.loads(line)).wait())


main()
