// A cell: evaluated in the global scope by an inspector session in REPL mode, until its value, its error or an
// interrupt ends it. Plain callbacks, since a termination drops all microtasks and with them whoever awaits.
'use strict';

const util = require('node:util');
const { promiseHooks } = require('node:v8');
const vm = require('node:vm');
const frames = require('./frames.js');
const guard = require('./guard.js');
const imports = require('./imports.js');
const owner = require('./owner.js');
const timers = require('./timers.js');
const { Display } = require('./display.js');
const { emit } = require('./output.js');
const { placeIn } = require('./stacks.js');
const { describe, failure } = require('./values.js');

const sources = new Map();                       // cell name -> its lines, for tracebacks
const pending = new Map();                       // cell -> the promise of its evaluation, for ever if interrupted
const holder = {};                               // where the inspector puts a value for us
let holderId;

function execute({ id, content }) {
  const cell = {
    id, name: `cell-${content.execution_count}`, silent: content.silent, expressions: content.user_expressions ?? {},
    timers: new Set(), timersLimit: 1000, done: false, interrupted: false,
  };
  owner.begin(cell);
  evaluate(cell, content.code, cell.name, (error, value) => {
    if (error) fail(cell, error);
    else if (value === undefined || cell.silent || value instanceof Display) expressions(cell, Object.entries(cell.expressions), {});
    else result(cell, value);
  });
}

function result(cell, value) {
  const show = (data) => {
    if (cell.done) return;
    emitFor(cell, 'execute_result', { data, metadata: {} });
    expressions(cell, Object.entries(cell.expressions), {});
  };
  described(value, (data) => guard.run(() => show(data)), (error) => guard.run(() => { if (!cell.done) fail(cell, failed(error)); }));
}

// A value's own methods are the user's code: they may loop, fail, or take their time.
function described(value, done, refuse) {
  let data;
  try { data = guard.release(() => describe(value)); } catch (error) { return refuse(error); }
  if (util.types.isPromise(data)) data.then(done, refuse); else done(data);
}

function expressions(cell, [next, ...rest], found) {
  if (!next) return finish(cell, { status: 'ok', user_expressions: found, payload: [] });
  const [name, code] = next;
  const go = (outcome) => expressions(cell, rest, { ...found, [name]: outcome });
  evaluate(cell, String(code), 'user-expression', (error, value) => {
    if (error) return go({ status: 'error', ...error });
    described(value, (data) => guard.run(() => go({ status: 'ok', data, metadata: {} })), (why) => guard.run(() => go({ status: 'error', ...failed(why) })));
  });
}

// Evaluates code; done(error content) or done(undefined, value), never if the cell has ended before.
function evaluate(cell, code, name, done) {
  let expression;
  const lines = code.split(/\r\n|[\n\r\u2028\u2029]/);
  try {
    expression = asExpression(imports.rewrite(code));
  } catch (error) {
    if (error.index === undefined) throw error;
    const before = code.slice(0, error.index).split('\n');
    const place = { name, line: before.length, column: before.at(-1).length, text: lines[before.length - 1] };
    return done({ ename: 'SyntaxError', evalue: error.message, traceback: [`${name}:${place.line}`, place.text, `${' '.repeat(place.column)}^`, '', `SyntaxError: ${error.message}`] });
  }
  sources.set(name, { lines, rewritten: expression.split(/\r\n|[\n\r\u2028\u2029]/) });
  const options = { replMode: true, awaitPromise: true, silent: true, objectGroup: 'cell' };
  const settle = (error, reply) => guard.run(() => { if (!cell.done) settled(cell, name, error, reply, done); });
  guard.release(() => owner.run(cell, () => {
    const stop = keepFirstPromise(cell);
    guard.session.post('Runtime.evaluate', { ...options, expression: `${expression}\n//# sourceURL=${name}` }, settle);
    stop();
  }));
}

// A cell such as {a: 1} is meant as an object, as in Node's prompt.
function asExpression(code) {
  if (!/^\s*\{[^]*\}\s*$/.test(code)) return code;
  try { new vm.Script(`(${code}\n)`); } catch { return code; }
  return `(${code}\n)`;
}

function settled(cell, name, error, reply, done) {
  // An error is all that the inspector has to say by itself: it was terminated. What was struck may have come to its
  // end first, such as a wait for a child process that the interrupt has ended.
  if (error || frames.isStruck(cell.id)) return interrupt(cell.id);
  const { exceptionDetails: details } = reply;
  const refuse = (why, place) => {
    if (frames.isStruck(cell.id)) interrupt(cell.id);
    else done(failed(why, place));
  };
  if (details) return refuse(valueOf(details.exception), details.scriptId && { ...details, name });
  const value = valueOf(reply.result);
  if (!util.types.isPromise(value)) return done(undefined, value);
  const then = (handler) => (outcome) => guard.run(() => { if (!cell.done) handler(outcome); });
  owner.run(cell, () => Promise.prototype.then.call(value, then((got) => done(undefined, got)), then((why) => refuse(why))));
}

// In REPL mode the code becomes an asynchronous function, and the inspector awaits its promise. It tells us when that
// is garbage (nothing can settle it any more), from where Node 24 aborts. So it must not become garbage.
function keepFirstPromise(cell) {
  const stop = promiseHooks.onInit((promise) => {
    stop();
    pending.set(cell, promise);
  });
  return stop;
}

const INTERRUPTED = { ename: 'KeyboardInterrupt', evalue: 'interrupted', traceback: ['KeyboardInterrupt: interrupted'] };

// The inspector answers with a description; this gets the value itself.
function valueOf({ objectId, value, unserializableValue }) {
  const argument = objectId ? { objectId } : unserializableValue ? { unserializableValue } : { value };
  holderId ??= remoteHolder();
  guard.session.post('Runtime.callFunctionOn', {
    functionDeclaration: 'function (value) { this.value = value }', objectId: holderId, arguments: [argument], silent: true,
  });
  const found = holder.value;
  delete holder.value;
  return found;
}

function remoteHolder() {
  let found;
  globalThis.__parley.holder = holder;
  guard.session.post('Runtime.evaluate', { expression: '__parley.holder' }, (error, reply) => { found = reply.result.objectId; });
  delete globalThis.__parley.holder;
  return found;
}

// The error content of a thrown value, with the line of the cell. Code that does not compile has no place in its own
// stack: the inspector's details have it.
function failed(error, details) {
  try {
    return guard.release(() => failure(error, place(error, details)));
  } catch {
    return { ename: 'Error', evalue: 'the error cannot be shown', traceback: ['Error: the error cannot be shown'] };
  }
}

function place(error, details) {
  const found = (typeof error?.stack === 'string' && placeIn(error.stack)) ||
    (details && { name: details.name, line: details.lineNumber + 1, column: details.columnNumber + 1 });
  const source = sources.get(found?.name);
  if (!source) return undefined;
  if (found.line > source.lines.length) {          // code that ends too early has its fault in the bridge's own last line
    const text = source.lines.at(-1);
    return { name: found.name, line: source.lines.length, text, column: text.length };
  }
  const text = source.lines[found.line - 1];
  return { name: found.name, line: found.line, text, column: source.rewritten[found.line - 1] === text ? found.column - 1 : undefined };
}

function emitFor(cell, msg_type, content) {
  owner.run(cell, () => emit(msg_type, content));
}

function fail(cell, error) {
  if (cell.done) return;
  frames.send({ msg_type: 'error', id: cell.id }, error);
  finish(cell, { status: 'error', ...error });
}

function finish(cell, content) {
  if (cell.done) return;
  cell.done = true;
  if (!cell.interrupted) pending.delete(cell);
  owner.end(cell);
  guard.session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
  frames.send({ msg_type: 'execute_reply', id: cell.id }, content);
}

function interrupt(id) {
  const cell = owner.running();
  if (!cell || (id !== undefined && id !== cell.id)) return;
  cell.interrupted = true;
  timers.cancel(cell);
  fail(cell, INTERRUPTED);
}

// An exception that no callback has caught, or a rejection that nobody handles, would end a program. It ends the
// cell if that still runs; later it is shown where the cell was. What an interrupt has cut off is silent.
function uncaught(error) {
  guard.run(() => {
    const cell = owner.owner();
    if (cell?.interrupted) return;
    if (cell && !cell.done) return fail(cell, failed(error));
    frames.send(cell ? { msg_type: 'error', id: cell.id } : { msg_type: 'error' }, failed(error));
  });
}

module.exports = { execute, interrupt, uncaught };
