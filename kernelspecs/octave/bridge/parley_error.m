## An error as an execute_reply: its name, its text, and where in the cells it was.
function reply = parley_error (err)
  ename = err.identifier;
  if isempty (ename)
    ename = "error";
  endif
  evalue = err.message;
  lines = {};
  if strncmp (evalue, "parse error", 11)
    ename = "SyntaxError";
    evalue = strrep (regexprep (evalue, 'near line (\d+) of file \S*', 'near line $1 of the cell'), "if false, end; ", "");
  elseif ! isempty (strfind (evalue, "no graphics toolkits are available"))
    evalue = [evalue " (install gnuplot and its fonts, for example: apt install gnuplot-nox fonts-freefont-otf)"];
  endif
  own = fileparts (fileparts (mfilename ("fullpath")));
  folder = parley_cell_file ();
  shown = false;
  for frame = err.stack(:)'
    if strncmp (frame.file, own, numel (own))
      continue;
    endif
    number = regexp (frame.file, '/cell_(\d+)\.m$', "tokens", "once");
    if strncmp (frame.file, folder, numel (folder)) && ! isempty (number)
      place = sprintf ("cell %s, line %d", number{1}, frame.line);
      name = frame.name;
      if any (name == "/")
        name = "";
      endif
      lines{end+1} = strrep (sprintf ("    at %s (%s)", name, place), "at  (", "at (");
      if ! shown
        text = strsplit (fileread (frame.file), "\n", "CollapseDelimiters", false);
        lines{end+1} = ["       " strtrim(text{max (1, min (frame.line, numel (text)))})];
        shown = true;
      endif
    else
      [~, name, extension] = fileparts (frame.file);
      lines{end+1} = sprintf ("    at %s (%s%s, line %d)", frame.name, name, extension, frame.line);
    endif
  endfor
  head = sprintf ("\033[1;31m%s\033[0m: %s", ename, evalue);
  reply = struct ("status", "error", "ename", ename, "evalue", evalue, "traceback", {[{head}, lines]});
endfunction
