## -*- texinfo -*-
## @deftypefn {} {@var{ans} =} input (@var{prompt})
## @deftypefnx {} {@var{ans} =} input (@var{prompt}, "s")
## Ask the user of the notebook; without "s" the answer is evaluated.
## @end deftypefn
function value = input (prompt = "", kind = "")
  answer = parley_frames ("ask", struct ("prompt", __u8_validate__ (prompt), "password", false));
  switch answer.status
    case "ok"
      text = answer.value;
    case "eof"
      error ("Octave:some-id", "input: reading user-input failed!");
    otherwise
      error ("Parley:StdinNotImplementedError", "input: %s", answer.evalue);
  endswitch
  if strcmp (kind, "s")
    value = text;
  elseif isempty (strtrim (text))
    value = [];
  else
    value = evalin ("caller", text);
  endif
endfunction
