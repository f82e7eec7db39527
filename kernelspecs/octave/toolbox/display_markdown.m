## -*- texinfo -*-
## @deftypefn {} {} display_markdown (@var{data})
## @deftypefnx {} {} display_markdown (@var{data}, @var{id})
## Show Markdown in the notebook.
## @end deftypefn
function display_markdown (data, id = "")
  display_data ("text/markdown", data, id);
endfunction
