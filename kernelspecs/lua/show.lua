-- Values for people: tables as nested text, and what a value's own metamethods say.
local show = {}
local format, rep, match, gsub, sub = string.format, string.rep, string.match, string.gsub, string.sub
local concat, sort, type, tostring, next, rawget, rawlen = table.concat, table.sort, type, tostring, next, rawget, rawlen
local getmetatable, pcall, select, math_type = debug.getmetatable, pcall, select, math.type

-- Only the first keys of a huge table are sorted, and so seen.
show.depth, show.items, show.width, show.length, show.sorted = 6, 100, 78, 10000, 10000

local function metafield(value, name)
    local meta = getmetatable(value)
    return type(meta) == "table" and rawget(meta, name) or nil
end
show.metafield = metafield

local function quoted(text)
    if #text > show.length then text = sub(text, 1, show.length) .. "…" end
    local plain = gsub(text, '[\\"\n\r\t]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" })
    return '"' .. gsub(plain, "%c", function(c) return format("\\%03d", c:byte()) end) .. '"'
end

local order = { number = 1, string = 2, boolean = 3 }
local function before(a, b)
    local x, y = order[type(a)] or 4, order[type(b)] or 4
    if x ~= y then return x < y end
    if x <= 2 then return a < b end
    return tostring(a) < tostring(b)
end

local text_of

local function key_text(key, level, above)
    if type(key) == "string" and match(key, "^[%a_][%w_]*$") and not show.keywords[key] then return key end
    return "[" .. text_of(key, level, above) .. "]"
end

local function entries_of(value, level, above)
    local entries, length, left = {}, rawlen(value), show.items
    for i = 1, length do
        if left == 0 then break end
        entries[#entries + 1], left = text_of(rawget(value, i), level, above), left - 1
    end
    local keys, total = {}, 0
    for key in next, value do
        total = total + 1
        if total <= show.sorted and not (math_type(key) == "integer" and key >= 1 and key <= length) then
            keys[#keys + 1] = key
        end
    end
    sort(keys, before)
    for _, key in ipairs(keys) do
        if left == 0 then break end
        local text = key_text(key, level, above)
        entries[#entries + 1], left = text .. " = " .. text_of(rawget(value, key), level, above), left - 1
    end
    local more = math.max(length, total) - #entries
    if more > 0 and left == 0 then entries[#entries + 1] = format("… %d more", more) end
    return entries
end

local function table_text(value, level, above)
    local name = metafield(value, "__name")
    name = type(name) == "string" and name .. " " or ""
    if above[value] then return name .. "<itself>" end
    if next(value) == nil then return name .. "{}" end
    if level >= show.depth then return name .. "{…}" end
    above[value] = true
    local entries = entries_of(value, level + 1, above)
    above[value] = nil
    local line = concat(entries, ", ")
    if #line + 2 * level <= show.width and not line:find("\n", 1, true) then return name .. "{" .. line .. "}" end
    local margin = rep("  ", level + 1)
    return name .. "{\n" .. margin .. concat(entries, ",\n" .. margin) .. "\n" .. rep("  ", level) .. "}"
end

function text_of(value, level, above)
    if type(value) == "string" then return quoted(value) end
    if type(value) == "table" and not metafield(value, "__tostring") then return table_text(value, level, above) end
    return tostring(value)
end

-- One value as it stands alone: a string is shown as print shows it.
function show.text(value)
    if type(value) == "string" then return value end
    return text_of(value, 0, {})
end

-- A value inside others: strings in quotes.
function show.nested(value) return text_of(value, 0, {}) end

return show
