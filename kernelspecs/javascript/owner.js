// Which cell the code that runs belongs to, callbacks and timers long after the cell included.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

const storage = new AsyncLocalStorage();
let current;

module.exports = {
  begin(cell) { current = cell; },
  end(cell) { if (current === cell) current = undefined; },
  run: (cell, body) => storage.run(cell, body),
  running: () => current,
  owner: () => storage.getStore() ?? current,
};
