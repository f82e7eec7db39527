// JavaScript for Parley: the main thread, where the cells run. See README.md for the files and the threads.
'use strict';

if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(`JavaScript for Parley needs Node.js 20 or newer; this is ${process.version} (${process.execPath}).\n` +
    'Install a newer one, or name it in PARLEY_NODE.\n');
  process.exit(78);
}

const frames = require('./frames.js');
frames.send({ msg_type: 'kernel_info_reply', id: 0 }, {
  bridge_protocol: 1,
  banner: `JavaScript (Node.js ${process.versions.node})`,
  capabilities: ['complete', 'inspect', 'is_complete', 'interrupt'],
  language_info: {
    name: 'javascript', version: process.versions.node, mimetype: 'text/javascript', file_extension: '.js',
    codemirror_mode: 'javascript', pygments_lexer: 'javascript', nbconvert_exporter: 'script',
  },
});

const reader = require('./reader.js').start();      // its thread starts while the rest loads
const guard = require('./guard.js');
require('./stacks.js').install();
require('./output.js').install();
require('./timers.js').install();
require('./globals.js').install();
const cells = require('./cells.js');

reader.handle({
  execute_request: cells.execute,
  is_complete_request: ({ id }) => frames.send({ msg_type: 'is_complete_reply', id }, { status: 'complete' }),
  interrupt: ({ id }) => { frames.take(); cells.interrupt(id); },
  shutdown_request: () => process.exit(0),
});

process.on('uncaughtException', cells.uncaught);
// A SIGINT that the reader's thread has sent was meant for child processes; any other one interrupts the cell.
process.on('SIGINT', () => { if (!frames.takeOwnSignal()) guard.run(() => cells.interrupt()); });
