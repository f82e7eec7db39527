// Import declarations become `const {...} = await __parley.load(...)`, import(...) and import.meta become the
// bridge's, on the lines they were on: code that the inspector evaluates has no module of its own to import from.
'use strict';

const NAME = String.raw`[\p{ID_Continue}$\u200c\u200d]+`;
const STRING = String.raw`(?:"[^"\n]*"|'[^'\n]*')`;
const DECLARATION = new RegExp(String.raw`import(?![\p{ID_Continue}$])\s*(?:(?<first>${NAME})\s*(?:,\s*)?)?` +
  String.raw`(?:\*\s*as\s+(?<all>${NAME})\s*|\{(?<some>[^}]*)\}\s*)?(?<from>from\s*)?(?<module>${STRING})` +
  String.raw`(?:\s*(?:with|assert)\s*(?<attributes>\{[^}]*\}))?[ \t]*;?`, 'uy');
const IDENTIFIER = new RegExp(String.raw`[\p{ID_Start}$_\\]` + String.raw`[\p{ID_Continue}$\u200c\u200d\\]*`, 'uy');
const BEFORE_REGEX = new Set(['return', 'typeof', 'case', 'in', 'of', 'delete', 'void', 'instanceof', 'new', 'throw',
  'await', 'yield', 'else', 'do']);

/** The code without module syntax. Throws a SyntaxError with `index`, the place in the code. */
function rewrite(code) {
  if (!/\b(?:import|export)\b/.test(code)) return code;
  let out = '', copied = 0;
  scan(code, (word, index, top, previous) => {
    if ((word !== 'import' && word !== 'export') || previous === '.' || previous === '?.') return index + word.length;
    const next = /^\s*(.)/su.exec(code.slice(index + 6))?.[1];
    if (next === ':') return index + 6;
    let replacement, end = index + 6;
    if (word === 'import' && (next === '(' || next === '.')) replacement = '__parley.import';
    else if (!top) return end;
    else if (word === 'export') {
      throw syntaxError('A cell cannot export: leave the keyword out, later cells see every declaration', index);
    } else {
      DECLARATION.lastIndex = index;
      const match = DECLARATION.exec(code);
      const { from, first, all, some } = match?.groups ?? {};
      if (!match || Boolean(from) !== Boolean(first || all || some !== undefined)) return end;
      end = DECLARATION.lastIndex;
      replacement = declaration(match.groups) + '\n'.repeat(match[0].split('\n').length - 1);
    }
    out += code.slice(copied, index) + replacement;
    copied = end;
    return end;
  });
  return out + code.slice(copied);
}

function declaration({ first, all, some, module, attributes }) {
  const names = (some ?? '').replace(/\/\*[^]*?\*\/|\/\/.*/g, '').split(',').map((part) => part.trim()).filter(Boolean)
    .map((part) => { const [name, local] = part.split(/\s+as\s+/); return { name, local: local ?? name }; });
  if (first) names.unshift({ name: 'default', local: first });
  const wanted = names.map(({ name }) => (/^['"]/.test(name) ? name : JSON.stringify(name)));
  const loaded = `await __parley.load(${module}, [${wanted.join(', ')}]${attributes ? `, ${attributes}` : ''})`;
  const pattern = `{${names.map(({ local }, at) => `${wanted[at]}: ${local}`).join(', ')}}`;
  if (all) return `const ${all} = ${loaded}${names.length ? `, ${pattern} = ${all}` : ''};`;
  return names.length ? `const ${pattern} = ${loaded};` : `void ${loaded};`;
}

function syntaxError(message, index) {
  return Object.assign(new SyntaxError(message), { index });
}

/**
 * Walks over the code's words. `word(text, index, top, previous)` returns where to go on. Returns what is still open
 * at the end: brackets, and 'template' or 'comment'; or [')'] for a bracket that nothing has opened.
 */
function scan(code, word) {
  const open = [];
  let previous = ';', at = 0;
  const skip = (pattern) => { pattern.lastIndex = at; const match = pattern.exec(code); at = match ? pattern.lastIndex : at + 1; return match; };
  const template = () => {                            // at is behind the backquote, or behind the } of a ${...}
    while (at < code.length) {
      const char = code[at];
      if (char === '\\') at += 2;
      else if (char === '`') { at++; previous = ')'; return; }
      else if (char === '$' && code[at + 1] === '{') { at += 2; open.push('${'); previous = '{'; return; }
      else at++;
    }
    open.push('template');
  };
  while (at < code.length) {
    const char = code[at];
    if (/\s/.test(char)) { at++; continue; }
    if (code.startsWith('//', at) || (at === 0 && code.startsWith('#!'))) { skip(/.*/y); continue; }
    if (code.startsWith('/*', at)) {
      if (!skip(/\/\*[^]*?\*\//y)) { open.push('comment'); break; }
      continue;
    }
    if (char === '"' || char === "'") { skip(/(["'])(?:\\[^]|(?!\1)[^\n\\])*\1?/y); previous = ')'; continue; }
    if (char === '`') { at++; template(); continue; }
    if (char === '/' && (BEFORE_REGEX.has(previous) || !/[)\]\w$]$/.test(previous))) {
      if (!skip(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y)) previous = '/'; else previous = ')';
      continue;
    }
    IDENTIFIER.lastIndex = at;
    const identifier = IDENTIFIER.exec(code);
    if (identifier) { at = word(identifier[0], at, open.length === 0, previous); previous = identifier[0]; continue; }
    if (/\d/.test(char)) { skip(/[\w.]+/y); previous = '0'; continue; }
    if (char === '}' && open.at(-1) === '${') { open.pop(); at++; template(); continue; }
    if ('([{'.includes(char)) open.push(char);
    else if (')]}'.includes(char) && !open.pop()) return [')'];
    previous = code.startsWith('?.', at) ? '?.' : char;
    at += previous.length;
  }
  return open;
}

module.exports = { rewrite, scan };
