"""The Swift bridge, by the foreign driver.

One bridge serves most tests, as one notebook would: what it was put through before must not matter.
"""

import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge_driver import Bridge
from conftest import KERNELSPECS, ROOT

FOLDER = KERNELSPECS / "swift"
# The program that runs cells is built once for all test runs.
CACHE = ROOT / ".build" / "swift-cells"

pytestmark = pytest.mark.skipif(
    not (os.environ.get("PARLEY_SWIFT") or shutil.which("swiftc")), reason="there is no Swift toolchain"
)

FOUNDATION = "import Foundation\n"
SLEEPING_CHILD = FOUNDATION + (
    'print("in")\nlet child = Process()\nchild.executableURL = URL(fileURLWithPath: "/bin/sleep")\n'
    'child.arguments = ["%d"]\ntry child.run()\nchild.waitUntilExit()'
)


def begin(tmp_path, **variables):
    env = dict(os.environ, HOME=str(tmp_path), XDG_CACHE_HOME=str(CACHE), TMPDIR=str(tmp_path), **variables)
    return Bridge.from_folder(FOLDER, env=env, cwd=tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with begin(tmp_path_factory.mktemp("swift")) as bridge:
        cell = bridge.execute(FOUNDATION + "let ready = true", timeout=150)
        assert cell.status == "ok", cell.events
        yield bridge


@pytest.fixture
def swift(shared):
    assert shared._current is None, "the test before has left a cell running"
    shared.answers.clear()
    shared.late.clear()
    return shared


@pytest.fixture
def own(tmp_path):
    with begin(tmp_path) as bridge:
        yield bridge


def interrupt(bridge, code, seen="in", after=0.1):
    """Runs code until it has printed a word, then presses the button."""
    cell = bridge.start_execute(code)
    bridge.pump(lambda: seen in cell.text(), 30)
    bridge.pump_for(after)
    bridge.interrupt()
    bridge.wait(cell, 10)
    assert [e.content["ename"] for e in cell.of_type("error")] == ["Interrupted"]
    assert cell.reply.content["ename"] == "Interrupted"
    return cell


# --- the start ----------------------------------------------------------------------------------


@pytest.mark.timeout(240)
def test_two_that_start_at_once_build_once(tmp_path):
    """Also the first test: on a fresh machine this is where the program is built."""
    bridges = [begin(tmp_path) for _ in range(2)]
    try:
        assert all(bridge.started_in < 10 for bridge in bridges)
        with ThreadPoolExecutor(2) as pool:
            cells = list(pool.map(lambda bridge: bridge.execute("6 * 7", timeout=200), bridges))
        assert [cell.transcript[-1] for cell in cells] == ["result: 42"] * 2
        assert [cell.text("stderr").count("Preparing Swift") for cell in cells].count(1) <= 1
        assert not list(CACHE.glob("parley/swift-*/build.*"))
    finally:
        for bridge in bridges:
            bridge.kill()


def test_the_build_can_be_interrupted(tmp_path):
    """It says so at once; the next cell goes on with it."""
    env = dict(os.environ, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"), TMPDIR=str(tmp_path))
    with Bridge.from_folder(FOLDER, env=env, cwd=tmp_path) as bridge:
        cell = bridge.start_execute("1")
        bridge.pump(lambda: "Preparing Swift" in cell.text("stderr"), 20)
        bridge.interrupt()
        assert os.waitstatus_to_exitcode(bridge.wait_exit(10)) == 130
        assert "the next Swift cell goes on with it" in cell.text("stderr")


def test_handshake(swift):
    info = swift.info["language_info"]
    assert info["name"] == "swift" and info["file_extension"] == ".swift"
    toolchain = subprocess.run(["swiftc", "--version"], capture_output=True, text=True).stdout
    assert "Swift version " + info["version"] in toolchain
    assert set(swift.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_a_toolchain_that_is_none(tmp_path):
    fake = tmp_path / "bin" / "swiftc"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    done = subprocess.run([str(FOLDER / "launch"), str(fake)], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and "PARLEY_SWIFT" in done.stderr


def test_shutdown_leaves_no_files(tmp_path):
    with begin(tmp_path) as bridge:
        bridge.execute("let x = 1")
        folders = list(tmp_path.glob("parley-swift-*/*"))
        assert [folder.name for folder in folders] == [str(bridge.pid)]
        assert bridge.shutdown() == 0
    assert not list(tmp_path.glob("parley-swift-*/*"))


# --- cells --------------------------------------------------------------------------------------


def test_output_and_value(swift):
    cell = swift.execute('print("héllo ☃ 𝄞")\nlet six = 6\nsix * 7')
    assert cell.transcript == ["stdout: héllo ☃ 𝄞\n", "result: 42"]


VALUES = {
    '"text\\n"': '"text\\n"',
    "nil as Int?": "nil",
    "Optional(3)": "Optional(3)",
    "[1.5, 2]": "[1.5, 2.0]",
    '["k": [true]]': '["k": [true]]',
    '(1, b: "x")': '(1, b: "x")',
    "1...3": "1...3",
    "struct Point { var x = 1; var name: String? = nil }\n[Point()]": "[Point(x: 1, name: nil)]",
    "enum Way { case north, to(Int, label: String) }\n[Way.north, .to(1, label: \"a\")]": '[Way.north, Way.to(1, label: "a")]',
    "class Box { var inside = [1] }\nBox()": "Box(inside: [1])",
    "struct Own: CustomStringConvertible { var description: String { \"mine\" } }\n[Own()]": "[mine]",
    "Int.self": "Int",
    "{ (n: Int) -> Int in n }": "(Int) -> Int",
}


@pytest.mark.parametrize("code", VALUES)
def test_values(swift, code):
    assert swift.execute(code).transcript == ["result: " + VALUES[code]]


@pytest.mark.parametrize(
    "code", ["let quiet = 1", "print(\"\", terminator: \"\")", "1;", "", "// nothing", "var w = 1\nw = 2", "if true { 1 } else { 2 }"]
)
def test_no_value(swift, code):
    cell = swift.execute(code)
    assert (cell.status, cell.transcript) == ("ok", [])


def test_silent_shows_nothing_and_has_effect(swift):
    swift.execute("var touched = 0")
    assert swift.execute("touched += 1\ntouched", silent=True).transcript == []
    assert swift.execute("touched").transcript == ["result: 1"]


def test_user_expressions(swift):
    reply = swift.execute("let known = 5", user_expressions={"a": "known + 1", "b": "unknown"}).reply.content
    assert reply["user_expressions"]["a"]["data"] == {"text/plain": "6"}
    assert reply["user_expressions"]["b"]["status"] == "error"


# --- state --------------------------------------------------------------------------------------


def test_declarations_last(swift):
    swift.execute("var count = 1\nlet (left, right) = (\"l\", 2.5)\nfunc twice(_ n: Int) -> Int { n * 2 }")
    swift.execute("struct Pair { var a: Int }\nprotocol Doubling { func doubled() -> Int }\ntypealias Pairs = [Pair]")
    swift.execute("extension Int: Doubling { func doubled() -> Int { self * 2 } }\ninfix operator +++\nfunc +++ (a: Int, b: Int) -> Int { a + b + 1 }")
    swift.execute("count += 1")
    assert swift.execute("(twice(count), left, right, 4.doubled(), 1 +++ 1)").transcript == ['result: (4, "l", 2.5, 8, 3)']
    assert swift.execute("let pairs: Pairs = [Pair(a: 7)]\npairs[0].a").transcript == ["result: 7"]


def test_what_comes_later_wins(swift):
    for value in ("1", '"text"', "[3]"):
        swift.execute("let again = " + value)
    assert swift.execute("again").transcript == ["result: [3]"]
    swift.execute("struct Thing { var a = 1 }\nlet old = Thing()")
    swift.execute("struct Thing { var b = 2 }")
    assert swift.execute("(Thing().b, old.a)").transcript == ["result: (2, 1)"]


def test_a_cell_can_be_run_again(swift):
    """An extension or conformance cannot be imported by name: the older one must not be in the way."""
    code = "struct Note { var t = \"%s\" }\nextension Note: CustomStringConvertible { var description: String { t } }\n"
    code += "extension String { var shouted: String { uppercased() + \"%s\" } }"
    for mark in ("a", "b", "c"):
        assert swift.execute(code % (mark, mark)).status == "ok"
    assert swift.execute('("x".shouted, Note())').transcript == ['result: ("Xc", c)']


def test_overloads_live_side_by_side(swift):
    swift.execute('func kind(_ v: Int) -> String { "int" }')
    swift.execute('func kind(_ v: String) -> String { "string" }')
    assert swift.execute('kind(1) + kind("")').transcript == ['result: "intstring"']
    swift.execute('func kind(_ v: Int) -> String { "INT" }')
    assert swift.execute('kind(1) + kind("")').transcript == ['result: "INTstring"']


def test_a_new_value_may_use_the_old_one(swift):
    swift.execute("let grown = 20")
    assert swift.execute("let grown = grown + 1\ngrown").transcript == ["result: 21"]
    assert swift.execute("var grown = \"\\(grown)!\"\ngrown").transcript == ['result: "21!"']


def test_a_name_of_a_library_may_be_taken(swift):
    swift.execute("let y1 = 3\nstruct Data { var mine = true }")
    assert swift.execute("(y1, Data().mine)").transcript == ["result: (3, true)"]
    swift.execute("typealias Data = Foundation.Data")


def test_conformance_of_an_earlier_type(swift):
    swift.execute("struct Late { var n = 3 }")
    swift.execute('extension Late: CustomStringConvertible { var description: String { "late \\(n)" } }')
    assert swift.execute("Late()").transcript == ["result: late 3"]


def test_a_class_is_let_go(swift):
    swift.execute('class Held { deinit { print("gone") } }\nvar held: Held? = Held()')
    assert swift.execute("held = nil").transcript == ["stdout: gone\n"]


def test_a_cell_that_does_not_compile_changes_nothing(swift):
    swift.execute("var steady = 1")
    cell = swift.execute("steady = 2\nlet steady: Int = \"x\"\nlet created = 1")
    assert cell.status == "error"
    assert swift.execute("steady").transcript == ["result: 1"]
    assert swift.execute("created").status == "error"


def test_an_error_half_way_keeps_what_ran(swift):
    swift.execute("let unreached = \"before\"")
    cell = swift.execute("let reached = 1\nlet stop = [1][reached]\nlet unreached = 2\nfunc stillThere() -> Int { 5 }")
    assert cell.status == "error"
    assert swift.execute("(reached, unreached, stillThere())").transcript == ['result: (1, "before", 5)']


def test_options_of_the_compiler(swift):
    cell = swift.execute("// parley: -D EXTRA\n#if EXTRA\nlet extra = 1\n#endif\nextra")
    assert cell.transcript == ["result: 1"]
    assert swift.execute("// parley: -swift-version 6\nvar strict = 1\nfunc read() -> Int { strict }\nread()").transcript == ["result: 1"]


def test_macros_and_regexes(swift):
    swift.execute("import Observation\n@Observable class Watched { var v = 1 }")
    assert swift.execute("Watched().v").transcript == ["result: 1"]
    assert swift.execute('"a-12".firstMatch(of: /[0-9]+/)!.output').transcript == ['result: "12"']


# --- async --------------------------------------------------------------------------------------


def test_await(swift):
    swift.execute("func later(_ n: Int) async throws -> Int { try await Task.sleep(for: .milliseconds(5)); return n }")
    assert swift.execute("async let a = later(1)\nlet waited = try await a + later(2)\nwaited").transcript == ["result: 3"]
    assert swift.execute("waited + 1").transcript == ["result: 4"]
    assert swift.execute("func uses() -> Int { waited }\nuses()").transcript == ["result: 3"]


def test_actors_and_groups(swift):
    swift.execute("actor Counter { var n = 0; func add() -> Int { n += 1; return n } }\nlet counter = Counter()")
    cell = swift.execute(
        "await withTaskGroup(of: Int.self) { group in\n  for _ in 1...20 { group.addTask { await counter.add() } }\n"
        "  return await group.reduce(0, +)\n}"
    )
    assert cell.transcript == ["result: 210"]
    swift.execute("@MainActor final class Model { var hits = 0; func hit() { hits += 1 } }\nlet model = await Model()")
    assert swift.execute("await model.hit()\nawait model.hits").transcript == ["result: 1"]


def printed_behind(bridge, cell, text):
    """What comes right behind the reply may be read before it."""
    bridge.pump(lambda: text in cell.text() + "".join(e.content.get("text", "") for e in bridge.late), 5)


def test_a_task_goes_on_behind_its_cell(swift):
    cell = swift.execute('Task { @MainActor in\n  try await Task.sleep(for: .milliseconds(150))\n  print("later")\n}')
    printed_behind(swift, cell, "later")


def test_the_main_queue_is_served(swift):
    cell = swift.execute('DispatchQueue.main.async { print("from the queue") }')
    printed_behind(swift, cell, "from the queue")


def test_an_error_after_an_await(swift):
    cell = swift.execute("struct Late2: Error {}\nawait Task.yield()\nthrow Late2()")
    assert cell.transcript == ["error: Late2: Late2()"]


# --- errors -------------------------------------------------------------------------------------


def test_diagnostics_name_the_cell(swift):
    cell = swift.execute('let fine = 1\n  let 🐦 = fine + "x"')
    count = swift.execution_count
    [error] = cell.of_type("error")
    assert error.content["ename"] == "CompileError"
    first = error.content["traceback"][0].split("\n")
    assert first[0].startswith("cell %d:2:" % count) and ": error: " in first[0]
    assert first[1] == '2 |   let 🐦 = fine + "x"' and first[2].strip().endswith("^")


def test_columns_of_the_last_expression(swift):
    """What the host puts before it is not counted."""
    cell = swift.execute("1 + nothing")
    assert cell.of_type("error")[0].content["traceback"][0].split("\n")[1:] == ["1 | 1 + nothing", "  |     ^"]


def test_warnings_go_to_stderr(swift):
    cell = swift.execute("func warned(_ n: Int) {\n  switch n {\n  case 1: break\n  case 1: break\n  default: break }\n  return\n  print(n)\n}")
    assert cell.status == "ok"
    assert swift.execute("let a: Any = 1\nif a is Any { print(1) }").text("stderr").count("warning: 'is' test is always true") == 1


ERRORS = {
    "struct Bad: Error { var code = 3 }\nfunc fail() throws {\n  throw Bad()\n}\ntry fail()": ("Bad", "Bad(code: 3)", [3, 5]),
    "func pick(_ i: Int) -> Int {\n  [1, 2][i]\n}\npick(5)": ("FatalError", "Fatal error: Index out of range", [2, 4]),
    "let empty: Int? = nil\nempty!": ("FatalError", "Fatal error: Unexpectedly found nil while unwrapping an Optional value", [2]),
    'fatalError("as asked")': ("FatalError", "Fatal error: as asked", [1]),
    "let zero = Int(\"0\")!\n1 / zero": ("FatalError", "Fatal error: Division by zero", [2]),
    "let high = Int(\"9223372036854775807\")!\nhigh + 1": ("FatalError", "Fatal error: arithmetic overflow", [2]),
    "func down(_ n: Int) -> Int { n < 0 ? 0 : down(n + 1) + 1 }\ndown(0)": ("FatalError", "Fatal error: stack overflow", [1]),
    "UnsafeMutablePointer<Int>(bitPattern: 8)!.pointee = 1": ("FatalError", "Fatal error: Segmentation fault", [1]),
}


def test_lines_that_end_as_on_windows(swift):
    cell = swift.execute("let some = [1]\r\n\r\nsome[5]")
    assert cell.reply.content["traceback"][-1].endswith(":3: some[5]")
    cell = swift.execute("let n = 1\r\nlet text: String = n")
    assert "2 | let text: String = n\n" in cell.reply.content["traceback"][0]


@pytest.mark.parametrize("code", ERRORS)
def test_errors(swift, code):
    swift.execute("var kept = 1")
    cell = swift.execute(code)
    name, value, lines = ERRORS[code]
    [error] = cell.of_type("error")
    assert error.content["ename"] == cell.reply.content["ename"] == name
    assert error.content["evalue"] == value
    places = [line for line in error.content["traceback"] if line.startswith("  at ")]
    assert [int(line.split(":")[1]) for line in places[: len(lines)]] == lines
    assert swift.execute("kept").transcript == ["result: 1"]


@pytest.mark.parametrize(
    "code",
    [
        "func wrong() async -> Int { [1][4] }\nawait wrong()",
        "await Task.detached { [1][4] }.value",
        'DispatchQueue.global().async { fatalError("beside") }\nThread.sleep(forTimeInterval: 20)',
    ],
)
def test_a_trap_on_another_thread(swift, code):
    """It ends the cell, the state stays, and tasks still have threads to run on."""
    for _ in range(3):
        cell = swift.execute(code, timeout=10)
        assert [e.content["ename"] for e in cell.of_type("error")] == ["FatalError"]
    assert swift.execute("await Task.detached { 1 + 1 }.value").transcript == ["result: 2"]


# --- rich output --------------------------------------------------------------------------------


def test_display_in_order(swift):
    cell = swift.execute('for n in 1...3 {\n  print("before", n)\n  display(html: "<b>\\(n)</b>")\n}\nprint("after")')
    expected = []
    for n in (1, 2, 3):
        expected += ["stdout: before %d\n" % n, "display: ['text/html']"]
    assert cell.transcript == expected + ["stdout: after\n"]


MIME = {
    'display(markdown: "*a*")': {"text/markdown": "*a*"},
    'display(latex: "$x$")': {"text/latex": "$x$"},
    'display(svg: "<svg/>")': {"image/svg+xml": "<svg/>"},
    'display(json: "{\\"a\\": [1, null]}")': {"application/json": {"a": [1, None]}},
    'try display(json: ["a": 1])': {"application/json": {"a": 1}},
    "display(png: Foundation.Data([137, 80, 78, 71]))": {"image/png": "iVBORw=="},
    "display(png: [1, 2, 3] as [UInt8])": {"image/png": "AQID"},
    "display([1, 2])": {"text/plain": "[1, 2]"},
    'display([.html("<i>"), .text("t")])': {"text/html": "<i>", "text/plain": "t"},
}


@pytest.mark.parametrize("code", MIME)
def test_mime_types(swift, code):
    [shown] = swift.execute(code).events
    assert shown.type == "display_data" and shown.content["data"] == MIME[code]


def test_displayable(swift):
    swift.execute(
        "struct Swatch: Displayable {\n  var css: String\n"
        '  var representations: [Representation] { [.html("<b style=\'color:\\(css)\'/>")] }\n}'
    )
    [result] = swift.execute('Swatch(css: "red")').events
    assert result.type == "execute_result"
    assert result.content["data"] == {"text/html": "<b style='color:red'/>", "text/plain": "Swatch"}


def test_updates_and_clearing(swift):
    cell = swift.execute('let bar = display(html: "10 %", id: "bar")\nbar.update(html: "20 %")\nclearOutput(wait: true)')
    shown, updated, cleared = cell.events
    assert shown.content["transient"] == updated.content["transient"] == {"display_id": "bar"}
    assert (updated.type, updated.content["data"]) == ("update_display_data", {"text/html": "20 %"})
    assert cleared.short() == "clear_output: wait=True"


def test_json_that_is_none(swift):
    assert swift.execute('display(json: "{nope")').transcript[0].startswith("error: DisplayError: ")


# --- questions ----------------------------------------------------------------------------------


def test_read_line(swift):
    swift.answers.extend(["Ada", "s3cret", {"status": "eof"}])
    cell = swift.execute('print("Name?")\nlet name = readLine()!\nlet word = readPassword("Word: ")!\nprint(name, word, readLine() as Any)')
    assert cell.transcript == ["stdout: Name?\n", "input_request: ", "input_request: Word: ", "input_request: ", "stdout: Ada s3cret nil\n"]
    assert [event.content["password"] for event in swift.asked[-3:]] == [False, True, False]


def test_nobody_answers(swift):
    swift.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "nobody can answer"})
    cell = swift.execute("let asked = readLine()\nprint(\"not reached\")")
    assert cell.transcript[-1] == "error: StdinNotImplementedError: nobody can answer"


def test_an_interrupted_question(swift):
    cell = swift.start_execute("readLine()")
    swift.pump(lambda: cell.of_type("input_request"), 10)
    swift.interrupt()
    assert swift.wait(cell, 5).reply.content["ename"] == "Interrupted"
    assert swift.execute("1").transcript == ["result: 1"]


COMPLETE = {
    "let x = 1": "complete", "": "complete", "/* closed */": "complete",
    "func f() {": "incomplete", "let a = [1,": "incomplete", "x +": "incomplete", "let y =": "incomplete",
    '"""\ntext': "incomplete", "if a {\n} else {": "incomplete", "foo(": "incomplete", "/* open": "incomplete",
    "print(1))": "invalid", "import = 7q": "invalid", '"open': "invalid", "struct {": "invalid",
}  # fmt: skip


@pytest.mark.parametrize("code", COMPLETE)
def test_is_complete(swift, code):
    assert swift.is_complete(code)["status"] == COMPLETE[code]


def test_indent(swift):
    assert swift.is_complete("func f() {\n  if true {")["indent"] == "    "


def test_completion(swift):
    swift.execute("/// Adds one.\nfunc incremented(_ value: Int) -> Int { value + 1 }\nlet 변수목록 = [1]")
    assert swift.complete("incremen")["matches"] == ["incremented"]
    reply = swift.complete('let s = "𝄞"; 변수목록.rever')
    assert "reversed" in reply["matches"] and (reply["cursor_start"], reply["cursor_end"]) == (18, 23)
    [match] = swift.complete("incremen")["metadata"]["_jupyter_types_experimental"]
    assert match["type"] == "function" and "-> Int" in match["signature"]
    assert swift.complete("zzz.")["matches"] == []


def test_inspection(swift):
    swift.execute("/// Adds one.\n/// - Parameter value: what is added to\nfunc incremented(_ value: Int) -> Int { value + 1 }")
    text = swift.inspect("incremented(")["data"]["text/plain"]
    assert text.startswith("func incremented(_ value: Int) -> Int")
    assert "Writes the textual representations" in swift.inspect("print", 3)["data"]["text/markdown"]
    assert swift.inspect("nothingOfTheKind")["found"] is False


def test_questions_while_a_cell_runs(swift):
    swift.complete("prin")
    cell = swift.start_execute('print("in")\nwhile true {}')
    swift.pump(lambda: "in" in cell.text(), 20)
    assert "print" in swift.complete("prin", lane=5)["matches"]
    assert swift.inspect("print", lane=5)["found"]
    swift.interrupt()
    assert swift.wait(cell, 5).status == "error"


# --- interrupts ---------------------------------------------------------------------------------

SITUATIONS = {
    "loop": 'print("in")\nwhile true {}',
    "allocating": 'print("in")\nvar words: [String: Int] = [:]\nvar i = 0\nwhile true { words["k\\(i % 5000)"] = i; i += 1 }',
    "printing": 'while true { print("in", 1, 2, 3) }',
    "sleep": 'print("in")\nThread.sleep(forTimeInterval: 60)',
    "semaphore": 'print("in")\nDispatchSemaphore(value: 0).wait()',
    "child": SLEEPING_CHILD % 61,
    "await sleep": 'print("in")\nwhile true { try await Task.sleep(for: .seconds(30)) }',
    "deaf await": 'print("in")\nwhile true { try? await Task.sleep(for: .seconds(30)) }',
    "deaf task": 'print("in")\nawait Task { while true { try? await Task.sleep(for: .milliseconds(10)) } }.value',
    "spinning task": 'func spin() async { while true {} }\nprint("in")\nawait spin()',
    "main actor": 'await Task.yield()\nprint("in")\nwhile true {}',
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_interrupt(swift, situation):
    swift.execute("var survivor = 41")
    interrupt(swift, SITUATIONS[situation])
    assert swift.execute("survivor += 1\nsurvivor").transcript == ["result: 42"]
    assert swift.execute("await Task.detached { 7 }.value").transcript == ["result: 7"]


def test_the_child_of_an_interrupted_cell_is_gone(swift):
    interrupt(swift, SLEEPING_CHILD % 62, after=0.3)
    end = time.monotonic() + 5
    while subprocess.run(["pgrep", "-f", "^/bin/sleep 62$"], capture_output=True).returncode == 0:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_interrupt_while_compiling(swift):
    swift.execute("let before = 1")
    hard = "let slow: Double = " + " + ".join("-(%d.0 - Double(%d)) * 2" % (n, n) for n in range(60))
    cell = swift.start_execute(hard)
    swift.pump_for(0.3)
    if cell.reply is None:
        swift.interrupt()
        assert swift.wait(cell, 5).status == "error"
    assert swift.execute("before").transcript == ["result: 1"]


def test_interrupts_while_idle_do_nothing(swift):
    for _ in range(5):
        swift.interrupt()
    swift.settle()
    assert swift.execute("1 + 1").transcript == ["result: 2"]


def test_ten_in_a_row(swift):
    for n in range(10):
        interrupt(swift, SITUATIONS["sleep" if n % 2 else "loop"], after=0.02)
    assert swift.execute("1").transcript == ["result: 1"]


# --- what programs do ---------------------------------------------------------------------------


def test_children_print_and_inherit_no_pipes(swift):
    code = SLEEPING_CHILD.replace("/bin/sleep", "/bin/sh").replace('["%d"]', '["-c", "echo child; readlink /proc/self/fd/*"]')
    lines = swift.execute(code).text().split()
    assert lines[:2] == ["in", "child"]
    assert len([line for line in lines if line.startswith("pipe:")]) == 2  # its stdout and stderr; a socket is Foundation's


def test_ten_thousand_lines(swift):
    cell = swift.execute("for n in 0..<10000 { print(n) }")
    assert cell.text() == "".join("%d\n" % n for n in range(10000))


def test_closing_stdout_hurts_nobody_but_the_cell(own):
    own.execute("import Glibc", timeout=60)
    assert own.execute("close(1)\nprint(\"lost\")\nfflush(stdout)").status == "ok"
    assert own.execute("6 * 7").transcript == ["result: 42"]


def test_exit_and_kill(own):
    cell = own.start_execute("import Glibc\nprint(\"bye\")\nexit(3)")
    assert os.waitstatus_to_exitcode(own.wait_exit(60)) == 3
    assert "bye" in cell.text()


def test_damaged_memory_ends_the_process(own):
    own.start_execute("import Glibc\nabort()")
    assert os.waitstatus_to_exitcode(own.wait_exit(60)) == -signal.SIGABRT


def test_many_cells(own):
    """Import lists must stay fast, and memory reasonable."""
    own.execute("let n0 = 0", timeout=60)
    took = []
    for n in range(1, 31):
        began = time.monotonic()
        cell = own.execute("let n%d = n%d + 1\nstruct T { var v = %d }\nT().v + n%d" % (n, n - 1, n, n))
        took.append(time.monotonic() - began)
        assert cell.transcript == ["result: %d" % (2 * n)]
    assert sum(took[-5:]) < 5 * sum(took[:5])
    rollup = Path("/proc/%d/smaps_rollup" % own.pid).read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert pss < 80_000
