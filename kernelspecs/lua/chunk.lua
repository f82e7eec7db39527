-- A cell becomes a chunk: its last expression is its value, and its top-level locals outlive it.
--
-- Cells share one environment. It holds the locals of the top level; what it does not hold is looked up, and
-- assigned, in _G. So `local x = 1` becomes `_ENV[""].x = 1`, where _ENV[""] makes entries in the environment
-- itself, and `x` means the local from then on. Locals in blocks and functions are left alone. One declared
-- <const> stays what it is and is copied into the environment behind its statement; <close> is left alone.
local lexer = ...
local chunk = {}
local sub, find, concat, load, rawset = string.sub, string.find, table.concat, load, rawset

chunk.environment = setmetatable({}, { __index = _G, __newindex = _G })
rawset(chunk.environment, "", setmetatable({}, {
    __newindex = function(_, name, value) rawset(chunk.environment, name, value) end,
}))

-- The names after `local`, as {token, attribute}; and the index of the token behind them.
local function declared(tokens, at)
    local names = {}
    while true do
        local name = tokens[at]
        if not name or name.kind ~= "name" then return nil end
        at = at + 1
        local attribute
        if tokens[at] and tokens[at].text == "<" then
            attribute = tokens[at + 1] and tokens[at + 1].text
            if not (tokens[at + 2] and tokens[at + 2].text == ">") then return nil end
            at = at + 3
        end
        names[#names + 1] = { token = name, attribute = attribute }
        if not (tokens[at] and tokens[at].kind == "operator" and tokens[at].text == ",") then return names, at end
        at = at + 1
    end
end

-- Edits for one `local` statement, {from, to, text} each; nil to stop rewriting (a local _ENV).
local function edits_of_local(tokens, i, last, edits)
    local keyword, after = tokens[i], tokens[i + 1]
    if after and after.text == "function" then
        local name = tokens[i + 2]
        if not name or name.kind ~= "name" then return nil end
        edits[#edits + 1] = { keyword.from, name.to, '_ENV[""].' .. name.text .. " = function" }
        return true
    end
    local names, behind = declared(tokens, i + 1)
    if not names then return nil end
    local attributes = false
    for _, name in ipairs(names) do
        if name.token.text == "_ENV" then return nil end
        attributes = attributes or name.attribute
    end
    if attributes then
        local copies = {}
        for _, name in ipairs(names) do
            if name.attribute ~= "close" then
                copies[#copies + 1] = '_ENV[""].' .. name.token.text .. " = " .. name.token.text .. ";"
            end
        end
        local stop = tokens[last].to
        edits[#edits + 1] = { stop + 1, stop, " ; " .. concat(copies, " ") }
        return true
    end
    edits[#edits + 1] = { keyword.from, keyword.to, "" }
    for _, name in ipairs(names) do
        edits[#edits + 1] = { name.token.from, name.token.to, '_ENV[""].' .. name.token.text }
    end
    if not (tokens[behind] and tokens[behind].text == "=" and behind <= last) then
        local stop = tokens[behind - 1].to
        edits[#edits + 1] = { stop + 1, stop, " = nil;" }
    end
    return true
end

local function apply(code, edits)
    local parts, at = {}, 1
    for _, edit in ipairs(edits) do
        parts[#parts + 1] = sub(code, at, edit[1] - 1)
        parts[#parts + 1] = edit[3]
        at = edit[2] + 1
    end
    parts[#parts + 1] = sub(code, at)
    return concat(parts)
end

-- The code with its top-level locals rewritten, and as much of it as is before the last statement; a third
-- value is that last statement as it was.
local function rewritten(code)
    local tokens = lexer.tokens(code)
    local starts = tokens and lexer.statements(tokens)
    if not starts or #starts == 0 then return code end
    local edits = {}
    for number, i in ipairs(starts) do
        if tokens[i].kind == "keyword" and tokens[i].text == "local" then
            local last = (starts[number + 1] or #tokens + 1) - 1
            if not edits_of_local(tokens, i, last, edits) then break end
        end
    end
    local final = tokens[starts[#starts]].from
    return apply(code, edits), apply(sub(code, 1, final - 1), edits), sub(code, final)
end

-- A function for the cell, or nil and the message of the compiler, which has seen the cell as it was written.
-- The value comes in a table: a tail call would hide the cell from the traceback.
function chunk.compile(code, name)
    local environment = chunk.environment
    local as_value = function(before, expression)
        if not load("return " .. expression, name, "t") then return nil end
        return load(before .. "return {" .. expression .. "}", name, "t", environment)
            or load(before .. "return {" .. expression .. "\n}", name, "t", environment)   -- behind a comment
    end
    local f = as_value("", code)
    if f then return f, true end
    local whole, before, last = rewritten(code)
    f = last and as_value(before, last)
    if f then return f, true end
    f = load(whole, name, "t", environment)
    if f then return f, false end
    local plain, message = load(code, name, "t", environment)
    return plain, message or false
end

local function indent_of(code)
    local tokens, so_far = lexer.tokens(code)
    local depth = 0
    for _, token in ipairs(tokens or so_far) do depth = depth + lexer.depth_change(token) end
    return ("  "):rep(depth)
end

-- What is_complete answers: Lua stumbles over "<eof>" where it would have read on. A string in quotes does not
-- go on in the next line.
function chunk.completeness(code)
    local f, message = chunk.compile(code, "=cell")
    if f then return { status = "complete" } end
    local open = find(message, "near '?<eof>'?$")
    if find(message, ": unfinished string near", 1, true) then open = find(code, "\\\n?$") end
    if open then return { status = "incomplete", indent = indent_of(code) } end
    return { status = "invalid" }
end

return chunk
