"""Java through the server: the five endings, what a front end asks, and jupyter_kernel_test."""

import functools
import re
import shutil
import subprocess

import jupyter_kernel_test
import pytest
from installed import Installed


@functools.cache
def has_jdk():
    if not shutil.which("java"):
        return False
    return "jdk.jshell@" in subprocess.run(["java", "--list-modules"], stdout=subprocess.PIPE, text=True, check=False).stdout


pytestmark = pytest.mark.skipif(not has_jdk(), reason="needs a JDK with jdk.jshell: apt install openjdk-17-jdk-headless")

IN = 'System.out.println("in");\n'
INTERRUPTED = {
    "endless loop": IN + "while (true) { }",
    "sleep": IN + "Thread.sleep(60_000);",
    "child process": 'new ProcessBuilder("sh", "-c", "echo in; sleep 61").inheritIO().start().waitFor();',
}


@pytest.mark.parametrize("situation", INTERRUPTED)
def test_an_interrupt_ends_the_cell_and_keeps_the_state(client, situation):
    client.run("python_state = 1")
    client.run("#!java\nint state = 42;").ok()
    cell = client.execute("#!java\n" + INTERRUPTED[situation])
    client.wait(cell, ("stream", "stdout", "in\n"))
    client.ask("interrupt_request", channel="control")
    run = client.finish(cell, 10)
    assert run.outputs[-1] == ("error", "KeyboardInterrupt")
    assert client.run("#!java\nstate").outputs == [("execute_result", "42")]
    assert client.run("python_state").outputs == [("execute_result", "1")]


@pytest.mark.parametrize("code, pattern", [
    ("System.exit(3);", r"\b3\b"),
    ('new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start().waitFor();', "SIGKILL|signal 9"),
])
def test_the_end_of_the_process_is_told_in_its_cell(client, code, pattern):
    client.run("python_state = 1")
    client.run("#!java\nint lost = 42;").ok()
    run = client.run("#!java\n" + code)
    assert run.status == "error"
    assert re.search(pattern, " ".join([run.error["evalue"], *run.error["traceback"]]))
    assert client.run("#!java\nlost").error["ename"] == "CompilationError"
    assert client.run("python_state").outputs == [("execute_result", "1")]


def test_text_and_displays_in_order(client):
    run = client.run('#!java\nSystem.out.println("a");\nhtml("<b>x</b>");\nSystem.err.println("b");\nSystem.out.println("c");\n1 + 1')
    assert run.outputs == [("stream", "stdout", "a\n"), ("display_data", "<b>x</b>"), ("stream", "stderr", "b\n"),
                           ("stream", "stdout", "c\n"), ("execute_result", "2")]


def test_a_fault_names_the_line_of_the_cell(client):
    run = client.run("#!java\nint x = 1;\nint y = nothing;")
    assert run.error["ename"] == "CompilationError"
    assert "line 3: error: cannot find symbol" in "\n".join(run.error["traceback"])


def test_completion(client):
    client.run('#!java\nString greeting = "hi";').ok()
    code = "#!java\ngreeting.toUpp"
    reply = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}).content
    assert reply["matches"] == ["toUpperCase("]
    assert code[reply["cursor_start"]:reply["cursor_end"]] == "toUpp"


def test_questions(client):
    cell = client.execute('#!java\nSystem.out.println("Hello " + readLine("name? "));', allow_stdin=True)
    client.until(lambda: client.received["stdin"], 20, "input_request")
    question = client.received["stdin"][-1]
    assert question.content["prompt"] == "name? "
    client.send("stdin", "input_reply", {"value": "Ada"}, parent=question.header)
    assert client.finish(cell).outputs == [("stream", "stdout", "Hello Ada\n")]
    run = client.run("#!java\nnew Scanner(System.in).nextLine()", allow_stdin=False)
    assert "StdinNotImplementedError" in run.error["ename"] and run.error["evalue"]


class TestJava(Installed, jupyter_kernel_test.KernelTests):
    """There is no pager; everything else is filled in."""

    language = "java"
    language_name = "java"
    file_extension = ".java"
    code_hello_world = 'System.out.println("hello, world");'
    code_stderr = 'System.err.println("test");'
    completion_samples = [
        {"text": "Math.floorM", "matches": {"floorMod("}},
        {"text": "zzz.", "matches": set()},
    ]
    complete_code_samples = ["1", "int x = 1;", "void f() { }"]
    incomplete_code_samples = ["class A {", "int f() {\n    return 1;", "f("]
    invalid_code_samples = ["int = )", "}"]
    code_generate_error = 'throw new IllegalStateException("as asked");'
    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": "IntStream.range(1, 4).mapToObj(n -> n * n).toList()", "result": "[1, 4, 9]"},
    ]
    code_display_data = [
        {"code": 'html("<b>test</b>");', "mime": "text/html"},
        {"code": 'latex("$x^2$");', "mime": "text/latex"},
        {"code": "display(new java.awt.image.BufferedImage(1, 1, 1));", "mime": "image/png"},
    ]
    code_history_pattern = "1 ? 2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.abs("
    code_clear_output = "clearOutput();"
