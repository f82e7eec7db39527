// Whether a cell is complete: decided by compiling it, never by running it.
'use strict';

const vm = require('node:vm');
const { rewrite, scan } = require('./imports.js');

/** Complete, if it compiles; incomplete, if nothing but its end is missing. */
function isComplete(code) {
  let open;
  try {
    open = scan(code, (word, index) => index + word.length);
    code = rewrite(code);
  } catch {
    return { status: 'invalid' };
  }
  const indent = '  '.repeat(open.filter((each) => each !== 'template' && each !== 'comment').length);
  if (open.includes(')')) return { status: 'invalid' };
  const error = compileError(`(async () => {${code}\n})`);
  if (!error) return { status: 'complete' };
  if (open.includes('template') || open.includes('comment') || /^\s*import\b[^'"(]*$/m.test(code)) return { status: 'incomplete', indent };
  // Without its end the wrapper asks for more if the code is good as far as it goes.
  const why = compileError(`(async () => {${code}`);
  if (why && (/Unexpected end of input/.test(why.message) || atTheEnd(why, code))) return { status: 'incomplete', indent: indent || (/[{([]$/.test(code.trimEnd()) ? '  ' : '') };
  return { status: 'invalid' };
}

function compileError(code) {
  try { new vm.Script(code, { filename: 'code' }); } catch (error) { return error; }
  return undefined;
}

// "missing ) after argument list" is said at the end of the code, or where something else stands instead.
function atTheEnd(error, code) {
  if (!/^(?:missing|Missing)/.test(error.message)) return false;
  const [place, text, caret] = String(error.stack).split('\n');
  return place === `code:${code.split('\n').length}` && caret.lastIndexOf('^') >= text.trimEnd().length - 1;
}

module.exports = isComplete;
