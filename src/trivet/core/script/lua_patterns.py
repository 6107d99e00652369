r"""Lua's pattern matching, written in Lua: every step of it counts as steps of the script.

The C functions of Lua cannot be interrupted, and a pattern with a few ``.-`` can keep them busy for
hours. ``lua_api`` weighs each pattern against the length of its text; what may be costly comes here.
"""

from typing import Final

PATTERNS: Final = rb"""
local byte, sub, concat, fail, type, tonumber, plain, ask, rawget = ...

local function in_class(c, class)
  local lower = class >= 65 and class <= 90 and class + 32 or class
  local yes
  if lower == 97 then yes = c >= 65 and c <= 90 or c >= 97 and c <= 122
  elseif lower == 99 then yes = c < 32 or c == 127
  elseif lower == 100 then yes = c >= 48 and c <= 57
  elseif lower == 108 then yes = c >= 97 and c <= 122
  elseif lower == 112 then yes = c >= 33 and c <= 47 or c >= 58 and c <= 64 or c >= 91 and c <= 96 or c >= 123 and c <= 126
  elseif lower == 115 then yes = c == 32 or c >= 9 and c <= 13
  elseif lower == 117 then yes = c >= 65 and c <= 90
  elseif lower == 119 then yes = c >= 48 and c <= 57 or c >= 65 and c <= 90 or c >= 97 and c <= 122
  elseif lower == 120 then yes = c >= 48 and c <= 57 or c >= 65 and c <= 70 or c >= 97 and c <= 102
  elseif lower == 122 then yes = c == 0
  else return class == c end
  if class ~= lower then return not yes end
  return yes
end

-- A pattern is compiled once: a list of items {kind, test, quantifier}.

local function read_set(p, at)
  local negated, members = false, {}
  at = at + 1
  if byte(p, at) == 94 then negated = true at = at + 1 end
  repeat
    local c = byte(p, at)
    if not c then fail("malformed pattern (missing ']')") end
    if c == 37 then
      local d = byte(p, at + 1)
      if not d then fail("malformed pattern (missing ']')") end
      for i = 0, 255 do if in_class(i, d) then members[i] = true end end
      at = at + 2
    elseif byte(p, at + 1) == 45 and byte(p, at + 2) and byte(p, at + 2) ~= 93 then
      for i = c, byte(p, at + 2) do members[i] = true end
      at = at + 3
    else
      members[c] = true
      at = at + 1
    end
  until byte(p, at) == 93
  local test = {}
  for i = 0, 255 do test[i] = (members[i] or false) ~= negated end
  return test, at + 1
end

local function compile(p)
  local items, at, n = {}, 1, #p
  local anchored = byte(p) == 94
  if anchored then at = 2 end
  while at <= n do
    local c, item = byte(p, at), nil
    if c == 40 then
      if byte(p, at + 1) == 41 then items[#items + 1] = {"position"} at = at + 2
      else items[#items + 1] = {"open"} at = at + 1 end
    elseif c == 41 then items[#items + 1] = {"close"} at = at + 1
    elseif c == 36 and at == n then items[#items + 1] = {"end"} at = at + 1
    elseif c == 37 then
      local d = byte(p, at + 1)
      if not d then fail("malformed pattern (ends with '%')") end
      if d == 98 then
        local first, last = byte(p, at + 2), byte(p, at + 3)
        if not first or not last then fail("unbalanced pattern") end
        items[#items + 1] = {"balance", first, last}
        at = at + 4
      elseif d == 102 then
        if byte(p, at + 2) ~= 91 then fail("missing '[' after '%f' in pattern") end
        local test
        test, at = read_set(p, at + 2)
        items[#items + 1] = {"frontier", test}
      elseif d >= 48 and d <= 57 then
        items[#items + 1] = {"back", d - 48}
        at = at + 2
      else
        local test = {}
        for i = 0, 255 do test[i] = in_class(i, d) end
        item = {"one", test}
        at = at + 2
      end
    elseif c == 91 then
      local test
      test, at = read_set(p, at)
      item = {"one", test}
    elseif c == 46 then item = {"any"} at = at + 1
    else item = {"char", c} at = at + 1 end
    if item then
      local q = byte(p, at)
      if q == 42 or q == 43 or q == 45 or q == 63 then item[3] = q at = at + 1 end
      items[#items + 1] = item
    end
  end
  return items, anchored
end

local function fits(item, c)
  if not c then return false end
  local kind = item[1]
  if kind == "any" then return true end
  if kind == "char" then return item[2] == c end
  return item[2][c]
end

local match
local steps = {}

function match(s, at, items, i, captures)
  while true do
    local item = items[i]
    if not item then return at end
    local kind = item[1]
    local step = steps[kind]
    if step then return step(s, at, items, i, captures, item) end
    local q = item[3]
    if not q then
      if not fits(item, byte(s, at)) then return nil end
      at = at + 1
    elseif q == 63 then
      if fits(item, byte(s, at)) then
        local finish = match(s, at + 1, items, i + 1, captures)
        if finish then return finish end
      end
    elseif q == 45 then
      while true do
        local finish = match(s, at, items, i + 1, captures)
        if finish then return finish end
        if not fits(item, byte(s, at)) then return nil end
        at = at + 1
      end
    else
      local from = q == 43 and at + 1 or at
      if q == 43 and not fits(item, byte(s, at)) then return nil end
      local to = from
      while fits(item, byte(s, to)) do to = to + 1 end
      for stop = to, from, -1 do
        local finish = match(s, stop, items, i + 1, captures)
        if finish then return finish end
      end
      return nil
    end
    i = i + 1
  end
end

steps["end"] = function(s, at)
  return at == #s + 1 and at or nil
end

local function opened(captures, first, last)
  local n = captures.n + 1
  if n > 32 then fail("too many captures") end
  captures.n = n
  captures[n] = {first, last}
end

function steps.position(s, at, items, i, captures)
  opened(captures, at, -1)
  local finish = match(s, at, items, i + 1, captures)
  if not finish then captures.n = captures.n - 1 end
  return finish
end

function steps.open(s, at, items, i, captures)
  opened(captures, at, -2)
  local finish = match(s, at, items, i + 1, captures)
  if not finish then captures.n = captures.n - 1 end
  return finish
end

function steps.close(s, at, items, i, captures)
  local which
  for n = captures.n, 1, -1 do
    if captures[n][2] == -2 then which = captures[n] break end
  end
  if not which then fail("invalid pattern capture") end
  which[2] = at
  local finish = match(s, at, items, i + 1, captures)
  if not finish then which[2] = -2 end
  return finish
end

function steps.balance(s, at, items, i, captures, item)
  if byte(s, at) ~= item[2] then return nil end
  local depth, from = 1, at + 1
  while from <= #s do
    local c = byte(s, from)
    if c == item[3] then
      depth = depth - 1
      if depth == 0 then return match(s, from + 1, items, i + 1, captures) end
    elseif c == item[2] then depth = depth + 1 end
    from = from + 1
  end
  return nil
end

function steps.frontier(s, at, items, i, captures, item)
  local before = at == 1 and 0 or byte(s, at - 1)
  if item[2][before] or not item[2][byte(s, at) or 0] then return nil end
  return match(s, at, items, i + 1, captures)
end

function steps.back(s, at, items, i, captures, item)
  local which = captures[item[2]]
  if not which or item[2] > captures.n or which[2] == -2 then fail("invalid capture index") end
  local text = sub(s, which[1], which[2] - 1)
  if sub(s, at, at + #text - 1) ~= text then return nil end
  return match(s, at + #text, items, i + 1, captures)
end

local function values(s, captures, at, finish, whole)
  if captures.n == 0 then return whole and {sub(s, at, finish - 1)} or {}, whole and 1 or 0 end
  local list = {}
  for i = 1, captures.n do
    local c = captures[i]
    if c[2] == -2 then fail("unfinished capture") end
    list[i] = c[2] == -1 and c[1] or sub(s, c[1], c[2] - 1)
  end
  return list, captures.n
end

local function spread(list, n, i)
  if i > n then return end
  return list[i], spread(list, n, i + 1)
end

local api = {}

function api.find(s, p, init, positions)
  local items, anchored = compile(p)
  local at = init
  repeat
    local captures = {n = 0}
    local finish = match(s, at, items, 1, captures)
    if finish then
      local list, n = values(s, captures, at, finish, not positions)
      if positions then return at, finish - 1, spread(list, n, 1) end
      return spread(list, n, 1)
    end
    at = at + 1
  until at > #s + 1 or anchored
  return nil
end

function api.gmatch(s, p)
  local items = compile(p)
  local at = 1
  return function()
    while at <= #s + 1 do
      local captures = {n = 0}
      local start = at
      local finish = match(s, start, items, 1, captures)
      if finish then
        at = finish == start and finish + 1 or finish
        local list, n = values(s, captures, start, finish, true)
        return spread(list, n, 1)
      end
      at = at + 1
    end
  end
end

local function replaced(s, replacement, list, n, at, finish)
  local whole, value = sub(s, at, finish - 1), nil
  local kind = type(replacement)
  if kind == "function" then value = replacement(spread(list, n, 1))
  elseif kind == "table" then value = replacement[list[1]]
  else
    local out, from = {}, 1
    while from <= #replacement do
      local c = byte(replacement, from)
      if c ~= 37 then out[#out + 1] = sub(replacement, from, from)
      else
        from = from + 1
        local d = byte(replacement, from)
        if d and d >= 48 and d <= 57 then
          if d == 48 then out[#out + 1] = whole
          else
            local which = list[d - 48]
            if which == nil then fail("invalid capture index") end
            out[#out + 1] = which .. ""
          end
        elseif d then out[#out + 1] = sub(replacement, from, from) end
      end
      from = from + 1
    end
    return concat(out)
  end
  if not value then return whole end
  if type(value) ~= "string" and type(value) ~= "number" then
    fail("invalid replacement value (a " .. type(value) .. ")")
  end
  return value .. ""
end

function api.gsub(s, p, replacement, limit)
  local kind = type(replacement)
  if kind == "number" then replacement = replacement .. "" kind = "string" end
  if kind ~= "string" and kind ~= "function" and kind ~= "table" then
    fail("bad argument #3 to 'gsub' (string/function/table expected)")
  end
  local most = limit == nil and #s + 1 or tonumber(limit)
  if not most then fail("bad argument #4 to 'gsub' (number expected)") end
  local items, anchored = compile(p)
  local out, at, count = {}, 1, 0
  while count < most do
    local captures = {n = 0}
    local finish = match(s, at, items, 1, captures)
    if finish then
      count = count + 1
      local list, n = values(s, captures, at, finish, true)
      out[#out + 1] = replaced(s, replacement, list, n, at, finish)
    end
    if finish and finish > at then at = finish
    elseif at <= #s then
      out[#out + 1] = sub(s, at, at)
      at = at + 1
    else break end
    if anchored then break end
  end
  out[#out + 1] = sub(s, at)
  return concat(out), count
end

return api
"""
