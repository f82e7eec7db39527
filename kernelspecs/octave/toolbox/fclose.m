## -*- texinfo -*-
## @deftypefn {} {@var{status} =} fclose (@var{fid})
## @deftypefnx {} {@var{status} =} fclose ("all")
## Close a file, or all of them, as Octave's own @code{fclose} does; those of the notebook stay open.
## @end deftypefn
function status = fclose (fid)
  if strcmp (fid, "all")
    fid = setdiff (fopen ("all")(:)', parley_frames ("descriptors"));
  elseif any (fid == parley_frames ("descriptors"))
    error ("fclose: file %d belongs to the notebook", fid);
  endif
  closed = 0;
  for one = fid
    closed = builtin ("fclose", one);
  endfor
  if nargout > 0
    status = closed;
  endif
endfunction
