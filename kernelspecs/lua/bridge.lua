-- The Lua bridge: from request to request, and the cell itself.
local folder = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/"
if _VERSION ~= "Lua 5.4" then
    io.stderr:write("The Lua bridge needs Lua 5.4; ", arg[-1] or "the interpreter", " is ", _VERSION, ".\n")
    os.exit(78)
end

-- The bridge keeps the library as it was, whatever cells do to theirs.
local library = {}
for name, value in pairs(_G) do
    library[name] = value
    if type(value) == "table" and value ~= _G then
        library[name] = {}
        for key, member in pairs(value) do library[name][key] = member end
    end
end
local _ENV = library

-- All parts have one name in tracebacks, "(parley)", by which their lines are left out.
local function part(name, ...)
    local file = assert(io.open(folder .. name .. ".lua"))
    local code = file:read("a")
    file:close()
    return assert(load(code, "=(parley)", "t", library))(...)
end

local native = part("native", folder)
local json = part("json")
local frames = part("frames", native, json)
local lexer = part("lexer")
local chunk = part("chunk", lexer)
local show = part("show")
show.keywords = lexer.keywords
local stdio = part("stdio", frames, native)
local display = part("display", frames, json, show, stdio)

_G.coroutine.resume, _G.coroutine.wrap = native.resume, native.wrap
_G.display, _G.clear_output, _G.input = display.display, display.clear_output, stdio.input
_G.arg = nil

local questions = part("questions", chunk, lexer, show, part("signatures"), json)
local traceback, pcall, tostring, type, concat = debug.traceback, pcall, tostring, type, table.concat
local find, match = string.find, string.match

-- A traceback without the bridge: neither its own lines nor what is below the cell.
local function user_frames(text)
    local lines, ours = {}, nil
    for line in text:gmatch("[^\n]+") do
        if find(line, "^%s*%(parley%)") or find(line, "<%(parley%)", 1) then
            ours = true
        else
            lines[#lines + 1] = line
            if find(line, "^%s*cell%[%d+%]:%d+: in main chunk") or find(line, "^%s*expression:%d+: in main chunk") then break end
        end
    end
    while lines[#lines] and find(lines[#lines], "^%s*%[C%]: in %?$") do lines[#lines] = nil end
    return lines, ours
end

-- The lines of the cell that a message or a traceback names, as they are written there.
local function source_line(text, source)
    local number = text:match("cell%[%d+%]:(%d+):")
    if not number then return nil end
    local at = 0
    for line in (source .. "\n"):gmatch("(.-)\n") do
        at = at + 1
        if at == tonumber(number) then return ("%6d | %s"):format(at, line) end
    end
end

local function on_error(object)
    return { object = object, trace = traceback("", 2) }
end

local function error_content(failure, source, interrupted)
    local object, ename, evalue = failure.object, "Error", nil
    if interrupted then
        ename, evalue = "KeyboardInterrupt", "interrupted!"
    elseif failure.syntax then
        ename, evalue = "SyntaxError", object
    elseif type(object) == "string" then
        ename, evalue = match(object, "^(StdinNotImplementedError): (.*)$")
        ename, evalue = ename or "Error", evalue or object
    else
        local name = show.metafield(object, "__name")
        ename = type(name) == "string" and name or type(object)
        local good, text = pcall(show.text, object)
        evalue = good and text or "an error object whose __tostring fails"
    end
    local lines = { ename .. ": " .. evalue }
    lines[2] = source_line(evalue .. "\n" .. (failure.trace or ""), source)
    if failure.trace then
        local trace = user_frames(failure.trace)
        if #trace > 1 then lines[#lines + 1] = concat(trace, "\n") end
    end
    return { ename = ename, evalue = evalue, traceback = json.array(lines) }
end

-- The values of a cell as one result. What display and io.write return is there to be used, not to be read.
local function result_of(values)
    local count = 0
    for i in pairs(values) do if math.type(i) == "integer" and i > count then count = i end end
    if count == 0 then return nil end
    if count == 1 then
        local value = values[1]
        if display.is_handle(value) or value == io.stdout or value == io.stderr then return nil end
        return display.bundle(value)
    end
    local texts = {}
    for i = 1, count do texts[i] = show.text(values[i]) end
    return { ["text/plain"] = concat(texts, "\t") }
end

local function expressions(wanted)
    local answers = {}
    for name, code in pairs(wanted) do
        local f, message = chunk.compile(code, "=expression")
        local interrupted, good, value = false, false, { object = message, syntax = true }
        if f then interrupted, good, value = native.run(function()
            local values = table.pack(native.call(f))
            if values.n == 1 and type(values[1]) == "table" and message == true then values = values[1] end
            return result_of(values) or { ["text/plain"] = "nil" }
        end, on_error) end
        if good then
            answers[name] = { status = "ok", data = value, metadata = {} }
        else
            answers[name] = error_content(type(value) == "table" and value or { object = value }, code, interrupted)
            answers[name].status = "error"
        end
    end
    return answers
end

local answer = { complete_request = questions.complete, inspect_request = questions.inspect }

function answer.is_complete_request(content) return chunk.completeness(content.code) end

function answer.execute_request(content)
    local name = ("cell[%d]"):format(content.execution_count or 0)
    local code = content.code
    questions.sources["=" .. name] = code
    stdio.begin_cell()
    local f, is_value = chunk.compile(code, "=" .. name)
    local interrupted, good, failure = false, false, { object = is_value, syntax = true }
    if f then
        interrupted, good, failure = native.run(function()
            local values = table.pack(native.call(f))
            if is_value then values = values[1] else values.n = nil end
            local data = not content.silent and result_of(values)
            if data then display.result(data) end
        end, on_error)
    end
    stdio.before_frame()
    if good then return { status = "ok", user_expressions = expressions(content.user_expressions or {}) } end
    if type(failure) ~= "table" then failure = { object = failure } end
    local reply = error_content(failure, code, interrupted)
    frames.send({ msg_type = "error" }, reply)
    reply.status = "error"
    return reply
end

frames.send({ msg_type = "kernel_info_reply", id = 0 }, {
    bridge_protocol = 1, banner = _VERSION, capabilities = json.array { "complete", "inspect", "is_complete" },
    language_info = { name = "lua", version = _VERSION:match("[%d.]+"), mimetype = "text/x-lua", file_extension = ".lua",
                      codemirror_mode = "lua", pygments_lexer = "lua", nbconvert_exporter = "script" },
})

while true do
    local head, content = frames.receive()
    if head.msg_type == "shutdown_request" then os.exit(0, true) end
    local handler = answer[head.msg_type]
    if handler then                                     -- else a late ack, or an answer nobody waits for
        local good, reply = pcall(handler, content)
        if not good then
            reply = { status = "error", ename = "BridgeError", evalue = tostring(reply), traceback = json.array() }
        end
        frames.send({ msg_type = (head.msg_type:gsub("request$", "reply")), id = head.id }, reply)
    end
end
