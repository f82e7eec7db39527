"""The Lua bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bridge_driver import Bridge

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "lua"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
                         "AABJRU5ErkJggg==")
LUA = next((found for name in ("lua5.4", "lua54") if (found := shutil.which(name))), None)
HEADERS = LUA and any(Path(p, "lua.h").exists() for p in ("/usr/include/lua5.4", "/usr/include", "/usr/local/include"))

pytestmark = pytest.mark.skipif(not (LUA and HEADERS and shutil.which("cc")),
                                reason="needs lua5.4, its headers and a C compiler")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One compiled library for all tests of the module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lua(tmp_path, cache):
    env = dict(os.environ, XDG_CACHE_HOME=str(cache))
    with Bridge.from_folder(FOLDER, env=env, cwd=tmp_path) as bridge:
        yield bridge


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def interrupt(bridge):
    """SIGINT to the group, then SIGURG to the bridge, as in section 7."""
    bridge.interrupt()
    os.kill(bridge.pid, signal.SIGURG)


def interrupted(bridge, code, timeout=5):
    """Runs a cell that prints "in" and then never ends; interrupts it, as the server does once more after
    interrupt_repeat."""
    cell = bridge.start_execute(code)
    bridge.pump(lambda: "in\n" in cell.text())
    bridge.pump_for(0.05)
    interrupt(bridge)
    try:
        return bridge.wait(cell, 1 + bridge.manifest["interrupt_repeat"])
    except TimeoutError:
        interrupt(bridge)
        return bridge.wait(cell, timeout)


# -- start -------------------------------------------------------------------------------------------

def test_it_introduces_itself(lua):
    assert lua.info["bridge_protocol"] == 1
    assert lua.info["language_info"]["name"] == "lua"
    assert lua.info["language_info"]["file_extension"] == ".lua"
    assert set(lua.info["capabilities"]) == {"complete", "inspect", "is_complete"}


def test_it_prints_nothing_by_itself(lua):
    assert show(lua, "") == []
    assert show(lua, "-- a comment") == []
    assert show(lua, "x = 1") == []
    lua.pump_for(0.05)
    assert lua.late == []


def test_without_a_compiler_it_says_what_is_missing(tmp_path):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CC": "no-such-compiler"}
    run = subprocess.run([LUA, FOLDER / "bridge.lua"], env=env, stderr=subprocess.PIPE, text=True,
                         stdin=subprocess.DEVNULL, timeout=20)
    assert run.returncode == 78
    assert "apt install lua5.4 liblua5.4-dev gcc" in run.stderr
    assert "no-such-compiler" in run.stderr


def test_the_library_is_compiled_once_and_is_private(lua, cache):
    library, = (cache / "parley" / "lua").iterdir()
    assert library.stat().st_mode & 0o077 == 0


# -- values ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, lines", [
    ("6 * 7", ["result: 42"]),
    ("return 6 * 7", ["result: 42"]),
    ("'text'", ["result: text"]),
    ("1, nil, 'a'", ["result: 1\tnil\ta"]),
    ("nil", []),
    ("x = 5", []),
    ("x = 5 -- comment\nx + 1 -- comment", ["result: 6"]),
    ("x = 5; x", ["result: 5"]),
    ("print('a')", ["stdout: a\n"]),
    ("print('a')\nreturn 'b'", ["stdout: a\n", "result: b"]),
    ("do x = 1 end\nx == 1 and {1, 2}", ["result: {1, 2}"]),
    ("local t = {3, 1, 2}\ntable.sort(t)\nt", ["result: {1, 2, 3}"]),
    ("function f(a) return a * 2 end f(21)", ["result: 42"]),
    ("for i = 1, 3 do s = i end #'abc'", ["result: 3"]),
    ("f = print\nf 'x'", ["stdout: x\n"]),
    ("f = print\nf{} f = nil", None),
    ("x = function() return 1 end\n-- not a call: \nx()", ["result: 1"]),
    ("goto done; ::done:: 7", ["result: 7"]),
    ("while true do break end 8", ["result: 8"]),
    ("repeat local q = 1 until q == 1\nq", []),
    ("({a = 1}).a", ["result: 1"]),
    ("x = 1 x = -x x", ["result: -1"]),
    ("if false then elseif true then y = 2 else y = 3 end y", ["result: 2"]),
    ("s = [[a\nend]] --[[ local\n ]] s", ["result: a\nend"]),
    ("0x.8p1 + 3 // 2", ["result: 2.0"]),
    ("string.format('%d', 3)", ["result: 3"]),
    ("'ä☃𝄞'", ["result: ä☃𝄞"]),
])
def test_value_of_a_cell(lua, code, lines):
    cell = lua.execute(code)
    assert cell.status == "ok", cell.events
    if lines is not None:
        assert cell.transcript == lines


def test_tables_are_readable(lua):
    assert show(lua, "{1, 'two', {x = 1, ['a b'] = true, [3.5] = print == nil}}") == [
        'result: {1, "two", {[3.5] = false, ["a b"] = true, x = 1}}']
    assert show(lua, "t = {name = 'a'}; t.self = t; t") == ['result: {name = "a", self = <itself>}']
    assert show(lua, "{}") == ["result: {}"]
    assert show(lua, "setmetatable({1}, {__name = 'Point'})") == ["result: Point {1}"]
    assert show(lua, "setmetatable({}, {__tostring = function() return 'mine' end})") == ["result: mine"]
    many, = show(lua, "t = {}; for i = 1, 100000 do t[i] = i end; t")
    assert many.endswith("… 99900 more\n}") and len(many) < 2000
    deep, = show(lua, "t = {}; for i = 1, 1000 do t = {t} end; t")
    assert "{…}" in deep
    assert show(lua, "t = {}; for i = 1, 300000 do t['k' .. i] = i end; t")[0].endswith("… 299900 more\n}")
    long, = show(lua, "{first = ('x'):rep(50), second = ('y'):rep(50)}")
    assert long == 'result: {\n  first = "%s",\n  second = "%s"\n}' % ("x" * 50, "y" * 50)


def test_a_metamethod_that_fails_is_the_cells_error(lua):
    cell = lua.execute("setmetatable({}, {__tostring = function() error('no text') end})")
    assert cell.transcript == ["error: Error: cell[1]:1: no text"]


# -- state and top-level locals ----------------------------------------------------------------------

def test_locals_of_the_top_level_stay(lua):
    lua.execute("local a, b = 1, 2\nlocal c\nlocal function fact(n) return n < 2 and 1 or n * fact(n - 1) end")
    assert show(lua, "a, b, c, fact(5)") == ["result: 1\t2\tnil\t120"]
    assert show(lua, "a = a + 1; local b = b * 10; a, b") == ["result: 2\t20"]


def test_locals_are_no_globals(lua):
    lua.execute("local string = 'mine'\nlocal x = 1\ng = 2")
    assert show(lua, "string, x, _G.x, _G.g, type(_G.string), ('a'):upper()") == ["result: mine\t1\tnil\t2\ttable\tA"]
    assert show(lua, "string = nil\nstring.upper('a')") == ["result: A"]


def test_locals_in_blocks_and_functions_are_left_alone(lua):
    lua.execute("do local inner = 1 end\nfor i = 1, 2 do local looped = i end\n"
                "function f() local own = 1; return own end\nlocal t = {f = function() local deep = 2 return deep end}")
    assert show(lua, "inner, looped, own, deep, f(), t.f(), 0") == ["result: nil\tnil\tnil\tnil\t1\t2\t0"]
    assert show(lua, "local x = 'outer'\ndo local x = 'inner'; print(x) end\nprint(x)") == ["stdout: inner\nouter\n"]


def test_const_and_close(lua):
    assert show(lua, "local limit <const> = 10\nprint(limit)") == ["stdout: 10\n"]
    assert show(lua, "limit") == ["result: 10"]
    cell = lua.execute("local limit <const> = 10\nlimit = 11")
    assert cell.reply.content["ename"] == "SyntaxError"
    assert "attempt to assign to const variable 'limit'" in cell.reply.content["evalue"]
    closing = "setmetatable({}, {__close = function() print('closed') end})"
    assert show(lua, "local r <close> = %s\nprint('open')" % closing) == ["stdout: open\nclosed\n"]
    assert show(lua, "r") == []


def test_a_local_environment_is_the_cells_own_affair(lua):
    assert show(lua, "local print = print\nlocal _ENV = {}\nlocal x = 1\nprint(x)")[0].startswith("error")
    assert show(lua, "local p <const> = print\nlocal _ENV = {}\nlocal x = 1\np(x)") == ["stdout: 1\n"]


def test_more_than_two_hundred_locals(lua):
    lua.execute("\n".join("local v%d = %d" % (i, i) for i in range(300)))
    assert show(lua, "v299") == ["result: 299"]


def test_strict_globals_still_work(lua):
    lua.execute("setmetatable(_G, {__index = function(_, k) error('undefined ' .. k, 2) end})")
    assert show(lua, "missing") == ["error: Error: cell[2]:1: undefined missing"]
    assert show(lua, "6 * 7") == ["result: 42"]


def test_modules(lua, tmp_path):
    (tmp_path / "mod.lua").write_text("local M = {}\nfunction M.hi() return shared end\nreturn M\n")
    assert show(lua, "shared = 'seen'\nlocal mod = require 'mod'\nmod.hi()") == ["result: seen"]


# -- output and order --------------------------------------------------------------------------------

def test_order_of_everything(lua):
    assert show(lua, "print('a') io.stderr:write('b\\n') print('c') display{text = 'd'} io.write('e', 1, '\\n')\n"
                     "os.execute('echo f; echo g >&2') print('h')") == [
        "stdout: a\n", "stderr: b\n", "stdout: c\n", "display: d", "stdout: e1\n" "f\n", "stderr: g\n", "stdout: h\n"]


def test_output_is_live(lua):
    cell = lua.start_execute("io.write('now') os.execute('sleep 60')")
    lua.pump(lambda: cell.text() == "now", 5)
    for _ in range(3):       # one that comes before the program has started is lost; the server repeats it
        interrupt(lua)
        lua.pump_for(0 if cell.reply else 1)
    assert cell.reply is not None


def test_output_of_children_and_late_output(lua, gate):
    assert show(lua, "os.execute('echo child')\nio.popen('echo pipe'):read('a')")[0] == "stdout: child\n"
    lua.execute("os.execute('(until [ -e %s ]; do sleep 0.01; done; echo late) &')" % gate)
    gate.touch()
    lua.pump_late("stdout: late\n")


def test_what_execute_returns(lua):
    assert show(lua, "os.execute('exit 3')") == ["result: nil\texit\t3"]
    assert show(lua, "os.execute('kill -9 $$')") == ["result: nil\tsignal\t9"]
    assert show(lua, "os.execute('true')") == ["result: true\texit\t0"]
    assert show(lua, "os.execute()") == ["result: true"]


def test_children_inherit_no_descriptors_of_the_bridge(lua):
    numbers = show(lua, "os.execute('ls /proc/self/fd')")[0].split()
    assert "3" not in numbers or "4" not in numbers
    listing = show(lua, "os.execute('ls -l /proc/self/fd | grep -c pipe')")
    assert listing[0] in ("stdout: 2\n", "stdout: 3\n")         # 1 and 2, and grep's own


def test_closed_and_redirected_output(lua):
    assert show(lua, "local out = io.output('file')\nio.write('hidden')\nio.close()\nio.output(io.stdout)\n"
                     "io.write('seen\\n')\nio.open('file'):read('a')") == ["stdout: seen\n", "result: hidden"]
    lua.execute("io.stdout:close() io.stderr:close()")
    assert show(lua, "print(1) io.stderr:write('2\\n')") == ["stdout: 1\n", "stderr: 2\n"]


def test_broken_globals_do_not_break_the_bridge(lua):
    lua.execute("string = nil table = nil print = nil tostring = nil pairs = nil ipairs = nil error = nil type = nil "
                "next = nil select = nil pcall = nil io = nil os = nil debug = nil utf8 = nil math = nil load = nil "
                "rawget = nil rawset = nil setmetatable = nil getmetatable = nil tonumber = nil require = nil")
    assert show(lua, "{1, {a = 2}}") == ["result: {1, {a = 2}}"]
    assert show(lua, "nothing.x")[0].startswith("error: Error: cell[3]:1: attempt to index a nil value")
    assert lua.is_complete("for")["status"] == "incomplete"
    assert lua.complete("disp")["matches"] == ["display"]
    assert lua.inspect("display")["found"]
    assert show(lua, "display{html = '<b>', id = true}") == ["display: ['text/html']"]


def test_bytes_that_are_not_text(lua):
    assert show(lua, "print('a\\xffb')") == ["stdout: a\ufffdb\n"]
    assert show(lua, "'a\\xff\\xc3b'") == ["result: a\ufffd\ufffdb"]
    assert lua.execute("error('\\xff')").status == "error"


def test_large_output_and_a_large_cell(lua):
    assert lua.execute("for i = 1, 20000 do print(i) end").text() == "".join("%d\n" % i for i in range(1, 20001))
    data = "äx'\\\\" * 20000
    assert lua.execute("print(#'%s')" % data.replace("'", "\\'")).text() == "100000\n"


# -- rich display ------------------------------------------------------------------------------------

def test_display(lua):
    cell = lua.execute("display{html = '<b>x</b>', text = 'x', metadata = {['text/html'] = {isolated = true}}}")
    event, = cell.of_type("display_data")
    assert event.content["data"] == {"text/html": "<b>x</b>", "text/plain": "x"}
    assert event.content["metadata"] == {"text/html": {"isolated": True}}
    image = "".join("\\x%02x" % byte for byte in PIXEL)
    cell = lua.execute("display{png = '%s'} display{svg = '<svg/>'} display{markdown = '*x*'} display{latex = '$x$'}\n"
                       "display{json = {a = {1, 2.5, true}, b = {}}} display{mime = {['application/x'] = 'y'}}" % image)
    assert [e.content["data"] for e in cell.of_type("display_data")] == [
        {"image/png": base64.b64encode(PIXEL).decode()}, {"image/svg+xml": "<svg/>"}, {"text/markdown": "*x*"},
        {"text/latex": "$x$"}, {"application/json": {"a": [1, 2.5, True], "b": {}}}, {"application/x": "y"}]


def test_display_of_values(lua):
    assert show(lua, "display({1, 2}, 'text')") == ["display: {1, 2}", "display: text"]
    lua.execute("Shape = setmetatable({}, {__svg = function(s) return '<svg id=\"' .. (s.n or 0) .. '\"/>' end,\n"
                "__html = '<i>shape</i>', __tostring = function() return 'a shape' end})")
    event, = lua.execute("Shape").events
    assert event.type == "execute_result"
    assert event.content["data"] == {"image/svg+xml": '<svg id="0"/>', "text/html": "<i>shape</i>", "text/plain": "a shape"}
    assert lua.execute("display(Shape)").events[0].type == "display_data"
    assert lua.execute("setmetatable({}, {__mimebundle = function() return {['text/html'] = 'h'} end})"
                       ).events[0].content["data"] == {"text/html": "h", "text/plain": "{}"}


def test_display_ids_updates_and_clear(lua):
    cell = lua.execute("bar = display{text = '10 %', id = 'bar'}\nbar:update{text = '20 %'}\n"
                       "display{text = '30 %', id = 'bar', update = true}\nclear_output(true)\nbar")
    assert cell.transcript == ["display: 10 %", "update: 20 %", "update: 30 %", "clear_output: wait=True"]
    assert {e.content["transient"]["display_id"] for e in cell.events[:3]} == {"bar"}
    one, two = (lua.execute("display{text = 'x', id = true}").events[0].content["transient"]["display_id"] for _ in "12")
    assert one != two


@pytest.mark.parametrize("code, message", [
    ("display{text = 'x', update = true}", "update needs the id"),
    ("display{json = {print}}", "application/json: JSON cannot hold a function"),
    ("t = {}; t.t = t; display{json = t}", "a table that contains itself"),
    ("display{json = 0/0}", "JSON has no number"),
])
def test_mistakes_in_display(lua, code, message):
    cell = lua.execute(code)
    assert cell.status == "error" and message in cell.reply.content["evalue"]


# -- input -------------------------------------------------------------------------------------------

def test_reading(lua):
    lua.answers.extend(["Ada", "12 0x10 rest", "abcdef", "second"])
    assert show(lua, "io.write('name? ')\nprint(io.read())\nprint(io.read('n', 'n', 'l'))\n"
                     "print(io.read(3), io.stdin:read('*l'), io.read('L'))") == [
        "stdout: name? ", "input_request: ", "stdout: Ada\n", "input_request: ", "stdout: 12\t16\t rest\n",
        "input_request: ", "input_request: ", "stdout: abc\tdef\tsecond\n\n"]


def test_reading_to_the_end(lua):
    lua.answers.extend(["a", "b", {"status": "eof"}])
    assert show(lua, "for line in io.lines() do print('<' .. line .. '>') end\nprint(io.read(), io.read(0), io.read('a'))"
                )[-3:] == ["stdout: <b>\n", "input_request: ", "stdout: nil\tnil\t\n"]
    lua.answers.extend(["x", {"status": "eof"}])
    assert show(lua, "io.read('a')")[-1] == "result: x\n"


def test_input_with_a_prompt_and_a_password(lua):
    lua.answers.extend(["Ada", "geheim"])
    cell = lua.execute("input('name? ') .. input('secret? ', true)")
    assert cell.transcript == ["input_request: name? ", "input_request: secret? ", "result: Adageheim"]
    assert [e.content["password"] for e in lua.asked] == [False, True]


def test_files_are_read_as_ever(lua, tmp_path):
    (tmp_path / "f").write_text("1\n2\n")
    assert show(lua, "for l in io.lines('f') do print(l) end\nio.input('f')\nio.read('n'), io.read('n'), io.read('l')") == [
        "stdout: 1\n2\n", "result: 1\t2\t"]


def test_nobody_can_answer(lua):
    lua.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no input here"})
    cell = lua.execute("io.read()")
    assert cell.status == "error"
    assert (cell.reply.content["ename"], cell.reply.content["evalue"]) == ("StdinNotImplementedError", "no input here")


# -- interrupts --------------------------------------------------------------------------------------

ENDLESS = {
    "loop": "while true do end",
    "sleep": "os.execute('sleep 60')",
    "sleep as the last call": "return os.execute('sleep 60')",
    "loop around a sleep": "while true do os.execute('sleep 60') end",
    "popen": "io.popen('sleep 60'):read('a')",
    "read": "io.read()",
    "question": "input('? ')",
    "gsub with a function": "string.gsub(('x'):rep(1e7), '.', function() while true do end end)",
    "sort": "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end",
    "coroutine": "coroutine.resume(coroutine.create(function() while true do end end)) while true do end",
    "wrapped coroutine": "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()",
    "generator": "for i in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end",
    "pcall in a loop": "while true do pcall(function() while true do end end) end",
    "pcall around calls": "while true do pcall(error) end",
    "coroutines in a loop": "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "metamethod of the result": "return setmetatable({}, {__tostring = function() while true do end end})",
    "display in a loop": "while true do display{text = 'x'} end",
    "print in a loop": "while true do print('x') io.stderr:write('y') end",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_interrupt(lua, what):
    lua.execute("local kept = 'kept'")
    for _ in range(2):
        cell = interrupted(lua, "print('in')\n" + ENDLESS[what])
        assert cell.status == "error"
        assert cell.reply.content["ename"] == "KeyboardInterrupt"
    assert show(lua, "kept") == ["result: kept"]


def test_a_second_interrupt_does_not_wait(lua):
    cell = lua.start_execute("print('in') while true do pcall(function() print('again') while true do end end) end")
    lua.pump(lambda: cell.text().count("again") == 1)
    interrupt(lua)
    lua.pump(lambda: cell.text().count("again") >= 2)
    interrupt(lua)
    assert lua.wait(cell, 0.8).status == "error"


def test_cleaning_up_after_an_interrupt(lua):
    code = ("print('in')\nlocal good, why = pcall(function() while true do end end)\n"
            "for i = 1, 1e5 do local x = i * i end\nprint('cleaned up after ' .. why)")
    cell = interrupted(lua, code)
    assert cell.status == "ok"
    assert cell.text() == "in\ncleaned up after interrupted!\n"


def test_interrupts_while_nothing_runs(lua):
    for _ in range(3):
        interrupt(lua)
        lua.settle()
    assert show(lua, "6 * 7") == ["result: 42"]


def test_an_interrupt_names_the_line(lua):
    cell = interrupted(lua, "print('in')\nlocal function spin()\n  while true do end\nend\nspin()")
    text = "\n".join(cell.reply.content["traceback"])
    assert "cell[1]:3: in " in text and "cell[1]:5: in main chunk" in text
    assert "parley" not in text


# -- errors ------------------------------------------------------------------------------------------

def test_an_error_names_the_line(lua):
    cell = lua.execute("local t = nil\n\nlocal function get() return t.x end\nget()\n")
    error = cell.reply.content
    assert error["ename"] == "Error"
    assert error["evalue"] == "cell[1]:3: attempt to index a nil value (global 't')"
    text = "\n".join(error["traceback"])
    assert "     3 | local function get() return t.x end" in text
    assert "cell[1]:4: in main chunk" in text
    assert "parley" not in text and "[C]: in ?" not in text


def test_a_syntax_error(lua):
    cell = lua.execute("x = 1\nlocal = 2")
    assert cell.reply.content["ename"] == "SyntaxError"
    assert cell.reply.content["evalue"] == "cell[1]:2: <name> expected near '='"
    assert cell.reply.content["traceback"][1] == "     2 | local = 2"


def test_errors_that_are_no_text(lua):
    assert show(lua, "error({code = 5})") == ["error: table: {code = 5}"]
    assert show(lua, "error(setmetatable({}, {__name = 'MyError', __tostring = function() return 'told' end}))") == [
        "error: MyError: told"]
    assert show(lua, "error()") == ["error: nil: nil"]
    assert show(lua, "error(nil)") == ["error: nil: nil"]


def test_errors_in_earlier_cells_coroutines_and_stack_overflow(lua):
    lua.execute("function broken()\n  error('here')\nend")
    assert lua.execute("broken()").reply.content["evalue"] == "cell[1]:2: here"
    assert lua.execute("coroutine.wrap(function() error('inside') end)()").reply.content["evalue"].endswith("inside")
    assert show(lua, "coroutine.resume(coroutine.create(function() error('x', 0) end))") == ["result: false\tx"]
    assert "stack overflow" in lua.execute("local function f() return 1 + f() end f()").reply.content["evalue"]
    assert show(lua, "6 * 7") == ["result: 42"]


def test_coroutines_are_what_they_were(lua):
    assert show(lua, "co = coroutine.wrap(function(a, b) local c = coroutine.yield(a + b); return c, nil end)\n"
                     "co(1, 2), select('#', co('x'))") == ["result: 3\t2"]
    assert show(lua, "coroutine.resume(coroutine.create(print), 'a')") == ["stdout: a\n", "result: true"]
    assert show(lua, "pcall(coroutine.resume, 5)")[0].startswith("result: false\tbad argument #1")
    assert show(lua, "co()")[0].startswith("error: Error: cell[4]:1: cannot resume dead coroutine")
    assert show(lua, "c = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function(_, e) "
                     "print('closed', e) end}) error('e', 0) end) pcall(c)") == ["stdout: closed\te\n", "result: false\te"]


# -- the end -----------------------------------------------------------------------------------------

def test_exit(lua):
    lua.start_execute("print('bye') os.exit(3)")
    assert os.waitstatus_to_exitcode(lua.wait_exit()) == 3


def test_shutdown(lua):
    assert os.waitstatus_to_exitcode(lua.shutdown()) == 0


# -- questions ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, matches", [
    ("string.re", ["rep", "reverse"]),
    ("s:up", ["upper"]),
    ("('x'):up", []),
    ("'x':up", ["upper"]),
    ("point.", ["move", "x"]),
    ("point:", ["move"]),
    ("list[1].de", ["deep"]),
    ("print(poi", ["point"]),
    ("functio", ["function"]),
    ("no.such.", []),
    ("mine.sub.", ["inherited"]),
])
def test_completion(lua, code, matches):
    lua.execute("local s = 'x'\npoint = {x = 1, move = function() end}\nlist = {{deep = 1}}\n"
                "mine = setmetatable({}, {__index = {sub = setmetatable({}, {__index = {inherited = 1}})}})")
    assert lua.complete(code)["matches"] == matches


def test_completion_counts_code_points(lua):
    code = "x = '🎉' .. string.re + 1"
    reply = lua.complete(code, code.index(" + 1"))
    assert reply["matches"] == ["rep", "reverse"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (code.index("re +"), code.index(" + 1"))


def test_completion_has_no_effects(lua):
    lua.execute("trap = setmetatable({}, {__index = function() print('sprung') end})")
    assert lua.complete("trap.x.y")["matches"] == []
    assert lua.execute("1").transcript == ["result: 1"]


def test_inspection(lua):
    lua.execute("-- Adds two numbers.\n-- Both may be floats.\nlocal function add(a, b, ...)\n  return a + b\nend\nt = {add = add}")
    plain = lua.inspect("t.add")["data"]["text/plain"]
    assert plain.startswith("function t.add(a, b, ...)\nAdds two numbers.\nBoth may be floats.\ndefined in cell[1], line 3")
    assert "return a + b" not in plain
    assert "  return a + b\nend" in lua.inspect("t.add", detail_level=1)["data"]["text/plain"]
    assert "string.rep(s, n [, sep])" in lua.inspect("string.rep")["data"]["text/plain"]
    assert "string.rep(s, n [, sep])" in lua.inspect("string.rep('x', ")["data"]["text/plain"]
    assert "t: table" in lua.inspect("t")["data"]["text/plain"]
    assert lua.inspect("nothing_here")["found"] is False
    assert lua.inspect("")["found"] is False


@pytest.mark.parametrize("code, status, indent", [
    ("x = 1", "complete", None), ("6 * 7", "complete", None), ("", "complete", None),
    ("for i = 1, 2 do", "incomplete", "  "), ("function f()\n  if x then", "incomplete", "    "),
    ("x = [[open", "incomplete", ""), ("f(", "incomplete", "  "), ("--[[", "incomplete", ""),
    ("x = = 1", "invalid", None), ("end", "invalid", None), ("x = 'open", "invalid", None),
])
def test_is_complete(lua, code, status, indent):
    reply = lua.is_complete(code)
    assert reply["status"] == status
    assert reply.get("indent") == indent


def test_silent_and_user_expressions(lua):
    assert show(lua, "6 * 7", silent=True) == []
    reply = lua.execute("local x = 20", user_expressions={"a": "x + 1", "b": "x +", "c": "missing.y"}).reply.content
    assert reply["user_expressions"]["a"] == {"status": "ok", "data": {"text/plain": "21"}, "metadata": {}}
    assert reply["user_expressions"]["b"]["status"] == "error"
    assert not any("bridge.lua" in line for name in "bc" for line in reply["user_expressions"][name]["traceback"])
    assert "attempt to index a nil value" in reply["user_expressions"]["c"]["evalue"]
