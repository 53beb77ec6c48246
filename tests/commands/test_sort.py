"""SORT and SORT_RO against redis-server."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.commands.table import resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import encode
from tests.commands.comparing import call, call_with, check, replies_test, shared
from tests.commands.reference import Argv, ClusterReference, Ours, Reference, Served, split
from tests.patience import wait_until

WEIGHTS = """
        RPUSH l 3 1 2 10 1
        SADD s 3 1 2 10
        ZADD z 5 3 4 1 3 2 2 10
        MSET w_1 30 w_2 20 w_3 10 name_1 one name_2 two name_10 ten
        HSET h_1 f 9 g x
        HSET h_2 f 8 g y
        HSET h_3 f 7"""
CASES = {
    "numbers": WEIGHTS
    + """
        SORT l
        SORT l DESC
        SORT l desc asc
        SORT s
        SORT z DESC
        SORT none
        SORT l LIMIT 1 2
        SORT l LIMIT 0 0
        SORT l LIMIT -5 2
        SORT l LIMIT 1 -1
        SORT l LIMIT 99 2
        SORT l LIMIT 4 99
        SORT l LIMIT 9223372036854775807 9223372036854775807
        SORT l ALPHA
        SORT l ALPHA DESC
        SORT_RO l
        SORT_RO l DESC LIMIT 0 3
        """,
    "by": WEIGHTS
    + """
        SORT l BY w_*
        SORT l BY w_* DESC
        SORT l BY w_* GET # GET name_*
        SORT s BY h_*->f GET h_*->g GET #
        SORT s BY h_*->g ALPHA GET #
        SORT l BY nosort
        SORT l BY nosort DESC
        SORT l BY nosort DESC LIMIT 1 2
        SORT l BY nosort LIMIT 3 9
        SORT z BY nosort
        SORT z BY nosort DESC
        SORT z BY nosort LIMIT 1 2
        SORT z BY nosort DESC LIMIT 1 2
        SORT s BY nosort
        SORT s BY nosort LIMIT 1 2
        SORT s BY # DESC
        SORT l BY name_*
        SORT l BY none_*
        SORT l BY none_* DESC
        SORT l BY l BY w_*
        SORT_RO l BY w_* GET name_*
        """,
    "get": WEIGHTS
    + r"""
        SORT l GET #
        SORT l GET name_*
        SORT l GET none
        SORT l GET l
        SORT l GET #x
        SORT l GET h_*->f
        SORT l GET h_*->none
        SORT l GET h_*->
        SORT l GET h_*
        SORT l GET name_*->f
        SORT l GET *
        SORT l GET w_* GET w_* GET #
        SET grown_1 a
        APPEND grown_1 b
        SORT l GET grown_*
        SET a->b 5
        RPUSH arrows a
        SORT arrows ALPHA GET *->b
        SORT arrows ALPHA GET -*>b
        SORT l GET name_*\x00x
        """,
    "store": WEIGHTS
    + """
        SORT l STORE dst
        LRANGE dst 0 -1
        SORT l GET name_* STORE dst
        LRANGE dst 0 -1
        TYPE dst
        SORT l DESC LIMIT 0 2 STORE l
        LRANGE l 0 -1
        SORT s BY nosort STORE s
        LRANGE s 0 -1
        SORT z BY nosort DESC STORE dst
        LRANGE dst 0 -1
        SORT none STORE dst
        EXISTS dst
        SORT none STORE dst
        SET dst string EX 100
        SORT z STORE other STORE dst
        LRANGE dst 0 -1
        TTL dst
        EXISTS other
        SORT_RO l STORE dst
        SORT l LIMIT 7 7 STORE dst
        EXISTS dst
        """,
    "texts": r"""
        RPUSH l banana apple Cherry apple "" \xff \x01 a\x00b a\x00a aa
        SORT l
        SORT l ALPHA
        SORT l ALPHA DESC
        SORT l ALPHA LIMIT 2 3
        SORT l ALPHA STORE dst
        LRANGE dst 0 -1
        MSET w_apple 2 w_banana 1 w_Cherry ""
        RPUSH fruit banana apple Cherry
        SORT fruit BY w_*
        SORT fruit BY w_* ALPHA
        SORT fruit BY w_* ALPHA DESC
        SORT fruit BY w_* ALPHA STORE dst
        """,
    "errors": """
        SET string v
        HSET hash a 1
        RPUSH l 1 2 x
        SORT string
        SORT hash
        SORT l
        SORT l STORE dst
        EXISTS dst
        SORT l LIMIT 0 0
        SORT l LIMIT 0 1
        SORT l LIMIT x 1
        SORT l LIMIT 1 x
        SORT l LIMIT 1
        SORT l BY
        SORT l GET
        SORT l STORE
        SORT l NOSUCH
        SORT string NOSUCH
        SORT_RO string
        SORT_RO l ALPHA STORE x
        SORT
        SORT_RO
        """,
}
NUMBERS = (
    "1e-310 4.9406564584124654e-324 1e400 -1e400 0x10 0x 0x1p-3 inf -inf nan infinity +3 1_0 1e-400 "
    "0e-400 -0 .5 5. . 1-2 -- 1e5 1E-5 9223372036854775807 18446744073709551616 '' ' 1' '1 ' '\t2' "
    r"1\x002 \x00 1e 0.1 00012"
)  # fmt: skip
# An out-of-range number leaves errno behind, and all later numbers are wrong to Redis until
# INCRBYFLOAT sets it back.
for number in split(NUMBERS):
    shown = number.decode().replace("\0", r"\x00")
    CASES[f"number {shown!r}"] = f"""
        INCRBYFLOAT errno 1
        RPUSH l 5 '{shown}' -7 0
        SORT l
        INCRBYFLOAT errno 1
        SORT l DESC
        INCRBYFLOAT errno 1
        """


test_replies_are_those_of_redis = replies_test(CASES)


KEYS = st.sampled_from([b"a", b"b", b"c"])
TEXTS = st.sampled_from([b"1", b"2", b"10", b"1.0", b"-3", b"x", b"a", b"", b"b"])
OPTIONS = st.lists(
    st.one_of(
        st.sampled_from([[b"ASC"], [b"DESC"], [b"ALPHA"], [b"BY", b"w_*"], [b"BY", b"w_*->f"]]),
        st.sampled_from([[b"GET", b"#"], [b"GET", b"w_*"], [b"GET", b"w_*->f"], [b"BY", b"none"]]),
        st.tuples(st.just(b"STORE"), KEYS).map(list),
    ),
    max_size=4,
).map(lambda options: [word for option in options for word in option])
COMMANDS = st.one_of(
    call_with("RPUSH", KEYS, rest=st.lists(TEXTS, min_size=1, max_size=5)),
    call_with("SADD", KEYS, rest=st.lists(TEXTS, min_size=1, max_size=5)),
    call("ZADD", KEYS, st.sampled_from([b"1", b"2", b"3"]), TEXTS),
    call("SET", TEXTS.map(lambda text: b"w_" + text), TEXTS),
    call("HSET", TEXTS.map(lambda text: b"w_" + text), st.just(b"f"), TEXTS),
    call("LRANGE", KEYS, st.just(b"0"), st.just(b"-1")),
    call_with("SORT", KEYS, rest=OPTIONS),
    call_with("SORT_RO", KEYS, rest=OPTIONS),
)


@shared
@given(sequence=st.lists(COMMANDS, min_size=3, max_size=25))
def test_random_sequences(sequence: list[Argv], reference: Reference, served: Served) -> None:
    """Where Redis promises no order: equal weights under ALPHA BY, and sets that are not sorted."""
    for server in (reference, served):
        server.call([b"FLUSHALL"])
    sequence = [argv for argv in sequence if not _unordered(argv)]
    check(sequence, 2, reference, Ours())
    reference.call([b"FLUSHALL"])
    check(sequence, 2, reference, served)


def _unordered(argv: Argv) -> bool:
    by_none = b"none" in argv and b"STORE" not in argv
    return argv[0].startswith(b"SORT") and (by_none or (b"BY" in argv and b"ALPHA" in argv))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterReference]:
    """A redis-server in cluster mode that answers for every slot."""
    reference = ClusterReference(tmp_path_factory.mktemp("cluster"))
    reference.call([b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383"])
    wait_until(lambda: b"cluster_state:ok" in reference.call([b"CLUSTER", b"INFO"]))
    yield reference
    reference.close()


@pytest.mark.parametrize(
    "line",
    ["SORT l", "SORT l BY x*", "SORT l BY nosort", "SORT l GET #", "SORT_RO l GET x", "SORT l BY * x",
     "SORT l ALPHA STORE l", "SORT l NOSUCH GET x", "SORT l LIMIT x 1"],
)  # fmt: skip
def test_in_a_cluster_patterns_are_refused(line: str, cluster: ClusterReference) -> None:
    keyspace = Keyspace(databases=1)
    keyspace.begin_entry(1, 1, 1)
    keyspace.applying = True
    cluster.call([b"DEL", b"l"])
    for argv in (split("RPUSH l 3 1 2"), split(line)):
        try:
            reply = resolve(argv).handler(keyspace, argv)
        except CommandError as error:
            reply = error
        assert encode(reply, 2) == cluster.call(argv)


def test_many_elements_in_order(reference: Reference) -> None:
    ours = Ours()
    numbers = [b"%d" % (n * 7_919 % 1_000_003) for n in range(100_000)]
    for server in (reference, ours):
        for start in range(0, len(numbers), 10_000):
            server.call([b"RPUSH", b"l", *numbers[start : start + 10_000]])
    for line in (
        "SORT l DESC LIMIT 5 10",
        "SORT l ALPHA LIMIT 99990 20",
        "SORT l LIMIT 500 3 GET #",
    ):
        assert ours.call(split(line)) == reference.call(split(line))


def _applied_index(served: Served) -> bytes:
    info = served.call([b"INFO", b"respkv"])
    return next(line for line in info.splitlines() if line.startswith(b"applied_index:"))


def test_only_a_sort_that_stores_is_logged(served: Served) -> None:
    served.clear()
    served.call([b"RPUSH", b"l", b"2", b"1"])
    before = _applied_index(served)
    sorting = [b"SORT", b"l", b"GET", b"#", b"LIMIT", b"0", b"5"]
    reply = b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    assert served.call(sorting) == reply
    served.call([b"MULTI"])
    served.call(sorting)
    assert served.call([b"EXEC"]) == b"*1\r\n" + reply
    assert _applied_index(served) == before
    assert served.call([*sorting, b"STORE", b"sorted"]) == b":2\r\n"
    assert _applied_index(served) != before
