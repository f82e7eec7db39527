"""What authors of languages get: a skeleton that works, and a check that finds what is wrong."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from parley_client import REPOSITORY, parley_binary

SHIPPED = sorted(path.parent.name for path in (REPOSITORY / "kernelspecs").glob("*/bridge.json"))
# Of these every Debian has the interpreter, or the tests bring it.
ALWAYS = {"bash", "echo", "perl", "python"}


def parley(*args, timeout=120, **variables):
    return subprocess.run(
        [parley_binary(), *map(str, args)], capture_output=True, text=True, timeout=timeout, env={**os.environ, **variables}
    )


def verdicts(done):
    """The checks by their verdict."""
    found = {"ok": [], "skip": [], "FAIL": [], "note": []}
    for line in done.stdout.splitlines():
        verdict, _, name = line.partition(" ")
        found[verdict].append(name.strip())
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", SHIPPED)
def test_every_shipped_bridge_passes_the_check(language):
    done = parley("check-bridge", REPOSITORY / "kernelspecs" / language)
    if done.returncode == 69 and language not in ALWAYS:
        pytest.skip(done.stderr.strip())
    found = verdicts(done)
    assert done.returncode == 0 and not found["FAIL"] and not found["note"], done.stdout + done.stderr
    if language != "echo":
        assert "what is printed after the end of the cell is its output still" not in " ".join(found["skip"]) or language in (
            "sql", "octave"), "every language that can print later has a check for it"
    assert len(found["ok"]) > 12


@pytest.fixture
def mine(tmp_path):
    done = parley("new-language", "mine", "--directory", tmp_path)
    assert done.returncode == 0 and str(tmp_path / "mine") in done.stdout, done
    return tmp_path / "mine"


def test_a_new_language_works_at_once(mine, launch):
    assert not verdicts(parley("check-bridge", mine))["FAIL"]
    assert json.loads((mine / "bridge.json").read_text())["language"] == "mine"
    assert "echo" not in "".join(path.read_text().lower() for path in mine.glob("*.json"))
    client = launch(env={"PARLEY_LANGUAGES": str(mine.parent)}).client()
    run = client.run("#!mine\nHello\nresult 42")
    assert run.transcript == ["busy", "execute_input", ("stream", "stdout", "Hello\n"), ("execute_result", "42"), "idle"]


def test_it_is_found_in_the_users_own_folder(tmp_path):
    assert parley("new-language", "own", XDG_CONFIG_HOME=str(tmp_path)).returncode == 0
    assert (tmp_path / "parley" / "languages" / "own" / "bridge.json").exists()
    assert "own" in parley("languages", XDG_CONFIG_HOME=str(tmp_path)).stdout


@pytest.mark.parametrize("name", ["Mine", "two words", "a/b", "", "..", "ä"])
def test_names_that_no_language_can_have(tmp_path, name):
    done = parley("new-language", name, "--directory", tmp_path)
    assert done.returncode == 64 and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_overwritten(mine):
    (mine / "bridge.pl").write_text("precious")
    done = parley("new-language", "mine", "--directory", mine.parent)
    assert done.returncode == 73 and "is there already" in done.stderr
    assert (mine / "bridge.pl").read_text() == "precious"


def change(folder: Path, old: str, new: str):
    program = folder / "bridge.pl"
    text = program.read_text()
    assert old in text
    program.write_text(text.replace(old, new))


@pytest.mark.parametrize("old, new, check", [
    ("print \"$line\\n\"", "print \"$line!\\n\"", "print: stdout is exactly hello"),
    ("binmode $_, ':utf8'", "binmode $_, ':encoding(latin1)'", "unicode comes through whole"),
    ("send_frame({ msg_type => 'error' }, $error);", "", "an error is one error output and an error reply"),
    ("local $SIG{INT} = sub { die { ename => 'Interrupt', evalue => 'interrupted' } };", "", "an endless loop is interrupted"),
    ("sort grep { /^\\Q$start\\E/ } keys %command", "'nothing'", "completion"),
    ("'incomplete', indent", "'complete', indent", "is_complete says incomplete"),
    ("language_info => { name => 'mine',", "language_info => {", "kernel_info says what the language is"),
    ("html   => sub { display('display_data',", "html   => sub { display('execute_result',", "a display is a display_data"),
])
def test_the_check_finds_what_is_wrong(mine, old, new, check):
    change(mine, old, new)
    done = parley("check-bridge", mine)
    assert done.returncode == 1
    assert any(check in line for line in verdicts(done)["FAIL"]), done.stdout


def test_a_bridge_that_says_nothing(mine):
    (mine / "bridge.pl").write_text("exit 0;\n")
    done = parley("check-bridge", mine)
    assert done.returncode == 1 and "before its handshake" in done.stdout
