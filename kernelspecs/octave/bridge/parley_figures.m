## Shows the figures that have changed since they were shown last.
function parley_figures ()
  mlock ();
  persistent seen = struct ();
  figures = sort (get (0, "children"))';
  for h = figures
    key = sprintf ("f%d", h);
    file = fullfile (parley_cell_file (), "figure");
    if isempty (get (h, "children")) || (isfield (seen, key) && strcmp (seen.(key), fingerprint (h, file)))
      continue;
    endif
    try
      draw (h, [file ".png"]);
    catch err
      seen.(key) = fingerprint (h, file);   # or it failed every later cell, too
      rethrow (err);
    end_try_catch
    seen.(key) = fingerprint (h, file);
    display_png ([file ".png"]);
  endfor
  for key = fieldnames (seen)'
    if ! any (strcmp (key{1}, arrayfun (@(h) sprintf ("f%d", h), figures, "uniformoutput", false)))
      seen = rmfield (seen, key{1});
    endif
  endfor
endfunction

## gnuplot can make a PNG by itself; Octave's "-dpng" would have Ghostscript make it out of PostScript.
function draw (h, file)
  warning ("off", "print:nogs", "local");
  try
    print (h, file, "-dpngcairo", sprintf ("-S%d,%d", get (h, "position")(3:4)));
  catch   # another toolkit, or a gnuplot without cairo
    print (h, file, "-dpng", "-r100");
  end_try_catch
endfunction

function text = fingerprint (h, file)
  hgsave (h, [file ".ofig"]);
  text = fileread ([file ".ofig"]);
  text = hash ("md5", text(find (text == "\n", 1):end));   # the first line has the time
endfunction
