## -*- texinfo -*-
## @deftypefn {} {} display_png (@var{file})
## @deftypefnx {} {} display_png (@var{bytes})
## Show a PNG image in the notebook: the name of a file, or its bytes as uint8.
## @end deftypefn
function display_png (image, id = "")
  if ischar (image)
    fid = fopen (image, "r");
    if fid < 0
      error ("Parley:display", "display_png: cannot read %s", image);
    endif
    image = fread (fid, Inf, "*uint8");
    fclose (fid);
  endif
  display_data ("image/png", matlab.net.base64encode (uint8 (image(:)')), id);
endfunction
