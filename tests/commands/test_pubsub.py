"""Pub/sub between connections: every reply and message is redis-server's, in its order.

How a script is written: `sessions.py`. Where Redis walks a hash table its order is nobody's
promise: the scripts unsubscribe from one thing at a time, or by name.
"""

import pytest

from tests.commands.reference import Reference, Served
from tests.commands.sessions import differences

# (P|S)UNSUBSCRIBE of everything comes in Redis' own order, so there is one of a kind at its end.
SCRIPTS = {
    "a message": """
        a: SUBSCRIBE news
        b: PUBLISH news hello
        a<
        b: PUBLISH other hello
        b: PUBLISH news ""
        a<
        a: UNSUBSCRIBE news
        b: PUBLISH news hello
        a: GET k
        """,
    "several channels": r"""
        a: SUBSCRIBE one two one
        a<
        a<
        b: PUBLISH two 2
        a<
        b: PUBLISH one 1
        a<
        a: SUBSCRIBE one
        a: UNSUBSCRIBE two nosuch
        a<
        b: PUBLISH two 2
        b: PUBLISH one 1
        a<
        a: UNSUBSCRIBE
        b: PUBLISH one 1
        a: UNSUBSCRIBE
        a: UNSUBSCRIBE one two
        a<
        a: PUNSUBSCRIBE
        a: SUNSUBSCRIBE
        a: PUNSUBSCRIBE x
        a: SUNSUBSCRIBE x
        a: GET k
        """,
    "patterns": r"""
        a: PSUBSCRIBE n?ws.*
        b: PUBLISH news.art 1
        a<
        b: PUBLISH nws.art 1
        a: PSUBSCRIBE n?ws.*
        a: PSUBSCRIBE h[ae]llo
        b: PUBLISH hallo 1
        a<
        b: PUBLISH hillo 1
        a: PSUBSCRIBE "*"
        b: PUBLISH hillo 1
        a<
        b: PUBLISH "" ""
        a: PUNSUBSCRIBE "*"
        a: PSUBSCRIBE a\\\\*
        b: PUBLISH a* 1
        a<
        b: PUBLISH ab 1
        a: PUNSUBSCRIBE a\\\\*
        a: PSUBSCRIBE "**"
        b: PUBLISH "" 1
        b: PUBSUB CHANNELS *
        c: SUBSCRIBE ""
        b: PUBSUB CHANNELS *
        b: PUBLISH long-name-that-no-short-beginning-covers-whole 1
        a<
        a: PUNSUBSCRIBE "**" h[ae]llo nosuch
        a<
        a<
        a: PUNSUBSCRIBE
        a: PUNSUBSCRIBE
        b: PUBSUB NUMPAT
        """,
    "a channel and a pattern": """
        a: SUBSCRIBE news
        a: PSUBSCRIBE n*
        b: PUBLISH news 1
        a<
        a<
        c: SUBSCRIBE news
        b: PUBLISH news 2
        a<
        a<
        c<
        a: PUNSUBSCRIBE n*
        a: UNSUBSCRIBE news
        b: PUBLISH news 3
        c<
        """,
    "shard channels": """
        a: SSUBSCRIBE one
        a: SUBSCRIBE one
        a: SSUBSCRIBE two one
        a<
        b: SPUBLISH one shard
        a<
        b: PUBLISH one all
        a<
        b: SPUBLISH three x
        b: PUBSUB SHARDNUMSUB one two three
        b: PUBSUB NUMSUB one two
        b: PUBSUB CHANNELS
        a: UNSUBSCRIBE one
        a: PING
        a: SUNSUBSCRIBE two three
        a<
        b: PUBSUB SHARDCHANNELS
        a: SUNSUBSCRIBE
        a: SUNSUBSCRIBE
        b: SPUBLISH one x
        a: PING
        """,
    "messages of scripts": """
        a: SSUBSCRIBE one
        c: SUBSCRIBE one
        b: EVAL "redis.call('SPUBLISH', 'one', ARGV[1]) return 'sent'" 0 x
        a<
        b: EVAL "redis.call('publish', 'one', 1) return redis.pcall('spublish', 'two', 2)" 1 key
        c<
        b: EVAL "redis.call('SPUBLISH', 'one', 'before') error('after')" 0
        a<
        b: EVAL_RO "return redis.call('SPUBLISH', 'one', 'x')" 0
        b: EVAL_RO "return redis.call('PUBLISH', 'one', 'x')" 0
        b: MULTI
        b: EVAL "redis.call('SPUBLISH', 'one', 'queued')" 0
        b: EXEC
        a<
        a: SUNSUBSCRIBE
        c: UNSUBSCRIBE
        """,
    "what a subscriber may send": """
        a: SUBSCRIBE news
        a: GET k
        a: GET
        a: get k
        a: NOSUCH
        a: SET k v
        a: MULTI
        a: EXEC
        a: CLIENT LIST x
        a: CLIENT NOSUCH
        a: CONFIG GET maxmemory
        a: PUBLISH other x
        a: SPUBLISH other x
        a: PUBSUB NUMPAT
        a: WATCH k
        a: SELECT 1
        a: PING
        a: PING hello
        a: PING a b
        a: PSUBSCRIBE p
        a: SSUBSCRIBE s
        a: SUNSUBSCRIBE s
        a: PUNSUBSCRIBE p
        a: PING
        a: UNSUBSCRIBE news
        a: PING
        a: PING hello
        a: GET k
        """,
    "only shard channels or patterns": """
        a: SSUBSCRIBE s
        a: GET k
        a: SUNSUBSCRIBE s
        a: GET k
        b: PSUBSCRIBE s
        b: GET k
        b: PUNSUBSCRIBE s
        b: GET k
        """,
    "reset": """
        a: SUBSCRIBE news
        a: PSUBSCRIBE n*
        a: SSUBSCRIBE news
        b: PUBSUB NUMSUB news
        b: PUBSUB NUMPAT
        a: RESET
        b: PUBSUB NUMSUB news
        b: PUBSUB NUMPAT
        b: PUBSUB SHARDCHANNELS
        b: PUBLISH news x
        b: SPUBLISH news x
        a: GET k
        """,
    "quit": """
        a: SUBSCRIBE news
        a: QUIT
        a<
        """,
    "pubsub": """
        a: PUBSUB CHANNELS
        a: PUBSUB CHANNELS *
        b: SUBSCRIBE news
        c: PSUBSCRIBE news*
        a: PUBSUB CHANNELS
        a: PUBSUB CHANNELS n*
        a: PUBSUB CHANNELS m*
        a: PUBSUB channels x y
        a: PUBSUB NUMSUB
        a: PUBSUB NUMSUB news nosuch news
        a: PUBSUB NUMPAT
        a: PUBSUB NUMPAT x
        b: PSUBSCRIBE news*
        a: PUBSUB NUMPAT
        a: PUBSUB SHARDCHANNELS
        a: PUBSUB SHARDCHANNELS x y
        a: PUBSUB SHARDNUMSUB
        a: PUBSUB HELP
        a: PUBSUB HELP x
        a: PUBSUB
        a: PUBSUB FOO
        """,
    "wrong numbers of arguments": """
        a: SUBSCRIBE
        a: PSUBSCRIBE
        a: SSUBSCRIBE
        a: PUBLISH news
        a: PUBLISH news a b
        a: SPUBLISH news
        """,
    "transactions": """
        b: SUBSCRIBE news
        a: MULTI
        a: SET k v
        a: PUBLISH news one
        a: SPUBLISH news one
        a: PUBLISH news two
        a: PUBSUB NUMPAT
        a: EXEC
        b<
        b<
        a: MULTI
        a: PUBLISH news three
        a: DISCARD
        a: MULTI
        a: PUBLISH news
        a: EXEC
        a: MULTI
        a: PUBLISH news four
        a: EXEC
        b<
        a: WATCH k
        b: PING
        c: SET k w
        a: MULTI
        a: PUBLISH news five
        a: EXEC
        b: PING
        """,
    "subscribing in a transaction": """
        a: MULTI
        a: SSUBSCRIBE s
        a: SUNSUBSCRIBE s
        a: UNSUBSCRIBE
        a: PUNSUBSCRIBE x
        a: EXEC
        a: MULTI
        a: SUBSCRIBE news
        """,
    "a wrong argument breaks it": """
        a: MULTI
        a: SUBSCRIBE
        a: EXEC
        """,
    "pipelined": r"""
        b: SUBSCRIBE news
        a>> SET k 1\r\nPUBLISH news 1\r\nSET k 2\r\nPUBLISH news 2\r\nGET k\r\nPUBLISH news 3\r\n
        a<
        a<
        a<
        a<
        a<
        a<
        b<
        b<
        b<
        c>> SET k 3\r\nSUBSCRIBE x y\r\nPING\r\nUNSUBSCRIBE x\r\nPING\r\nUNSUBSCRIBE y\r\nGET k\r\n
        c<
        c<
        c<
        c<
        c<
        c<
        c<
        c<
        """,
    "a muted subscriber": r"""
        a>> CLIENT REPLY OFF\r\nSUBSCRIBE news\r\n
        a<
        b: PUBLISH news x
        a<
        a>> UNSUBSCRIBE\r\nCLIENT REPLY ON\r\n
        a<
        a<
        a>> CLIENT REPLY SKIP\r\nSUBSCRIBE news\r\nPING\r\n
        a<
        a<
        """,
    "lists of clients": """
        a: SUBSCRIBE one two
        a<
        a: PSUBSCRIBE p*
        b: SSUBSCRIBE s
        c: CLIENT LIST TYPE pubsub
        c: CLIENT LIST TYPE PUBSUB x
        c: CLIENT LIST
        c: CLIENT KILL TYPE pubsub
        a<
        b<
        c: PUBSUB CHANNELS
        c: PUBSUB SHARDCHANNELS
        c: PUBSUB NUMPAT
        c: CLIENT KILL TYPE pubsub
        """,
    "paused writes": """
        a: CLIENT PAUSE 50 WRITE
        a: PUBLISH news x
        a: CLIENT PAUSE 50 WRITE
        a: SPUBLISH news x
        """,
}
# With RESP3, messages are pushes and a subscriber may send anything.
SCRIPTS_RESP3 = {
    "to itself": """
        a: SUBSCRIBE news
        a: PUBLISH news hello
        a<
        a: SET k v
        a: GET k
        a: MULTI
        a: GET k
        a: EXEC
        """,
    "with RESP2 from now on": """
        a: SUBSCRIBE news
        a: GET k
        a: HELLO 2 AUTH
        a: HELLO 2
        a: GET k
        a: HELLO 3
        b: PUBLISH news x
        a<
        a: RESET
        a: GET k
        """,
    "both versions": """
        a: SUBSCRIBE news
        b: RESET
        b: SUBSCRIBE news
        b: PSUBSCRIBE ne*
        c: PUBLISH news x
        a<
        b<
        b<
        """,
}
NAMES = (
    "subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe publish spublish "
    "pubsub|channels pubsub|numsub pubsub|numpat pubsub|shardchannels pubsub|shardnumsub "
    "pubsub|help"
).split()


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", SCRIPTS)
def test_subscribers_hear_what_redis_sends(
    name: str, resp: int, reference: Reference, served: Served
) -> None:
    assert differences(SCRIPTS[name], resp, reference, served) == []


@pytest.mark.parametrize("name", SCRIPTS_RESP3)
def test_pushes_are_those_of_redis(name: str, reference: Reference, served: Served) -> None:
    assert differences(SCRIPTS_RESP3[name], 3, reference, served) == []


@pytest.mark.parametrize("name", NAMES)
def test_pubsub_commands_are_described_as_in_redis(
    name: str, reference: Reference, served: Served
) -> None:
    words = name.replace("|", " ")
    lines = f"a: COMMAND INFO {name}\na: COMMAND DOCS {name}\na: COMMAND GETKEYS {words} a b"
    assert differences(lines, 3, reference, served) == []
