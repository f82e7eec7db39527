## Sends a display in one MIME type, with a text for front ends that show nothing else.
function parley_publish (type, mime, data, id)
  if ! ischar (mime) || isempty (regexp (mime, '^[\w.+-]+/[\w.+-]+$', "once"))
    error ("Parley:display", "display_data: not a MIME type");
  endif
  plain = ["<" mime ">"];
  json = "";
  if ! isempty (regexp (mime, '(/|\+)json$', "once"))
    if ischar (data)
      jsondecode (data);   # or an error
      json = strtrim (regexprep (data, '[\r\n]', " "));
    else
      json = jsonencode (data);
    endif
    plain = json;
    data = "parley-json";
  elseif ! ischar (data)
    error ("Parley:display", "display_data: the data of %s must be text", mime);
  elseif isempty (regexp (mime, '^(image/(?!svg)|application/pdf)', "once"))
    data = plain = __u8_validate__ (data);
  endif
  bundle = struct ("text/plain", "");
  bundle.("text/plain") = plain;
  bundle.(mime) = data;
  transient = struct ();
  if ! isempty (id)
    transient.display_id = id;
  endif
  content = struct ("data", {bundle}, "metadata", struct (), "transient", transient);
  if ! isempty (json)   # as it is: what Octave makes of null and of lists of one would not be the same again
    key = jsonencode (mime);
    content = strrep (jsonencode (content), [key ":\"parley-json\""], [key ":" json]);
  endif
  parley_frames ("publish", type, content);
endfunction
