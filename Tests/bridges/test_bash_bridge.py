"""The Bash bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bridge_driver import Bridge, BridgeGone

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "bash"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
                         "AABJRU5ErkJggg==")
INTERRUPTED = "error: KeyboardInterrupt: "


@pytest.fixture
def bash(tmp_path):
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        yield bridge


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def interrupt(bridge):
    """SIGINT to the group, then SIGURG to the bridge, as in section 7."""
    bridge.interrupt()
    os.kill(bridge.pid, signal.SIGURG)


def interrupt_once_it_runs(bridge, cell):
    """As the server does: once more after interrupt_repeat. bash loses a SIGINT that comes between a
    fork and the exec, or within a DEBUG trap."""
    bridge.pump(lambda: "started\n" in cell.text())
    bridge.pump_for(0.05)
    for _ in range(3):
        interrupt(bridge)
        try:
            return bridge.wait(cell, 1 + bridge.manifest["interrupt_repeat"])
        except TimeoutError:
            pass
    return bridge.wait(cell, 0)


# -- start -------------------------------------------------------------------------------------------

def test_it_introduces_itself(bash):
    assert bash.info["bridge_protocol"] == 1
    assert bash.info["language_info"]["name"] == "bash"
    assert bash.info["language_info"]["file_extension"] == ".sh"
    assert set(bash.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_it_prints_nothing_by_itself(bash):
    assert show(bash, "") == []
    assert show(bash, "# a comment") == []
    assert show(bash, "x=1\n") == []
    bash.pump_for(0.05)
    assert bash.late == []


def test_a_bare_environment(tmp_path):
    with Bridge.from_folder(FOLDER, env={"PATH": os.environ["PATH"]}, cwd=tmp_path) as bash:
        assert show(bash, 'x=äö🎉; echo "${#x} $x"') == ["stdout: 3 äö🎉\n"]
        assert bash.complete("echo 🎉 $HOSTN")["cursor_start"] == 7


def test_an_utf8_environment_is_left_alone(tmp_path):
    env = {"PATH": os.environ["PATH"], "LC_CTYPE": "C.UTF-8", "HOME": str(tmp_path)}
    with Bridge.from_folder(FOLDER, env=env, cwd=tmp_path) as bash:
        assert show(bash, 'echo "${LANG-none} $LC_CTYPE $HOME"') == ["stdout: none C.UTF-8 %s\n" % tmp_path]


def test_no_interpreter_of_that_age(tmp_path):
    """Whoever reads the bridge's code needs none of the server: `bash launch.bash` says what is wrong."""
    old = (FOLDER / "launch.bash").read_text().replace("< 404", "< 9999")
    (tmp_path / "launch.bash").write_text(old)
    run = subprocess.run(["bash", tmp_path / "launch.bash"], stderr=subprocess.PIPE, text=True)
    assert run.returncode == 78
    assert "needs bash 4.4" in run.stderr


# -- cells -------------------------------------------------------------------------------------------

def test_stdout_and_stderr_are_separate(bash):
    cell = bash.execute("echo out; echo err >&2")
    assert cell.text("stdout") == "out\n"
    assert cell.text("stderr") == "err\n"


def test_state_persists(bash, tmp_path):
    bash.execute("x=1; arr=(a 'b c'); declare -A map=([k]=v); f() { echo \"f $1\"; }\n"
                 "alias hi='echo hello'; set -- p1 p2; mkdir sub; cd sub; shopt -s nullglob; umask 027")
    assert show(bash, 'echo $x "${arr[1]}" ${map[k]}; f 2; hi; echo $# $2; pwd; echo *.nothing; umask') == [
        "stdout: 1 b c v\nf 2\nhello\n2 p2\n%s/sub\n\n0027\n" % tmp_path]


def test_cells_are_top_level_code(bash):
    bash.execute("declare -i n=4; local y=1 2>/dev/null; readonly r=1")
    assert show(bash, "n+=3; echo $n $r; [[ $- == *i* ]] && echo interactive") == ["stdout: 7 1\ninteractive\n"]


@pytest.mark.parametrize("code, text", [
    ("cat <<EOF\n$((1+1)) \"quoted\"\nEOF", '2 "quoted"\n'),
    ("cat <<'EOF' | tr a-z A-Z\n$x\nEOF", "$X\n"),
    ("for i in 1 2; do\n  echo $i\ndone", "1\n2\n"),
    ("if true\nthen\n  echo yes\nfi", "yes\n"),
    ("echo one \\\n  two", "one two\n"),
    ("printf '%s|' a 'b c' \"d\ne\"", "a|b c|d\ne|"),
    ("echo a | cat | tr a b; echo c | wc -c", "b\n2\n"),
    ("echo '} done fi' | { cat; }", "} done fi\n"),
    ("case x in x) echo in;; esac", "in\n"),
    ("diff <(echo a) <(echo a) && echo same", "same\n"),
    ("(exit 3) || echo $?", "3\n"),
    ("echo äöü ✓ 🎉", "äöü ✓ 🎉\n"),
    ("shopt -s extglob\ntouch f1 g1; echo !(f*)", "g1\n"),
    ("alias later='echo expanded'\nlater", "expanded\n"),
    ("echo hi \\", "hi \\\n"),
    ("coproc { read x; echo \"<$x>\"; }; echo in >&${COPROC[1]}; builtin read y <&${COPROC[0]}; echo $y", "<in>\n"),
    ("exec 3>f; echo x >&3; exec 3>&-; cat f", "x\n"),
    ("f() { local -n r=$1; r=5; }; f q; echo $q", "5\n"),
    ("cat <<EOF\nnever ended", "never ended\n"),
])
def test_code(bash, code, text):
    cell = bash.execute(code)
    assert cell.text() == text
    assert cell.status == "ok"


def test_descriptors_stay_open_from_cell_to_cell(bash):
    bash.execute("exec 3>three {mine}>mine")
    bash.execute("echo a >&3; echo b >&$mine")
    assert show(bash, "cat three mine") == ["stdout: a\nb\n"]


def test_children_inherit_no_descriptors_of_the_bridge(bash):
    open_ones = show(bash, "ls -l /proc/self/fd | awk '/pipe/ {print $9}'")[0].split()[1:]
    inherited = [n for n in open_ones if os.path.exists("/proc/self/fd/" + n)]
    assert [n for n in open_ones if n not in inherited] in ([], ["1"], ["2"], ["1", "2"])


def test_standard_input_is_empty(bash):
    assert show(bash, "cat; wc -c; mapfile a; echo ${#a[@]}") == ["stdout: 0\n0\n"]


def test_redirections_by_exec_last_until_the_end_of_the_cell(bash):
    assert show(bash, "exec >file; echo hidden") == []
    assert show(bash, "echo seen; cat file") == ["stdout: seen\nhidden\n"]
    bash.execute("exec 1>&- 2>&-")
    assert show(bash, "echo out; echo err >&2") == ["stdout: out\n", "stderr: err\n"]


def test_large_output_and_a_large_cell(bash):
    assert len(bash.execute("seq 200000").text()) == 1288895
    data = "äx\"\\" * 20000
    cell = bash.execute("cat <<'EOF'\n%s\nEOF" % data)
    assert cell.text() == data + "\n"


def test_a_large_cell_is_not_read_byte_by_byte(bash):
    calls = "while builtin read -r name value; do [[ $name != syscr: ]] || echo $value; done </proc/$$/io"
    before = int(bash.execute(calls).text())
    after = int(bash.execute("#" + "x" * (1 << 20) + "\n" + calls).text())
    assert after - before < 100_000
    # A value of any length and content, cut nowhere.
    for size in (8190, 8191, 8192, 8193, 70000):
        value = ("ä=:" * size)[:size] + "\n"
        assert bash.execute("cat <<'EOF'\n%sEOF" % value).text() == value


def test_bytes_that_are_not_text(bash):
    assert show(bash, "printf 'a\\xffb\\n'") == ["stdout: a\ufffdb\n"]
    assert bash.execute("f() { return 1; }; f", user_expressions={"x": "$(printf 'a\\xff\\xc3b')"}).status == "ok"


# -- exit status -------------------------------------------------------------------------------------

def test_a_status_is_shown_but_is_no_error(bash):
    cell = bash.execute("grep nothing /dev/null")
    assert cell.transcript == ["stderr: [exit status 1]\n"]
    assert cell.status == "ok"
    assert show(bash, "(exit 42)") == ["stderr: [exit status 42]\n"]
    assert show(bash, "sh -c 'kill -9 $$'")[-1].endswith("[exit status 137 (SIGKILL)]\n")


def test_the_next_cell_finds_the_status(bash):
    bash.execute("(exit 7)")
    assert show(bash, "echo $?") == ["stdout: 7\n"]
    assert show(bash, "echo $?") == ["stdout: 0\n"]


@pytest.mark.parametrize("how", ["PARLEY_STRICT=1", "export PARLEY_BASH_STRICT=yes"])
def test_strict(bash, how):
    bash.execute(how)
    cell = bash.execute("echo a; (exit 2)")
    assert cell.transcript == ["stdout: a\n", "error: ExitStatus: 2"]
    assert cell.reply.content == {"status": "error", "ename": "ExitStatus", "evalue": "2",
                                  "traceback": ["exit status 2"]}
    bash.execute("PARLEY_STRICT=0; unset PARLEY_BASH_STRICT")
    assert bash.execute("false").status == "ok"


def test_nothing_is_shown_for_a_silent_request(bash):
    assert show(bash, "false", silent=True) == []


def test_exit_ends_the_process_with_the_status(bash):
    with pytest.raises(BridgeGone):
        bash.execute("echo last; exit 3")
    assert os.waitstatus_to_exitcode(bash.wait_exit()) == 3


def test_exec_replaces_the_shell(bash):
    with pytest.raises(BridgeGone):
        bash.execute("exec sh -c 'exit 5'")
    assert os.waitstatus_to_exitcode(bash.wait_exit()) == 5


def test_errexit_ends_the_shell(bash):
    bash.execute("set -e; trap 'echo bye' EXIT")
    cell = bash.start_execute("echo a; false; echo b")
    with pytest.raises(BridgeGone):
        bash.wait(cell)
    assert cell.text() == "a\nbye\n"
    assert os.waitstatus_to_exitcode(bash.wait_exit()) == 1


def test_errexit_spares_what_bash_spares(bash):
    bash.execute("set -e")
    assert show(bash, "false || true; if false; then :; fi; ! true; echo on") == ["stdout: on\n"]


# -- errors ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, line", [
    ("echo never\necho )", 2),
    ("\n\nif; then", 3),
    ("echo 'open", 1),
    ("f() {\necho a", 3),
    ("}\necho never", 1),
    ("done", 1),
    ("fi; }; done; echo never", 1),
    ("echo $(\n))", 2),
    ("echo never; for", 1),
])
def test_a_syntax_error_is_found_before_anything_runs(bash, code, line):
    cell = bash.execute(code)
    assert [event.type for event in cell.events] == ["error"]
    assert cell.status == "error"
    content = cell.events[0].content
    assert content["ename"] == "SyntaxError"
    assert content["evalue"].startswith("line %d: " % line)
    assert content["traceback"]
    assert cell.reply.content["evalue"] == content["evalue"]
    assert show(bash, "echo alive") == ["stdout: alive\n"]


def test_lines_that_end_as_on_windows(bash):
    assert show(bash, "for x in a b; do\r\n  echo $x\r\ndone\r\ncat <<END\r\nc\r\nEND\r\n") == ["stdout: a\nb\nc\n"]
    assert show(bash, "printf %q 'a\r\nb\nc'") == ["stdout: $'a\\r\\nb\\nc'"]     # not all of them do


def test_endless_recursion_ends_the_cell(bash):
    bash.execute("kept=yes; down() { if (($1)); then down $(($1 - 1)); fi; }")
    cell = bash.execute("again() { again; }; again; echo never")
    assert "maximum function nesting level exceeded" in cell.text("stderr") and cell.text("stdout") == ""
    assert show(bash, "down 1500; echo $kept") == ["stdout: yes\n"]


def test_line_numbers(bash):
    for _ in range(3):
        assert show(bash, "echo $LINENO\n\necho $LINENO") == ["stdout: 1\n3\n"]
    cell = bash.start_execute("echo started\n\nwhile :; do :; done")
    interrupt_once_it_runs(bash, cell)
    assert show(bash, "echo $LINENO") == ["stdout: 1\n"]


def test_unset_variables(bash):
    bash.execute("set -u")
    text = bash.execute("echo $nope; echo on").text("stderr")
    assert "nope: unbound variable" in text
    assert show(bash, "set +u; echo ${PS1-unset}x") != []


# -- interrupts --------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "while :; do :; done",
    "sleep 60",
    "sleep 60 | cat",
    "yes | tr y n >/dev/null",
    "sleep 60 & wait",
    "sh -c 'sleep 60; echo no'",
    "x=$(sleep 60)",
    "(while :; do :; done)",
    "f() { while :; do :; done; }; f",
    "eval 'sleep 60'",
    "echo 'while :; do :; done' >loop.sh; . ./loop.sh",
    "while :; do display --html x; done",
    "while :; do x=$(echo a); done",
    "while :; do /bin/true; done",
    "sh -c 'trap \"exit 0\" INT; while :; do sleep 0.01; done'",
    "trap true DEBUG; while :; do :; done",
])
def test_interrupt(bash, code):
    bash.execute("kept=yes")
    cell = bash.start_execute("echo started\n%s\necho never" % code)
    interrupt_once_it_runs(bash, cell)
    assert cell.transcript[-1] == INTERRUPTED
    assert "never" not in cell.text()
    assert cell.reply.content["status"] == "error"
    assert cell.reply.content["ename"] == "KeyboardInterrupt"
    after = bash.execute("echo $kept $?")
    assert after.text() == "yes 130\n"


def test_interrupt_while_idle_means_nothing(bash):
    for _ in range(5):
        interrupt(bash)
        bash.settle()  # or it would be taken as meant for the next request
        assert show(bash, "echo alive") == ["stdout: alive\n"]


def test_interrupts_at_any_moment(bash):
    """The request and the signal race each other; the bridge answers every request once."""
    for turn in range(60):
        cell = bash.start_execute("for ((i = 0; i < 2000; i++)); do :; done; echo end")
        bash.pump_for(turn * 0.0002)
        interrupt(bash)
        bash.wait(cell)
        assert cell.transcript in ([INTERRUPTED], ["stdout: end\n"], ["stdout: end\n", INTERRUPTED])
        assert len(cell.of_type("error")) == (cell.status == "error")
    bash.settle()
    assert show(bash, "echo alive") == ["stdout: alive\n"]


def test_many_interrupts_use_nothing_up(bash):
    for _ in range(1200):
        cell = bash.start_execute("kill -INT $$; echo never")
        assert bash.wait(cell).transcript == [INTERRUPTED]
    assert show(bash, "echo alive") == ["stdout: alive\n"]


def test_an_interrupt_trap_of_the_user(bash):
    bash.execute("trap 'echo caught' INT")
    cell = bash.start_execute("echo started; sleep 0.3; sleep 0.01; echo on")
    interrupt_once_it_runs(bash, cell)
    assert cell.text() == "started\ncaught\non\n"
    assert show(bash, "trap -p INT; display --html x; trap -p INT") == [
        "stdout: trap -- 'echo caught' SIGINT\n", "display: x", "stdout: trap -- 'echo caught' SIGINT\n"]
    bash.execute("trap - INT")
    cell = bash.start_execute("echo started; sleep 9")
    assert interrupt_once_it_runs(bash, cell).transcript[-1] == INTERRUPTED


# -- questions ---------------------------------------------------------------------------------------

def test_read_asks(bash):
    bash.answers.extend(["Ada Lovelace", "a b c", "x:y", "secret", " raw \\n "])
    assert show(bash, "read -p 'Name? ' name; echo \"hello $name\"") == [
        "input_request: Name? ", "stdout: hello Ada Lovelace\n"]
    assert show(bash, "read -r -a words; echo ${#words[@]}")[-1] == "stdout: 3\n"
    assert show(bash, "IFS=: read l r; echo $r-$l")[-1] == "stdout: y-x\n"
    assert show(bash, "read -sp 'Password: ' p; echo $p")[-1] == "stdout: secret\n"
    assert bash.asked[-1].content == {"prompt": "Password: ", "password": True}
    assert show(bash, "IFS= read -r; echo \"[$REPLY]\"")[-1] == "stdout: [ raw \\n ]\n"


def test_read_asks_from_a_subshell(bash):
    bash.answers.append("deep")
    assert show(bash, 'x=$(read y; echo "<$y>"); echo $x')[-1] == "stdout: <deep>\n"


def test_read_that_is_not_for_the_user(bash):
    assert show(bash, "printf 'a\\nb\\n' >f; while read -r l; do echo \"-$l\"; done <f") == ["stdout: -a\n-b\n"]
    assert show(bash, "echo p | { read v; echo $v; }; read v </dev/null || echo end; read v <<<h; echo $v") == [
        "stdout: p\nend\nh\n"]
    assert show(bash, "exec 3<f; read -u 3 v; echo $v; read -t 0; echo $?") == ["stdout: a\n0\n"]
    assert show(bash, "{ read v || echo background; } & wait") == ["stdout: background\n"]
    assert bash.asked == []


def test_the_end_of_input(bash):
    bash.answers.append({"status": "eof"})
    assert show(bash, "x=old; read x || echo \"failed [$x]\"") == ["input_request: ", "stdout: failed []\n"]


def test_nobody_can_be_asked(bash):
    refusal = {"status": "error", "ename": "StdinNotImplementedError", "evalue": "no front end can answer"}
    bash.answers.extend([refusal] * 2)
    bash.execute("trap 'echo caught' INT")
    cell = bash.execute("read x; echo never")
    assert cell.transcript[1:] == ["error: StdinNotImplementedError: no front end can answer"]
    assert cell.status == "error"
    cell = bash.execute("x=$(read y; echo $?); echo $x")
    assert cell.text() == "1\n"
    assert cell.text("stderr") == "bash: read: no front end can answer\n"
    assert show(bash, "trap -p INT") == ["stdout: trap -- 'echo caught' SIGINT\n"]


def test_interrupt_of_a_question_and_an_answer_too_late(bash):
    cell = bash.start_execute("read x; echo never")
    bash.pump(lambda: bash.asked)
    bash.pump_for(0.05)
    interrupt(bash)
    assert bash.wait(cell).transcript[-1] == INTERRUPTED
    bash.answer(bash.asked[0], "stale")
    bash.answers.append("fresh")
    assert show(bash, "read x; echo $x")[-1] == "stdout: fresh\n"


# -- output ------------------------------------------------------------------------------------------

def data_of(cell):
    return [event.content["data"] for event in cell.of_type("display_data")]


def test_display_and_text_keep_their_order(bash):
    bash.ack_delay = 0.005
    cell = bash.execute("for i in 1 2 3; do echo $i; display --html $i; done; echo end")
    assert cell.transcript == ["stdout: 1\n", "display: 1", "stdout: 2\n", "display: 2", "stdout: 3\n",
                               "display: 3", "stdout: end\n"]


@pytest.mark.parametrize("code", [
    "(display --html x; echo after)",
    "(display --html x; echo after) | cat",
    "echo x | display --html; echo after",
    "display --html x | cat; echo after",
    "bash -c '\"$PARLEY_DISPLAY\" --html x; echo after'",
    "echo '\"$PARLEY_DISPLAY\" --html \"$1\"; echo after' >s.sh; cd /; sh \"$OLDPWD/s.sh\" x",
])
def test_display_from_anywhere(bash, code):
    bash.ack_delay = 0.02
    cell = bash.execute(code)
    assert [line.strip() for line in cell.transcript] == ["display: x", "stdout: after"]


def test_display_from_a_background_job(bash, gate):
    cell = bash.execute("{ until [[ -e %s ]]; do sleep 0.01; done; display --html late; } &" % gate)
    gate.touch()
    bash.pump(lambda: bash.late)
    assert bash.late[0].content["data"]["text/html"] == "late"
    assert bash.late[0].id == cell.id
    assert show(bash, "wait; echo alive") == ["stdout: alive\n"]


def test_display_files(bash, tmp_path):
    (tmp_path / "a b.png").write_bytes(PIXEL)
    (tmp_path / "no suffix").write_bytes(PIXEL)
    (tmp_path / "p.svg").write_text("<svg>é</svg>\n")
    (tmp_path / "p.html").write_text("<b>\"x\"\\</b>\n")
    (tmp_path / "p.md").write_text("# title")
    (tmp_path / "p.json").write_text('{"a": [1, -2.5e3, "q\\"\\u00e9", {"b": null}],\n\t"c": {}}')
    cell = bash.execute("display 'a b.png' 'no suffix' p.svg p.html p.md p.json")
    png = base64.b64encode(PIXEL).decode()
    assert data_of(cell) == [
        {"image/png": png, "text/plain": "a b.png"},
        {"image/png": png, "text/plain": "no suffix"},
        {"image/svg+xml": "<svg>é</svg>\n", "text/plain": "p.svg"},
        {"text/html": "<b>\"x\"\\</b>\n", "text/plain": "p.html"},
        {"text/markdown": "# title", "text/plain": "p.md"},
        {"application/json": {"a": [1, -2500.0, "q\"é", {"b": None}], "c": {}}, "text/plain": "p.json"},
    ]


def test_display_options(bash, tmp_path):
    (tmp_path / "x.png").write_bytes(PIXEL)
    cell = bash.execute("display --width 10 --height 20 --plain 'a pixel' x.png")
    assert data_of(cell)[0]["text/plain"] == "a pixel"
    assert cell.events[0].content["metadata"] == {"image/png": {"width": 10, "height": 20}}
    assert data_of(bash.execute("display --mime application/x-mine x.png"))[0]["application/x-mine"]
    assert data_of(bash.execute("display --mime image/png <x.png"))[0]["image/png"]
    assert data_of(bash.execute("cat x.png | display"))[0]["image/png"]
    assert data_of(bash.execute("display --latex '$\\alpha$'"))[0]["text/latex"] == "$\\alpha$"


def test_display_ids(bash):
    cell = bash.execute("display --id 'a \"b\"' --text 1; display --update 'a \"b\"' --text 2")
    assert cell.transcript == ["display: 1", "update: 2"]
    assert {event.content["transient"]["display_id"] for event in cell.events} == {'a "b"'}


@pytest.mark.parametrize("text, good", [
    ('{"a":1}', True), ("[]", True), ("17", True), ('"x"', True), ("true", True), ("[[[]],{}]", True),
    ("[1,2", False), ("{a:1}", False), ("", False), ("01", False), ("1 2", False), ("S", False), ("V", False),
    ('{"a":1,}', False), ('"open', False), ("tr ue", False), ("nan", False), ('"bad \\x"', False),
])
def test_only_valid_json_is_sent_as_json(bash, text, good):
    cell = bash.execute("display --json '%s'" % text)
    if good:
        assert data_of(cell)[0]["application/json"] == json.loads(text)
    else:
        assert cell.transcript == ["stderr: display: this is not valid JSON\n[exit status 1]\n"]


@pytest.mark.parametrize("code", ["display nofile", "display --nothing", "display --id", "display --width x y"])
def test_display_says_what_is_wrong(bash, code):
    cell = bash.execute(code)
    assert cell.text("stderr").startswith("display: ")
    assert cell.of_type("display_data") == []


def test_every_character_arrives(bash):
    text = "".join(chr(n) for n in range(1, 0x180) if n not in (10, 13)) + "\"\\\\u0001 \\n \u2028 \ufffd 🎉"
    bash.answers.append(text)
    cell = bash.execute('IFS= read -r x; display --text "$x"; printf %s "$x"')
    assert data_of(cell)[0]["text/plain"] == text
    assert cell.text() == text


def test_bytes_that_are_not_utf8_are_left_out(bash):
    cell = bash.execute("display --text $'a\\xff\\xc3b\\xe2\\x82\\xac\\xed\\xa0\\x80\\xf0\\x9f\\x8e\\x89'")
    assert data_of(cell)[0]["text/plain"] == "ab€🎉"


def test_large_displays_from_many_jobs_do_not_mix(bash):
    cell = bash.execute("big=$(printf %020000d 7); for i in 1 2 3 4; do display --text \"$i$big\" & done; wait")
    bash.pump_for(0.05)
    texts = sorted(data["text/plain"] for data in data_of(cell))
    assert texts == ["%d%s7" % (i, "0" * 19999) for i in (1, 2, 3, 4)]


def test_a_large_display_full_of_quotes(bash):
    cell = bash.execute("display --html \"$(head -c 800000 /dev/zero | tr '\\0' '\"')\"")
    assert len(data_of(cell)[0]["text/html"]) == 800000


def test_clear_output(bash):
    assert show(bash, "echo a; clear_output; clear_output --wait; echo b") == [
        "stdout: a\n", "clear_output: wait=False", "clear_output: wait=True", "stdout: b\n"]


# -- jobs --------------------------------------------------------------------------------------------

def test_background_jobs(bash, gate):
    assert show(bash, "{ until [[ -e %s ]]; do sleep 0.01; done; echo late; } & echo $(( $! > 0 ))" % gate) == ["stdout: 1\n"]
    gate.touch()
    bash.pump_late("stdout: late\n")
    assert show(bash, "wait; echo $?; jobs") == ["stdout: 0\n"]


def test_wait_and_jobs_across_cells(bash):
    bash.execute("sh -c 'exit 4' & pid=$!")
    assert show(bash, "wait $pid; echo $?") == ["stdout: 4\n"]
    bash.execute("sleep 30 &")
    assert "sleep 30" in show(bash, "jobs")[0]
    assert show(bash, "kill %1; wait %1 2>/dev/null; echo $?") == ["stdout: 143\n"]


# -- whatever the user does to the shell ---------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "set -x", "set -v", "set -u", "set -f", "set -C", "set -a", "set -T", "set -E", "set -o posix", "set -o pipefail",
    "set -m", "set -b", "set -k", "set -P", "set -eu -o pipefail",
    "IFS=x", "IFS=", "unset IFS", "IFS='{\":,}0123456789'",
    "shopt -s extdebug", "shopt -s nullglob failglob nocasematch extglob", "shopt -u expand_aliases promptvars",
    "shopt -s xpg_echo lastpipe inherit_errexit compat31", "shopt -u sourcepath interactive_comments",
    "PROMPT_COMMAND='echo prompt'", "PROMPT_COMMAND=(a b)", "unset PROMPT_COMMAND", "PROMPT_COMMAND=exit_now",
    "PS0='$(echo ps0 >&2)' PS1='$(echo ps1 >&2)> ' PS2='... ' PS4='$(echo ps4)'", "unset PS0 PS1 PS2 PS4",
    "TMOUT=1", "TIMEFORMAT=x", "LC_ALL=C", "LC_ALL=C.UTF-8", "LANG=xx LC_ALL=xx", "PATH=", "HOME=/nowhere", "unset HOME",
    "POSIXLY_CORRECT=1", "BASH_XTRACEFD=2; set -x", "HISTFILE=/nowhere; set -o history", "set -H",
    "mkdir gone; cd gone; rmdir ../gone", "ulimit -c 0", "trap '' INT TERM PIPE", "GLOBIGNORE='*'", "TMPDIR=/nowhere",
    "trap 'true' DEBUG", "trap 'true' ERR", "trap 'true' RETURN", "trap 'true' EXIT", "trap 'true' CHLD USR1",
    "printf() { echo hijacked; }; read() { return 1; }; trap() { :; }; local() { :; }; set() { :; }; kill() { :; }",
    "eval() { :; }; exit() { :; }; return() { :; }; unset() { :; }; mapfile() { :; }; test() { :; }; [() { :; }",
    "cat() { echo hijacked; }; sed() { echo hijacked; }; base64() { :; }; tr() { :; }; iconv() { :; }; mktemp() { :; }",
    "alias printf=false read=false trap=false builtin=false local=false eval=false",
    "REPLY=x; OPTIND=99; LINENO=77; RANDOM=1", "readonly status text message line out word file", "status=x; text=y",
    "exec 0</dev/zero", "exec 0<&-", "exec 5>&1 6>&2 7</dev/null 8>&1 9>&1 10>&1 11>&1 12>&1",
    "f() { f2() { :; }; f2; }; declare -ft f; f", "complete -r; enable -n test", "set --; shift 5",
])
def test_the_bridge_survives(bash, code):
    bash.execute(code)
    clean = code.startswith(("set -x", "set -v", "BASH_XTRACEFD", "set -eu"))
    cell = bash.execute("echo alive")
    assert cell.status == "ok"
    assert cell.text() == "alive\n"
    if not clean:
        assert cell.text("stderr") == ""
    cell = bash.start_execute("echo started; while :; do :; done")
    if "trap '' INT" not in code:
        assert interrupt_once_it_runs(bash, cell).transcript[-1] == INTERRUPTED
        assert bash.execute("echo äö alive").text() == "äö alive\n"
        assert bash.is_complete("if true")["status"] == "incomplete"


def test_options_stay_as_the_user_set_them(bash):
    bash.execute("set -u -o pipefail; set -x; IFS=:; shopt -s extglob")
    bash.execute("false", silent=True)
    text = bash.execute("set +x; echo $-; [[ -o pipefail ]] && printf %q \"$IFS\"; shopt extglob").text()
    assert "u" in text.split("\n")[0]
    assert ":" in text and "extglob" in text and "on" in text


def test_xtrace_shows_the_cell_and_nothing_of_the_bridge(bash):
    bash.execute("set -x")
    text = bash.execute("echo a").text("stderr")
    assert "echo a" in text
    assert "parley" not in text
    assert "parley" not in bash.execute("display --html x; clear_output").text("stderr")


def test_traps_of_the_user(bash):
    bash.execute("trap 'echo \"debug: $BASH_COMMAND\"' DEBUG")
    assert show(bash, "true; :") == ["stdout: debug: true\ndebug: :\n"]
    bash.execute("trap - DEBUG; trap 'echo err $?' ERR")
    assert bash.execute("(exit 3)").text() == "err 3\n"
    assert bash.execute("true").text() == ""
    bash.execute("trap - ERR; trap 'echo usr1' USR1")
    assert bash.execute("kill -USR1 $$; sleep 0.01").text() == "usr1\n"


def test_prompts_stay_as_the_user_set_them(bash):
    bash.execute("PS1='(venv) '; PROMPT_COMMAND='echo p'; PROMPT_COMMAND+=';echo q'; PS0=zero")
    assert show(bash, 'echo "$PS1|$PROMPT_COMMAND|$PS0"') == ["stdout: (venv) |echo p;echo q|zero\n"]
    bash.execute("PROMPT_COMMAND=(a 'b c')")
    cell = bash.start_execute("echo started; while :; do :; done")
    interrupt_once_it_runs(bash, cell)
    assert show(bash, 'echo "$PS1" "${#PROMPT_COMMAND[@]}" "${PROMPT_COMMAND[1]}"') == ["stdout: (venv)  2 b c\n"]


# -- completion ----------------------------------------------------------------------------------------

def completions(bridge, code, cursor_pos=None):
    reply = bridge.complete(code, cursor_pos)
    assert reply["status"] == "ok"
    types = reply["metadata"]["_jupyter_types_experimental"]
    assert [t["text"] for t in types] == reply["matches"]
    position = len(code) if cursor_pos is None else cursor_pos
    assert reply["cursor_end"] == position
    return code[reply["cursor_start"]:position], reply["matches"], [t["type"] for t in types]


def test_completion(bash, tmp_path):
    for name in ("a b.txt", "it's", "über.txt", ".hidden", "q\"$x"):
        (tmp_path / name).touch()
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "inside").touch()
    bash.execute("myfunc() { :; }; alias myalias=ls; myvar=1; export MYENV=2")
    assert completions(bash, "myf") == ("myf", ["myfunc"], ["function"])
    assert completions(bash, "x; if mya") == ("mya", ["myalias"], ["alias"])
    assert completions(bash, "🎉; echo $myv") == ("$myv", ["$myvar"], ["variable"])
    assert completions(bash, 'echo "${MYE') == ("${MYE", ["${MYENV}"], ["variable"])
    assert completions(bash, "export MYE") == ("MYE", ["MYENV"], ["variable"])
    assert completions(bash, "cat a") == ("a", ["a\\ b.txt"], ["path"])
    assert completions(bash, "cat 'a") == ("'a", ["'a b.txt'"], ["path"])
    assert completions(bash, 'cat "a') == ('"a', ['"a b.txt"'], ["path"])
    assert completions(bash, "cat it") == ("it", ["it\\'s"], ["path"])
    assert completions(bash, "cat 🎉 üb") == ("üb", ["über.txt"], ["path"])
    assert completions(bash, "cat .h") == (".h", [".hidden"], ["path"])
    assert completions(bash, "cd ") == ("", ["dir/"], ["directory"])
    assert completions(bash, "ls dir/") == ("dir/", ["dir/inside"], ["path"])
    assert completions(bash, "ls >d") == ("d", ["dir/"], ["directory"])
    assert completions(bash, "x=d") == ("d", ["dir/"], ["directory"])
    assert completions(bash, "ls --color=d") == ("d", ["dir/"], ["directory"])
    assert completions(bash, "kill -USR") == ("-USR", ["-USR1", "-USR2"], ["signal", "signal"])
    assert completions(bash, "x=$(myf") == ("myf", ["myfunc"], ["function"])
    assert completions(bash, "cat dir/ins; echo", 11) == ("dir/ins", ["dir/inside"], ["path"])
    assert completions(bash, "echo # myf")[1] == []
    assert "printf" in completions(bash, "prin")[1]
    assert "-r" in completions(bash, "read -")[1]
    assert ".hidden" not in completions(bash, "cat ")[1]
    bash.execute("cd dir")
    assert completions(bash, "cat in") == ("in", ["inside"], ["path"])


def test_completion_clamps_the_cursor(bash):
    assert bash.complete("xyz", 99)["cursor_end"] == 3
    assert bash.request("complete_request", {"code": "xyz", "cursor_pos": None}).reply.content["cursor_end"] == 3


def test_completion_shows_nothing_of_the_bridge(bash):
    assert bash.complete("echo $__parl")["matches"] == []
    assert bash.complete("__parl")["matches"] == []


def test_completions_the_user_defines(bash):
    bash.execute("complete -W 'alpha beta' tool; _f() { COMPREPLY=(--\"$2\"-\"$3\"); }; complete -F _f other")
    assert completions(bash, "tool al")[1] == ["alpha"]
    assert completions(bash, "other a b")[1] == ["--b-a"]


def test_completions_in_folders(bash, tmp_path):
    """The layout of the bash-completion project; loaded for the request that needs it."""
    folder = tmp_path / "own" / "completions"
    folder.mkdir(parents=True)
    (folder / "tool").write_text("_tool() { mapfile -t COMPREPLY < <(compgen -W '--alpha --beta= build' -- \"$2\"); }\n"
                                 "complete -o default -F _tool tool\n")
    bash.execute("BASH_COMPLETION_USER_DIR=$PWD/own")
    assert completions(bash, "tool --")[1:] == (["--alpha", "--beta="], ["option", "option"])
    assert completions(bash, "x | tool bu")[1:] == (["build"], ["argument"])
    assert completions(bash, "tool ow")[1] == ["own/"]
    assert show(bash, "declare -F _tool; complete -p tool 2>/dev/null || echo none") == ["stdout: none\n"]


def test_completion_changes_nothing(bash):
    bash.execute("x=1; set -- a b; (exit 3)")
    bash.complete("ls -")
    bash.inspect("ls")
    assert show(bash, "echo $? $# $x; compgen -A function | grep -cv '^__parley\\|^display$\\|^read$\\|^clear_output$'") == [
        "stdout: 3 2 1\n0\n", "stderr: [exit status 1]\n"]


# -- inspection, is_complete, expressions ----------------------------------------------------------------

def inspected(bridge, code, cursor_pos=None, detail_level=0):
    reply = bridge.inspect(code, cursor_pos, detail_level)
    assert reply["status"] == "ok"
    assert reply["found"] == bool(reply["data"])
    return reply["data"].get("text/plain", "")


def test_inspection(bash):
    bash.execute("f() { echo body; }; alias ll='ls -l'; v=17")
    assert "echo body" in inspected(bash, "f")
    assert "ls -l" in inspected(bash, "ll")
    assert 'v="17"' in inspected(bash, "echo $v", 7)
    assert 'v="17"' in inspected(bash, 'echo "${v}"', 8)
    assert "Change the shell working directory" in inspected(bash, "cd /tmp", 1)
    assert inspected(bash, "if true", 1).startswith("if: if COMMANDS")
    assert "cat is " in inspected(bash, "x | cat -n nofile", 12)
    assert inspected(bash, "no_such_thing") == ""
    assert inspected(bash, "") == ""


@pytest.mark.parametrize("code, status", [
    ("echo a", "complete"), ("", "complete"), ("if true; then\necho\nfi", "complete"),
    ("if true; then", "incomplete"), ("for x in a; do\n  echo $x", "incomplete"), ("echo 'a", "incomplete"),
    ("echo \"a", "incomplete"), ("cat <<EOF\ntext", "incomplete"), ("cat <<EOF\ntext\nEOF", "complete"),
    ("a |", "incomplete"), ("a &&", "incomplete"), ("a \\", "incomplete"), ("a \\\\", "complete"),
    ("f() {", "incomplete"), ("x=$(", "incomplete"), ("echo )", "invalid"), ("fi", "invalid"), ("if; then", "invalid"),
])
def test_is_complete(bash, code, status):
    assert bash.is_complete(code)["status"] == status


def test_indent(bash):
    assert bash.is_complete("if true; then")["indent"] == "    "
    assert bash.is_complete("if true; then\n    echo")["indent"] == "    "
    assert bash.is_complete("cat <<EOF")["indent"] == ""


def test_user_expressions(bash):
    cell = bash.execute("x='a \"b\" é'; arr=(1 2)", user_expressions={
        "plain": "$x", "element": "${arr[1]}", "sum": "$((20 + 22))", "odd \"name\"": "$(echo 🎉)", "bad": "${nope?why}"})
    got = cell.reply.content["user_expressions"]
    assert {k: v["data"]["text/plain"] for k, v in got.items() if v["status"] == "ok"} == {
        "plain": 'a "b" é', "element": "2", "sum": "42", "odd \"name\"": "🎉"}
    assert got["bad"]["status"] == "error"
    assert got["bad"]["evalue"] == "nope: why"
    assert got["bad"]["traceback"]


# -- the end -------------------------------------------------------------------------------------------

def test_shutdown_runs_the_exit_trap(bash, tmp_path):
    bash.execute("trap 'echo bye >farewell' EXIT")
    assert bash.shutdown() == 0
    assert (tmp_path / "farewell").read_text() == "bye\n"


def test_it_ends_when_the_server_is_gone(bash):
    os.close(bash._fds.pop(3))
    assert bash.wait_exit() == 0


def test_it_leaves_no_process_behind(bash):
    bash.execute("echo x | cat")
    assert bash.shutdown() == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(bash.pid, 0)


def test_it_is_quick(bash):
    times = []
    for _ in range(200):
        start = time.perf_counter()
        bash.execute(":")
        times.append(time.perf_counter() - start)
    assert sorted(times)[100] < 0.02  # about 1 ms; the limit is for a loaded machine
