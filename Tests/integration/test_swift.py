"""Swift through the server: the endings a cell can have, displays, completion, questions, jupyter_kernel_test."""

import os
import shutil
import time

import jupyter_kernel_test
import pytest

from installed import Installed
from parley_client import REPOSITORY, complete_beside, descendants

pytestmark = pytest.mark.skipif(
    not (os.environ.get("PARLEY_SWIFT") or shutil.which("swiftc")), reason="needs a Swift toolchain"
)

# The program that runs cells is built once for all test runs.
os.environ["XDG_CACHE_HOME"] = str(REPOSITORY / ".build" / "swift-cells")


@pytest.fixture
def both(client):
    """Python and Swift with something to lose. The first time, this waits for the build."""
    client.run("kept = 'python'")
    run = client.run('#!swift\nimport Foundation\nvar kept = "swift"', timeout=200)
    assert run.status == "ok", run.outputs
    return client


def state(client):
    return client.run("kept").outputs + client.run("#!swift\nkept").outputs


KEPT = [("execute_result", "'python'"), ("execute_result", '"swift"')]

CHILD = (
    'let child = Process()\nchild.executableURL = URL(fileURLWithPath: "/bin/sleep")\n'
    'child.arguments = ["60"]\ntry child.run()\nchild.waitUntilExit()'
)


@pytest.mark.timeout(240)
def test_state(both):
    assert state(both) == KEPT


@pytest.mark.parametrize(
    "code",
    ["while true {}", "Thread.sleep(forTimeInterval: 60)", CHILD, "try await Task.sleep(for: .seconds(60))", "readLine()"],
)
def test_interrupted(both, code):
    cell = both.execute('#!swift\nprint("in")\n' + code, allow_stdin=True)
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    time.sleep(0.1)  # not for correctness: a child that has started is the harder case
    both.ask("interrupt_request", channel="control")
    run = both.finish(cell, 10)
    assert run.outputs == [("stream", "stdout", "in\n"), ("error", "Interrupted")] and run.status == "error"
    assert state(both) == KEPT


@pytest.mark.parametrize("code", ["[1, 2][5]", "throw URLError(.badURL)", "await Task.detached { [1][3] }.value"])
def test_failed(both, code):
    assert both.run("#!swift\n" + code).status == "error"
    assert state(both) == KEPT


@pytest.mark.parametrize("code, word", [("kill(getpid(), SIGKILL)\nThread.sleep(forTimeInterval: 60)", "SIGKILL"), ("exit(3)", "3")])
def test_ended(both, code, word):
    run = both.run("#!swift\n" + code)
    text = "".join(run.error["traceback"] + [run.error["evalue"]])
    assert run.status == "error" and word in text and "is lost" in text
    assert both.run("kept").outputs == KEPT[:1]
    run = both.run("#!swift\nkept")
    assert run.error["evalue"] == "cannot find 'kept' in scope"


def test_no_process_is_left(launch):
    """The host, the compiler, the completer: all end with the kernel, which `launch` asserts."""
    kernel = launch()
    client = kernel.client()
    client.run("#!swift\n1")
    client.ask("complete_request", {"code": "#!swift\nprin", "cursor_pos": 12})
    assert len(descendants(kernel.pid)) >= 3


def test_display(both):
    run = both.run('#!swift\nprint("a")\ndisplay(html: "<b>x</b>")\nprint("b")\n6 * 7')
    assert run.outputs == [
        ("stream", "stdout", "a\n"),
        ("display_data", ["text/html"]),
        ("stream", "stdout", "b\n"),
        ("execute_result", "42"),
    ]


def test_errors_name_the_line_of_the_cell(both):
    run = both.run("#!swift\n\nlet x = nothing")
    assert f"cell {run.count}:3:9: error: cannot find 'nothing' in scope" in "\n".join(run.error["traceback"])
    run = both.run('#!swift\n\nfatalError("here")')
    assert f"cell {run.count}:3" in "\n".join(run.error["traceback"])


def test_completion(both):
    both.run("#!swift\nlet myText = \"a\"")
    reply = both.ask("complete_request", {"code": "#!swift\nmyText.upperc", "cursor_pos": 21}).content
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["uppercased"], 15, 21)


def test_completion_while_a_cell_runs(both):
    both.ask("complete_request", {"code": "#!swift\nprin", "cursor_pos": 12})
    cell = both.execute('#!swift\nprint("in")\nwhile true {}')
    both.wait(cell, ("stream", "stdout", "in\n"), 15)
    complete_beside(both, "#!swift\nprin", "print")
    both.ask("interrupt_request", channel="control")
    assert both.finish(cell, 10).status == "error"


def test_stdin(both):
    cell = both.execute('#!swift\nprint("name?", terminator: " ")\nprint(readLine()!.uppercased())', allow_stdin=True)
    both.until(lambda: both.received["stdin"], 15, "input_request")
    asked = both.received["stdin"].pop()
    both.send("stdin", "input_reply", {"value": "ada", "status": "ok"}, parent=asked.header)
    assert both.finish(cell).outputs == [("stream", "stdout", "name? ADA\n")]


def test_stdin_refused(both):
    run = both.run("#!swift\nlet name = readLine()", allow_stdin=False)
    assert run.error["ename"] == "StdinNotImplementedError" and run.error["evalue"]


# -- jupyter_kernel_test --------------------------------------------------------------------------------


class TestSwift(Installed, jupyter_kernel_test.KernelTests):
    """Swift has no pager; everything else is filled in."""

    language = "swift"
    language_name = "swift"
    file_extension = ".swift"
    code_hello_world = 'print("hello, world")'
    code_stderr = 'import Foundation\nFileHandle.standardError.write(Data("test\\n".utf8))'
    completion_samples = [
        {"text": "[1, 2].rever", "matches": {"reverse", "reversed"}},
        {"text": "fatalE", "matches": {"fatalError"}},
        {"text": "zzz.", "matches": set()},
    ]
    complete_code_samples = ["1", 'print("hello")', "func f(x: Int) -> Int {\n  x * 2\n}"]
    incomplete_code_samples = ["func f() {", '"""\nabc', "[1, 2,"]
    invalid_code_samples = ["print(1))", "import = 7q"]
    code_generate_error = '[1, 2][5]'
    code_execute_result = [{"code": "1+2+3", "result": "6"}, {"code": "(1...3).map { $0 * $0 }", "result": "[1, 4, 9]"}]
    code_display_data = [
        {"code": 'display(html: "<b>test</b>")', "mime": "text/html"},
        {"code": 'display(latex: "$x^2$")', "mime": "text/latex"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "print"
    code_clear_output = "clearOutput()"


class TestWelcomeOfSwift(Installed, jupyter_kernel_test.IopubWelcomeTests):
    language = "swift"
