"""Which language gets a cell: marker, other forms, metadata, default; and the lines for the server."""

import re

import pytest

WHO = 'echo "bash $BASH_VERSINFO"'
IS_BASH = [("stream", "stdout", "bash 5\n")]


@pytest.mark.parametrize(
    "marker",
    ["#!bash", "#!bash  ", "#!bash\t", "#!Bash", ">bash"],
    ids=["plain", "spaces behind", "tab behind", "capital", "allthekernels"],
)
def test_first_line_picks_bash(client, marker):
    assert client.run(f"{marker}\n{WHO}").outputs == IS_BASH


def test_marker_picks_python(client):
    assert client.run("#!python\n6 * 7").outputs == [("execute_result", "42")]


def test_unmarked_is_the_default_always(client):
    client.run("#!bash\ntrue")
    assert client.run("'python'").outputs == [("execute_result", "'python'")]


def test_two_languages_keep_their_state(client):
    client.run("x = 'p'")
    client.run("#!bash\nx=b")
    assert client.run("x").outputs == [("execute_result", "'p'")]
    assert client.run("#!bash\necho $x").outputs == [("stream", "stdout", "b\n")]


def test_named_instances_are_processes_of_their_own(client):
    client.run("#!bash\nx=one")
    client.run("#!bash:other\nx=two")
    assert client.run("#!bash\necho $x").text() == "one\n"
    assert client.run("#!bash:other\necho $x").text() == "two\n"


def test_cell_magic_stays_with_ipython(client):
    """%%bash in a Python notebook is IPython's: a new shell each time, variables by {..}."""
    client.run("%%bash\nmagic=1")
    assert client.run("%%bash\necho [$magic]").outputs == [("stream", "stdout", "[]\n")]
    client.run("#!bash\nmagic=kept")
    assert client.run("#!bash\necho [$magic]").text() == "[kept]\n"


def test_cell_magic_switches_where_the_default_has_none(launch):
    client = launch(args=["--language", "bash"]).client()
    assert client.run("%%python\n6 * 7").outputs == [("execute_result", "42")]
    assert client.run("#!python\n6 * 7").outputs == [("execute_result", "42")]
    assert client.run("echo here").outputs == [("stream", "stdout", "here\n")]


def test_unknown_language_lists_the_known(client):
    run = client.run("#!nosuch\nx = 1")
    assert run.status == "error" and run.transcript[-1] == "idle"
    text = " ".join([run.error["evalue"], *run.error["traceback"]])
    assert "nosuch" in text and "python" in text.lower() and "bash" in text.lower()


@pytest.mark.parametrize("shebang", ["#!/bin/sh", "#!/usr/bin/env bash", "#! /bin/bash"])
def test_shebang_is_no_marker(client, shebang):
    assert client.run(f"{shebang}\n6 * 7").outputs == [("execute_result", "42")]


@pytest.mark.parametrize("first", ["# !bash", "x = 1 #!bash", "'#!bash'", "##!bash"])
def test_not_a_marker(client, first):
    assert client.run(f"{first}\n'python'").outputs == [("execute_result", "'python'")]


def test_marker_behind_blank_lines_counts_or_not_but_never_both(client):
    """A marker is on the first line; on a later one it starts a segment, which here is the whole cell."""
    assert client.run(f"\n#!bash\n{WHO}").outputs == IS_BASH


def test_later_marker_starts_a_segment(client):
    run = client.run("a = 1\nprint('py', a)\n#!bash\necho sh\n#!python\nprint('py again', a)")
    assert run.outputs == [("stream", "stdout", "py 1\nsh\npy again 1\n")]
    assert run.transcript.count("execute_input") == 1 and run.transcript.count("busy") == 1


def test_execute_input_shows_the_whole_cell(client):
    code = "#!bash\necho 1\n#!python\nprint(2)"
    assert client.run(code).only("execute_input").content["code"] == code


def test_segments_count_once(client):
    before = client.run("pass").count
    assert client.run("1;\n#!bash\ntrue\n#!python\n2;").count == before + 1
    assert client.run("pass").count == before + 2


def test_error_in_a_segment_ends_the_cell(client):
    run = client.run("print(1)\n#!bash\nif then\n#!python\nprint(3)")
    assert run.status == "error"
    assert "3\n" not in run.text()


def test_indented_or_unknown_later_marker_is_code(client):
    run = client.run("x = '''\n  #!bash\n#!nosuch thing\n'''\nlen(x)")
    assert run.outputs == [("execute_result", "25")]


def test_line_numbers_of_python_fit_the_cell(client):
    run = client.run("#!python\n\nx = 1\n1/0")
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(run.error["traceback"]))
    assert "line 4" in text or re.search(r"->\s*4\s+1/0", text)
    assert not re.search(r"->\s*[123]\s+1/0", text)


def test_line_numbers_of_a_later_segment_fit_the_cell(client):
    run = client.run("#!bash\ntrue\n#!python\nx = 1\n1/0")
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(run.error["traceback"]))
    assert "line 5" in text or re.search(r"->\s*5\s+1/0", text)


def test_line_numbers_of_bash_fit_the_cell(client):
    assert client.run("#!bash\n\n\necho $LINENO").text() == "4\n"
    assert client.run("1;\n#!bash\necho $LINENO").text() == "3\n"


@pytest.mark.parametrize(
    "metadata",
    [
        {"polyglot_notebook": {"kernelName": "bash"}},
        {"dotnet_interactive": {"language": "bash"}},
        {"kernel": "Bash"},
        {"vscode": {"languageId": "shellscript"}},
    ],
    ids=["polyglot", "dotnet", "sos", "vscode"],
)
def test_metadata_picks_bash(client, metadata):
    assert client.run(WHO, metadata=metadata).outputs == IS_BASH


def test_marker_beats_metadata(client):
    metadata = {"polyglot_notebook": {"kernelName": "bash"}}
    assert client.run("#!python\n6 * 7", metadata=metadata).outputs == [("execute_result", "42")]


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernel": "NoSuchKernel"},
        {"kernel": 5},
        {"polyglot_notebook": {"kernelName": "fsharp"}},
        {"polyglot_notebook": "bash"},
        {"vscode": {"languageId": "python"}},
        {"vscode": None},
    ],
)
def test_other_metadata_means_the_default(client, metadata):
    assert client.run("6 * 7", metadata=metadata).outputs == [("execute_result", "42")]


def complete(client, code, cursor=None):
    content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    return client.ask("complete_request", content).content


@pytest.mark.parametrize("code, start", [("#!", 2), ("#!b", 2), ("#!ba\necho", 2)])
def test_marker_line_completes_to_languages(client, code, start):
    cursor = code.index("\n") if "\n" in code else len(code)
    content = complete(client, code, cursor)
    names = [match.strip().removeprefix("#!") for match in content["matches"]]
    assert "bash" in names and ("python" in names) == (code == "#!")
    assert content["cursor_start"] in (0, start) and content["cursor_end"] == cursor


def test_marker_line_completes_to_server_commands(client):
    names = [match.strip().removeprefix("#!") for match in complete(client, "#!")["matches"]]
    assert {"languages", "restart", "help"} <= set(names)


def test_inspection_and_is_complete_are_routed(client):
    code = "#!bash\ncd"
    assert client.ask("inspect_request", {"code": code, "cursor_pos": len(code)}).content["found"]
    assert client.ask("is_complete_request", {"code": "#!bash\nif true; then"}).content["status"] == "incomplete"
    assert client.ask("is_complete_request", {"code": "#!bash\nx = ("}).content["status"] != "complete"


def test_languages(client):
    run = client.run("#!languages")
    text = run.text() + "".join(str(m.content.get("data", {}).get("text/plain", "")) for m in run.messages)
    assert run.status == "ok" and "python" in text.lower() and "bash" in text.lower()


def test_help(client):
    run = client.run("#!help")
    text = run.text() + "".join(str(m.content.get("data", {}).get("text/plain", "")) for m in run.messages)
    assert run.status == "ok" and "#!languages" in text and "#!restart" in text


def test_restart_of_one_language(client):
    client.run("kept = 1")
    client.run("#!bash\nlost=1")
    before = client.run("#!bash\necho $$").text()
    client.run("#!restart bash").ok()
    assert client.run("#!bash\necho [$lost]").text() == "[]\n"
    assert client.run("#!bash\necho $$").text() != before
    assert client.run("kept").outputs == [("execute_result", "1")]


def test_restart_of_the_default_language(client):
    client.run("lost = 1")
    client.run("#!bash\nkept=1")
    client.run("#!restart").ok()
    assert client.run("'lost' in globals()").outputs == [("execute_result", "False")]
    assert client.run("#!bash\necho $kept").text() == "1\n"


def test_restart_of_an_unknown_language(client):
    run = client.run("#!restart nosuch")
    assert run.status == "error" and "nosuch" in run.error["evalue"]


def test_server_command_in_a_bash_notebook(launch):
    client = launch(args=["--language", "bash"]).client()
    assert client.run("#!languages").status == "ok"


def test_alias(client):
    assert client.run(f"#!sh\n{WHO}").outputs == IS_BASH
    assert client.run("#!py\n1").outputs == [("execute_result", "1")]


def test_echo_language_is_there(client):
    """The worked example of a bridge is a language like the others."""
    run = client.run("#!echo\nhello")
    assert run.status == "ok" and "hello" in str(run.outputs)


def test_windows_line_ends(client):
    assert client.run(f"#!bash\r\n{WHO}").status == "ok"


def test_marker_alone(client):
    run = client.run("#!bash")
    assert run.status == "ok" and run.outputs == []


def test_silent_cell_of_bash(client):
    assert client.run("#!bash\necho x; quiet=1", silent=True).transcript == ["busy", "idle"]
    assert client.run("#!bash\necho $quiet").text() == "1\n"
