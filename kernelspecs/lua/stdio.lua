-- print, io.write and io.stderr keep their order; io.read and io.lines ask the user.
local frames, native = ...
local stdio = {}
local stdin, stdout, stderr = io.stdin, io.stdout, io.stderr
local methods = getmetatable(stdout).__index
local write, read, lines, flush, close = methods.write, methods.read, methods.lines, methods.flush, methods.close
local output, input, io_lines, execute, popen = io.output, io.input, io.lines, native.execute, io.popen
local type, error, select, tostring, concat, find, sub = type, error, select, tostring, table.concat, string.find, string.sub
local match, tonumber, pairs, pack, unpack = string.match, tonumber, pairs, table.pack, table.unpack

-- Unbuffered: what is written is seen, and a frame cannot overtake it. A cell may ask for more (setvbuf).
stdout:setvbuf("no")

-- Descriptors 1 and 2 are two pipes. The server has emptied both before it acknowledges a sync, so one is sent
-- whenever output moves from one to the other. `last` is the one written to, "both" after a child has run.
local last

function stdio.before_frame()
    flush(stdout)
    flush(stderr)
    last = nil
end

local function move_to(file)
    if last and last ~= file then
        flush(stdout)
        flush(stderr)
        frames.send_and_wait("sync", {})
    end
    last = file
end

function methods.write(file, ...)
    if file == stdout or file == stderr then move_to(file) end
    return write(file, ...)
end

function _G.io.write(...)
    return output():write(...)
end

function _G.print(...)
    local parts = {}
    for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
    parts[#parts + 1] = "\n"
    move_to(stdout)
    write(stdout, #parts == 2 and parts[1] .. "\n" or concat(parts, "\t", 1, #parts - 1) .. "\n")
end

function _G.os.execute(...)
    move_to("both")
    return execute(...)
end

function _G.io.popen(...)
    move_to("both")
    return popen(...)
end

-- Standard input: what the user has typed and nobody has read yet.
local typed, ended = "", false

function stdio.begin_cell()
    typed, ended, last = "", false, nil
end

-- One answer of the user, without its newline; nil at the end of the input.
function stdio.ask(prompt, password)
    stdio.before_frame()
    local reply = frames.ask(prompt, password)
    if not reply then return nil end                    -- interrupted: the error comes with the next instruction
    if reply.status == "ok" then return reply.value end
    if reply.status == "eof" then return nil end
    error((reply.ename or "input") .. ": " .. (reply.evalue or "nobody can answer"), 0)
end

local function more()
    if ended then return false end
    local answer = stdio.ask("", false)
    if answer == nil then
        ended = true
        return false
    end
    typed = typed .. answer .. "\n"
    return true
end

local function take(count)
    local piece = sub(typed, 1, count)
    typed = sub(typed, count + 1)
    return piece
end

local function read_line(keep_newline)
    while not find(typed, "\n", 1, true) and more() do end
    if typed == "" then return nil end
    local stop = find(typed, "\n", 1, true) or #typed + 1
    local line = take(stop)
    return keep_newline and line or (line:gsub("\n$", ""))
end

local function read_number()
    while not find(typed, "%S") and more() do end
    take((find(typed, "%S") or #typed + 1) - 1)
    local text = match(typed, "^[-+]?0[xX][%x.]*[pP]?[-+]?%d*") or match(typed, "^[-+]?[%d.]+[eE]?[-+]?%d*") or ""
    while #text > 0 and not tonumber(text) do text = sub(text, 1, -2) end
    take(#text)
    return tonumber(text)
end

local function read_count(count)
    while #typed < count and more() do end
    if typed == "" and (ended or count > 0) then return nil end
    return take(count)
end

local function read_all()
    while more() do end
    return take(#typed)
end

local function read_typed(format)
    if type(format) == "number" then return read_count(format) end
    local kind = match(tostring(format), "^%*?(.)")
    if kind == "l" then return read_line(false) end
    if kind == "L" then return read_line(true) end
    if kind == "n" then return read_number() end
    if kind == "a" then return read_all() end
    error("bad argument to 'read' (invalid format)", 4)
end

local function read_stdin(...)
    local formats, results = pack(...), {}
    if formats.n == 0 then return read_line(false) end
    for i = 1, formats.n do
        results[i] = read_typed(formats[i])
        if results[i] == nil then return unpack(results, 1, i) end
    end
    return unpack(results, 1, formats.n)
end

function methods.read(file, ...)
    if file == stdin then return read_stdin(...) end
    return read(file, ...)
end

function methods.lines(file, ...)
    if file ~= stdin then return lines(file, ...) end
    local formats = pack(...)
    return function() return read_stdin(unpack(formats, 1, formats.n)) end
end

function _G.io.read(...)
    return input():read(...)
end

function _G.io.lines(name, ...)
    if name ~= nil then return io_lines(name, ...) end
    return input():lines(...)
end

-- input(prompt): a line from the user, with the question where the answer is typed. password: not shown.
function stdio.input(prompt, password)
    return stdio.ask(tostring(prompt or ""), password and true or false)
end

return stdio
