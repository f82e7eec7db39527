-- JSON for the frames. Text that is not UTF-8 is shown with U+FFFD, never dropped.
local json = { null = setmetatable({}, { __name = "json.null", __tostring = function() return "null" end }) }

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
local find, sub, byte, format, gsub, match = string.find, string.sub, string.byte, string.format, string.gsub, string.match
local concat, utf8_len, utf8_char, tonumber, type = table.concat, utf8.len, utf8.char, tonumber, type
local math_type, floor, next, tostring, error = math.type, math.floor, next, tostring, error

-- utf8.len accepts surrogates only when it is lax; it is not.
function json.utf8(text)
    local valid, bad = utf8_len(text)
    if valid then return text end
    local parts, from = {}, 1
    while bad do
        parts[#parts + 1] = sub(text, from, bad - 1)
        parts[#parts + 1] = "\u{FFFD}"
        from = bad + 1
        valid, bad = utf8_len(text, from)
    end
    parts[#parts + 1] = sub(text, from)
    return concat(parts)
end

local function quoted(text)
    if find(text, "[\128-\255]") then text = json.utf8(text) end
    return '"' .. gsub(text, '[%c"\\]', function(c) return escapes[c] or format("\\u%04x", byte(c)) end) .. '"'
end

local function number(value)
    if math_type(value) == "integer" then return format("%d", value) end
    if value ~= value or value == math.huge or value == -math.huge then
        error("JSON has no number for " .. tostring(value), 0)
    end
    local short = format("%.15g", value)
    if tonumber(short) ~= value then short = format("%.17g", value) end
    return (gsub(short, ",", "."))          -- os.setlocale may have changed the decimal point
end

local encode

-- A table whose keys are 1 to n is an array; the empty one is an object unless it is marked by json.array.
local function is_array(value)
    local count = 0
    for key in next, value do
        if math_type(key) ~= "integer" or key < 1 then return false end
        count = count + 1
    end
    if count == 0 then return getmetatable(value) == json.array_type end
    return count == #value
end

local function encode_table(value, above)
    if value == json.null then return "null" end
    if above[value] then error("JSON cannot hold a table that contains itself", 0) end
    above[value] = true
    local parts, text = {}, nil
    if is_array(value) then
        for i = 1, #value do parts[i] = encode(value[i], above) end
        text = "[" .. concat(parts, ",") .. "]"
    else
        for key, member in next, value do
            if type(key) ~= "string" and type(key) ~= "number" then
                error("a JSON object cannot have a " .. type(key) .. " as a key", 0)
            end
            parts[#parts + 1] = quoted(tostring(key)) .. ":" .. encode(member, above)
        end
        text = "{" .. concat(parts, ",") .. "}"
    end
    above[value] = nil
    return text
end

function encode(value, above)
    local kind = type(value)
    if kind == "string" then return quoted(value) end
    if kind == "number" then return number(value) end
    if kind == "boolean" then return tostring(value) end
    if kind == "nil" then return "null" end
    if kind == "table" then return encode_table(value, above) end
    error("JSON cannot hold a " .. kind, 0)
end

function json.encode(value) return encode(value, {}) end

json.array_type = {}
function json.array(list) return setmetatable(list or {}, json.array_type) end

-- Decoding: what the server sends is valid JSON, so a mistake may simply be an error.
local simple = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function unescape(text)
    if not find(text, "\\", 1, true) then return text end
    local out, at = {}, 1
    while true do
        local slash = find(text, "\\", at, true)
        if not slash then break end
        out[#out + 1] = sub(text, at, slash - 1)
        local kind = sub(text, slash + 1, slash + 1)
        at = slash + 2
        if kind == "u" then
            local code = tonumber(sub(text, at, at + 3), 16)
            at = at + 4
            local low = code >= 0xD800 and code < 0xDC00 and match(text, "^\\u([dD][c-fC-F]%x%x)", at)
            if low then
                code, at = 0x10000 + ((code - 0xD800) << 10) + (tonumber(low, 16) - 0xDC00), at + 6
            elseif code >= 0xD800 and code < 0xE000 then
                code = 0xFFFD
            end
            out[#out + 1] = utf8_char(code)
        else
            out[#out + 1] = simple[kind] or kind
        end
    end
    out[#out + 1] = sub(text, at)
    return concat(out)
end

local words = { ["true"] = true, ["false"] = false, null = json.null }
local value_at

local function string_at(text, at)
    local from = at + 1
    at = from
    while true do
        local stop = find(text, '["\\]', at)
        if not stop then error("JSON: a string without an end", 0) end
        if byte(text, stop) == 34 then return unescape(sub(text, from, stop - 1)), stop + 1 end
        at = stop + 2
    end
end

local function skip(text, at) return find(text, "[^ \t\r\n]", at) or #text + 1 end

local function members_at(text, at, closing, take)
    at = skip(text, at + 1)
    while sub(text, at, at) ~= closing do
        at = skip(text, take(at))
        local c = sub(text, at, at)
        if c == "," then at = skip(text, at + 1) elseif c ~= closing then error("JSON: a list without an end", 0) end
    end
    return at + 1
end

function value_at(text, at)
    at = skip(text, at)
    local c = sub(text, at, at)
    if c == '"' then return string_at(text, at) end
    if c == "{" then
        local object = {}
        return object, members_at(text, at, "}", function(from)
            local key, colon = string_at(text, from)
            colon = skip(text, colon)
            local value, stop = value_at(text, colon + 1)
            object[key] = value
            return stop
        end)
    end
    if c == "[" then
        local array = json.array()
        return array, members_at(text, at, "]", function(from)
            local value, stop = value_at(text, from)
            array[#array + 1] = value
            return stop
        end)
    end
    local word = match(text, "^[%w.+-]+", at) or error("JSON: no value at byte " .. at, 0)
    local value = words[word]
    if value == nil then value = tonumber(word) end
    return value, at + #word
end

function json.decode(text) return (value_at(text, 1)) end

return json
