"""Secrets: the languages know them, and nothing that is written does."""

import base64
import json
import os
import subprocess
import urllib.parse

import nbformat
import pytest
from conftest import notebook, parley

SECRET = 'correct "horse" – battery/stäple+$HOME'
FORMS = [
    SECRET, json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1], SECRET.encode().hex(),
    urllib.parse.quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode().rstrip("=")[:-1],
    base64.b64encode(b"user:" + SECRET.encode()).decode()[8:-4],
]  # fmt: skip

LEAKS = [
    "import sys, json, base64, threading, urllib.parse\nprint(token); print(token, file=sys.stderr); token",
    "for c in token: print(c, end='', flush=True)\nprint()",
    "print('ab' + token[0] + '\\b' + token)\nprint(json.dumps({'t': token}), json.dumps({'t': token}, ensure_ascii=False))",
    "print(token.encode().hex(), urllib.parse.quote(token, safe=''))\n"
    "print(base64.b64encode(token.encode()).decode(), base64.b64encode(b'user:' + token.encode()).decode())",
    "from IPython.display import display, JSON, HTML\n"
    "display(JSON({'key': token, token: 1})); display(HTML(f'<b>{token}</b>'), metadata={'m': token})",
    "threading.Thread(target=print, args=(token,)).start()",
    "print('x' * (2 << 20)); print(token)",
    "print('before', token[:9], 'after')",
    "raise ValueError(token)",
]


@pytest.fixture
def environment(tmp_path):
    """What the shell would give: the variable's own name is no secret."""
    return os.environ | {"THE_TOKEN": SECRET}


def test_nothing_that_is_written_holds_a_secret(run, environment):
    ended = run(
        *LEAKS, env=environment,
        options=("--secret", "token=env:THE_TOKEN", "--events", "events.jsonl", "--log-output", "--stdout-file", "o",
                 "--stderr-file", "e", "--output-limit", "1", "--progress-bar"),
    )  # fmt: skip
    assert ended.code == 1, ended.stderr
    written = {"standard output": ended.stdout, "standard error": ended.stderr}
    for file in run.folder.rglob("*"):
        if file.is_file():
            written[str(file)] = file.read_text("utf-8")
    assert any(".outputs" in name for name in written)
    for name, text in written.items():
        for form in FORMS:
            assert form not in text and json.dumps(form)[1:-1] not in text, (name, form)
    assert ended.text(0) == "[secret token]\n" and ended.text(1) == "[secret token]\n"
    assert "[secret token]" in ended.outputs(8)[-1].evalue
    assert ended.result["failed_cell"]["evalue"] == "[secret token]"
    assert ended.text(7) == f"before {SECRET[:9]} after\n"


def test_the_journal_of_a_killed_run_holds_no_secret(start, environment):
    run = start(
        "print(token)", "open('here', 'w').close(); import time; time.sleep(60)", env=environment,
        options=("--secret", "token=env:THE_TOKEN"),
    ).until("here")  # fmt: skip
    run.process.kill()
    run.wait()
    for file in run.folder.iterdir():
        assert SECRET not in file.read_text("utf-8"), file


def test_secrets_come_from_files_and_descriptors(run):
    (run.folder / "file").write_text(SECRET + "\n")
    ended = run("print(a == b, len(a))", options=("--secret", "a=file:file", "--secret", "b=file:file"))
    assert ended.text(0) == f"True {len(SECRET)}\n"
    reader, writer = os.pipe()
    os.write(writer, SECRET.encode())
    os.close(writer)
    ended = run("print(len(a))", options=("--secret", f"a=fd:{reader}"), pass_fds=[reader])
    os.close(reader)
    assert ended.text(0) == f"{len(SECRET)}\n"


@pytest.mark.parametrize(
    "source, words",
    [
        ("a=env:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set"),
        ("a=file:nosuch", "cannot read nosuch"),
        ("a=fd:99", "cannot read fd:99"),
        ("a=file:short", "too short"),
    ],
)
def test_a_secret_that_is_not_there(run, source, words):
    (run.folder / "short").write_text("abc\n")
    ended = run("1", options=("--secret", source))
    assert ended.code == 66 and words in ended.stderr and not ended.output.exists()


def test_a_wrong_name_does_not_show_the_value(run, environment):
    ended = run("1", options=("--secret", "a b=env:THE_TOKEN"), env=environment)
    assert ended.code == 65 and SECRET not in ended.stderr and '"a b"' in ended.stderr


@pytest.mark.parametrize("language, source", [("bash", 'echo "$t"'), ("ruby", "puts t"), ("perl", "print $t")])
def test_other_languages(language, source, environment, tmp_path):
    made = notebook(source, kernel=None)
    made.metadata.language_info = {"name": language}
    nbformat.write(made, tmp_path / "in.ipynb")
    ended = subprocess.run(
        [parley(), "run", "in.ipynb", "out.ipynb", "--secret", "t=env:THE_TOKEN"], cwd=tmp_path,
        env=environment, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    text = nbformat.read(tmp_path / "out.ipynb", 4).cells[0].outputs[0].text
    assert text.strip() == "[secret t]"
