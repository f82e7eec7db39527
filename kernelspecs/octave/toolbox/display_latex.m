## -*- texinfo -*-
## @deftypefn {} {} display_latex (@var{data})
## @deftypefnx {} {} display_latex (@var{data}, @var{id})
## Show LaTeX in the notebook.
## @end deftypefn
function display_latex (data, id = "")
  display_data ("text/latex", data, id);
endfunction
