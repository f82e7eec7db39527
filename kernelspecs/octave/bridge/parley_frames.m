## The frames of the bridge protocol, and what the bridge must remember. Locked, so that `clear all` in a cell
## takes nothing away.
function [out, more] = parley_frames (what, varargin)
  mlock ();
  persistent requests events request last = 0 number = 0 taken = 0;
  out = more = [];
  switch what
    case "open"
      holder = sprintf ("/proc/%d/fd/", varargin{1});
      requests = fopen ([holder "3"], "r");
      events = fopen ([holder "4"], "w");
      if requests < 0 || events < 0
        error ("descriptors 3 and 4 cannot be opened");
      endif
      for fid = [requests, events]
        fcntl (fid, F_SETFD, 1);   # FD_CLOEXEC
      endfor
      kill (varargin{1}, SIG ().TERM);
      waitpid (varargin{1});

    case "descriptors"
      out = [requests, events];

    case "next"   # the next request, as head and content
      [request, more, taken] = read (requests, taken);
      out = request;
      if strcmp (request.msg_type, "execute_request")
        last = request.id;
      endif

    case "request"   # the one that has no reply yet
      out = request;

    case "send"
      send (events, varargin{:});

    case {"reply", "fail"}   # the latter: behind an error event of the same content
      head = struct ("msg_type", strrep (request.msg_type, "_request", "_reply"), "id", request.id);
      text = frame (head, varargin{1});
      if strcmp (what, "fail")
        head.msg_type = "error";
        text = [frame(head, rmfield (varargin{1}, "status")) text];
      endif
      fflush (stdout);
      fflush (stderr);
      # One statement, since an interrupt strikes between two: else there would be no reply, or another.
      request = zeros (0, fputs (events, text) * fflush (events) * 0);

    case "event"
      send (events, struct ("msg_type", varargin{1}, "id", last), varargin{2});

    case "publish"   # an event; returns when it has been taken
      number += 1;
      send (events, struct ("msg_type", varargin{1}, "id", last, "ack", true, "seq", number), varargin{2});
      do
        [head, ~, taken] = read (requests, taken);
      until strcmp (head.msg_type, "ack") && head.seq == number

    case "ask"
      number += 1;
      send (events, struct ("msg_type", "input_request", "id", number), varargin{1});
      do
        [head, out, taken] = read (requests, taken, true);
      until strcmp (head.msg_type, "input_reply") && head.id == number
  endswitch
endfunction

function send (events, head, content)
  text = frame (head, content);
  fflush (stdout);
  fflush (stderr);
  fputs (events, text);
  fflush (events);
endfunction

function text = frame (head, content)
  if ! ischar (content)
    content = jsonencode (content);
  endif
  # Octave's strings are bytes; a frame is UTF-8.
  text = [jsonencode(head) "\n" __u8_validate__(content) "\n"];
endfunction

## What has been read stays in a persistent variable until the caller has it all, and says so by its number: an interrupt
## that came while the bridge was idle strikes right after the read, and must not take the request with it.
function [head, content, number] = read (requests, taken, patient = false)
  mlock ();
  persistent parts = struct ("number", 0);
  if parts.number <= taken
    parts = struct ("number", taken + 1, "first", [], "second", [], "newline", [], "skipped", false);
  endif
  if patient   # no interrupt ends a read that waits, so a question, which may wait for long, looks again and again
    fcntl (requests, F_SETFL, bitor (O_RDONLY, O_NONBLOCK));
    while ! ischar (parts.first)
      fclear (requests);
      parts.first = fgetl (requests);
      if ! ischar (parts.first)
        pause (0.02);
      endif
    endwhile
  endif
  fcntl (requests, F_SETFL, O_RDONLY);   # blocking again, after an interrupted question, too
  for attempt = 1:3   # an interrupt leaves the stream as if at its end
    if ! ischar (parts.first)
      fclear (requests);
      parts.first = fgetl (requests);
    endif
  endfor
  if ! ischar (parts.first)
    exit (0);   # the server is gone
  endif
  if isempty (parts.second)   # fgetl would look at what follows the line, and wait for it
    parts.second = fscanf (requests, "%[^\n]", "C");
  endif
  if isempty (parts.newline)
    parts.newline = fread (requests, 1);
  endif
  head = jsondecode (parts.first);
  content = jsondecode (parts.second, "makeValidName", false);
  if isfield (head, "buffers") && ! parts.skipped
    parts.skipped = numel (fread (requests, sum (head.buffers))) >= 0;
  endif
  number = parts.number;
endfunction
