r"""``struct`` and ``bit`` for scripts, in Lua.

``struct`` packs and unpacks as the library of Roberto Ierusalimschy does: native sizes are those of
64-bit Linux, little-endian unless told otherwise, on every platform. ``bit`` is LuaBitOp: 32-bit
integers; the operations themselves are asked of the bridge.
"""

from typing import Final

STRUCT: Final = rb"""
local MAX = 2^26

local function integer_bytes(n, size, little)
  if n ~= n or n == 1/0 or n == -1/0 then n = 0 end
  n = n < 0 and -floor(-n) or floor(n)
  local low, out = n % 2^32, {}
  local high = floor(n / 2^32) % 2^32
  for i = 1, size do
    local place = little and i or size - i + 1
    if i <= 4 then out[place] = char(low % 256) low = floor(low / 256)
    elseif i <= 8 then out[place] = char(high % 256) high = floor(high / 256)
    else out[place] = n < 0 and "\255" or "\0" end
  end
  return concat(out)
end

local function read_integer(text, at, size, little, is_signed)
  local n, negative = 0, false
  local top = little and at + size - 1 or at
  negative = is_signed and byte(text, top) >= 128
  for i = 0, size - 1 do
    local c = byte(text, little and at + size - 1 - i or at + i)
    n = n * 256 + (negative and 255 - c or c)
  end
  return negative and -1 - n or n
end

local function reversed(text)
  return text:reverse()
end

local function real_bytes(n, size)
  local bias, mantissa_bits = 1022, 52
  if size == 4 then bias, mantissa_bits = 126, 23 end
  local sign = 0
  if n ~= n then return size == 4 and "\255\192\0\0" or "\255\248\0\0\0\0\0\0" end
  if n < 0 or 1 / n < 0 then sign = 1 n = -n end
  local top = size == 4 and 255 or 2047
  local exponent, mantissa = 0, 0
  if n == 1/0 then exponent = top
  elseif n > 0 then
    local fraction
    fraction, exponent = frexp(n)
    exponent = exponent + bias
    local scaled
    if exponent <= 0 then scaled = ldexp(fraction, mantissa_bits + exponent) exponent = 0
    else scaled = ldexp(fraction * 2 - 1, mantissa_bits) end
    mantissa = floor(scaled)
    local rest = scaled - mantissa
    if rest > 0.5 or rest == 0.5 and mantissa % 2 == 1 then mantissa = mantissa + 1 end
    if mantissa == 2 ^ mantissa_bits then mantissa = 0 exponent = exponent + 1 end
    if exponent >= top then exponent = top mantissa = 0 end
  end
  if size == 4 then
    return char(sign * 128 + floor(exponent / 2), exponent % 2 * 128 + floor(mantissa / 65536),
      floor(mantissa / 256) % 256, mantissa % 256)
  end
  local out = {char(sign * 128 + floor(exponent / 16), exponent % 16 * 16 + floor(mantissa / 2^48))}
  mantissa = mantissa % 2^48
  for i = 5, 0, -1 do out[#out + 1] = char(floor(mantissa / 2 ^ (8 * i)) % 256) end
  return concat(out)
end

local function read_real(text, size)
  local first, second = byte(text, 1, 2)
  local sign = first >= 128 and -1 or 1
  local exponent, mantissa
  if size == 4 then
    exponent = first % 128 * 2 + floor(second / 128)
    mantissa = second % 128 * 65536 + byte(text, 3) * 256 + byte(text, 4)
    if exponent == 255 then return mantissa == 0 and sign / 0 or tonumber("nan") end
    if exponent == 0 then return sign * ldexp(mantissa, -149) end
    return sign * ldexp(mantissa + 2^23, exponent - 150)
  end
  exponent = first % 128 * 16 + floor(second / 16)
  mantissa = second % 16
  for i = 3, 8 do mantissa = mantissa * 256 + byte(text, i) end
  if exponent == 2047 then return mantissa == 0 and sign / 0 or tonumber("nan") end
  if exponent == 0 then return sign * ldexp(mantissa, -1074) end
  return sign * ldexp(mantissa + 2^52, exponent - 1075)
end

-- One option after the other: gives letter, size and the padding that alignment asks for -----------------

local sizes = {b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1}

local function options(text, lenient)
  local at, little, align = 1, true, 1
  return function(total)
    while true do
      local letter = sub(text, at, at)
      if letter == "" then return nil end
      at = at + 1
      local digits = match(text, "^%d+", at)
      local n = digits and tonumber(digits)
      if n and n >= 2^31 then fail("integral size overflow") end
      if letter == "<" then little = true
      elseif letter == ">" then little = false
      elseif letter == "!" then
        if digits then at = at + #digits end
        align = n or 8
        if align <= 0 or align % 1 ~= 0 or not (align == 1 or align == 2 or align == 4 or align == 8 or align == 16) then
          fail("alignment is not a power of 2")
        end
      elseif letter == " " then -- nothing
      else
        local size = sizes[letter]
        if letter == "i" or letter == "I" then
          if digits then at = at + #digits end
          size = n or 4
          if size > 32 then fail("integral size " .. size .. " is larger than limit of 32") end
          if size == 0 then size = 0 end
        elseif letter == "c" then
          if digits then at = at + #digits end
          size = n or 1
        elseif letter == "s" then size = 0
        elseif not size and lenient and match(letter, "%w") then size = 0
        elseif not size then fail("invalid format option '" .. letter .. "'") end
        local padding = 0
        if size > 1 and letter ~= "c" and align > 1 then
          local to = size < align and size or align
          padding = (to - total % to) % to
        end
        return letter, size, padding, little
      end
    end
  end
end

local struct = {}

local function format_of(value, name)
  if type(value) == "number" then return value .. "" end
  if type(value) ~= "string" then
    fail("bad argument #1 to '" .. name .. "' (string expected, got " .. type(value) .. ")")
  end
  return value
end

function struct.pack(pattern, ...)
  local values, which, out, total = {...}, 0, {}, 0
  local count = select("#", ...)
  local following = options(format_of(pattern, "pack"))
  local function argument(wanted)
    which = which + 1
    local value = values[which]
    local found = value
    if wanted == "number" then found = tonumber(value)
    elseif type(value) == "number" then found = value .. "" end
    if type(found) ~= wanted then
      fail("bad argument #" .. (which + 1) .. " to 'pack' (" .. wanted .. " expected, got "
        .. (which > count and "no value" or type(value)) .. ")")
    end
    return found
  end
  while true do
    local letter, size, padding, little = following(total)
    if not letter then break end
    local piece
    if letter == "x" then piece = "\0"
    elseif letter == "f" or letter == "d" then
      piece = real_bytes(argument("number"), size)
      if little then piece = reversed(piece) end
    elseif letter == "s" then piece = argument("string") .. "\0"
    elseif letter == "c" then
      local text = argument("string")
      if size == 0 then size = #text end
      if #text < size then fail("bad argument #" .. (which + 1) .. " to 'pack' (string too short)") end
      piece = sub(text, 1, size)
    else piece = integer_bytes(argument("number"), size, little) end
    if padding > 0 then out[#out + 1] = rep("\0", padding) end
    out[#out + 1] = piece
    total = total + padding + #piece
    charge(#piece / 16)
    if total > MAX then fail("resulting string too large") end
  end
  return concat(out)
end

function struct.unpack(pattern, ...)
  local text, position = ...
  local following = options(format_of(pattern, "unpack"))
  if type(text) == "number" then text = text .. "" end
  if type(text) ~= "string" then
    fail("bad argument #2 to 'unpack' (string expected, got " .. (select("#", ...) == 0 and "no value" or type(text)) .. ")")
  end
  local at = tonumber(position or 1)
  if not at then fail("bad argument #3 to 'unpack' (number expected, got " .. type(position) .. ")") end
  at = floor(at)
  if at <= 0 then fail("bad argument #3 to 'unpack' (offset must be 1 or greater)") end
  local found, n = {}, 0
  while true do
    local letter, size, padding, little = following(at - 1)
    if not letter then break end
    at = at + padding
    if at - 1 + size > #text then fail("bad argument #2 to 'unpack' (data string too short)") end
    local value
    if letter == "x" then value = nil
    elseif letter == "f" or letter == "d" then
      local piece = sub(text, at, at + size - 1)
      if little then piece = reversed(piece) end
      value = read_real(piece, size)
    elseif letter == "s" then
      local finish = find(text, "%z", at)
      if not finish then fail("unfinished string in data") end
      value = sub(text, at, finish - 1)
      size = finish - at + 1
    elseif letter == "c" then
      if size == 0 then
        if n == 0 or type(found[n]) ~= "number" then fail("format 'c0' needs a previous size") end
        size = found[n]
        found[n] = nil
        n = n - 1
        if size < 0 or at - 1 + size > #text then fail("bad argument #2 to 'unpack' (data string too short)") end
      end
      value = sub(text, at, at + size - 1)
    elseif size == 0 then value = 0
    else value = read_integer(text, at, size, little, letter == "b" or letter == "h" or letter == "l" or letter == "i") end
    at = at + size
    if letter ~= "x" then
      n = n + 1
      if n > 7000 then fail("too many results to unpack") end
      found[n] = value
    end
  end
  found[n + 1] = at
  return unpack(found, 1, n + 1)
end

function struct.size(pattern)
  local following, total = options(format_of(pattern, "size"), true), 0
  while true do
    local letter, size, padding = following(total)
    if not letter then return total end
    if letter == "s" then fail("bad argument #1 to 'size' (variable-size format in unpack)") end
    if letter == "c" and size == 0 then fail("bad argument #1 to 'size' (variable-length format)") end
    total = total + padding + size
    if total >= 2^31 then fail("bad argument #1 to 'size' (item 'x' is too long)") end
  end
end

return struct
"""

BIT: Final = rb"""
local function number(value, name, position)
  local n = tonumber(value)
  if not n then
    fail("bad argument #" .. position .. " to '" .. name .. "' (number expected, got " .. (value == nil and "no value" or type(value)) .. ")")
  end
  if n ~= n or n == 1/0 or n == -1/0 then return 0 end
  if n > -2^51 and n < 2^51 then n = n + 6755399441055744 - 6755399441055744 end
  return n % 4294967296
end

local function signed(n)
  n = n % 4294967296
  return n >= 2147483648 and n - 4294967296 or n
end

local bit = {}

function bit.tobit(value) return signed(number(value, "tobit", 1)) end
function bit.bnot(value) return signed(4294967295 - number(value, "bnot", 1)) end

for name in ("band bor bxor"):gmatch("%a+") do
  bit[name] = function(first, ...)
    local result = number(first, name, 1)
    for i = 1, select("#", ...) do
      result = ask(name, result, number((select(i, ...)), name, i + 1))
    end
    return signed(result)
  end
end

function bit.lshift(value, count)
  return signed(number(value, "lshift", 1) * 2 ^ (number(count, "lshift", 2) % 32) % 4294967296)
end

function bit.rshift(value, count)
  return signed(floor(number(value, "rshift", 1) / 2 ^ (number(count, "rshift", 2) % 32)))
end

function bit.arshift(value, count)
  return signed(floor(signed(number(value, "arshift", 1)) / 2 ^ (number(count, "arshift", 2) % 32)))
end

local function rotated(n, count)
  local power = 2 ^ count
  return signed(n * power % 4294967296 + floor(n / 2 ^ (32 - count)))
end

function bit.rol(value, count)
  return rotated(number(value, "rol", 1), number(count, "rol", 2) % 32)
end

function bit.ror(value, count)
  return rotated(number(value, "ror", 1), (32 - number(count, "ror", 2) % 32) % 32)
end

function bit.bswap(value)
  local n = number(value, "bswap", 1)
  local a, b, c, d = n % 256, floor(n / 256) % 256, floor(n / 65536) % 256, floor(n / 16777216)
  return signed(a * 16777216 + b * 65536 + c * 256 + d)
end

function bit.tohex(value, count)
  local n = number(value, "tohex", 1)
  local digits = count == nil and 8 or signed(number(count, "tohex", 2))
  local letters = "%08x"
  if digits < 0 then
    digits = -digits
    letters = "%08X"
  end
  if digits > 8 then digits = 8 end
  return sub(format(letters, n), 9 - digits)
end

return bit
"""
