## -*- texinfo -*-
## @deftypefn {} {} display_data (@var{mime}, @var{data})
## @deftypefnx {} {} display_data (@var{mime}, @var{data}, @var{id})
## Show data of a MIME type in the notebook: text as it is, binary data as base64, JSON as JSON text or any value.
## With an id, it can be replaced by @code{update_display (@var{id}, @var{mime}, @var{data})}.
## @end deftypefn
function display_data (mime, data, id = "")
  parley_publish ("display_data", mime, data, id);
endfunction
