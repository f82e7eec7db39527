// From a value to what a front end shows of it, and from an error to a traceback that names the line of the cell.
'use strict';

const util = require('node:util');

const HOOK = Symbol.for('Jupyter.display');
const VEGA = [[/\/schema\/vega-lite\/v(\d+)/, 'vegalite'], [/\/schema\/vega\/v(\d+)/, 'vega']];
const IMAGES = [['image/png', '89504e47'], ['image/jpeg', 'ffd8ff'], ['image/gif', '474946383'], ['image/webp', '52494646']];

const plain = (value) => util.inspect(value, { maxArrayLength: 100, maxStringLength: 10000 });

/** The MIME bundle of a value, or a promise of one if the value's own method for it is asynchronous. */
function describe(value) {
  const own = (typeof value === 'object' || typeof value === 'function') && value !== null ? rich(value) : undefined;
  if (util.types.isPromise(own)) return own.then((data) => complete(data, value));
  return complete(own, value);
}

function complete(data, value) {
  if (data === undefined || data === null) return { 'text/plain': plain(value) };
  if (typeof data !== 'object') throw new TypeError(`[Symbol.for("Jupyter.display")]() must return an object of MIME types, not ${plain(data)}`);
  const bundle = {};
  for (const [type, content] of Object.entries(data)) bundle[type] = ArrayBuffer.isView(content) ? base64(content) : content;
  return bundle;
}

function rich(value) {
  if (util.types.isProxy(value)) return undefined;      // asking it anything would run its traps
  if (typeof value[HOOK] === 'function') return value[HOOK]();
  if (typeof value.$schema === 'string') {
    const [kind, match] = VEGA.map(([pattern, name]) => [name, pattern.exec(value.$schema)]).find(([, found]) => found) ?? [];
    if (kind) return { [`application/vnd.${kind}.v${match[1]}+json`]: value, 'text/plain': plain(value) };
  }
  if (util.types.isUint8Array(value)) {
    const type = imageType(value);
    if (type) return { [type]: base64(value), 'text/plain': `<${type}, ${value.byteLength} bytes>` };
  }
  if (typeof value.outerHTML === 'string') {            // a node of jsdom or linkedom, such as a plot
    return { [/^<svg[\s>]/i.test(value.outerHTML) ? 'image/svg+xml' : 'text/html']: value.outerHTML, 'text/plain': String(value) };
  }
  return undefined;
}

function imageType(bytes) {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.byteLength)).toString('hex');
  return IMAGES.find(([type, magic]) => start.startsWith(magic) && (type !== 'image/webp' || start.endsWith('57454250')))?.[0];
}

const base64 = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');

/** The content of an `error` message. `place` is {name, line, column, text} of the cell's line, if it is known. */
function failure(error, place) {
  const known = util.types.isNativeError(error) || error instanceof Error;
  const text = known ? util.inspect(error).replace(/^\[(.*)\]$/s, '$1') : `Uncaught ${plain(error)}`;
  const lines = text.split('\n');
  if (place) {
    const caret = place.column === undefined ? [] : [' '.repeat(place.column) + '^'];
    lines.unshift(`${place.name}:${place.line}`, place.text, ...caret, '');
  }
  return {
    ename: known ? String(error.name ?? 'Error') : 'Uncaught',
    evalue: known ? String(error.message) : plain(error),
    traceback: lines,
  };
}

module.exports = { base64, describe, failure, imageType, plain };
