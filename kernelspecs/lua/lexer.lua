-- Lua's tokens, each with its place, and the statements of a chunk that are not inside a block.
local lexer = {}
local find, sub, match, byte = string.find, string.sub, string.match, string.byte

lexer.keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
    until while]]):gmatch("%a+") do lexer.keywords[word] = true end

local operators = { "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".." }

-- The end of a short string that begins at `at`, or nil.
local function short_string(code, at)
    local quote, from = sub(code, at, at), at + 1
    while true do
        local stop = find(code, "[\\\n" .. quote .. "]", from)
        if not stop then return nil end
        local c = sub(code, stop, stop)
        if c == quote then return stop end
        if c == "\n" then return nil end
        from = stop + 2
        if sub(code, stop + 1, stop + 1) == "z" then from = find(code, "%S", from) or #code + 1 end
    end
end

local function long_bracket(code, at)
    local level = match(code, "^%[(=*)%[", at)
    if not level then return nil, false end
    local _, stop = find(code, "]" .. level .. "]", at, true)
    return stop, true
end

local function number(code, at)
    local _, stop
    if find(code, "^0[xX]", at) then
        _, stop = find(code, "^0[xX][%x.]*", at)
        local _, exponent = find(code, "^[pP][+-]?%d+", stop + 1)
        return exponent or stop
    end
    _, stop = find(code, "^[%d.]+", at)
    local _, exponent = find(code, "^[eE][+-]?%d+", stop + 1)
    return exponent or stop
end

-- A list of tokens {kind, text, from, to}; nil when something is not closed or not Lua.
function lexer.tokens(code)
    local tokens, at = {}, match(code, "^#[^\n]*()") or 1
    while true do
        at = find(code, "%S", at)
        if not at then return tokens end
        local c, kind, stop = sub(code, at, at), "operator", nil
        if find(code, "^%-%-", at) then
            local long, is_long = long_bracket(code, at + 2)
            if is_long and not long then return nil, tokens end
            at = (long or (find(code, "\n", at, true) or #code + 1) - 1) + 1
            goto continue
        elseif find(c, "[%a_\128-\255]") then
            stop = select(2, find(code, "^[%w_\128-\255]+", at))
            kind = lexer.keywords[sub(code, at, stop)] and "keyword" or "name"
        elseif find(code, "^%.?%d", at) then
            kind, stop = "number", number(code, at)
        elseif c == '"' or c == "'" then
            kind, stop = "string", short_string(code, at)
            if not stop then return nil, tokens end
        else
            local is_long
            if c == "[" then
                stop, is_long = long_bracket(code, at)
                if is_long and not stop then return nil, tokens end
                if is_long then kind = "string" end
            end
            for _, operator in ipairs(operators) do
                if stop then break end
                if sub(code, at, at + #operator - 1) == operator then stop = at + #operator - 1 end
            end
            stop = stop or at
        end
        tokens[#tokens + 1] = { kind = kind, text = sub(code, at, stop), from = at, to = stop }
        at = stop + 1
        ::continue::
    end
end

local opening = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true,
                  ["("] = true, ["{"] = true, ["["] = true }
local closing = { ["end"] = true, ["until"] = true, [")"] = true, ["}"] = true, ["]"] = true }
local values = { ["nil"] = true, ["true"] = true, ["false"] = true, ["..."] = true, ["end"] = true, ["break"] = true,
                 [")"] = true, ["]"] = true, ["}"] = true }
local heads = { ["local"] = true, ["if"] = true, ["while"] = true, ["for"] = true, ["repeat"] = true, ["do"] = true,
                ["return"] = true, ["goto"] = true, ["break"] = true }

function lexer.depth_change(token)
    if token.kind == "string" or token.kind == "name" then return 0 end
    return opening[token.text] and 1 or closing[token.text] and -1 or 0
end

local function ends_a_value(token)
    return token.kind == "name" or token.kind == "number" or token.kind == "string" or values[token.text] or false
end

-- Whether `token` begins a statement (or a last expression), told by what is before it. Two values in a row
-- are two statements, unless the second one could be the argument of a call.
local function begins(before, token)
    if token.text == ";" and token.kind == "operator" then return false end
    if not before or (before.kind == "operator" and (before.text == ";" or before.label)) then return true end
    if token.kind == "keyword" and heads[token.text] then return true end
    if not ends_a_value(before) then return false end
    if token.kind == "name" or token.kind == "number" or token.text == "::" then return true end
    if token.kind == "keyword" then
        return token.text == "function" or token.text == "not" or token.text == "nil" or token.text == "true"
            or token.text == "false"
    end
    if token.text == "#" or token.text == "..." then return true end
    local callable = before.kind == "name" or before.kind == "string" or closing[before.text] and before.text ~= "end"
    return not callable and (token.kind == "string" or token.text == "{" or token.text == "(")
end

-- The indices of the tokens that begin a statement outside every block; nil if the blocks do not match.
function lexer.statements(tokens)
    local starts, depth, in_header, label = {}, 0, false, false
    for i, token in ipairs(tokens) do
        local change = lexer.depth_change(token)
        if token.kind == "operator" and token.text == "::" then
            token.label = label
            label = not label
        end
        if depth == 0 and not in_header and not (token.label) and begins(tokens[i - 1], token) then
            local before = tokens[i - 1]
            if not (before and before.text == "::" and not before.label) then starts[#starts + 1] = i end
        end
        if depth == 0 and (token.text == "while" or token.text == "for") and token.kind == "keyword" then
            in_header = true                            -- as far as its "do"
        end
        depth = depth + change
        if depth < 0 then return nil end
        if in_header and depth == 1 and token.text == "do" and token.kind == "keyword" then in_header = false end
    end
    return depth == 0 and starts or nil
end

return lexer
