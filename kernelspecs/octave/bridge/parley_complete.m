## Completion of names, fields and files. Octave counts bytes, the protocol code points.
function reply = parley_complete (code, cursor_pos)
  starts = [find(bitand (uint8 (code), 192) != 128), numel(code) + 1];
  cursor_pos = max (0, min (cursor_pos, numel (starts) - 1));
  text = code(1:starts(cursor_pos + 1) - 1);
  word = regexp (text, '[A-Za-z_][\w.]*$', "match", "once");
  matches = {};
  line = text(rindex (text, "\n") + 1:end);
  quoted = regexp (line, '(?:^|[\s(,=\[{;])[''"]([^''"]*)$', "tokens", "once");
  if ! isempty (quoted) && mod (sum (line == "'") + sum (line == '"'), 2)
    word = quoted{1};
    matches = files (word);
  elseif any (word == ".")
    matches = fields (word);
  elseif ! isempty (word)
    matches = cellstr (completion_matches (word));
    names = evalin ("base", "who ()");
    matches = [matches(:); names(strncmp (names, word, numel (word)))];
    matches = matches(! strncmp (matches, "parley_", 7) & ! cellfun ("isempty", matches));
  endif
  matches = unique (matches(:))';
  reply = struct ("status", "ok", "matches", {matches}, "cursor_start", cursor_pos - sum (bitand (uint8 (word), 192) != 128), ...
                  "cursor_end", cursor_pos, "metadata", struct ());
endfunction

function matches = fields (word)
  at = rindex (word, ".");
  matches = {};
  try
    value = evalin ("base", word(1:at - 1));
    if isstruct (value) || isobject (value)
      names = fieldnames (value);
      matches = strcat (word(1:at), names(strncmp (names, word(at + 1:end), numel (word) - at)));
    endif
  catch
    # What has no value has no fields.
  end_try_catch
endfunction

function matches = files (word)
  found = glob ([regexprep(word, '([*?\[])', '\\$1') "*"]);
  for i = 1:numel (found)
    if isfolder (found{i})
      found{i} = [found{i} "/"];
    endif
  endfor
  matches = found;
endfunction
