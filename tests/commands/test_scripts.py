"""EVAL and what scripts can do, each case on a redis-server and on ours."""

import hashlib
import json
from typing import Final

import pytest
from hypothesis import strategies as st

from respkv.commands.table import lookup
from respkv.keyspace.keyspace import Keyspace
from respkv.node import (
    client_commands,
    pubsub_commands,
    script_commands,
    server_commands,
    session_commands,
)
from tests.commands.comparing import replies_test, run, sequences_test
from tests.commands.reference import Ours, Reference, Served


def _evals(*scripts: str) -> str:
    return "\n".join(f"EVAL '{script}' 0" for script in scripts)


DECLARED: Final = (
    client_commands,
    pubsub_commands,
    script_commands,
    server_commands,
    session_commands,
)

CASES: Final = {
    "results": _evals(
        "return 1", "return 1.99", "return -1.99", "return 1/0", "return 0/0", "return 1e300",
        'return "text"', "return true", "return false", "return nil", "return", 'return {1,nil,2}',
        "return {{{}}}", 'return {1,"a",{true,false,2.5},{}}', 'return {err="My Err"}', "return {err=1}",
        'return {ok="fine"}', "return {ok=1}", 'return {ok="a\\nb"}', "return {double=1.5}",
        "return {double=1/3}", "return {map={a=1}}", "return {set={a=true}}", "return function() end",
        "return redis.call", "return ...", 'return {1,{err="inside"},2}', 'return {{ok="inside"}}',
        "return {map={[1]={2,3}}}", "return {a=1}", "return {verbatim_string={string=\"x\",format=\"txt\"}}",
        "return {big_number=\"1234567890\"}", "return {double=1/0}", "return {map={}}", "return 4503599627370497",
        "return {err=\"-x\"}", "return 2^62", "return 2^63", "return -2^63", "return -0",
    ),
    "errors": _evals(
        'error("a")', 'error({err="My"})', 'error({err="ERR My"})', "error()", "error(12)", "error(true)",
        "local a={} a[1][2]=3", 'error("a", 0)', 'error("a", 2)', "x=1", "return x", "string.x=1", 'rawset(_G,"x",1)',
        'rawset(string,"x",1)', "redis.call=1", "setmetatable(_G,{})", "KEYS=1", 'KEYS[1]="a" return KEYS',
        "if", "return 1 2", "x = = 2", "end", "return pairs(1)", "return tostring()", "return ipairs()",
        "return nil .. 1", "return #5", "return {} < {}", "return print", "return os", "return require",
        "return dofile", "return loadfile", "return io", "return debug", "return getfenv", "return setfenv",
        "return package", "return newproxy", "return python", "return module",
        'local f = function() error("deep") end f()',
        'return loadstring("x=1")()', 'return loadstring("return 5")()', 'return loadstring("return x")()',
        'return {loadstring("=")}', 'return loadstring("\\27Lua")', 'return load(function() return nil end)',
        'return string.rep()', 'return ("x"):rep(3)', 'return ("x").y', 'return table.concat({1,{}})',
    ),
    "calls": _evals(
        'return redis.call("set","a","b")', 'return redis.call("get","a")', 'return redis.call("get","none")',
        'return redis.call("SET","n",5)', 'return redis.call("incr","n")', 'return redis.call("incrby","n",2.0)',
        'return redis.call("set","f",1.5)', 'return redis.call("get","f")', 'return redis.call("set","big",1e20)',
        'return redis.call("get","big")', 'return redis.call("set")', 'return redis.call("foo")',
        'return redis.call("incr","l","l")', 'return redis.call("lpush","a","v")', 'return redis.pcall("lpush","a","v")',
        "return redis.call()", "return redis.pcall()", "return redis.call({})", 'return redis.call("set","a",nil)',
        'return redis.call("set","a",true)', 'return redis.pcall("foo")', 'return {redis.pcall("foo")}',
        'return redis.call("rpush","list",1,2,3)', 'return redis.call("lrange","list",0,-1)',
        'return #redis.call("lrange","list",0,-1)', 'return redis.call("hset","h","f","v")',
        'return redis.call("hgetall","h")', 'return redis.call("hmget","h","f","none")',
        'return redis.call("zadd","z",1.5,"m")', 'return redis.call("zscore","z","m")',
        'return redis.call("zrange","z",0,-1,"withscores")', 'return redis.call("eval","return 1",0)',
        'return redis.call("select",1)', 'return redis.call("get","a")', 'return redis.call("select",99)', 'return redis.call("ping")',
        'return redis.call("ping","x")', 'return redis.call("echo","x")', 'return type(redis.call("time")[1])',
        'return redis.call("multi")', 'return redis.call("blpop","x",0)',
        'return redis.call("script","load","return 1")', 'return redis.call("config","get","*")',
        'return redis.call("client","id")', 'return redis.call("watch","x")', 'return redis.call("object","encoding","a")',
        'return redis.call("object","foo","a")', 'return redis.call("object")', 'return redis.call("xadd","s","1-1","f","v")', 'return redis.call("xrange","s","-","+")',
        'return redis.call("xread","block",0,"streams","s","$")', 'return redis.call("dbsize")', 'return redis.call("type","a")',
        'return redis.call("type","a").ok', 'return redis.call("set","a","b").ok', 'return redis.call("sadd","set","x")',
        'return redis.call("smembers","set")', 'return redis.call("get","list")', "return redis.sha1hex(\"\")", 'return redis.sha1hex("abc")',
        "return redis.sha1hex()", "return redis.sha1hex(1)", "return redis.sha1hex(1,2)", "return redis.sha1hex({})",
        'local ok, e = pcall(redis.call, "foo") return {type(e), e}', 'local ok, e = pcall(redis.call, "lpush", "a", 1) return {type(e), e}',
        'local e = redis.pcall("lpush", "a", 1) local n = {} for k in pairs(e) do n[#n+1]=k end table.sort(n) return n',
        'local e = redis.pcall("lpush", "a", 1) return {e.err, e.source or "", tostring(e.line)}',
        'local ok, e = pcall(error, {err="x"}) return {type(e), e}', 'local ok, e = pcall(error, "x") return e',
        'return redis.call("getdel","a")', "return redis.call(\"sort\",\"list\",\"desc\")",
        'return {xpcall(function() error("x") end, function(m) return m .. "!" end)}',
        'redis.call("set","a","1") error("after")', 'return redis.call("get","a")',
    ),
    "calls that would wait": _evals(
        'redis.call("rpush","l","1","2","3","4")', 'redis.call("zadd","z",1,"a",2,"b")', 'redis.call("xadd","x","1-1","f","v")',
        'return redis.call("xgroup","create","x","g","0")', *(f"return {{redis.pcall({call})}}" for call in (
            '"blpop","l",0', '"brpop","l",0', '"blmove","l","k","left","left",0', '"brpoplpush","l","k",0', '"bzpopmin","z",0', '"bzpopmax","z",0',
            '"wait",0,0', '"blmpop",0,1,"l","left"', '"BLMPOP",0,2,"none","l","right","count",2', '"blmpop",0,1,"none","left"', '"blmpop","x",1,"l","left"',
            '"blmpop",0,1,"z","left"', '"bzmpop",0,1,"z","min"', '"bzmpop",0,2,"none","z","max","count",5', '"bzmpop",0,1,"none","min"', '"bzmpop",-1,1,"z","min"',
            '"xread","block",0,"streams","x","$"', '"XREAD","COUNT",1,"BLOCK",0,"STREAMS","x","0"', '"xread","streams","block","0"',
            '"xread","foo","block",0,"streams","x","0"', '"xread","block"', '"xreadgroup","group","g","c","streams","x",">"',
            '"xreadgroup","group","g","block","count",1,"streams","x","0"', '"XReadGroup","group","g","c","noack","block",1,"streams","x",">"',
        )),
    ),
    "redis": _evals(
        "return redis.REDIS_VERSION", "return redis.REDIS_VERSION_NUM", "return redis.LOG_DEBUG", "return redis.LOG_WARNING",
        "return {redis.REPL_NONE,redis.REPL_AOF,redis.REPL_SLAVE,redis.REPL_REPLICA,redis.REPL_ALL}",
        "return redis.replicate_commands()", "return redis.set_repl(redis.REPL_ALL)", "return redis.set_repl(99)",
        "return redis.set_repl()", "return redis.log()", "return redis.log(1)", 'return redis.log(9,"a")',
        'return redis.log("x","y")', 'return redis.log(redis.LOG_DEBUG,"y")', "return redis.breakpoint()",
        'return redis.debug("a")', 'return redis.acl_check_cmd("get","a")', 'return redis.foo', "return redis.setresp(4)", "return redis.setresp()",
        "return redis.setresp(3)", 'return redis.setresp("3")', 'return redis.error_reply("My Err")', 'return redis.error_reply("-My Err")',
        'return redis.error_reply("")', 'return redis.error_reply("x")', "return redis.error_reply()", "return redis.error_reply(1)", 'return redis.status_reply("")',
        'return redis.status_reply("fine")', "return redis.status_reply()", "return redis.status_reply(1)",
        'return redis.acl_check_cmd("nope")', "return redis.acl_check_cmd()", 'return redis.error_reply("ERR x").err',
    ),
    "resp 3": _evals(
        *("redis.setresp(3) " + line for line in (
            "return true", "return false", 'return redis.call("get","none")', 'redis.call("hset","h","f","v") return redis.call("hgetall","h")',
            'local t = redis.call("hgetall","h") return t.map.f', 'redis.call("sadd","s","x") return redis.call("smembers","s")',
            'return redis.call("smembers","s").set.x', 'redis.call("zadd","z",1.5,"m") return redis.call("zscore","z","m")',
            'return redis.call("zscore","z","m").double', 'return redis.call("zrange","z",0,-1,"withscores")',
            'return redis.call("zrange","z",0,-1,"withscores")[1][2].double', "return {true,false,nil,1}", 'return {map={a=true}}',
            'return type(redis.call("get","none"))', 'return redis.call("mget","none","other")', 'return #redis.call("mget","none","other")',
            'redis.call("xadd","st","1-1","f","v") return redis.call("xread","streams","st","0")',
            'return redis.call("config","get","x")', 'return redis.call("hrandfield","h",1,"withvalues")', "return {double=2}",
        )),
        'return type(redis.call("get","none"))', 'return redis.call("hgetall","h")',
    ),
    "random": _evals(
        "math.randomseed(3) return tostring(math.random())", "math.randomseed(-3) return tostring(math.random())",
        "math.randomseed(3.7) return tostring(math.random())", "math.random(0)", "math.random(3,1)", "math.randomseed()",
        "math.randomseed(7) return {math.random(5,7),math.random(5,7),math.random(100)}",
        "math.randomseed({})",
    ),
    "lua": _evals(
        "return _VERSION", 'return string.format("%5.2f %d %s %q", 1.234, 3, "x", "y")', 'return ("a,b"):gsub(",", ";")',
        'return {string.find("hello", "l+")}', 'return table.concat({1,2,3}, "-")', "local t = {3,1,2} table.sort(t) return t",
        "return {unpack({1,2,3})}", "return select(\"#\", 1, nil, 3)", "return tostring(1e15)", "return tostring(0.1)",
        "return tostring(1e100)", "return tonumber(\"0x10\")", "return tonumber(\"z\", 36)", "return math.floor(-1.5)", "return math.huge",
        "local t = setmetatable({}, {__index = function(t, k) return k end}) return t.abc", "return table.getn({1,2})",
        "local c = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end) local _, x = coroutine.resume(c, 1) local _, y = coroutine.resume(c, 10) return {x, y, coroutine.status(c)}",
        "local f = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return {f(), f(), f()}",
        "local c = coroutine.create(function() error(\"x\") end) return {coroutine.resume(c)}",
        "local r = {} for k, v in pairs({1, 2, 3}) do r[#r + 1] = v end return r", "return next({})", "return {next({5})}",
        "return #KEYS", "return type(_G)", "return rawequal(_G, _G)", "return rawget(string, \"rep\") == string.rep",
        "local n = 0 for k in pairs(string) do n = n + 1 end return n > 5", "return string.gfind ~= nil", "return collectgarbage(\"count\") >= 0",
        "local r = {} for k in pairs(redis) do r[#r + 1] = k end table.sort(r) return r",
    ),
    "keys and arguments": """
        EVAL 'return {KEYS[1],KEYS[2],ARGV[1],ARGV[2],#KEYS,#ARGV}' 2 a b c d
        EVAL 'return ARGV' 0 1 2 3
        EVAL 'return KEYS' 1 a b
        EVAL 'return KEYS[2]' 1 a b
        EVAL
        EVAL x
        EVAL 'return 1' a
        EVAL 'return 1' -1
        EVAL 'return 1' 1
        EVAL 'return 1' 99999999999999999999
        EVAL 'return #ARGV[1]' 0 "a\\x00b"
        EVAL 'ARGV[1] = 5 return ARGV' 0 1 2
    """,
    "read only": """
        SET a 1
        EVAL_RO 'return redis.call("get", KEYS[1])' 1 a
        EVAL_RO 'return redis.call("set", KEYS[1], 2)' 1 a
        EVAL_RO 'return redis.pcall("set", KEYS[1], 2)' 1 a
        EVAL_RO 'return redis.call("sort", KEYS[1])' 1 l
        EVAL_RO 'return redis.call("pfcount", KEYS[1])' 1 hll
        EVAL_RO 'return redis.call("time") ~= nil' 0
        EVAL_RO 'return redis.call("exists", KEYS[1])' 1 a
        EVAL_RO 'error("x")' 0
        EVAL_RO 'return 1' x
        GET a
    """,
    "first line": """
        EVAL "#!lua\\nreturn 1" 0
        EVAL "#!lua flags=no-writes\\nreturn redis.call('set', KEYS[1], 'b')" 1 a
        EVAL "#!lua flags=no-writes\\nreturn redis.call('get', KEYS[1])" 1 a
        EVAL "#!lua flags=foo\\nreturn 1" 0
        EVAL "#!lua foo=bar\\nreturn 1" 0
        EVAL "#!py\\nreturn 1" 0
        EVAL "#!lua" 0
        EVAL "#!lua flags=allow-oom,allow-stale,no-cluster,allow-cross-slot-keys\\nreturn 1" 0
        EVAL "#!lua flags=\\nreturn 1" 0
        EVAL "#!lua flags=no-writes flags=allow-oom\\nreturn 1" 0
        EVAL "#!lua\\nerror('x')" 0
        EVAL_RO "#!lua\\nreturn redis.call('set', 'a', 1)" 0
        EVAL "#!/bin/lua\\nreturn 1" 0
        EVAL "# comment\\nreturn 1" 0
    """,
}  # fmt: skip

JSON: Final = {
    "encode": _evals(*(f"return cjson.encode({value})" for value in (
        "{}", "{1,2,3}", "{a=1}", "{[1]=1,[3]=3}", "{[1]=1,[100]=3}", "{[10]=1}", "{[11]=1}", "{1,a=2}", "1.5",
        "1e15", "1e16", "0.1", "1/3", "1/0", "0/0", '"a\\"\\\\/\\n\\t\\0\\127"', "true", "nil", "cjson.null", "", "1,2",
        "function() end", "{function() end}", "{[true]=1}", "{[1.5]=1}", "{[-1]=1}", "12345678901234567890",
        "{1,nil,3}", "{a={}}", "{[0]=1}", "{{{1},{2}},{a={b={c=1}}}}", "{1,2,nil}", "2^53", "-1",
    )), "local t={} t[1]=t return cjson.encode(t)", "return tostring(cjson.null)", "return type(cjson.null)",
        "return cjson._NAME .. cjson._VERSION", "return {cjson.encode_sparse_array()}", "return cjson.encode_max_depth()"),
    "decode": _evals(*(f"return cjson.decode({value!r})".replace(chr(39), "[==[", 1).replace(chr(39), "]==]") for value in (
        '[1,2.5,"x",null,true,{"a":1}]', '{"a":[]}', "null", "", "{", "[1,]", "nul", "1 2", '{"a" 1}', "{a:1}", '"abc', '"',
        "NaN", "0x10", "01", "-", "1e5", "[1,2", '{"a":1', '{"a":1 "b"}', "[tru]", " 1 ", "+1", "1.", ".5", "]",
        '{"a":}', "[[[[1],2],3],4]", '{"a":{"b":{"c":[]}}}', "false", "-1.5e-3", "[,1]", "{,}", "[1 2]", "[true false]", "[[]",
        "{}}", "[null,null]", "123456789012345678901234567890",
    )), "return cjson.decode(1)", "return cjson.decode({})", "return cjson.decode()",
        *(f'return cjson.decode("{text}")' for text in ("\\0", "\\0\\0", "1\\0", "\\0001", "1 \\0", "1 \\0\\0")),
        'return cjson.decode(("["):rep(1001)..("]"):rep(1001))', 'return tostring(cjson.decode("Infinity"))',
        'return tostring(cjson.decode("null"))', 'return cjson.decode("[null]")[1] == cjson.null'),
}  # fmt: skip
BITS: Final = {
    "bit": _evals(*(f"return bit.{call}" for call in (
        "tobit(2^31)", "tobit(-1)", "tobit(2^32+5)", "tobit(1.5)", "tobit(2.5)", "tohex(255)", "tohex(255,4)", "tohex(-1,-8)", "tohex(1,0)",
        "bnot(0)", "band(12,10)", "bor(12,10,1)", "bxor(12,10)", "lshift(1,31)", "rshift(-1,28)", "arshift(-256,4)",
        "rol(2^31,1)", "ror(1,1)", "bswap(1)", "lshift(1,33)", "band(5)",
    ))),
}  # fmt: skip

MESSAGE_PACK: Final = {
    "pack": _evals(*(f"return cmsgpack.pack({values})" for values in (
        "{1,2,3}", "{a=1}", "1.5", "", '1,"a",nil', "{[1]=1,[3]=3}", "{}", "2^40", "-5,200,-200,70000,-70000,2^31,-2^31,-2^40",
        "function() end", "1e300", "0.1", "true,false", '("x"):rep(40)', '("x"):rep(300)', '("x"):rep(70000)', "{{{1},{a={b=2}}},{}}",
        "{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17}", "127,128,255,256,65535,65536,2^32", "-32,-33,-128,-129", "1/0",
    ))),
    "unpack": _evals(*(f"return {{cmsgpack.unpack{call}}}" for call in (
        '(cmsgpack.pack({1,{a=2},"x",true}))', '("\\193")', '("\\1\\2\\3")', '_one("\\1\\2\\3",1)', '_one("\\1")',
        '_limit("\\1\\2\\3",2,0)', '("\\220")', '("")', "({})", "(cmsgpack.pack(2^40, -7, 1.5, 0.1))", '("\\165abc")', '_one("\\1\\2",5)',
    )), "return cmsgpack.unpack(cmsgpack.pack({a={b={1,2}}})).a.b", "return cmsgpack._NAME .. cmsgpack._VERSION"),
}  # fmt: skip

STRUCT: Final = {
    "struct": _evals(*(f"return {{struct.{call}}}" for call in (
        'pack("i4",1)', 'size("i4d")', 'pack(">I2sb","1","ab",3)', 'unpack("<i2",string.char(1,0,9))', 'pack("z",1)', 'unpack("i4","x")',
        'pack("i3",-1)', 'pack("!4bi",1,2)', 'pack("c0","abc")', 'pack("c5","abc")', 'pack("c2","abc")', 'pack("x")', 'pack("f",1.5)',
        'unpack("s","ab\\0cd")', 'unpack("bc0","\\3abcd")', 'size("s")', 'pack("i33",1)', 'pack("i",1)', 'pack("i")', 'pack("i","x")',
        'pack("<I8>I8",1,1)', 'unpack("i","\\1\\0\\0\\0",2)', 'unpack("b","\\1\\2",2)', 'pack("!3i",1)', 'size("c0")', 'unpack("s","ab")',
        'unpack("c0","ab")', 'pack("l",2^40)', 'pack("B",300)', 'pack("I4",-1)', 'unpack("I8",("\\255"):rep(8))', 'unpack("!","")',
        'size("!bd")', "pack()", 'pack("i16",-2)', 'unpack("b","a",0)', 'unpack("b","a",5)', 'pack("d","1.5")', 'pack("s",5)',
        'unpack("xb","\\1\\2")', 'unpack(">h<h","\\1\\2\\1\\2")', 'unpack("d",struct.pack("d",0.1))', 'pack("b",-1.9)', 'unpack("b","\\255")',
    ))),
}  # fmt: skip

test_struct_of_redis = replies_test(STRUCT)
test_message_pack_of_redis = replies_test(MESSAGE_PACK)
test_json_of_redis = replies_test(JSON)
test_bits_of_redis = replies_test(BITS)
test_replies_of_redis = replies_test(CASES)

BY_NAME: Final = """
    SCRIPT FLUSH
    EVALSHA abc 0
    EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db x
    SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db
    SCRIPT LOAD 'return 1'
    SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db abc E0E1F9FABFC9D4800C877A703B823AC0578FF8DB
    EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0
    EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    SCRIPT LOAD 'x ='
    EVAL 'return redis.call("incr", KEYS[1])' 1 n
    EVALSHA 1c05be8ff2edc5c5a5d7d7b0a9cf9b3f7e8e9fdd 1 n
    SCRIPT FLUSH foo
    SCRIPT FLUSH SYNC x
    SCRIPT FLUSH ASYNC
    SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db
    EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    EVAL 'return 1' 0
    EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
    EVAL_RO 'return 2' 0
    EVALSHA 7f923f79fe76194c868d7e1d0820de36700eb649 0
    SCRIPT KILL
    SCRIPT DEBUG foo
    SCRIPT DEBUG NO
    SCRIPT HELP
    SCRIPT FOO
    SCRIPT LOAD
    SCRIPT
    SCRIPT FLUSH
"""


@pytest.mark.parametrize("mode", ["server 2", "server 3"])
def test_scripts_by_name(mode: str, reference: Reference, handlers: Ours, served: Served) -> None:
    run(BY_NAME, mode, reference, handlers, served)


def test_a_transaction_with_scripts_by_name(
    reference: Reference, handlers: Ours, served: Served
) -> None:
    text = b"return redis.call('incr', KEYS[1])"
    name = hashlib.sha1(text).hexdigest()
    for server in (reference, served):
        server.call([b"SCRIPT", b"LOAD", text])
    lines = f"EVALSHA {name} 1 n\nGET n\nEVALSHA {name} 1 n\nEVALSHA {name[::-1]} 1 n\nGET n"
    run(lines, "transaction 2", reference, handlers, served)


ONE: Final = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"  # of 'return 1'
TWO: Final = "7f923f79fe76194c868d7e1d0820de36700eb649"  # of 'return 2'
QUEUED: Final = {
    "loaded there": f"SCRIPT LOAD 'return 1'\nEVALSHA {ONE} 0\nSCRIPT EXISTS {ONE}\nEVALSHA_RO {ONE} 0",
    "sent there": f"EVALSHA {ONE} 0\nEVAL 'return 1' 0\nEVALSHA {ONE.upper()} 0\nSCRIPT EXISTS {ONE} {TWO}",
    "forgotten there": f"""
        EVAL 'return 1' 0
        EVALSHA {ONE} 0
        SCRIPT FLUSH
        EVALSHA {ONE} 0
        SCRIPT EXISTS {ONE} {TWO}
        SCRIPT FLUSH foo
        EVAL_RO 'return 2' 0
        SCRIPT EXISTS {ONE} {TWO}
        EVALSHA {TWO} 0
        SCRIPT FLUSH ASYNC
        EVALSHA {TWO} 0
        EVAL 'x =' 0
        SCRIPT LOAD 'x ='
        SCRIPT LOAD 'return 2'
        EVALSHA {TWO} 0
    """,
    "refused": "SCRIPT LOAD\nSCRIPT EXISTS",
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", QUEUED)
def test_which_scripts_a_transaction_knows_is_told_by_what_ran_before(
    name: str, known: bool, reference: Reference, handlers: Ours, served: Served
) -> None:
    lines = f"SCRIPT FLUSH\nSET key 1\n{'EVAL_RO' if known else 'ECHO'} 'return 1' 0"
    run(lines, "server 2", reference, handlers, served)
    run(QUEUED[name], "transaction 2", reference, handlers, served)
    run(f"SCRIPT EXISTS {ONE} {TWO}", "server 2", reference, handlers, served)


def test_a_discarded_transaction_loads_nothing(
    reference: Reference, handlers: Ours, served: Served
) -> None:
    lines = f"SCRIPT FLUSH\nMULTI\nEVAL 'return 1' 0\nSCRIPT LOAD 'return 2'\nDISCARD\nSCRIPT EXISTS {ONE} {TWO}"
    run(lines, "server 2", reference, handlers, served)


def test_a_script_loaded_after_it_was_queued_is_known(
    reference: Reference, handlers: Ours, served: Served
) -> None:
    for server in (reference, served):
        server.call([b"SCRIPT", b"FLUSH"])
        server.call([b"MULTI"])
        server.call([b"EVALSHA", ONE.encode(), b"0"])
        server.call([b"SCRIPT", b"LOAD", b"return 1"], resp=3)  # the other connection
        assert server.call([b"EXEC"]) == b"*1\r\n:1\r\n"


def test_long_commands_in_scripts(reference: Reference, handlers: Ours, served: Served) -> None:
    """What others are served beside is done in one go here, and its errors end the script."""
    items = b" ".join([b"%d" % (number * 7 % 30_011) for number in range(30_000)]).decode()
    lines = f"""
        RPUSH list {items}
        RPUSH texts {items} x
        EVAL 'return redis.call("SORT", "list", "LIMIT", "5", "3")' 1 list
        EVAL 'return #redis.call("SORT", "list", "DESC")' 1 list
        EVAL 'redis.call("SORT", "texts") redis.call("SET", "after", "1")' 1 texts
        EVAL 'return redis.pcall("SORT", "texts")' 1 texts
        EXISTS after
    """
    run(lines, "handlers 2", reference, handlers, served)


@pytest.mark.parametrize(
    "line",
    [
        'EVAL \'return redis.call("SET", "r", redis.call("OBJECT", "ENCODING", "ints"))\' 0',
        'EVAL \'return redis.call("RPUSH", "r", unpack(redis.call("SMEMBERS", "ints")))\' 0',
        'EVAL \'return redis.call("SET", "r", redis.call("ZSCAN", "z", 0)[2][2])\' 0',
        'EVAL \'return redis.call("HSET", "r", unpack(redis.call("HSCAN", "h", 0, "COUNT", 1)[2]))\' 0',
        'EVAL \'return redis.call("SET", "r", redis.call("OBJECT", "REFCOUNT", "z"))\' 0',
        "SORT ints BY none* ALPHA STORE r",
    ],
)
def test_what_is_stored_does_not_follow_from_the_options_of_a_node(
    line: str, reference: Reference, handlers: Ours, served: Served
) -> None:
    lines = f"SADD ints 3 1 2\nZADD z 1e17 a\nHSET h a 1 b 2\n{line}\nTYPE r"
    run(lines, "handlers 2", reference, handlers, served)


@pytest.mark.parametrize("call", ["OBJECT IDLETIME", "OBJECT FREQ", "MEMORY USAGE"])
def test_scripts_that_write_do_not_see_what_each_node_knows_for_itself(
    call: str, handlers: Ours
) -> None:
    words = ",".join(f"'{word}'" for word in [*call.split(), "k"]).encode()
    handlers.call([b"SET", b"k", b"v"])
    reply = handlers.call([b"EVAL", b"return redis.pcall(%b)" % words, b"0"])
    assert reply.startswith(b"-ERR This Redis command is not allowed from script")
    reply = handlers.call([b"EVAL_RO", b"return redis.pcall(%b)" % words, b"0"])
    assert b"not allowed" not in reply
    handlers.check_replicas()


SHORT_OF_MEMORY: Final = """
    EVAL 'return redis.call("set", KEYS[1], "v")' 1 a
    EVAL 'return redis.pcall("set", KEYS[1], "v")' 1 a
    EVAL 'return redis.call("get", KEYS[1])' 1 a
    EVAL 'return redis.call("del", KEYS[1])' 1 a
    EVAL 'redis.call("del", KEYS[1]) return redis.call("set", KEYS[1], "v")' 1 a
    EVAL_RO 'return redis.call("get", KEYS[1])' 1 a
    EVAL "#!lua\\nreturn 1" 0
    EVAL "#!lua flags=no-writes\\nreturn 1" 0
    EVAL "#!lua flags=allow-oom\\nreturn redis.call('set', KEYS[1], 'v')" 1 b
    EVAL_RO "#!lua flags=no-writes\\nreturn 1" 0
"""


def test_scripts_when_memory_is_short(reference: Reference, handlers: Ours, served: Served) -> None:
    try:
        run("CONFIG SET maxmemory 1", "server 2", reference, handlers, served)
        run(SHORT_OF_MEMORY, "server 2", reference, handlers, served)
    finally:
        for server in (reference, served):
            server.call([b"CONFIG", b"SET", b"maxmemory", b"0"])


# Without -0.0, whose sign is lost between Lua and Python: cjson makes 0 of it, Redis -0.
NUMBERS: Final = st.integers(-(10**20), 10**20) | st.floats().map(lambda number: number or 0.0)
JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda values: (
        st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=4), values, max_size=1)
    ),
    max_leaves=12,
)
BYTES: Final = st.binary(max_size=12)


def _eval(text: str, *arguments: bytes) -> list[bytes]:
    return [b"EVAL", text.encode(), b"0", *arguments]


test_json_that_hypothesis_makes_up = sequences_test(
    st.lists(
        st.builds(
            lambda value: _eval(
                "return cjson.encode(cjson.decode(ARGV[1]))", json.dumps(value).encode()
            ),
            JSON_VALUES,
        )
        | st.builds(lambda text: _eval("return cjson.decode(ARGV[1])", text), BYTES)
        | st.builds(lambda text: _eval("return cjson.encode(ARGV[1])", text), BYTES)
        | st.builds(
            lambda value: _eval(
                "return cmsgpack.pack(cmsgpack.unpack(cmsgpack.pack(cjson.decode(ARGV[1]))))",
                json.dumps(value).encode(),
            ),
            JSON_VALUES,
        ),
        max_size=8,
    )
)


@pytest.mark.parametrize(
    ("script", "refusal"),
    [
        (
            "return redis.pcall('BLMPOP', 0, 1, 'list', 'LEFT').err",
            b"ERR BLMPOP command is not allowed with BLOCK option from scripts",
        ),
        (
            "return redis.pcall('SPUBLISH', 'channel', 'message').err",
            b"ERR This Redis command is not allowed from script",
        ),
        (
            "return select(2, pcall(cjson.encode_max_depth, 5))",
            b"cjson's settings cannot be changed here",
        ),
    ],
)
def test_by_semantics_2_scripts_are_refused_what_they_may_do_now(
    script: str, refusal: bytes
) -> None:
    keyspace = Keyspace(1)
    keyspace.begin_entry(1, 1, 1, semantics=2)
    command = lookup(b"EVAL")
    assert command is not None
    assert command.handler(keyspace, _eval(script)) == refusal


def _script_fields(server: Reference | Served) -> dict[bytes, bytes]:
    _, _, body = server.call([b"INFO", b"memory"]).partition(b"\r\n")
    fields = dict(line.split(b":", 1) for line in body.split(b"\r\n") if b":" in line)
    names = (b"lua", b"_vm_", b"script", b"function", b"librar")
    return {key: fields[key] for key in fields if any(name in key for name in names)}


def test_info_tells_what_scripts_take(reference: Reference, served: Served) -> None:
    fields = []
    for server in (reference, served):
        server.call([b"SCRIPT", b"FLUSH"])
        empty = _script_fields(server)
        server.call([b"SCRIPT", b"LOAD", b"return 1" + b" " * 5_000])
        server.call([b"EVAL", b"return 2", b"0"])
        server.call([b"EVALSHA", TWO.encode(), b"0"])
        fields.append(found := _script_fields(server))
        grown = int(found[b"used_memory_scripts"]) - int(empty[b"used_memory_scripts"])
        assert 5_000 < grown < 8_000
        assert found[b"used_memory_vm_eval"] == found[b"used_memory_lua"]
        vms = (b"used_memory_vm_eval", b"used_memory_vm_functions")
        assert int(found[b"used_memory_vm_total"]) == sum(int(found[name]) for name in vms)
        assert (empty[b"number_of_cached_scripts"], found[b"number_of_cached_scripts"]) == (
            b"0",
            b"2",
        )
    assert list(fields[0]) == list(fields[1])
