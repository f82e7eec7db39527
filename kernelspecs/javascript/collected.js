// Text that has been printed and is not yet in a frame: one run of one stream of one cell, in memory that both threads
// see, so that the reader's thread can send it while the main one computes. Whoever calls has the lock of frames.js.
'use strict';

const { isMainThread, workerData } = require('node:worker_threads');

const LENGTH = 0, CELL = 1, STREAM = 2, AWAITED = 3, HEADER = 16, CAPACITY = 1 << 16;
const NAMES = ['stdout', 'stderr'];
const NOBODY = -1;                                // the cell of text that belongs to none

const memory = isMainThread ? new SharedArrayBuffer(HEADER + CAPACITY) : workerData.collected;
const header = new Int32Array(memory, 0, HEADER / 4);
const bytes = Buffer.from(memory, HEADER, CAPACITY);

/** Adds text, or returns false: it belongs to something else than what is there, or there is no room for it. */
function append(cell, name, text) {
  const length = header[LENGTH];
  const owner = cell ?? NOBODY, stream = NAMES.indexOf(name);
  if (length && (header[CELL] !== owner || header[STREAM] !== stream)) return false;
  if (text.length * 3 > CAPACITY - length) return false;      // in UTF-8 it has three bytes a unit at most
  header[CELL] = owner;
  header[STREAM] = stream;
  header[LENGTH] = length + bytes.utf8Write(text, length);    // half a surrogate pair becomes U+FFFD
  return true;
}

/** What there is, {cell, name, text}, or undefined. */
function take() {
  const length = header[LENGTH];
  if (!length) return undefined;
  header[LENGTH] = 0;
  header[AWAITED] = 0;
  return {
    cell: header[CELL] === NOBODY ? undefined : header[CELL],
    name: NAMES[header[STREAM]],
    text: bytes.utf8Slice(0, length),
  };
}

/** True for the first who asks after a `take`: he sees to it that there will be another one. */
function claim() {
  if (header[AWAITED]) return false;
  header[AWAITED] = 1;
  return true;
}

module.exports = { append, claim, memory, take };
