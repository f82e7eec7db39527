"""The Ruby bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import os
import shutil
import time

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("ruby"), reason="needs ruby")


@pytest.fixture
def ruby(start):
    return start("ruby")


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def show_apart(bridge, code):
    """The same without stderr, where another thread or process writes on its own time."""
    return [line for line in show(bridge, code) if not line.startswith("stderr: ")]


def interrupted(bridge, code):
    cell = bridge.start_execute("puts 'started'; " + code)
    bridge.pump(lambda: "started\n" in cell.text())
    bridge.pump_for(0.05)
    bridge.interrupt()
    return bridge.wait(cell, 5).transcript


# -- cells ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cells, shown", [
    (["x = 41; nil", "x + 1"], "42"), (["def f(a) = a * 2", "f(3)"], "6"), (["class A; def to_s = 'a'; end", "A.new.to_s"], '"a"'),
    (["x = 1; nil", "add = ->(n) { x += n }", "add.(4); x"], "5"), (["@iv = 2; $gv = 3; CONST = 4; nil", "[@iv, $gv, CONST]"], "[2, 3, 4]"),
    (["require 'set'", "Set[1].size"], "1"), (["6 * 7", "_ + 1"], "43"), (["größe = 'é☃'; nil", "größe.size"], "2"),
    (["x = 5; raise 'after it'", "x"], "5"), (["Dir.chdir('/'); ENV['NEW'] = 'e'; nil", "`pwd` + `echo $NEW`"], '"/\\ne\\n"'),
    (["t = Thread.new { 9 }; nil", "t.value"], "9"), (["using(Module.new { refine(String) { def hi = 'hi' } }); nil", "'a'.size"], "1"),
    (["private def hidden = 1", "hidden"], "1"), (["local_variables"], "[]"), (["self.to_s"], '"main"'), (["__FILE__ == $0"], "true"),
])
def test_state(ruby, cells, shown):
    for code in cells[:-1]:
        ruby.execute(code)
    assert show(ruby, cells[-1]) == ["result: " + shown]


@pytest.mark.parametrize("code, shown", [
    ("'é'", '"é"'), ("[1, nil]", "[1, nil]"), ("{ a: 1 }", "{:a=>1}"), ("nil", None), ("5;", None), ("", None), ("# x", None),
    ("false", "false"), ("return 5", "5"), ("BasicObject.new", "(BasicObject has no inspect)"), ('"\\xff"', '"\\xFF"'),
    ("def f = 1", ":f"), ("1.then do |x|\n  x + 1\nend", "2"), ("DATA.read\n__END__\ntext", '"text"'),
])
def test_values(ruby, code, shown):
    assert show(ruby, code) == (["result: " + shown] if shown else [])


def test_silent_cells_have_no_result(ruby):
    assert show(ruby, "6 * 7", silent=True) == []


def test_user_expressions(ruby):
    ruby.execute("x = 3")
    got = ruby.execute("", user_expressions={"a": "x + 1", "b": "nope"}).reply.content["user_expressions"]
    assert got["a"]["data"]["text/plain"] == "4"
    assert (got["b"]["status"], got["b"]["ename"]) == ("error", "NameError")


# -- output ---------------------------------------------------------------------------------------------

def test_text_and_displays_keep_their_order(ruby):
    ruby.ack_delay = 0.02
    code = "(1..5).each { |i| puts i; Parley.display(Parley.html(\"<b>#{i}</b>\")); warn \"w#{i}\"; print 'p'; $stderr.puts 'q' }; nil"
    assert show(ruby, code) == [line for i in range(1, 6) for line in
                                ("stdout: %d\n" % i, "display: <b>%d</b>" % i, "stderr: w%d\n" % i, "stdout: p", "stderr: q\n")]


@pytest.mark.parametrize("code, mime, data", [
    ("Parley.html('<b>é</b>')", "text/html", "<b>é</b>"), ("IRuby.markdown('*a*')", "text/markdown", "*a*"),
    ("IRuby.latex('x')", "text/latex", "x"), ("IRuby.math('x^2')", "text/latex", "$$x^2$$"), ("Parley.svg('<svg/>')", "image/svg+xml", "<svg/>"),
    ("Parley.png(\"\\x89PNG\\0\".b)", "image/png", "iVBORwA="), ("Parley.json({ a: [1, nil, Float::NAN] })", "application/json", {"a": [1, None, None]}),
    ("class Own; def to_html = '<i>o</i>'; end; Own.new", "text/html", "<i>o</i>"),
    ("class Svg; def to_svg = '<svg>1</svg>'; end; Svg.new", "image/svg+xml", "<svg>1</svg>"),
    ("class One; def to_iruby = ['text/latex', 'l']; end; One.new", "text/latex", "l"),
    ("class Many; def to_iruby_mimebundle(include: []) = [{ 'text/markdown' => 'm' }, {}]; end; Many.new", "text/markdown", "m"),
    ("require 'iruby'; IRuby.table([{ a: 1, b: '<' }])", "text/html", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>&lt;</td></tr></table>"),
    ("IRuby.convert('t', mime: 'text/html')", "text/html", "t"),
])
def test_rich_values(ruby, code, mime, data):
    result = ruby.execute(code).of_type("execute_result")[0].content["data"]
    assert result[mime] == data and "text/plain" in result


def test_updates_and_clear_output(ruby):
    cell = ruby.execute("Parley.display(Parley.html('a'), id: 'k'); IRuby.update('k', 'b'); IRuby.clear_output(true)")
    assert cell.transcript == ["display: a", 'update: "b"', "clear_output: wait=True"]
    assert [e.content["transient"] for e in cell.of_type("display_data", "update_display_data")] == [{"display_id": "k"}] * 2


def test_displays_of_threads(ruby):
    cell = ruby.execute("4.times.map { |i| Thread.new { 20.times { Parley.display(i); puts i; warn i } } }.each(&:join); nil")
    assert len(cell.of_type("display_data")) == 80
    assert sorted(cell.text().split()) == sorted("0123" * 20)


def test_late_output(ruby, gate):
    assert show(ruby, "Thread.new { sleep 0.01 until File.exist?('%s'); puts 'late'; Parley.display('d'); warn 'w' }; nil" % gate) == []
    gate.touch()
    ruby.pump_late("stderr: w\n")
    assert ruby.late_transcript == ["stdout: late\n", 'display: "d"', "stderr: w\n"]


def test_a_closed_output_is_still_open(ruby):
    assert show(ruby, "STDOUT.close; $stderr.close; puts 'out'; system 'echo child'") == ["stdout: out\nchild\n", "result: true"]


def test_children_do_not_have_the_descriptors_of_the_protocol(ruby):
    for number in (3, 4):
        assert show(ruby, "`sh -c 'exec <&%d' 2>/dev/null`; $?.exitstatus" % number) == ["result: 2"]


def test_forks_neither_answer_nor_print_twice(ruby):
    assert show(ruby, "print 'a'; if fork.nil? then print 'child' else Process.wait; print 'parent' end; nil") == ["stdout: achildparent"]
    assert show(ruby, "Process.wait(fork { print 'c'; exit 4 }); $?.exitstatus") == ["stdout: c", "result: 4"]
    assert "can display" in ruby.execute("Process.wait(fork { Parley.display('x') })").text("stderr")


# -- input ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, answers, shown", [
    ("gets", ["Ada"], '"Ada\\n"'), ("STDIN.gets.chomp", ["é"], '"é"'), ("$stdin.gets(chomp: true)", ["x"], '"x"'), ("$stdin.read", ["all"], '"all\\n"'),
    ("readlines", ["a", "b", ""], '["a\\n", "b\\n"]'), ("STDIN.each_line.map(&:chomp)", ["a", "b", ""], '["a", "b"]'),
    ("$stdin.getc + $stdin.getc + $stdin.read", ["xyz"], '"xyz\\n"'), ("Parley.input('who? ')", ["me"], '"me"'), ("gets || 'eof'", [{"status": "eof"}], '"eof"'),
    ("Thread.new { gets }.value", ["t"], '"t\\n"'), ("require 'timeout'; Timeout.timeout(0.1) { gets } rescue $!.class", [None], "Timeout::Error"),
])
def test_standard_input_asks(ruby, code, answers, shown):
    ruby.answers.extend((lambda event: None) if answer is None else answer for answer in answers)
    assert show(ruby, code)[-1] == "result: " + shown
    assert len(ruby.asked) == len(answers)


@pytest.mark.parametrize("code", ["Parley.password('pw? ')", "$stdin.getpass('pw? ')", "IRuby.password('pw? ')", "STDIN.noecho(&:gets).chomp"])
def test_password(ruby, code):
    ruby.answers.append("secret")
    assert show(ruby, code)[-1] == 'result: "secret"'
    assert ruby.asked[0].content["password"] is True


def test_nobody_can_answer(ruby):
    ruby.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no front end can answer"})
    assert show(ruby, "gets")[-1] == "error: Parley::InputError: no front end can answer"


# -- errors ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, error", [
    ("raise 'bad'", "RuntimeError: bad"), ("nope", "NameError: undefined local variable or method `nope' for main:Object"),
    ("nil.foo", "NoMethodError: undefined method `foo' for nil:NilClass"), ("1 +\n )", "SyntaxError: In[1]:2: syntax error, unexpected ')'"),
    ("exit 3", "SystemExit: exit with status 3: the cell has ended, Ruby goes on"), ("throw :x", "UncaughtThrowError: uncaught throw :x"),
    ("def deep = deep\ndeep", "SystemStackError: stack level too deep"), ("class Odd; def inspect = raise('no'); end; Odd.new", "RuntimeError: no"),
    ("binding.irb", "NotImplementedError: binding.irb needs a terminal: use p, local_variables or Parley.input in a notebook"),
    ("class E < StandardError; def message = 5; end; raise E", "E: 5"),
])
def test_errors(ruby, code, error):
    cell = ruby.execute(code)
    assert cell.transcript == ["error: " + error] and cell.status == "error"
    assert cell.reply.content["ename"] == error.split(": ")[0]
    trace = cell.of_type("error")[0].content["traceback"]
    assert "/parley/" not in "\n".join(trace) and len(trace) < 60


def plain(lines):
    return [line.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[31m", "") for line in lines]


def test_a_traceback_names_the_lines_of_the_cells_and_the_cause(ruby):
    ruby.execute("def inner\n  raise ArgumentError, 'deep'\nend")
    trace = ruby.execute("begin\n  inner\nrescue => e\n  raise TypeError, 'outer'\nend").of_type("error")[0].content["traceback"]
    assert plain(trace)[:3] == ["TypeError: outer", "  In[2], line 4, in rescue in <main>", "    raise TypeError, 'outer'"]
    assert plain(trace)[5:] == ["caused by ArgumentError: deep", "  In[1], line 2, in inner", "    raise ArgumentError, 'deep'",
                                "  In[2], line 2", "    inner"]


def test_abort_and_suggestions(ruby):
    assert show(ruby, "abort 'bye'")[0] == "stderr: bye\n"
    assert "Did you mean?  length" in "\n".join(ruby.execute("[].lenght").of_type("error")[0].content["traceback"])


def test_an_error_of_a_thread_while_nothing_runs(ruby, gate):
    ruby.execute("Thread.abort_on_exception = true; Thread.new { sleep 0.01 until File.exist?('%s'); raise 'in thread' }; nil" % gate)
    gate.touch()
    ruby.pump(lambda: "in thread (RuntimeError)" in "".join(ruby.late_transcript))
    assert show_apart(ruby, "1") == ["error: RuntimeError: in thread"]
    assert show(ruby, "Thread.abort_on_exception = false; 1") == ["result: 1"]


@pytest.mark.parametrize("code", [
    "$/ = 'x'", "$; = '-'", "$stdout = File.open('mine', 'w')", "$stderr = nil rescue 1", "Dir.mkdir('gone'); Dir.chdir('gone'); Dir.rmdir('../gone')",
    "Thread.list.each { |thread| thread.kill unless thread == Thread.current }", "(Thread.list - [Thread.current]).each(&:join)", "Thread.current.kill",
    "class Hash; def to_json(*) = 'bad'; end", "trap('TERM') {}; trap('CHLD') {}", "raise \"\\xff\"", "ENV.clear", "Encoding.default_internal = 'UTF-8'",
    "class Any; def method_missing(name, *) = name.to_s; def respond_to_missing?(*) = true; end; Any.new", "loop { break }", "Thread.main.raise('x')",
])
def test_the_bridge_survives(ruby, code):
    ruby.execute(code)
    assert show(ruby, "$stdout = STDOUT; puts 'alive'; 6 * 7") == ["stdout: alive\n", "result: 42"]
    assert interrupted(ruby, "loop {}")[-1] == "error: Interrupt: interrupted"


# -- interrupts -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "loop {}", "sleep", "system('sleep 60'); puts 'after'", "`sleep 60`; puts 'after'", "Thread.new { sleep }.join", "gets", "Thread.new { sleep }; Queue.new.pop",
    "while true do begin; sleep 60; rescue => e; end end", "Process.wait(fork { sleep 60 })", "IO.popen('sleep 60').read", "begin; loop {}; ensure; x = 1; end",
])
def test_an_interrupt_ends_the_cell_and_keeps_the_state(ruby, code):
    ruby.execute("kept = 'state'")
    lines = [line for line in interrupted(ruby, "own = 3; " + code) if not line.startswith("input_request")]
    assert [line for line in lines if not line.startswith("stderr")] == ["stdout: started\n", "error: Interrupt: interrupted"]
    # What the code has forked is interrupted too, and tells so when it comes to it.
    assert show_apart(ruby, "kept + own.to_s") == ['result: "state3"']
    assert interrupted(ruby, "sleep")[-1] == "error: Interrupt: interrupted"


def test_an_interrupt_while_nothing_runs(ruby):
    ruby.execute("x = 1")
    for _ in range(3):
        ruby.interrupt()
    ruby.settle()
    assert show(ruby, "x") == ["result: 1"]


def test_a_handler_of_the_user(ruby):
    assert interrupted(ruby, "hit = nil; trap('INT') { hit = 1 }; sleep 0.01 until hit; puts 'mine'") == ["stdout: started\nmine\n"]
    assert interrupted(ruby, "trap('INT', 'DEFAULT'); sleep")[-1].startswith("error: Interrupt")
    assert interrupted(ruby, "sleep")[-1] == "error: Interrupt: interrupted"


def test_an_interrupt_right_behind_its_request(ruby):
    for _ in range(5):
        cell = ruby.start_execute("sleep")
        ruby.interrupt()
        assert ruby.wait(cell, 5).transcript == ["error: Interrupt: interrupted"]


def test_two_interrupts_in_a_row(ruby):
    ruby.execute("kept = 1")
    ruby.ack_delay = 0.2                # the second one comes while the error is on its way
    for _ in range(3):
        cell = ruby.start_execute("puts 'in'; sleep")
        ruby.pump(lambda: "in\n" in cell.text())
        ruby.interrupt()
        ruby.pump(lambda: cell.of_type("error"))
        ruby.interrupt()
        assert ruby.wait(cell).transcript == ["stdout: in\n", "error: Interrupt: interrupted"]
        ruby.settle()                   # or, on a busy machine, it would be taken as meant for the next request
        assert show(ruby, "kept") == ["result: 1"]


def test_a_value_whose_inspect_is_no_text(ruby):
    assert show(ruby, "o = Object.new; def o.inspect = nil; o") == ["result: "]


def test_interrupts_do_not_cut_frames(ruby):
    for _ in range(3):
        assert interrupted(ruby, "loop { Parley.display(Parley.html('x' * 300_000)) }")[-1] == "error: Interrupt: interrupted"
    assert show(ruby, "1") == ["result: 1"]


# -- questions about code -----------------------------------------------------------------------------------

SETUP = "text = 'a'; list = [1]; @iv = {}; module Outer; class Inner; end; DEEP = 1; end\n# Adds one.\ndef increment(n, by: 1)\n  n + by\nend"


def test_completion(ruby):
    ruby.execute(SETUP)
    for code, start, matches in [
        ("tex", 0, ["text"]), ("é; text.upc", 8, ["upcase", "upcase!"]), ("list.each_sl", 5, ["each_slice"]), ("Outer::", 7, None),
        ("Outer::In", 7, ["Inner"]), ("Outer::DE", 7, ["DEEP"]), ("'x'.upc", 4, ["upcase", "upcase!"]), ("[1, 2].each_sl", 7, ["each_slice"]),
        ("5.upt", 2, ["upto"]), ("@i", 0, ["@iv"]), ("$stdo", 0, ["$stdout"]), ("incre", 0, ["increment"]), ("text&.upc", 6, ["upcase", "upcase!"]),
        ("list.map { |x| x }.each_sli", 19, ["each_slice"]), ("whi", 0, ["while"]), ("# tex", 5, []), ("zzz", 0, []),
        ("require 'ope", 9, None), ("puts(tex", 5, ["text"]), ("{ a: 1 }.transform_k", 9, ["transform_keys", "transform_keys!"]),
    ]:
        reply = ruby.complete(code)
        assert (reply["cursor_start"], reply["cursor_end"]) == (start, len(code)), code
        assert matches is None or reply["matches"] == matches, code
    assert {"Inner", "DEEP"} <= set(ruby.complete("Outer::")["matches"])
    assert "open3" in ruby.complete("require 'ope")["matches"]


def test_completion_runs_nothing(ruby):
    ruby.execute("def boom = $ran = true\nclass Sly; def method_missing(*) = $ran = true; end; sly = Sly.new; nil")
    for code in ("boom.si", "sly.foo.b", "Array(boom).fir", "\"#{boom}\".siz", "`touch ran`.si"):
        ruby.complete(code)
        ruby.inspect(code)
    assert show(ruby, "[$ran, File.exist?('ran')]") == ["result: [nil, false]"]


def test_inspection(ruby):
    ruby.execute(SETUP)
    for code, text in [("text", 'text = "a"'), ("increment", "Object#increment(n, by: ...)"), ("increment(", "Adds one."), ("Outer::Inner", "class Outer::Inner < Object"),
                       ("list.first", "Array#first"), ("'x'.upcase", "String#upcase"), ("Math.sqrt", "Math.sqrt"), ("nosuch", "")]:
        reply = ruby.inspect(code)
        assert reply["found"] == bool(text), code
        assert text in reply["data"].get("text/plain", ""), code
    assert "n + by" in ruby.inspect("increment", 3)["data"]["text/plain"]


@pytest.mark.parametrize("code, status", [
    ("1", "complete"), ("", "complete"), ("def f\nend", "complete"), ("# c", "complete"), ("def f", "incomplete"), ("1 +", "incomplete"), ("'abc", "incomplete"),
    ("<<E\na", "incomplete"), ("[1,", "incomplete"), ("foo.", "incomplete"), ("1 \\", "incomplete"), ("=begin\n", "incomplete"), ("f do |x|", "incomplete"),
    ("1 + )", "invalid"), ("end", "invalid"), ("x = 7q", "invalid"),
])
def test_is_complete(ruby, code, status):
    assert ruby.is_complete(code)["status"] == status


def test_indent(ruby):
    assert [ruby.is_complete(code)["indent"] for code in ("if x", "  5.times do |i|\n", "'abc", "f(1,")] == ["  ", "    ", "", ""]


# -- the end ------------------------------------------------------------------------------------------------

def test_shutdown_runs_at_exit(ruby, tmp_path):
    ruby.execute("at_exit { File.write('farewell', 'bye') }")
    assert ruby.shutdown() == 0
    assert (tmp_path / "farewell").read_text() == "bye"


def test_it_ends_when_the_server_is_gone(ruby):
    os.close(ruby._fds.pop(3))
    assert ruby.wait_exit() == 0


def test_it_is_quick(ruby):
    times = []
    for _ in range(200):
        began = time.perf_counter()
        ruby.execute("nil")
        times.append(time.perf_counter() - began)
    print("handshake %.0f ms, no-op cell %.2f ms" % (ruby.started_in * 1000, sorted(times)[100] * 1000))
    assert sorted(times)[100] < 0.02
