// Everything a cell shows, in frames that name the cell: process.stdout and process.stderr, displays, errors.
'use strict';

const child_process = require('node:child_process');
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { StringDecoder } = require('node:string_decoder');
const { syncBuiltinESMExports } = require('node:module');
const frames = require('./frames.js');
const guard = require('./guard.js');
const reader = require('./reader.js');
const { owner } = require('./owner.js');

let unsettled = false;
let seq = 0;

// A frame of output. Code that outlives the interrupt of its cell ends where it would show something.
function emit(msg_type, content, buffers) {
  return guard.run(() => {
    const cell = owner();
    if (cell?.interrupted && guard.cutOff()) return;
    frames.send(cell ? { msg_type, id: cell.id } : { msg_type }, content, buffers);
    unsettled = true;
  });
}

// Text, the same way, but many pieces of it share a frame.
function print(name, text) {
  if (!text) return;
  guard.run(() => {
    const cell = owner();
    if (cell?.interrupted && guard.cutOff()) return;
    if (frames.print(cell?.id, name, text)) reader.flushSoon();
    unsettled = true;
  });
}

// The server has taken every frame so far; whatever is printed on descriptor 1 or 2 now comes after them.
function settle() {
  if (!unsettled) return;
  guard.run(() => {
    const mine = ++seq;
    frames.send({ msg_type: 'sync', ack: true, seq: mine }, {});
    reader.waitFor((message) => message.type === 'ack' && message.seq === mine);
    unsettled = false;
  });
}

function stream(name, fd) {
  const decoder = new StringDecoder('utf8');
  const out = new Writable({
    decodeStrings: false,
    write(chunk, encoding, done) {
      print(name, decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
      done();
    },
  });
  const { write } = Writable.prototype;
  // Text, which is nearly all there is, needs no stream. The rest is guarded as a whole: an interrupt in the midst of a
  // write would have the stream wait for the end of it for ever.
  out.write = (chunk, encoding, done) => {
    if (typeof chunk !== 'string' || typeof encoding === 'string' || out.writableLength || out.writableEnded) {
      return guard.run(() => write.call(out, chunk, encoding, done));
    }
    print(name, chunk);
    const callback = encoding ?? done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  // The stream is there for the cells to come, too.
  out.end = (...args) => {
    const done = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    if (args[0] !== undefined && args[0] !== null) out.write(...args);
    process.nextTick(() => { out.emit('finish'); done?.(); });
    return out;
  };
  out.on('error', () => {});
  return Object.assign(out, { fd, _isStdio: true, destroySoon: out.destroy, _destroy: (error, done) => done(error) });
}

// Children and fs write to the descriptors themselves, so what is on its way in frames goes first.
function settleBefore(module, name, applies = () => true) {
  const original = module[name];
  const wrapped = function (...args) {
    if (unsettled && applies(args[0])) settle();
    return original.apply(this, args);
  };
  module[name] = Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
}

function install() {
  for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
    const value = stream(name, fd);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => value });
  }
  for (const name of ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']) {
    settleBefore(child_process, name);
  }
  const printed = new Set([1, 2, '/dev/stdout', '/dev/stderr', '/dev/fd/1', '/dev/fd/2']);
  for (const name of ['appendFileSync', 'createWriteStream', 'write', 'writeFileSync', 'writeSync', 'writevSync']) {
    settleBefore(fs, name, (target) => printed.has(target));
  }
  for (const name of ['close', 'closeSync']) keepOpen(name);
  // What ends the process, or may, ends it behind what has been printed.
  for (const name of ['abort', 'kill', 'reallyExit', 'execve']) if (process[name]) flushBefore(process, name);
  syncBuiltinESMExports();
}

function flushBefore(object, name) {
  const original = object[name];
  object[name] = Object.defineProperties(function (...args) {
    guard.run(frames.flush);
    return original.apply(this, args);
  }, Object.getOwnPropertyDescriptors(original));
}

// The descriptors of the protocol are none that code has opened: closing them fails as for those that are not open.
// Those of standard output are shared with the cells to come, and Node aborts when a child is to inherit a closed one.
function keepOpen(name) {
  const original = fs[name];
  const instead = (fd) => (fd >= 3 && fd <= 5 ? 2 ** 31 - 1 : fd >= 0 && fd <= 2 ? fs.openSync('/dev/null') : fd);
  fs[name] = Object.defineProperties(
    function (fd, ...rest) { return original.call(this, instead(fd), ...rest); },
    Object.getOwnPropertyDescriptors(original),
  );
}

module.exports = { emit, install, settle };
