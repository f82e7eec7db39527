## Is the code ready to run? What fails at its very end needs more lines.
function reply = parley_is_complete (code)
  lines = strsplit (code, "\n", "CollapseDelimiters", false);
  try
    parley_parse (code);
    reply = struct ("status", "complete");
    if ! isempty (regexp (lines{end}, '\.\.\.\s*$', "once"))
      reply = struct ("status", "incomplete", "indent", "  ");
    endif
  catch err
    last = numel (lines);
    line = str2double (regexp (err.message, 'near line (\d+)', "tokens", "once"));
    if isempty (strfind (err.message, ">>>")) && line > last && isempty (regexp (code, '^[^''"%#\n]*([''"])[^''"\n]*$', "once", "lineanchors"))
      text = lines{end};
      indent = regexp (text, '^\s*', "match", "once");
      if ! isempty (regexp (text, '^\s*(if|else|elseif|for|parfor|while|do|switch|case|otherwise|try|catch|function|unwind_protect)(?=\W|$)', "once"))
        indent = [indent "  "];
      endif
      reply = struct ("status", "incomplete", "indent", indent);
    else
      reply = struct ("status", "invalid");
    endif
  end_try_catch
endfunction
