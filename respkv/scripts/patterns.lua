-- string.find, match, gmatch and gsub for scripts. Lua's own matcher is one instruction, however long
-- it takes: a pattern goes there only where little work is certain from it and the text's length.
-- All others are matched here, by functions made of the pattern, each item calling what comes after
-- it; so the hook that counts instructions sees them, and can end them.
--
-- `charge(steps)` counts for the limit of instructions what Lua's functions do for this one.

local charge = ...

local byte, char, find, gmatch, gsub, match, sub
  = string.byte, string.char, string.find, string.gmatch, string.gsub, string.match, string.sub
local concat, error, getinfo, ipairs, pcall, select, setmetatable, tonumber, tostring, type, unpack
  = table.concat, error, debug.getinfo, ipairs, pcall, select, setmetatable, tonumber, tostring, type, unpack

local CAPTURES_MAX = 32
local CHOICES_MAX = 1000 -- items of one pattern that may be matched in several ways
local CACHED_MAX = 100
local UNIT_MAX = 1000 -- work per place in the text, beyond which Lua's own matcher is not used
local LINEAR_WORK_MAX = 1e7 -- work of Lua's own matcher that grows as the text
local OTHER_WORK_MAX = 2e4 -- or faster: such bounds are far from the truth, so more is not charged
local NEEDLE_MAX = 32 -- bytes that a plain search may compare at each place
local SPECIALS = "[%^%$%*%+%?%.%(%[%%%-]"
local UNFINISHED = {} -- instead of a capture that is not closed

-- --- errors, as Lua's own functions tell them ------------------------------------------------------

local function complain(text)
  local level = 2
  local info
  repeat
    info = getinfo(level, "Sl")
    level = level + 1
  until not info or (info.short_src ~= "patterns" and info.short_src ~= "sandbox" and info.what ~= "tail")
  if info and info.currentline > 0 then
    text = info.short_src .. ":" .. info.currentline .. ": " .. text
  end
  error(text, 0)
end

-- Raises what Lua's own function says of arguments that are wrong.
local function refuse(native, ...)
  local info = getinfo(2, "n")
  local _, problem = pcall(native, ...)
  complain((gsub(problem, "#(%d+) to '%?'", function(number)
    if info.namewhat == "method" then
      number = number - 1
    end
    return "#" .. number .. " to '" .. (info.name or "?") .. "'"
  end)))
end

-- --- what a pattern consists of --------------------------------------------------------------------

-- Returns the position after a class of characters, or nil and what is wrong with it.
local function class_end(pattern, at)
  local first = sub(pattern, at, at)
  if first == "%" then
    if at == #pattern then
      return nil, "malformed pattern (ends with '%')"
    end
    return at + 2
  elseif first ~= "[" then
    return at + 1
  end
  at = at + 1
  if sub(pattern, at, at) == "^" then
    at = at + 1
  end
  repeat
    if at > #pattern then
      return nil, "malformed pattern (missing ']')"
    end
    at = at + (sub(pattern, at, at) == "%" and at < #pattern and 2 or 1)
  until sub(pattern, at, at) == "]"
  return at + 1
end

-- Returns the character that a class stands for, if it is but one.
local function literal_of(class)
  if #class == 1 then
    return class ~= "." and class or nil
  end
  return match(class, "^%%(%W)$")
end

local function quoted(literal)
  return find(literal, "^%p") and "%" .. literal or literal
end

local REPEATED = {["*"] = "most", ["+"] = "most", ["-"] = "least", ["?"] = "optional"}

-- Returns one item and the position after it; captures are numbered in `open` and `marks`.
local function parse_item(pattern, at, marks, open)
  local first, second = sub(pattern, at, at), sub(pattern, at + 1, at + 1)
  if first == "(" then
    if #marks == CAPTURES_MAX then
      return {kind = "wrong", text = "too many captures"}
    end
    local index = #marks + 1
    if second == ")" then
      marks[index] = "position"
      return {kind = "open", index = index}, at + 2
    end
    marks[index] = "unfinished"
    open[#open + 1] = index
    return {kind = "open", index = index}, at + 1
  elseif first == ")" then
    local index = open[#open]
    if not index then
      return {kind = "wrong", text = "invalid pattern capture"}
    end
    open[#open] = nil
    marks[index] = "text"
    return {kind = "close", index = index}, at + 1
  elseif first == "%" and second == "b" then
    if at + 3 > #pattern then
      return {kind = "wrong", text = "unbalanced pattern"}
    end
    return {kind = "balance", opens = sub(pattern, at + 2, at + 2), closes = sub(pattern, at + 3, at + 3)},
      at + 4
  elseif first == "%" and find(second, "^%d") then
    local index = tonumber(second)
    if not marks[index] or marks[index] == "unfinished" then
      return {kind = "wrong", text = "invalid capture index"}
    end
    return {kind = "again", index = index, position = marks[index] == "position"}, at + 2
  elseif first == "$" and at == #pattern then
    return {kind = "finish"}, at + 1
  end
  local frontier = first == "%" and second == "f"
  if frontier then
    at = at + 2
    if sub(pattern, at, at) ~= "[" then
      return {kind = "wrong", text = "missing '[' after '%f' in pattern"}
    end
  end
  local after, problem = class_end(pattern, at)
  if not after then
    return {kind = "wrong", text = problem}
  end
  local class = sub(pattern, at, after - 1)
  local literal = literal_of(class)
  if literal then
    class = quoted(literal)
  end
  if frontier then
    return {kind = "frontier", class = class}, after
  end
  local sign = sub(pattern, after, after)
  if REPEATED[sign] then
    return {kind = REPEATED[sign], class = class, literal = literal, some = sign == "+"}, after + 1
  end
  return {kind = "single", class = class, literal = literal}, after
end

local SURE = {open = true, close = true, most = true, least = true, optional = true} -- these never fail

-- Bounds the work of Lua's own matcher on `length` bytes; see work_of. Each repetition multiplies the
-- ways to go on, unless only one of them can succeed, or nothing that may fail comes after it.
local function measure(entry)
  local items, last = entry.items, 0
  for position, item in ipairs(items) do
    if item.kind == "wrong" then
      return
    elseif item.some or not SURE[item.kind] then
      last = position
    end
  end
  local unit, scans, degree, choices = 1, 0, entry.anchored and 0 or 1, 1
  local starts_only = degree
  for position, item in ipairs(items) do
    local kind = item.kind
    local cost = item.class and sub(item.class, 1, 1) == "[" and #item.class or 1
    unit = unit + cost
    if position <= last then
      if kind == "optional" then
        choices = choices * 2
      elseif item.certain or kind == "balance" or kind == "again" then
        scans = scans + cost
      elseif kind == "least" or kind == "most" and position < last then
        degree = degree + 1
      end
    end
  end
  if unit * choices <= UNIT_MAX and not entry.unfinished then
    entry.unit, entry.scans, entry.degree = unit * choices, scans * choices, degree
    entry.linear = degree + (scans > 0 and 1 or 0) < 2
    entry.forward = scans == 0 and degree == starts_only -- looks at nothing after the match
  end
end

-- Marks repetitions that end where they must: the end, or a character they do not repeat, follows.
local function mark_certain(items)
  local next_item
  for position = #items, 1, -1 do
    local item = items[position]
    local kind = item.kind
    if kind == "most" and next_item then
      item.certain = next_item.kind == "finish"
        or next_item.literal and (next_item.kind == "single" or next_item.some)
        and not find(next_item.literal, item.class)
    end
    if kind ~= "open" and kind ~= "close" then
      next_item = item
    end
  end
end

local entries, entries_count = {}, 0 -- patterns seen in this run, parsed

local function entry_of(pattern)
  local entry = entries[pattern]
  if entry then
    return entry
  end
  local marks, open, items = {}, {}, {}
  local source = match(pattern, "^%Z*") -- to Lua it ends there
  local anchored = sub(source, 1, 1) == "^"
  local at, choices = anchored and 2 or 1, 0
  while at and at <= #source do
    items[#items + 1], at = parse_item(source, at, marks, open)
    if items[#items].kind == "most" or items[#items].kind == "least" or items[#items].kind == "optional" then
      choices = choices + 1
    end
  end
  if choices > CHOICES_MAX then
    complain("pattern too complex")
  end
  entry = {source = source, anchored = anchored, items = items, marks = marks, unfinished = #open > 0}
  mark_certain(items)
  measure(entry)
  if entries_count == CACHED_MAX then
    entries, entries_count = {}, 0
  end
  entries[pattern], entries_count = entry, entries_count + 1
  return entry
end

-- --- matching ----------------------------------------------------------------------------------------

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

-- --- what scripts call -------------------------------------------------------------------------------

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

-- What one script leaves must not be there for the next.
local function forget()
  entries, entries_count, subject = {}, 0, nil
end

return library, forget, complain, refuse
