"""Drives the SQL bridge as `bridge_driver` does any other, with results in short.

Results are the text a user sees: `a│b` lines, joined by slashes, without the spaces that align them.
"""

import os
import re
from pathlib import Path

import pytest

from bridge_driver import Bridge

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("PARLEY_BIN", ROOT / ".build/release/parley"))
RESOURCE = "application/vnd.dataresource+json"

needs_program = pytest.mark.skipif(
    not PROGRAM.exists(), reason=f"the SQL bridge is a command of {PROGRAM}, which is not built")


class SQL:
    """A bridge with the marker line as an argument, and results in short."""

    def __init__(self, folder, **variables):
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self.bridge = Bridge([PROGRAM, "bridge-sql", ROOT / "kernelspecs/sql"], env={**env, **variables}, cwd=folder)
        self.bridge.handshake()
        self.folder = folder

    def cell(self, code, marker="", **content):
        return self.bridge.execute(code, **({"marker": marker} if marker else {}), **content)

    def __call__(self, code, marker=""):
        """The outputs of a cell, each a line; tables without their lines and padding."""
        return [short(event) for event in merged(self.cell(code, marker).events)]

    def data(self, code, marker=""):
        """The schema's fields and the rows of a result, from the table for programs."""
        table = self.cell(code, marker).of_type("execute_result")[0].content["data"][RESOURCE]
        fields = [" ".join(str(value) for value in field.values()) for field in table["schema"]["fields"]]
        return fields, [list(row.values()) for row in table["data"]]

    def interrupted(self, code, after=None):
        """Runs code until it has printed something, and a little longer, then interrupts it."""
        cell = self.bridge.start_execute(code)
        self.bridge.pump(lambda: cell.events or after is None)
        self.bridge.pump_for(0.3)
        self.bridge.interrupt()
        self.bridge.wait(cell, timeout=10)
        return [short(event) for event in merged(cell.events)]


def merged(events):
    """Adjacent texts of one stream as one."""
    result = []
    for event in events:
        last = result[-1] if result else None
        if event.type == "stream" and last is not None and last.type == "stream" and last.content["name"] == event.content["name"]:
            last.content["text"] += event.content["text"]
        else:
            result.append(event)
    return result


def short(event):
    """An event as a line, without the seconds that a slow machine needed."""
    return re.sub(r"(, \d+\.\d\d s(?=\))| \(\d+\.\d\d s\))", "", shown(event))


def shown(event):
    if event.type == "stream":
        return f"{event.content['name']}: {event.content['text'].rstrip()}"
    if event.type == "error":
        return "\n".join(event.content["traceback"])
    lines = event.content["data"]["text/plain"].splitlines()
    rows = ["│".join(part.strip() for part in line.split("│")) for line in lines if "──" not in line]
    return ("result " if event.type == "execute_result" else "display ") + " / ".join(rows)


@pytest.fixture
def start_sql(tmp_path):
    bridges = []

    def start(**variables):
        sql = SQL(tmp_path, **variables)
        bridges.append(sql.bridge)
        return sql

    yield start
    for bridge in bridges:
        bridge.kill()


@pytest.fixture
def sql(start_sql):
    return start_sql()
