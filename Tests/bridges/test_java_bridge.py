"""The Java bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "java"
INTERRUPTED = "error: KeyboardInterrupt: "


def has_jdk():
    if not shutil.which("java"):
        return False
    modules = subprocess.run(["java", "--list-modules"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return "jdk.jshell@" in modules


pytestmark = pytest.mark.skipif(not has_jdk(), reason="needs a JDK with jdk.jshell: apt install openjdk-17-jdk-headless")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A home of the tests' own; the bridge is compiled into it once."""
    home = tmp_path_factory.mktemp("home")
    env = dict(os.environ, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    for name in ("CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"):
        env.pop(name, None)
    return env


@pytest.fixture(scope="module")
def shared(environment, tmp_path_factory):
    with Bridge.from_folder(FOLDER, env=environment, cwd=tmp_path_factory.mktemp("work")) as bridge:
        yield bridge


@pytest.fixture
def java(shared):
    """One session for all tests that do not end it; each uses names of its own."""
    shared.late.clear()
    return shared


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def traceback(cell):
    return "\n".join(cell.reply.content["traceback"])


# -- start and end -------------------------------------------------------------------------------

def test_it_introduces_itself(java):
    assert java.info["bridge_protocol"] == 1
    assert java.info["language_info"]["name"] == "java"
    assert java.info["language_info"]["file_extension"] == ".java"
    assert set(java.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_it_is_compiled_once(environment, java):
    """The next start compiles nothing. And what exit ends is the process, with its code."""
    (jar,) = Path(environment["XDG_CACHE_HOME"], "parley", "java").glob("*/bridge.jar")
    before = jar.stat().st_mtime_ns
    with Bridge.from_folder(FOLDER, env=environment) as bridge:
        bridge.start_execute("System.exit(3);")
        assert os.waitstatus_to_exitcode(bridge.wait_exit(15)) == 3
    assert jar.stat().st_mtime_ns == before
    assert jar.parent.stat().st_mode & 0o77 == 0


def test_a_runtime_that_is_no_jdk_is_told(tmp_path):
    """The message names the Java that was tried."""
    fake = tmp_path / "jre" / "bin" / "java"
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\necho 'no compiler' >&2\nexit 1\n")
    fake.chmod(0o755)
    run = subprocess.run(["sh", FOLDER / "launch.sh", fake], env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
                         stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 1
    assert "could not be compiled with " + str(fake) in run.stderr


# -- cells ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, lines", [
    ("", []),
    ("// a comment", []),
    ("int a1 = 5;", []),
    ("6 * 7", ["result: 42"]),
    ("6 * 7;", []),
    ('"a" + "b"', ['result: "ab"']),
    ("int a2 = 1; a2", ["result: 1"]),
    ("int a3; a3 = 4", ["result: 4"]),
    ("new int[] {1, 2}", ["result: int[2] { 1, 2 }"]),
    ("List.of(1, 2)", ["result: [1, 2]"]),
    ("(Object) null", ["result: null"]),
    ("System.out.println(1)", ["stdout: 1\n"]),
    ("System.out.print('x'); System.out.printf(\"%d%n\", 3);", ["stdout: x3\n"]),
    ("import java.time.LocalDate;\nLocalDate.of(2024, 2, 29)", ["result: 2024-02-29"]),
    ("int twice(int x) { return 2 * x; }\ntwice(21)", ["result: 42"]),
    ("record P(int x, int y) { }\nnew P(1, 2)", ["result: P[x=1, y=2]"]),
    ("int b1 = 1, b2 = 2;\nb1 + b2", ["result: 3"]),
    ("for (int i = 0; i < 3; i++) System.out.print(i);\n// end", ["stdout: 012"]),
    ("System.out.println(\"héllo ☃ 𝄞\"); System.out.print('\\ud834'); System.out.print('\\udd1e');", ["stdout: héllo ☃ 𝄞\n𝄞"]),
    ("new ProcessBuilder(\"sh\", \"-c\", \"echo child\").inheritIO().start().waitFor();", ["stdout: child\n"]),
    ("System.getenv(\"nope\") == null ? \"none\" : 1", ['result: "none"']),
])
def test_cells(java, code, lines):
    cell = java.execute(code)
    assert (cell.transcript, cell.status) == (lines, "ok")


def test_state_stays(java):
    java.execute("var kept = new ArrayList<>(List.of(1, 2)); int count() { return kept.size(); }")
    java.execute("kept.add(3);")
    assert show(java, "count()") == ["result: 3"]


def test_redeclaring_changes_the_type(java):
    java.execute("int r = 1;")
    assert show(java, 'String r = "text"; r') == ['result: "text"']


def test_a_refused_declaration_changes_nothing(java):
    java.execute("var old = new ArrayList<>(List.of(1)); int number = 7; int twofold() { return 2 * number; } class K { int n = 1; }")
    java.execute("old.add(2);")
    for code in ("int old = \"no\";", "String number = 1;", "int twofold() { return \"no\"; }", "class K { int n = \"no\"; }"):
        assert java.execute(code).reply.content["ename"] == "CompilationError"
    assert show(java, "old + \" \" + number + \" \" + twofold() + \" \" + new K().n") == ['result: "[1, 2] 7 14 1"']


def test_what_is_missing_is_told_and_may_come_later(java):
    assert show(java, "int first() { return second(); }") == ["stderr: method first() cannot be used until method second() is declared\n"]
    assert show(java, "first()") == [
        "error: UnresolvedReferenceException: method first() cannot be used until method second() is declared"]
    assert show(java, "int second() { return 2; }\nfirst()") == ["result: 2"]
    assert show(java, "int here() { return there(); }\nint there() { return 3; }\nhere()") == ["result: 3"]


def test_silent_shows_no_result(java):
    assert show(java, "int quiet = 1; quiet", silent=True) == []
    assert show(java, "quiet") == ["result: 1"]


def test_user_expressions(java):
    cell = java.execute("int e = 20;", user_expressions={"sum": "e + 22", "text": '"é"', "bad": "nope", "worse": "1 / 0"})
    got = cell.reply.content["user_expressions"]
    assert {k: v["data"]["text/plain"] for k, v in got.items() if v["status"] == "ok"} == {"sum": "42", "text": '"é"'}
    assert got["bad"]["ename"] == "CompilationError"
    assert got["worse"]["ename"] == "java.lang.ArithmeticException"


def test_classpath(java, tmp_path):
    (tmp_path / "Added.java").write_text("package added; public class Added { public static int n() { return 5; } }")
    subprocess.run(["javac", "-d", tmp_path / "out", tmp_path / "Added.java"], check=True)
    assert show(java, "%classpath " + str(tmp_path / "out") + "\nadded.Added.n()") == ["result: 5"]
    assert show(java, "%classpath /no/such.jar") == ["error: ClasspathError: no such jar or folder: /no/such.jar"]


# -- errors --------------------------------------------------------------------------------------

def test_a_fault_of_the_compiler_names_its_line(java):
    text = traceback(java.execute("int c1 = 1;\n\n  int c2 = \"text\";"))
    assert "line 3: error: incompatible types" in text
    assert '\n      int c2 = "text";\n               ^^^^^^' in text


def test_a_fault_of_syntax_is_found_before_anything_runs(java):
    cell = java.execute("System.out.println(1);\nint x = (;")
    assert cell.transcript[0].startswith("error: CompilationError")
    assert "line 2" in traceback(cell)


def test_a_stack_trace_shows_cells_and_nothing_else(java):
    java.execute("int divide(int a, int b) {\n    return a / b;\n}")
    first = java.execution_count
    cell = java.execute("\n\ndivide(1, 0)")
    assert cell.transcript == ["error: java.lang.ArithmeticException: / by zero"]
    assert traceback(cell).split("\n")[1:] == [
        "    at divide (cell %d, line 2)" % first, "       return a / b;", "    at (cell %d, line 3)" % (first + 1)]


def test_causes_and_exceptions_of_the_user(java):
    cell = java.execute("class Mine extends RuntimeException { Mine(Throwable t) { super(\"é\", t); } }\n"
                        "throw new Mine(new IOException(\"why\"));")
    assert cell.transcript == ["error: Mine: é"]
    assert "Caused by: java.io.IOException: why" in traceback(cell)
    assert "REPL" not in traceback(cell) and "parley" not in traceback(cell)


def test_deep_recursion(java):
    cell = java.execute("int deep(int n) { return deep(n + 1); }\ndeep(0)")
    assert cell.reply.content["ename"] == "java.lang.StackOverflowError"
    assert len(cell.reply.content["traceback"]) < 70


# -- display -------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, mime, data", [
    ('html("<b>é</b>");', "text/html", "<b>é</b>"),
    ('markdown("# x");', "text/markdown", "# x"),
    ('latex("$x^2$");', "text/latex", "$x^2$"),
    ('svg("<svg/>");', "image/svg+xml", "<svg/>"),
    ('json("{\\"a\\": [1, 2.5, null]}");', "application/json", {"a": [1, 2.5, None]}),
    ('json(Map.of("a", new int[] {1}));', "application/json", {"a": [1]}),
    ("png(new byte[] {1, 2});", "image/png", "AQI="),
    ('display("text/x-own", "y");', "text/x-own", "y"),
    ("display(List.of(1));", "text/plain", "[1]"),
])
def test_display(java, code, mime, data):
    (event,) = java.execute(code).of_type("display_data")
    assert event.content["data"][mime] == data
    assert "text/plain" in event.content["data"]


def test_images_and_own_classes_as_results(java):
    (event,) = java.execute("new java.awt.image.BufferedImage(2, 2, 1)").of_type("execute_result")
    assert event.content["data"]["image/png"].startswith("iVBORw0KGgo")
    (event,) = java.execute('record Bold(String s) implements Displayable {\n'
                            '  public Map<String, Object> mimeBundle() { return Map.of("text/html", "<b>" + s + "</b>"); }\n'
                            '}\nnew Bold("x")').of_type("execute_result")
    assert event.content["data"] == {"text/html": "<b>x</b>", "text/plain": "Bold[s=x]"}
    java.execute('render(UUID.class, id -> Map.of("text/html", "<i>" + id + "</i>"));')
    (event,) = java.execute("new UUID(0, 0)").of_type("execute_result")
    assert event.content["data"]["text/html"] == "<i>00000000-0000-0000-0000-000000000000</i>"


def test_updates_and_clear_output(java):
    cell = java.execute('var bar = display("10 %"); bar.update("20 %"); displayAs("mine", 1); updateDisplay("mine", 2); clearOutput(true);')
    assert cell.transcript == ["display: 10 %", "update: 20 %", "display: 1", "update: 2", "clear_output: wait=True"]
    ids = [e.content["transient"]["display_id"] for e in cell.events[:4]]
    assert ids[0] == ids[1] != "mine" == ids[2] == ids[3]


def test_order_of_text_displays_and_children(java):
    java.ack_delay = 0.02
    try:
        assert show(java, 'System.out.println("a"); html("b"); System.err.println("c"); System.out.println("d");\n'
                          'html("e"); new ProcessBuilder("echo", "f").inheritIO().start().waitFor(); 7') == [
            "stdout: a\n", "display: b", "stderr: c\n", "stdout: d\n", "display: e", "stdout: f\n", "result: 7"]
    finally:
        java.ack_delay = 0


def test_threads_are_heard_and_their_exceptions_seen(java, gate):
    java.execute("new Thread(() -> {\n  while (!Files.exists(Path.of(\"%s\"))) Thread.onSpinWait();\n" % gate +
                 "  html(\"late\"); System.out.println(\"text\"); throw new IllegalStateException(\"lost?\");\n}).start();")
    gate.touch()
    java.pump(lambda: any("lost?" in e.short() for e in java.late))
    assert java.late_transcript[:2] == ["display: late", "stdout: text\n"]


def test_closing_the_streams_breaks_nothing(java):
    assert show(java, "System.out.close(); System.err.close(); System.in.close(); System.out.println(\"alive\");") == ["stdout: alive\n"]


def test_children_get_no_descriptor_of_the_bridge(java):
    assert show(java, 'new ProcessBuilder("sh", "-c", "ls /proc/self/fd | grep -cv \'^[0-3]$\'").inheritIO().start().waitFor();') == [
        "stdout: 0\n"]


# -- input ---------------------------------------------------------------------------------------

def test_input(java):
    java.answers.extend(["Ada", "s3cret", "1 2\u00e9", "line"])
    cell = java.execute('System.out.println(readLine("name? ") + readPassword("word? "));\n'
                        "var in = new Scanner(System.in); System.out.println(in.nextInt() + in.next());\n"
                        "System.out.println(new BufferedReader(new InputStreamReader(System.in)).readLine());")
    assert cell.transcript == ["input_request: name? ", "input_request: word? ", "stdout: Adas3cret\n", "input_request: ",
                               "stdout: 12é\n", "input_request: ", "stdout: line\n"]
    assert [q.content["password"] for q in java.asked[-4:]] == [False, True, False, False]


def test_no_more_input_and_nobody_to_ask(java):
    java.answers.append({"status": "eof"})
    assert show(java, "System.in.read()")[-1] == "result: -1"
    java.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no front end"})
    assert show(java, "new Scanner(System.in).nextLine()")[-1] == "error: StdinNotImplementedError: no front end"


# -- interrupts ----------------------------------------------------------------------------------

def programs_of(bridge):
    """The names of the programs that the bridge runs."""
    found = []
    for task in Path("/proc/%d/task" % bridge.pid).glob("*/children"):
        try:
            found += [Path("/proc/%s/comm" % pid).read_text().strip() for pid in task.read_text().split()]
        except OSError:
            pass
    return found


@pytest.mark.parametrize("code", [
    "while (true) { }",
    "for (int i = 0; ; i++) { Math.sin(i); }",
    "Thread.sleep(60_000);",
    "new ProcessBuilder(\"sleep\", \"60\").inheritIO().start().waitFor();",
    "new ProcessBuilder(\"sleep\", \"60\").start().getInputStream().read();",
    "while (true) { try { Thread.sleep(5); } catch (Throwable t) { } }",
    "while (true) { try { while (true) { } } catch (Throwable t) { } }",
    "while (true) { System.out.println(\"x\"); }",
    "while (true) { html(\"x\"); }",
    "new SynchronousQueue<Integer>().take();",
    "Stream.iterate(1, x -> x).forEach(x -> { });",
    "new Object() { public String toString() { while (true) { } } }",
    "readLine(\"? \")",
])
def test_an_interrupt_keeps_the_state(java, code):
    java.execute("int survivor = 42;")
    cell = java.start_execute("System.out.println(\"in\");\n" + code)
    java.pump(lambda: "in\n" in cell.text() and (len(cell.of_type("input_request")) or "readLine" not in code))
    java.pump(lambda: "sleep" in programs_of(java) or "ProcessBuilder" not in code)
    java.pump_for(0.05)
    java.interrupt()
    java.wait(cell, 10)
    assert (cell.status, cell.transcript[-1]) == ("error", INTERRUPTED)
    assert show(java, "survivor") == ["result: 42"]


def test_finally_runs_and_the_rest_of_the_cell_does_not(java):
    cell = java.start_execute("try { System.out.println(\"in\"); while (true) { } } finally { System.out.println(\"cleaned\"); }\n"
                              "System.out.println(\"after\");")
    java.pump(lambda: "in\n" in cell.text())
    java.interrupt()
    assert java.wait(cell).transcript == ["stdout: in\ncleaned\n", INTERRUPTED]


@pytest.mark.parametrize("code", ["a." * 20000 + "b", "1 + " * 50000 + "x", "x" * 200000, "f(" * 4000], ids=["members", "sum", "name", "calls"])
def test_code_that_is_absurd_has_answers(java, code):
    assert java.inspect(code)["status"] == java.complete(code)["status"] == "ok"
    assert java.is_complete(code)["status"] in ("complete", "incomplete", "invalid", "unknown")
    assert show(java, "1 + 1") == ["result: 2"]


def test_an_interrupt_while_idle_does_nothing(java):
    java.execute("int idle = 1;")
    for _ in range(3):
        java.interrupt()
    java.settle()
    assert show(java, "idle") == ["result: 1"]


# -- questions -----------------------------------------------------------------------------------

def completions(bridge, code, lane=3):
    reply = bridge.complete(code, lane=lane)
    assert reply["cursor_end"] == len(code)
    return code[reply["cursor_start"]:], reply["matches"]


def test_completion(java):
    java.execute('String greeting = "hi";')
    assert completions(java, "greet") == ("greet", ["greeting"])
    assert completions(java, "/* 🎉 */ greeting.toUpp") == ("toUpp", ["toUpperCase("])
    assert completions(java, "int local = 1; loc") == ("loc", ["local"])
    assert completions(java, "class A { }\ngreeting.isBl") == ("isBl", ["isBlank()"])
    assert completions(java, "new ArrayLi")[1] == ["ArrayList("]
    assert completions(java, "zzz.")[1] == []


def test_inspection(java):
    java.execute("int answer = 42;\n/** Doubles. */ int doubled(int x) { return 2 * x; }")
    assert java.inspect("answer")["data"]["text/plain"] == "int answer = 42"
    assert "return 2 * x;" in java.inspect("doubled(1)", 3)["data"]["text/plain"]
    assert "Math.abs(int a)" in java.inspect("/* 🎉 */ Math.abs(")["data"]["text/plain"]
    assert "String.length()" in java.inspect('"x".length()', 8)["data"]["text/plain"]
    assert java.inspect("nothing_here")["found"] is False


def test_questions_are_answered_while_a_cell_runs(java):
    cell = java.start_execute("System.out.println(\"in\"); while (true) { }")
    java.pump(lambda: "in\n" in cell.text())
    assert completions(java, "Math.floorM", lane=5)[1] == ["floorMod("]
    assert java.inspect("Math.abs(", lane=5)["found"]
    java.interrupt()
    assert java.wait(cell).transcript[-1] == INTERRUPTED


@pytest.mark.parametrize("code, status", [
    ("1 + 1", "complete"), ("int x = 1;", "complete"), ("", "complete"), ("// note", "complete"), ("void f() { }", "complete"),
    ("class A {", "incomplete"), ("int f() {\n    return 1;", "incomplete"), ("foo(", "incomplete"), ("int x = 1;\nif (x > 0) {", "incomplete"),
    ("int = )", "invalid"), ("}", "invalid"),
])
def test_is_complete(java, code, status):
    assert java.is_complete(code)["status"] == status


def test_indent(java):
    assert java.is_complete("class A {")["indent"] == "    "
    assert java.is_complete("class A {\n    int x;")["indent"] == "    "


