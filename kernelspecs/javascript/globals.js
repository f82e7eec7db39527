// What cells find in their global scope beside JavaScript and Node: require, Node's modules by name as in its own
// prompt, the helpers for output, prompt(), and, hidden, what rewritten imports call.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const Module = require('node:module');
const { Readable } = require('node:stream');
const { pathToFileURL } = require('node:url');
const frames = require('./frames.js');
const guard = require('./guard.js');
const reader = require('./reader.js');
const { display, clearOutput, html, md, svg } = require('./display.js');
const { owner, running } = require('./owner.js');

// Modules are looked for from the working folder, wherever that is by now.
let from = {};
function here() {
  const folder = process.cwd();
  if (from.folder !== folder) {
    const filename = path.join(folder, 'cell.cjs');
    from = { folder, require: Module.createRequire(filename), import: importer(filename) };
  }
  return from;
}

// An import() that is compiled as a file of the folder is resolved from there.
function importer(filename) {
  const module = new Module(filename);
  module._compile('module.exports = (name, options) => import(name, options);', filename);
  return module.exports;
}

async function load(name, wanted, attributes) {
  const module = await importModule(name, attributes && { with: attributes });
  for (const item of wanted) {
    if (!(item in module)) throw new SyntaxError(`The module '${name}' does not provide an export named '${item}'`);
  }
  return module;
}

async function importModule(name, options) {
  try {
    return await here().import(name, options);
  } catch (error) {
    if (error?.code !== 'ERR_IMPORT_ATTRIBUTE_MISSING' && error?.code !== 'ERR_IMPORT_ASSERTION_TYPE_MISSING' || options) throw error;
    return here().import(name, { with: { type: 'json' } });
  }
}

Object.defineProperty(importModule, 'meta', {
  get() {
    const { folder } = here();
    return { dirname: folder, filename: path.join(folder, 'cell.cjs'), url: pathToFileURL(path.join(folder, 'cell.cjs')).href,
      resolve: (name) => { const found = here().require.resolve(name); return path.isAbsolute(found) ? pathToFileURL(found).href : found; } };
  },
});

const require_ = Object.assign((name) => here().require(name), {
  resolve: Object.assign((...args) => here().require.resolve(...args), { paths: (name) => here().require.resolve.paths(name) }),
});
Object.defineProperty(require_, 'name', { value: 'require' });
Object.defineProperties(require_, {
  cache: { get: () => here().require.cache, enumerable: true },
  main: { value: undefined, enumerable: true },
});

let questions = 0;

/**
 * Asks the user and waits for the answer: a string, or null when the front end has no more input.
 * An empty answer is the second argument, if there is one.
 */
function prompt(message = '', otherwise) {
  return ask(String(message), false, otherwise);
}

/** As prompt(message), for what is not to be seen: a password. */
prompt.password = function password(message = '') { return ask(String(message), true); };

function ask(message, password, otherwise) {
  const cell = running();
  if (!cell || owner() !== cell) throw new Error('prompt() asks only while its cell runs; this code runs later than its cell');
  const id = ++questions;
  guard.run(() => frames.send({ msg_type: 'input_request', id }, { prompt: message, password }));
  const reply = reader.waitFor((got) => got.type === 'input_reply' && got.id === id).content;
  if (reply.status === 'ok') return reply.value === '' && otherwise !== undefined ? String(otherwise) : reply.value;
  if (reply.status === 'eof') return null;
  const error = new Error(reply.evalue ?? 'nobody can answer');
  error.name = reply.ename ?? 'StdinNotImplementedError';
  throw error;
}

// Node's modules are loaded when they are first named. Questions must not load anything by themselves, but may ask.
const unloaded = new Map();

function loadBuiltin(name) {
  if (Object.getOwnPropertyDescriptor(globalThis, name)?.get === unloaded.get(name)) unloaded.get(name)?.();
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: false, writable: true });
}

function install() {
  for (const [name, value] of Object.entries({ clearOutput, display, html, md, prompt, require: require_, svg })) define(name, value);
  Object.defineProperty(globalThis, '__parley', { value: { import: importModule, load, loadBuiltin, strike: guard.strike } });
  for (const name of Module.builtinModules.filter((each) => !/^_|\//.test(each) && !(each in globalThis))) {
    const get = () => { define(name, require(name)); return globalThis[name]; };
    Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, get, set: (value) => define(name, value) });
    unloaded.set(name, get);
  }
  // Node's console also tells the inspector, which keeps every message with its stack: a third of the time.
  const { stdout, stderr } = process;
  Object.assign(console, new console.Console({ stdout, stderr }), { clear: () => clearOutput() });
  const stdin = new Readable({
    read() { this.destroy(new Error('process.stdin is not connected in a notebook: ask with prompt("...")')); },
  });
  Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => Object.assign(stdin, { fd: 0 }) });
}

module.exports = { install };
