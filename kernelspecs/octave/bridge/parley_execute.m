## Runs a cell, as a script in the user's workspace, and returns the reply.
function reply = parley_execute (content)
  file = parley_cell_file (content.code, content.execution_count);
  reply = struct ("status", "ok");
  try
    parley_parse (content.code);
    evalin ("base", ["builtin ('source', '" strrep(file, "'", "''") "');"]);
    if ! content.silent
      parley_figures ();
    endif
  catch err
    reply = parley_error (err);
    return;
  end_try_catch
  values = struct ();
  names = fieldnames (content.user_expressions);
  for i = 1:numel (names)
    values.(names{i}) = expression (content.user_expressions.(names{i}));
  endfor
  reply.user_expressions = values;
  reply.payload = {};
endfunction

function value = expression (code)
  try
    result = evalin ("base", code);
    value = struct ("status", "ok", "data", struct ("text/plain", ""), "metadata", struct ());
    value.data.("text/plain") = strtrim (evalc ("disp (result)"));
  catch err
    value = parley_error (err);
  end_try_catch
endfunction
