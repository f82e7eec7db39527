// The thread that reads descriptors 3 and 5. It hands cells to the main thread, and does by itself what must work
// while that one is busy: interrupts and questions, both through an inspector session on the main thread.
'use strict';

const inspector = require('node:inspector');
const net = require('node:net');
const { workerData } = require('node:worker_threads');
const frames = require('./frames.js');

const { port } = workerData;
const session = new inspector.Session();
session.connectToMainThread();
const questions = require('./questions.js')(session);
let lastCell;

const toMain = (message) => { port.postMessage(message); frames.announce(); };

const actions = {
  execute_request(id, content) {
    lastCell = id;
    toMain({ type: 'execute_request', id, content });
  },
  input_reply: (id, content) => toMain({ type: 'input_reply', id, content }),
  ack: (id, content, head) => toMain({ type: 'ack', seq: head.seq }),
  complete_request: (id, content) => questions.complete(content, reply('complete_reply', id)),
  inspect_request: (id, content) => questions.inspect(content, reply('inspect_reply', id)),
  // That for nothing is answered by the main thread, behind the signals it has got: see section 7 of the protocol.
  is_complete_request: (id, content) => (content.code === '' ? toMain({ type: 'is_complete_request', id })
    : reply('is_complete_reply', id)(questions.isComplete(content.code))),
  interrupt_request: interrupt,
  shutdown_request: leave,
};

const reply = (msg_type, id) => (content) => frames.send({ msg_type, id }, content);

// Child processes are in our process group and get SIGINT; the main thread is struck wherever it is.
function interrupt(_, content, head) {
  const id = lastCell;
  if (head.request !== undefined && head.request !== id) return;      // its cell has ended meanwhile
  frames.ownSignal(id ?? 0);
  process.kill(0, 'SIGINT');
  strike(() => { toMain({ type: 'interrupt', id }); insist(++sent, id); }, id);
}

let sent = 0;

// Between two microtasks nobody's code is there to be struck, and an endless chain of them takes no messages.
function insist(number, id) {
  setTimeout(() => { if (frames.taken() < number) strike(() => insist(number, id), id); }, 5);
}

// By the id of the cell: when the main thread comes to it, that may be over, and the next one run.
function strike(then, id) {
  session.post('Runtime.evaluate', { expression: `__parley.strike(${id})\n//# sourceURL=parley-interrupt`, silent: true }, then);
}

// Descriptor 3 has ended: the server is gone, or wants us gone. Exit handlers of the user's have their chance.
function leave() {
  strike(() => toMain({ type: 'shutdown_request' }));
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 400);
}

function read(fd) {
  let bytes = Buffer.alloc(0);
  const socket = new net.Socket({ fd, readable: true, writable: false });
  socket.on('data', (chunk) => {
    bytes = bytes.length ? Buffer.concat([bytes, chunk]) : chunk;
    for (let frame; (frame = takeFrame(bytes));) {
      bytes = bytes.subarray(frame.end);
      actions[frame.head.msg_type]?.(frame.head.id, frame.content, frame.head);
    }
  });
  socket.on('end', leave);
  socket.on('error', leave);
}

function takeFrame(bytes) {
  const first = bytes.indexOf(10);
  const second = first < 0 ? -1 : bytes.indexOf(10, first + 1);
  if (second < 0) return undefined;
  const head = JSON.parse(bytes.toString('utf8', 0, first));
  const end = second + 1 + (head.buffers ?? []).reduce((sum, length) => sum + length, 0);
  if (bytes.length < end) return undefined;
  return { head, content: JSON.parse(bytes.toString('utf8', first + 1, second)), end };
}

port.on('message', (message) => {
  if (message === 'flush') return void setTimeout(frames.flush, frames.PATIENCE);
  // Otherwise it is the main thread's wish to be terminated, from the midst of the user's code.
  session.post('Runtime.terminateExecution');
  frames.grant();
});
read(3);
read(5);
