"""Cluster mode, one connection: replies keep their order, and logs hold what was applied."""

import socket
from collections.abc import Iterator

import hiredis
import pytest

from respkv.wire.run import encode_command
from tests.processes.trio import Trio, TrioProcess, replies_of


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio")) as three:
        yield three
        assert three.faults_logged() == []


def pipeline(node: TrioProcess, *commands: list[bytes]) -> list[object]:
    with socket.create_connection(("127.0.0.1", node.port), 5) as connection:
        connection.sendall(b"".join(map(encode_command, commands)))
        return replies_of(connection, len(commands))


def flush(trio: Trio) -> None:
    for node in trio.nodes:
        assert node.call("FLUSHALL") == b"OK"


def test_tracking_hears_of_changes_in_every_partition(trio: Trio) -> None:
    node = trio.nodes[0]
    reader = hiredis.Reader()
    with socket.create_connection(("127.0.0.1", node.port), 5) as connection:

        def wait_for(wanted: object) -> None:
            reply: object = False
            while reply != wanted:  # between: replies to other commands
                reply = reader.gets()
                if reply is False:
                    reader.feed(connection.recv(65536))

        connection.sendall(b"HELLO 3\r\nCLIENT TRACKING ON\r\n")
        for key in trio.keys_led_by(node, 3):
            connection.sendall(encode_command([b"GET", key]) + b"ECHO read\r\n")
            wait_for(b"read")
            node.call("SET", key, "changed")
            wait_for([b"invalidate", [key]])


def test_replies_of_several_partitions_come_in_the_order_of_the_commands(trio: Trio) -> None:
    flush(trio)
    node = trio.nodes[0]
    keys = trio.keys_led_by(node, 12)
    foreign = trio.key_led_by(trio.nodes[1])
    commands: list[list[bytes]] = []
    expected: list[object] = []
    for number, key in enumerate(keys):
        commands += [[b"SET", key, b"%d" % number], [b"GET", key], [b"ECHO", key]]
        expected += [b"OK", b"%d" % number, key]
        commands += [[b"DBSIZE"], [b"GET", foreign], [b"INCR", keys[0]]]
        expected += [number + 1, "moved", number + 1]
    replies = ["moved" if isinstance(r, Exception) else r for r in pipeline(node, *commands)]
    assert replies == expected


def test_a_command_without_keys_that_reads_none_is_answered_anywhere(trio: Trio) -> None:
    for node in trio.nodes:
        assert node.call("OBJECT", "HELP")[0].startswith(b"OBJECT")


def test_a_client_that_leaves_while_its_commands_are_gathered_leaves_nothing(trio: Trio) -> None:
    node = trio.nodes[0]
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", node.port), 5) as connection:
            connection.sendall(encode_command([b"DBSIZE"]) * 10 + encode_command([b"KEYS", b"*"]))
    assert node.call("PING") == b"PONG"


def test_a_pattern_that_is_too_long_is_refused(trio: Trio) -> None:
    node, pattern = trio.nodes[0], b"x" * 70_000
    scan = [b"SCAN", b"0", b"MATCH", pattern]
    *refused, pong = pipeline(node, [b"KEYS", pattern], scan, [b"PING"])
    assert [str(error) for error in refused] == ["ERR pattern is longer than 65536 bytes"] * 2
    assert pong == b"PONG"


def test_a_cursor_is_read_as_redis_reads_it(trio: Trio) -> None:
    wrong = [b"9" * 5_000, b"%d" % (1 << 64), b"x", b"1 "]
    replies = pipeline(trio.nodes[0], *[[b"SCAN", cursor] for cursor in [*wrong, b"", b"+0"]])
    assert [str(error) for error in replies[:4]] == ["ERR invalid cursor"] * 4
    assert replies[4] == replies[5]


def test_a_huge_count_goes_through_one_partition_after_the_other(trio: Trio) -> None:
    flush(trio)
    node = trio.nodes[0]
    few = set(trio.keys_led_by(node, 12, "few"))
    tag = b"{%b}" % next(iter(few))
    many = [tag + b"%d" % number for number in range(21_000)]
    assert node.call("MSET", *[part for key in many for part in (key, b"v")]) == b"OK"
    for key in few:
        assert node.call("SET", key, "v") == b"OK"
    found: list[bytes] = []
    cursors = [b"0"]
    while len(cursors) == 1 or cursors[-1] != b"0":
        cursor, some = node.call("SCAN", cursors[-1], "COUNT", "100000")
        cursors.append(cursor)
        found += some
    assert sorted(found) == sorted([*many, *few])
    assert len(cursors) <= 17  # a partition a call
    flush(trio)


def test_commands_for_all_slots_are_refused_inside_a_transaction(trio: Trio) -> None:
    """EXEC runs on one partition; FLUSHALL there would leave the others as they are."""
    node = trio.nodes[0]
    key = trio.key_led_by(node)
    replies = pipeline(node, [b"MULTI"], [b"SET", key, b"v"], [b"FLUSHALL"], [b"EXEC"])
    assert replies[:2] == [b"OK", b"QUEUED"]
    assert "not allowed inside a transaction" in str(replies[2])
    assert str(replies[3]).startswith("EXECABORT ")


def test_watch_of_another_slot_is_noticed_also_when_it_is_pipelined(trio: Trio) -> None:
    """The counters come later than EXEC here; the transaction must not run without them."""
    node = trio.nodes[0]
    one, two = trio.keys_led_by(node, 2)
    replies = pipeline(
        node, [b"WATCH", one], [b"MULTI"], [b"SET", two, b"unwatched"], [b"EXEC"], [b"GET", two]
    )
    assert str(replies[3]).startswith("CROSSSLOT ")
    assert replies[4] != b"unwatched"


def test_crossslot_and_moved_have_the_words_of_redis(trio: Trio) -> None:
    one, two = trio.nodes[:2]
    foreign = trio.key_led_by(two)
    slot = one.call("CLUSTER", "KEYSLOT", foreign)
    assert str(one.call("GET", foreign)) == f"MOVED {slot} 127.0.0.1:{two.port}"
    text = "CROSSSLOT Keys in request don't hash to the same slot"
    assert str(one.call("MGET", "a", "b")) == text
    assert [str(reply) for reply in pipeline(one, [b"MULTI"], [b"MGET", b"a", b"b"], [b"EXEC"])][
        1:
    ] == [text, "EXECABORT Transaction discarded because of previous errors."]


def test_info_counts_what_the_node_leads(trio: Trio) -> None:
    flush(trio)
    for node in trio.nodes:
        for key in trio.keys_led_by(node, 3):
            assert node.call("SET", key, "v", "EX", "1000") == b"OK"
        info = node.call("INFO").decode()
        assert "db0:keys=3,expires=3," in info
        assert "partitions:16\r\n" in info
        assert "term:0\r\n" not in info


def test_a_run_of_which_a_part_is_redirected_logs_only_the_other_part(trio: Trio) -> None:
    """Otherwise followers, and the node itself after a restart, would hold more than it did."""
    flush(trio)
    node, other = trio.nodes[:2]
    own = trio.key_led_by(node, "own")
    foreign = trio.key_led_by(other, "own")
    tagged = [b"{%b}:%d" % (own, number) for number in range(2)]
    replies = pipeline(node, *[[b"SET", key, b"v"] for key in [*tagged, foreign]])
    assert replies[:2] == [b"OK", b"OK"]
    assert isinstance(replies[2], hiredis.ReplyError)
    assert str(replies[2]).startswith("MOVED ")
    node.kill()
    trio.wait_ready()
    assert sorted(key for left in trio.running() for key in left.call("KEYS", "*")) == tagged
