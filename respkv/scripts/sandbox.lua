-- What a script sees of Lua. Nothing a script does outlives it, and nothing it can reach tells one
-- machine from another: every replica runs it and has to come to the same state.
--
-- `host` has the functions that Python provides; see respkv/scripts/lua_state.py. The `load_` ones are
-- the chunks of pattern_items.lua, pattern_search.lua and patterns.lua.

local host, steps_max, load_items, load_search, load_patterns = ...

local assert, error, getmetatable, ipairs, next, pcall, rawget, rawset, select, setfenv
  = assert, error, getmetatable, ipairs, next, pcall, rawget, rawset, select, setfenv
local setmetatable, tonumber, tostring, type, unpack, xpcall = setmetatable, tonumber, tostring, type, unpack, xpcall
local getinfo, sethook, loadstring = debug.getinfo, debug.sethook, loadstring
local collectgarbage, concat, format = collectgarbage, table.concat, string.format
local dump, string_gsub = string.dump, string.gsub
local create, resume, wrap = coroutine.create, coroutine.resume, coroutine.wrap

local HOOK_STEPS = 1000 -- Lua instructions between two looks at how many there were
local CALL_STEPS = 500 -- what one redis.call, or call of a library, counts for
local BYTE_STEPS = 10 -- and each byte that a library reads or writes
local NEW_STEPS = 10000 -- a new cjson, most of which is outside Lua's memory
local PCALL_STEPS = 20
local ELEMENT_STEPS = 20 -- what joining one element counts for
local SORTED_MAX = 64 -- elements that Lua sorts without being counted
local STRING_MAX = 64 * 1024 * 1024 -- bytes that string.rep makes
local DEPTH_MAX = 128 -- of tables in a reply

-- --- how long a script may run: in instructions, which are the same on every machine -------------

local steps = 0
local stopped = false -- nothing of the script runs any more; no pcall of its own goes on
local STOP = {}

local function count()
  steps = steps + HOOK_STEPS
  if steps > steps_max then
    if not stopped then
      stopped = true
      host.too_long()
    end
    sethook(count, "", 1)
    if getinfo(2, "S").short_src ~= "sandbox" then
      error(STOP, 0)
    end
  end
end

-- Counts what takes as long as so many instructions.
local function charge(amount)
  steps = steps + amount
  if steps > steps_max then
    sethook(count, "", 1)
    if not stopped then
      stopped = true
      host.too_long()
    end
    error(STOP, 0)
  end
end

local items = load_items()
local searching = load_search(charge, items)
local patterns = load_patterns(charge, items, searching)
local complain_of, refuse = items.complain, items.refuse

-- --- tables that scripts cannot change ------------------------------------------------------------

local protected = {} -- the table itself, by what stands for it

local function refuse_change()
  error("Attempt to modify a readonly table", 2)
end

local function protect(contents)
  local proxy = {}
  protected[proxy] = contents
  return setmetatable(proxy, {__index = contents, __newindex = refuse_change, __metatable = false})
end

local function checked_argument(value, name)
  if protected[value] then
    error("Attempt to modify a readonly table", 0)
  end
  return value
end

-- --- order: tables, functions and coroutines as keys lie where their address puts them ------------

local REFERENCE = {table = true, ["function"] = true, thread = true, userdata = true}

local function check_order(contents)
  for key in next, contents do
    if REFERENCE[type(key)] then
      error("the order of keys that are tables or functions is not defined", 3)
    end
  end
end

local function ordered_next(contents, key)
  contents = protected[contents] or contents
  if key == nil and type(contents) == "table" then
    check_order(contents)
  end
  return next(contents, key)
end

local function ordered_pairs(...)
  local contents = ...
  if type(contents) ~= "table" then
    error(format("bad argument #1 to 'pairs' (table expected, got %s)",
      select("#", ...) == 0 and "no value" or type(contents)), 2)
  end
  contents = protected[contents] or contents
  check_order(contents)
  return next, contents, nil
end

-- --- the base library ----------------------------------------------------------------------------

local names = setmetatable({}, {__mode = "k"}) -- what tostring has shown instead of addresses
local named = 0

local function stable_tostring(...)
  local value = ...
  local kind = type(value)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'tostring' (value expected)", 2)
  end
  if not REFERENCE[kind] then
    return tostring(value)
  end
  local meta = getmetatable(value)
  if type(meta) == "table" and rawget(meta, "__tostring") then
    return tostring(value)
  end
  if value == host.null then
    return "userdata: (nil)"
  end
  if not names[value] then
    named = named + 1
    names[value] = format("%s: 0x%014x", kind, named * 32)
  end
  return names[value]
end

-- Lua itself says so in words, Python's functions by an error of their own.
local function outgrown(problem)
  if problem == "not enough memory" or (type(problem) == "userdata" and problem ~= host.null) then
    stopped = true
    host.no_memory()
    return true
  end
  return false
end

local function end_call(ok, ...)
  if ok then
    return ok, ...
  end
  if stopped then
    error(STOP, 0)
  end
  if outgrown(...) then
    error(STOP, 0)
  end
  return ok, ...
end

local function end_pcall(ok, ...)
  if not ok then
    local problem = ...
    if type(problem) == "table" and type(rawget(problem, "err")) == "string" then
      return end_call(ok, rawget(problem, "err"))
    end
  end
  return end_call(ok, ...)
end

local function hooked(body)
  if type(body) ~= "function" then
    error("bad argument #1 to 'create' (Lua function expected)", 3)
  end
  return function(...)
    sethook(count, "", HOOK_STEPS)
    return body(...)
  end
end

local environment -- what scripts have for _G

local function load_chunk(text, name)
  if type(text) == "string" and text:byte(1) == 27 then
    return nil, "bytecode is not allowed"
  end
  if type(text) == "string" then
    charge(BYTE_STEPS * #text)
  end
  local chunk, problem = loadstring(text, name)
  if chunk then
    setfenv(chunk, environment)
  end
  return chunk, problem
end

local function load_pieces(read, name)
  local pieces = {}
  while true do
    local piece = read()
    if piece == nil or piece == "" then
      break
    end
    pieces[#pieces + 1] = piece
  end
  return load_chunk(concat(pieces), name or "=(load)")
end

local globals = {
  _VERSION = _VERSION,
  assert = assert,
  error = error,
  ipairs = ipairs,
  rawequal = rawequal,
  select = select,
  tonumber = tonumber,
  type = type,
  unpack = unpack,
  next = ordered_next,
  pairs = ordered_pairs,
  tostring = stable_tostring,
  loadstring = load_chunk,
  load = load_pieces,
  pcall = function(...)
    steps = steps + PCALL_STEPS
    return end_pcall(pcall(...))
  end,
  xpcall = function(body, handler)
    return end_call(xpcall(body, function(problem)
      if stopped then -- nothing would ever interrupt the handler
        return problem
      end
      return handler(problem)
    end))
  end,
  rawget = function(contents, key)
    return rawget(protected[contents] or contents, key)
  end,
  rawset = function(contents, key, value)
    return rawset(checked_argument(contents), key, value)
  end,
  getmetatable = function(value)
    if type(value) == "string" or protected[value] then
      return nil
    end
    return getmetatable(value)
  end,
  setmetatable = function(contents, meta)
    if type(meta) == "table" and rawget(meta, "__mode") then
      error("weak tables depend on when memory is collected", 2)
    end
    return setmetatable(checked_argument(contents), meta)
  end,
  collectgarbage = function(option)
    if option == nil or option == "collect" then
      collectgarbage()
    end
    return 0
  end,
  gcinfo = function()
    return 0
  end,
}

local function copy(library, but)
  local chosen = {}
  for name, member in next, library do
    if not (but and but[name]) then
      chosen[name] = member
    end
  end
  return chosen
end

local strings = copy(string)
for name, member in next, patterns do
  strings[name] = member
end
local tables = copy(table)
-- Ends a function that stands for one of Lua's own: its errors are as if that had been called.
local function relay(name, ok, ...)
  if ok then
    return ...
  end
  end_call(ok, ...)
  error((string_gsub(tostring((...)), "to '%?'", "to '" .. name .. "'")), 3)
end

local numbers = copy(math)
local coroutines = copy(coroutine)

-- Returns a function of Lua's that counts for what it makes, and for what `weigh` tells.
local function weighed(native, weigh)
  return function(...)
    if weigh then
      charge(weigh(...))
    end
    local ok, result = pcall(native, ...)
    if not ok then
      end_call(ok, result)
      refuse(native, ...)
    end
    if #result > 100 then
      charge(#result / 10)
    end
    return result
  end
end

for _, name in ipairs({"format", "lower", "reverse", "sub", "upper"}) do
  strings[name] = weighed(string[name])
end
tables.concat = weighed(concat, function(contents, _, first, last)
  if type(contents) ~= "table" then
    return 0
  end
  local count = (tonumber(last) or #contents) - (tonumber(first) or 1) + 1
  return count > 0 and ELEMENT_STEPS * (count < #contents and count or #contents) or 0
end)

local rep = string.rep

function strings.rep(...)
  local text, times = ...
  local number = tonumber(times)
  if number and (type(text) == "string" or type(text) == "number") then
    local length = #tostring(text)
    if length == 0 then
      return ""
    elseif length * number > STRING_MAX then
      complain_of("resulting string too large")
    elseif number > 0 then
      charge(length * number / 10)
    end
  end
  local ok, result = pcall(rep, ...)
  if not ok then
    end_call(ok, result)
    refuse(rep, ...)
  end
  return result
end

-- Elements after a place in a table move one by one.
local function charge_moves(contents, place)
  local moved = #contents - place
  if moved > 0 then
    charge(moved)
  end
end

local insert = table.insert

function tables.insert(contents, ...)
  local place = ...
  if type(contents) == "table" and type(place) == "number" and select("#", ...) == 2 then
    charge_moves(contents, place)
  end
  return relay("insert", pcall(insert, checked_argument(contents), ...))
end

local remove = table.remove

function tables.remove(...)
  local contents, place = ...
  if type(contents) == "table" and type(place) == "number" then
    charge_moves(contents, place)
  end
  local ok, result = pcall(remove, ...)
  if not ok then
    refuse(remove, ...)
  end
  return result
end

local maxn = table.maxn

function tables.maxn(...)
  local contents = ...
  if type(contents) ~= "table" then
    refuse(maxn, ...)
  end
  charge(2 * #contents)
  local most = 0
  for key in next, contents do
    if type(key) == "number" and key > most then
      most = key
    end
  end
  return most
end

local function is_below(one, other)
  if stopped then
    error(STOP, 0)
  end
  return one < other
end

local sort = table.sort

function tables.sort(...)
  local contents, less = ...
  if type(contents) ~= "table" or not (less == nil or type(less) == "function") then
    refuse(sort, ...)
  end
  charge(#contents)
  local ok, problem = pcall(sort, contents, less or #contents > SORTED_MAX and is_below or nil)
  if not ok then
    end_call(ok, problem)
    if problem == "invalid order function for sorting" then
      complain_of(problem)
    elseif less == nil then
      problem = string_gsub(problem, "^sandbox:%d+: ", "")
    end
    error(problem, 0)
  end
end

function tables.foreach(contents, visit)
  for key, value in ordered_pairs(contents) do
    local result = visit(key, value)
    if result ~= nil then
      return result
    end
  end
end

function numbers.random(low, high)
  local chance = host.random()
  if low == nil then
    return chance
  end
  if high == nil then
    low, high = 1, low
    if high < 1 then
      error("bad argument #1 to 'random' (interval is empty)", 2)
    end
  elseif low > high then
    error("bad argument #2 to 'random' (interval is empty)", 2)
  end
  low, high = numbers.floor(low), numbers.floor(high)
  return numbers.floor(chance * (high - low + 1)) + low
end
function numbers.randomseed(...)
  local seed = tonumber((...))
  if not seed then
    local got = select("#", ...) == 0 and "no value" or type((...))
    error(format("bad argument #1 to 'randomseed' (number expected, got %s)", got), 2)
  end
  host.seed(seed)
end

function coroutines.create(body)
  return create(hooked(body))
end

function coroutines.wrap(body)
  return wrap(hooked(body))
end

function coroutines.resume(...)
  return end_call(resume(...))
end

-- --- redis.* -------------------------------------------------------------------------------------

local function size_of(value)
  return type(value) == "string" and #value or 0
end

-- A function of Python returns true and the result, or false and the error's text.
local function result_of(ok, ...)
  steps = steps + CALL_STEPS + BYTE_STEPS * size_of((...))
  if ok then
    return ...
  end
  error((...), 3)
end


local function line_of_script()
  local level = 3
  while true do
    local info = getinfo(level, "Sl")
    if not info then
      return nil
    end
    if info.what ~= "C" and not items.OWN[info.short_src] and info.currentline >= 0 then
      return info.source, info.currentline
    end
    level = level + 1
  end
end

local function failure(text)
  local source, line = line_of_script()
  return {err = text, source = source, line = line and format("%d", line)}
end

local redis = {}

local function end_redis_call(ok, ...)
  if ok then
    return ...
  end
  if ok == nil then
    stopped = true
    sethook(count, "", 1)
    steps = steps_max
    error(STOP, 0)
  end
  error(failure((...)), 0)
end

local function end_redis_pcall(ok, ...)
  if ok then
    return ...
  end
  if ok == nil then
    return end_redis_call(ok, ...)
  end
  return {err = (...), ignore_error_stats_update = true}
end

function redis.call(...)
  steps = steps + CALL_STEPS
  return end_redis_call(host.call(...))
end

function redis.pcall(...)
  steps = steps + CALL_STEPS
  return end_redis_pcall(host.call(...))
end

local function complain(text)
  error(failure("ERR " .. text), 0)
end

local function is_one_text(...)
  return select("#", ...) == 1 and type((...)) == "string"
end

local NOT_ONE_TEXT = "ERR wrong number or type of arguments"

function redis.error_reply(...)
  if not is_one_text(...) then
    return {err = NOT_ONE_TEXT}
  end
  local text = ...
  if text:sub(1, 1) == "-" then
    text = text:sub(2)
  end
  if not strings.find(text, " ", 1, true) then
    text = "ERR " .. text
  end
  return {err = text}
end

function redis.status_reply(...)
  if not is_one_text(...) then
    return {err = NOT_ONE_TEXT}
  end
  return {ok = (...)}
end

function redis.sha1hex(...)
  if select("#", ...) ~= 1 then
    complain("wrong number of arguments")
  end
  local text = ...
  if type(text) == "number" then
    text = tostring(text)
  end
  return host.sha1hex(type(text) == "string" and text or "")
end

function redis.log(...)
  local level = ...
  if select("#", ...) < 2 then
    complain("redis.log() requires two arguments or more.")
  elseif type(level) ~= "number" then
    complain("First argument must be a number (log level).")
  elseif level < 0 or level > 3 then
    complain("Invalid debug level.")
  end
  local words = {}
  for position = 2, select("#", ...) do
    local word = select(position, ...)
    if type(word) == "string" or type(word) == "number" then
      words[#words + 1] = tostring(word)
    end
  end
  host.log(level, concat(words, " "))
end

function redis.setresp(...)
  local version = tonumber((...))
  if select("#", ...) ~= 1 then
    complain("redis.setresp() requires one argument.")
  end
  if version ~= 2 and version ~= 3 then
    complain("RESP version must be 2 or 3.")
  end
  host.setresp(version)
end

function redis.set_repl(...)
  local flags = ...
  if select("#", ...) ~= 1 then
    complain("redis.set_repl() requires two arguments.")
  end
  if type(flags) ~= "number" or flags < 0 or flags > 3 then
    complain("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
  end
end

function redis.replicate_commands()
  return true
end

function redis.breakpoint()
  return false
end

function redis.debug() end

function redis.acl_check_cmd(...)
  if select("#", ...) == 0 then
    complain("Please specify at least one argument for this redis lib call")
  end
  local ok, problem = host.known(...)
  if not ok then
    complain(problem)
  end
  return true
end

redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING = 0, 1, 2, 3
redis.REPL_NONE, redis.REPL_AOF, redis.REPL_SLAVE, redis.REPL_REPLICA, redis.REPL_ALL = 0, 1, 2, 2, 3
redis.REDIS_VERSION, redis.REDIS_VERSION_NUM = host.version, host.version_number

-- --- what is there for scripts -------------------------------------------------------------------

for name, library in next, {
  string = strings, table = tables, math = numbers, coroutine = coroutines, redis = redis,
} do
  globals[name] = protect(library)
end

local function library_of(functions)
  local library = {}
  for member, value in next, functions do
    if type(value) == "userdata" and member ~= "null" then -- a function of Python
      library[member] = function(...)
        steps = steps + BYTE_STEPS * size_of((...))
        return result_of(value(...))
      end
    else
      library[member] = value
    end
  end
  return library
end

local function new_cjson()
  charge(NEW_STEPS)
  local library = library_of(host.new_cjson())
  library.new = new_cjson
  return library
end

for name, functions in next, host.libraries do
  local library = library_of(functions)
  if name == "cjson" then
    library.new = new_cjson
  end
  globals[name] = protect(library)
end
getmetatable("").__index = globals.string

environment = setmetatable({}, {
  __index = setmetatable(globals, {
    __index = function(_, name)
      error(format("Script attempted to access nonexistent global variable '%s'", tostring(name)), 2)
    end,
  }),
  __newindex = refuse_change,
})
protected[environment] = globals
globals._G = environment

-- --- running -------------------------------------------------------------------------------------

-- A reply goes to Python as a flat list of words, which names what comes and then says it.
local deliver

local function deliver_pairs(out, contents, depth, keys_only)
  check_order(contents)
  for key, value in next, contents do
    deliver(out, key, depth)
    if not keys_only then
      deliver(out, value, depth)
    end
  end
  out[#out + 1] = "]"
end

function deliver(out, value, depth)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then
    out[#out + 1] = kind
    out[#out + 1] = value
    return
  elseif kind ~= "table" then
    out[#out + 1] = "nil"
    return
  end
  if depth > DEPTH_MAX then
    error("reached lua stack limit", 0)
  end
  for _, field in ipairs({"err", "ok", "double", "map", "set", "big_number", "verbatim_string"}) do
    local content = rawget(value, field)
    local is = type(content)
    if is == "string" and (field == "err" or field == "ok" or field == "big_number") then
      out[#out + 1] = field
      out[#out + 1] = content
      return
    elseif is == "number" and field == "double" then
      out[#out + 1] = field
      out[#out + 1] = content
      return
    elseif is == "table" and (field == "map" or field == "set") then
      out[#out + 1] = field
      deliver_pairs(out, content, depth + 1, field == "set")
      return
    elseif is == "table" and field == "verbatim_string" then
      local text, text_format = rawget(content, "string"), rawget(content, "format")
      if type(text) == "string" and type(text_format) == "string" then
        out[#out + 1] = field
        out[#out + 1] = text_format
        out[#out + 1] = text
        return
      end
    end
  end
  out[#out + 1] = "["
  local position = 1
  while true do
    local item = rawget(value, position)
    if item == nil then
      break
    end
    deliver(out, item, depth + 1)
    position = position + 1
  end
  out[#out + 1] = "]"
end

local function explain(problem)
  if stopped or outgrown(problem) then
    return problem
  end
  local source, line = line_of_script()
  if type(problem) ~= "table" then
    problem = {err = "ERR " .. tostring(problem)}
  end
  if rawget(problem, "source") == nil and source then
    rawset(problem, "source", source)
    rawset(problem, "line", format("%d", line))
  end
  return problem
end

local function compile(text)
  local chunk, problem = loadstring(text, "@user_script")
  if not chunk then
    return nil, problem
  end
  return setfenv(loadstring(host.without_tail_calls(dump(chunk))), environment)
end

local function run(script, keys, arguments)
  steps, stopped, named = 0, false, 0
  items.forget()
  searching.forget()
  names = setmetatable({}, {__mode = "k"})
  globals.KEYS, globals.ARGV = keys, arguments
  sethook(count, "", HOOK_STEPS)
  local ok, result = xpcall(script, explain)
  local out = {}
  if ok then
    local delivered, problem = pcall(deliver, out, result, 0)
    if not delivered then
      outgrown(problem)
      out = {"err", "ERR " .. tostring(problem)}
    end
  elseif not stopped and type(result) == "table" then
    local text = rawget(result, "err")
    out = {"failed", type(text) == "string" and text or "ERR unknown error",
      rawget(result, "source") or "", rawget(result, "line") or ""}
  else
    out = {"failed", "ERR " .. tostring(result), "", ""}
  end
  sethook()
  globals.KEYS, globals.ARGV = nil, nil
  return out
end

-- The state's own globals are not what scripts have; nothing dangerous stays in them either.
local own = _G
for name in next, copy(own) do
  own[name] = nil
end

return compile, run
