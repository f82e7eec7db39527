## -*- texinfo -*-
## @deftypefn {} {} clear_output ()
## @deftypefnx {} {} clear_output (@var{wait})
## Clear the output of the cell; with a true argument, when there is something new to show.
## @end deftypefn
function clear_output (wait = false)
  parley_frames ("publish", "clear_output", struct ("wait", logical (wait)));
endfunction
