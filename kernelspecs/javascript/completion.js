// What may come at the cursor: names, members, and in strings modules and files.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { builtinModules } = require('node:module');
const { KEYWORDS, NAME_BEFORE, objectBefore } = require('./expressions.js');

// Names of a value, nearest first; indices of arrays and strings are left out.
const NAMES = `(value => {
  const names = [];
  let object = Object(value);
  if (Array.isArray(object) || ArrayBuffer.isView(object) || object instanceof String) object = Object.getPrototypeOf(object);
  for (; object !== null; object = Object.getPrototypeOf(object)) names.push(...Object.getOwnPropertyNames(object));
  return names;
})`;
const IS_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

module.exports = ({ evaluate, session }) => {
  function complete({ code, cursor_pos }, reply) {
    const before = [...code].slice(0, cursor_pos ?? undefined).join('');
    const answer = (matches, start, metadata = {}) => reply({
      status: 'ok', matches, metadata, cursor_end: [...before].length, cursor_start: [...before.slice(0, start)].length,
    });
    const file = /(\b(?:require|import|resolve)\s*\(\s*|\b(?:from|import)\s*)?(["'`])([^"'`\n]*)$/.exec(before);
    if (file && insideString(before) && !(file[2] === '`' && file[3].includes('${'))) {
      const [, asModule, , written] = file;
      const matches = [...(asModule ? modules(written) : []), ...files(written)];
      return answer(matches, before.length - written.length);
    }
    const name = NAME_BEFORE.exec(before)[0];
    const start = before.length - name.length;
    const wanted = (names) => [...new Set(names)].filter((each) => each.startsWith(name) && IS_NAME.test(each)).sort(byUse);
    const object = objectBefore(before, start);
    if (object === undefined) return globals((names) => answer(name ? wanted([...names, ...KEYWORDS]) : wanted(names), start));
    if (object === '') return answer([], start);
    evaluate(`${NAMES}(${object})`, { about: object, returnByValue: true }, (result) => answer(wanted(result?.value ?? []), start));
  }

  function globals(done) {
    session.post('Runtime.globalLexicalScopeNames', {}, (error, reply) => {
      const lexical = error ? [] : reply.names;
      evaluate(`${NAMES}(globalThis)`, { returnByValue: true }, (result) => {
        done([...lexical, ...(result?.value ?? [])].filter((each) => !each.startsWith('__')));
      });
    });
  }

  return complete;
};

// Names that begin with an underscore come last.
function byUse(a, b) {
  return a.startsWith('_') - b.startsWith('_') || (a < b ? -1 : 1);
}

function insideString(before) {
  const line = before.slice(before.lastIndexOf('\n') + 1);
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (quote) { if (line[at] === quote) quote = ''; }
    else if ('"\'`'.includes(line[at])) quote = line[at];
    else if (line.startsWith('//', at)) return false;
  }
  return quote !== '';
}

// -- what a string may become --

function modules(written) {
  const builtin = builtinModules.filter((name) => !name.startsWith('_'));
  const installed = [];
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    for (const name of list(path.join(folder, 'node_modules'))) {
      if (name.startsWith('@')) for (const inner of list(path.join(folder, 'node_modules', name))) installed.push(`${name}/${inner}`);
      else if (!name.startsWith('.')) installed.push(name);
    }
    if (folder === path.dirname(folder)) break;
  }
  const names = [...builtin, ...builtin.map((name) => `node:${name}`), ...installed];
  return [...new Set(names)].filter((name) => name.startsWith(written)).sort();
}

function files(written) {
  const cut = written.lastIndexOf('/') + 1;
  if (!cut || /^[a-z]+:/.test(written)) return [];
  const [folder, start] = [written.slice(0, cut), written.slice(cut)];
  const real = path.resolve(folder.replace(/^~(?=\/)/, process.env.HOME ?? '~'));
  return list(real).filter((name) => name.startsWith(start) && (start || !name.startsWith('.')))
    .map((name) => folder + name + (isFolder(path.join(real, name)) ? '/' : '')).sort();
}

function list(folder) {
  try { return fs.readdirSync(folder); } catch { return []; }
}

function isFolder(name) {
  try { return fs.statSync(name).isDirectory(); } catch { return false; }
}
