## -*- texinfo -*-
## @deftypefn {} {[@var{status}, @var{text}] =} system (@var{command}, @dots{})
## Run a command, as Octave's own @code{system} does; an interrupt that ends the command ends the cell as well.
## @end deftypefn
function varargout = system (command, return_output = [], type = "sync")
  if isempty (return_output)
    return_output = nargout > 1;
  endif
  if return_output || ! strcmp (type, "sync")
    [varargout{1:max (1, nargout)}] = builtin ("system", command, return_output, type);
    if return_output
      pause (0.001);   # a SIGINT that ended the command is handled here
    endif
    return;
  endif
  # Octave itself would ignore SIGINT while it waits here, and so not know that it was meant, too.
  fflush (stdout);
  pid = builtin ("system", command, false, "async");
  [~, status] = waitpid (pid);
  if WIFEXITED (status)
    varargout = {WEXITSTATUS(status), ""};
  else
    if WTERMSIG (status) == SIG ().INT
      pause (1);   # never so long: the SIGINT that ended the command is on its way to us as well
    endif
    varargout = {128 + WTERMSIG(status), ""};
  endif
endfunction
