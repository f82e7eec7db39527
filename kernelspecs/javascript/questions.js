// Completion, inspection, completeness. Runs on the reader's thread, so it answers while a cell runs too; what it
// evaluates on the main thread is refused by V8 at the first side effect, and ends after a quarter of a second.
'use strict';

const { builtinModules } = require('node:module');

module.exports = (session) => {
  function evaluate(expression, { about = expression, ...given }, done) {
    const name = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u.exec(about)?.[0];
    if (builtinModules.includes(name)) session.post('Runtime.evaluate', { expression: `__parley.loadBuiltin('${name}')` });
    session.post('Runtime.evaluate', {
      expression, throwOnSideEffect: true, silent: true, timeout: 250, objectGroup: 'question', ...given,
    }, (error, reply) => done(error || reply.exceptionDetails ? undefined : reply.result));
  }

  return {
    complete: require('./completion.js')({ evaluate, session }),
    inspect: require('./inspection.js')({ evaluate, session }),
    isComplete: require('./completeness.js'),
  };
};
