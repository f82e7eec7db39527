"""`--from-cell`: a run that begins in the middle of its notebook."""

import json

import pytest
from conftest import code
from nbformat import v4


def ran_before(source: str, text: str):
    cell = code(source)
    cell.outputs = [v4.new_output("stream", name="stdout", text=text)]
    cell.execution_count = 7
    return cell


@pytest.mark.parametrize("place", ["3", "cell-3", "load"])
def test_a_run_begins_with_a_cell(run, place):
    done = run(
        ran_before("print('one'); x = 1", "as it was\n"),
        v4.new_markdown_cell("# Two"),
        code("print('x' in globals())", "load"),
        code("print('four')", "load"),
        options=["--from-cell", place],
    )
    assert done.code == 0 and done.statuses == ["skipped", "ok", "ok"]
    assert done.text(0) == "as it was\n" and done.notebook.cells[0].execution_count == 7
    assert done.text(2) == "False\n" and done.text(3) == "four\n"
    assert [cell["status"] for cell in done.result["cells"]] == ["skipped", "skipped", "ok", "ok"]
    assert [line.split(" in ")[0] for line in done.stderr.splitlines()] == ["parley: [1/2] ok", "parley: [2/2] ok"]


def test_the_first_cell_is_the_whole_notebook(run):
    assert run("1", "2", options=["--from-cell", "1"]).statuses == ["ok", "ok"]


@pytest.mark.parametrize("place", ["0", "3", "-1", "cell-9", "1.0"])
def test_a_cell_that_is_not_there_starts_nothing(run, place):
    done = run("open('ran', 'w')", "1", options=[f"--from-cell={place}"])
    assert done.code == 65 and done.result["reason"] == "bad_input"
    assert f"--from-cell {place} names no cell; give a number from 1 to 2" in done.stderr
    assert not done.output.exists() and not (done.folder / "ran").exists()


def test_given_parameters_are_there(run):
    done = run(
        code("day = 1", "parameters"),
        "load = 1",
        "print(day, 'load' in globals())",
        options=["--from-cell", "3", "-p", "day", "5"],
    )
    # The injected cell moves the others; the number is that of the notebook as it came.
    assert done.code == 0 and done.statuses == ["skipped", "ok", "skipped", "ok"]
    assert done.text(3) == "5 False\n"


def test_parameters_of_an_earlier_run_are_replaced_and_run(run):
    done = run(
        code("day = 1", "parameters"),
        code("day = 2", "injected-parameters"),
        "print(day)",
        options=["--from-cell", "cell-2", "-p", "day", "5"],
    )
    assert done.statuses == ["skipped", "ok", "ok"] and done.text(2) == "5\n"


def test_events_tell_of_what_is_left_out(run):
    done = run("1", "2", options=["--from-cell", "2", "--events", "events"])
    events = [json.loads(line) for line in (done.folder / "events").read_text().splitlines()]
    assert [(e["event"], e.get("cell"), e.get("status")) for e in events] == [
        ("run_started", None, None),
        ("cell_ended", 0, "skipped"),
        ("cell_started", 1, None),
        ("cell_ended", 1, "ok"),
        ("run_ended", None, None),
    ]
