"""A thousand cells sent at once."""


def test_thousand_cells(client):
    before = client.run("log = []").count
    cells = [client.execute(f"log.append({i})") for i in range(1000)]
    for cell in cells:
        client.reply(cell, 50)
    for cell in cells:
        client.idle(cell)
    replies = [m for m in client.received["shell"] if m.parent_id in set(cells)]
    assert [m.parent_id for m in replies] == cells
    assert {m.content["status"] for m in replies} == {"ok"}
    assert [m.content["execution_count"] for m in replies] == list(range(before + 1, before + 1001))
    assert client.run("log == list(range(1000))").outputs == [("execute_result", "True")]


def test_transcripts_of_pipelined_cells_are_whole(client):
    cells = [client.execute(f"print({i})") for i in range(200)]
    for i, cell in enumerate(cells):
        client.reply(cell)
        client.idle(cell)
        assert client.transcript(cell) == ["busy", "execute_input", ("stream", "stdout", f"{i}\n"), "idle"]


def test_languages_alternating(client):
    cells = [client.execute(f"#!bash\necho {i}" if i % 2 else f"print({i})") for i in range(100)]
    assert [client.finish(cell).text() for cell in cells] == [f"{i}\n" for i in range(100)]
