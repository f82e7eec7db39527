## Sees to it that the bridge's folders are on the path: restoredefaultpath in a cell takes them away.
function parley_path ()
  mlock ();
  persistent folder = fileparts (fileparts (mfilename ("fullpath")));
  if isempty (strfind (path (), [folder "/toolbox"]))
    warning ("off", "Octave:shadowed-function", "local");
    addpath (fullfile (folder, "bridge"), "-end");
    addpath (fullfile (folder, "toolbox"));
  endif
endfunction
