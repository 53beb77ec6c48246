-- string.find, match, gmatch and gsub for scripts, whose work is counted, and the same everywhere.
--
-- `charge` is that of pattern_search.lua, which returns `searching`; pattern_items.lua returns `items`.

local charge, items, searching = ...

local find, gmatch, gsub, match, sub = string.find, string.gmatch, string.gsub, string.match, string.sub
local concat, ipairs, select, tonumber, tostring, type
  = table.concat, ipairs, select, tonumber, tostring, type
local complain, entry_of, refuse = items.complain, items.entry_of, items.refuse
local charge_bytes, search, search_plain, work_of
  = searching.charge_bytes, searching.search, searching.search_plain, searching.work_of

local LINEAR_WORK_MAX, UNFINISHED = searching.LINEAR_WORK_MAX, searching.UNFINISHED
local SPECIALS = "[%^%$%*%+%?%.%(%[%%%-]"

local function text_of(value)
  if type(value) == "string" then
    return value
  elseif type(value) == "number" then
    return tostring(value)
  end
end

-- Returns a number as C has it; one that it cannot have is the smallest of all.
local function integer_of(value)
  value = tonumber(value)
  if not value then
    return nil
  elseif value >= 2 ^ 63 or not (value > -2 ^ 63) then
    return -2 ^ 63
  end
  return value - value % (value < 0 and -1 or 1)
end

local function start_of(init, length)
  local start = init == nil and 1 or integer_of(init)
  if start and start < 0 then
    start = start + length + 1
  end
  return start and (start < 1 and 1 or start > length + 1 and length + 1 or start)
end

local function checked(entry, first, ...)
  if first and entry.unfinished then
    complain("unfinished capture")
  end
  return first, ...
end

local function matched(text, first, last, ...)
  if not first then
    return nil
  elseif select("#", ...) == 0 then
    return sub(text, first, last)
  end
  return ...
end

local library = {}

function library.find(...)
  local text, pattern, init, plain = ...
  text, pattern = text_of(text), text_of(pattern)
  local from = text and pattern and start_of(init, #text)
  if not from then
    refuse(find, ...)
  end
  if plain or not find(match(pattern, "^%Z*"), SPECIALS) then
    return search_plain(text, pattern, from)
  end
  local entry = entry_of(pattern)
  return checked(entry, search(entry, text, from))
end

function library.match(...)
  local text, pattern, init = ...
  text, pattern = text_of(text), text_of(pattern)
  local from = text and pattern and start_of(init, #text)
  if not from then
    refuse(match, ...)
  end
  local entry = entry_of(pattern)
  return matched(text, checked(entry, search(entry, text, from)))
end

function library.gmatch(...)
  local text, pattern = ...
  text, pattern = text_of(text), text_of(pattern)
  if not (text and pattern) then
    refuse(gmatch, ...)
  end
  local entry = entry_of(sub(pattern, 1, 1) == "^" and "%" .. pattern or pattern)
  local from = 1
  local function advance(first, last, ...)
    if first then
      from = last < first and first + 1 or last + 1
      return matched(text, first, last, ...)
    end
  end
  return function()
    if from <= #text + 1 then
      return advance(checked(entry, search(entry, text, from)))
    end
  end
end

-- Returns a replacement's parts: texts, and numbers of captures, 0 for the whole.
local function parts_of(text)
  local parts, at = {}, 1
  while true do
    local escape = find(text, "%", at, true)
    parts[#parts + 1] = sub(text, at, (escape or 0) - 1)
    if not escape then
      return parts
    end
    local sign = sub(text, escape + 1, escape + 1)
    parts[#parts + 1] = tonumber(sign) or (sign == "" and "\0" or sign)
    at = escape + 2
  end
end

local function filled(parts, whole, ...)
  local values, out = {...}, {}
  for position, part in ipairs(parts) do
    if type(part) == "number" then
      local value = values[part]
      if part == 0 or part == 1 and value == nil then
        value = whole
      elseif value == nil then
        complain("invalid capture index")
      elseif value == UNFINISHED then
        complain("unfinished capture")
      end
      part = value
    end
    out[position] = part
  end
  local text = concat(out)
  charge_bytes(#text)
  return text
end

-- Returns a function of a match and its captures that tells what comes in its place.
local function replacer(replacement, entry)
  local kind = type(replacement)
  if kind == "function" then
    return function(whole, ...)
      if entry.unfinished then
        complain("unfinished capture")
      elseif select("#", ...) == 0 then
        return replacement(whole)
      end
      return (replacement(...))
    end
  elseif kind == "table" then
    return function(whole, key)
      if key == UNFINISHED then
        complain("unfinished capture")
      end
      return replacement[key == nil and whole or key]
    end
  end
  local parts = parts_of(tostring(replacement))
  return function(...)
    return filled(parts, ...)
  end
end

local function replace(entry, text, replacement, most)
  local value_of = replacer(replacement, entry)
  local out, out_count, from, copied, count = {}, 0, 1, 1, 0
  local function take(first, last, ...)
    if not first then
      from = nil
      return
    end
    local whole = sub(text, first, last)
    local value = value_of(whole, ...)
    if not value then
      value = whole
    elseif type(value) ~= "string" and type(value) ~= "number" then
      complain("invalid replacement value (a " .. type(value) .. ")")
    end
    out[out_count + 1], out[out_count + 2] = sub(text, copied, first - 1), value
    out_count, count = out_count + 2, count + 1
    copied = last + 1
    from = not entry.anchored and (last < first and first + 1 or copied)
  end
  while from and from <= #text + 1 and count < most do
    take(search(entry, text, from))
  end
  out[out_count + 1] = sub(text, copied)
  local result = concat(out)
  charge_bytes(#result)
  return result, count
end

-- Returns whether a replacement is text that only names captures there are.
local function is_sound(replacement, entry)
  if type(replacement) ~= "string" then
    return false
  end
  for sign in gmatch(replacement, "%%(%d?)") do
    if sign ~= "" and tonumber(sign) > 1 and not entry.marks[tonumber(sign)] then
      return false
    end
  end
  return true
end

function library.gsub(...)
  local text, pattern, replacement, most = ...
  text, pattern = text_of(text), text_of(pattern)
  local kind = type(replacement)
  most = text and (most == nil and #text + 1 or integer_of(most))
  if not (text and pattern and most)
    or not (kind == "string" or kind == "number" or kind == "table" or kind == "function") then
    refuse(gsub, ...)
  end
  most = (most + 2 ^ 31) % 2 ^ 32 - 2 ^ 31
  local entry = entry_of(pattern)
  if entry.linear and is_sound(replacement, entry) then
    local work = work_of(entry, #text) + #replacement * #text
    if work <= LINEAR_WORK_MAX then
      charge(work / 4)
      return gsub(text, entry.source, replacement, most)
    end
  end
  return replace(entry, text, replacement, most)
end

library.gfind = library.gmatch

return library
