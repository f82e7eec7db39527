// Frames on descriptor 4 (docs/bridge-protocol.md, section 2), written whole by whichever thread has the lock.
'use strict';

const fs = require('node:fs');
const collected = require('./collected.js');
const { isMainThread, workerData } = require('node:worker_threads');

const LOCK = 0, ARRIVALS = 1, SIGNAL = 2, GRANTED = 3, STRUCK = 4, TAKEN = 5;
// Shared by the two threads: the lock, a count of messages for the main thread, whether a SIGINT is our own, how
// often the main thread's wish to be terminated was heard, which cell
// an interrupt is meant for, and how many interrupts the main thread has taken from its messages.
const shared = isMainThread ? new Int32Array(new SharedArrayBuffer(24)) : workerData.shared;
const writeSync = fs.writeSync;

// A frame, behind all text that has been printed before.
function send(head, content, buffers = []) {
  if (buffers.length) head = { ...head, buffers: buffers.map((buffer) => buffer.byteLength) };
  const frame = Buffer.from(`${encode(head)}\n${encode(content)}\n`);
  lock();
  try {
    writeCollected();
    write(frame);
    for (const buffer of buffers) write(buffer);
  } finally {
    unlock();
  }
}

// Text of a cell. A line in a quiet moment goes out at once; of many in a row most share a frame, which is what makes
// printing quick. True: nobody sees to the text yet, and the reader's thread is to `flush` within PATIENCE.
const PATIENCE = 10;
let wroteAt = 0;

function print(cell, name, text) {
  lock();
  try {
    if (!collected.append(cell, name, text)) {
      writeCollected();
      if (!collected.append(cell, name, text)) {
        writeText({ cell, name, text: text.toWellFormed() });
        return false;
      }
    }
    const now = performance.now();
    if (now - wroteAt < PATIENCE) return collected.claim();
    wroteAt = now;
    writeCollected();
    return false;
  } finally {
    unlock();
  }
}

function flush() {
  lock();
  try { writeCollected(); } finally { unlock(); }
}

function writeCollected() {
  const found = collected.take();
  if (found) writeText(found);
}

function writeText({ cell, name, text }) {
  write(Buffer.from(`${JSON.stringify({ msg_type: 'stream', id: cell })}\n${JSON.stringify({ name, text })}\n`));
}

// JSON may escape half a surrogate pair, which is no text for whoever reads it; most content has none.
function encode(value) {
  const text = JSON.stringify(value);
  if (!text.includes('\\ud')) return text;
  return JSON.stringify(value, (key, member) => (typeof member === 'string' ? member.toWellFormed() : member));
}

function lock() {
  while (Atomics.compareExchange(shared, LOCK, 0, 1) !== 0) Atomics.wait(shared, LOCK, 1);
}

function unlock() {
  Atomics.store(shared, LOCK, 0);
  Atomics.notify(shared, LOCK, 1);
}

function write(bytes) {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(4, bytes, done, bytes.byteLength - done);
}

// How the reader's thread wakes a main thread that waits, and how that one waits.
function announce() {
  Atomics.add(shared, ARRIVALS, 1);
  Atomics.notify(shared, ARRIVALS);
}

function waitFor(look) {
  for (;;) {
    const seen = Atomics.load(shared, ARRIVALS);
    const found = look();
    if (found !== undefined) return found;
    Atomics.wait(shared, ARRIVALS, seen);
  }
}

function ownSignal(cell) {
  Atomics.store(shared, STRUCK, cell);
  Atomics.store(shared, SIGNAL, 1);
}
const isStruck = (cell) => Atomics.load(shared, STRUCK) === cell;
const takeOwnSignal = () => Atomics.exchange(shared, SIGNAL, 0) === 1;

// The main thread wants its JavaScript terminated, and waits until the request is on its way. It may have been
// struck in the midst of an Atomics.wait, which cannot be nested; so it looks again and again, some microseconds long.
function wish(port) {
  const granted = Atomics.load(shared, GRANTED);
  port.postMessage('terminate');
  while (Atomics.load(shared, GRANTED) === granted);
}

const grant = () => Atomics.add(shared, GRANTED, 1);

const take = () => Atomics.add(shared, TAKEN, 1);
const taken = () => Atomics.load(shared, TAKEN);

module.exports = { PATIENCE, announce, flush, grant, isStruck, ownSignal, print, send, shared, take, takeOwnSignal, taken, waitFor, wish };
