## -*- texinfo -*-
## @deftypefn {} {} display_json (@var{data})
## @deftypefnx {} {} display_json (@var{data}, @var{id})
## Show JSON in the notebook.
## @end deftypefn
function display_json (data, id = "")
  display_data ("application/json", data, id);
endfunction
