## Answers requests for ever. An interrupt cannot be caught in Octave: it unwinds everything, but on its way it
## runs cleanup blocks, and this one does not return: it goes on serving, one level deeper. (exit runs none.)
##
## A further interrupt may strike in a cleanup block, before there is a body again that has one of its own. Around each
## is another, for a cell gets three interrupts at most.
function parley_serve ()
  unwind_protect
    unwind_protect
      unwind_protect
        serve ();
      unwind_protect_cleanup
        deeper ();
      end_unwind_protect
    unwind_protect_cleanup
      deeper ();
    end_unwind_protect
  unwind_protect_cleanup
    deeper ();
  end_unwind_protect
endfunction

function serve ()
  interrupted ();
  while true
    try
      parley_answer ();
    catch err
      failed (err);
    end_try_catch
  endwhile
endfunction

function deeper ()
  max_recursion_depth (max_recursion_depth () + 4);
  parley_serve ();
endfunction

## What ran was interrupted.
function interrupted ()
  head = parley_frames ("request");
  if isempty (head)
    return;
  endif
  give_up (head, "KeyboardInterrupt", "");
endfunction

## A fault of the bridge itself.
function failed (err)
  head = parley_frames ("request");
  if isempty (head)
    rethrow (err);
  endif
  where = "";
  if ! isempty (err.stack)
    where = sprintf (" (%s, line %d)", err.stack(1).name, err.stack(1).line);
  endif
  give_up (head, "BridgeError", [err.message where]);
endfunction

function give_up (head, ename, evalue)
  content = struct ("status", "error", "ename", ename, "evalue", evalue, "traceback", {{[ename ": " evalue]}});
  if strcmp (head.msg_type, "execute_request")
    parley_frames ("fail", content);
  else
    parley_frames ("reply", content);
  endif
endfunction
