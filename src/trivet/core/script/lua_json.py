r"""``cjson`` for scripts, in Lua: what lua-cjson 2.1 does as Redis 7.0 configures it.

An empty table encodes as ``{}``; numbers have 14 significant digits; infinities and NaN are refused
when encoding and accepted when decoding; nesting ends at 1,000.
"""

from typing import Final

JSON: Final = rb"""
local depth_max, encode_depth_max, sparse_convert, sparse_ratio, sparse_safe = 1000, 1000, false, 2, 10
local precision, keep_buffer, decode_invalid, encode_invalid = "%.14g", true, true, false
local digits = 14

local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\t"] = "\\t",
  ["\n"] = "\\n", ["\f"] = "\\f", ["\r"] = "\\r"}
for code = 0, 31 do
  local c = char(code)
  escapes[c] = escapes[c] or format("\\u%04x", code)
end
escapes["\127"] = "\\u007f"

local function quoted(text)
  charge(#text / 16)
  if find(text, '[%c"\\/\127]') then text = gsub(text, '[%z%c"\\/\127]', escapes)
  elseif find(text, "%z") then text = gsub(text, "%z", escapes) end
  return '"' .. text .. '"'
end

local function number_text(n)
  if n ~= n or n == 1/0 or n == -1/0 then
    if encode_invalid == "null" then return "null" end
    if not encode_invalid then fail("Cannot serialise number: must not be NaN or Inf") end
    return n ~= n and "nan" or n > 0 and "inf" or "-inf"
  end
  return format(precision, n)
end

-- The length of a table that is an array; -1 when it is an object.
local function array_length(t)
  local highest, count = 0, 0
  for key in next, t do
    if type(key) ~= "number" or key < 1 or floor(key) ~= key then return -1 end
    if key > highest then highest = key end
    count = count + 1
  end
  if sparse_ratio > 0 and highest > count * sparse_ratio and highest > sparse_safe then
    if not sparse_convert then fail("Cannot serialise table: excessively sparse array") end
    return -1
  end
  return highest
end

local encode
function encode(value, out, depth)
  local kind = type(value)
  if kind == "string" then out[#out + 1] = quoted(value)
  elseif kind == "number" then out[#out + 1] = number_text(value)
  elseif kind == "boolean" then out[#out + 1] = value and "true" or "false"
  elseif kind == "nil" or value == null then out[#out + 1] = "null"
  elseif kind == "table" then
    depth = depth + 1
    if depth > encode_depth_max then fail("Cannot serialise, excessive nesting (" .. depth .. ")") end
    local length = array_length(value)
    if length > 0 then
      out[#out + 1] = "["
      for i = 1, length do
        if i > 1 then out[#out + 1] = "," end
        encode(value[i], out, depth)
      end
      out[#out + 1] = "]"
      return
    end
    out[#out + 1] = "{"
    local first = true
    for key, element in next, value do
      if not first then out[#out + 1] = "," end
      first = false
      if type(key) == "string" then out[#out + 1] = quoted(key)
      elseif type(key) == "number" then out[#out + 1] = '"' .. number_text(key) .. '"'
      else fail("Cannot serialise " .. type(key) .. ": table key must be a number or string") end
      out[#out + 1] = ":"
      encode(element, out, depth)
    end
    out[#out + 1] = "}"
  else
    fail("Cannot serialise " .. kind .. ": type not supported")
  end
end

local function alone(name, count)
  if count ~= 1 then fail("bad argument #1 to '" .. name .. "' (expected 1 argument)") end
end

-- Decoding: one position that moves through the text ------------------------------------------------

local simple = {[91] = "T_ARR_BEGIN", [93] = "T_ARR_END", [123] = "T_OBJ_BEGIN", [125] = "T_OBJ_END",
  [44] = "T_COMMA", [58] = "T_COLON"}
local unescape = {b = "\b", t = "\t", n = "\n", f = "\f", r = "\r", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

local text, at

local function utf8(code)
  if code < 128 then return char(code) end
  if code < 2048 then return char(192 + floor(code / 64), 128 + code % 64) end
  if code < 65536 then return char(224 + floor(code / 4096), 128 + floor(code / 64) % 64, 128 + code % 64) end
  return char(240 + floor(code / 262144), 128 + floor(code / 4096) % 64, 128 + floor(code / 64) % 64, 128 + code % 64)
end

local function invalid_string(what, where)
  return nil, what, where
end

local function string_from(start)
  local parts, from = nil, start + 1
  while true do
    local stop_at = find(text, '["\\]', from)
    if not stop_at then return invalid_string("unexpected end of string", #text + 1) end
    charge((stop_at - from) / 16)
    if byte(text, stop_at) == 34 then
      local tail = sub(text, from, stop_at - 1)
      at = stop_at + 1
      if not parts then return tail end
      parts[#parts + 1] = tail
      return concat(parts)
    end
    parts = parts or {}
    parts[#parts + 1] = sub(text, from, stop_at - 1)
    local c = sub(text, stop_at + 1, stop_at + 1)
    if c == "u" then
      local hex = match(text, "^%x%x%x%x", stop_at + 2)
      if not hex then return invalid_string("invalid unicode escape code", stop_at) end
      local code = tonumber(hex, 16)
      from = stop_at + 6
      if code >= 56320 and code < 57344 then return invalid_string("invalid unicode escape code", stop_at) end
      if code >= 55296 and code < 56320 then
        local low = match(text, "^\\u(%x%x%x%x)", from)
        low = low and tonumber(low, 16)
        if not low or low < 56320 or low > 57343 then return invalid_string("invalid unicode escape code", stop_at) end
        code = 65536 + (code - 55296) * 1024 + low - 56320
        from = from + 6
      end
      parts[#parts + 1] = utf8(code)
    elseif unescape[c] then
      parts[#parts + 1] = unescape[c]
      from = stop_at + 2
    else
      return invalid_string("invalid escape code", stop_at)
    end
  end
end

local function number_from(start)
  local word = match(text, "^[%+%-]?0[xX]%x+", start)
  if word then
    at = start + #word
    local sign = byte(word) == 45 and -1 or 1
    return sign * tonumber((gsub(word, "^[%+%-]", "")))
  end
  word = match(text, "^[%+%-]?%d+%.?%d*[eE][%+%-]?%d+", start) or match(text, "^[%+%-]?%d+%.?%d*", start)
  if word then
    at = start + #word
    return tonumber((gsub(word, "^%+", "")))
  end
  local sign, letters = match(text, "^([%+%-]?)(%a+)", start)
  if letters then
    local lower = letters:lower()
    local value, length
    if sub(lower, 1, 8) == "infinity" then value, length = 1/0, 8
    elseif sub(lower, 1, 3) == "inf" then value, length = 1/0, 3
    elseif sub(lower, 1, 3) == "nan" then value, length = tonumber("nan"), 3 end
    if value then
      at = start + #sign + length
      return sign == "-" and -value or value
    end
  end
  return nil
end

-- The kind of the next token, its value, and where it begins.
local function token()
  local start = find(text, "[^ \t\r\n]", at)
  if not start then return "T_END", nil, #text + 1 end
  local c = byte(text, start)
  local kind = simple[c]
  if kind then at = start + 1 return kind, nil, start end
  if c == 34 then
    local value, problem, where = string_from(start)
    if value then return "T_STRING", value, start end
    return problem, nil, where
  end
  if c == 0 and start == #text then return "T_END", nil, start end
  if c == 45 or c == 43 or c >= 48 and c <= 57 then
    local value = number_from(start)
    if value then return "T_NUMBER", value, start end
    return "invalid number", nil, start
  end
  if c == 116 and sub(text, start, start + 3) == "true" then at = start + 4 return "T_BOOLEAN", true, start end
  if c == 102 and sub(text, start, start + 4) == "false" then at = start + 5 return "T_BOOLEAN", false, start end
  if c == 110 and sub(text, start, start + 3) == "null" then at = start + 4 return "T_NULL", null, start end
  if c == 78 or c == 110 or c == 73 or c == 105 then
    local value = number_from(start)
    if value then return "T_NUMBER", value, start end
  end
  if c == 0 then return "T_END", nil, start end
  return "invalid token", nil, start
end

local function unexpected(wanted, kind, where)
  fail("Expected " .. wanted .. " but found " .. kind .. " at character " .. where)
end

local function deeper(depth, where)
  if depth > depth_max then
    fail("Found too many nested data structures (" .. depth .. ") at character " .. where)
  end
end

local value_of

local function object(depth, where)
  deeper(depth, where)
  local found = {}
  local kind, value, start = token()
  if kind == "T_OBJ_END" then return found end
  while true do
    if kind ~= "T_STRING" then unexpected("object key string", kind, start) end
    local key = value
    kind, value, start = token()
    if kind ~= "T_COLON" then unexpected("colon", kind, start) end
    kind, value, start = token()
    found[key] = value_of(kind, value, start, depth)
    kind, value, start = token()
    if kind == "T_OBJ_END" then return found end
    if kind ~= "T_COMMA" then unexpected("comma or object end", kind, start) end
    kind, value, start = token()
  end
end

local function array(depth, where)
  deeper(depth, where)
  local found, n = {}, 0
  local kind, value, start = token()
  if kind == "T_ARR_END" then return found end
  while true do
    n = n + 1
    found[n] = value_of(kind, value, start, depth)
    kind, value, start = token()
    if kind == "T_ARR_END" then return found end
    if kind ~= "T_COMMA" then unexpected("comma or array end", kind, start) end
    kind, value, start = token()
  end
end

function value_of(kind, value, start, depth)
  if kind == "T_STRING" or kind == "T_NUMBER" or kind == "T_BOOLEAN" or kind == "T_NULL" then return value end
  if kind == "T_OBJ_BEGIN" then return object(depth + 1, start) end
  if kind == "T_ARR_BEGIN" then return array(depth + 1, start) end
  unexpected("value", kind, start)
end

-- The library ---------------------------------------------------------------------------------------------

local function integer_setting(name, low, high, get, set)
  return function(...)
    if select("#", ...) > 0 then
      local n = tonumber((...))
      if not n or n < low or n > high then
        fail("bad argument #1 to '" .. name .. "' (expected integer between " .. low .. " and " .. high .. ")")
      end
      set(floor(n))
    end
    return get()
  end
end

local function boolean_option(name, position, value)
  if value == true or value == "on" then return true end
  if value == false or value == "off" then return false end
  fail("bad argument #" .. position .. " to '" .. name .. "' (invalid option '" .. plain(value) .. "')")
end

local function build()
  local json = {_NAME = "cjson", _VERSION = "2.1.0", null = null}
  function json.encode(...)
    alone("encode", select("#", ...))
    local out = {}
    encode((...), out, 0)
    return concat(out)
  end
  function json.decode(...)
    alone("decode", select("#", ...))
    local source = ...
    if type(source) == "number" then source = source .. "" end
    if type(source) ~= "string" then
      fail("bad argument #1 to 'decode' (string expected, got " .. type(source) .. ")")
    end
    if #source >= 2 and (byte(source) == 0 or byte(source, 2) == 0) then
      fail("JSON parser does not support UTF-16 or UTF-32")
    end
    text, at = source, 1
    local kind, value, start = token()
    local found = value_of(kind, value, start, 0)
    kind, value, start = token()
    if kind ~= "T_END" then unexpected("the end", kind, start) end
    text = nil
    return found
  end
  json.decode_max_depth = integer_setting("decode_max_depth", 1, 2147483647,
    function() return depth_max end, function(n) depth_max = n < 1000 and n or 1000 end)
  json.encode_max_depth = integer_setting("encode_max_depth", 1, 2147483647,
    function() return encode_depth_max end, function(n) encode_depth_max = n < 1000 and n or 1000 end)
  json.encode_number_precision = integer_setting("encode_number_precision", 1, 16,
    function() return digits end, function(n) digits = n precision = "%." .. n .. "g" end)
  function json.encode_sparse_array(convert, ratio, safe)
    if convert ~= nil then sparse_convert = boolean_option("encode_sparse_array", 1, convert) end
    if ratio ~= nil then sparse_ratio = tonumber(ratio) or sparse_ratio end
    if safe ~= nil then sparse_safe = tonumber(safe) or sparse_safe end
    return sparse_convert, sparse_ratio, sparse_safe
  end
  function json.encode_keep_buffer(value)
    if value ~= nil then keep_buffer = boolean_option("encode_keep_buffer", 1, value) end
    return keep_buffer
  end
  function json.decode_invalid_numbers(value)
    if value ~= nil then decode_invalid = boolean_option("decode_invalid_numbers", 1, value) end
    return decode_invalid
  end
  function json.encode_invalid_numbers(value)
    if value == "null" then encode_invalid = "null"
    elseif value ~= nil then encode_invalid = boolean_option("encode_invalid_numbers", 1, value) end
    return encode_invalid
  end
  json.new = build
  return json
end

return build()
"""
