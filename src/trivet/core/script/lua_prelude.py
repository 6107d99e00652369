r"""The sandbox, as Lua sees it: the first chunk that runs in every new Lua state.

It gets the functions of the bridge (see ``bridge``) and gives one function that runs a
script. What a script may use is copied into ``hidden``; the script's own global table is an empty
proxy in front of it. Rules D1 to D4 and L1 to L3 of the room are kept here.
"""

from typing import Final

PRELUDE: Final = rb"""
local as_function = python.as_function
local py_call, py_pcall, py_take, py_ask, step_limit, GC_KB, SLICE = ...
local redis_call, redis_pcall = as_function(py_call), as_function(py_pcall)
local take, ask = as_function(py_take), as_function(py_ask)

local type, rawget, rawset, rawequal, select = type, rawget, rawset, rawequal, select
local next, ipairs, unpack, error, assert = next, ipairs, unpack, error, assert
local raw_pcall, raw_xpcall, raw_tostring, tonumber = pcall, xpcall, tostring, tonumber
local raw_getmetatable, raw_setmetatable, raw_loadstring = getmetatable, setmetatable, loadstring
local setfenv, gc, getinfo, sethook = setfenv, collectgarbage, debug.getinfo, debug.sethook
local string, table, math, coroutine = string, table, math, coroutine
local byte, sub, find, format, concat = string.byte, string.sub, string.find, string.format, table.concat
local gsub, rep, floor, ceil = string.gsub, string.rep, math.floor, math.ceil
local null = newproxy(false)

-- Limits (Rules L1 to L3) ------------------------------------------------------------------

local TICK, KB_STEPS = 500, 40
local steps, stopped = 0, false
local STOP = "script stopped"
gc("stop")
local live_kb = gc("count")
local gc_at_kb = live_kb + GC_KB

local function stop(reason)
  stopped = stopped or reason
  error(STOP, 0)
end

local slice_end = SLICE
local function may_go_on()
  while not stopped and steps > step_limit do
    local more = ask("more")
    if more == 0 then stop("steps") end
    step_limit = step_limit + more
  end
  if stopped then stop("steps") end
end

local function charge(amount)
  steps = steps + amount
  if stopped or steps > step_limit then may_go_on() end
end

local function tick()
  steps = steps + TICK
  local kb = gc("count")
  if kb > gc_at_kb then
    steps = steps + (kb - live_kb) * KB_STEPS
    gc("collect")
    gc("stop")
    live_kb = gc("count")
    gc_at_kb = live_kb * 2 + GC_KB
  end
  if stopped or steps > step_limit then may_go_on() end
  if steps > slice_end then
    slice_end = steps + SLICE
    ask("slice")
  end
end

-- Errors -------------------------------------------------------------------------------------

local function fail(message)
  error("trivet:0: " .. message, 0)
end

local function raise(text)
  error({err = "ERR " .. text}, 0)
end

local function taken(e)
  if type(e) == "userdata" and e ~= null then
    local message = take()
    if message == true then stopped = stopped or "steps" return STOP end
    return {err = message}
  end
  if type(e) == "string" and sub(e, 1, 7) == "trivet:" then e = gsub(e, "^trivet:%d+: ", "") end
  return e
end

local function place()
  local level, info = 3, nil
  repeat
    info = getinfo(level, "Sl")
    if info and info.what ~= "C" and info.what ~= "tail" and info.source ~= "@trivet" then
      return info.source, info.currentline
    end
    level = level + 1
  until not info or level > 3000
  return nil, 0
end

local err_text, err_source, err_line
local function on_error(e)
  if stopped then return e end
  local source, line = place()
  if type(e) == "string" and source and sub(e, 1, 7) == "trivet:" then
    e = gsub(e, "^trivet:%d+", function() return sub(source, 2) .. ":" .. line end)
  end
  e = taken(e)
  if stopped then return e end
  if type(e) == "table" then
    err_text = rawget(e, "err")
    if type(err_text) ~= "string" then err_text = "ERR unknown error" end
  elseif type(e) == "string" or type(e) == "number" then
    err_text = "ERR " .. e
  else
    err_text = "ERR " .. (type(e) == "boolean" and raw_tostring(e) or type(e))
  end
  err_source, err_line = source, line
  return e
end

local function checked(ok, ...)
  if ok then return true, ... end
  if stopped then error(STOP, 0) end
  local e = taken((...))
  if stopped then error(STOP, 0) end
  return false, e
end

local function stringified(ok, e, ...)
  if not ok and type(e) == "table" and type(rawget(e, "err")) == "string" then return false, rawget(e, "err") end
  return ok, e, ...
end

local function script_pcall(...)
  return stringified(checked(raw_pcall(...)))
end

local function script_xpcall(f, handler, ...)
  if select("#", ...) > 0 or handler == nil then return checked(raw_xpcall(f, handler)) end
  return checked(raw_xpcall(f, function(e)
    if stopped then return e end
    e = taken(e)
    if stopped then return e end
    return handler(e)
  end))
end

-- Coroutines have hooks of their own ----------------------------------------------------------

local raw_create, raw_resume, raw_status = coroutine.create, coroutine.resume, coroutine.status

local function script_create(f)
  charge(300)
  if type(f) ~= "function" or getinfo(f, "S").what == "C" then
    fail("bad argument #1 to 'create' (Lua function expected)")
  end
  local co = raw_create(f)
  sethook(co, tick, "", TICK)
  return co
end

local function resumed(co, ok, ...)
  if raw_status(co) == "dead" then sethook(co) end
  return checked(ok, ...)
end

local function script_resume(co, ...)
  if type(co) ~= "thread" then fail("bad argument #1 to 'resume' (coroutine expected)") end
  charge(50)
  return resumed(co, raw_resume(co, ...))
end

local function unwrapped(ok, ...)
  if ok then return ... end
  error((...), 0)
end

local function script_wrap(f)
  local co = script_create(f)
  return function(...) return unwrapped(script_resume(co, ...)) end
end

-- Tables: no order and no text that depends on an address (Rules D1, D2) ---------------------------

local protected, shown = {}, {}

local function ordered(key)
  local kind = type(key)
  if kind == "string" or kind == "number" or kind == "boolean" then return end
  fail("a table with a " .. kind .. " as key cannot be walked: its order would differ between replicas")
end

local function walkable(t)
  for key in next, t do
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then ordered(key) end
  end
end

local function script_next(t, key)
  if type(t) ~= "table" then fail("bad argument #1 to 'next' (table expected, got " .. (t == nil and "no value" or type(t)) .. ")") end
  t = protected[t] or t
  if key == nil then walkable(t) else ordered(key) end
  local following, value = next(t, key)
  if following ~= nil then ordered(following) end
  return following, value
end

local function fast_next(t, key)
  local following, value = next(t, key)
  if following ~= nil then
    local kind = type(following)
    if kind ~= "string" and kind ~= "number" then ordered(following) end
  end
  return following, value
end

local function script_pairs(t)
  if type(t) ~= "table" then fail("bad argument #1 to 'pairs' (table expected, got " .. (t == nil and "nil" or type(t)) .. ")") end
  t = protected[t] or t
  walkable(t)
  return fast_next, t, nil
end

local function plain(value)
  local kind = type(value)
  if kind == "table" or kind == "function" or kind == "thread" then
    local meta = raw_getmetatable(value)
    if kind ~= "table" or type(meta) ~= "table" or rawget(meta, "__tostring") == nil then
      return kind
    end
  elseif kind == "userdata" then
    return value == null and "userdata: (nil)" or "userdata"
  end
  return raw_tostring(value)
end

local function script_tostring(...)
  if select("#", ...) == 0 then fail("bad argument #1 to 'tostring' (value expected)") end
  return (plain((...)))
end

local READONLY = "Attempt to modify a readonly table"

local function script_setmetatable(t, meta)
  if protected[t] then raise(READONLY) end
  return raw_setmetatable(t, meta)
end

local function script_getmetatable(value)
  if type(value) == "userdata" or type(value) == "string" then return nil end
  return raw_getmetatable(value)
end

local function script_rawset(t, key, value)
  if protected[t] then raise(READONLY) end
  return rawset(t, key, value)
end

local function script_rawget(t, key)
  return rawget(protected[t] or t, key)
end

local function script_unpack(t, i, j)
  if type(t) ~= "table" then fail("bad argument #1 to 'unpack' (table expected, got " .. (t == nil and "nil" or type(t)) .. ")") end
  i, j = tonumber(i or 1), tonumber(j == nil and #t or j)
  if not i or not j then fail("bad argument to 'unpack' (number expected)") end
  if not (j - i < 7000) then fail("too many results to unpack") end
  charge((j - i) / 4)
  return unpack(t, i, j)
end

local function script_select(n, ...)
  return select(n, ...)
end

-- Table library: what runs long inside C is charged for (Rule L2) -----------------------------------

local function script_insert(t, ...)
  if type(t) == "table" and select("#", ...) == 2 then
    local at = tonumber((...))
    if at then
      if not (at >= -2^31 and at < 2^31) then fail("bad argument #2 to 'insert' (out of range)") end
      if at > #t + 1 and at > 2^20 and at > 2 * #t then fail("bad argument #2 to 'insert' (out of range)") end
      if #t > at then charge((#t - at) / 2) end
      if at < 0 then charge(-at / 2) end
    end
  end
  return table.insert(t, ...)
end

local function script_remove(t, at)
  if type(t) == "table" and at ~= nil then
    local n = tonumber(at)
    if n and #t > n then charge((#t - n) / 2) end
  end
  if at == nil then return table.remove(t) end
  return table.remove(t, at)
end

local function script_sort(t, before)
  if type(t) == "table" then
    local n = #t
    local levels = 1
    while n > 1 do n = n / 2 levels = levels + 1 end
    charge(#t * levels * (before and 2 or 4))
  end
  return table.sort(t, before)
end

local function script_maxn(t)
  if type(t) == "table" then
    local n = 0
    for key in next, t do
      if type(key) == "number" and key > n then n = key end
    end
    return n
  end
  return table.maxn(t)
end

local function script_foreach(t, f)
  for key, value in script_pairs(t) do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end

local function script_foreachi(t, f)
  for i = 1, #t do
    local result = f(i, t[i])
    if result ~= nil then return result end
  end
end

local function script_concat(t, separator, i, j)
  if type(t) == "table" then
    local items = (tonumber(j) or #t) - (tonumber(i) or 1)
    if items > 0 then
      charge(items / 2)
      if (type(separator) == "string" and #separator or 0) * items > 2^28 then fail("resulting string too large") end
    end
  end
  return concat(t, separator, i, j)
end

-- Chance (Rule D3): L'Ecuyer's combined generator, exact in doubles ---------------------------------

local seed1, seed2

local function uniform()
  if not seed1 then seed1, seed2 = ask("seed", 2147483562) + 1, ask("seed", 2147483398) + 1 end
  seed1 = seed1 * 40014 % 2147483563
  seed2 = seed2 * 40692 % 2147483399
  local z = (seed1 - seed2) % 2147483562
  return z / 2147483562
end

local function whole(value, name, position)
  local n = tonumber(value)
  if not n then fail("bad argument #" .. position .. " to '" .. name .. "' (number expected, got " .. (value == nil and "no value" or type(value)) .. ")") end
  return n < 0 and ceil(n) or floor(n)
end

local function script_random(...)
  local count = select("#", ...)
  if count == 0 then return uniform() end
  local low, high = ...
  if count == 1 then
    high = whole(low, "random", 1)
    if not (high >= 1) then fail("bad argument #1 to 'random' (interval is empty)") end
    return floor(uniform() * high) + 1
  end
  if count > 2 then fail("wrong number of arguments") end
  low, high = whole(low, "random", 1), whole(high, "random", 2)
  if not (low <= high) then fail("bad argument #2 to 'random' (interval is empty)") end
  return floor(uniform() * (high - low + 1)) + low
end

local function script_randomseed(value)
  local n = whole(value, "randomseed", 1)
  if n ~= n or n == 1/0 or n == -1/0 then n = 0 end
  seed1, seed2 = n % 2147483562 + 1, floor(n / 2147483562) % 2147483398 + 1
  for _ = 1, 4 do uniform() end
end

-- Code ----------------------------------------------------------------------------------------

local env
local function script_loadstring(source, name)
  if type(source) == "number" then source = source .. "" end
  if type(source) ~= "string" then fail("bad argument #1 to 'loadstring' (string expected, got " .. (source == nil and "no value" or type(source)) .. ")") end
  if type(name) ~= "string" then name = source end
  charge(2000 + #source * 4)
  local code = ask("compile", source, name)
  if code == true then stop("memory") end
  if byte(code) ~= 27 then return nil, code end
  return setfenv(assert(raw_loadstring(code, name)), env)
end

local function script_load(reader, name)
  local parts = {}
  while true do
    local part = reader()
    if part == nil or part == "" then break end
    if type(part) ~= "string" then fail("reader function must return a string") end
    parts[#parts + 1] = part
  end
  return script_loadstring(concat(parts), type(name) == "string" and name or "=(load)")
end

-- Replies of commands, from the text that the bridge writes -------------------------------------------

local NIL, resp3 = false, false

local function decode(text)
  local at = 1
  local function item()
    local finish = find(text, "\n", at, true)
    local kind, head = byte(text, at), sub(text, at + 1, finish - 1)
    at = finish + 1
    if kind == 36 then
      local stop_at = at + tonumber(head)
      local value = sub(text, at, stop_at - 1)
      at = stop_at
      return value
    elseif kind == 58 then return tonumber(head)
    elseif kind == 42 then
      local list = {}
      for i = 1, tonumber(head) do list[i] = item() end
      return list
    elseif kind == 95 then return resp3 and nil
    elseif kind == 43 then return {ok = head}
    elseif kind == 45 then return {err = head}
    elseif kind == 35 then return head == "t"
    elseif kind == 44 then return {double = head == "inf" and 1/0 or head == "-inf" and -1/0 or tonumber(head)}
    elseif kind == 37 then
      local map = {}
      for _ = 1, tonumber(head) do
        local key = item()
        map[key] = item()
      end
      return {map = map}
    elseif kind == 126 then
      local set = {}
      for _ = 1, tonumber(head) do set[item()] = true end
      return {set = set}
    elseif kind == 61 then
      local stop_at = at + tonumber(head)
      local value = {verbatim_string = {format = sub(text, at, at + 2), string = sub(text, at + 4, stop_at - 1)}}
      at = stop_at
      return value
    end
  end
  return item()
end

-- What a script returns, as text for the bridge -----------------------------------------------------------

local DEPTH_MAX = 100

local function integer_text(n)
  n = n < 0 and ceil(n) or floor(n)
  if not (n >= -2^63 and n < 2^63) then return "-9223372036854775808" end
  return format("%.0f", n)
end

local function line_text(text)
  local zero = find(text, "%z")
  return (gsub(zero and sub(text, 1, zero - 1) or text, "[\r\n]", " "))
end

local encode
local function encode_pairs(t, mark, out, depth, with_values)
  local count = 0
  local at = #out + 1
  out[at] = ""
  walkable(t)
  for key, value in next, t do
    count = count + 1
    encode(key, out, depth + 1)
    if with_values then encode(value, out, depth + 1) end
  end
  out[at] = mark .. count .. "\n"
end

function encode(value, out, depth)
  local kind, n = type(value), #out
  if kind == "string" then
    out[n + 1] = "$" .. #value .. "\n"
    out[n + 2] = value
  elseif kind == "number" then out[n + 1] = ":" .. integer_text(value) .. "\n"
  elseif kind == "boolean" then
    if resp3 then out[n + 1] = value and "#t\n" or "#f\n" else out[n + 1] = value and ":1\n" or "_\n" end
  elseif kind ~= "table" then out[n + 1] = "_\n"
  else
    if depth > DEPTH_MAX then raise("reached lua stack limit") end
    local field = rawget(value, "err")
    if type(field) == "string" then out[n + 1] = "-" .. line_text(field) .. "\n" return end
    field = rawget(value, "ok")
    if type(field) == "string" then out[n + 1] = "+" .. line_text(field) .. "\n" return end
    field = rawget(value, "double")
    if type(field) == "number" then out[n + 1] = "," .. format("%.17g", field) .. "\n" return end
    field = rawget(value, "map")
    if type(field) == "table" then return encode_pairs(field, "%", out, depth, true) end
    field = rawget(value, "set")
    if type(field) == "table" then return encode_pairs(field, "~", out, depth, false) end
    field = rawget(value, "big_number")
    if type(field) == "string" then out[n + 1] = "(" .. line_text(field) .. "\n" return end
    field = rawget(value, "verbatim_string")
    if type(field) == "table" then
      local kind_of, text = rawget(field, "format"), rawget(field, "string")
      if type(kind_of) == "string" and type(text) == "string" then
        kind_of = sub(kind_of .. "   ", 1, 3)
        out[n + 1] = "=" .. (#text + 4) .. "\n" .. kind_of .. ":"
        out[n + 2] = text
        return
      end
    end
    out[n + 1] = ""
    local count = 0
    while true do
      local element = rawget(value, count + 1)
      if element == nil then break end
      count = count + 1
      encode(element, out, depth + 1)
    end
    out[n + 1] = "*" .. count .. "\n"
  end
end

local function answer(value)
  local kind = type(value)
  if kind == "string" then return 1, value end
  if kind == "number" then return 2, integer_text(value) end
  if kind == "nil" then return 0 end
  local out = {}
  encode(value, out, 0)
  return 3, concat(out)
end
"""
