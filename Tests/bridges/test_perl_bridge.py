"""The Perl bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import os
import shutil
import signal
import time

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("perl"), reason="needs perl")


@pytest.fixture
def perl(start):
    return start("perl")


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def interrupt(bridge):
    """SIGINT to the group, then SIGURG to the bridge, as in section 7."""
    bridge.interrupt()
    os.kill(bridge.pid, signal.SIGURG)


def interrupted(bridge, code):
    cell = bridge.start_execute("print \"started\\n\"; " + code)
    bridge.pump(lambda: "started\n" in cell.text())
    bridge.pump_for(0.05)
    interrupt(bridge)
    return bridge.wait(cell, 5).transcript


# -- what stays from cell to cell -----------------------------------------------------------------------

@pytest.mark.parametrize("cells, shown", [
    (["use strict; my $x = 5; sub f { $x++ }", "f(); f(); $x"], "7"),
    (["use strict; my ($a1, @b) = (1, 2, 3); my %h = (k => 'v');", "push @b, 4; \"$a1 @b $h{k}\""], "'1 2 3 4 v'"),
    (["my $x = 1; my $old = sub { $x };", "my $x = 2;", "$x . $old->()"], "'21'"),
    (["my $x = 5;", "my $x;", "defined $x ? 'set' : 'fresh'"], "'fresh'"),
    (["my $x = 1; sub get { $x } sub set { $x = shift }", "set(8); $x . get()"], "'88'"),
    (["use strict; our $g = 3;", "$g"], "3"),
    (["package Foo; my $n = 4; our $p = 5; sub n { $n++ }", "Foo::n(); \"$n $p \" . __PACKAGE__"], "'5 5 main'"),
    (["use feature 'state'; sub count { state $n = 0; ++$n } count();", "count()"], "2"),
    (["my sub inner { 'lexical' . shift }", "inner(1)"], "'lexical1'"),
    (["use List::Util 'sum';", "sum 1 .. 4"], "10"),
    (["use constant PI => 3;", "PI"], "3"),
    (["my $s = 'my $no = 1'; my $t = <<E; $s =~ /my \\$no/;\nmy \\$none = 1;\nE", "$t"], '"my \\$none = 1;\\n"'),
    (["for my $i (1) { my $deep = 1 } our $y = 2;", "no strict; no warnings; defined $deep ? 'seen' : 'unseen'"], "'unseen'"),
    (["my $ü = 'é'; sub größe { length shift }", "größe($ü . '☃')"], "2"),
    (["my $x = 41; die 'after it'", "$x + 1"], "42"),
    (["use v5.36; sub add($x, $y = 2) { $x + $y }", "my $z = add(1); sub twice($q) { 2 * $q } twice($z)"], "6"),
    (["open my $fh, '>', 'file'; print {$fh} 'text'; close $fh;", "open $fh, '<', 'file'; <$fh>"], "'text'"),
    (["my @subs = map { my $n = $_; sub { $n++ } } 1, 5; $subs[1]->()", "$subs[0]->() . $subs[1]->()"], "'16'"),
    (["BEGIN { our $early = 9 }", "our $early; $early"], "9"),
    (["chdir '/'; $ENV{NEW} = 'e'; $, = '-'; $\\ = '!';", "$, = $\\ = undef; `pwd` . `echo $ENV{NEW}`"], '"/\\ne\\n"'),
])
def test_state(perl, cells, shown):
    for code in cells[:-1]:
        perl.execute(code)
    assert show(perl, cells[-1]) == ["result: " + shown]


def test_pragmas_stay(perl):
    perl.execute("use strict; use warnings;")
    assert show(perl, "$nope = 1") == [
        'error: SyntaxError: Global symbol "$nope" requires explicit package name '
        '(did you forget to declare "my $nope"?) at In[2] line 1.']
    assert "Use of uninitialized value $u" in perl.execute("my $u; my $s = \"a$u\";").text("stderr")
    perl.execute("no strict; no warnings;")
    assert show(perl, "$nope = 1; \"$nope$undefined\"") == ["result: '1'"]


def test_a_thousand_variables(perl):
    for n in range(0, 1000, 100):
        perl.execute("".join("my $v%d = %d;" % (i, i) for i in range(n, n + 100)))
    assert show(perl, "$v0 + $v999") == ["result: 999"]


# -- values ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, shown", [
    ("6 * 7", "42"), ("'text'", "'text'"), ('"é\\n\\$"', '"é\\n\\$"'), ("(1, 'a')", "(1, 'a')"), ("1.5;", "1.5"),
    ("{ b => 1, a => [undef] }->{a}", None), ("+{ b => 1, a => [undef] }", "{a => [undef], b => 1}"),
    ("my %h = (k => 1); %h", "{k => 1}"), ("bless [], 'Pt'", "bless([], 'Pt')"), ("qr/a/i", "qr/a/i"), ("\\'s'", "\\'s'"),
    ("sub { 1 }", "sub { ... }"), ("\\&CORE::length", "\\&CORE::length"), ("'abc' =~ /b/", "1"), ("6 / 2 # half / of", "3"),
    ("my $r = []; push @$r, $r; $r", "[(the same again)]"), ("<<E . 'x'\ntext\nE", '"text\\nx"'), ("return 5", None),
    ("my $x = 1", None), ("$x .= 'a'", None), ("print ''", None), ("sub f { 1 }", None), ("1 if 1", None), ("undef", None),
    ("for (1) { 2 }", None), ("if (1) { 5 }", None), ("{ 5 }", None), ("=pod\n\nmy $x\n\n=cut\n\n7", "7"), ("8\n__END__\n9", "8"),
    ("open(my $f, '<', '/') or die; 3", "3"), ("0 or 4", "4"), ("do { 1; 2 }", "2"), ("-e '/'", "1"), ("9;\n\n=pod\n\nopen", "9"),
])
def test_the_value_of_an_expression(perl, code, shown):
    assert show(perl, code) == (["result: " + shown] if shown else [])


def test_data_after_the_end(perl):
    assert show(perl, "while (my $line = <DATA>) { print \"<$line>\" }\n__DATA__\né\nb") == ["stdout: <é\n><b>"]


def test_silent_cells_have_no_result(perl):
    assert show(perl, "6 * 7", silent=True) == []


def test_user_expressions(perl):
    perl.execute("my $x = 3;")
    got = perl.execute("", user_expressions={"a": "$x + 1", "b": "die 'no'"}).reply.content["user_expressions"]
    assert got["a"]["data"]["text/plain"] == "4"
    assert got["b"]["status"] == "error" and got["b"]["evalue"].startswith("no at")


# -- output ---------------------------------------------------------------------------------------------

def test_text_and_displays_keep_their_order(perl):
    perl.ack_delay = 0.02
    assert show(perl, "for my $i (1 .. 5) { print \"$i\\n\"; Parley::display(Parley::html(\"<b>$i</b>\")); warn \"w$i\\n\"; print 'p'; print STDERR 'q' }") == [
        line for i in range(1, 6) for line in
        ("stdout: %d\n" % i, "display: <b>%d</b>" % i, "stderr: w%d\n" % i, "stdout: p", "stderr: q")]


@pytest.mark.parametrize("code, mime, data", [
    ("Parley::html('<b>é</b>')", "text/html", "<b>é</b>"), ("Parley::markdown('*a*')", "text/markdown", "*a*"),
    ("Parley::latex('$x$')", "text/latex", "$x$"), ("Parley::svg('<svg/>')", "image/svg+xml", "<svg/>"),
    ("Parley::json({ a => [1, 'b'] })", "application/json", {"a": [1, "b"]}), ("Parley->png(\"\\x89PNG\\0\")", "image/png", "iVBORwA="),
    ("IPerl->html('x')", "text/html", "x"), ("{ package Own; sub to_html { '<i>o</i>' } } bless {}, 'Own'", "text/html", "<i>o</i>"),
    ("{ package Rep; sub iperl_data_representations { +{ 'text/latex' => 'l' } } } bless {}, 'Rep'", "text/latex", "l"),
    ("Parley::table([{ a => 1, b => '<' }])", "text/html",
     "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>&lt;</td></tr></table>"),
])
def test_rich_values(perl, code, mime, data):
    result = perl.execute(code).of_type("execute_result")[0].content["data"]
    assert result[mime] == data and "text/plain" in result


def test_handlers_of_the_user_hold_in_the_cells_that_follow(perl):
    perl.execute("$SIG{__WARN__} = sub { print \"mine: @_\" };")
    assert show(perl, "warn \"w\\n\";") == ["stdout: mine: w\n"]
    perl.execute("$SIG{__WARN__} = 'DEFAULT';")
    assert show(perl, "warn \"w\\n\";") == ["stderr: w\n"]


def test_a_reopened_stderr_is_the_users(perl, tmp_path):
    assert show(perl, "open my $old, '>&', \\*STDERR; open STDERR, '>', 'log'; print STDERR 'a'; warn \"b\\n\"; system 'echo c >&2'; open STDERR, '>&', $old; warn \"d\\n\";") == [
        "stderr: d\n"]
    assert (tmp_path / "log").read_text() == "ab\nc\n"
    assert show(perl, "local *STDERR; open STDERR, '>', \\my $text; print STDERR 'x'; $text") == ["result: 'x'"]
    assert show(perl, "use IPC::Open3; my $pid = open3(my $in, my $out, undef, 'sh', '-c', 'echo o; echo e >&2'); join '', sort <$out>") == ['result: "e\\no\\n"']


def test_a_broken_pipe_is_an_error_of_the_cell(perl):
    assert show(perl, "my $x = 1; open my $p, '|-', 'true'; $p->autoflush; for (1 .. 100) { select undef, undef, undef, 0.01; print {$p} 'x' x 9999 }")[-1].startswith("error: Error: SIGPIPE")
    assert show(perl, "$x") == ["result: 1"]


def test_updates_and_clear_output(perl):
    cell = perl.execute("Parley::display(Parley::html('a'), id => 'k'); Parley::update('k', 'b'); Parley::clear_output(1);")
    assert cell.transcript == ["display: a", "update: 'b'", "clear_output: wait=True"]
    assert [e.content["transient"] for e in cell.of_type("display_data", "update_display_data")] == [{"display_id": "k"}] * 2


def test_a_closed_output_is_open_in_the_next_cell(perl):
    perl.execute("close STDOUT; close STDERR;")
    assert show(perl, "print 'out'; system 'echo child'; warn \"err\\n\";") == ["stdout: outchild\n", "stderr: err\n"]


def test_children_do_not_have_the_descriptors_of_the_protocol(perl):
    for number in (3, 4):
        assert show(perl, "`sh -c 'exec <&%d' 2>/dev/null`; $? >> 8" % number) == ["result: 2"]


def test_forks_neither_answer_nor_print_twice(perl):
    assert show(perl, "print 'a'; if (!fork) { print 'child' } else { wait; print 'parent' }") == ["stdout: achildparent"]
    assert show(perl, "my $pid = fork; if (!$pid) { print 'c'; exit 4 } waitpid $pid, 0; $? >> 8") == ["stdout: c", "result: 4"]
    text = perl.execute("if (!fork) { Parley::display('x') } wait;").text("stderr")
    assert text == "only the process of the cell can display, not one that it has forked: print instead\n"


def test_late_output(perl):
    assert show(perl, "if (!fork) { select undef, undef, undef, 0.1; print \"late\\n\" }") == []
    perl.pump_late("stdout: late\n")


# -- input ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, answers, shown", [
    ("my $n = <STDIN>; chomp $n; \"<$n>\"", ["Ada"], "'<Ada>'"), ("scalar <>", ["x"], '"x\\n"'), ("scalar readline(STDIN)", ["é"], '"é\\n"'),
    ("my @l = <STDIN>; scalar @l", ["a", "b", ""], "2"), ("getc(STDIN) . getc(STDIN)", ["xyz"], "'xy'"),
    ("read(STDIN, my $b, 2); $b", ["xyz"], "'xy'"), ("Parley::input('who? ')", ["me"], "'me'"),
    ("defined <STDIN> ? 1 : 'eof'", [{"status": "eof"}], "'eof'"),
])
def test_standard_input_asks(perl, code, answers, shown):
    perl.answers.extend(answers)
    assert show(perl, code)[-1] == "result: " + shown
    assert len(perl.asked) == len(answers)


def test_password(perl):
    perl.answers.append("secret")
    assert show(perl, "Parley::password('pw? ')") == ["input_request: pw? ", "result: 'secret'"]
    assert perl.asked[0].content["password"] is True


def test_nobody_can_answer(perl):
    perl.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no front end can answer"})
    assert show(perl, "my $x = <STDIN>;")[-1] == "error: Error: no front end can answer"


# -- errors ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, error", [
    ("\n\ndie 'bad'", "Error: bad at In[1] line 3."), ("die \"mine\\n\"", "Error: mine"),
    ("die { code => 3 }", "HASH: {code => 3}"), ("die bless {}, 'My::Error'", "My::Error: bless({}, 'My::Error')"),
    ("1 +", "SyntaxError: syntax error at In[1] line 1, at EOF"), ("nosuch(1)", "Error: Undefined subroutine &main::nosuch called at In[1] line 1."),
    ("{ package Said; use overload '\"\"' => sub { 'I said so' } } die bless {}, 'Said'", "Said: I said so"),
    ("package Lib; use Carp; sub f { croak 'bad' } package main;\nLib::f(2)", "Error: bad at In[1] line 2."),
    ("use Carp;\nsub deep { confess 'all' }\ndeep(1)", "Error: all at In[1] line 2.\n\tmain::deep(1) called at In[1] line 3"),
    ("exit 3", "Exit: exit with status 3: the cell has ended, Perl goes on"), ("exit", "Exit: exit with status 0: the cell has ended, Perl goes on"),
])
def test_errors(perl, code, error):
    cell = perl.execute(code)
    assert cell.transcript == ["error: " + error] and cell.status == "error"
    assert cell.reply.content["ename"] == error.split(": ")[0]
    assert "Parley/" not in "\n".join(cell.of_type("error")[0].content["traceback"])


def test_a_traceback_names_the_lines_of_the_cells(perl):
    perl.execute("sub inner {\n  die 'deep' }")
    trace = perl.execute("\nsub outer { inner() }\nouter();").of_type("error")[0].content["traceback"]
    assert trace[1:] == ["  In[1], line 2", "    die 'deep' }", "  In[2], line 2", "    sub outer { inner() }", "  In[2], line 3", "    outer();"]


def test_a_handler_that_dies_between_cells(perl):
    perl.execute("$SIG{ALRM} = sub { die \"ring\\n\" }; use Time::HiRes 'ualarm'; ualarm 50_000;")
    perl.pump_late("stderr: ring\n")
    assert show(perl, "1") == ["result: 1"]


@pytest.mark.parametrize("code", [
    "$/ = undef; $\\ = ''; $, = ''; $\" = 'x'; $; = 'y';", "undef %SIG;", "@INC = (); %ENV = ();", "$_ = 'x'; @ARGV = (1);", "$SIG{CHLD} = 'IGNORE'; system 'true';",
    "close STDIN; open STDIN, '<', '/dev/null';", "last;", "next;", "die undef", "BEGIN { die 'early' }", "sub AUTOLOAD { 1 } sub DESTROY { 1 } 1",
    "use threads; threads->create(sub { warn 'w' })->join;", "$SIG{__DIE__} = sub { print '' }; eval { die 'x' };", "my $x = bless sub { 1 }, 'Code'; $x",
    "mkdir 'gone'; chdir 'gone'; rmdir '../gone';", "select STDERR; select STDOUT;", "package JSON::PP; sub x { 1 }", "\"\\xff\"", "{ local $SIG{INT}; } 1",
])
def test_the_bridge_survives(perl, code):
    perl.execute(code)
    assert show(perl, "print \"alive\\n\"; 6 * 7") == ["stdout: alive\n", "result: 42"]
    assert interrupted(perl, "1 while 1;")[-1] == "error: Interrupt: interrupted"


# -- interrupts -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "1 while 1;", "sleep 60;", "system 'sleep 60';", "my $x = `sleep 60`; print 'after';", "system 'sleep 60' while 1;",
    "my $l = <STDIN>;", "open my $p, '-|', 'sleep 60'; my @x = <$p>; print 'after';", "if (!fork) { sleep 60 } wait; print 'after';",
    "select undef, undef, undef, 60;", "my %h; while (1) { $h{x}++; my @l = map { $_ * 2 } 1 .. 9 }", "my @s = sort { 1 while 1 } 1, 2;",
])
def test_an_interrupt_ends_the_cell_and_keeps_the_state(perl, code):
    perl.execute("use strict; my $kept = 'state';")
    lines = [line for line in interrupted(perl, "my $own = 3; " + code) if not line.startswith("input_request")]
    assert lines == ["stdout: started\n", "error: Interrupt: interrupted"]
    assert show(perl, "$kept . $own") == ["result: 'state3'"]
    assert interrupted(perl, "sleep 60;")[-1] == "error: Interrupt: interrupted"


def test_an_interrupt_while_nothing_runs(perl):
    perl.execute("my $x = 1;")
    for _ in range(3):
        interrupt(perl)
    perl.settle()
    assert show(perl, "$x") == ["result: 1"]


def test_a_handler_of_the_user(perl):
    assert interrupted(perl, "my $hit; local $SIG{INT} = sub { $hit++ }; select undef, undef, undef, 0.01 until $hit; print \"mine $hit\\n\";") == [
        "stdout: started\nmine 1\n"]
    assert interrupted(perl, "sleep 60;")[-1] == "error: Interrupt: interrupted"


def test_an_interrupt_right_behind_its_request(perl):
    for _ in range(5):
        cell = perl.start_execute("sleep 60; 1")
        interrupt(perl)
        assert perl.wait(cell, 5).transcript == ["error: Interrupt: interrupted"]
    assert show(perl, "'next'") == ["result: 'next'"]


def test_a_syntax_error_in_the_first_line_quotes_the_cell_alone(perl):
    cell = perl.execute("\nsay 'hi'")
    assert cell.transcript[-1] == "error: SyntaxError: syntax error at In[1] line 2, near \"say 'hi'\""
    assert "#line" not in str(cell.reply.content) + cell.text("stderr")


def test_interrupts_do_not_cut_frames(perl):
    big = "Parley::display(Parley::html('x' x 300_000)) while 1;"
    for _ in range(3):
        assert interrupted(perl, big)[-1] == "error: Interrupt: interrupted"
    ring = "use Time::HiRes 'ualarm'; eval { local $SIG{ALRM} = sub { die \"ring\\n\" }; ualarm 20_000; %s }; ualarm 0; $@" % big
    for _ in range(3):
        assert show(perl, ring)[-1] == 'result: "ring\\n"'
    assert show(perl, "1") == ["result: 1"]


# -- questions about code -----------------------------------------------------------------------------------

SETUP = """use strict; my $xyz = { alpha => 1 }; my @list = (1, 2); my %map = (key => 1); our $glob = 1;
# Adds one.
sub increment { my ($n) = @_;
    return $n + 1;
}
package Pt { sub new { bless {}, shift } sub getx { 1 } } my $o = Pt->new; my sub lexi { 2 }"""


def test_completion(perl):
    perl.execute(SETUP)
    for code, start, matches in [
        ("$xy", 0, ["$xyz"]), ("é $lis", 2, ["$list"]), ("@li", 0, ["@list"]), ("%ma", 0, ["%map"]), ("$glo", 0, ["$glob"]),
        ("$xyz->{al", 7, ["alpha"]), ("$map{k", 5, ["key"]), ("$o->ge", 4, ["getx"]), ("Pt->ne", 4, ["new"]), ("incre", 0, ["increment"]),
        ("print spri", 6, ["sprintf"]), ("lexi", 0, ["lexi"]), ("&incr", 0, ["&increment"]), ("use List::Uti", 4, ["List::Util", "List::Util::"]),
        ("%EN", 0, ["%ENV"]), ("zzz", 0, []), ("1; # incr", 9, []),
    ]:
        reply = perl.complete(code)
        assert (reply["cursor_start"], reply["matches"], reply["cursor_end"]) == (start, matches, len(code)), code
    assert perl.late == []


def test_inspection(perl):
    perl.execute(SETUP)
    for code, text in [("$xyz", "$xyz = {alpha => 1}"), ("$list[0]", ""), ("@list", "Elements: 2"), ("increment", "# Adds one.\nsub increment"),
                       ("$o->getx", "sub Pt::getx"), ("push", "append one or more elements"), ("Pt", "Subs: getx new"),
                       ("Data::Dumper", "Data/Dumper.pm"), ("nosuch", "")]:
        reply = perl.inspect(code)
        assert reply["found"] == bool(text), code
        assert text in reply["data"].get("text/plain", ""), code


@pytest.mark.parametrize("code, status", [
    ("1", "complete"), ("", "complete"), ("sub f { 1 }", "complete"), ("# c", "complete"), ("sub f {", "incomplete"), ("1 +", "incomplete"),
    ("'abc", "incomplete"), ("print <<E;\na", "incomplete"), ("s/a/", "incomplete"), ("f(1,", "incomplete"), ("1 + )", "invalid"), ("}", "invalid"),
    ("use strict; $nope", "invalid"),
])
def test_is_complete(perl, code, status):
    assert perl.is_complete(code)["status"] == status


def test_is_complete_runs_nothing_here(perl):
    assert perl.is_complete("BEGIN { $::ran = 1; print 'x' } $::ran = 2;")["status"] == "complete"
    assert show(perl, "defined $::ran ? 1 : 'not run'") == ["result: 'not run'"]
    assert perl.is_complete("if (1) {\n    f(")["indent"] == "        "


# -- the end ------------------------------------------------------------------------------------------------

def test_shutdown_runs_end_blocks(perl, tmp_path):
    perl.execute("END { open my $f, '>', 'farewell'; print {$f} 'bye' }")
    assert perl.shutdown() == 0
    assert (tmp_path / "farewell").read_text() == "bye"


def test_it_ends_when_the_server_is_gone(perl):
    os.close(perl._fds.pop(3))
    assert perl.wait_exit() == 0


def test_it_is_quick(perl):
    times = []
    for _ in range(200):
        began = time.perf_counter()
        perl.execute(";")
        times.append(time.perf_counter() - began)
    print("handshake %.0f ms, no-op cell %.2f ms" % (perl.started_in * 1000, sorted(times)[100] * 1000))
    assert sorted(times)[100] < 0.02
