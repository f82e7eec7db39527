## -*- texinfo -*-
## @deftypefn {} {} update_display (@var{id}, @var{mime}, @var{data})
## Replace what @code{display_data} has shown under that id, wherever it is shown.
## @end deftypefn
function update_display (id, mime, data)
  parley_publish ("update_display_data", mime, data, id);
endfunction
