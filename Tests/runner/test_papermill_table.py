"""The table of docs/run.md: each row is decided, and has a test that is there."""

import re

from conftest import ROOT

HEADING = "## What papermill does, and what happens here"


def rows() -> list[list[str]]:
    section = (ROOT / "docs/run.md").read_text("utf-8").split(HEADING)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not re.fullmatch(r"\*\*.*\*\*", row[0])]


def test_each_row_is_decided():
    found = rows()
    assert len(found) > 40
    for row in found:
        assert len(row) == 3, row
        assert re.search(r"\b(same|better|deliberately absent)\b", row[1]), row


def test_each_row_has_a_test():
    there = {
        name
        for path in (ROOT / "Tests").rglob("test_*.py")
        for name in re.findall(r"^(?:    )?def (test_\w+)\(", path.read_text("utf-8"), re.M)
    }
    for row in rows():
        named = re.findall(r"`(test_\w+)`", row[2])
        assert named, row
        assert set(named) <= there, set(named) - there
