"""A run with an id writes its output once; scraps of scrapbook in the result."""

import pytest

COUNTING = "open('count', 'a').write('x'); print('here')"


def count(run) -> int:
    return len((run.folder / "count").read_text())


def test_the_same_run_again_does_nothing(run):
    first = run(COUNTING, options=("--run-id", "one"))
    before = first.output.read_bytes()
    again = run(COUNTING, options=("--run-id", "one"))
    assert (first.code, again.code, count(run)) == (0, 0, 1)
    assert again.output.read_bytes() == before
    assert again.result["repeated"] and again.result["reason"] == "ok" and again.result["run_id"] == "one"
    assert "has ended before" in again.stderr


def test_the_recorded_end_is_told_again(run):
    assert run(COUNTING, "1/0", options=("--run-id", "one")).code == 1
    again = run(COUNTING, options=("--run-id", "one"))
    assert again.code == 1 and count(run) == 1
    assert again.result["reason"] == "user_error" and "ZeroDivisionError" in again.result["message"]


def test_a_run_that_was_cut_short_runs_again(start, run):
    killed = start(
        COUNTING, "open('slow', 'w'); import time; time.sleep(60)", options=("--run-id", "one")
    ).until("slow")
    killed.process.kill()
    killed.wait()
    assert run(COUNTING, options=("--run-id", "one")).code == 0 and count(run) == 2


@pytest.mark.parametrize("options", [("--run-id", "two"), ()])
def test_anothers_output_is_not_overwritten(run, options):
    before = run(COUNTING, options=("--run-id", "one")).output.read_bytes()
    refused = run(COUNTING, options=options)
    assert refused.code == 74 and "belongs to the run one" in refused.stderr and count(run) == 1
    assert refused.output.read_bytes() == before
    assert run(COUNTING, options=("--overwrite", *options)).code == 0 and count(run) == 2


def test_an_id_does_not_overwrite_a_file_of_unknown_origin(run):
    (run.folder / "out.ipynb").write_text("my diary")
    refused = run(COUNTING, options=("--run-id", "one"))
    assert refused.code == 74 and "no run with an id has written it" in refused.stderr
    assert refused.output.read_text() == "my diary"


def test_without_ids_outputs_are_replaced(run):
    assert [run(COUNTING).code for _ in range(2)] == [0, 0] and count(run) == 2


# Scraps, as scrapbook's glue() writes them

GLUE = """from IPython.display import display
display({'application/scrapbook.scrap.json+json':
         {'name': 'rows', 'data': [1, 2], 'encoder': 'json', 'version': 1}},
        metadata={'scrapbook': {'name': 'rows', 'data': True, 'display': False}}, raw=True)
display({'text/plain': 'shown'}, metadata={'scrapbook': {'name': 'picture', 'data': False, 'display': True}}, raw=True)"""


def test_scraps_are_in_the_result(run):
    shell = (
        "#!bash\necho '{\"name\": \"note\", \"data\": \"hi\", \"encoder\": \"text\", \"version\": 1}' "
        "| display --mime application/scrapbook.scrap.text+json"
    )
    scraps = run(GLUE, shell, "1").result["scraps"]
    assert scraps["rows"] == {"name": "rows", "data": [1, 2], "encoder": "json", "display": None}
    assert scraps["note"]["data"] == "hi" and scraps["note"]["encoder"] == "text"
    assert scraps["picture"]["display"]["data"] == {"text/plain": "shown"} and scraps["picture"]["data"] is None


def test_no_scraps_no_member(run):
    assert "scraps" not in run("1").result
