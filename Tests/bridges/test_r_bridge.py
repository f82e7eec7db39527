"""The R bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "r"
INTERRUPTED = "error: KeyboardInterrupt: "

pytestmark = pytest.mark.skipif(not (os.environ.get("PARLEY_R") or shutil.which("R")), reason="needs R: apt install r-base-core")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One R for the tests that leave nothing behind."""
    with Bridge.from_folder(FOLDER, cwd=tmp_path_factory.mktemp("r")) as bridge:
        yield bridge


@pytest.fixture
def r(shared):
    shared.answers.clear()
    shared.asked.clear()
    yield shared
    shared.ack_delay = 0
    assert shared.execute("rm(list = ls(all.names = TRUE))").status == "ok"


@pytest.fixture
def own(tmp_path):
    """An R of this test's own."""
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        yield bridge


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def data_of(cell):
    return [event.content["data"] for event in cell.of_type("display_data", "execute_result", "update_display_data")]


def traceback(cell):
    return cell.reply.content["traceback"]


# -- start -------------------------------------------------------------------------------------------

def test_it_introduces_itself(r):
    assert r.info["bridge_protocol"] == 1
    assert r.info["language_info"]["name"] == "R"
    assert re.fullmatch(r"\d+\.\d+\.\d+", r.info["language_info"]["version"])
    assert set(r.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_it_prints_nothing_by_itself(r):
    assert show(r, "") == []
    assert show(r, "# a comment\n\n") == []
    assert show(r, "x <- 1\n") == []
    r.pump_for(0.05)
    assert r.late == []


def test_a_bare_environment_is_utf8(tmp_path):
    with Bridge.from_folder(FOLDER, env={"PATH": os.environ["PATH"]}, cwd=tmp_path) as bridge:
        assert show(bridge, "x <- 'äö🎉'; cat(nchar(x), x)") == ["stdout: 3 äö🎉"]


def test_the_profile_is_read(tmp_path):
    (tmp_path / ".Rprofile").write_text("cat('hello from the profile\\n'); from_profile <- 17\n")
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        assert show(bridge, "from_profile") == ["result: [1] 17"]
        assert "".join(event.short() for event in bridge.late) == "stdout: hello from the profile\n"


# -- values and text -----------------------------------------------------------------------------------

def test_the_last_value_is_the_result(r):
    assert show(r, "6 * 7") == ["result: [1] 42"]
    assert show(r, "x <- 3; 1; 'a'\nx + 1") == ['stdout: [1] 1\n[1] "a"\n', "result: [1] 4"]
    assert show(r, "invisible(3)") == []
    assert show(r, "(invisible(3))") == ["result: [1] 3"]
    assert show(r, "NULL") == ["result: NULL"]
    assert show(r, "6 * 7", silent=True) == []
    assert show(r, "1; .Last.value + 1") == ["stdout: [1] 1\n", "result: [1] 2"]


def test_objects_of_all_kinds(r):
    assert show(r, 'setClass("P", representation(x = "numeric")); new("P", x = 1)')[-1] == (
        'result: An object of class "P"\nSlot "x":\n[1] 1\n')
    assert show(r, 'A <- setRefClass("A", methods = list(show = function() cat("<A>\\n"))); A$new()')[-1] == "result: <A>"
    assert show(r, "print.foo <- function(x, ...) cat('a foo\\n'); structure(1, class = 'foo')") == ["result: a foo"]
    assert show(r, "function(x) { x  # as written\n}") == ["result: function(x) { x  # as written\n}"]


def test_state_and_unicode(r):
    assert show(r, "größe <- '☃'; df <- list(`a b` = 1)") == []
    assert show(r, "cat('héllo', größe, '𝄞\\n'); größe; df$`a b`") == ['stdout: héllo ☃ 𝄞\n[1] "☃"\n', "result: [1] 1"]


def test_every_character_arrives(r):
    text = "".join(chr(n) for n in range(1, 0x180) if n not in (10, 13)) + "\"\\\\u0001 \u2028 \ufffd 🎉𝄞"
    r.answers.append(text)
    cell = r.execute("x <- readline(); publish_mimebundle(list('text/plain' = x)); cat(x)")
    assert data_of(cell)[0]["text/plain"] == text
    assert cell.text() == text


def test_bytes_that_are_not_utf8(r):
    cell = r.execute(r"x <- 'a\xffb'; publish_mimebundle(list('text/plain' = x)); publish_mimebundle(list('text/plain' = '\xe9'))")
    assert cell.status == "ok"
    assert [data["text/plain"] for data in data_of(cell)] == ["a\ufffdb", "\ufffd"]


def test_text_and_displays_keep_their_order(r):
    r.ack_delay = 0.02
    assert show(r, "for (i in 1:3) { cat('out', i, '\\n'); message('err ', i); display_html('<b>'); }") == [
        line for i in (1, 2, 3) for line in ("stdout: out %d \n" % i, "stderr: err %d\n" % i, "display: ['text/html']")]


def test_large_output(r):
    cell = r.execute("cat(strrep('x', 3e6)); display_html(strrep('\"', 1e6))")
    assert len(cell.text()) == 3_000_000
    assert data_of(cell)[0]["text/html"] == '"' * 1_000_000


def test_a_large_cell(r):
    assert show(r, "x <- '%s'; nchar(x)" % ("ä\\n" * 100_000)) == ["result: [1] 200000"]


def test_json_survives_the_users_options(r):
    r.execute("old <- options(OutDec = ',', scipen = -5, digits = 3)")
    cell = r.execute("display_json(list(x = 1.5, big = 123456789, n = NA, v = I(c(TRUE, FALSE)), tenth = 0.1, e = list()))")
    assert data_of(cell) == [{"application/json": {"x": 1.5, "big": 123456789, "n": None, "v": [True, False],
                                                   "tenth": 0.1, "e": []}}]
    assert r.execute("options(old)").status == "ok"


@pytest.mark.parametrize("value", [
    {"a": [1, 2.5, -3e-7, 1e300], "b": None, "c": [True, False], "ü\"\\": {"": []}}, [], {}, [[], {}, [None]], "x\n\ty\u0001", 17, "🎉"])
def test_json_text(r, value):
    cell = r.execute("display_json(%s)" % json.dumps(json.dumps(value)))
    assert data_of(cell) == [{"application/json": value}]


@pytest.mark.parametrize("text", ["{bad", "[1,2", '{"a":1,}', "01", "1 2", "nan", '"\\x"', ""])
def test_what_is_not_json_is_not_sent(r, text):
    cell = r.execute("display_json(%s)" % json.dumps(text))
    assert data_of(cell) == []
    assert "this is not valid JSON" in cell.reply.content["evalue"]


# -- rich values ---------------------------------------------------------------------------------------

def test_tables(r):
    html = data_of(r.execute("data.frame(n = 1:2, s = c('<a>', NA), f = factor(c('u', 'v')), d = as.Date('2026-01-02'))"))[0]["text/html"]
    assert "<caption>A data.frame: 2 × 4</caption>" in html
    assert "&lt;int&gt;" in html and "&lt;chr&gt;" in html and "&lt;fct&gt;" in html and "&lt;date&gt;" in html
    assert "<td>&lt;a&gt;</td>" in html and "<td>2026-01-02</td>" in html
    assert show(r, "data.frame(n = 1)") == ["result:   n\n1 1"]
    html = data_of(r.execute("matrix(1:4, 2, dimnames = list(c('r1', 'r2'), NULL))"))[0]["text/html"]
    assert "<th scope=row>r2</th><td>2</td><td>4</td>" in html
    assert "<dt>k</dt>\n\t<dd>1</dd>" in data_of(r.execute("list(k = 1, l = 'x')"))[0]["text/html"]
    assert "Levels: 2" in data_of(r.execute("factor(c('a', 'b', 'a'))"))[0]["text/html"]
    assert list(data_of(r.execute("data.frame()"))[0]) == ["text/plain"]


def test_large_tables_are_cut(r):
    html = data_of(r.execute("as.data.frame(matrix(1:40000, 1000))"))[0]["text/html"]
    assert html.count("<tr>") == 2 + 61
    assert "⋮" in html and "⋯" in html
    html = data_of(r.execute("options(repr.matrix.max.rows = 4); x <- data.frame(a = 1:9); options(repr.matrix.max.rows = NULL); x"))[0]["text/html"]
    assert html.count("<tr>") == 2 + 9


def test_rich_values_in_the_middle_are_displays(r):
    assert show(r, "1; data.frame(a = 1); 2") == ["stdout: [1] 1\n", "display:   a\n1 1", "result: [1] 2"]


def test_own_methods_for_rich_output(r):
    r.execute("repr_html.note <- function(obj, ...) paste0('<i>', obj, '</i>'); print.note <- function(x, ...) cat('note\\n')")
    assert data_of(r.execute("structure('hi', class = 'note')")) == [{"text/html": "<i>hi</i>", "text/plain": "note"}]
    cell = r.execute("repr_html.note <- function(obj, ...) stop('no'); structure('hi', class = 'note')")
    assert cell.transcript == ["stderr: The value cannot be shown as more than text: no\n", "result: note"]


def test_display_functions(r):
    cell = r.execute("display_html('<b>'); display_markdown('*a*'); display_latex('$x$'); display_svg('<svg/>')\n"
                     "display_javascript('1'); display_png(as.raw(c(0x89, 0x50, 0, 255)), width = 3)")
    assert data_of(cell) == [{"text/html": "<b>"}, {"text/markdown": "*a*"}, {"text/latex": "$x$"}, {"image/svg+xml": "<svg/>"},
                             {"application/javascript": "1"}, {"image/png": base64.b64encode(b"\x89P\0\xff").decode()}]
    assert cell.events[-1].content["metadata"] == {"image/png": {"width": 3}}
    assert show(r, "clear_output(); clear_output(FALSE)") == ["clear_output: wait=True", "clear_output: wait=False"]


def test_display_ids(r):
    cell = r.execute("id <- display('a', display_id = TRUE); update_display('b', id); display('c', display_id = 'mine')")
    assert cell.transcript == ['display: [1] "a"', 'update: [1] "b"', 'display: [1] "c"']
    ids = [event.content["transient"]["display_id"] for event in cell.events]
    assert ids[0] == ids[1] != ids[2] == "mine"


def test_irdisplay_works_too(r):
    if r.execute("stopifnot(requireNamespace('IRdisplay', quietly = TRUE))").status == "error":
        pytest.skip("needs r-cran-irdisplay")
    assert show(r, "IRdisplay::display_html('<b>'); IRdisplay::clear_output()") == ["display: ['text/html']", "clear_output: wait=True"]


# -- plots ---------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"


def pictures(cell):
    return [data for data in data_of(cell) if any(kind.startswith("image/") for kind in data)]


def test_one_plot_however_many_calls_draw_it(r):
    cell = r.execute("plot(1:3)\ncat('text\\n')\nlines(3:1)\ntitle('é ☃')")
    assert cell.transcript == ["stdout: text\n", "display: plot without title"]
    picture = base64.b64decode(pictures(cell)[0]["image/png"])
    assert picture.startswith(PNG)
    assert int.from_bytes(picture[16:20], "big") == 840
    assert cell.events[-1].content["metadata"] == {"image/png": {"width": 420, "height": 420}}


def test_a_new_page_is_a_new_plot(r):
    assert len(pictures(r.execute("plot(1); plot(2); barplot(3)"))) == 3
    assert len(pictures(r.execute("par(mfrow = c(1, 2)); plot(1); plot(2)"))) == 1
    assert len(pictures(r.execute("par(mfrow = c(1, 2)); plot(1); plot(2); plot(3)"))) == 2
    assert len(pictures(r.execute("library(grid); grid.newpage(); grid.rect(); grid.newpage(); grid.circle()"))) == 2
    assert show(r, "plot(1); 42") == ["display: plot without title", "result: [1] 42"]


def test_a_plot_comes_before_the_error(r):
    assert show(r, "plot(1); stop('x')") == ["display: plot without title", "error: simpleError: x"]
    assert r.execute("lines(1:2)").reply.content["evalue"] == "plot.new has not been called yet"


def test_plot_formats_and_sizes(r):
    r.execute("options(parley.plot.mimetypes = c('image/svg+xml', 'image/png'), repr.plot.width = 4, repr.plot.height = 3, repr.plot.res = 100)")
    cell = r.execute("plot(1)")
    data = pictures(cell)[0]
    assert data["image/svg+xml"].startswith("<?xml") and "</svg>" in data["image/svg+xml"]
    assert base64.b64decode(data["image/png"])[16:24] == (400).to_bytes(4, "big") + (300).to_bytes(4, "big")
    r.execute("options(parley.plot.mimetypes = NULL, repr.plot.width = NULL, repr.plot.height = NULL, repr.plot.res = NULL)")


def test_devices_of_the_user(r, tmp_path):
    file = tmp_path / "mine.png"
    assert len(pictures(r.execute("png('%s'); plot(1); invisible(dev.off())" % file))) == 0
    assert file.read_bytes().startswith(PNG)
    assert len(pictures(r.execute("plot(1); invisible(dev.off())"))) == 1
    assert len(pictures(r.execute("plot(1); graphics.off(); plot(2)"))) == 2


# -- help ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", ["?mean", "help('mean')", "help(mean)"])
def test_help_is_a_page(r, code):
    cell = r.execute(code)
    assert cell.transcript == []
    page = cell.reply.content["payload"][0]
    assert page["source"] == "page"
    assert "Arithmetic Mean" in page["data"]["text/plain"] and "_\b" not in page["data"]["text/plain"]
    assert "<h2>Arithmetic Mean</h2>" in page["data"]["text/html"] and "<body" not in page["data"]["text/html"]


def test_other_pages(r):
    assert "No documentation for" in show(r, "help('no_such_thing')")[0]
    assert show(r, "View(data.frame(a = 1))") == ["display:   a\n1 1"]
    assert 'href="http://a.b/?c&amp;d"' in data_of(r.execute("browseURL('http://a.b/?c&d')"))[0]["text/html"]
    assert "mtcars" in r.execute("data(package = 'datasets')").reply.content["payload"][0]["data"]["text/plain"]
    assert "no editor" in r.execute("edit(1)").reply.content["evalue"]


# -- conditions ----------------------------------------------------------------------------------------

def test_warnings(r):
    assert show(r, "warning('w1'); f <- function() warning('w2'); f()\n3") == [
        "stderr: Warning message:\nw1\nWarning message:\nIn f() : w2\n", "result: [1] 3"]
    assert show(r, "for (i in 1:3) warning('a', i)") == ["stderr: Warning messages:\n1: a1\n2: a2\n3: a3\n"]
    assert show(r, "for (i in 1:13) warning('a', i)") == ["stderr: There were 13 warnings (use warnings() to see them)\n"]
    assert show(r, "length(warnings())") == ["result: [1] 13"]
    assert show(r, "{ warning('before'); stop('then') }") == ["stderr: Warning message:\nbefore\n", "error: simpleError: then"]
    assert show(r, "suppressWarnings(warning('no')); suppressMessages(message('no'))") == []
    assert show(r, "options(warn = 1); warning('now'); cat('after\\n')") == ["stderr: Warning: now\n", "stdout: after\n"]
    assert show(r, "options(warn = 2); warning('bad')") == ["error: simpleError: (converted from warning) bad"]
    assert show(r, "options(warn = -1); warning('none')") == []
    assert show(r, "options(warn = 0)") == []


def test_errors_name_the_call_and_the_line(r):
    cell = r.execute("f <- function(x) {\n  g(x)\n}\ng <- function(y) stop('broken')\n\nf(1)")
    assert cell.transcript == ["error: simpleError: broken"]
    text = "\n".join(traceback(cell))
    assert text.startswith("Error in g(x) : broken\n  <cell %d>, line 6\n" % r.execution_count)
    assert "1. f(1)\n2. g(x)   # <cell %d>, line 2\n3. stop(\"broken\")   # <cell %d>, line 4" % ((r.execution_count,) * 2) in text
    assert "parley" not in text and "withCallingHandlers" not in text
    assert show(r, "'not' + 1") == ["error: simpleError: non-numeric argument to binary operator"]


def test_errors_of_other_classes(r):
    cell = r.execute("stop(structure(class = c('my_error', 'error', 'condition'), list(message = 'mm', call = NULL)))")
    assert cell.transcript == ["error: my_error: mm"]


def test_a_fault_in_the_code_is_found_before_anything_runs(r):
    cell = r.execute("cat('no\\n')\n\nx y")
    assert cell.transcript == ["error: ParseError: <cell %d>:3:3: unexpected symbol" % r.execution_count]
    assert "3: x y\n     ^" in traceback(cell)[0]


def test_the_rest_of_the_cell_is_not_run(r):
    assert show(r, "cat('a\\n'); stop('b'); cat('c\\n')") == ["stdout: a\n", "error: simpleError: b"]


def test_handled_conditions(r):
    assert show(r, "tryCatch(stop('x'), error = function(e) cat('caught\\n'), finally = cat('fin\\n'))") == ["stdout: caught\nfin\n"]
    assert show(r, "try(stop('x'), silent = TRUE); 1") == ["result: [1] 1"]
    assert show(r, "withCallingHandlers(message('m'), message = function(m) { cat('saw\\n'); invokeRestart('muffleMessage') })") == [
        "stdout: saw\n"]


def test_traceback_and_the_error_option(r):
    r.execute("f <- function() stop('x'); options(error = quote(cat('option\\n'))); f()")
    assert "f()" in r.execute("options(error = NULL); traceback()").text()
    assert "option\n" in r.execute("options(error = function() cat('option\\n')); stop('y')").text()
    assert r.execute("options(error = NULL)").status == "ok"


def test_top_level_is_the_top_level(r):
    assert show(r, "length(sys.calls()); identical(parent.frame(), globalenv())") == ["stdout: [1] 0\n", "result: [1] TRUE"]
    assert show(r, "globalCallingHandlers(warning = function(w) cat('mine\\n')); warning('q')")[0] == "stdout: mine\n"
    assert r.execute("globalCallingHandlers(NULL)").status == "ok"
    assert show(r, "stop('still told')") == ["error: simpleError: still told"]


def test_endless_recursion(r):
    assert r.execute("g <- function(n) g(n + 1); g(1)").status == "error"
    assert r.execute("options(expressions = 100); h <- function(n) h(n + 1); h(1)").status == "error"
    assert show(r, "options(expressions = 5000); 1") == ["result: [1] 1"]


@pytest.mark.parametrize("code", ["break", "invokeRestart('abort')", "next"])
def test_what_abandons_a_cell(r, code):
    assert r.execute(code + "\ncat('not reached')").status == "error"
    assert show(r, "1") == ["result: [1] 1"]


# -- questions to the user -----------------------------------------------------------------------------

def test_input(r):
    r.answers.extend(["Ada", "x", "one two", "3", "sécret"])
    cell = r.execute("a <- readline('name? '); b <- readLines('stdin', n = 1); c <- scan('stdin', what = '', n = 2, quiet = TRUE)\n"
                     "d <- scan(n = 1, quiet = TRUE); e <- getOption('askpass')('pass? '); cat(a, b, c, d, e)")
    assert cell.text() == "Ada x one two 3 sécret"
    assert [event.content["prompt"] for event in r.asked] == ["name? ", "", "1: ", "1: ", "pass? "]
    assert [event.content["password"] for event in r.asked] == [False] * 4 + [True]
    r.answers.extend(["9", "2"])
    assert show(r, "menu(c('a', 'b'))")[-1] == "result: [1] 2"


def test_input_refused(r):
    cell = r.execute("readline('name? ')", allow_stdin=False)
    assert cell.transcript[-1].startswith("error: StdinNotImplementedError: this front end cannot be asked")
    r.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "nobody"})
    assert show(r, "readline()")[-1] == "error: StdinNotImplementedError: nobody"
    r.answers.append({"status": "eof"})
    assert show(r, "readline()")[-1] == 'result: [1] ""'


def test_browser_looks_into_a_function(r):
    r.answers.extend(["inside", "inside <- 5", "nope", "c"])
    cell = r.execute("f <- function() { inside <- 4; browser(); inside }; f()")
    assert "[1] 4\n" in cell.text()
    assert "object 'nope' not found" in cell.text("stderr")
    assert cell.transcript[-1] == "result: [1] 5"
    r.answers.append("Q")
    assert r.execute("f()").status == "error"


# -- children and descriptors --------------------------------------------------------------------------

def test_children(r):
    assert show(r, "system('echo out; echo err >&2; exit 3')")[:1] == ["stdout: out\n"]
    assert show(r, "x <- system('exit 3'); x; system('echo a; echo b', intern = TRUE)") == ["stdout: [1] 3\n", 'result: [1] "a" "b"']
    assert show(r, "system2('echo', c('a', 'b'), stdout = TRUE)") == ['result: [1] "a b"']
    assert show(r, "system('cat', intern = TRUE)") == ["result: character(0)"]
    assert show(r, "system('exit 3', intern = TRUE)")[0].startswith(
        "stderr: Warning message:\nIn system(\"exit 3\", intern = TRUE) : running command 'exit 3' had status 3\n")
    assert show(r, "c <- pipe('echo q'); readLines(c); close(c)") == ['stdout: [1] "q"\n']


@pytest.mark.parametrize("run", ["system(%s, intern = TRUE)", "readLines(p <- pipe(%s)) -> x; close(p); x", "system2('sh', c('-c', shQuote(%s)), stdout = TRUE)"])
def test_children_do_not_inherit_the_bridges_pipes(r, run):
    command = "readlink /proc/$$/fd/* | sort | uniq -c"
    cell = r.execute(run % json.dumps(command))
    ours = {os.readlink("/proc/%d/fd/%d" % (r.pid, fd)) for fd in (0, 3, 4)}
    assert cell.status == "ok" and "pipe:" in cell.events[-1].content["data"]["text/plain"]
    assert not any(pipe in cell.events[-1].content["data"]["text/plain"] for pipe in ours)


def test_background_children(r, gate):
    assert show(r, "system('(until [ -e %s ]; do sleep 0.01; done; echo late)', wait = FALSE)" % gate) == []
    gate.touch()
    r.pump_late("stdout: late\n")
    r.late.clear()


def test_forked_children_cannot_write_frames(r):
    cell = r.execute("library(parallel)\nj <- mcparallel({ display_html('x'); message('m'); plot(1); cat('child\\n'); 7 })\n"
                     "x <- mccollect(j); x[[1]]")
    assert cell.text() == "child\n" and cell.transcript[-1] == "result: [1] 7"
    assert cell.of_type("display_data") == []
    assert r.execute("mclapply(1:2, function(i) stop('x'))").status == "ok"


def test_connections_are_the_bridges_own(own):
    own.execute("con <- textConnection('x'); closeAllConnections()")
    assert show(own, "1") == ["result: [1] 1"]
    for number in range(3, 8):
        own.execute("close(getConnection(%d))" % number)
        assert show(own, "1") == ["result: [1] 1"]
    own.answers.append("x")
    assert show(own, "stop('a')") == ["error: simpleError: a"]
    assert show(own, "readline()")[-1] == 'result: [1] "x"'


@pytest.mark.parametrize("code", [
    "detach('tools:parley'); T <- FALSE; F <- TRUE; compiler::enableJIT(0); set.seed(1)",
    "c <- list <- function(...) stop('mine'); print <- cat <- NULL",
    "Sys.setlocale('LC_ALL', 'C'); Sys.setenv(LANGUAGE = 'de')",
    "options(digits = 3, OutDec = ',', max.print = 10, width = 40, scipen = -9, encoding = 'latin1')",
    "options(warn = 2, show.error.messages = FALSE, keep.source = FALSE, device = 'pdf')",
    "setwd(tempdir()); unlink(getwd(), recursive = TRUE); gc()",
])
def test_the_bridge_survives(own, code):
    own.execute(code)
    assert own.execute("answer <- 6 * 7").status == "ok"
    assert own.execute("stop('ä')").reply.content["ename"] == "simpleError"
    assert own.complete("read.cs")["matches"] == ["read.csv", "read.csv2"]
    assert own.is_complete("f(")["status"] == "incomplete"
    assert own.execute("stopifnot(answer == 42)").status == "ok"
    assert own.execute("answer").status == "ok"


def test_sink_is_the_users(r, tmp_path):
    assert show(r, "sink('%s'); cat('hidden\\n'); print(3)" % (tmp_path / "sunk")) == []
    assert show(r, "4") == ["result: [1] 4"]
    assert show(r, "sink()") == []
    assert (tmp_path / "sunk").read_text() == "hidden\n[1] 3\n"


def test_line_ends_of_other_systems(r):
    assert show(r, "x <- 1\r\nif (x > 0) {\r\n  x + 1\r\n}") == ["result: [1] 2"]
    assert show(r, "x\r\n\r\nstop('third')")[-1] == "error: simpleError: third"
    assert r.is_complete("x <- 1\r\n")["status"] == "complete"


# -- interrupts ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "repeat {}", "Sys.sleep(60)", "system('sleep 60'); cat('after')", "x <- system('sleep 60', intern = TRUE); cat('after')",
    "system2('sleep', '60'); cat('after')", "readLines(p <- pipe('sleep 60'))", "readline('? ')",
    "for (i in 1:1e6) display_html('x')", "for (i in 1:1e6) message('x')", "repeat plot(1)",
    "parallel::mclapply(1:2, function(i) Sys.sleep(60))",
])
def test_interrupts(r, code):
    r.execute("kept <- 1")
    cell = r.start_execute("cat('started\\n'); " + code)
    r.pump(lambda: "started\n" in cell.text())
    r.pump_for(0.1)
    r.interrupt()
    r.wait(cell, 10)
    assert cell.transcript[-1] == INTERRUPTED
    assert "after" not in cell.text()
    assert show(r, "kept") == ["result: [1] 1"]
    r.late.clear()


def test_a_second_interrupt_of_a_stubborn_program(r):
    cell = r.start_execute("""system("trap '' INT; echo in; sleep 60"); cat('after')""")
    r.pump(lambda: "in\n" in cell.text())
    r.interrupt()
    r.interrupt()
    for member in [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat")]:
        if os.getpgid(member) == r.pid != member:
            os.kill(member, signal.SIGTERM)   # as the server does
    assert r.wait(cell, 10).transcript == ["stdout: in\n", "stderr: Terminated\n", INTERRUPTED]   # the shell's word


def test_a_timeout_is_no_interrupt(r):
    assert show(r, "suppressWarnings(system('sleep 60', timeout = 1)); cat('after')") == ["stdout: after"]
    assert show(r, "x <- suppressWarnings(system('sleep 60', timeout = 1, intern = TRUE)); attr(x, 'status')") == ["result: [1] 124"]


def test_interrupts_can_be_handled(r):
    for sleep in ("Sys.sleep(60)", "system('sleep 60')"):
        cell = r.start_execute("cat('started\\n'); tryCatch(%s, interrupt = function(i) cat('mine\\n')); cat('on\\n')" % sleep)
        r.pump(lambda: "started\n" in cell.text())
        r.pump_for(0.1)
        r.interrupt()
        assert r.wait(cell, 10).transcript == ["stdout: started\nmine\non\n"]
    cell = r.start_execute("f <- function() { on.exit(cat('cleanup\\n')); cat('started\\n'); Sys.sleep(60) }; f()")
    r.pump(lambda: "started\n" in cell.text())
    r.interrupt()
    assert r.wait(cell, 10).transcript == ["stdout: started\ncleanup\n", INTERRUPTED]


def test_interrupts_that_come_while_one_is_told(r):
    """R itself would end the cell at the second, without a word of why."""
    r.execute("kept <- 1")
    chance = random.Random(1)
    for code in ["repeat {}", "f <- function() g(); g <- function() repeat 1; f()", "system('sleep 60')"] * 40:
        cell = r.start_execute("cat('in\\n'); " + code)
        r.pump(lambda: "in\n" in cell.text())
        end = time.monotonic() + 20
        while not cell.reply and time.monotonic() < end:
            r.interrupt()
            r.pump_for(chance.choice([0, 0, 0.0005, 0.001, 0.002, 0.01]))
        assert cell.transcript == ["stdout: in\n", INTERRUPTED]
    assert show(r, "kept") == ["result: [1] 1"]


def test_an_interrupt_while_idle_does_nothing(r):
    for _ in range(3):
        r.interrupt()
        r.settle()
    assert show(r, "for (i in 1:5000) sqrt(i); 1") == ["result: [1] 1"]


# -- completion, inspection, is_complete, expressions ----------------------------------------------------

def completions(bridge, code, cursor_pos=None):
    reply = bridge.complete(code, cursor_pos)
    assert reply["status"] == "ok"
    assert [t["text"] for t in reply["metadata"]["_jupyter_types_experimental"]] == reply["matches"]
    return code[reply["cursor_start"]:reply["cursor_end"]], reply["matches"]


def test_completion(r, tmp_path):
    (tmp_path / "inside.csv").touch()
    r.execute("my_value <- list(alpha = 1, beta = 2); my_fun <- function(first, second) 1")
    assert completions(r, "read.cs") == ("read.cs", ["read.csv", "read.csv2"])
    assert completions(r, "🎉; my_value$al") == ("my_value$al", ["my_value$alpha"])
    assert completions(r, "my_fun(fi")[1][0] == "first="
    r.execute("größe <- list(länge = 1); g2 <- 2; é名 <- 3")
    assert completions(r, "grö") == ("grö", ["größe"])
    assert completions(r, "🎉; größe$lä") == ("größe$lä", ["größe$länge"])
    assert completions(r, "1 + é") == ("é", ["é名"])
    assert completions(r, "my_fun(1,\n  sec")[1][0] == "second="
    assert "utils::head" in completions(r, "utils::hea")[1]
    assert "grid" in completions(r, "library(gri")[1]
    assert completions(r, "read.csv('%s/ins" % tmp_path)[1] == ["%s/inside.csv" % tmp_path]
    assert completions(r, "read.cs; other", 7) == ("read.cs", ["read.csv", "read.csv2"])
    assert completions(r, "no_such_") == ("no_such_", [])
    assert completions(r, "") == ("", [])


def test_completion_that_never_ends_is_interrupted(r):
    r.execute(".DollarNames.evil <- function(x, pattern) { cat('started\\n'); repeat {} }; e <- structure(list(), class = 'evil')")
    cell = r.start("complete_request", {"code": "e$a", "cursor_pos": 3})
    r.pump(lambda: "started\n" in cell.text())
    r.interrupt()
    assert r.wait(cell).reply.content["matches"] == []
    r.late.clear()


def test_inspection(r):
    r.execute("thing <- list(a = 1); own_function <- function(x, y = 2) { x  # comment\n}")
    assert "Arithmetic Mean" in r.inspect("mean")["data"]["text/plain"]
    assert "<h2>Arithmetic Mean</h2>" in r.inspect("mean(x, ")["data"]["text/html"]
    assert r.inspect("own_function")["data"]["text/plain"] == "own_function(x, y = 2)"
    assert "# comment" in r.inspect("own_function", detail_level=1)["data"]["text/plain"]
    assert r.inspect("🎉 <- thing", 7)["data"]["text/plain"].startswith("thing: list")
    assert "Head" in r.inspect("utils::head")["data"]["text/plain"] or "First" in r.inspect("utils::head")["data"]["text/plain"]
    assert r.inspect("no_such_thing")["found"] is False
    assert r.inspect("")["found"] is False


@pytest.mark.parametrize("code, status", [
    ("x <- 1", "complete"), ("", "complete"), ("f <- function(x) {\n  x\n}", "complete"), ("f <- function(x) {", "incomplete"),
    ("x <-", "incomplete"), ("'abc", "incomplete"), ("mean(1,", "incomplete"), ("if (TRUE)", "incomplete"), ("x |>", "incomplete"),
    ("r\"(abc", "incomplete"), ("x <- )", "invalid"), ("x y", "invalid"), ("}", "invalid"), ("'\\q'", "invalid"),
])
def test_is_complete(r, code, status):
    assert r.is_complete(code)["status"] == status


def test_indent(r):
    assert r.is_complete("f <- function(x) {")["indent"] == "  "
    assert r.is_complete("f <- function(x) {\n  if (x) {")["indent"] == "    "
    assert r.is_complete("x <-")["indent"] == ""


def test_user_expressions(r):
    cell = r.execute("x <- 20", user_expressions={"sum": "x + 22", "table": "data.frame(a = 1)", "bad": "nope"})
    got = cell.reply.content["user_expressions"]
    assert got["sum"]["data"] == {"text/plain": "[1] 42"}
    assert "text/html" in got["table"]["data"]
    assert got["bad"]["status"] == "error" and "nope" in got["bad"]["evalue"]


# -- the end -------------------------------------------------------------------------------------------

def test_shutdown_runs_last(own, tmp_path):
    own.execute(".Last <- function() cat('bye', file = 'farewell')")
    assert own.shutdown() == 0
    assert (tmp_path / "farewell").read_text() == "bye"


def test_quit_ends_the_process(own):
    own.start_execute("quit(status = 3)")
    assert os.waitstatus_to_exitcode(own.wait_exit()) == 3


def test_it_ends_when_the_server_is_gone(own):
    os.close(own._fds.pop(3))
    assert own.wait_exit() == 0


def test_it_is_quick(r):
    times = []
    for _ in range(100):
        start = time.perf_counter()
        r.execute("NULL -> x")
        times.append(time.perf_counter() - start)
    assert sorted(times)[50] < 0.05  # about 2 ms; the limit is for a loaded machine
