// Stack traces end at the user's code: what called it is the bridge and Node's machinery. This holds for
// error.stack itself, so for console.log(error) and for what cells make of it as well.
'use strict';

const OURS = [__dirname, 'node:inspector', 'node:async_hooks', 'node:internal/async_local_storage/'];

function prepare(error, frames) {
  const shown = frames.filter((frame) => !OURS.some((name) => fileOf(frame).startsWith(name)));
  const last = shown.findLastIndex(isUsers);
  if (last >= 0) shown.length = last + 1;
  return [headline(error), ...shown].join('\n    at ');
}

const fileOf = (frame) => frame.getScriptNameOrSourceURL() ?? '';

/** Whether a call site is in the user's code: a cell, a file, or eval. */
function isUsers(frame) {
  const file = fileOf(frame);
  return frame.isEval() || (file !== '' && !file.startsWith('node:') && !file.startsWith(__dirname));
}

function headline(error) {
  try { return Error.prototype.toString.call(error); } catch { return 'Error'; }
}

/** The first place of a cell in a stack trace: {name, line, column}, counted from 1. */
function placeIn(stack) {
  const found = /\b(cell-\d+|user-expression):(\d+):(\d+)/.exec(stack);
  return found && { name: found[1], line: Number(found[2]), column: Number(found[3]) };
}

module.exports = { install: () => { Error.prepareStackTrace = prepare; }, isUsers, placeIn };
