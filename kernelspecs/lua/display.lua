-- Rich output: the metamethods __html, __svg, ... of values, and the functions that cells call.
local frames, json, show, stdio = ...
local display = {}
local type, pairs, error, tostring, setmetatable, getmetatable = type, pairs, error, tostring, setmetatable, getmetatable
local format, byte, sub, rep, concat = string.format, string.byte, string.sub, string.rep, table.concat

local mimes = {
    text = "text/plain", html = "text/html", markdown = "text/markdown", latex = "text/latex", json = "application/json",
    javascript = "application/javascript", svg = "image/svg+xml", png = "image/png", jpeg = "image/jpeg", gif = "image/gif",
}
local options = { id = true, update = true, metadata = true, mime = true }

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(bytes)
    local out = {}
    for i = 1, #bytes, 3 do
        local a, b, c = byte(bytes, i, i + 2)
        local n = a << 16 | (b or 0) << 8 | (c or 0)
        for shift = 18, 0, -6 do
            local place = (n >> shift & 63) + 1
            out[#out + 1] = sub(alphabet, place, place)
        end
    end
    local text, spare = concat(out), -#bytes % 3
    return sub(text, 1, #text - spare) .. rep("=", spare)
end

-- What a front end gets under a MIME type: images as base64, JSON as it is, everything else as text.
local function encoded(mime, value)
    if mime == "application/json" or mime:find("+json", 1, true) then
        json.encode(value)                              -- an error now, and in the user's words
        return value
    end
    if type(value) ~= "string" then value = tostring(value) end
    if mime:find("^image/") and not mime:find("^image/svg") then return base64(value) end
    return value
end

local function put(data, mime, value)
    local good, result = pcall(encoded, mime, value)
    if not good then error("display: " .. mime .. ": " .. tostring(result), 0) end
    data[mime] = result
end

-- The MIME bundle of a value: its metamethods (functions of the value, or the content itself) and its text.
function display.bundle(value)
    local data = {}
    local all = show.metafield(value, "__mimebundle")
    if all ~= nil then
        for mime, content in pairs(type(all) == "function" and all(value) or all) do put(data, mime, content) end
    end
    for name, mime in pairs(mimes) do
        local content = name ~= "text" and show.metafield(value, "__" .. name)
        if content then
            if type(content) == "function" then content = content(value) end
            if content ~= nil then put(data, mime, content) end
        end
    end
    if not data["text/plain"] then put(data, "text/plain", show.text(value)) end
    return data
end

-- Whether a table says what to show ({html = ..., id = ...}) or is itself the value to show.
local function is_description(value)
    if type(value) ~= "table" or getmetatable(value) or next(value) == nil then return false end
    local content = false
    for key in pairs(value) do
        if not (mimes[key] or options[key]) then return false end
        content = content or mimes[key] or key == "mime"
    end
    return content and true or false
end

local made = 0
local handle = { __name = "display" }
handle.__index = handle
function handle:__tostring() return "display " .. format("%q", self.id) end
function display.is_handle(value) return getmetatable(value) == handle end

local function described(value)
    if not is_description(value) then return display.bundle(value), {}, {} end
    local data = {}
    for name, mime in pairs(mimes) do if value[name] ~= nil then put(data, mime, value[name]) end end
    for mime, content in pairs(value.mime or {}) do put(data, mime, content) end
    return data, value.metadata or {}, value
end

local function publish(kind, data, metadata, id)
    stdio.before_frame()
    frames.send_and_wait(kind, { data = data, metadata = metadata, transient = { display_id = id } })
end

-- display(value) or display{html = ..., png = ..., id = ..., update = true, mime = {[type] = content}}.
-- With an id (true: a new one) it returns a handle, whose update shows something else in the same place.
local function show_value(value)
    local data, metadata, how = described(value)
    local id = how.id
    if how.update and id == nil then error("display: update needs the id of what is to be updated", 3) end
    if id == true then
        made = made + 1
        id = format("lua-%d-%d", os.time(), made)
    end
    if id ~= nil then id = tostring(id) end
    publish(how.update and "update_display_data" or "display_data", data, metadata, id)
    return id and setmetatable({ id = id }, handle) or nil
end

function handle:update(value)
    local data, metadata = described(value)
    publish("update_display_data", data, metadata, self.id)
end

function display.display(...)
    local result
    for i = 1, select("#", ...) do result = show_value((select(i, ...))) end
    return result
end

function display.result(data)
    stdio.before_frame()
    frames.send_and_wait("execute_result", { data = data, metadata = {} })
end

-- clear_output(): with true, only when something new comes.
function display.clear_output(wait)
    stdio.before_frame()
    frames.send_and_wait("clear_output", { wait = wait and true or false })
end

return display
