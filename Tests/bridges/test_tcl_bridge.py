"""The Tcl bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "tcl"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
                         "AABJRU5ErkJggg==")
TCLSH = shutil.which("tclsh8.6") or shutil.which("tclsh")
TCLX = TCLSH and subprocess.run([TCLSH], input="if {[catch {package require Tclx}]} {exit 1}", text=True,
                                stdout=subprocess.DEVNULL).returncode == 0

pytestmark = pytest.mark.skipif(not TCLX, reason="needs Tcl 8.6 and TclX")


@pytest.fixture
def tcl(tmp_path):
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        yield bridge


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def interrupt(bridge):
    """SIGINT to the group, then SIGURG to the bridge, as in section 7."""
    bridge.interrupt()
    os.kill(bridge.pid, signal.SIGURG)


def interrupted(bridge, code, timeout=5):
    """Runs a cell that prints "in" and then never ends; interrupts it. As the server does: once more after
    interrupt_repeat, since `exec` notices nothing that came before it has started the program."""
    cell = bridge.start_execute(code)
    bridge.pump(lambda: "in\n" in cell.text())
    bridge.pump_for(0.1)
    interrupt(bridge)
    try:
        return bridge.wait(cell, 1 + bridge.manifest["interrupt_repeat"])
    except TimeoutError:
        interrupt(bridge)
        return bridge.wait(cell, timeout)


# -- start -------------------------------------------------------------------------------------------

def test_it_introduces_itself(tcl):
    assert tcl.info["bridge_protocol"] == 1
    assert tcl.info["language_info"]["name"] == "tcl"
    assert tcl.info["language_info"]["file_extension"] == ".tcl"
    assert set(tcl.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_it_prints_nothing_by_itself(tcl):
    assert show(tcl, "") == []
    assert show(tcl, "# a comment") == []
    assert show(tcl, "proc f {} {}") == []
    tcl.pump_for(0.05)
    assert tcl.late == []


def test_a_bare_environment(tmp_path):
    with Bridge.from_folder(FOLDER, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, cwd=tmp_path) as tcl:
        assert show(tcl, "puts äö🎉; exec echo ☃") == ["stdout: äö🎉\n", "result: ☃"]


def test_without_tclx_it_says_what_is_missing(tmp_path):
    (tmp_path / "tclx8.4").mkdir()
    program = "namespace eval hide {}; rename package hide::package; proc package {what name args} {" \
              "if {$name eq {Tclx}} {error {can't find package Tclx}}; hide::package $what $name {*}$args}; " \
              "set argv0 x; source %s" % (FOLDER / "bridge.tcl")
    run = subprocess.run([TCLSH], input=program, stderr=subprocess.PIPE, text=True, timeout=20)
    assert run.returncode == 78
    assert "apt install tcl tclx8.4" in run.stderr


# -- values and state --------------------------------------------------------------------------------

@pytest.mark.parametrize("code, lines", [
    ("expr {6 * 7}", ["result: 42"]),
    ("set x 5", ["result: 5"]),
    ("set x {}", []),
    ("puts a", ["stdout: a\n"]),
    ("puts a; list b {c d}", ["stdout: a\n", "result: b {c d}"]),
    ("return 5", ["result: 5"]),
    ("set l {}\nforeach i {1 2 3} {\n  lappend l $i\n}\nset l", ["result: 1 2 3"]),
    ("string cat ä ☃ 𝄞", ["result: ä☃𝄞"]),
    ("dict create a 1", ["result: a 1"]),
    ("set argv0", ["result: tclsh"]),
])
def test_value_of_a_cell(tcl, code, lines):
    cell = tcl.execute(code)
    assert cell.status == "ok", cell.events
    assert cell.transcript == lines


def test_a_long_value_is_cut(tcl):
    assert show(tcl, "string repeat x 1000000") == ["result: " + "x" * 20000 + "… (1000000 characters)"]


def test_state_persists(tcl, tmp_path):
    tcl.execute("set x 1; array set a {k v}; proc f n {expr {$n * 2}}; namespace eval ns {variable y 7; proc g {} {return g}}\n"
                "oo::class create Point {variable x; constructor v {set x $v}; method get {} {return $x}}\nPoint create p 5")
    assert show(tcl, "list $x $a(k) [f 21] $ns::y [ns::g] [p get]") == ["result: 1 v 42 7 g 5"]
    tcl.execute("cd /; set h [open file w]" .replace("cd /; ", ""))
    tcl.execute("puts $h text; close $h")
    assert (tmp_path / "file").read_text() == "text\n"


def test_globals_and_uplevel_are_those_of_tclsh(tcl):
    tcl.execute("set g 1; proc up {} {upvar 1 g v; incr v; global g; incr g; uplevel #0 {incr g}}")
    assert show(tcl, "up; list $g $::g [info level]") == ["result: 4 4 0"]


# -- output and order --------------------------------------------------------------------------------

def test_order_of_everything(tcl):
    assert show(tcl, "puts a; puts stderr b; puts c; display -text d; puts -nonewline e; puts stderr f; puts [exec echo g]\n"
                     "exec echo h >@stdout; puts i") == [
        "stdout: a\n", "stderr: b\n", "stdout: c\n", "display: d", "stdout: e", "stderr: f\n", "stdout: g\nh\ni\n"]


def test_output_is_live(tcl):
    cell = tcl.start_execute("puts now; after 60000")
    tcl.pump(lambda: cell.text() == "now\n", 5)
    interrupt(tcl)
    assert tcl.wait(cell, 5).status == "error"


def test_a_line_that_is_not_ended_appears_at_the_end_of_the_cell(tcl):
    assert show(tcl, "puts -nonewline abc") == ["stdout: abc"]


def test_events_run_between_the_cells(tcl):
    assert show(tcl, "after 50 {puts late; puts stderr err; display -text shown; puts more}\nafter 60 {set done 1}\n"
                     "set started 1") == ["result: 1"]
    tcl.pump_late("stdout: more\n", 5)
    assert tcl.late_transcript == ["stdout: late\n", "stderr: err\n", "display: shown", "stdout: more\n"]
    assert show(tcl, "if {![info exists done]} {vwait done}; set done") == ["result: 1"]


def test_an_error_in_an_event_is_shown(tcl):
    tcl.execute("after 50 {error oops}")
    tcl.pump(lambda: any("oops" in line for line in tcl.late_transcript), 5)
    assert {e.content["name"] for e in tcl.late} == {"stderr"}


def test_requests_that_come_while_an_event_shows_something(tcl):
    tcl.ack_delay = 0.05
    tcl.execute("proc tick {} {display -text tick; if {[incr ::n] < 20} {after 1 tick}}; after 1 tick; set n 0")
    for i in range(5):
        assert tcl.execute("expr {%d}" % i).transcript[-1] == "result: %d" % i


def test_children_inherit_no_descriptors_of_the_bridge(tcl):
    listing = show(tcl, "exec ls -l /proc/self/fd")[0]
    numbers = {line.split()[8] for line in listing.splitlines() if "->" in line}
    bridge = os.readlink("/proc/%d/fd/3" % tcl.pid), os.readlink("/proc/%d/fd/4" % tcl.pid)
    assert "1" in numbers
    assert not any(pipe in listing for pipe in bridge)


def test_closed_output_is_there_again_in_the_next_cell(tcl):
    tcl.execute("close stdout; close stderr")
    assert show(tcl, "puts 1; puts stderr 2") == ["stdout: 1\n", "stderr: 2\n"]


def test_cells_cannot_reach_the_bridge(tcl):
    tcl.execute("foreach c {string dict lmap lassign regexp proc expr puts set} {rename $c {}}")
    assert show(tcl, "list 1 2") == ["result: 1 2"]
    assert tcl.complete("li")["matches"][:1] == ["lindex"]


def test_large_output_and_a_large_cell(tcl):
    assert tcl.execute("for {set i 0} {$i < 20000} {incr i} {puts $i}").text() == "".join("%d\n" % i for i in range(20000))
    assert show(tcl, "string length {%s}" % ("äx'\\n" * 20000)) == ["result: 100000"]


# -- rich display ------------------------------------------------------------------------------------

def test_display(tcl):
    cell = tcl.execute("display -html <b>x</b> -text x -metadata {{\"text/html\": {\"isolated\": true}}}")
    event, = cell.of_type("display_data")
    assert event.content["data"] == {"text/html": "<b>x</b>", "text/plain": "x"}
    assert event.content["metadata"] == {"text/html": {"isolated": True}}
    cell = tcl.execute("display -png [binary decode hex %s]; display -svg <svg/>; display -markdown *x*; display -latex {$x$}\n"
                       "display -json {{\"a\":\n [1, 2.5, true], \"b\": {}}}; display -mime application/x y" % PIXEL.hex())
    assert [e.content["data"] for e in cell.of_type("display_data")] == [
        {"image/png": base64.b64encode(PIXEL).decode()}, {"image/svg+xml": "<svg/>"}, {"text/markdown": "*x*"},
        {"text/latex": "$x$"}, {"application/json": {"a": [1, 2.5, True], "b": {}}}, {"application/x": "y"}]


def test_display_ids_updates_and_clear(tcl):
    cell = tcl.execute("display -id bar -text {10 %}\ndisplay -update bar -text {20 %}\nclear_output -wait\nclear_output")
    assert cell.transcript == ["display: 10 %", "update: 20 %", "clear_output: wait=True", "clear_output: wait=False"]
    assert {e.content["transient"]["display_id"] for e in cell.events[:2]} == {"bar"}


@pytest.mark.parametrize("code, message", [
    ("display", "nothing to show"),
    ("display -html", "-html needs a value"),
    ("display -htm x", '"-htm" is no option'),
    ("display -json {{a: 1}}", "application/json: JSON"),
    ("clear_output now", "usage: clear_output"),
])
def test_mistakes_in_display(tcl, code, message):
    cell = tcl.execute(code)
    assert cell.status == "error" and message in cell.reply.content["evalue"]


# -- input -------------------------------------------------------------------------------------------

def test_gets_and_read(tcl):
    tcl.answers.extend(["Ada ☃", "abcdef", "rest"])
    assert show(tcl, "puts -nonewline {name? }; flush stdout\nputs <[gets stdin]>\nputs <[read stdin 3]>\n"
                     "puts <[gets stdin]>; puts [gets stdin line],$line") == [
        "stdout: name? ", "input_request: ", "stdout: <Ada ☃>\n", "input_request: ", "stdout: <abc>\n<def>\n",
        "input_request: ", "stdout: 4,rest\n"]


def test_reading_to_the_end(tcl):
    tcl.answers.extend(["a", "b", {"status": "eof"}])
    assert show(tcl, "while {[gets stdin line] >= 0} {puts <$line>}; eof stdin")[-1] == "result: 1"
    tcl.answers.extend(["x", {"status": "eof"}])
    assert show(tcl, "read stdin")[-1] == "result: x\n"


def test_input_with_a_prompt_and_a_password(tcl):
    tcl.answers.extend(["Ada", "geheim"])
    cell = tcl.execute("list [input {name? }] [input secret? -password]")
    assert cell.transcript == ["input_request: name? ", "input_request: secret?", "result: Ada geheim"]
    assert [e.content["password"] for e in tcl.asked] == [False, True]


def test_programs_do_not_read_from_the_user(tcl):
    assert show(tcl, "exec cat <@stdin")[0].startswith("error")
    assert show(tcl, "exec cat </dev/null; exec sort << {b\na}") == ["result: a\nb"]
    assert show(tcl, "exec cat; exec cat | cat &")[0].startswith("result: ")
    assert show(tcl, "set f [open |cat]; read $f") == []
    assert show(tcl, "set f [open {|tr a b} r+]; puts $f aa; close $f w; gets $f") == ["result: bb"]
    assert show(tcl, "exec") == ['error: TCL: wrong # args: should be "exec ?-option ...? arg ?arg ...?"']


def test_nobody_can_answer(tcl):
    for code in "gets stdin", "input name?":
        tcl.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no input here"})
        cell = tcl.execute(code)
        assert cell.status == "error"
        assert cell.reply.content["evalue"] == "no input here"
        assert not any("::parley::" in line for line in cell.reply.content["traceback"])
    tcl.answers.append("then")
    assert show(tcl, "gets stdin")[-1] == "result: then"


# -- interrupts --------------------------------------------------------------------------------------

ENDLESS = {
    "loop": "while 1 {}",
    "proc": "proc spin {} {while 1 {incr i}}; spin",
    "after": "after 60000",
    "vwait": "vwait forever",
    "exec": "exec sleep 60",
    "exec in a loop": "while 1 {catch {exec sleep 60}}",
    "exec to stdout": "exec sleep 60 >@stdout 2>@stderr",
    "pipe": "set f [open {|sleep 60}]; read $f",
    "catch in a loop": "while 1 {catch {while 1 {}}}",
    "try in a loop": "while 1 {try {while 1 {}} on error {} {} finally {set x 1}}",
    "after in a loop": "while 1 {catch {after 60000}}",
    "gets": "gets stdin",
    "gets in a loop": "while 1 {catch {gets stdin}}",
    "input": "input {? }",
    "coroutine": "coroutine c eval {while 1 {}}",
    "interpreter": "interp create k; interp eval k {while 1 {}}",
    "lsort": "lsort -command {apply {{a b} {while 1 {}}}} {1 2 3}",
    "event": "after 0 {while 1 {}}; vwait forever",
    "display in a loop": "while 1 {display -text x}",
    "puts in a loop": "while 1 {puts x; puts stderr y}",
    "object": "oo::class create O {method m {} {while 1 {}}}; [O new] m",
    "fifo": "exec mkfifo fifo; open fifo r",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_interrupt(tcl, what):
    tcl.execute("set kept kept")
    for again in range(2):
        code = ENDLESS[what]
        if again:
            code = code.replace("interp create k; ", "").replace("exec mkfifo fifo; ", "").replace(
                "oo::class create O {method m {} {while 1 {}}}; ", "")
        cell = interrupted(tcl, "puts in\n" + code)
        assert cell.status == "error"
        assert cell.reply.content["ename"] == "KeyboardInterrupt"
        assert show(tcl, "while 0 {}; expr {6 * 7}") == ["result: 42"]
    assert show(tcl, "set kept") == ["result: kept"]


def test_interrupts_while_nothing_runs(tcl):
    for _ in range(3):
        interrupt(tcl)
        tcl.settle()
    assert show(tcl, "expr {6 * 7}") == ["result: 42"]


def test_an_event_that_waits_holds_up_the_next_cell_without_a_busy_loop(tcl):
    tcl.execute("after 50 {puts waiting; after 700 {set go 1}; vwait go}")
    tcl.pump(lambda: any("waiting" in line for line in tcl.late_transcript), 5)
    cell = tcl.start_execute("expr {6 * 7}")

    def used():
        return sum(int(n) for n in open("/proc/%d/stat" % tcl.pid).read().split()[13:15])

    before = used()
    tcl.pump_for(0.5)
    assert used() - before < 20
    assert tcl.wait(cell, 5).transcript[-1] == "result: 42"


# -- errors ------------------------------------------------------------------------------------------

def test_an_error_names_the_line(tcl):
    tcl.execute("proc f x {\n    set y 1\n    expr {$x / 0}\n}")
    error = tcl.execute("set a 1\n\nf 5\nset b 2").reply.content
    assert (error["ename"], error["evalue"]) == ("ARITH", "divide by zero")
    assert error["traceback"][:2] == ["ARITH: divide by zero", "     3 | f 5"]
    assert error["traceback"][2] == ('divide by zero\n    while executing\n"expr {$x / 0}"\n    (procedure "f" line 3)\n'
                                     '    invoked from within\n"f 5"')


def test_errors(tcl):
    assert show(tcl, "nosuch") == ['error: TCL: invalid command name "nosuch"']
    assert show(tcl, "error mine {} {MY CODE}") == ["error: MY: mine"]
    assert show(tcl, "error plain") == ["error: TclError: plain"]
    assert show(tcl, "throw {MY X} thrown") == ["error: MY: thrown"]
    assert show(tcl, "break") == ['error: TclError: invoked "break" outside of a loop']
    assert tcl.execute("\nexec sh -c {exit 3}").reply.content["traceback"][1:] == [
        "     2 | exec sh -c {exit 3}",
        'child process exited abnormally\n    invoked from within\n"exec sh -c {exit 3}"']
    assert tcl.execute("return -code error bad").reply.content["traceback"] == ["TclError: bad"]
    assert show(tcl, "exec sh -c {exit 3}") == ["error: CHILDSTATUS: child process exited abnormally"]
    assert show(tcl, "set x {") == ["error: TclError: missing close-brace"]
    assert "too many nested" in show(tcl, "proc r {} {r}; r")[0]
    assert show(tcl, "set ::errorInfo")[0].startswith("result: too many nested")


# -- the end -----------------------------------------------------------------------------------------

def test_exit(tcl):
    cell = tcl.start_execute("puts -nonewline bye; exit 3")
    assert os.waitstatus_to_exitcode(tcl.wait_exit()) == 3
    tcl.pump_for(0.05)
    assert cell.text() == "bye"


def test_shutdown(tcl):
    assert os.waitstatus_to_exitcode(tcl.shutdown()) == 0


# -- questions ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, wanted", [
    ("string le", ["length"]),
    ("lrep", ["lrepeat", "lreplace"]),
    ("puts [string rev", ["reverse"]),
    ("if 1 {lrep", ["lrepeat", "lreplace"]),
    ("puts $coun", ["counter"]),
    ("puts $::coun", ["::counter"]),
    ("puts ${coun", ["counter"]),
    ("puts $arr(", ["arr(one)", "arr(two)"]),
    ("puts $arr(t", ["arr(two)"]),
    ("set coun", ["counter"]),
    ("ns::h", ["ns::hello"]),
    ("::ns::h", ["::ns::hello"]),
    ("ns", ["ns::"]),
    ("ens ", ["one", "two"]),
    ("package req", ["require"]),
    ("lsort -int", ["-integer"]),
    ("disp", ["display"]),
    ("no.such ", []),
    ("parl", []),
])
def test_completion(tcl, code, wanted):
    tcl.execute("set counter 1; array set arr {one 1 two 2}; namespace eval ns {proc hello {} {}}\n"
                "namespace eval ens {proc one {} {}; proc two {} {}; namespace export *; namespace ensemble create}")
    assert tcl.complete(code)["matches"] == wanted


def test_completion_counts_code_points(tcl):
    code = "set x 🎉; string rev abc"
    reply = tcl.complete(code, code.index(" abc"))
    assert reply["matches"] == ["reverse"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (code.index("rev"), code.index(" abc"))


def test_inspection(tcl):
    tcl.execute("# Adds two numbers.\n# Both may be floats.\nproc add {a {b 2}} {\n    expr {$a + $b}\n}\nset v 5; array set arr {k 1}")
    text = tcl.inspect("puts [add 1")["data"]
    assert text == {} or "text/plain" in text
    plain = tcl.inspect("add")["data"]["text/plain"]
    assert plain == "proc add {a {b 2}}\nAdds two numbers.\nBoth may be floats."
    assert "    expr {$a + $b}" in tcl.inspect("add", detail_level=1)["data"]["text/plain"]
    assert tcl.inspect("lindex")["data"]["text/plain"].startswith("lindex list ?index ...?")
    assert tcl.inspect("string range")["data"]["text/plain"] == "string range string first last"
    assert "subcommands: " in tcl.inspect("string")["data"]["text/plain"]
    assert tcl.inspect("puts $v")["data"]["text/plain"] == "v = 5"
    assert "(k)" in tcl.inspect("$arr")["data"]["text/plain"]
    assert tcl.inspect("add ")["data"]["text/plain"].startswith("proc add")
    assert tcl.inspect("nothing_here")["found"] is False
    assert tcl.inspect("")["found"] is False


@pytest.mark.parametrize("code, status, indent", [
    ("set x 1", "complete", None), ("", "complete", None), ("puts [list 1]", "complete", None),
    ("proc f {} {", "incomplete", "    "), ("if 1 {\n  while 1 {", "incomplete", "        "),
    ('puts "open', "incomplete", ""), ("puts [list", "incomplete", ""), ("puts a \\", "incomplete", ""),
    ("}", "invalid", None), ("set x 1\n}", "invalid", None),
])
def test_is_complete(tcl, code, status, indent):
    reply = tcl.is_complete(code)
    assert reply["status"] == status
    assert reply.get("indent") == indent


def test_silent_and_user_expressions(tcl):
    assert show(tcl, "expr {6 * 7}", silent=True) == []
    reply = tcl.execute("set x 20", user_expressions={"a": "expr {$x + 1}", "b": "$x", "c": "nosuch"}).reply.content
    assert reply["user_expressions"]["a"] == {"status": "ok", "data": {"text/plain": "21"}, "metadata": {}}
    assert reply["user_expressions"]["b"]["data"] == {"text/plain": "20"}
    assert reply["user_expressions"]["c"]["status"] == "error"


def test_strings_that_json_has_to_escape(tcl):
    assert show(tcl, 'string cat "a\\"b\\\\c\\t" \\x01 \\u2028 [string index 🎉 0]') == ['result: a"b\\c\t\x01\u2028\ufffd']
    assert show(tcl, 'puts "\\x00"; set x "𝄞\\ud83c"') == ["stdout: \0\n", "result: 𝄞\ufffd"]
