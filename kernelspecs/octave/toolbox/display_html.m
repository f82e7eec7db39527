## -*- texinfo -*-
## @deftypefn {} {} display_html (@var{data})
## @deftypefnx {} {} display_html (@var{data}, @var{id})
## Show HTML in the notebook.
## @end deftypefn
function display_html (data, id = "")
  display_data ("text/html", data, id);
endfunction
