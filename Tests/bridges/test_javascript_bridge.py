"""The JavaScript bridge, read as transcripts: a cell, and what a user of the notebook sees."""

import base64
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bridge_driver import Bridge, BridgeGone

FOLDER = Path(__file__).resolve().parents[2] / "kernelspecs" / "javascript"
NODE = os.environ.get("PARLEY_NODE") or shutil.which("node") or shutil.which("nodejs")
PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
         "AABJRU5ErkJggg==")
INTERRUPTED = "error: KeyboardInterrupt: interrupted"

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node.js 20 or newer: apt install nodejs, or PARLEY_NODE")


@pytest.fixture
def js(tmp_path):
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One bridge for cells that leave nothing behind."""
    with Bridge.from_folder(FOLDER, cwd=tmp_path_factory.mktemp("cells")) as bridge:
        yield bridge


def show(bridge, code, **fields):
    return bridge.execute(code, **fields).transcript


def interrupt(bridge):
    bridge.start("interrupt_request", {}, lane=5)


def interrupted(bridge, code, **fields):
    """Runs a cell that never ends until it has printed, and interrupts it."""
    cell = bridge.start_execute("console.log('in');" + code, **fields)
    bridge.pump(lambda: "in\n" in cell.text())
    bridge.pump_for(0.05)
    interrupt(bridge)
    return bridge.wait(cell, 8)


# -- start -------------------------------------------------------------------------------------------

def test_it_introduces_itself(js):
    assert js.info["bridge_protocol"] == 1
    assert js.info["language_info"]["name"] == "javascript"
    assert js.info["language_info"]["file_extension"] == ".js"
    assert set(js.info["capabilities"]) == {"complete", "inspect", "is_complete", "interrupt"}
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout.strip()
    assert "v" + js.info["language_info"]["version"] == version


def test_an_older_node_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "old.js").write_text("Object.defineProperty(process.versions, 'node', {value: '18.19.0'})")
    run = subprocess.run([NODE, "--require", tmp_path / "old.js", FOLDER / "bridge.js"], capture_output=True, text=True)
    assert run.returncode == 78
    assert "needs Node.js 20 or newer" in run.stderr and "PARLEY_NODE" in run.stderr


def test_it_prints_nothing_by_itself(js):
    assert show(js, "") == show(js, "// a comment") == show(js, "let x = 1;;") == show(js, "undefined") == []
    js.pump_for(0.05)
    assert js.late == []


def test_shutdown_runs_exit_handlers(js, tmp_path):
    js.execute("process.on('exit', () => require('fs').writeFileSync('bye', 'x'))")
    assert js.shutdown() == 0
    assert (tmp_path / "bye").exists()


def test_the_end_of_the_server_is_its_end(js):
    js.start_execute("while (true) {}")
    js.pump_for(0.3)
    os.close(js._fds.pop(3))
    js._fds[3] = os.open(os.devnull, os.O_WRONLY)
    assert js.wait_exit(5) is not None


# -- cells -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, lines", [
    ("6 * 7", ["result: 42"]),
    ("'text'", ["result: 'text'"]),
    ("null", ["result: null"]),
    ("10n ** 20n", ["result: 100000000000000000000n"]),
    ("({a: 1, b: [1, 2]})", ["result: { a: 1, b: [ 1, 2 ] }"]),
    ("{a: 1}", ["result: { a: 1 }"]),
    ("{ let x = 1; x + 1 }", ["result: 2"]),
    ("await 5", ["result: 5"]),
    ("Promise.resolve([1])", ["result: [ 1 ]"]),
    ("new Map([['k', 1]])", ["result: Map(1) { 'k' => 1 }"]),
    ("(() => ({ a: { b: { c: { d: 1 } } } }))()", ["result: { a: { b: { c: [Object] } } }"]),
    ("this === globalThis", ["result: true"]),
    ("let ünïcode = 'é☃𝄞'; ünïcode", ["result: 'é☃𝄞'"]),
    ("console.log('é☃𝄞')", ["stdout: é☃𝄞\n"]),
    ("console.log('\\ud83d')", ["stdout: \ufffd\n"]),
    ("console.log('%s is %d', 'x', 1); console.info('i'); console.debug('d')", ["stdout: x is 1\ni\nd\n"]),
    ("console.warn('w'); console.error('e')", ["stderr: w\ne\n"]),
    ("console.group('G'); console.log('in'); console.groupEnd(); console.log('out')", ["stdout: G\n  in\nout\n"]),
    ("console.assert(1 === 2, 'no')", ["stderr: Assertion failed: no\n"]),
    ("console.dir({a: {b: 1}}, {depth: 0})", ["stdout: { a: [Object] }\n"]),
    ("console.table([{a: 1}])", ["stdout: " + "┌─────────┬───┐\n│ (index) │ a │\n├─────────┼───┤\n│ 0       │ 1 │\n└─────────┴───┘\n"]),
    ("process.stdout.write(Buffer.from([0xf0, 0x9f])); process.stdout.write(Buffer.from([0x8e, 0x89])); undefined",
     ["stdout: 🎉"]),
    ("console.log(1); console.error(2); console.log(3); display.text('d'); console.log(4)",
     ["stdout: 1\n", "stderr: 2\n", "stdout: 3\n", "display: d", "stdout: 4\n"]),
    ("for (const s of [1, 2]) { console.log(s); display.text(s) }",
     ["stdout: 1\n", "display: 1", "stdout: 2\n", "display: 2"]),
])
def test_code(shared, code, lines):
    assert show(shared, code) == lines


def test_everything_may_be_declared_again(js):
    js.execute("let a = 1; const b = 2; class C { v() { return 1 } } function f() { return 1 } var [x] = [1]")
    js.execute("let a = 2; const b = await 3; class C { v() { return 2 } } function f() { return 2 } const {y} = {y: 5}")
    assert show(js, "[a, b, new C().v(), f(), x, y]") == ["result: [ 2, 3, 2, 2, 1, 5 ]"]


def test_a_large_output_is_whole(js):
    text = js.execute("console.log('x'.repeat(3e6) + 'é'.repeat(1e6))").text()
    assert len(text) == 4000001 and text.endswith("é\n")
    assert js.execute("for (let i = 0; i < 10000; i++) console.log(i)").text() == "".join("%d\n" % i for i in range(10000))


def test_many_lines_share_frames(js):
    cell = js.execute("for (let i = 0; i < 100000; i++) console.log(i)")
    assert cell.text() == "".join("%d\n" % i for i in range(100000))
    assert len(cell.events) < 10000        # one at most every 10 ms, and one for 64 KiB


def test_many_lines_keep_their_place_among_everything_else(js):
    cell = js.execute("for (let i = 0; i < 3000; i++) { console.log('o' + i); console.log('p'); console.error('e' + i)\n"
                      "  if (i % 100 === 0) display.text('d' + i); if (i % 1000 === 0) fs.writeSync(1, 'raw' + i + '\\n') }\n'end'")
    expected = []
    for i in range(3000):
        expected += ["stdout: o%d\np\n" % i, "stderr: e%d\n" % i]
        expected += ["display: d%d" % i] * (i % 100 == 0)
        if i % 1000 == 0:
            expected += ["stdout: raw%d\no%d\np\n" % (i, i + 1)]
        elif i % 1000 == 1:
            del expected[-2]                # what came behind the raw text is one run with it
    assert cell.transcript == expected + ["result: 'end'"]


def test_lines_in_a_row_come_while_the_cell_computes(js):
    cell = js.start_execute("for (const word of ['a', 'b', 'c']) console.log(word)\nfor (;;);")
    js.pump(lambda: cell.text() == "a\nb\nc\n")
    interrupt(js)
    assert js.wait(cell).transcript == ["stdout: a\nb\nc\n", INTERRUPTED]


def test_text_of_two_cells_at_once_stays_with_its_cell(js):
    first = js.execute("let open; const gate = new Promise(r => open = r)\n"
                       "gate.then(() => { for (let i = 0; i < 100; i++) console.log('first') }); undefined")
    second = js.execute("for (let i = 0; i < 100; i++) console.log('second')\nopen(); await gate; await null; console.log('third')")
    assert second.text() == "second\n" * 100 + "third\n"
    assert {e.id for e in js.late} == {first.id} and js.late_transcript == ["stdout: " + "first\n" * 100]


def test_half_characters_are_replaced(js):
    assert show(js, "console.log('\\ud83d'); console.log('a\\ude00'); console.log('\U0001f600')") == [
        "stdout: \ufffd\na\ufffd\n\U0001f600\n"]


def test_silent_cells_have_no_result(js):
    assert show(js, "globalThis.s = 1; 42", silent=True) == []
    assert show(js, "s") == ["result: 1"]


def test_user_expressions(js):
    reply = js.execute("let a = 20", user_expressions={"sum": "a + 22", "later": "await 5", "bad": "nope"}).reply.content
    assert reply["user_expressions"]["sum"]["data"] == {"text/plain": "42"}
    assert reply["user_expressions"]["later"]["data"] == {"text/plain": "5"}
    assert reply["user_expressions"]["bad"]["status"] == "error"
    assert reply["user_expressions"]["bad"]["ename"] == "ReferenceError"


# -- modules -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("modules")
    (tmp_path / "lib.mjs").write_text("export default 'd'; export const a = 1, b = 2; export const here = import.meta.url")
    (tmp_path / "old.cjs").write_text("module.exports = {c: 3, name: __filename}")
    (tmp_path / "data.json").write_text('{"j": 4}')
    package = tmp_path / "node_modules" / "pack"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "pack", "exports": {"import": "./m.mjs", "require": "./c.cjs"}}')
    (package / "m.mjs").write_text("export const how = 'imported'")
    (package / "c.cjs").write_text("exports.how = 'required'")
    with Bridge.from_folder(FOLDER, cwd=tmp_path) as bridge:
        yield bridge


@pytest.mark.parametrize("code, result", [
    ("import d from './lib.mjs'; d", "'d'"),
    ("import d, {a, b as c} from './lib.mjs'; [d, a, c]", "[ 'd', 1, 2 ]"),
    ("import {\n  a, // one\n  b,\n} from './lib.mjs'\na + b", "3"),
    ("import * as all from \"./lib.mjs\"; Object.keys(all)", "[ 'a', 'b', 'default', 'here' ]"),
    ("import d, * as all from './lib.mjs'; [d, all.a]", "[ 'd', 1 ]"),
    ("import old from './old.cjs'; old.c", "3"),
    ("import data from './data.json'; data", "{ j: 4 }"),
    ("import data from './data.json' with {type: 'json'}; data.j", "4"),
    ("import {how} from 'pack'; how", "'imported'"),
    ("require('pack').how", "'required'"),
    ("require('./old.cjs').c + require('./data.json').j", "7"),
    ("import {join} from 'node:path'; join('a', 'b')", "'a/b'"),
    ("const {a} = await import('./lib.mjs'); a", "1"),
    ("(await Promise.all(['./lib.mjs', 'pack'].map(n => import(n)))).length", "2"),
    ("path.basename(require.resolve('pack'))", "'c.cjs'"),
    ("import.meta.dirname === process.cwd()", "true"),
    ("const text = `import x from 'y' ${1 /1} import('z')`; text.length", "31"),
    ("({import: 1, export: 2}).import /* import a from 'b' */", "1"),
    ("/import x from 'y'/.test(\"import x from 'y'\")", "true"),
    ("import './lib.mjs'; import fs from 'fs'; typeof fs.readFileSync", "'function'"),
])
def test_imports(modules, code, result):
    assert show(modules, code) == ["result: " + result]


def test_modules_are_found_from_the_working_folder_of_the_moment(js, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.mjs").write_text("export const q = 11")
    assert show(js, "process.chdir('sub'); import {q} from './inner.mjs'; q") == ["result: 11"]


@pytest.mark.parametrize("code, error", [
    ("import {nope} from 'fs'", "SyntaxError: The module 'fs' does not provide an export named 'nope'"),
    ("export const x = 1", "SyntaxError: A cell cannot export: leave the keyword out, later cells see every declaration"),
    ("import {a} from './missing.mjs'", "Error: Cannot find module"),
])
def test_imports_that_fail(modules, code, error):
    cell = modules.execute(code)
    assert cell.status == "error" and cell.transcript[0].startswith("error: " + error)


# -- errors ------------------------------------------------------------------------------------------

def traceback(cell):
    (error,) = cell.of_type("error")
    assert error.content["traceback"] == cell.reply.content["traceback"]
    return "\n".join(error.content["traceback"])


def test_a_traceback_names_the_lines_of_the_cells_and_nothing_of_the_bridge(js):
    js.execute("function f() {\n  return null.x\n}")
    assert traceback(js.execute("\nf()")) == (
        "cell-1:2\n  return null.x\n              ^\n\n"
        "TypeError: Cannot read properties of null (reading 'x')\n    at f (cell-1:2:15)\n    at cell-2:2:1")


def test_a_syntax_error_has_its_line_and_a_caret(js):
    assert traceback(js.execute("let ok = 1\nlet bad = )")) == (
        "cell-1:2\nlet bad = )\n          ^\n\nSyntaxError: Unexpected token ')'")
    assert traceback(js.execute("let ok = 1\nlet bad = (")) == (
        "cell-2:2\nlet bad = (\n           ^\n\nSyntaxError: Unexpected end of input")


def test_causes_and_members_are_shown(js):
    text = traceback(js.execute("throw Object.assign(new Error('a', {cause: new RangeError('b')}), {code: 'E_X'})"))
    assert "[cause]: RangeError: b" in text and "code: 'E_X'" in text


@pytest.mark.parametrize("code, name, value", [
    ("throw new RangeError('r')", "RangeError", "r"),
    ("throw 5", "Uncaught", "5"),
    ("throw undefined", "Uncaught", "undefined"),
    ("await Promise.reject(new TypeError('t'))", "TypeError", "t"),
    ("Promise.reject(new TypeError('t'))", "TypeError", "t"),
    ("(function f() { f() })()", "RangeError", "Maximum call stack size exceeded"),
    ("({[Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('inspect') }})", "Error", "inspect"),
])
def test_errors(shared, code, name, value):
    cell = shared.execute(code)
    assert cell.status == "error"
    assert (cell.reply.content["ename"], cell.reply.content["evalue"]) == (name, value)
    assert show(shared, "1") == ["result: 1"]


def test_an_uncaught_exception_ends_the_running_cell(js):
    assert show(js, "setTimeout(() => { throw new Error('boom') }, 5); await new Promise(() => {})") == ["error: Error: boom"]
    assert show(js, "Promise.reject(new Error('unhandled')); await new Promise(() => {})") == ["error: Error: unhandled"]
    assert show(js, "1") == ["result: 1"]


# -- late output -------------------------------------------------------------------------------------

def test_late_output_belongs_to_the_cell_that_caused_it(js):
    first = js.execute("setTimeout(() => { console.log('late'); display.html('<b>late</b>'); throw new Error('later') }, 150); 1")
    js.execute("2")
    js.pump_late("error: Error: later")
    assert js.late_transcript == ["stdout: late\n", "display: <b>late</b>", "error: Error: later"]
    assert {event.id for event in js.late} == {first.id}
    assert show(js, "3") == ["result: 3"]


def test_output_of_a_timer_during_a_later_cell_keeps_its_owner(js):
    first = js.execute("globalThis.t = setInterval(() => console.log('tick'), 20); undefined")
    second = js.execute("await new Promise(r => setTimeout(r, 150)); clearInterval(t)")
    assert second.transcript == []
    assert {event.id for event in js.late} == {first.id} and len(js.late) > 1


def test_a_stream_that_a_cell_ends_is_there_for_the_next_one(js):
    assert show(js, "process.stdout.end('bye', () => console.log('ended')); undefined") == ["stdout: byeended\n"]
    assert show(js, "console.log('next')") == ["stdout: next\n"]


def test_the_descriptors_of_the_protocol_cannot_be_closed(js):
    assert show(js, "for (let fd = 3; fd < 6; fd++) { try { fs.closeSync(fd) } catch (e) { console.log(e.code) } }") == ["stdout: EBADF\nEBADF\nEBADF\n"]
    assert show(js, "const fd = fs.openSync('/dev/null'); fs.closeSync(fd); 1") == ["result: 1"]


# -- children, threads, descriptors ------------------------------------------------------------------

def test_children_print_in_order_with_everything_else(js):
    js.ack_delay = 0.02
    assert show(js, "console.log('a'); child_process.execSync('echo b; echo c >&2', {stdio: 'inherit'}); console.log('d')\n"
                    "display.text('e'); child_process.spawnSync('echo', ['f'], {stdio: 'inherit'}); display.text('g')") == [
        "stdout: a\nb\n", "stderr: c\n", "stdout: d\n", "display: e", "stdout: f\n", "display: g"]


def test_fs_writes_to_the_standard_descriptors_in_order(js):
    js.ack_delay = 0.02
    assert show(js, "console.log('a'); fs.writeSync(1, 'b\\n'); display.text('c'); fs.writeFileSync('/dev/stdout', 'd\\n')") == [
        "stdout: a\nb\n", "display: c", "stdout: d\n"]


def test_worker_threads_print(js):
    cell = js.execute("const {Worker} = require('worker_threads')\n"
                      "await new Promise(r => new Worker('console.log(1); console.error(2)', {eval: true}).on('exit', r)); undefined")
    assert cell.text("stdout") == "1\n" and cell.text("stderr") == "2\n"


def test_children_do_not_inherit_the_bridges_descriptors(js):
    own = [os.readlink("/proc/%d/fd/%d" % (js.pid, number)) for number in (3, 4, 5)]
    text = js.execute("console.log(child_process.execSync('ls -l /proc/self/fd', {encoding: 'utf8'}))").text()
    assert "/proc/" in text and [pipe for pipe in own if pipe in text] == []


def test_closed_standard_output_breaks_nothing(js):
    js.execute("fs.closeSync(1); fs.closeSync(2)")
    assert show(js, "console.log('still'); 1") == ["stdout: still\n", "result: 1"]
    assert show(js, "child_process.execSync('echo child', {stdio: 'inherit'}); 2") == ["stdout: child\n", "result: 2"]


# -- display -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("code, mime, content", [
    ("display.html('<b>x</b>')", "text/html", "<b>x</b>"),
    ("display(html`<b>${1 + 1}</b>`)", "text/html", "<b>2</b>"),
    ("display(svg`<svg/>`)", "image/svg+xml", "<svg/>"),
    ("display(md`# t`)", "text/markdown", "# t"),
    ("display.markdown('*x*')", "text/markdown", "*x*"),
    ("display.latex('$x$')", "text/latex", "$x$"),
    ("display.json({a: [1]})", "application/json", {"a": [1]}),
    ("display.png(Buffer.from('%s', 'base64'))" % PIXEL, "image/png", PIXEL),
    ("display(new Uint8Array(Buffer.from('%s', 'base64')))" % PIXEL, "image/png", PIXEL),
    ("display.image('pixel.png')", "image/png", PIXEL),
    ("display.vegalite({$schema: 'https://vega.github.io/schema/vega-lite/v5.json', mark: 'bar'})",
     "application/vnd.vegalite.v5+json", {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "bar"}),
    ("display({$schema: 'https://vega.github.io/schema/vega/v6.json'})",
     "application/vnd.vega.v6+json", {"$schema": "https://vega.github.io/schema/vega/v6.json"}),
    ("display({'text/html': 'raw'}, {raw: true})", "text/html", "raw"),
    ("display({[Symbol.for('Jupyter.display')]: () => ({'text/html': 'own'})})", "text/html", "own"),
    ("await display({[Symbol.for('Jupyter.display')]: async () => ({'text/html': 'later'})})", "text/html", "later"),
    ("display({outerHTML: '<p>node</p>'})", "text/html", "<p>node</p>"),
    ("display({a: 1})", "text/plain", "{ a: 1 }"),
])
def test_display(shared, tmp_path, code, mime, content):
    (tmp_path / "pixel.png").write_bytes(base64.b64decode(PIXEL))
    cell = shared.execute("process.chdir('%s');%s" % (tmp_path, code))
    (event,) = cell.of_type("display_data", "error")
    assert event.content.get("data", event.content).get(mime) == content
    assert cell.of_type("execute_result") == []


def test_rich_results(js):
    (result,) = js.execute("html`<i>x</i>`").of_type("execute_result")
    assert result.content["data"] == {"text/html": "<i>x</i>", "text/plain": "<i>x</i>"}


def test_display_ids(js):
    cell = js.execute("const h = display.text('10 %', {id: 'bar'}); h.update('20 %'); display.html('x', {id: 'bar', update: true}); h")
    assert [event.type for event in cell.events] == ["display_data", "update_display_data", "update_display_data"]
    assert {event.content["transient"]["display_id"] for event in cell.events} == {"bar"}


def test_clear_output(js):
    assert show(js, "clearOutput(); clearOutput({wait: true}); console.clear()") == [
        "clear_output: wait=False", "clear_output: wait=True", "clear_output: wait=False"]


@pytest.mark.parametrize("code, error", [
    ("display.png(Buffer.from('xx'))", "an image must be"),
    ("display(1, {raw: true})", "needs an object of MIME types"),
    ("display(1, {update: true})", "needs the id"),
])
def test_displays_that_fail(shared, code, error):
    assert error in shared.execute(code).reply.content["evalue"]


# -- input -------------------------------------------------------------------------------------------

def test_prompt(js):
    js.answers.extend(["Ada", "", "secret", {"status": "eof"}])
    assert show(js, "console.log('a'); [prompt('name? '), prompt('age? ', 'old'), prompt.password('pw? '), prompt('more? ')]",
                allow_stdin=True)[-1] == "result: [ 'Ada', 'old', 'secret', null ]"
    assert [(e.content["prompt"], e.content["password"]) for e in js.asked] == [
        ("name? ", False), ("age? ", False), ("pw? ", True), ("more? ", False)]


def test_nobody_can_answer(js):
    js.answers.append({"status": "error", "ename": "StdinNotImplementedError", "evalue": "no stdin"})
    assert show(js, "prompt('name? ')")[-1] == "error: StdinNotImplementedError: no stdin"


def test_a_question_after_its_cell_is_an_error(js):
    js.execute("setTimeout(() => prompt('late? '), 20); undefined")
    js.pump(lambda: js.late)
    assert "asks only while its cell runs" in js.late[0].short()


def test_standard_input_says_what_to_use(js):
    assert "ask with prompt" in show(js, "process.stdin.on('data', () => {}); await new Promise(() => {})")[0]


# -- interrupts --------------------------------------------------------------------------------------

ENDLESS = {
    "loop": "while (true) {}",
    "printing loop": "while (true) console.log('x')",
    "display loop": "while (true) display.text('x')",
    "promise": "await new Promise(() => {})",
    "awaiting loop": "while (true) await null",
    "timer loop": "while (true) await new Promise(r => setTimeout(r, 5))",
    "promised timers": "while (true) await require('timers/promises').setTimeout(5)",
    "immediates": "while (true) await new Promise(r => setImmediate(r))",
    "for await": "for await (const x of (async function* () { while (true) yield await null })()) {}",
    "loop in a timer": "setTimeout(() => { while (true); }, 1); await new Promise(() => {})",
    "loop in a callback": "[1].map(() => { for (;;); })",
    "eval": "eval('while (true);')",
    "Atomics.wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "regular expression": "/(a+)+$/.test('a'.repeat(50) + 'b')",
    "child process": "child_process.execSync('sleep 60')",
    "caught": "for (;;) { try { while (true); } catch {} finally { while (true); } }",
    "value that is never shown": "({[Symbol.for('nodejs.util.inspect.custom')]() { while (true); }})",
    "question": "prompt('? ')",
}


@pytest.mark.parametrize("situation", ENDLESS)
def test_an_interrupt_ends_the_cell_and_keeps_the_state(shared, situation):
    shared.execute("let kept = 7; globalThis.also = 8")
    cell = interrupted(shared, ENDLESS[situation], allow_stdin=True)
    assert cell.status == "error" and cell.transcript[-1] == INTERRUPTED
    shared.late.clear()
    assert show(shared, "console.log('out'); [kept, also]") == ["stdout: out\n", "result: [ 7, 8 ]"]
    assert shared.late == []


@pytest.mark.parametrize("child", ["'sleep', ['60']", "'sh', ['-c', 'trap \"\" INT; sleep 1']"])
def test_an_interrupt_while_the_last_thing_of_a_cell_is_a_child_process(shared, child):
    assert interrupted(shared, f"child_process.spawnSync({child})").transcript == ["stdout: in\n", INTERRUPTED]


def test_interrupt_meant_for_an_earlier_cell(js):
    """It was on its way when that cell ended: the next one must not pay for it."""
    earlier = js.execute("1")
    cell = js.start_execute("console.log('in'); await new Promise(done => setTimeout(done, 300)); 'whole'")
    js.pump(lambda: "in\n" in cell.text())
    js.start("interrupt_request", {}, lane=5, request=earlier.id)
    assert js.wait(cell, 8).transcript == ["stdout: in\n", "result: 'whole'"]
    cell = js.start_execute("console.log('in'); while (true) {}")
    js.pump(lambda: "in\n" in cell.text())
    js.start("interrupt_request", {}, lane=5, request=cell.id)
    assert js.wait(cell, 8).reply.content["ename"] == "KeyboardInterrupt"


def test_interrupt_after_interrupt(js):
    for _ in range(15):
        assert interrupted(js, "setInterval(() => {}, 1); await new Promise(() => {})").transcript[-1] == INTERRUPTED
    js.execute("globalThis.junk = Array.from({length: 1e6}, () => ({})); undefined")     # garbage is collected
    assert show(js, "1") == ["result: 1"]


def test_an_interrupted_cell_prints_nothing_later(js):
    interrupted(js, "setInterval(() => console.log('zombie'), 20); await new Promise(() => {})")
    js.late.clear()
    js.pump_for(0.15)
    assert js.late == []
    cell = interrupted(js, "const read = () => new Promise(r => fs.readFile('/dev/null', r))\n"
                           "for (;;) { await read(); await read(); console.log('again') }")
    js.late.clear()
    js.pump_for(0.15)
    assert cell.status == "error" and js.late == []


def test_timers_of_other_cells_go_on(js):
    first = js.execute("globalThis.t = setInterval(() => console.log('tick'), 20); undefined")
    interrupted(js, "await new Promise(() => {})")
    js.late.clear()
    js.pump(lambda: js.late)
    assert js.late[0].id == first.id


def test_an_interrupt_while_idle_changes_nothing(js):
    js.execute("let kept = 7")
    for _ in range(3):
        interrupt(js)
        os.killpg(js.pid, signal.SIGINT)
    js.settle()
    assert show(js, "kept") == ["result: 7"]
    assert show(js, "await new Promise(r => setTimeout(r, 50)); 8") == ["result: 8"]


def test_a_signal_ends_what_waits(js):
    cell = js.start_execute("console.log('in'); await new Promise(() => {})")
    js.pump(lambda: "in\n" in cell.text())
    js.interrupt()
    assert js.wait(cell, 5).transcript[-1] == INTERRUPTED


# -- the end -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("end, status", [
    ("process.exit(3)", 3),
    ("process.reallyExit(3)", 3),
    ("process.abort()", -signal.SIGABRT),
    ("process.kill(process.pid, 'SIGKILL'); for (;;);", -signal.SIGKILL),
])
def test_the_end_of_the_process_comes_behind_what_it_has_printed(js, end, status):
    cell = js.start_execute("for (let i = 0; i < 50; i++) console.log('last words'); " + end)
    with pytest.raises(BridgeGone):
        js.wait(cell)
    assert cell.text() == "last words\n" * 50
    assert os.waitstatus_to_exitcode(js.wait_exit()) == status


# -- questions ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    (folder / "file one.js").write_text("")
    (folder / "sub").mkdir()
    (folder / "node_modules" / "pack").mkdir(parents=True)
    with Bridge.from_folder(FOLDER, cwd=folder) as bridge:
        bridge.execute(
            "let alpha = 1; const beta = {one: 1, 'two words': 2}\n"
            "/**\n * Adds two numbers.\n * @param {number} a the first\n */\nfunction add(a, b = 2) {\n  return a + b\n}\n"
            "class Animal { constructor(name) { this.name = name } speak() {} get loud() { globalThis.touched = true; return {} } }\n"
            "var rex = new Animal('Rex'); var proxy = new Proxy({}, {get() { globalThis.touched = true }})")
        yield bridge
        assert bridge.execute("typeof touched").transcript == ["result: 'undefined'"]


@pytest.mark.parametrize("code, start, match", [
    ("consol", 0, "console"), ("alp", 0, "alpha"), ("beta.o", 5, "one"), ("beta?.o", 6, "one"),
    ("rex.sp", 4, "speak"), ("rex.na", 4, "name"), ("[1, 2].ma", 7, "map"), ("'s'.toUp", 4, "toUpperCase"),
    ("Math.max(1, 2).toF", 15, "toFixed"), ("new Animal('x').sp", 16, "speak"), ("path.joi", 5, "join"),
    ("add(alp", 4, "alpha"), ("'🎉'; alp", 5, "alpha"), ("`${alp", 3, "alpha"), ("awai", 0, "await"),
    ("require('fs/p", 9, "fs/promises"), ("import x from 'node:pat", 15, "node:path"), ("require('pa", 9, "pack"),
    ("const f = './fi", 11, "./file one.js"), ("import './su", 8, "./sub/"),
])
def test_completion(known, code, start, match):
    reply = known.complete(code)
    assert match in reply["matches"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (start, len(code))


@pytest.mark.parametrize("code", ["nothere.", "rex.loud.", "proxy.x.", "alert().", "5.", "'text in a string", "beta['o"])
def test_completion_that_has_nothing_to_say(known, code):
    assert known.complete(code)["matches"] == []


@pytest.mark.parametrize("code, lines", [
    ("add", ["add(a, b = 2)", "Adds two numbers.", "@param {number} a the first", "  return a + b"]),
    ("add(1, ", ["add(a, b = 2)"]),
    ("rex", ["rex: Animal {name: \"Rex\"}"]),
    ("beta.one", ["beta.one: 1", "Type: number"]),
    ("Animal", ["class Animal: new Animal(name)", "Type: class"]),
    ("parseInt", ["parseInt(2 parameters)"]),
])
def test_inspection(known, code, lines):
    text = known.inspect(code)["data"]["text/plain"]
    assert [line for line in lines if line not in text.split("\n")] == []


@pytest.mark.parametrize("code", ["nothere", "rex.loud", "", "   "])
def test_inspection_that_has_nothing_to_say(known, code):
    assert known.inspect(code) == {"status": "ok", "found": False, "data": {}, "metadata": {}}


def test_questions_are_answered_while_a_cell_computes(js):
    js.execute("let alpha = 1; let n = 0")
    cell = js.start_execute("console.log('in'); while (true) n++")
    js.pump(lambda: "in\n" in cell.text())
    assert js.complete("alp", lane=5)["matches"] == ["alpha"]
    assert js.complete("(function () { while (true); })().x", lane=5)["matches"] == []
    assert "alpha: 1" in js.inspect("alpha", lane=5)["data"]["text/plain"]
    assert cell.reply is None
    interrupt(js)
    assert js.wait(cell).transcript[-1] == INTERRUPTED


@pytest.mark.parametrize("code, status", [
    ("let x = 1", "complete"), ("await x", "complete"), ("import x from 'y'", "complete"), ("{a: 1}", "complete"),
    ("", "complete"), ("for (;;) {}", "complete"), ("`a${`b`}`", "complete"), ("/[/]/.test(x)", "complete"),
    ("function f() {", "incomplete"), ("if (a)", "incomplete"), ("a +", "incomplete"), ("foo(1", "incomplete"),
    ("`abc", "incomplete"), ("/* x", "incomplete"), ("[1, 2", "incomplete"), ("import {a", "incomplete"), ("try {}", "incomplete"),
    ("let 7q = )", "invalid"), ("}", "invalid"), ("foo(1 2)", "invalid"), ("'abc", "invalid"), ("export const x = 1", "invalid"),
])
def test_is_complete(shared, code, status):
    assert shared.is_complete(code)["status"] == status


def test_the_indent_of_what_is_open(shared):
    assert shared.is_complete("for (;;) {\n  if (x) {") == {"status": "incomplete", "indent": "    "}


def test_the_check_knows_every_kind_of_code():
    codes = json.loads((FOLDER / "check.json").read_text("utf-8"))
    assert {"print", "result", "display", "error_line", "late", "loop", "sleep", "child", "complete", "inspect", "crash"} <= set(codes)
