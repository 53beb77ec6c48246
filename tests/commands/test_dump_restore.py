"""DUMP and RESTORE: every payload of redis-server is read here, and ours there."""

import pytest
from anycrc import Model
from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.errors import BadDataFormat, BadPayload
from respkv.keyspace.rdb.containers import value_of
from respkv.keyspace.rdb.listpack import listpack_items, pack_listpack
from respkv.keyspace.rdb.lzf import decompress
from respkv.keyspace.rdb.old_packs import intset_items, ziplist_items, zipmap_items
from respkv.keyspace.rdb.payload import body_bytes, seal
from respkv.keyspace.rdb.primitives import pack_length
from respkv.keyspace.rdb.values import load_value
from tests.commands.comparing import comparable, parse, replies_test, shared
from tests.commands.reference import Ours, Reference, Served, split

READERS = {
    b"+string": [b"GET"],
    b"+hash": [b"HGETALL"],
    b"+list": [b"LRANGE", b"0", b"-1"],
    b"+set": [b"SMEMBERS"],
    b"+zset": [b"ZRANGE", b"0", b"-1", b"WITHSCORES"],
    b"+stream": [b"XRANGE", b"-", b"+"],
}
LONG = "x" * 100
NUMBERS = ("0 1 -1 12 127 128 -128 -129 4095 -4096 4096 32767 -32768 32768 8388607 -8388608 8388608 "
           "2147483647 -2147483648 2147483648 9223372036854775807 -9223372036854775808 "
           "9223372036854775808 007 -0 +5 1.5").split()  # fmt: skip
# Name: what makes the value; {n} items that differ, {long} ones, {text} of that many bytes.
VALUES = {
    **{f"string {number}": f"SET k {number}" for number in NUMBERS},
    "empty string": "SET k ''",
    "short string": "SET k hello",
    "string of 63 bytes": "SET k " + "a-" * 31 + "b",
    "string of 64 bytes": "SET k " + "a-" * 32,
    "compressed string": "SET k " + "respkv " .replace(" ", "_") * 200,
    "string that repeats one byte": "SET k " + "z" * 20_000,
    "string of 16384 bytes": "SET k " + "ab" * 8_192,
    "string grown in place": "SET k abc\nAPPEND k def\nSETRANGE k 20 xyz",
    "binary string": r"SET k \x00\xff\x0d\x0a\x80",
    "hash of numbers": "HSET k " + " ".join(f"{number} {number}" for number in NUMBERS),
    "hash with empty texts": "HSET k '' '' a ''",
    "hash of 100": "HSET k " + " ".join(f"field{n} value{n}" for n in range(100)),
    "hash of 600": "HSET k " + " ".join(f"field{n} {n}" for n in range(600)),
    "hash with a long value": f"HSET k field {LONG} other 1",
    "hash of 20000": "HSET k " + " ".join(f"{n} {LONG}{n}" for n in range(20_000)),
    "list of numbers": "RPUSH k " + " ".join(NUMBERS),
    "list of one": "RPUSH k ''",
    "list of 200": "RPUSH k " + " ".join(f"item{n}" for n in range(200)),
    "list with long items": "RPUSH k " + " ".join(f"{n}{LONG * 3}" for n in range(60)),
    "list with a huge item": f"RPUSH k a {LONG * 500} b",
    "set of small numbers": "SADD k 1 2 3 -4",
    "set of middle numbers": "SADD k 1 70000",
    "set of large numbers": "SADD k 1 5000000000",
    "set of 600 numbers": "SADD k " + " ".join(f"{n}" for n in range(600)),
    "set of texts": "SADD k " + " ".join(NUMBERS),
    "set of an empty text": "SADD k ''",
    "set of 20000": "SADD k " + " ".join(f"member{n}" for n in range(20_000)),
    "sorted set": "ZADD k 1 a 2.5 b -3 c inf d -inf e 0.1 f 1e300 g 5 7",
    "sorted set of 200": "ZADD k " + " ".join(f"{n / 7} member{n}" for n in range(200)),
    "sorted set with a long member": f"ZADD k 1 {LONG} 2 b",
    "sorted set of 20000": "ZADD k " + " ".join(f"{n / 3} {n}" for n in range(20_000)),
    "stream": "XADD k 1-1 a 1 b two\nXADD k 1-2 a 3 b 4\nXADD k 9999999999999-0 other -5",
    "stream of 300": "\n".join(f"XADD k {n}-{n} a {n} b value{n} c {LONG}" for n in range(1, 301)),
    "stream with ids far apart": (
        "XADD k 1-18446744073709551615 a 1\nXADD k 18446744073709551615-0 a 1\n"
        "XADD k 18446744073709551615-18446744073709551615 a 1"
    ),
    "stream with deleted entries": (
        "XADD k 1-1 a 1\nXADD k 2-1 b 2\nXADD k 3-1 c 3\nXADD k 4-1 c 3\nXDEL k 1-1 3-1\nXDEL k 4-1"
    ),
    "stream without entries": "XADD k 5-5 a 1\nXDEL k 5-5",
    "stream that never had one": "XGROUP CREATE k g 0 MKSTREAM",
    "stream with groups": (
        "XADD k 1-1 a 1\nXADD k 2-1 b 2\nXADD k 3-1 c 3\nXGROUP CREATE k g 0\nXGROUP CREATE k end $\n"
        "XGROUP CREATE k known 2-1 ENTRIESREAD 2\nXGROUP CREATECONSUMER k end idle\n"
        "XREADGROUP GROUP g alice COUNT 2 STREAMS k >\nXREADGROUP GROUP g bob STREAMS k >\n"
        "XCLAIM k g bob 0 2-1 TIME 1700000000000 RETRYCOUNT 7\nXACK k g 1-1\nXDEL k 2-1"
    ),
    "stream with large values": "".join(
        f"XADD k {n}-1 a {'x' * size}\n" for n, size in enumerate((63, 64, 4_095, 4_096, 16_377, 16_378, 16_379, 70_000), 1)
    ).strip(),
    "list of 20000": "RPUSH k " + " ".join(f"{n}" for n in range(20_000)),
}  # fmt: skip


def fill(target: Reference | Ours | Served, lines: str) -> None:
    for line in lines.splitlines():
        assert (
            target.call(line.encode("latin-1").split(b" ") if len(line) > 99_999 else split(line))[
                :1
            ]
            != b"-"
        )


def content(server: Reference | Ours | Served) -> object:
    kind = server.call([b"TYPE", b"k"]).rstrip()
    argv = READERS[kind].copy()
    argv.insert(1, b"k")
    found: list[object] = [comparable(argv, server.call(argv), 2)]
    if kind == b"+stream":
        full = parse(server.call([b"XINFO", b"STREAM", b"k", b"FULL", b"COUNT", b"0"]))
        assert isinstance(full, list)
        del full[2:6]  # how many nodes it has, which is nobody's promise
        found.append(without_times(full))
    return found


def without_times(info: object) -> object:
    """Return what XINFO said, but not when: both servers were asked at times of their own."""
    if isinstance(info, list):
        return [without_times(item) for item in info]
    text = str(info)
    return ":time" if text.startswith("b':") and len(text) >= 13 + 4 else info


def dumped(server: Reference | Ours | Served, key: bytes = b"k") -> bytes:
    reply = parse(server.call([b"DUMP", key]))
    assert isinstance(reply, bytes)
    return reply[1:]


@pytest.mark.parametrize("name", VALUES)
def test_our_payloads_load_there_and_theirs_here(
    name: str, reference: Reference, handlers: Ours
) -> None:
    fill(reference, VALUES[name])
    fill(handlers, VALUES[name])
    expected = content(reference)
    ours, theirs = dumped(handlers), dumped(reference)
    assert reference.call([b"RESTORE", b"k", b"0", ours, b"REPLACE"]) == b"+OK\r\n"
    assert content(reference) == expected
    assert handlers.call([b"RESTORE", b"k", b"0", theirs, b"REPLACE"]) == b"+OK\r\n"
    assert content(handlers) == expected
    encoding = [b"OBJECT", b"ENCODING", b"k"]
    assert handlers.call(encoding) == reference.call(encoding)
    handlers.check_replicas()


@pytest.mark.parametrize("name", ["short string", "string 12", "string -32768", "string 1.5"])
def test_payloads_of_short_strings_are_the_same_bytes(
    name: str, reference: Reference, served: Served
) -> None:
    fill(reference, VALUES[name])
    fill(served, VALUES[name])
    assert dumped(served) == dumped(reference)


def test_a_payload_goes_through_a_whole_server_and_back(
    reference: Reference, served: Served
) -> None:
    for lines in ("HSET k a 1 b 2", "RPUSH k a b 3 4", "SET k v"):
        fill(reference, "DEL k\n" + lines)
        assert served.call([b"RESTORE", b"k", b"0", dumped(reference), b"REPLACE"]) == b"+OK\r\n"
        assert content(served) == content(reference)
        assert reference.call([b"RESTORE", b"k", b"0", dumped(served), b"REPLACE"]) == b"+OK\r\n"
        assert content(served) == content(reference)


PAYLOAD = rb"\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb"  # of Redis' documentation: 10
CASES = {
    "options": f"""
        RESTORE k 0 {PAYLOAD.decode()}
        GET k
        TTL k
        RESTORE k 0 {PAYLOAD.decode()}
        RESTORE k 0 {PAYLOAD.decode()} replace
        RESTORE k 100000000 {PAYLOAD.decode()} REPLACE
        PERSIST k
        RESTORE k 1 {PAYLOAD.decode()} REPLACE ABSTTL
        EXISTS k
        RESTORE k 1 {PAYLOAD.decode()} ABSTTL
        EXISTS k
        RESTORE k 9999999999999 {PAYLOAD.decode()} ABSTTL
        PEXPIRETIME k
        RESTORE k 0 {PAYLOAD.decode()} ABSTTL REPLACE
        TTL k
        RESTORE k 0 {PAYLOAD.decode()} REPLACE IDLETIME 10
        RESTORE k 0 {PAYLOAD.decode()} REPLACE FREQ 10
        RESTORE k 0 {PAYLOAD.decode()} REPLACE IDLETIME 0 ABSTTL
        RESTORE-ASKING k 0 {PAYLOAD.decode()} REPLACE
        GET k
        RESTORE k 9223372036854775807 {PAYLOAD.decode()} REPLACE
        EXISTS k
        """,
    "wrong arguments": f"""
        RESTORE k 0
        RESTORE k x {PAYLOAD.decode()}
        RESTORE k -1 {PAYLOAD.decode()}
        RESTORE k 0 {PAYLOAD.decode()} NOSUCH
        RESTORE k 0 {PAYLOAD.decode()} IDLETIME
        RESTORE k 0 {PAYLOAD.decode()} IDLETIME x
        RESTORE k 0 {PAYLOAD.decode()} IDLETIME -1
        RESTORE k 0 {PAYLOAD.decode()} FREQ
        RESTORE k 0 {PAYLOAD.decode()} FREQ 256
        RESTORE k 0 {PAYLOAD.decode()} FREQ -2
        RESTORE k 0 {PAYLOAD.decode()} FREQ 1 IDLETIME 1
        RESTORE k 0 {PAYLOAD.decode()} IDLETIME 1 FREQ 1
        SET k v
        RESTORE k x {PAYLOAD.decode()}
        RESTORE k -1 junk REPLACE
        RESTORE k 0 junk
        DUMP
        DUMP a b
        """,
    "damaged": r"""
        RESTORE k 0 ''
        RESTORE k 0 short
        RESTORE k 0 0123456789
        RESTORE k 0 \x00\xc0\x0b\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb
        RESTORE k 0 \x00\xc0\x0a\x0b\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb
        RESTORE k 0 \x00\xc0\x0a\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00
        EXISTS k
        DUMP none
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru", "allkeys-lfu"])
def test_restored_keys_have_the_idle_time_or_frequency_that_is_given(
    policy: str, reference: Reference, served: Served
) -> None:
    payload = seal(b"\0\1v")  # no integer: those are shared in Redis, with their times
    answers = []
    for server in (reference, served):
        server.clear()
        server.call([b"CONFIG", b"SET", b"maxmemory-policy", policy.encode()])
        asked = []
        for key, option in (
            (b"plain", []),
            (b"idle", [b"IDLETIME", b"5000"]),
            (b"often", [b"FREQ", b"77"]),
        ):
            assert server.call([b"RESTORE", key, b"0", payload, *option]) == b"+OK\r\n"
            for question, unit in ((b"IDLETIME", 100), (b"FREQ", 7)):
                answer = server.call([b"OBJECT", question, key])
                # Seconds may have passed by the time they are asked for.
                asked.append(int(answer[1:]) // unit if answer.startswith(b":") else answer)
        server.call([b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction"])
        answers.append(asked)
    assert answers[0] == answers[1]


WRONG_BODIES = {
    "nothing": b"",
    "a type that nobody knows": b"\x08\x01a",
    "a module's value": b"\x07\x01a",
    "a string cut short": b"\x00\x20abc",
    "a length of no kind": b"\x00\xc4abc",
    "lzf that is none": b"\x00\xc3\x03\x05\xff\xff\xff",
    "lzf that promises a terabyte": b"\x00\xc3\x03\x81\x00\x00\x01\x00\x00\x00\x00\x00abc",
    "an empty list": b"\x01\x00",
    "an empty set": b"\x02\x00",
    "an empty hash": b"\x04\x00",
    "an empty sorted set": b"\x05\x00",
    "a list of 2^63 items": b"\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a",
    "a set with one member twice": b"\x02\x02\x01a\x01a",
    "a sorted set with a score that is no number": b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f",
    "a listpack that lies about its size": b"\x10\x0b\xff\x00\x00\x00\x02\x00\x81a\x02\x01\x01",
    "an intset of no width": b"\x0b\x0a\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00",
    "an empty ziplist": b"\x0a\x0b\x0b\x00\x00\x00\x0a\x00\x00\x00\x00\x00\xff",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_a_payload_that_is_sealed_and_wrong(
    name: str, reference: Reference, handlers: Ours
) -> None:
    argv = [b"RESTORE", b"k", b"0", seal(WRONG_BODIES[name])]
    assert handlers.call(argv) == reference.call(argv) == b"-ERR Bad data format\r\n"


def packed(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + pack_length(len(content)) + content


def ziplist(*entries: bytes) -> bytes:
    """Put together a ziplist of entries (their encoding and text) of less than 254 bytes."""
    body, tail, before = b"", 10, 0
    for entry in entries:
        tail = 10 + len(body)
        body += bytes((before,)) + entry
        before = len(entry) + 1
    header = (11 + len(body)).to_bytes(4, "little") + tail.to_bytes(4, "little")
    return header + len(entries).to_bytes(2, "little") + body + b"\xff"


# What older versions wrote, made by hand after the descriptions in Redis' sources.
PAIR = ziplist(b"\x01a", b"\xf2")
NUMBERED = ziplist(b"\x02hi", b"\xf3", b"\xfe\x80", b"\xc0\x00\x01", b"\xf0\x00\x00\x80",
                   b"\xd0\xff\xff\xff\x7f", b"\xe0" + b"\xff" * 8, b"\x40\x40" + b"x" * 64,
                   b"\x80\x00\x00\x00\x01y")  # fmt: skip
OLD_BODIES = {
    "hash as a zipmap": (
        packed(9, b"\x02\x01a\x01\x001\x01b\x03\x022  xx\xff"),
        ("hash", [b"a", b"1", b"b", b"2  "]),
    ),
    "hash as a ziplist": (packed(13, PAIR), ("hash", [b"a", b"1"])),
    "list as a ziplist": (
        packed(10, NUMBERED),
        (
            "list",
            [b"hi", b"2", b"-128", b"256", b"-8388608", b"2147483647", b"-1", b"x" * 64, b"y"],
        ),
    ),
    "quicklist of ziplists": (
        b"\x0e\x02" + packed(0, PAIR)[1:] + packed(0, ziplist(b"\x01z"))[1:],
        ("list", [b"a", b"1", b"z"]),
    ),
    "quicklist with a node of one item": (b"\x12\x01\x01\x03abc", ("list", [b"abc"])),
    "set of numbers": (
        packed(11, b"\x02\0\0\0\x03\0\0\0\xff\xff\x01\x00\x02\x00"),
        ("set", [b"-1", b"1", b"2"]),
    ),
    "sorted set with scores as texts": (
        b"\x03\x03\x01a\x011\x01b\xfe\x01c\xff",
        ("zset", [(b"a", 1.0), (b"b", float("inf")), (b"c", float("-inf"))]),
    ),
    "sorted set as a ziplist": (packed(12, PAIR), ("zset", [(b"a", 1.0)])),
}


@pytest.mark.parametrize("name", OLD_BODIES)
def test_what_older_versions_wrote(name: str, reference: Reference) -> None:
    body, expected = OLD_BODIES[name]
    assert reference.call([b"RESTORE", b"k", b"0", seal(body)]) == b"+OK\r\n"
    assert load_value(body) == expected


def stream_body(
    kind: int = 15,
    entry: str = "2 0 0 one 4",
    length: int = 1,
    last: int = 9,
    pending: bytes = b"\0",
    consumers: bytes = b"\0",
) -> bytes:
    """Return a stream of the first version: one entry 5-1, a group; `entry` in the listpack."""
    items = [b"1", b"0", b"1", b"field", b"0", *entry.encode().split()]
    node = pack_listpack(items)
    key = (5 << 64 | 1).to_bytes(16, "big")
    counters = b"".join(map(pack_length, (length, last, 0)))
    group = b"\x01\x01g\x05\x01" + pending + consumers
    parts = [b"\x01", pack_length(16), key, pack_length(len(node)), node, counters, group]
    return bytes((kind,)) + b"".join(parts)


ID = (5 << 64 | 1).to_bytes(16, "big")
TIME = (1_700_000_000_000).to_bytes(8, "little")
OWNED = b"\x01" + ID + TIME + b"\x02"  # one pending entry, delivered twice
OWNER = b"\x01\x05alice" + TIME


def test_a_stream_of_the_first_version(reference: Reference, handlers: Ours) -> None:
    for body in (stream_body(), stream_body(pending=OWNED, consumers=OWNER + b"\x01" + ID)):
        argv = [b"RESTORE", b"k", b"0", seal(body), b"REPLACE"]
        assert handlers.call(argv) == reference.call(argv) == b"+OK\r\n"
        assert content(handlers) == content(reference)


CONTRADICTIONS = {
    "more entries than there are": stream_body(length=2),
    "a last id before the last entry": stream_body(last=4),
    "a value too few": stream_body(entry="2 0 0"),
    "no number of fields": stream_body(entry="0 0 0 x y 2"),
    "a negative number of fields": stream_body(entry="0 0 0 -1 y 2"),
    "flags that are none": stream_body(entry="x 0 0 one 4"),
    "ids that go back": stream_body(entry="2 0 0 one 4 2 -1 0 two 4", length=2),
    "pending for nobody": stream_body(pending=OWNED),
    "a consumer twice": stream_body(consumers=b"\x02" + (OWNER[1:] + b"\0") * 2),
    "owned and not pending": stream_body(consumers=OWNER + b"\x01" + ID),
    "owned twice": stream_body(pending=OWNED, consumers=OWNER + b"\x02" + ID * 2),
    "pending twice": stream_body(pending=b"\x02" + OWNED[1:] * 2),
    "delivered too often": stream_body(pending=OWNED[:-1] + b"\x81" + b"\xff" * 8),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_stream_whose_parts_contradict_each_other(name: str, handlers: Ours) -> None:
    argv = [b"RESTORE", b"k", b"0", seal(CONTRADICTIONS[name])]
    assert handlers.call(argv) == b"-ERR Bad data format\r\n"


@shared
@given(data=st.data())
def test_damaged_payloads_are_refused_or_are_values(
    data: st.DataObject, reference: Reference
) -> None:
    """Flipped, cut and glued bodies under a right checksum: an error of one kind, never a crash."""
    names = [name for name in VALUES if len(VALUES[name]) < 5_000]
    reference.call([b"FLUSHALL"])
    fill(reference, VALUES[data.draw(st.sampled_from(names))])
    payload = dumped(reference)
    body = bytearray(payload[: body_bytes(payload)])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(["flip", "set", "cut", "repeat"]))
        if kind == "flip":
            body[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "set":
            body[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0x81, 0xC3, 0xF0, 0xFE, 0xFF]))
        elif kind == "cut":
            del body[at:]
            body += b"\0" * (not body)
        else:
            body += body[at:]
    try_body(bytes(body))


@settings(deadline=None)  # two dozen keyspaces each
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_are_values(body: bytes) -> None:
    for kind in range(20):
        try_body(bytes([kind]) + body)
    for items in (listpack_items, ziplist_items, zipmap_items, intset_items):
        for sealed in (body, len(body).to_bytes(4, "little") + body[4:-1] + b"\xff"):
            try:
                items(sealed)
            except BadDataFormat:
                continue


def try_body(body: bytes) -> None:
    ours = Ours()
    reply = ours.call([b"RESTORE", b"k", b"0", seal(body)])
    assert reply in (b"+OK\r\n", b"-ERR Bad data format\r\n")
    if reply == b"+OK\r\n":
        again = ours.call([b"RESTORE", b"again", b"0", dumped(ours)])
        assert again == b"+OK\r\n"
        assert dumped(ours, b"again") == dumped(ours)
    ours.check_replicas()


def test_lzf_never_makes_more_than_it_promised() -> None:
    assert decompress(b"\x00a\xe0\xff\x00", 265) == b"a" * 265
    for packed, size in (
        (b"\x00a\xe0\xff\x00", 264),
        (b"\x00a", 2),
        (b"\x05a", 6),
        (b"\x20\x05", 3),
    ):
        with pytest.raises(BadDataFormat):
            decompress(packed, size)


def test_the_checksum_is_redis_own() -> None:
    assert Model("CRC64-REDIS").calc(b"123456789") == 0xE9C6D914C4B8D9CA
    with pytest.raises(BadPayload):
        body_bytes(seal(b"\x00\x01a")[:-1])
    sealed = seal(b"\x00\x01a")
    assert value_of(load_value(sealed, body_bytes(sealed))) == b"a"
