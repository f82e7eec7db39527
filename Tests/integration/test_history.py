"""history_request: tail, range and search; sessions on disk."""

import uuid

import pytest


def history(client, **content):
    defaults = {"output": False, "raw": True}
    reply = client.ask("history_request", {**defaults, **content})
    assert reply.content["status"] == "ok", reply.content
    return reply.content["history"]


def tail(client, n, **kw):
    return history(client, hist_access_type="tail", n=n, **kw)


@pytest.fixture
def word():
    return "w" + uuid.uuid4().hex[:10]


def test_tail(client, word):
    cells = [f"{word} = {i}" for i in range(3)]
    first = client.run(cells[0]).count
    for cell in cells[1:]:
        client.run(cell)
    entries = tail(client, 3)
    assert [text for _, _, text in entries] == cells
    assert [line for _, line, _ in entries] == [first, first + 1, first + 2]
    assert len({session for session, _, _ in entries}) == 1
    assert all(isinstance(session, int) and session > 0 for session, _, _ in entries)


def test_tail_with_output(client, word):
    client.run(f"{word} = 1")
    client.run(f"{word} + 1")
    client.run(f"print({word})")
    entries = [pair for _, _, pair in tail(client, 3, output=True)]
    assert [list(pair) for pair in entries] == [
        [f"{word} = 1", None],
        [f"{word} + 1", "2"],
        [f"print({word})", None],
    ]


def test_tail_of_more_than_there_is(client):
    client.run("pass")
    entries = tail(client, 100_000)
    assert 1 <= len(entries) <= 100_000


def test_tail_of_none(client):
    assert tail(client, 0) == []


def test_range_of_the_current_session(client, word):
    first = client.run(f"{word} = 'a'").count
    client.run(f"{word} = 'b'")
    client.run(f"{word} = 'c'")
    entries = history(client, hist_access_type="range", session=0, start=first, stop=first + 2)
    assert [(line, text) for _, line, text in entries] == [(first, f"{word} = 'a'"), (first + 1, f"{word} = 'b'")]


def test_range_without_an_end(client, word):
    first = client.run(f"{word} = 1").count
    client.run(f"{word} = 2")
    entries = history(client, hist_access_type="range", session=0, start=first, stop=None)
    assert [text for _, _, text in entries] == [f"{word} = 1", f"{word} = 2"]


def test_range_outside(client):
    assert history(client, hist_access_type="range", session=0, start=100_000, stop=100_001) == []
    assert history(client, hist_access_type="range", session=10_000_000, start=1, stop=2) == []


def test_search(client, word):
    client.run(f"{word}_a = 1")
    client.run(f"{word}_b = 2")
    client.run("pass")
    found = history(client, hist_access_type="search", pattern=f"*{word}*", n=10)
    assert [text for _, _, text in found] == [f"{word}_a = 1", f"{word}_b = 2"]


def test_search_with_a_question_mark(client, word):
    client.run(f"{word}1")
    client.run(f"{word}22")
    found = history(client, hist_access_type="search", pattern=f"{word}?", n=10)
    assert [text for _, _, text in found] == [f"{word}1"]


def test_search_takes_the_latest_n(client, word):
    for i in range(5):
        client.run(f"{word} = {i}")
    found = history(client, hist_access_type="search", pattern=f"{word}*", n=2)
    assert [text for _, _, text in found] == [f"{word} = 3", f"{word} = 4"]


def test_search_unique(client, word):
    for text in ("a", "b", "a", "a"):
        client.run(f"{word} = '{text}'")
    found = history(client, hist_access_type="search", pattern=f"{word}*", n=10, unique=True)
    assert [text for _, _, text in found] == [f"{word} = 'b'", f"{word} = 'a'"]
    assert len(history(client, hist_access_type="search", pattern=f"{word}*", n=10)) == 4


def test_search_is_literal_otherwise(client, word):
    client.run(f"{word} = '100%_[x]'")
    client.run(f"{word} = '100abx'")
    found = history(client, hist_access_type="search", pattern=f"{word}*100%_[[]x]*", n=5)
    plain = history(client, hist_access_type="search", pattern=f"{word}*100%_*", n=5)
    assert [text for _, _, text in plain] == [f"{word} = '100%_[x]'"]
    assert len(found) <= 1


def test_silent_and_unstored_cells_are_not_kept(client, word):
    client.run(f"{word} = 1", silent=True)
    client.run(f"{word} = 2", store_history=False)
    client.run(f"{word} = 3")
    found = history(client, hist_access_type="search", pattern=f"{word}*", n=10)
    assert [text for _, _, text in found] == [f"{word} = 3"]


def test_failed_cells_are_kept(client, word):
    client.run(f"{word}")
    assert [text for _, _, text in tail(client, 1)] == [word]


def test_other_languages_are_kept_with_their_marker(client, word):
    code = f"#!bash\necho {word}"
    client.run(code)
    assert [text for _, _, text in tail(client, 1)] == [code]


def test_multi_line_and_unicode(client):
    code = "s = '''\nπ\n😀'''\n"
    client.run(code)
    assert [text.rstrip("\n") for _, _, text in tail(client, 1)] == [code.rstrip("\n")]


def test_defaults(client, word):
    client.run(f"{word} = 1")
    reply = client.ask("history_request", {"hist_access_type": "tail", "n": 1})
    assert [entry[2] for entry in reply.content["history"]] == [f"{word} = 1"]


def test_sessions_on_disk(launch, word):
    """A second kernel finds the cells of the first, under the session before its own."""
    first = launch()
    client = first.client()
    client.run(f"{word} = 1")
    client.run(f"{word}")
    (session, *_) = tail(client, 1)[0]
    client.ask("shutdown_request", {"restart": True}, channel="control")
    first.exit_code(5)

    client = launch().client()
    assert history(client, hist_access_type="range", session=0, start=1, stop=10) == []
    previous = history(client, hist_access_type="range", session=session, start=1, stop=10, output=True)
    assert [[s, line, list(pair)] for s, line, pair in previous] == [
        [session, 1, [f"{word} = 1", None]],
        [session, 2, [f"{word}", "1"]],
    ]
    back = history(client, hist_access_type="range", session=-1, start=1, stop=10)
    assert [text for _, _, text in back] == [f"{word} = 1", f"{word}"]
    found = history(client, hist_access_type="search", pattern=f"{word}*", n=10)
    assert [text for _, _, text in found] == [f"{word} = 1", f"{word}"]
    client.run(f"{word} = 'new'")
    (newer, line, _) = tail(client, 1)[0]
    assert newer > session and line == 1


def test_two_kernels_have_a_session_each(launch, word):
    a, b = launch().client(), launch().client()
    a.run(f"{word} = 'a'")
    b.run(f"{word} = 'b'")
    assert tail(a, 1)[0][0] != tail(b, 1)[0][0]
    assert tail(a, 1)[0][1] == tail(b, 1)[0][1] == 1


def test_survives_a_kill(launch, word):
    import os
    import signal

    kernel = launch()
    client = kernel.client()
    client.run(f"{word} = 1")
    client.until(lambda: tail(client, 1), 5, "the cell in the history")
    from parley_client import poll

    def on_disk():
        other = launch().client()
        return history(other, hist_access_type="search", pattern=f"{word}*", n=10)

    poll(on_disk, 20, "the cell on disk, seen by another kernel", interval=0.3)
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.exit_code(2)
    assert on_disk()


def test_answered_while_a_cell_runs(client, word):
    client.run(f"{word} = 1")
    cell = client.execute("import time; time.sleep(3)")
    client.wait(cell, "execute_input")
    msg_id = client.send("shell", "history_request", {"hist_access_type": "tail", "n": 5, "output": False, "raw": True})
    reply = client.reply(msg_id, 1.5)
    assert f"{word} = 1" in [text for _, _, text in reply.content["history"]]
    client.ask("interrupt_request", channel="control")
    client.finish(cell)
