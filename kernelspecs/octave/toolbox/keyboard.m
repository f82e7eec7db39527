## -*- texinfo -*-
## @deftypefn {} {} keyboard ()
## Evaluate what the user of the notebook enters, until it is @code{return}, @code{dbcont} or nothing.
## @end deftypefn
function keyboard (prompt = "keyboard> ")
  while true
    line = strtrim (input (prompt, "s"));
    if any (strcmp (line, {"", "return", "dbcont", "dbquit"}))
      return;
    endif
    try
      evalin ("caller", line);
    catch err
      fprintf (stderr, "error: %s\n", err.message);
    end_try_catch
  endwhile
endfunction
