"""The Python bridge of Parley, one duty per module.

handshake    the first frame, written before anything heavy is imported
quickstart   what makes start-up quick
serve        the main loop: takes requests, answers them
lane         the second lane, for requests that come while a cell runs
frames       reading and writing frames
encoding     message content as JSON
cells        which cell does this thread, task or callback belong to
output       the one queue all output goes through, and the order of it
streams      sys.stdout and sys.stderr
interrupts   what SIGINT means, and when
aio          the event loop that lives across cells
inputs       input() and getpass()
comms        comm messages, for widgets
subshells    cells and comm messages in threads of their own
names        the file names that cells are compiled under
debugger     requests of a debugger panel    (with dap: debugpy; explorer: lists of variables)
processes    children: flush before they start, forked copies of the bridge
hooks        what has to be done when a certain module is imported
shell        cells run by IPython          (with display, magics, profile, completion, history)
prefixes     completion by jedi, of the names that can match
fallback     cells run by the standard library alone, where there is no IPython
"""
