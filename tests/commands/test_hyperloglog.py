"""HyperLogLogs against redis-server: replies, and the very bytes of the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, check, replies_test, sequences_test, shared
from tests.commands.reference import Ours, Reference, Served

DENSE_HEADER = b"HYLL" + bytes(12)
CASES = {
    "add and count": """
        PFADD h
        GET h
        PFADD h
        PFADD h a b c
        PFADD h a b c
        GET h
        PFCOUNT h
        GET h
        PFCOUNT h
        PFADD h ""
        PFADD h d
        GET h
        PFCOUNT h
        STRLEN h
        TYPE h
        PFCOUNT none
        PFCOUNT none none2
        EXISTS none
        PFADD g a x y z
        PFCOUNT g h
        PFCOUNT g none h
        GET g
        OBJECT ENCODING g
        EXPIREAT h 9999999999
        PFADD h e
        PFCOUNT h
        EXPIRETIME h
        COPY h i
        PFADD i f g h
        PFCOUNT i h
        """,
    "merge": """
        PFADD a 1 2 3
        PFADD b 3 4 5
        PFMERGE new
        GET new
        PFMERGE c a b
        GET c
        PFCOUNT c
        GET c
        PFMERGE a b
        GET a
        PFMERGE a
        GET a
        PFMERGE c none
        GET c
        PFDEBUG TODENSE b
        PFMERGE d a b
        PFDEBUG ENCODING d
        GET d
        PFMERGE b a
        GET b
        PFMERGE a b none
        GET a
        """,
    "other strings and types": """
        SET s text
        PFADD s a
        PFCOUNT s
        PFCOUNT s none
        PFMERGE s
        PFMERGE none s
        PFDEBUG ENCODING s
        SET s ""
        PFADD s a
        SET s HYLL
        PFCOUNT s
        SET s HYLL\\x00aaaaaaaaaaa
        PFCOUNT s
        SET s HYLL\\x02aaaaaaaaaaaaaaaaaaaaaaa
        PFCOUNT s
        SET s hyll\\x01aaaaaaaaaaaaaaaaaaaaaaa
        PFCOUNT s
        SET s 12345678901234567
        PFADD s a
        HSET x f v
        PFADD x a
        PFCOUNT x
        PFCOUNT s x
        PFMERGE x
        PFMERGE s x
        PFMERGE none x
        PFDEBUG ENCODING x
        EXISTS none
        """,
    "corrupted": """
        SET s HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80
        PFADD s a
        PFCOUNT s
        PFCOUNT s s
        PFMERGE d s
        PFMERGE s
        PFDEBUG GETREG s
        PFDEBUG DECODE s
        PFDEBUG TODENSE s
        SET s HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00
        PFCOUNT s
        PFCOUNT s s
        SET s HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff\\x01
        PFCOUNT s
        PFMERGE d s
        PFDEBUG TODENSE s
        PFDEBUG DECODE s
        SET s HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xfe\\x81
        PFCOUNT s
        PFMERGE d s
        PFDEBUG TODENSE s
        SET s HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xfe\\x80
        PFCOUNT s
        PFDEBUG DECODE s
        PFADD s a b c d e
        GET s
        EXISTS d
        """,
    "debug": """
        PFDEBUG ENCODING none
        PFDEBUG FOO none
        PFADD h a b c
        PFDEBUG encoding h
        PFDEBUG DECODE h
        PFDEBUG FOO h
        PFDEBUG TODENSE h
        PFDEBUG TODENSE h
        PFDEBUG ENCODING h
        PFDEBUG DECODE h
        PFDEBUG GETREG h
        GET h
        PFCOUNT h
        PFADD h d
        GET h
        PFADD g a
        PFDEBUG GETREG g
        PFDEBUG ENCODING g
        PFDEBUG ENCODING
        PFDEBUG ENCODING h h
        PFSELFTEST x
        """,
    "wrong numbers of arguments": """
        PFADD
        PFCOUNT
        PFMERGE
        PFDEBUG
        PFDEBUG GETREG
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


keys = st.sampled_from([b"a", b"b", b"c"])
some_keys = st.lists(keys, min_size=1, max_size=3)
elements = st.lists(st.binary(max_size=40), max_size=30)
numbers = st.tuples(st.integers(0, 5_000), st.integers(0, 600)).map(
    lambda chosen: [b"%d" % number for number in range(chosen[0], sum(chosen))]
)
commands = st.one_of(
    call_with("PFADD", keys, rest=elements),
    call_with("PFADD", keys, rest=numbers),
    call_with("PFMERGE", keys, rest=some_keys),
    call_with("PFCOUNT", rest=some_keys),
    call("PFDEBUG", st.sampled_from([b"DECODE", b"GETREG", b"TODENSE", b"ENCODING"]), keys),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    *[call(name, keys) for name in ("GET", "GET", "PFCOUNT", "DEL")],
)


test_sequences = sequences_test(st.lists(commands, max_size=25))


@pytest.mark.parametrize("prefix", [b"", b"user:", b"a rather long element "])
def test_growing_from_sparse_to_dense(prefix: bytes, reference: Reference, handlers: Ours) -> None:
    for start in range(0, 4_000, 20):
        added = [prefix + b"%d" % number for number in range(start, start + 20)]
        check([[b"PFADD", b"h", *added], [b"GET", b"h"]], 2, reference, handlers)
    sequence = [[b"PFDEBUG", b"ENCODING", b"h"], [b"PFCOUNT", b"h"], [b"GET", b"h"]]
    check(sequence, 2, reference, handlers)


def test_counts_up_to_a_million(reference: Reference, handlers: Ours) -> None:
    for start in range(0, 1_000_000, 50_000):
        # Hashing a million elements is not what this is about: the registers are Redis' own.
        reference.call([b"PFADD", b"h", *[b"%d" % n for n in range(start, start + 50_000)]])
        value = reference.call([b"GET", b"h"]).partition(b"\r\n")[2][:-2]
        check([[b"SET", b"h", value], [b"PFCOUNT", b"h"], [b"GET", b"h"]], 2, reference, handlers)


ranks = st.lists(st.integers(0, 63), min_size=1, max_size=40)


@shared
@given(ranks)
def test_counts_of_any_registers(reference: Reference, some: list[int]) -> None:
    reference.clear()
    packed = 0
    for register in range(16_384):
        packed |= some[register * 7919 % len(some)] << 6 * register
    value = DENSE_HEADER[:15] + b"\x80" + packed.to_bytes(12_288, "little")
    sequence = [
        [b"SET", b"h", value],
        [b"PFCOUNT", b"h", b"none"],
        [b"PFCOUNT", b"h"],
        [b"PFDEBUG", b"GETREG", b"h"],
        [b"PFADD", b"h", b"a", b"b"],
        [b"PFMERGE", b"i", b"h"],
        [b"GET", b"i"],
    ]
    check(sequence, 2, reference, Ours())


def test_the_self_test_passes(served: Served) -> None:
    assert served.call([b"PFSELFTEST"]) == b"+OK\r\n"
