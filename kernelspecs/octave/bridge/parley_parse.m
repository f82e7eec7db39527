## Raises the parse error of a text, if it has one, without running any of it.
function parley_parse (code)
  file = fullfile (parley_cell_file (), "parse.m");
  fid = fopen (file, "w");
  # With a function first it would be no script.
  fputs (fid, ["if false, end; " code "\n"]);
  fclose (fid);
  __parse_file__ (file);
endfunction
