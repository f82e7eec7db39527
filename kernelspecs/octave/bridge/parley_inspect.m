## Help for the name at the cursor, or what the variable of that name is.
function reply = parley_inspect (code, cursor_pos)
  starts = [find(bitand (uint8 (code), 192) != 128), numel(code) + 1];
  at = starts(max (0, min (cursor_pos, numel (starts) - 1)) + 1);
  name = "";
  [from, to] = regexp (code, '[A-Za-z_]\w*');
  i = find (from <= at & to + 1 >= at, 1);
  if isempty (i)   # within the arguments of a call: the function
    i = find (to < at & cellfun (@(n) n <= numel (code) && code(n) == "(", num2cell (to + 1)), 1, "last");
  endif
  if ! isempty (i)
    name = code(from(i):to(i));
  endif
  text = about (name);
  data = struct ();
  if ! isempty (text)
    data.("text/plain") = text;
  endif
  reply = struct ("status", "ok", "found", ! isempty (text), "data", data, "metadata", struct ());
endfunction

function text = about (name)
  text = "";
  if isempty (name)
    return;
  endif
  if evalin ("base", ["exist ('" name "', 'var')"])
    text = strtrim (evalin ("base", ["evalc ('" name "')"]));
    text = [evalin("base", ["sprintf ('%s %s', strjoin (strsplit (num2str (size (" name ")), ' ')(! cellfun ('isempty', strsplit (num2str (size (" name ")), ' '))), 'x'), class (" name "))"]) "\n" text];
    return;
  endif
  try
    [help, format] = get_help_text (name);
    switch format
      case "texinfo"
        [text, status] = __makeinfo__ (help, "plain text");
        if status
          text = help;
        endif
      case {"plain text", "html"}
        text = help;
    endswitch
    if exist (name) == 103   # declared in a cell
      text = strtrim ([text "\n" evalc(["type ('" name "')"])]);
    endif
  catch
    text = "";
  end_try_catch
  text = strtrim (text);
endfunction
