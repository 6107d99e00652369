r"""``cmsgpack`` for scripts, in Lua: what lua-cmsgpack 0.4 does.

Nesting beyond 16 levels is packed as nil, as there. Lengths that the input announces and does not have
cost nothing. Doubles travel bit by bit, so no platform's rounding shows.
"""

from typing import Final

MSGPACK: Final = rb"""
local NESTING_MAX = 16

-- Doubles and floats as bytes, most significant first ----------------------------------------------------

local function big_endian(n, count)
  local out = {}
  for i = count, 1, -1 do
    out[i] = char(n % 256)
    n = floor(n / 256)
  end
  return concat(out)
end

local function double_bytes(n)
  if n ~= n then return "\255\248\0\0\0\0\0\0" end
  local sign = 0
  if n < 0 or 1 / n < 0 then sign = 128 n = -n end
  if n == 1/0 then return char(sign + 127) .. "\240\0\0\0\0\0\0" end
  if n == 0 then return char(sign) .. "\0\0\0\0\0\0\0" end
  local fraction, exponent = frexp(n)
  exponent = exponent + 1022
  if exponent <= 0 then
    fraction = ldexp(fraction, exponent - 1)
    exponent = 0
  else
    fraction = fraction * 2 - 1
  end
  local mantissa = exponent == 0 and ldexp(fraction, 53) or ldexp(fraction, 52)
  local high = floor(mantissa / 2^48)
  return char(sign + floor(exponent / 16), exponent % 16 * 16 + high) .. big_endian(mantissa % 2^48, 6)
end

-- The four bytes of a double that a float holds exactly; nil when it does not.
local function float_bytes(n)
  if n ~= n then return nil end
  local sign = 0
  if n < 0 or 1 / n < 0 then sign = 128 n = -n end
  if n == 1/0 then return char(sign + 127) .. "\128\0\0" end
  if n == 0 then return char(sign) .. "\0\0\0" end
  local fraction, exponent = frexp(n)
  exponent = exponent + 126
  if exponent >= 255 then return nil end
  local mantissa
  if exponent <= 0 then
    mantissa = ldexp(fraction, 23 + exponent)
    exponent = 0
  else
    mantissa = ldexp(fraction * 2 - 1, 23)
  end
  if mantissa ~= floor(mantissa) then return nil end
  return char(sign + floor(exponent / 2), exponent % 2 * 128 + floor(mantissa / 65536)) .. big_endian(mantissa % 65536, 2)
end

local function unsigned(text, at, count)
  local n = 0
  for i = at, at + count - 1 do n = n * 256 + byte(text, i) end
  return n
end

local function signed(text, at, count)
  local n = unsigned(text, at, count)
  if byte(text, at) >= 128 then
    if count == 8 then
      local m = 0
      for i = at, at + 7 do m = m * 256 + 255 - byte(text, i) end
      return -1 - m
    end
    return n - 256 ^ count
  end
  return n
end

local function read_double(text, at)
  local first, second = byte(text, at, at + 1)
  local sign = first >= 128 and -1 or 1
  local exponent = first % 128 * 16 + floor(second / 16)
  local mantissa = second % 16 * 2^48 + unsigned(text, at + 2, 6)
  if exponent == 2047 then return mantissa == 0 and sign / 0 or tonumber("nan") end
  if exponent == 0 then return sign * ldexp(mantissa, -1074) end
  return sign * ldexp(mantissa + 2^52, exponent - 1075)
end

local function read_float(text, at)
  local first, second = byte(text, at, at + 1)
  local sign = first >= 128 and -1 or 1
  local exponent = first % 128 * 2 + floor(second / 128)
  local mantissa = second % 128 * 65536 + unsigned(text, at + 2, 2)
  if exponent == 255 then return mantissa == 0 and sign / 0 or tonumber("nan") end
  if exponent == 0 then return sign * ldexp(mantissa, -149) end
  return sign * ldexp(mantissa + 2^23, exponent - 150)
end

-- Packing ------------------------------------------------------------------------------------------------------

local function pack_number(n)
  if n == floor(n) and n >= -2^63 and n < 2^63 then
    if n >= 0 then
      if n < 128 then return char(n) end
      if n < 256 then return "\204" .. char(n) end
      if n < 65536 then return "\205" .. big_endian(n, 2) end
      if n < 2^32 then return "\206" .. big_endian(n, 4) end
      return "\207" .. big_endian(n, 8)
    end
    if n >= -32 then return char(256 + n) end
    if n >= -128 then return "\208" .. char(256 + n) end
    if n >= -32768 then return "\209" .. big_endian(65536 + n, 2) end
    if n >= -2^31 then return "\210" .. big_endian(2^32 + n, 4) end
    local low = n % 2^32
    return "\211" .. big_endian((n - low) / 2^32 + 2^32, 4) .. big_endian(low, 4)
  end
  local short = float_bytes(n)
  if short then return "\202" .. short end
  return "\203" .. double_bytes(n)
end

local function pack_string(text, out)
  local n = #text
  local head
  if n < 32 then head = char(160 + n)
  elseif n < 256 then head = "\217" .. char(n)
  elseif n < 65536 then head = "\218" .. big_endian(n, 2)
  else head = "\219" .. big_endian(n, 4) end
  out[#out + 1] = head
  out[#out + 1] = text
end

local function is_array(t)
  local count, highest = 0, 0
  for key in next, t do
    if type(key) ~= "number" or key <= 0 or floor(key) ~= key then return false end
    if key > highest then highest = key end
    count = count + 1
  end
  return highest == count, count
end

local pack
function pack(value, out, depth)
  local kind = type(value)
  if kind == "table" and depth == NESTING_MAX then kind = "nil" end
  if kind == "string" then pack_string(value, out)
  elseif kind == "number" then out[#out + 1] = pack_number(value)
  elseif kind == "boolean" then out[#out + 1] = value and "\195" or "\194"
  elseif kind == "table" then
    walkable(value)
    local array, count = is_array(value)
    if array then
      out[#out + 1] = count < 16 and char(144 + count) or count < 65536 and "\220" .. big_endian(count, 2)
        or "\221" .. big_endian(count, 4)
      for i = 1, count do pack(value[i], out, depth + 1) end
      return
    end
    count = 0
    local at = #out + 1
    out[at] = ""
    for key, element in next, value do
      count = count + 1
      pack(key, out, depth + 1)
      pack(element, out, depth + 1)
    end
    out[at] = count < 16 and char(128 + count) or count < 65536 and "\222" .. big_endian(count, 2)
      or "\223" .. big_endian(count, 4)
  else out[#out + 1] = "\192" end
end

-- Unpacking ------------------------------------------------------------------------------------------------------

local function missing()
  fail("Missing bytes in input.")
end

local function bad()
  fail("Bad data format in input.")
end

local item

local function text_at(text, at, length)
  if at + length - 1 > #text then missing() end
  charge(length / 16)
  return sub(text, at, at + length - 1), at + length
end

local function list_at(text, at, count, depth)
  local list = {}
  for i = 1, count do list[i], at = item(text, at, depth + 1) end
  return list, at
end

local function map_at(text, at, count, depth)
  local map, key = {}, nil
  for _ = 1, count do
    key, at = item(text, at, depth + 1)
    if key == nil then error({err = "ERR table index is nil"}, 0) end
    if key ~= key then error({err = "ERR table index is NaN"}, 0) end
    map[key], at = item(text, at, depth + 1)
  end
  return map, at
end

-- What follows the type byte: its length, and how to read it.
local fixed = {
  [202] = {4, read_float}, [203] = {8, read_double},
  [204] = {1, unsigned}, [205] = {2, unsigned}, [206] = {4, unsigned},
  [207] = {8, function(text, at) if byte(text, at) >= 128 then return signed(text, at, 8) end return unsigned(text, at, 8) end},
  [208] = {1, signed}, [209] = {2, signed}, [210] = {4, signed}, [211] = {8, signed},
}
local sized = {
  [217] = {1, text_at}, [218] = {2, text_at}, [219] = {4, text_at}, [220] = {2, list_at}, [221] = {4, list_at},
  [222] = {2, map_at}, [223] = {4, map_at},
}

function item(text, at, depth)
  if depth > 150 then fail("Found too many nested data structures") end
  local c = byte(text, at)
  if not c then missing() end
  if c < 128 then return c, at + 1 end
  if c >= 224 then return c - 256, at + 1 end
  if c < 144 then return map_at(text, at + 1, c - 128, depth) end
  if c < 160 then return list_at(text, at + 1, c - 144, depth) end
  if c < 192 then return text_at(text, at + 1, c - 160) end
  if c == 192 then return nil, at + 1 end
  if c == 194 then return false, at + 1 end
  if c == 195 then return true, at + 1 end
  local shape = fixed[c]
  if shape then
    if at + shape[1] > #text then missing() end
    return shape[2](text, at + 1, shape[1]), at + 1 + shape[1]
  end
  shape = sized[c]
  if not shape then bad() end
  if at + shape[1] > #text then missing() end
  return shape[2](text, at + 1 + shape[1], unsigned(text, at + 1, shape[1]), depth)
end

local function source(value, name)
  if type(value) == "number" then return value .. "" end
  if type(value) ~= "string" then
    fail("bad argument #1 to '" .. name .. "' (string expected, got " .. type(value) .. ")")
  end
  return value
end

local function unpacked(text, limit, offset, whole)
  local n = #text
  if offset < 0 or limit < 0 then
    fail("Invalid request to unpack with offset of " .. offset .. " and limit of " .. n .. ".")
  end
  if offset > n then fail("Start offset " .. offset .. " greater than input length " .. n .. ".") end
  if whole then limit = 2^31 end
  local list, count, at = {}, 0, offset + 1
  while at <= n and count < limit do
    count = count + 1
    if count > 7000 then fail("too many results to unpack") end
    list[count], at = item(text, at, 0)
  end
  if whole then return unpack(list, 1, count) end
  return (at > n and -1 or at - 1), unpack(list, 1, count)
end

local function integer_argument(value, otherwise, name, position)
  if value == nil then return otherwise end
  local n = tonumber(value)
  if not n then fail("bad argument #" .. position .. " to '" .. name .. "' (number expected, got " .. type(value) .. ")") end
  return floor(n)
end

local msgpack = {
  _NAME = "cmsgpack", _VERSION = "lua-cmsgpack 0.4.0", _COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo",
  _DESCRIPTION = "MessagePack C implementation for Lua",
}

function msgpack.pack(...)
  local count = select("#", ...)
  if count == 0 then fail("bad argument #0 to 'pack' (MessagePack pack needs input.)") end
  local out = {}
  for i = 1, count do pack((select(i, ...)), out, 0) end
  return concat(out)
end

function msgpack.unpack(text)
  return unpacked(source(text, "unpack"), 0, 0, true)
end

function msgpack.unpack_one(text, offset)
  return unpacked(source(text, "unpack_one"), 1, integer_argument(offset, 0, "unpack_one", 2))
end

function msgpack.unpack_limit(text, limit, offset)
  text = source(text, "unpack_limit")
  if limit == nil then fail("bad argument #2 to 'unpack_limit' (number expected, got no value)") end
  limit = integer_argument(limit, 0, "unpack_limit", 2)
  return unpacked(text, limit, integer_argument(offset, 0, "unpack_limit", 3), limit == 0 and offset == nil)
end

return msgpack
"""
