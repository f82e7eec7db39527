// Finds the expression around a cursor by reading backwards: names, members, calls and literals, in unfinished code.
'use strict';

const KEYWORDS = ('async await break case catch class const continue debugger default delete do else export extends ' +
  'false finally for from function if import in instanceof let new null of return static super switch this throw ' +
  'true try typeof undefined var void while with yield').split(' ');

const NAME_BEFORE = /[\p{ID_Continue}$\u200c\u200d]*$/u;

/** The expression whose member is being written at `start`; undefined if it is no member, '' if it is unclear. */
function objectBefore(code, start) {
  const dot = /\??\.\s*$/.exec(code.slice(0, start));
  if (!dot || /(?:^|[^\w$)\]])\d+\.$/.test(code.slice(0, start))) return dot ? '' : undefined;
  if (/\.\.\.$/.test(code.slice(0, start))) return undefined;
  return code.slice(chainStart(code, dot.index), dot.index).trim();
}

// Where a chain of names, members, calls and literals that ends at `end` begins.
function chainStart(code, end) {
  let at = end;
  for (;;) {
    const piece = code.slice(0, at);
    const closing = /[)\]}"'`]\s*$/.exec(piece);
    if (closing) {
      const opening = matching(code, closing.index);
      if (opening < 0) return at;
      at = opening;
      if (/[\p{ID_Continue}$)\]]\s*$/u.test(code.slice(0, at)) && '(['.includes(code[at])) continue;
      if (/\?\.\s*$/.test(code.slice(0, at)) && '(['.includes(code[at])) { at = code.lastIndexOf('?.', at); continue; }
    } else {
      const name = NAME_BEFORE.exec(piece.trimEnd());
      if (!name[0] || KEYWORDS.includes(name[0]) && !['this', 'super', 'true', 'false', 'null'].includes(name[0])) return at;
      at = name.index;
    }
    const dot = /\??\.\s*$/.exec(code.slice(0, at));
    if (!dot) return /\bnew\s+$/.test(code.slice(0, at)) ? code.slice(0, at).search(/\bnew\s+$/) : at;
    at = dot.index;
  }
}

// The opening bracket or quote of the closing one at `end`, or -1.
function matching(code, end) {
  if ('"\'`'.includes(code[end])) return code.lastIndexOf(code[end], end - 1);
  let depth = 0;
  for (let at = end; at >= 0; at--) {
    if (')]}'.includes(code[at])) depth++;
    else if ('([{'.includes(code[at]) && --depth === 0) return at;
    else if ('"\'`'.includes(code[at])) { at = code.lastIndexOf(code[at], at - 1); if (at < 0) return -1; }
  }
  return -1;
}

/** The name or member under the cursor, or the function in whose call's parentheses it stands. */
function expressionAt(code, at) {
  const rest = /^[\p{ID_Continue}$\u200c\u200d]*/u.exec(code.slice(at))[0];
  let end = at + rest.length;
  if (!NAME_BEFORE.exec(code.slice(0, end))[0]) {
    let depth = 0;
    for (end = at - 1; end >= 0; end--) {
      if (')]}'.includes(code[end])) depth++;
      else if ('([{'.includes(code[end]) && depth-- === 0) break;
    }
    if (code[end] !== '(') return '';
  }
  return code.slice(chainStart(code, end), end).trim();
}

module.exports = { KEYWORDS, NAME_BEFORE, expressionAt, objectBefore };
