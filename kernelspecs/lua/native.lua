-- Loads the native part (native.c), and compiles it first where that has not been done: once for each user.
local folder = ...

local function contents(name)
    local file = assert(io.open(folder .. name, "rb"))
    local text = file:read("a")
    file:close()
    return text
end

-- The name of the library tells from which source it was made.
local function fingerprint(text)
    local hash = 0xcbf29ce484222325
    for i = 1, #text do hash = (hash ~ text:byte(i)) * 0x100000001b3 end
    return ("%016x"):format(hash)
end

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local cache = os.getenv("XDG_CACHE_HOME")
if not cache or cache == "" then cache = (os.getenv("HOME") or "/tmp") .. "/.cache" end
local library = cache .. "/parley/lua/native-" .. fingerprint(contents("native.c") .. (arg[-1] or "")) .. ".so"

local open = package.loadlib(library, "luaopen_parley")
if not open then
    local command = ("sh %s %s %s 2>&1"):format(quoted(folder .. "build.sh"), quoted(folder .. "native.c"), quoted(library))
    local pipe = assert(io.popen(command))
    local said = pipe:read("a")
    local built = pipe:close()
    local why
    open, why = package.loadlib(library, "luaopen_parley")
    if not open then
        io.stderr:write("The Lua bridge could not compile its native part, ", folder, "native.c, to ", library, ":\n",
            built and why or said, "\nIt needs a C compiler and the headers of Lua 5.4, for example:\n",
            "    apt install lua5.4 liblua5.4-dev gcc libc6-dev\n")
        os.exit(78)
    end
end
return open()
