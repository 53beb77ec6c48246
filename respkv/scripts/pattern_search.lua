-- Finds where a pattern matches. Lua's own matcher is one instruction, however long it takes: a pattern
-- goes there only where little work is certain from it and the text's length. All others are matched
-- here, by functions made of the pattern's items, each calling what comes after it; so the hook that
-- counts instructions sees them, and can end them.
--
-- `charge(steps)` counts for the limit of instructions what Lua's functions do for this one; `items` is
-- what pattern_items.lua returns.

local charge, items = ...

local byte, char, find, sub = string.byte, string.char, string.find, string.sub
local ipairs, setmetatable, unpack = ipairs, setmetatable, unpack
local complain, quoted = items.complain, items.quoted

local LINEAR_WORK_MAX = 1e7 -- work of Lua's own matcher that grows as the text
local OTHER_WORK_MAX = 2e4 -- or faster: such bounds are far from the truth, so more is not charged
local NEEDLE_MAX = 32 -- bytes that a plain search may compare at each place
local UNFINISHED = {} -- instead of a capture that is not closed

local subject, size -- of the search that is under way
local starts, ends = {}, {} -- of its captures

local function charge_bytes(count)
  if count > 16 then
    charge(count / 4)
  end
end

-- The characters of a class, by their codes; filled when asked.
local function set_of(class)
  return setmetatable({}, {__index = function(set, code)
    local is = code ~= nil and find(char(code), class) ~= nil
    if code then
      set[code] = is
    end
    return is
  end})
end

local make = {} -- functions that take a position and return where the match ends, by kind of item

function make.single(item, after)
  local set = set_of(item.class)
  return function(at)
    if set[byte(subject, at)] then
      return after(at + 1)
    end
  end
end

function make.optional(item, after)
  local set = set_of(item.class)
  return function(at)
    if set[byte(subject, at)] then
      local found = after(at + 1)
      if found then
        return found
      end
    end
    return after(at)
  end
end

function make.most(item, after)
  local set, run, weight = set_of(item.class), "^" .. item.class .. "*", #item.class
  local least, certain = item.some and 1 or 0, item.certain
  return function(at)
    if not set[byte(subject, at)] then
      return least == 0 and after(at) or nil
    end
    local _, last = find(subject, run, at)
    if last > at + 1 then
      charge_bytes((last - at) * weight)
    end
    if certain then
      return after(last + 1)
    end
    for place = last + 1, at + least, -1 do
      local found = after(place)
      if found then
        return found
      end
    end
  end
end

function make.least(item, after)
  local set = set_of(item.class)
  return function(at)
    while true do
      local found = after(at)
      if found then
        return found
      elseif not set[byte(subject, at)] then
        return nil
      end
      at = at + 1
    end
  end
end

local function noting(places)
  return function(item, after)
    local index = item.index
    return function(at)
      places[index] = at
      return after(at)
    end
  end
end

make.open, make.close = noting(starts), noting(ends)

function make.again(item, after)
  local index = item.index
  if item.position then
    return function() end
  end
  return function(at)
    local length = ends[index] - starts[index]
    charge_bytes(length)
    if sub(subject, at, at + length - 1) == sub(subject, starts[index], ends[index] - 1) then
      return after(at + length)
    end
  end
end

function make.balance(item, after)
  local opens, closes = byte(item.opens), byte(item.closes)
  local either = "[" .. quoted(item.opens) .. quoted(item.closes) .. "]"
  return function(at)
    if byte(subject, at) ~= opens then
      return nil
    end
    local depth = 1
    repeat
      local place = find(subject, either, at + 1)
      charge_bytes((place or size) - at)
      if not place then
        return nil
      end
      at = place
      depth = depth + (byte(subject, at) == closes and -1 or 1)
    until depth == 0
    return after(at + 1)
  end
end

function make.frontier(item, after)
  local set = set_of(item.class)
  return function(at)
    local before = at > 1 and byte(subject, at - 1) or 0
    if not set[before] and set[byte(subject, at) or 0] then
      return after(at)
    end
  end
end

function make.finish(_, after)
  return function(at)
    if at > size then
      return after(at)
    end
  end
end

function make.wrong(item)
  return function()
    complain(item.text)
  end
end

local function done(at)
  return at
end

local function compile(entry)
  local body = done
  for position = #entry.items, 1, -1 do
    local item = entry.items[position]
    body = make[item.kind](item, body)
  end
  entry.body = body
  for _, item in ipairs(entry.items) do
    if item.kind ~= "open" then
      if not entry.anchored and (item.kind == "single" or item.some) then
        entry.lead = item.class -- what all matches begin with
      end
      break
    end
  end
end

local function captures(entry)
  local values, text = {}, subject
  subject = nil
  for index, mark in ipairs(entry.marks) do
    if mark == "position" then
      values[index] = starts[index]
    elseif mark == "text" then
      values[index] = sub(text, starts[index], ends[index] - 1)
    else
      values[index] = UNFINISHED
    end
  end
  return unpack(values, 1, #entry.marks)
end

local function search_here(entry, text, from)
  if not entry.body then
    compile(entry)
  end
  subject, size = text, #text
  repeat
    if entry.lead then
      local place = find(text, entry.lead, from)
      charge_bytes(((place or size) - from) * #entry.lead)
      if not place then
        return nil
      end
      from = place
    end
    local after = entry.body(from)
    if after then
      return from, after - 1, captures(entry)
    end
    from = from + 1
  until entry.anchored or from > size + 1
end

local function charged(unit, from, length, first, last, ...)
  if not first then
    charge(unit / 4 * length)
    return nil
  end
  charge(unit / 4 * (last - from + 2))
  return first, last, ...
end

local function work_of(entry, length)
  local work = entry.unit + entry.scans * (length + 1)
  for step = 1, entry.degree do
    work = work * (length + step) / step
  end
  return work
end

-- Returns where the next match begins and ends and its captures, as string.find.
local function search(entry, text, from)
  if entry.unit then
    local length = #text - from + 1
    local work = work_of(entry, length)
    if work <= (entry.linear and LINEAR_WORK_MAX or OTHER_WORK_MAX) then
      if entry.forward then
        return charged(entry.unit, from, entry.anchored and 1 or length, find(text, entry.source, from))
      end
      charge(work / 4)
      return find(text, entry.source, from)
    end
  end
  return search_here(entry, text, from)
end

local function search_plain(text, needle, from)
  local lead = sub(needle, 1, NEEDLE_MAX)
  repeat
    local first, last = find(text, lead, from, true)
    charge_bytes((first or #text) - from)
    if not first then
      return nil
    elseif #needle <= NEEDLE_MAX then
      return first, last
    end
    last = first + #needle - 1
    if last > #text then
      return nil
    end
    charge_bytes(#needle)
    if sub(text, first, last) == needle then
      return first, last
    end
    from = first + 1
  until false
end

-- What one script leaves must not be there for the next.
local function forget()
  subject = nil
end

return {
  search = search, search_plain = search_plain, work_of = work_of, charge_bytes = charge_bytes,
  forget = forget, UNFINISHED = UNFINISHED, LINEAR_WORK_MAX = LINEAR_WORK_MAX,
}
