// Timers know their cell: an interrupt cancels those of the interrupted one, so that nothing of it goes on later.
'use strict';

const { setMaxListeners } = require('node:events');
const { syncBuiltinESMExports } = require('node:module');
const timers = require('node:timers');
const promises = require('node:timers/promises');
const util = require('node:util');
const { owner } = require('./owner.js');

const { clearTimeout, clearImmediate } = timers;

function remember(cell, timer) {
  cell.timers.add(timer);
  if (cell.timers.size < cell.timersLimit) return;
  for (const old of cell.timers) if (old._destroyed) cell.timers.delete(old);
  cell.timersLimit = 1000 + 2 * cell.timers.size;
}

function remembering(original, promised) {
  const wrapped = function (...args) {
    const timer = original.apply(this, args);
    const cell = owner();
    if (cell) remember(cell, timer);
    return timer;
  };
  const members = Object.getOwnPropertyDescriptors(original);
  if (promised) members[util.promisify.custom] = { enumerable: true, get: () => promised };
  return Object.defineProperties(wrapped, members);
}

// Those of timers/promises are rejected with an AbortError.
function abortable(original, at) {
  const wrapped = function (...args) {
    const cell = owner();
    if (cell && (args[at] === undefined || args[at]?.constructor === Object)) {
      cell.abort ??= new AbortController();
      setMaxListeners(0, cell.abort.signal);
      const { signal } = args[at] ?? {};
      args[at] = { ...args[at], signal: signal && AbortSignal.any ? AbortSignal.any([signal, cell.abort.signal]) : signal ?? cell.abort.signal };
    }
    return original.apply(this, args);
  };
  return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
}

function install() {
  promises.setTimeout = abortable(promises.setTimeout, 2);
  promises.setImmediate = abortable(promises.setImmediate, 1);
  promises.setInterval = abortable(promises.setInterval, 2);
  const promised = { setTimeout: promises.setTimeout, setImmediate: promises.setImmediate };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    timers[name] = remembering(timers[name], promised[name]);
    Object.defineProperty(globalThis, name, { value: timers[name], configurable: true, enumerable: true, writable: true });
  }
  syncBuiltinESMExports();
}

function cancel(cell) {
  for (const timer of cell.timers) '_onImmediate' in timer ? clearImmediate(timer) : clearTimeout(timer);
  cell.timers.clear();
  cell.abort?.abort();
}

module.exports = { cancel, install };
