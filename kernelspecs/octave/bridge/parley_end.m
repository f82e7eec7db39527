## Removes what the bridge has written.
function parley_end ()
  confirm_recursive_rmdir (false);
  [~, ~] = rmdir (parley_cell_file (), "s");
endfunction
