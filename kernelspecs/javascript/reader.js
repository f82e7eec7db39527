// The main thread's end of the reader's thread: requests as they come, and answers that are waited for.
'use strict';

const path = require('node:path');
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads');
const collected = require('./collected.js');
const frames = require('./frames.js');
const guard = require('./guard.js');

const { setImmediate } = globalThis;
let port;
let handlers;
const held = [];

function start() {
  const { port1, port2 } = new MessageChannel();
  port = port1;
  guard.connect(port);
  const thread = new Worker(path.join(__dirname, 'reader-thread.js'), {
    workerData: { shared: frames.shared, collected: collected.memory, port: port2 }, transferList: [port2], execArgv: [],
  });
  thread.on('error', (error) => { throw error; });
  return module.exports;
}

function handle(table) {
  handlers = table;
  port.on('message', (message) => guard.turn(() => dispatch(message)));
}

function dispatch(message) {
  handlers[message.type]?.(message);
}

// Blocks until the message comes. What else comes meanwhile has its turn afterwards.
function waitFor(wanted) {
  return frames.waitFor(() => {
    for (let got; (got = receiveMessageOnPort(port));) {
      if (wanted(got.message)) return got.message;
      if (held.push(got.message) === 1) setImmediate(() => guard.turn(release));
    }
    return undefined;
  });
}

// The reader's thread sends what has been printed, soon, also if this one computes until then.
function flushSoon() {
  port.postMessage('flush');
}

function release() {
  for (const message of held.splice(0)) dispatch(message);
}

module.exports = { flushSoon, handle, start, waitFor };
