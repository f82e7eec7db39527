// What is told about the name at the cursor: a preview, or a function's parameters, documentation and source.
'use strict';

const { expressionAt } = require('./expressions.js');

const NATIVE = /\{\s*\[native code\]\s*\}$/;

module.exports = ({ evaluate, session }) => {
  function inspect({ code, cursor_pos, detail_level }, reply) {
    const nothing = () => reply({ status: 'ok', found: false, data: {}, metadata: {} });
    const expression = expressionAt(code, [...code].slice(0, cursor_pos ?? undefined).join('').length);
    if (!expression) return nothing();
    evaluate(expression, { generatePreview: true }, (result) => {
      if (!result || (result.type === 'undefined' && !/^(?:undefined|void)/.test(expression))) return nothing();
      documentation(result, (doc) => {
        const text = about(expression, result, doc, detail_level);
        session.post('Runtime.releaseObjectGroup', { objectGroup: 'question' });
        reply({ status: 'ok', found: true, data: { 'text/plain': text }, metadata: {} });
      });
    });
  }

  // The comment before a function is not part of it: it is looked for in the text of its script.
  function documentation(result, done) {
    if (result.type !== 'function') return done('');
    session.post('Runtime.getProperties', { objectId: result.objectId, ownProperties: true }, (error, reply) => {
      result.parameters = reply?.result?.find(({ name }) => name === 'length')?.value?.value;
      const place = reply?.internalProperties?.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value;
      if (!place) return done('');
      session.post('Debugger.enable', {}, () => {
        session.post('Debugger.getScriptSource', { scriptId: place.scriptId }, (failed, script) => {
          session.post('Debugger.disable');
          done(failed ? '' : commentBefore(script.scriptSource, place, result.description));
        });
      });
    });
  }

  return inspect;
};

// -- what is told about a value --

function about(expression, result, doc, detail) {
  const kind = result.subtype && result.subtype !== result.className?.toLowerCase() ? `${result.className ?? result.type} (${result.subtype})` : result.className ?? result.subtype ?? result.type;
  const lines = [];
  if (result.type === 'function') {
    const source = result.description;
    lines.push(signature(expression, source, result.parameters), '');
    if (doc) lines.push(doc, '');
    lines.push(`Type: ${source.startsWith('class') ? 'class' : kind}`);
    if (!NATIVE.test(source) && (detail > 0 || source.split('\n').length <= 30)) lines.push('', source);
  } else {
    lines.push(`${expression}: ${preview(result)}`, '', `Type: ${kind}`);
  }
  return lines.join('\n');
}

function signature(expression, source, count) {
  if (source.startsWith('class')) {
    const parameters = /\bconstructor\s*(\([^)]*\))/.exec(source)?.[1] ?? '()';
    return `${/^class[^{]*/.exec(source)[0].trim()}: new ${expression}${parameters}`;
  }
  if (NATIVE.test(source)) return `${expression}(${count} parameter${count === 1 ? '' : 's'})`;
  const arrow = /^(?:async\s+)?([\p{ID_Continue}$]+)\s*=>/u.exec(source);
  const open = source.indexOf('(');
  const parameters = arrow ? `(${arrow[1]})` : source.slice(open, closing(source, open) + 1);
  return `${/^async\b/.test(source) ? 'async ' : ''}${expression}${parameters}`;
}

function closing(source, open) {
  let depth = 0;
  for (let at = open; at < source.length; at++) {
    if ('([{'.includes(source[at])) depth++;
    else if (')]}'.includes(source[at]) && --depth === 0) return at;
  }
  return -1;
}

function preview({ type, value, unserializableValue, description, preview: shown }) {
  if (unserializableValue) return unserializableValue;
  if (type !== 'object' || value === null) return type === 'string' ? JSON.stringify(value) : String(description ?? value);
  const members = [...(shown?.properties ?? []).map((each) => (shown.subtype === 'array' ? '' : `${each.name}: `) + one(each)),
    ...(shown?.entries ?? []).map((each) => (each.key ? `${brief(each.key)} => ` : '') + brief(each.value))];
  if (shown?.overflow) members.push('…');
  return `${description} ${shown?.subtype === 'array' ? `[${members.join(', ')}]` : `{${members.join(', ')}}`}`;
}

const one = ({ type, value }) => (type === 'string' ? JSON.stringify(value) : type === 'function' ? 'ƒ' : value);
const brief = (entry) => (entry.type === 'string' ? JSON.stringify(entry.description) : entry.description);

/** The text of the comment that ends right before the function, or before the declaration it is in. */
function commentBefore(source, { lineNumber, columnNumber }, text) {
  const lines = source.split('\n').slice(0, lineNumber + 1);
  lines[lineNumber] = lines[lineNumber].slice(0, columnNumber);
  let before = lines.join('\n');
  // The location is where the parameters begin: the name and what declares it come before.
  const head = text.slice(0, Math.max(0, text.search(/[({]|=>/)));
  if (head && before.endsWith(head)) before = before.slice(0, -head.length);
  before = before.replace(/(?:^|[\s;{}]|\*\/)(?:(?:export|default|const|let|var|static|async|function\*?|class|get|set)\s+)*[\p{ID_Continue}$.#]*\s*(?:[:=]\s*(?:async\s*)?)?$/u, (found) => found.match(/^(?:\*\/|\s)/)?.[0] ?? '');
  const comment = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(before) ?? /((?:^[ \t]*\/\/.*\n)+)\s*$/m.exec(before);
  return comment ? comment[1].split('\n').map((line) => line.replace(/^\s*(?:\*|\/\/)? ?/, '')).join('\n').trim() : '';
}
