r"""The second half of the prelude: what a script finds in its globals, and the functions that run one.

``redis``, the text functions with their guards, the libraries (loaded when first used), the
protected globals, and the entry points that the bridge calls.
"""

from typing import Final

API: Final = rb"""
-- Text functions: nothing that a short call makes run long (Rule L2) ----------------------------------

local slow   -- the matcher in Lua, loaded when a pattern may be costly

local function weigh(pattern)
  local anchored = byte(pattern) == 94
  local at, loops, optional, n = anchored and 2 or 1, 0, 0, #pattern
  while at <= n do
    local c = byte(pattern, at)
    local item = true
    if c == 37 then
      local d = byte(pattern, at + 1)
      if d == 98 then loops = loops + 1 at = at + 4 item = false
      elseif d == 102 then at = at + 2 item = false
      elseif d and d >= 48 and d <= 57 then loops = loops + 1 at = at + 2 item = false
      else at = at + 2 end
    elseif c == 91 then
      at = at + 1
      if byte(pattern, at) == 94 then at = at + 1 end
      repeat
        local d = byte(pattern, at)
        if d == 37 then at = at + 1 end
        at = at + 1
      until d == nil or byte(pattern, at) == 93 or at > n
      at = at + 1
    elseif c == 40 or c == 41 then at = at + 1 item = false
    else at = at + 1 end
    if item then
      local q = byte(pattern, at)
      if q == 42 or q == 43 then
        at = at + 1
        local left = gsub(sub(pattern, at), "%)", "")
        if left ~= "" then loops = loops + 1 end
      elseif q == 45 then at = at + 1 loops = loops + 1
      elseif q == 63 then at = at + 1 optional = optional + 1 end
    end
  end
  return loops, optional, anchored
end

local weights = {}

local function is_cheap(text, pattern)
  local known = weights[pattern]
  if not known then
    if #pattern > 5000 then fail("pattern too long") end
    charge(#pattern * 4)
    local loops, optional, anchored = weigh(pattern)
    known = {loops, optional, anchored}
    weights[pattern] = known
  end
  local loops, optional, anchored = known[1], known[2], known[3]
  local n = #text + 1
  if optional > 12 or loops > 6 then return false end
  local cost = n ^ loops * 2 ^ optional
  if not anchored then cost = cost * n end
  if loops == 0 and optional < 4 then charge(cost / 4) return true end
  if cost > 16384 then return false end
  charge(cost / 4)
  return true
end

local function text_of(value, name, position)
  if type(value) == "string" then return value end
  if type(value) == "number" then return value .. "" end
  fail("bad argument #" .. position .. " to '" .. name .. "' (string expected, got " .. type(value) .. ")")
end

local function slow_matcher()
  if not slow then
    slow = setfenv(assert(raw_loadstring(ask("library", "patterns"), "@trivet")), {})(
      byte, sub, concat, fail, type, tonumber, plain, ask, rawget)
  end
  return slow
end

local function start_of(value, name, n)
  if value == nil then return 1 end
  local at = whole(value, name, 3)
  if at < 0 then at = n + at + 1 end
  if at < 1 then at = 1 end
  if at > n + 1 then at = n + 1 end
  return at
end

local function script_find(text, pattern, init, is_plain)
  text, pattern = text_of(text, "find", 1), text_of(pattern, "find", 2)
  charge(#text / 32)
  if is_plain or not find(pattern, "[%^%$%*%+%?%.%(%[%%%-]") then
    if #pattern * #text > 65536 then
      local at = ask("find", text, pattern, start_of(init, "find", #text))
      if at == 0 then return nil end
      return at, at + #pattern - 1
    end
    charge(#pattern * #text / 32)
    return find(text, pattern, init, true)
  end
  if is_cheap(text, pattern) then return find(text, pattern, init) end
  return slow_matcher().find(text, pattern, start_of(init, "find", #text), true)
end

local function script_match(text, pattern, init)
  text, pattern = text_of(text, "match", 1), text_of(pattern, "match", 2)
  charge(#text / 32)
  if is_cheap(text, pattern) then return string.match(text, pattern, init) end
  return slow_matcher().find(text, pattern, start_of(init, "match", #text), false)
end

local function script_gmatch(text, pattern)
  text, pattern = text_of(text, "gmatch", 1), text_of(pattern, "gmatch", 2)
  if is_cheap(text, pattern) then return string.gmatch(text, pattern) end
  return slow_matcher().gmatch(text, pattern)
end

local function script_gsub(text, pattern, replacement, limit)
  text, pattern = text_of(text, "gsub", 1), text_of(pattern, "gsub", 2)
  charge(#text / 32)
  if type(replacement) ~= "function" and is_cheap(text, pattern) then
    if type(replacement) == "string" and #replacement * (#text + 1) > 2^24 then
      return slow_matcher().gsub(text, pattern, replacement, limit)
    end
    return gsub(text, pattern, replacement, limit)
  end
  if type(replacement) == "function" and is_cheap(text, pattern) then return gsub(text, pattern, replacement, limit) end
  return slow_matcher().gsub(text, pattern, replacement, limit)
end

local function script_rep(text, count)
  text = text_of(text, "rep", 1)
  count = whole(count, "rep", 2)
  if #text == 0 or not (count >= 1) then return "" end
  if #text * count > 2^26 then fail("resulting string too large") end
  charge(#text * count / 4)
  return rep(text, count)
end

local function script_format(...)
  local count = select("#", ...)
  if count == 0 then fail("bad argument #1 to 'format' (string expected, got no value)") end
  local values = {...}
  local size = 0
  for i = 1, count do
    local value = values[i]
    if type(value) == "number" then
      if not (value > -2^63 and value < 2^63) and find(text_of(values[1], "format", 1), "%%[^%%]*[cdiouxX]") then
        values[i] = -2^63
      end
    elseif type(value) == "string" then size = size + #value end
  end
  charge(size / 16)
  local fits, text = raw_pcall(format, unpack(values, 1, count))
  if not fits then
    -- Called from C, it does not know its name, nor where it was called.
    local problem = find(text, "^bad argument") and gsub(text, "'%?'", "'format'", 1)
    if problem then fail(problem) end
    error(text, 0)
  end
  return text
end

local function costs_its_length(name, f)
  return function(text, ...)
    if type(text) == "string" then charge(#text / 32) end
    return f(text, ...)
  end
end

-- redis -------------------------------------------------------------------------------------------

local redis = {
  call = redis_call, pcall = redis_pcall,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  REPL_ALL = 3, REPL_NONE = 0, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2,
  REDIS_VERSION = "7.0.15", REDIS_VERSION_NUM = 458767,
}

function redis.sha1hex(...)
  if select("#", ...) ~= 1 then raise("wrong number of arguments") end
  local value = ...
  if type(value) == "number" then value = value .. "" end
  if type(value) ~= "string" then value = "" end
  charge(#value / 8 + 50)
  return ask("sha1", value)
end

function redis.error_reply(text, ...)
  if type(text) ~= "string" or select("#", ...) > 0 then raise("wrong number or type of arguments") end
  if byte(text) == 45 then text = sub(text, 2) end
  local head = find(text, " ", 1, true)
  return {err = head and text or "ERR " .. text}
end

function redis.status_reply(text, ...)
  if type(text) ~= "string" or select("#", ...) > 0 then raise("wrong number or type of arguments") end
  return {ok = text}
end

function redis.log(...)
  if select("#", ...) < 2 then raise("redis.log() requires two arguments or more.") end
  local level = ...
  if type(level) ~= "number" then raise("First argument must be a number (log level).") end
  if level < 0 or level > 3 then raise("Invalid debug level.") end
  local words = {}
  for i = 2, select("#", ...) do
    local word = select(i, ...)
    if type(word) == "string" or type(word) == "number" then words[#words + 1] = word end
  end
  ask("log", level, concat(words, " "))
end

function redis.setresp(...)
  if select("#", ...) ~= 1 then raise("redis.setresp() requires one argument.") end
  local version = ...
  if version ~= 2 and version ~= 3 then raise("RESP version must be 2 or 3.") end
  resp3 = version == 3
  ask("setresp", version)
end

function redis.replicate_commands() return true end
function redis.breakpoint() return false end
function redis.debug() end

function redis.set_repl(...)
  if select("#", ...) ~= 1 then raise("redis.set_repl() requires two arguments.") end
  local flags = ...
  if type(flags) ~= "number" or flags < 0 or flags > 3 then
    raise("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
  end
end

function redis.acl_check_cmd(name, ...)
  if name == nil then raise("Please specify at least one argument for this redis.acl_check_cmd() call") end
  if type(name) ~= "string" or not ask("known", name) then raise("Invalid command passed to redis.acl_check_cmd()") end
  return true
end

-- Globals ------------------------------------------------------------------------------------------

local function missing(_, name)
  fail("Script attempted to access nonexistent global variable '" .. plain(name) .. "'")
end

local function refuse()
  fail(READONLY)
end

local function protect(content, absent)
  local proxy = {}
  protected[proxy] = content
  if absent then raw_setmetatable(content, {__index = absent}) end
  return raw_setmetatable(proxy, {__index = content, __newindex = refuse, __metatable = false})
end

local function copy(from, names)
  local content = {}
  for name in string.gmatch(names, "%S+") do content[name] = from[name] end
  return content
end

local strings = copy(string, "byte char len lower upper reverse sub")
strings.find, strings.match, strings.gmatch, strings.gsub = script_find, script_match, script_gmatch, script_gsub
strings.rep, strings.format, strings.gfind = script_rep, script_format, script_gmatch
strings.lower, strings.upper = costs_its_length("lower", string.lower), costs_its_length("upper", string.upper)
strings.reverse = costs_its_length("reverse", string.reverse)
local string_meta = raw_getmetatable("")
string_meta.__index = strings
string_meta.__metatable = false

local tables = copy(table, "getn setn")
tables.insert, tables.remove, tables.sort, tables.maxn = script_insert, script_remove, script_sort, script_maxn
tables.foreach, tables.foreachi, tables.concat = script_foreach, script_foreachi, script_concat

local maths = copy(math, "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10"
  .. " max min mod modf pi pow rad sin sinh sqrt tan tanh")
maths.random, maths.randomseed = script_random, script_randomseed

local coroutines = {
  create = script_create, resume = script_resume, wrap = script_wrap,
  status = raw_status, yield = coroutine.yield, running = coroutine.running,
}

local hidden = {
  _VERSION = _VERSION, assert = assert, error = error, ipairs = ipairs, rawequal = rawequal,
  tonumber = tonumber, type = type, select = script_select, unpack = script_unpack,
  next = script_next, pairs = script_pairs, pcall = script_pcall, xpcall = script_xpcall,
  tostring = script_tostring, getmetatable = script_getmetatable, setmetatable = script_setmetatable,
  rawget = script_rawget, rawset = script_rawset, load = script_load, loadstring = script_loadstring,
  string = protect(strings), table = protect(tables), math = protect(maths),
  coroutine = protect(coroutines), redis = protect(redis),
}

function hidden.collectgarbage(what)
  if what == nil or what == "collect" or what == "count" or what == "step" or what == "stop"
    or what == "restart" or what == "setpause" or what == "setstepmul" then return 0 end
  fail("bad argument #1 to 'collectgarbage' (invalid option '" .. plain(what) .. "')")
end

function hidden.gcinfo() return 0 end

local LIBRARIES = {cjson = 1, cmsgpack = 1, struct = 1, bit = 1}

local function absent(content, name)
  if LIBRARIES[name] then
    local tools = {
      type = type, rawget = rawget, next = next, walkable = walkable, fail = fail, null = null, charge = charge,
      tonumber = tonumber, format = format, byte = byte, sub = sub, char = string.char, concat = concat,
      find = find, gsub = gsub, match = string.match, floor = floor, frexp = math.frexp, ldexp = math.ldexp,
      select = select, ask = ask, rep = rep, unpack = unpack, error = error, copy = copy, plain = plain,
      setmetatable = raw_setmetatable, stop = stop,
    }
    local library = setfenv(assert(raw_loadstring(ask("library", name), "@trivet")), tools)()
    content[name] = protect(library)
    return content[name]
  end
  missing(content, name)
end

env = protect(hidden, absent)
hidden._G = env

-- Entry points ---------------------------------------------------------------------------------------

local function outcome(ok, kind, value)
  sethook()
  if stopped then return 5, stopped end
  if ok then return kind, value end
  if kind == "not enough memory" then return 5, "memory" end
  if not err_text then return 4, "ERR " .. plain(kind), nil, 0 end
  return 4, err_text, err_source, err_line
end

-- A tick may come, and stop, after the inner call has ended and before the hook is gone. The next one is far.
local function guarded(f)
  sethook(tick, "", TICK)
  local ok, kind, value, source, line = raw_pcall(function() return outcome(raw_xpcall(f, on_error)) end)
  sethook()
  if ok then return kind, value, source, line end
  return 5, stopped or "memory"
end

local api = {decode = decode}

function api.memory() return gc("count") end

function api.run(code, keys, arguments)
  hidden.KEYS, hidden.ARGV = keys, arguments
  return guarded(function()
    return answer((setfenv(assert(raw_loadstring(code)), env)()))
  end)
end

-- Function libraries ------------------------------------------------------------------------------------

local functions, order = {}, {}
local NAMES = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

local function read_flags(flags)
  local words = {}
  for i = 1, #flags do
    if type(flags[i]) ~= "string" then raise("unknown flag given") end
    words[i] = flags[i]
  end
  return concat(words, ",")
end

local function register(...)
  local count = select("#", ...)
  if count == 0 or count > 2 then raise("wrong number of arguments to redis.register_function") end
  local name, callback = ...
  local description, flags
  if count == 1 then
    local named = name
    if type(named) ~= "table" then
      raise("calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).")
    end
    name, callback = nil, nil
    walkable(named)
    for key, value in next, named do
      if key == "function_name" then
        if type(value) ~= "string" and type(value) ~= "number" then raise("function_name argument given to redis.register_function must be a string") end
        name = value
      elseif key == "description" then
        if type(value) ~= "string" and type(value) ~= "number" then raise("description argument given to redis.register_function must be a string") end
        description = value .. ""
      elseif key == "callback" then
        if type(value) ~= "function" then raise("callback argument given to redis.register_function must be a function") end
        callback = value
      elseif key == "flags" then
        if type(value) ~= "table" then raise("flags argument to redis.register_function must be a table representing function flags") end
        flags = read_flags(value)
      else
        raise(type(key) == "string" and "unknown argument given to redis.register_function"
          or "named argument key given to redis.register_function is not a string")
      end
    end
    if name == nil then raise("redis.register_function must get a function name argument") end
    if callback == nil then raise("redis.register_function must get a callback argument") end
  end
  if type(name) == "number" then name = name .. "" end
  if type(name) ~= "string" then raise("first argument to redis.register_function must be a string") end
  if type(callback) ~= "function" then raise("second argument to redis.register_function must be a function") end
  if not find(name, "^[%w_]+$") then raise(NAMES) end
  flags = flags or ""
  if not ask("flags", flags) then raise("unknown flag given") end
  if functions[name] then raise("Function already exists in the library") end
  functions[name] = callback
  order[#order + 1] = {name, description, flags}
end

local function load_library(code)
  local early = copy(redis, "log LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING REDIS_VERSION REDIS_VERSION_NUM")
  early.register_function = register
  hidden.redis = protect(early, missing)
  setfenv(assert(raw_loadstring(code)), env)()
  hidden.redis = protect(redis)
end

function api.load(code)
  return guarded(function()
    load_library(code)
    local out = {"*" .. #order .. "\n"}
    for i = 1, #order do
      local name, description, flags = order[i][1], order[i][2], order[i][3]
      out[#out + 1] = "*3\n$" .. #name .. "\n" .. name
      out[#out + 1] = description and "$" .. #description .. "\n" .. description or "_\n"
      out[#out + 1] = "$" .. #flags .. "\n" .. flags
    end
    return 3, concat(out)
  end)
end

function api.fcall(code, name, keys, arguments)
  return guarded(function()
    load_library(code)
    return answer((functions[name](keys, arguments)))
  end)
end

-- What is left of the real globals must not matter to anybody -----------------------------------------------

local anchors = {"debug", "POBJECT", "not enough memory", "_LOADED"}
local globals = _G
for name in next, globals do rawset(globals, name, nil) end
rawset(globals, "debug", false)
return api.run, api.load, api.fcall, api.decode, api.memory, anchors
"""
