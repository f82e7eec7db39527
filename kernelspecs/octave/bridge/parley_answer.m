## Waits for a request and answers it.
function parley_answer ()
  [head, content] = parley_frames ("next");
  parley_path ();
  switch head.msg_type
    case "execute_request"
      reply = parley_execute (content);
      if strcmp (reply.status, "ok")
        parley_frames ("reply", reply);
      else
        parley_frames ("fail", reply);
      endif
    case "complete_request"
      parley_frames ("reply", parley_complete (content.code, content.cursor_pos));
    case "inspect_request"
      parley_frames ("reply", parley_inspect (content.code, content.cursor_pos));
    case "is_complete_request"
      parley_frames ("reply", parley_is_complete (content.code));
    case "shutdown_request"
      exit (0);
    otherwise
      # An answer that nobody waits for any more.
  endswitch
endfunction
