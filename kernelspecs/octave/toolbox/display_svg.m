## -*- texinfo -*-
## @deftypefn {} {} display_svg (@var{data})
## @deftypefnx {} {} display_svg (@var{data}, @var{id})
## Show SVG in the notebook.
## @end deftypefn
function display_svg (data, id = "")
  display_data ("image/svg+xml", data, id);
endfunction
