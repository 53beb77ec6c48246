"""What scripts may change about cjson: each case on a redis-server, whose settings last, and on ours."""

from typing import Final

from respkv.node import script_commands
from tests.commands.comparing import replies_test
from tests.commands.reference import Served

DECLARED: Final = (script_commands,)


def _evals(*scripts: str) -> str:
    return "\n".join(f"EVAL '{script}' 0" for script in scripts)


JSON_RESET: Final = (
    "cjson.encode_sparse_array(false,2,10) cjson.encode_max_depth(1000) cjson.decode_max_depth(1000) cjson.encode_number_precision(14) "
    "cjson.encode_keep_buffer(true) cjson.encode_invalid_numbers(false) cjson.decode_invalid_numbers(true) "
)


def _with_settings(settings: str, *calls: str) -> str:
    """A script that changes settings, and shows what the calls return with them."""
    results = " ".join(
        f"results[#results+1]=shown(pcall(function() return cjson.{call} end))" for call in calls
    )
    return (
        'local results = {} local function shown(...) local r = {...} for i = 1, #r do if type(r[i]) == "table" then r[i] = #r[i] '
        f"else r[i] = tostring(r[i]) end end return r end {settings} {results} {JSON_RESET} return results"
    )


DEEP: Final = tuple(f'decode(("["):rep({depth})..("]"):rep({depth}))' for depth in (1, 2, 3, 4))
NUMBERS_READ: Final = tuple(
    f"decode([==[{text}]==])" for text in (
        "0x10", "01", "-01", "+1", "inf", "-inf", "Infinity", "nan", "NaN", "-nan", "1", "-1.5", "0", "-0", "0.5", "1e5", "[0x1]",
        "-", "-x", "infx", "nil", "i", "[1,+1]", "00", "0e1", "--1", "1x", "[NaN", '{"a":inf}',
    )
)  # fmt: skip
NUMBERS_WRITTEN: Final = (
    "encode(1/0)",
    "encode(-1/0)",
    "encode(0/0)",
    "encode({1,0/0})",
    "encode({[1/0]=1})",
    "encode({a=-1/0})",
    "encode(1.5)",
)
SPARSE: Final = (
    "encode({[1]=1,[3]=3})",
    "encode({[1]=1,[11]=3})",
    "encode({[4]=4})",
    "encode({[100]=1})",
    "encode({[1]=1,[2]=2,[7]=3})",
    "encode({1,2})",
)
JSON_SETTINGS: Final = {
    "depth written": _evals(*(_with_settings(f"cjson.encode_max_depth({depth})", "encode({})", "encode({{}})", "encode({a={b=1}})", "encode({{{}}})", "encode(1)")
                              for depth in (1, 2, 3))),
    "depth read": _evals(*(_with_settings(f"cjson.decode_max_depth({depth})", *DEEP, 'decode("1")') for depth in (1, 2, 3))),
    "far deeper": _evals(_with_settings("cjson.decode_max_depth(3000) cjson.encode_max_depth(3000)",
                                        *(f'encode(cjson.decode(("["):rep({depth})..("]"):rep({depth})))' for depth in (1001, 3000, 3001)))),
    "sparse arrays": _evals(*(_with_settings(f"cjson.encode_sparse_array({how})", *SPARSE) for how in (
        "true", "false", "true,0", "false,0", "false,1", "true,1,0", "false,1,0", "false,3,2", "true,3,2", "nil,nil,3", '"on",nil,200'))),
    "precision": _evals(*(_with_settings(f"cjson.encode_number_precision({digits})", "encode(1/3)", "encode(123456)", "encode({[1.25]=0.1})", "encode(1e20)")
                          for digits in (1, 3, 14))),
    "invalid numbers written": _evals(*(_with_settings(f"cjson.encode_invalid_numbers({how})", *NUMBERS_WRITTEN)
                                        for how in ("true", "false", '"null"', '"on"', '"off"'))),
    "invalid numbers read": _evals(*(_with_settings(f"cjson.decode_invalid_numbers({how})", *NUMBERS_READ) for how in ("true", "false"))),
    "arguments": _evals(*(_with_settings("", call) for name in ("encode_max_depth", "encode_number_precision", "decode_max_depth") for call in (
        f"{name}()", f"{name}(nil)", f"{name}(1.5)", f'{name}("12")', f'{name}(" 0x5 ")', f"{name}(2^32+5)", f"{name}(0)", f"{name}(-1)", f'{name}("x")', f"{name}({{}})",
        f"{name}(1,2)", f"{name}(2^31)", f"{name}(0/0)", f"{name}(1/0)", f"{name}(true)", f"{name}(15)", f'{name}("1_0")', f"{name}(nil,nil)")),
        *(_with_settings("", call) for name in ("encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers") for call in (
            f"{name}()", f"{name}(true)", f"{name}(false)", f'{name}("on")', f'{name}("off")', f'{name}("null")', f'{name}("x")', f"{name}(1)", f"{name}({{}})",
            f"{name}(nil)", f"{name}(nil,1)", f'{name}("ON")', f"{name}(function() end)")),
        *(_with_settings("", f"encode_sparse_array({how})", "encode_sparse_array()") for how in (
            "", "true", "true,3", "true,3,4", "1,2,3,4", 'true,3,"x"', "nil,-1", "nil,nil,-1", "nil,5", "{}", '"on"', "nil,1/0", '"x"', "nil,nil,7"))),
    "a cjson of its own": _evals(
        "local j = cjson.new() j.encode_max_depth(1) return {j.encode_max_depth(), cjson.encode_max_depth(), j.encode({1})}",
        "local j = cjson.new() local r = {} for k, v in pairs(j) do r[#r+1] = k .. type(v) end table.sort(r) return r",
        "local j = cjson.new() return {tostring(j.null == cjson.null), j.encode(j.null), tostring(j.decode == cjson.decode)}",
        "local j = cjson.new() j.x = 1 return j.x", "return cjson.new(1,2)._NAME", "local j = cjson.new().new() return j.encode({a=1})",
        "local j = cjson.new() j.encode_max_depth(1) return j.encode({{}})", "local j = cjson.new() return j.encode_keep_buffer(3)",
        "cjson.encode_max_depth = nil", "cjson.x = 1",
    ),
}  # fmt: skip

test_json_settings_of_redis = replies_test(JSON_SETTINGS)


def test_settings_of_cjson_end_with_the_script_that_changed_them(served: Served) -> None:
    """In Redis they last; which scripts a node has run before must not tell what the next does."""
    for change in ("cjson.encode_max_depth(1)", "cjson.encode_max_depth(1) error('x')"):
        served.call([b"EVAL", change.encode(), b"0"])
        assert served.call([b"EVAL", b"return cjson.encode({{}})", b"0"]) == b"$4\r\n[{}]\r\n"
