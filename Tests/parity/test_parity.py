"""The same cells through Parley and through ipykernel give the same messages, or the difference is on record.

differences.json has the record: rows with a reason, and for each cell what ipykernel (lines with -) and Parley (lines
with +) say. A difference that is not on record fails, and so does one on record that is gone. docs/python.md has the
same rows for people.
"""

import json
import re
from pathlib import Path

import pytest

import cells
import peers

ROOT = Path(__file__).resolve().parents[2]
ROWS = json.loads((Path(__file__).parent / "differences.json").read_text("utf-8"))
RECORD = {cell: record for row in ROWS for cell, record in row["cells"].items()}
GROUPS = cells.read_all()
CELLS = [cell.id for group in GROUPS.values() for cell in group]

_compared: dict[str, dict[str, list[str]]] = {}


@pytest.fixture
def compared(request, tmp_path):
    """What differs, by cell; the cells of a file run together when the first one is asked for."""

    def of(name: str) -> dict[str, list[str]]:
        if name not in _compared:
            try:
                _compared[name] = peers.compare(GROUPS[name], tmp_path)
            except AssertionError as failure:
                _compared[name] = failure
        if isinstance(_compared[name], AssertionError):
            pytest.fail(f"the cells of {name} did not run to the end: {_compared[name]}")
        return _compared[name]

    return of


@pytest.mark.parametrize("cell", CELLS)
def test_cell(cell, compared):
    lines = compared(cell.partition("/")[0])[cell]
    found = {"ipykernel": "\n".join(l[1:] for l in lines if l[0] == "-"),
             "parley": "\n".join(l[1:] for l in lines if l[0] == "+")}
    record = RECORD.get(cell)
    if record is None:
        assert not lines, "not on record (- ipykernel, + Parley):\n" + "\n".join(lines)
        return
    assert lines, "on record, but there is no difference any more: take it out of differences.json"
    for kernel in found:
        assert matches(record[kernel], found[kernel]), f"{kernel} says other things than on record:\n{found[kernel]}"


def matches(record, text: str) -> bool:
    """A list has the lines; a string is a pattern for all of them."""
    if isinstance(record, list):
        return "\n".join(record) == text
    return re.fullmatch(record, text, re.DOTALL) is not None


def test_enough_cells():
    assert len(CELLS) >= 150
    assert set(RECORD) <= set(CELLS), "the record names cells that do not exist"


def test_no_cell_is_on_record_twice():
    named = [cell for row in ROWS for cell in row["cells"]]
    assert len(named) == len(set(named))


def test_each_difference_is_in_the_table_for_people():
    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    table = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)[1:]
    written = [tuple(part.strip() for part in row) for row in table if not row[0].startswith("--")]
    recorded = [tuple(row[key] for key in ("what", "ipykernel", "parley", "reason")) for row in ROWS]
    assert written == recorded
