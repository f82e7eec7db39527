-- Completion and inspection, by looking at tables. No metamethod runs: a question has no effects.
local chunk, lexer, show, signatures, json = ...
local questions = { sources = {} }
local match, sub, find, gsub, format = string.match, string.sub, string.find, string.gsub, string.format
local concat, sort, type, next, rawget, tostring = table.concat, table.sort, type, next, rawget, tostring
local getmetatable, getinfo, getlocal = debug.getmetatable, debug.getinfo, debug.getlocal

local function points(text) return (select(2, gsub(text, "[^\128-\191]", ""))) end

local function up_to(code, position) return sub(code, 1, (utf8.offset(code, position + 1) or #code + 1) - 1) end

-- What indexing looks through: the table itself, then the tables its __index names.
local function layers(value)
    local list, seen = {}, {}
    while value ~= nil and not seen[value] and #list < 20 do
        seen[value] = true
        if type(value) == "table" then list[#list + 1] = value end
        local meta = getmetatable(value)
        value = type(meta) == "table" and rawget(meta, "__index") or nil
        if type(value) ~= "table" then break end
    end
    return list
end

local function field(value, name)
    for _, layer in ipairs(layers(value)) do
        local found = rawget(layer, name)
        if found ~= nil then return found end
    end
end

-- Follows "a.b[1]:c" and returns what it names; the second value says whether there is such a thing.
local function resolve(path)
    local first, rest = match(path, "^([%a_\128-\255][%w_\128-\255]*)(.*)$")
    local value
    if first then
        value = field(chunk.environment, first)
    elseif find(path, "^[\"'][^\"']*[\"']$") then
        return "", true
    else
        return nil, false
    end
    while rest ~= "" do
        if value == nil then return nil, false end
        local name, behind = match(rest, "^[.:]([%a_\128-\255][%w_\128-\255]*)(.*)$")
        if not name then name, behind = match(rest, "^%[(%-?%d+)%](.*)$") name = name and math.tointeger(name) end
        if not name then name, behind = match(rest, "^%[[\"']([^\"']*)[\"']%](.*)$") end
        if not name then return nil, false end
        value, rest = field(value, name), behind
    end
    return value, value ~= nil
end

-- The expression that ends where the cursor is: names with dots, colons and constant indices.
local function path_before(text)
    local path = match(text, "[%w_.:%[%]\"'\128-\255]*$")
    while path ~= "" and not find(path, "^[%a_\"'\128-\255]") do path = sub(path, 2) end
    if find(path, "^[\"']") then
        path = match(path, "^[\"'][^\"']*[\"'][.:].*$") or match(path, "[%a_\128-\255][%w_\128-\255]*$") or ""
    end
    return path
end

local function matches_of(text, code)
    local path = path_before(text)
    local owner, separator, word = match(path, "^(.-)([.:])([%w_\128-\255]*)$")
    while owner and find(word, "[.:]") do owner, separator, word = match(path, "^(.*)([.:])([%w_\128-\255]*)$") end
    local names = {}
    local function add(name, value)
        if type(name) ~= "string" or not find(name, "^[%a_\128-\255][%w_\128-\255]*$") then return end
        if sub(name, 1, #word) == word and (separator ~= ":" or type(value) == "function") then names[name] = true end
    end
    if owner then
        local greedy, last, tail = match(path, "^(.*)([.:])([%w_\128-\255]*)$")
        owner, separator, word = greedy, last, tail
        local value, there = resolve(owner)
        for _, layer in ipairs(there and layers(value) or {}) do
            for name, member in next, layer do if not lexer.keywords[name] then add(name, member) end end
        end
    else
        word = match(path, "[%w_\128-\255]*$")
        for _, layer in ipairs(layers(chunk.environment)) do
            for name, member in next, layer do add(name, member) end
        end
        if word ~= "" then
            for keyword in pairs(lexer.keywords) do add(keyword) end
            for name in code:gmatch("[%a_\128-\255][%w_\128-\255]*") do
                if name ~= word then add(name) end
            end
        end
    end
    return names, word
end

function questions.complete(content)
    local before = up_to(content.code, content.cursor_pos)
    local names, word = matches_of(before, content.code)
    local list = {}
    for name in pairs(names) do list[#list + 1] = name end
    sort(list)
    return { status = "ok", matches = json.array(list), metadata = {},
             cursor_start = content.cursor_pos - points(word), cursor_end = content.cursor_pos }
end

local function parameters(f, info)
    local names = {}
    for i = 1, info.nparams do names[i] = getlocal(f, i) end
    if info.isvararg then names[#names + 1] = "..." end
    return "(" .. concat(names, ", ") .. ")"
end

local function lines_of(source)
    local text = questions.sources[source]
    if not text and sub(source, 1, 1) == "@" then
        local file = io.open(sub(source, 2))
        text = file and file:read("a")
        if file then file:close() end
    end
    local lines = {}
    for line in ((text or "") .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
    return lines
end

-- The comment lines right above a definition are its documentation.
local function comment_above(lines, first)
    local found = {}
    for i = first - 1, 1, -1 do
        local comment = match(lines[i] or "", "^%s*%-%-+%s?(.*)$")
        if not comment then break end
        table.insert(found, 1, comment)
    end
    return found
end

local function describe_function(name, f, detail)
    local info, out = getinfo(f, "Su"), {}
    if info.what == "C" or info.short_src == "(parley)" then
        local known = signatures.of(f)
        out[1] = known or "function " .. name .. " (...)"
        out[2] = "built in"
        return out
    end
    local lines = lines_of(info.source)
    out[1] = "function " .. name .. parameters(f, info)
    for _, comment in ipairs(comment_above(lines, info.linedefined)) do out[#out + 1] = comment end
    out[#out + 1] = format("defined in %s, line %d", info.short_src, info.linedefined)
    if detail > 0 and #lines > 0 then
        out[#out + 1] = ""
        for i = info.linedefined, info.lastlinedefined do out[#out + 1] = lines[i] end
    end
    return out
end

local function describe(name, value, detail)
    if type(value) == "function" then return describe_function(name, value, detail) end
    local own = show.metafield(value, "__name")
    local out = { format("%s: %s%s", name, type(value), type(own) == "string" and " (" .. own .. ")" or "") }
    if type(value) == "table" then
        local list = {}
        for _, layer in ipairs(layers(value)) do
            for key, member in next, layer do
                if type(key) == "string" then list[#list + 1] = format("  %s: %s", key, type(member)) end
            end
        end
        sort(list)
        out[#out + 1] = format("%d entries in sequence", rawlen(value))
        for i = 1, math.min(#list, detail > 0 and #list or 30) do out[#out + 1] = list[i] end
        if detail == 0 and #list > 30 then out[#out + 1] = format("  … %d more", #list - 30) end
    elseif type(value) == "string" then
        out[#out + 1] = show.nested(value)
    elseif not show.metafield(value, "__tostring") then
        out[#out + 1] = tostring(value)
    end
    return out
end

function questions.inspect(content)
    local nothing = { status = "ok", found = false, data = {}, metadata = {} }
    local code = content.code
    local before = up_to(code, content.cursor_pos)
    before = before .. (match(sub(code, #before + 1), "^[%w_\128-\255]+") or "")
    local path = path_before(before)
    if path == "" then path = path_before(match(before, "^(.-)%s*%([^()]*$") or "") end    -- inside a call
    local value, there = resolve(path)
    local text
    if there then
        text = concat(describe(path, value, content.detail_level or 0), "\n")
    elseif lexer.keywords[path] then
        text = path .. ": a keyword of Lua"
    else
        return nothing
    end
    return { status = "ok", found = true, data = { ["text/plain"] = text }, metadata = {} }
end

return questions
