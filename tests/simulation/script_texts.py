"""The scripts that simulated users run, and how they call them."""

from hashlib import sha1

from respkv.wire.run import Argv
from tests.simulation.script_checker import COUNT_MAX, MANY_CALLS

RELEASE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
COUNT_UP = (
    b"""
if tonumber(redis.call('GET', KEYS[1]) or 0) + ARGV[1] > %d then return -1 end
return redis.call('INCRBY', KEYS[1], ARGV[1])
"""
    % COUNT_MAX
)
COUNT_MANY = (
    b"""
local count
for _ = 1, %d do count = redis.call('INCR', KEYS[1]) end
return count
"""
    % MANY_CALLS
)
RUN_AWAY = b"""
redis.call('INCR', KEYS[1])
while true do redis.call('INCR', KEYS[2]) end
"""
MOVE = b"""
local n = math.min(ARGV[1], redis.call('GET', KEYS[1]) or 0)
return {redis.call('DECRBY', KEYS[1], n), redis.call('INCRBY', KEYS[2], n)}
"""
READ_ACCOUNTS = b"""
local n = redis.call('MGET', KEYS[1], KEYS[2])
return {tonumber(n[1] or 0), tonumber(n[2] or 0)}
"""
WRITE = b"""
local t = redis.call('TIME')
local value = table.concat({ARGV[1], math.random(1e9), t[1], t[2]}, ':')
redis.call('SET', KEYS[1], value)
return value
"""
WRITE_AND_FAIL = b"""
redis.call('SET', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[1], 'e')
redis.call('SET', KEYS[1], 'never')
"""
TAKE = b"""
local taken = redis.call('BLMPOP', 0, 1, KEYS[1], 'LEFT')
return taken and taken[2][1]
"""
TEXTS = (
    RELEASE,
    COUNT_UP,
    COUNT_MANY,
    RUN_AWAY,
    MOVE,
    READ_ACCOUNTS,
    WRITE,
    WRITE_AND_FAIL,
    TAKE,
)


def name_of(text: bytes) -> bytes:
    """Return the name EVALSHA knows a script by."""
    return sha1(text).hexdigest().encode()


def eval_of(text: bytes, keys: list[bytes], *arguments: bytes, command: bytes = b"EVAL") -> Argv:
    """Return the call of a script with its text."""
    return [command, text, b"%d" % len(keys), *keys, *arguments]


def by_name(argv: Argv) -> Argv:
    """Return the call of the same script by its name."""
    return [argv[0].replace(b"EVAL", b"EVALSHA"), name_of(argv[1]), *argv[2:]]
