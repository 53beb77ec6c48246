"""Patterns in scripts, by Lua's own matcher and by ours, each on a redis-server and on ours."""

from typing import Final

import pytest
from hypothesis import strategies as st

from tests.commands.comparing import replies_test, sequences_test
from tests.commands.reference import Argv, Ours

# Matches nothing in these texts, and looks like too much work for Lua's own matcher.
COSTLY: Final = b"[" + b"\x01" * 1001 + b"]?"

ALL: Final = """
local text, pattern, other, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local function all(...)
  local values = {...}
  for i = 1, select('#', ...) do values[i] = tostring(values[i]) end
  return values
end
"""
USES: Final = (
    "return all(text:find(pattern))",
    "return all(text:find(pattern, number))",
    "return all(text:find(pattern, number, true))",
    "return all(text:match(pattern))",
    "return all(string.match(text, pattern, number))",
    "return all(text:gsub(pattern, other))",
    "return all(text:gsub(pattern, other, number))",
    "return all(text:gsub(pattern, {a = 'x', b = 1, [1] = 'first', [''] = false}))",
    "return all(text:gsub(pattern, function(...) return table.concat(all(...), '|') end))",
    "return all(text:gsub(pattern, function(x) if x == 'a' then return nil end return x end, number))",
    "return all(pcall(string.find, text, pattern))",
    "return all(pcall(string.gsub, text, pattern, other))",
    """
    local found = {}
    for first, second in text:gmatch(pattern) do
      found[#found + 1] = tostring(first)
      found[#found + 1] = tostring(second)
      if #found > 100 then break end
    end
    return found
    """,
)

ITEMS: Final = (
    b"a", b"b", b".", b"%a", b"%d", b"%s", b"%W", b"%z", b"[ab]", b"[^a]", b"[a-c]", b"[%a_]", b"[]]", b"[^]]", b"[a-]", b"-",
    b"%.", b"%-", b",", b"\xe4", b"*", b"^", b"$", b"]", b"%1",
)  # fmt: skip
MARKS: Final = (
    b"()", b"(", b")", b"%1", b"%2", b"%bab", b"%b()", b"%f[a]", b"%f[%z]", b"%f[^a]", b"%0", b"[", b"%", b"%b", b"%f", b"\0", b"$",
)  # fmt: skip

items: Final = st.builds(
    bytes.__add__, st.sampled_from(ITEMS), st.sampled_from((b"", b"", b"*", b"+", b"-", b"?"))
)
pieces: Final = st.one_of(
    items,
    items,
    items.map(lambda item: b"(" + item + b")"),
    st.sampled_from(MARKS),
)
patterns: Final = st.builds(
    lambda start, body, end: start + b"".join(body) + end,
    st.sampled_from((b"", b"", b"^", COSTLY, b"^" + COSTLY)),
    st.lists(pieces, max_size=5),
    st.sampled_from((b"", b"", b"$", COSTLY)),
)
texts: Final = st.text("aab1 ,(.)-_]\xe4\0", max_size=12).map(lambda text: text.encode("latin-1"))
replacements: Final = st.sampled_from(
    (b"", b"x", b"<%0>", b"%1%1", b"%2", b"%", b"%%", b"a%", b"%x")
)

test_patterns_that_hypothesis_makes_up = sequences_test(
    st.lists(
        st.builds(
            lambda use, text, pattern, other, number: [
                b"EVAL", (ALL + use).encode(), b"0", text, pattern, other, b"%d" % number
            ],
            st.sampled_from(USES), texts, patterns, replacements, st.integers(-14, 14),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip

ARGUMENTS: Final = "\n".join(
    f"EVAL '{script}' 0"
    for script in (
        'return ("a"):find()', "return string.find()", 'return string.find("a", {})', 'return ("a"):find("a", "x")',
        'return string.match("a", nil)', 'return ("a"):match("a", {})', 'return ("a"):gmatch()', 'return string.gmatch({}, "a")',
        'return ("a"):gsub()', 'return ("a"):gsub("a")', 'return ("a"):gsub("a", true)', 'return ("a"):gsub("a", "b", "c")',
        'return ("a"):gsub("a", function() return {} end)', 'return ("a"):gsub("a", {a = true})', 'return ("a"):gsub("a", {a = {}})',
        'return ("a"):gsub("a", function() error("inside") end)', 'return ("a"):gsub("(", "x")', 'return ("a"):gsub("()(", {"x"})',
        'return {string.find(12345, 34)}', 'return {string.find("a.b", ".", 1, true)}', 'return {string.gsub(121, 1, 3)}',
        'return {("aaa"):find("a", 2.9)}', 'return {("aaa"):find("a", -1.9)}', 'return {("aaa"):find("a", "2")}', 'return {("aaa"):gsub("a", "b", 1.9)}',
        'return {("aaa"):gsub("a", "b", 2^32)}', 'return {("aaa"):gsub("a", "b", -1)}', 'return {("abc"):gsub("%w", "%0%0", 2)}',
        'return ("a"):find(("()"):rep(33))', 'return {("a"):find(("()"):rep(32))}', 'return {("a"):find(("(a?)"):rep(33))}',
        'local f = string.find return f()', 'return pcall(string.find)', 'local ok, e = pcall(string.find, "a", "%") return e',
        'return {("x = 1, y = 2"):gsub("(%w+) = (%w+)", "%2 = %1")}', 'return {("  trim  "):match("^%s*(.-)%s*$")}',
        'return {("THE (quick) fox"):find("%((%a+)%)")}', 'return {("a\\0b"):find("\\0b", 1, true)}', 'return {("a\\0b"):find("\\0b")}',
        'return {("aXb"):gsub("%f[%u]%u", "_%0")}', 'for k in ("a"):gmatch("[") do end', 'return {("^a"):gmatch("^a")()}',
        'return {string.gsub("$name is", "%$(%w+)", {name = "Lua"})}',
        'return #("x"):rep(60):gsub("x*(x*)(x*)y", "")', 'return {(("a"):rep(50) .. "z"):find(("a"):rep(40) .. "z", 1, true)}',
        "return string.rep()", 'return ("x"):rep()', 'return ("x"):rep({})', 'return ("ab"):rep("2")', 'return string.rep(12, 2)', 'return ("x"):rep(-1)',
        "return table.sort()", "return table.sort({1,2}, 3)", 'return table.sort({1,"a"})', 'local t = {} for i = 1, 100 do t[i] = i % 7 end table.sort(t) return t',
        'local t = {} for i = 1, 100 do t[i] = i end t[50] = "x" table.sort(t)', "return table.sort({{},{},{}})", 'table.sort({3,2,1}, function() error("x") end)',
        "local t = {3,1,2} table.sort(t, function(a, b) return a > b end) return t", "table.sort({1,2,3,4,5}, function() return true end)",
        "local t = {3,1,2} return {table.remove(t, 1), t}", "return table.remove()", "return {table.remove({})}", "local t = {1,3} table.insert(t, 2, 2) return t",
        "return table.maxn({1,2,[5.5]=1,a=1})", "return table.maxn()", "return string.sub()", 'return ("x"):sub({})', 'return ("hello"):sub(2, -2)',
        'return ("%d"):format("x")', 'return ("%5.1f|%s|%q"):format(3.14159, "a", "b")', "return table.concat({{}})", 'return table.concat({1,2},",")',
        'return ("aBc"):upper() .. ("aBc"):lower() .. ("aBc"):reverse()', "return string.upper()", 'return pcall(string.rep)',
    )
)  # fmt: skip

test_arguments_of_patterns = replies_test({"arguments": ARGUMENTS})

HOSTILE: Final = (
    'return ("a"):rep(40):find(("a*"):rep(12) .. "b")',
    'return ("a"):rep(40):match(("a-"):rep(12) .. "b")',
    'return ("a"):rep(40):gsub(("a?"):rep(40) .. ("a"):rep(40) .. "b", "")',
    'for _ in ("a"):rep(40):gmatch(("(a*)"):rep(12) .. "b") do end',
    'local text = ("("):rep(1e6) while true do text:find("%b()") end',
    'local text = ("a"):rep(1e5) while true do text:find("a*b") end',
    'local text = ("a"):rep(30) while true do text:find(".-.-b") end',
    'local text = ("a"):rep(1e6) while true do text:find("b", 1, true) end',
    'return ("a"):rep(2e6):find(("a"):rep(1e6) .. "b", 1, true)',
    'local text = ("a"):rep(1e5) while true do text:gsub("a", "b") end',
    'return ("a"):rep(1e6):gsub("(b*)a", ("%1"):rep(1e6))',
    'return ("a"):rep(1e4):find("(a*)%1%1%1b")',
    'coroutine.wrap(function() return ("a"):rep(40):find(("a*"):rep(12) .. "b") end)()',
    'pcall(string.find, ("a"):rep(40), ("a*"):rep(12) .. "b") return 1',
    'return ("x"):rep(-1e300) .. ("x"):rep("-5") .. (""):rep("9007199254740992") .. (""):rep(2^53) .. ("aa"):rep(40):find(("a*"):rep(20) .. "b")',
    'local text = ("x"):rep(5e7) while true do text:reverse() end',
    'local text = ("x"):rep(5e7) while true do text:sub(2) end',
    "local t = {} for i = 1, 5e5 do t[i] = i end while true do table.sort(t) end",
    "local t = {} for i = 1, 5e5 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
    "local t = {} for i = 1, 5e5 do t[i] = i end while true do table.concat(t) end",
    "local t = {} for i = 1, 5e5 do t[i] = i end while true do table.maxn(t) end",
    'local text = "return " .. ("x"):rep(1e6) while true do loadstring(text) end',
)


@pytest.mark.parametrize("script", HOSTILE)
def test_a_pattern_ends_with_its_script(script: str, handlers: Ours) -> None:
    argv: Argv = [b"EVAL", script.encode(), b"0"]
    assert b"Script stopped after 100000000 instructions" in handlers.call(argv)
    assert b"pattern too complex" in handlers.call(
        [b"EVAL", b'return ("a"):find(("a?"):rep(1e5))', b"0"]
    )
