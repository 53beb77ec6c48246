"""What a node knows of its cluster, and where it sends clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.cluster.redirect import redirect
from respkv.cluster.view import (
    ClusterView,
    NodeInfo,
    announced_node,
    first_slot,
)
from respkv.config import read_config
from respkv.errors import InvariantViolation
from respkv.keyspace.slots import SLOTS


def three_nodes(partitions: int = 8) -> ClusterView:
    """Node 1's view of three nodes, none of which leads."""
    view = ClusterView(1, partitions, 3)
    for number in (1, 2, 3):
        view.nodes[number] = NodeInfo(f"{number}" * 40, f"10.0.0.{number}", 6379)
    return view


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 32, 1000, 1024, 16384])
def test_partitions_are_contiguous_and_cover_every_slot(partitions: int) -> None:
    view = three_nodes(partitions)
    assert len(view.partition_of_slot) == SLOTS
    for slot, partition in enumerate(view.partition_of_slot):
        assert first_slot(partition, partitions) <= slot < first_slot(partition + 1, partitions)
    sizes = [view.partition_of_slot.count(partition) for partition in {0, partitions - 1}]
    assert max(sizes) - min(sizes) <= 1


def test_neighbouring_partitions_of_one_leader_are_one_range() -> None:
    view = three_nodes()
    for partition, leader in enumerate([1, 1, 2, 0, 2, 1, 3, 3]):
        view.set_leader(partition, leader, 1)
    assert view.ranges() == [
        (0, 4095, 1), (4096, 6143, 2), (8192, 10239, 2), (10240, 12287, 1), (12288, 16383, 3),
    ]  # fmt: skip
    assert view.ranges_of(1) == [(0, 4095), (10240, 12287)]
    assert (view.slots_led(), view.is_ok(), view.leading_nodes()) == (14336, False, 3)


def test_followers_are_shown_where_they_are_up_and_split_ranges_where_they_differ() -> None:
    view = three_nodes(4)
    view.voters[:] = [(1, 2, 3), (2, 1, 3), (1, 2), (3, 4)]
    for partition, leader in enumerate([1, 1, 1, 3]):
        view.set_leader(partition, leader, 1)
    assert view.ranges_with_followers(all_=True) == [
        (0, 8191, (1, 2, 3)), (8192, 12287, (1, 2)), (12288, 16383, (3,)),
    ]  # fmt: skip
    view.nodes[3].up = False
    assert view.ranges_with_followers(all_=True) == [(0, 12287, (1, 2)), (12288, 16383, (3,))]
    view.set_leader(0, 0, 2)  # shown until another is known
    assert view.ranges_with_followers(all_=True)[0] == (0, 12287, (1, 2))


def test_a_node_that_leads_nothing_is_shown_as_a_follower() -> None:
    """Else a client that has asked only now would be lost with the one it knows."""
    view = three_nodes(4)
    view.voters[:] = [(1, 2, 3)] * 4
    for partition, leader in enumerate([1, 1, 2, 1]):
        view.set_leader(partition, leader, 1)
    assert view.ranges_with_followers(all_=False) == [
        (0, 8191, (1, 3)), (8192, 12287, (2, 3)), (12288, 16383, (1, 3)),
    ]  # fmt: skip
    view.nodes[3].up = False
    assert [by for _, _, by in view.ranges_with_followers(all_=False)] == [(1,), (2,), (1,)]


@given(st.lists(st.integers(0, 3), min_size=16, max_size=16))
def test_ranges_say_of_each_slot_who_leads_it_and_are_maximal(leaders: list[int]) -> None:
    view = three_nodes(16)
    for partition, leader in enumerate(leaders):
        view.set_leader(partition, leader, 1)
    said = [0] * SLOTS
    for first, last, leader in view.ranges():
        said[first : last + 1] = [leader] * (last - first + 1)
    assert said == [leaders[partition] for partition in view.partition_of_slot]
    for (_, last, leader), (first, _, other) in zip(view.ranges(), view.ranges()[1:], strict=False):
        assert last < first
        assert last < first - 1 or leader != other
    assert view.is_ok() == (0 not in leaders)


def test_who_led_last_is_shown_to_clients_during_an_election() -> None:
    """Their libraries refuse to work with a map that has holes."""
    view = ClusterView(1, 2, 3)
    for number in (1, 2):
        view.nodes[number] = NodeInfo(f"{number}" * 40, "127.0.0.1", 7000 + number)
    view.show(0, 1)
    view.show(1, 2)
    assert (view.ranges(), view.is_ok(), view.slots_down()) == (
        [(0, 8191, 1), (8192, 16383, 2)],
        False,
        16384,
    )
    view.set_leader(0, 2, 1)
    view.set_leader(1, 2, 1)
    assert (view.ranges(), view.is_ok(), view.slots_down()) == ([(0, 16383, 2)], True, 0)
    view.set_leader(0, 0, 2)
    assert (view.ranges(), view.is_ok(), view.slots_down()) == ([(0, 16383, 2)], False, 8192)
    assert view.leader_of_slot(0) == 0


def test_old_news_changes_nothing() -> None:
    view = three_nodes()
    assert view.set_leader(0, 2, 5)
    assert not view.set_leader(0, 2, 5)
    assert not view.set_leader(0, 3, 4)
    assert view.leader_of_slot(0) == 2
    assert view.set_leader(0, 0, 5)  # lost sight of it
    assert view.set_leader(0, 2, 5)  # and found it again
    assert view.set_leader(0, 0, 6)  # an election
    assert not view.set_leader(0, 2, 5)
    assert (view.leader_of_slot(0), view.epoch()) == (0, 6)
    assert view.set_leader(0, 3, 6)
    assert (view.ranges()[0], view.epoch_of(3), view.epoch_of(2)) == ((0, 2047, 3), 6, 0)


def test_who_is_only_shown_as_the_leader_does_not_make_the_cluster_ok() -> None:
    """redis-py refuses a map that lacks slots, also while nobody has led anything yet."""
    view = three_nodes(1)
    view.show(0, 3)
    assert (view.ranges(), view.is_ok(), view.leader_of_slot(0)) == ([(0, 16383, 3)], False, 0)
    view.set_leader(0, 2, 1)
    assert (view.ranges(), view.is_ok(), view.leader_of_slot(0)) == ([(0, 16383, 2)], True, 2)
    view.set_leader(0, 0, 2)
    assert (view.ranges(), view.is_ok(), view.leader_of_slot(0)) == ([(0, 16383, 2)], False, 0)


def test_two_leaders_in_one_term_are_never_shown() -> None:
    view = three_nodes()
    view.set_leader(0, 2, 5)
    with pytest.raises(InvariantViolation):
        view.set_leader(0, 3, 5)


def test_a_leader_whose_address_is_not_known_yet_is_not_shown() -> None:
    view = three_nodes()
    view.set_leader(0, 4, 1)
    assert (view.ranges(), view.leader_of_slot(0), view.is_ok()) == ([], 0, False)
    view.nodes[4] = NodeInfo("4" * 40, "10.0.0.4", 6379)
    assert (view.ranges(), view.leader_of_slot(0)) == ([(0, 2047, 4)], 4)


def test_a_node_is_asked_to_take_over_what_it_votes_in_and_does_not_lead() -> None:
    view = three_nodes(4)
    view.voters[:] = [(1, 2), (2, 3), (3, 1), (1, 2, 3)]
    view.set_leader(0, 1, 1)
    view.set_leader(2, 3, 1)
    assert view.followed() == [2, 3]


def test_clients_are_sent_to_the_leader_or_told_that_there_is_none() -> None:
    view = three_nodes()
    assert redirect(view, 0, "127.0.0.1").text == b"CLUSTERDOWN Hash slot not served"
    view.set_leader(0, 2, 1)
    assert redirect(view, 2047, "127.0.0.1").text == b"MOVED 2047 10.0.0.2:6379"
    view.nodes[2].up = False
    assert redirect(view, 0, "127.0.0.1").text == b"CLUSTERDOWN Hash slot not served"
    view.set_leader(0, 1, 2)
    assert redirect(view, 0, "127.0.0.1").text == b"CLUSTERDOWN Hash slot not served"


def test_the_endpoint_is_what_the_options_prefer_and_always_usable() -> None:
    view = three_nodes()
    view.set_leader(0, 2, 1)
    view.nodes[2].host = ""
    assert redirect(view, 0, "192.0.2.9").text == b"MOVED 0 192.0.2.9:6379"
    assert redirect(view, 0, "192.0.2.9", "hostname").text == b"MOVED 0 192.0.2.9:6379"
    view.nodes[2].hostname = "two.example"
    assert redirect(view, 0, "192.0.2.9").text == b"MOVED 0 192.0.2.9:6379"
    assert redirect(view, 0, "192.0.2.9", "hostname").text == b"MOVED 0 two.example:6379"
    assert redirect(view, 0, "192.0.2.9", "unknown-endpoint").text == b"MOVED 0 :6379"


def test_a_node_announces_its_options() -> None:
    def announced(*flags: tuple[str, str]) -> tuple[object, ...]:
        node = announced_node("a" * 40, read_config(None, list(flags)))
        return (node.host, node.port, node.bus_port, node.hostname, node.zone)

    assert announced(("port", "7000")) == ("", 7000, 17000, "", "")
    assert announced(("port", "7000"), ("cluster-port", "7001")) == ("", 7000, 7001, "", "")
    assert announced(
        ("port", "7000"),
        ("cluster-announce-ip", "203.0.113.5"),
        ("cluster-announce-port", "31000"),
        ("cluster-announce-bus-port", "31001"),
        ("cluster-announce-hostname", "n1.example"),
        ("cluster-zone", "a"),
    ) == ("203.0.113.5", 31000, 31001, "n1.example", "a")


def test_before_the_cluster_has_formed_a_node_knows_itself_and_serves_nothing() -> None:
    view = ClusterView(1, 1, 1)
    view.nodes[1] = NodeInfo("a" * 40, "", 7000)
    assert (view.own.port, view.ranges(), view.is_ok(), view.followed()) == (7000, [], False, [])
    assert redirect(view, 16383, "127.0.0.1").text == b"CLUSTERDOWN Hash slot not served"
    assert (view.epoch(), view.leading_nodes(), view.slots_led()) == (0, 0, 0)


def test_slots_are_shared_out_evenly_and_found_again() -> None:
    for partitions in (16, 32, 64, 256, 1024):
        of_slot = ClusterView(1, partitions, 3).partition_of_slot
        ranges = [
            range(first_slot(number, partitions), first_slot(number + 1, partitions))
            for number in range(partitions)
        ]
        assert [slot for slots in ranges for slot in slots] == list(range(SLOTS))
        assert {len(slots) for slots in ranges} == {SLOTS // partitions}
        assert all(slot in ranges[of_slot[slot]] for slot in range(0, SLOTS, 7))
