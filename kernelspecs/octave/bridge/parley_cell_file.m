## Writes a cell into a file, so that errors have lines and functions a source. Returns its name.
function file = parley_cell_file (code, number)
  mlock ();
  persistent folder;
  if isempty (folder)
    folder = tempname ();
    [status, message] = mkdir (folder);
    if ! status
      error ("cannot make the folder %s: %s", folder, message);
    endif
    # The folder is the user's alone, and goes with the session.
    system (["chmod 700 '" folder "'"]);
    atexit ("parley_end");
  endif
  if nargin == 0
    file = folder;
    return;
  endif
  file = fullfile (folder, sprintf ("cell_%d.m", number));
  fid = fopen (file, "w");
  fputs (fid, [code "\n"]);
  fclose (fid);
endfunction
