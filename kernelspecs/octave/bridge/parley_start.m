## Opens the descriptors, prepares the session, introduces itself and serves until the end.
function parley_start (holder)
  parley_frames ("open", holder);
  version = OCTAVE_VERSION ();
  info = struct ("name", "octave", "version", version, "mimetype", "text/x-octave", "file_extension", ".m", ...
                 "codemirror_mode", "octave", "pygments_lexer", "octave", "nbconvert_exporter", "script");
  parley_frames ("send", struct ("msg_type", "kernel_info_reply", "id", 0), ...
                 struct ("bridge_protocol", 1, "language_info", info, "banner", ["GNU Octave " version], ...
                         "capabilities", {{"complete", "inspect", "is_complete"}}));
  parley_path ();
  page_screen_output (false);
  page_output_immediately (false);
  warning ("off", "backtrace");   # it would name the bridge
  crash_dumps_octave_core (false);
  suppress_verbose_help_message (true);
  if any (strcmp (available_graphics_toolkits (), "gnuplot"))
    state = warning ("off", "all");   # that gnuplot is discouraged; without a screen there is no other
    graphics_toolkit ("gnuplot");
    warning (state);
  endif
  set (0, "defaultfigurevisible", "off");
  lasterr ("");
  parley_serve ();
endfunction
