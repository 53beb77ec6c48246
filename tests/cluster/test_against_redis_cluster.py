"""CLUSTER's replies have the shapes, names and words of a redis-server in a cluster of three."""

import re
from collections.abc import Iterator

import pytest

from tests.cluster.views import same_view, serve_view, three_redis_servers
from tests.commands.reference import ClusterReference, Server, split
from tests.patience import wait_until

Both = tuple[ClusterReference, Server]


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ClusterReference]]:
    """Three redis-servers in a cluster."""
    with three_redis_servers(tmp_path_factory.mktemp("trio")) as servers:
        yield servers


@pytest.fixture(scope="module")
def both(trio: list[ClusterReference], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The first of the three, and a server of ours that sees what it sees."""
    ours = serve_view(tmp_path_factory.mktemp("ours"), same_view(trio))
    yield trio[0], ours
    ours.close()


def parsed(data: bytes) -> object:
    """Return a reply as (type, value), so that two can be sorted and compared."""
    lines = iter(data.split(b"\r\n"))

    def value() -> object:
        line = next(lines)
        kind, rest = line[:1], line[1:]
        if kind in b"$=" and rest != b"-1":
            text = next(lines)
            while len(text) < int(rest):
                text += b"\r\n" + next(lines)
            return (kind, text)
        if kind in b"*~":
            return (kind, [value() for _ in range(int(rest))])
        if kind == b"%":
            return (kind, [(value(), value()) for _ in range(int(rest))])
        return (kind, rest)

    return value()


def usable(reply: object) -> object:
    """Return a reply with the address of all three in place of "?"."""
    if isinstance(reply, (tuple, list)):
        return type(reply)(usable(item) for item in reply)
    return b"127.0.0.1" if reply == b"?" else reply


def in_order(reply: object) -> object:
    """Return an array in an order of its own: nodes have none."""
    assert isinstance(reply, tuple)
    return reply[0], sorted(reply[1], key=repr)


@pytest.mark.parametrize("preferred", [b"ip", b"unknown-endpoint"])
@pytest.mark.parametrize("resp", [2, 3])
def test_slots_and_shards(resp: int, preferred: bytes, both: Both) -> None:
    for server in both:
        server.call([b"CONFIG", b"SET", b"cluster-preferred-endpoint-type", preferred])
    theirs, ours = (server.call([b"CLUSTER", b"SLOTS"], resp) for server in both)
    assert ours == theirs
    theirs, ours = (server.call([b"CLUSTER", b"SHARDS"], resp) for server in both)
    assert in_order(parsed(ours)) == in_order(parsed(theirs))
    for server in both:
        server.call([b"CONFIG", b"SET", b"cluster-preferred-endpoint-type", b"ip"])


@pytest.mark.parametrize("resp", [2, 3])
def test_hostnames_are_told_where_there_are_any(resp: int, both: Both) -> None:
    """Redis names nodes without one "?"; ours fall back to the address."""
    for server in both:
        server.call([b"CONFIG", b"SET", b"cluster-preferred-endpoint-type", b"hostname"])
    for command in (b"SLOTS", b"SHARDS"):
        theirs, ours = (parsed(server.call([b"CLUSTER", command], resp)) for server in both)
        assert in_order(ours) == in_order(usable(theirs))
    for server in both:
        server.call([b"CONFIG", b"SET", b"cluster-preferred-endpoint-type", b"ip"])


def nodes_shown(server: Server, resp: int) -> tuple[bytes, list[bytes]]:
    """Return the kind of the reply, and the lines without times and epochs, in order of the ids."""
    kind, text = parsed(server.call([b"CLUSTER", b"NODES"], resp))  # type: ignore[misc]
    text = text.removeprefix(b"txt:")
    assert text.endswith(b"\n")
    times = re.compile(rb" - \d+ \d+ \d+ ")
    return kind, sorted(times.sub(b" - PING PONG EPOCH ", line) for line in text.splitlines())


@pytest.mark.parametrize("resp", [2, 3])
def test_nodes(resp: int, both: Both) -> None:
    theirs, ours = (nodes_shown(server, resp) for server in both)
    assert ours == theirs


@pytest.mark.parametrize("resp", [2, 3])
def test_info(resp: int, both: Both) -> None:
    texts = []
    for server in both:
        kind, text = parsed(server.call([b"CLUSTER", b"INFO"], resp))  # type: ignore[misc]
        assert (kind == b"=") == (resp == 3)
        by_kind = re.compile(rb"cluster_stats_messages_[a-z]+_(sent|received):\d+\r\n")
        text = by_kind.sub(b"", text)
        texts.append(re.sub(rb"(epoch|sent|received):\d+", rb"\1:N", text))
    assert texts[1] == texts[0]


@pytest.mark.parametrize("resp", [2, 3])
def test_links_have_the_same_fields(resp: int, both: Both) -> None:
    found = []
    for server in both:
        kind, links = parsed(server.call([b"CLUSTER", b"LINKS"], resp))  # type: ignore[misc]
        assert kind == b"*"
        shapes = set()
        for kind, fields in links:
            names = fields if kind == b"%" else list(zip(fields[::2], fields[1::2], strict=True))
            shapes.add((kind, tuple((name, value[0]) for name, value in names)))
            assert names[0][1][1] in (b"to", b"from")
        found.append((len(links), shapes))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "line",
    [
        "CLUSTER", "CLUSTER NOSUCH", "CLUSTER HELP", "CLUSTER HELP x", "CLUSTER MYID",
        "CLUSTER MYID x", "CLUSTER SLOTS x", "CLUSTER SHARDS x", "CLUSTER NODES x",
        "CLUSTER INFO x", "CLUSTER LINKS x", "CLUSTER KEYSLOT", "CLUSTER KEYSLOT a b",
        "CLUSTER KEYSLOT {a}b", "CLUSTER COUNTKEYSINSLOT", "CLUSTER COUNTKEYSINSLOT x",
        "CLUSTER COUNTKEYSINSLOT 16384", "CLUSTER COUNTKEYSINSLOT -1",
        "CLUSTER COUNTKEYSINSLOT 5", "CLUSTER GETKEYSINSLOT 5", "CLUSTER GETKEYSINSLOT 5 x",
        "CLUSTER GETKEYSINSLOT x 5", "CLUSTER GETKEYSINSLOT 5 -1",
        "CLUSTER GETKEYSINSLOT 16384 1", "CLUSTER GETKEYSINSLOT 5 10",
        "CLUSTER GETKEYSINSLOT 5 0", "CLUSTER GETKEYSINSLOT 5 9223372036854775807",
        "CLUSTER FAILOVER FOO", "CLUSTER FAILOVER FORCE x", "CLUSTER REPLICAS x",
        "CLUSTER REPLICAS", "CLUSTER SLAVES x", "CLUSTER COUNT-FAILURE-REPORTS x",
        "CLUSTER COUNT-FAILURE-REPORTS", "CLUSTER MEET", "CLUSTER ADDSLOTS", "CLUSTER SETSLOT 1",
        "READONLY", "READONLY x", "READWRITE", "READWRITE x", "ASKING",
        "ASKING x", "CONFIG SET cluster-port 1", "CONFIG GET cluster-enabled",
        "CONFIG SET cluster-announce-port 70000", "CONFIG SET cluster-announce-hostname a_b",
        "CONFIG SET cluster-preferred-endpoint-type x", "INFO cluster", "SELECT 0",
        "SELECT 1", "SELECT 16", "SELECT -1", "SELECT x", "SELECT 9999999999", "SELECT 0 1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("resp", [2, 3])
def test_words(line: str, resp: int, both: Both) -> None:
    theirs, ours = (server.call(split(line), resp) for server in both)
    assert ours == theirs


@pytest.mark.parametrize("resp", [2, 3])
def test_what_is_said_of_one_node(resp: int, both: Both) -> None:
    own = both[0].call([b"CLUSTER", b"MYID"]).split(b"\r\n")[1]
    for subcommand in (b"REPLICAS", b"SLAVES", b"COUNT-FAILURE-REPORTS"):
        theirs, ours = (server.call([b"CLUSTER", subcommand, own], resp) for server in both)
        assert ours == theirs


def test_keys_in_a_slot(both: Both) -> None:
    for server in both:
        for key in (b"{b}1", b"{b}2", b"other"):  # slot 3300 is the first node's
            server.call([b"SET", key, b"v"])
    for line in ("COUNTKEYSINSLOT 3300", "GETKEYSINSLOT 3300 1", "GETKEYSINSLOT 3300 0"):
        theirs, ours = (server.call([b"CLUSTER", *split(line)]) for server in both)
        assert len(ours) == len(theirs)
    argv = split("CLUSTER GETKEYSINSLOT 3300 10")
    theirs, ours = (in_order(parsed(server.call(argv))) for server in both)
    assert ours == theirs
    for server in both:
        server.call([b"FLUSHALL"])


def test_hello_and_info_tell_the_mode(both: Both) -> None:
    for server in both:
        hello = server.call([b"HELLO", b"2"])
        assert b"$4\r\nmode\r\n$7\r\ncluster\r\n" in hello
        assert b"redis_mode:cluster\r\n" in server.call([b"INFO", b"server"])


NAMES = """slots shards nodes info links myid replicas slaves count-failure-reports keyslot
    countkeysinslot getkeysinslot failover help meet forget reset replicate addslots addslotsrange
    delslots delslotsrange flushslots setslot bumpepoch set-config-epoch saveconfig""".split()


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize(
    "name", [*(f"cluster|{name}" for name in NAMES), "readonly", "readwrite", "asking"]
)
def test_commands_are_described_as_redis_describes_them(name: str, resp: int, both: Both) -> None:
    for subcommand in ("INFO", "DOCS"):
        argv = split(f"COMMAND {subcommand} {name}")
        theirs, ours = (parsed(server.call(argv, resp)) for server in both)
        assert ours == theirs


def test_no_subcommand_of_redis_is_missing(both: Both) -> None:
    listed = [
        set(re.findall(rb"cluster\|[a-z-]+", server.call(split("COMMAND INFO cluster"))))
        for server in both
    ]
    assert listed[0] == listed[1] == {f"cluster|{name}".encode() for name in NAMES}


@pytest.mark.parametrize("resp", [2, 3])
def test_the_container_is_described_as_redis_describes_it(resp: int, both: Both) -> None:
    infos = [parsed(server.call(split("COMMAND INFO cluster"), resp)) for server in both]
    theirs, ours = (info[1][0][1][:9] for info in infos)  # type: ignore[index]
    assert ours == theirs
    docs = [server.call(split("COMMAND DOCS cluster"), resp) for server in both]
    theirs, ours = (text.partition(b"subcommands")[0] for text in docs)
    assert ours == theirs


def test_a_node_that_is_down(
    trio: list[ClusterReference], tmp_path_factory: pytest.TempPathFactory
) -> None:
    view = same_view(trio)
    view["nodes"][3]["up"] = False
    trio[2].kill()
    wait_until(lambda: b"master,fail " in trio[0].call([b"CLUSTER", b"NODES"]))
    ours = serve_view(tmp_path_factory.mktemp("down"), view)
    try:
        for resp in (2, 3):
            assert nodes_shown(ours, resp) == nodes_shown(trio[0], resp)
            shards = (server.call([b"CLUSTER", b"SHARDS"], resp) for server in (trio[0], ours))
            theirs, shown = (in_order(parsed(reply)) for reply in shards)
            assert shown == theirs
        for line in (b"cluster_slots_ok:10240\r\n", b"cluster_slots_fail:6144\r\n"):
            assert line in ours.call([b"CLUSTER", b"INFO"])
            assert line in trio[0].call([b"CLUSTER", b"INFO"])
    finally:
        ours.close()
