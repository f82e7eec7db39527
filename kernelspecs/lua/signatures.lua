-- How the functions of the standard library are called. Lua keeps no such thing itself.
local signatures = {}

local text = [==[
assert(v [, message])  the arguments, or an error if v is false
collectgarbage([opt [, arg]])  controls the garbage collector
dofile([filename])  runs a file
error(message [, level])  raises an error
getmetatable(object)  the metatable, or its __metatable field
ipairs(t)  iterates over 1, 2, ... up to the first nil
load(chunk [, chunkname [, mode [, env]]])  compiles text; nil and a message if it cannot
loadfile([filename [, mode [, env]]])  compiles a file
next(table [, index])  the next key and its value
pairs(t)  iterates over all keys
pcall(f [, arg1, ...])  calls f; true and its results, or false and the error
print(...)  writes its arguments, with tabs between them
rawequal(v1, v2)  equality without metamethods
rawget(table, index)  indexing without metamethods
rawlen(v)  length without metamethods
rawset(table, index, value)  assignment without metamethods
require(modname)  loads a module once
select(n, ...)  the arguments from the n-th on; their number for "#"
setmetatable(table, metatable)  sets the metatable and returns the table
tonumber(e [, base])  a number, or nil
tostring(v)  text, by __tostring if there is one
type(v)  the name of the type
warn(msg1, ...)  emits a warning
xpcall(f, msgh [, arg1, ...])  pcall with a message handler
coroutine.close(co)  closes a coroutine and its pending variables
coroutine.create(f)  a new coroutine
coroutine.isyieldable([co])  whether it can yield
coroutine.resume(co [, val1, ...])  goes on with a coroutine
coroutine.running()  the running coroutine, and whether it is the main one
coroutine.status(co)  "running", "suspended", "normal" or "dead"
coroutine.wrap(f)  a new coroutine as a function
coroutine.yield(...)  suspends the running coroutine
debug.getinfo([thread,] f [, what])  facts about a function or a level
debug.traceback([thread,] [message [, level]])  the stack as text
io.close([file])  closes a file
io.input([file])  the default input; sets it
io.lines([filename, ...])  iterates over what is read
io.open(filename [, mode])  a file, or nil and a message
io.output([file])  the default output; sets it
io.popen(prog [, mode])  starts a program with a pipe
io.read(...)  reads from the default input; here it asks the user
io.tmpfile()  a temporary file
io.type(obj)  "file", "closed file" or nil
io.write(...)  writes to the default output
math.abs(x)  absolute value
math.acos(x)  arc cosine in radians
math.asin(x)  arc sine in radians
math.atan(y [, x])  arc tangent of y/x in radians
math.ceil(x)  the smallest integer not below x
math.cos(x)  cosine of radians
math.deg(x)  radians to degrees
math.exp(x)  e to the power of x
math.floor(x)  the largest integer not above x
math.fmod(x, y)  remainder, rounded towards zero
math.log(x [, base])  logarithm
math.max(x, ...)  the largest argument
math.min(x, ...)  the smallest argument
math.modf(x)  integral and fractional part
math.rad(x)  degrees to radians
math.random([m [, n]])  a random number
math.randomseed([x [, y]])  seeds the generator
math.sin(x)  sine of radians
math.sqrt(x)  square root
math.tan(x)  tangent of radians
math.tointeger(x)  an integer, or nil
math.type(x)  "integer", "float" or nil
math.ult(m, n)  m < n, both unsigned
os.clock()  CPU time in seconds
os.date([format [, time]])  date and time as text or table
os.difftime(t2, t1)  seconds between two times
os.execute([command])  runs a command of the shell
os.exit([code [, close]])  ends the process, and with it what Lua has kept
os.getenv(varname)  a variable of the environment
os.remove(filename)  deletes a file
os.rename(oldname, newname)  renames a file
os.setlocale(locale [, category])  sets the locale
os.time([table])  the time in seconds
os.tmpname()  a name for a temporary file
string.byte(s [, i [, j]])  codes of bytes
string.char(...)  a string of bytes
string.dump(function [, strip])  a function as binary chunk
string.find(s, pattern [, init [, plain]])  where the pattern matches
string.format(formatstring, ...)  text after the manner of C's printf
string.gmatch(s, pattern [, init])  iterates over all matches
string.gsub(s, pattern, repl [, n])  replaces matches; the text and their number
string.len(s)  length in bytes
string.lower(s)  lower case
string.match(s, pattern [, init])  the captures of the first match
string.pack(fmt, v1, v2, ...)  values as binary string
string.packsize(fmt)  the size of what pack makes
string.rep(s, n [, sep])  s, n times
string.reverse(s)  the bytes backwards
string.sub(s, i [, j])  a part of a string
string.unpack(fmt, s [, pos])  values from a binary string
string.upper(s)  upper case
table.concat(list [, sep [, i [, j]]])  the elements as one string
table.insert(list, [pos,] value)  inserts an element
table.move(a1, f, e, t [, a2])  copies elements
table.pack(...)  a table of the arguments, with their number n
table.remove(list [, pos])  removes an element and returns it
table.sort(list [, comp])  sorts in place
table.unpack(list [, i [, j]])  the elements as results
utf8.char(...)  text of code points
utf8.codepoint(s [, i [, j [, lax]]])  the code points
utf8.codes(s [, lax])  iterates over code points
utf8.len(s [, i [, j [, lax]]])  the number of code points
utf8.offset(s, n [, i])  the byte where a code point begins
display(value | {html=, svg=, png=, markdown=, latex=, json=, text=, mime=, id=, update=})  shows something rich
clear_output([wait])  removes the cell's output
input([prompt [, password]])  asks the user for a line
]==]

local known = setmetatable({}, { __mode = "k" })
for path, arguments, meaning in text:gmatch("([%w.]+)(%b())  ([^\n]*)") do
    local value = _G
    for name in path:gmatch("%w+") do value = value and value[name] end
    if value then known[value] = path .. arguments .. "\n" .. meaning end
end

function signatures.of(f) return known[f] end

return signatures
