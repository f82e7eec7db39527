-- The two lanes of the protocol: frames out, frames in, and the answers that the bridge waits for. What must
-- not be left halfway is shielded from the interrupt.
local native, json = ...
local frames = {}
local find, sub, concat, exit, error = string.find, string.sub, table.concat, os.exit, error
local buffer, seq, question = "", 0, 0

local function send(head, content)
    native.write(json.encode(head) .. "\n" .. json.encode(content) .. "\n")
end

-- A piece of what came in, as long as `size(buffer)` says; false when an interrupt came first. Nothing is taken
-- from the buffer before it is whole.
local function take(size)
    local stop = size()
    while not stop do
        local more = native.read()
        if more == false then return false end
        if not more then exit(0) end                    -- the server is gone
        buffer = buffer .. more
        stop = size()
    end
    local piece = sub(buffer, 1, stop)
    buffer = sub(buffer, stop + 1)
    return piece
end

local function frame_size()
    local first = find(buffer, "\n", 1, true)
    local second = first and find(buffer, "\n", first + 1, true)
    if not second then return nil end
    local size = second
    if find(buffer, '"buffers"', 1, true) then
        for _, length in ipairs(json.decode(sub(buffer, 1, first)).buffers or {}) do size = size + length end
    end
    return size <= #buffer and size or nil
end

-- The next request: its head and its content; false when an interrupt came first.
local function receive()
    local frame = take(frame_size)
    if not frame then return false end
    local first = find(frame, "\n", 1, true)
    return json.decode(sub(frame, 1, first)), json.decode(sub(frame, first + 1, find(frame, "\n", first + 1, true)))
end

-- Between a request and its reply nothing else comes in. An answer with another number belongs to a question
-- that an interrupt has cut off.
local function answer_to(kind, key, value)
    while true do
        local head, content = receive()
        if not head then return nil end
        if head.msg_type == kind and head[key] == value then return content end
    end
end

local function send_and_wait(kind, content, id)
    seq = seq + 1
    send({ msg_type = kind, id = id, ack = true, seq = seq }, content)
    answer_to("ack", "seq", seq)
end

local function ask(prompt, password)
    question = question + 1
    send({ msg_type = "input_request", id = question }, { prompt = prompt, password = password })
    return answer_to("input_reply", "id", question)
end

frames.send = native.shield(send)
frames.receive = native.shield(receive)
frames.send_and_wait = native.shield(send_and_wait)
frames.ask = native.shield(ask)
return frames
