// The globals `display`, `clearOutput`, `html`, `svg`, `md`; the README has the table.
'use strict';

const fs = require('node:fs');
const { randomUUID } = require('node:crypto');
const { emit } = require('./output.js');
const { base64, describe, imageType, plain } = require('./values.js');

const HOOK = Symbol.for('Jupyter.display');

/** What display() returns when it was given an id: update() shows something else in the same place. */
class Display {
  constructor(id) { this.id = id; }
  update(value, options) { return display(value, { ...options, id: this.id, update: true }); }
}

/**
 * Shows a value as richly as it can be shown.
 * options: id (a name, or true for a new one), update (replace what has that id), raw (the value is an object of
 * MIME types), metadata. With an id it returns a handle with update(value).
 */
function display(value, options = {}) {
  const data = options.raw ? raw(value) : describe(value);
  return typeof data.then === 'function' ? data.then((bundle) => show(bundle, options)) : show(data, options);
}

function raw(value) {
  if (typeof value !== 'object' || value === null) throw new TypeError('display(value, {raw: true}) needs an object of MIME types');
  return describe({ [HOOK]: () => value });
}

function show(data, { id, update = false, metadata = {} } = {}) {
  if (update && id === undefined) throw new TypeError('display(value, {update: true}) needs the id of the display');
  const name = id === true ? randomUUID() : id;
  emit(update ? 'update_display_data' : 'display_data',
    { data, metadata, transient: name === undefined ? {} : { display_id: String(name) } });
  return name === undefined ? undefined : new Display(name);
}

const text = (mime, word) => (content, options) => show({ [mime]: String(content), 'text/plain': word ?? String(content) }, options);
const json = (mime) => (content, options) => show({ [mime]: content, 'text/plain': plain(content) }, options);
const version = (spec, otherwise) => /\/v(\d+)/.exec(spec.$schema ?? '')?.[1] ?? otherwise;

function isSVG({ buffer, byteOffset, byteLength }) {
  return /^\s*(?:<\?xml[^]*?)?<svg[\s>]/i.test(Buffer.from(buffer, byteOffset, Math.min(byteLength, 1000)).toString());
}

function image(source, options, wanted) {
  const bytes = typeof source === 'string' || source instanceof URL ? fs.readFileSync(source) : source;
  if (!ArrayBuffer.isView(bytes)) throw new TypeError('an image is a Buffer, a typed array or the name of a file');
  const type = imageType(bytes) ?? (isSVG(bytes) ? 'image/svg+xml' : undefined);
  if (!type) throw new TypeError('an image must be PNG, JPEG, GIF, WebP or SVG');
  if (wanted && type !== wanted) throw new TypeError(`this is not ${wanted} but ${type}`);
  const content = type === 'image/svg+xml' ? Buffer.from(bytes).toString() : base64(bytes);
  return show({ [type]: content, 'text/plain': `<${type}, ${bytes.byteLength} bytes>` }, options);
}

Object.assign(display, {
  html: text('text/html'),
  svg: text('image/svg+xml', '<svg>'),
  markdown: text('text/markdown'),
  latex: text('text/latex'),
  javascript: text('application/javascript'),
  text: (content, options) => show({ 'text/plain': String(content) }, options),
  json: json('application/json'),
  png: (source, options) => image(source, options, 'image/png'),
  jpeg: (source, options) => image(source, options, 'image/jpeg'),
  image,
  vega: (spec, options) => json(`application/vnd.vega.v${version(spec, 5)}+json`)(spec, options),
  vegalite: (spec, options) => json(`application/vnd.vegalite.v${version(spec, 5)}+json`)(spec, options),
});

const tag = (mime) => (strings, ...values) => {
  const content = String.raw({ raw: strings }, ...values);
  return { [HOOK]: () => ({ [mime]: content, 'text/plain': content }), toString: () => content };
};

/** Clears the output of the cell; with true or {wait: true} only when something new is shown. */
function clearOutput(options) {
  emit('clear_output', { wait: Boolean(options === true || options?.wait) });
}

module.exports = { Display, clearOutput, display, html: tag('text/html'), md: tag('text/markdown'), svg: tag('image/svg+xml') };
