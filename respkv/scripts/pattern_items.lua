-- What a pattern of string.find and its kin consists of, how much work of Lua's own matcher it may be,
-- and how errors are told as Lua's own functions tell them.

local find, gsub, match, sub = string.find, string.gsub, string.match, string.sub
local error, getinfo, ipairs, pcall, tonumber = error, debug.getinfo, ipairs, pcall, tonumber

local CAPTURES_MAX = 32
local CHOICES_MAX = 1000 -- items of one pattern that may be matched in several ways
local CACHED_MAX = 100
local UNIT_MAX = 1000 -- work per place in the text, beyond which Lua's own matcher is not used
local OWN = {patterns = true, pattern_items = true, pattern_search = true, sandbox = true} -- chunks

-- --- errors ------------------------------------------------------------------------------------------

local function complain(text)
  local level = 2
  local info
  repeat
    info = getinfo(level, "Sl")
    level = level + 1
  until not info or (not OWN[info.short_src] and info.what ~= "tail")
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

-- --- parsing -----------------------------------------------------------------------------------------

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

-- Returns what is known of a pattern: its items, the marks of its captures, and bounds of its work.
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

-- What one script leaves must not be there for the next.
local function forget()
  entries, entries_count = {}, 0
end

return {entry_of = entry_of, quoted = quoted, complain = complain, refuse = refuse, forget = forget, OWN = OWN}
