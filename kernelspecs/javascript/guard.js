// Which code may be cut off by an interrupt: the user's always, the bridge's own never.
//
// An interrupt terminates whatever JavaScript runs on the main thread: no catch, no finally, down to the event loop.
// In the midst of a frame that would break the protocol. So the bridge's functions run inside `run`, and what an
// interrupt finds there is terminated when control goes back to the user's code. A termination skips every `finally`,
// so nothing depends on one then: it happens only where `guarded` is false, and each turn begins anew.
'use strict';

const inspector = require('node:inspector');
const frames = require('./frames.js');
const { running } = require('./owner.js');
const { isUsers } = require('./stacks.js');

const session = new inspector.Session();
session.connect();

let guarded = false;
let pending = false;
let port;                               // to the reader's thread

function run(body) {
  const outermost = !guarded;
  guarded = true;
  try {
    return body();
  } finally {
    if (outermost) {
      const struck = pending;
      guarded = pending = false;
      if (struck && onUserStack()) endHere();
    }
  }
}

// A turn of the event loop that begins in the bridge. Whatever the last one was cut off in is over.
function turn(body) {
  guarded = false;
  pending = false;
  run(body);
}

// The user's code inside the bridge's.
function release(body) {
  const was = guarded;
  guarded = false;
  try { return body(); } finally { guarded = was; }
}

// What runs belongs to an interrupted cell and is to end here; false if it is none of the user's functions.
function cutOff() {
  if (onUserStack()) pending = true;
  return pending;
}

// A termination takes effect at the next call or turn of a loop. That must not be later, in Node's or V8's own code,
// which is not made for it: so it is awaited here. The deadline is for a reader that does not answer.
function endHere() {
  terminate();
  for (const end = Date.now() + 1000; Date.now() < end;);
}

// Called by the reader's thread, in between any two instructions of this one.
function strike(id) {
  if (id !== undefined && running()?.id !== id) return;
  if (guarded) pending = true;
  else if (onUserStack()) terminate();
}

// Whether the user's code has called us: an idle event loop must not be left with a termination to come.
function onUserStack() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, sites) => sites.some((site) => isUsers(site) && site.getScriptNameOrSourceURL() !== STRIKE);
  const found = {};
  Error.captureStackTrace(found);
  const users = found.stack;
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return users;
}

// The name of the script by which the reader's thread calls `strike`.
const STRIKE = 'parley-interrupt';

// Node checks that asynchronous callbacks end in the order they began, and aborts when they do not. A handled
// exception makes it forget what is open; so it gets one that nobody else sees.
function terminate() {
  try {
    process.setUncaughtExceptionCaptureCallback(() => {});
    process._fatalException?.(new Error('interrupted'), false);
    process.setUncaughtExceptionCaptureCallback(null);
  } catch { /* the user captures exceptions himself, or uses domains */ }
  frames.wish(port);                   // not by our own session: its answer would call us while nothing may run
}

module.exports = { connect(to) { port = to; }, cutOff, release, run, session, strike, turn };
