"""The registry of subscriptions against a model of it, and the lane of messages to a peer."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respkv.commands.glob import matcher
from respkv.node.patterns import PatternIndex
from respkv.node.publications import (
    PublicationQueue,
    decode_publications,
    encode_publication,
)
from respkv.node.pubsub import CHANNEL, KINDS, PATTERN, SHARD, Kind, PubSub, Subscriptions
from respkv.wire.frames import BODY_BYTES_MAX, ChunkJoiner, FrameSplitter
from respkv.wire.reply import Push, encode

names = st.text("ab", min_size=1, max_size=4).map(str.encode)
patterns = st.one_of(
    st.text("ab*?[]^\\", max_size=6).map(str.encode),
    names.map(lambda name: name + b"*"),
    names.map(lambda name: name * 12 + b"*"),
    st.just(b"*"),
)


class Listener:
    """A client as far as pub/sub is concerned."""

    def __init__(self, resp: int) -> None:
        self.resp = resp
        self.subscriptions: Subscriptions | None = None
        self.heard: list[bytes] = []

    def listen(self, subscriptions: Subscriptions | None) -> None:
        self.subscriptions = subscriptions

    def push(self, message: bytes) -> None:
        self.heard.append(message)


class Registry(RuleBasedStateMachine):
    """Three clients subscribe and unsubscribe; the model is a set of (client, kind, name)."""

    def __init__(self) -> None:
        super().__init__()
        self.pubsub = PubSub()
        self.clients = [Listener(2), Listener(3), Listener(2)]
        self.model: set[tuple[int, Kind, bytes]] = set()

    def count(self, number: int, kind: Kind) -> int:
        counted = (SHARD,) if kind is SHARD else (CHANNEL, PATTERN)
        return sum(client == number and found in counted for client, found, _ in self.model)

    def names_of(self, number: int, kind: Kind) -> list[bytes]:
        return [name for client, found, name in self.model if (client, found) == (number, kind)]

    @rule(number=st.integers(0, 2), kind=st.sampled_from(KINDS), name=names, pattern=patterns)
    def subscribe(self, number: int, kind: Kind, name: bytes, pattern: bytes) -> None:
        name = pattern if kind is PATTERN else name
        self.model.add((number, kind, name))
        confirmation = self.pubsub.subscribe(self.clients[number], kind, name)
        assert confirmation.items == [kind.subscribed, name, self.count(number, kind)]

    @rule(number=st.integers(0, 2), kind=st.sampled_from(KINDS), data=st.data())
    def unsubscribe(self, number: int, kind: Kind, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([*sorted(self.names_of(number, kind)), b"nosuch"]))
        self.model.discard((number, kind, name))
        [confirmation] = self.pubsub.unsubscribe(self.clients[number], kind, [name])
        assert confirmation.items == [kind.unsubscribed, name, self.count(number, kind)]

    @rule(number=st.integers(0, 2), kind=st.sampled_from(KINDS))
    def unsubscribe_all(self, number: int, kind: Kind) -> None:
        gone = self.names_of(number, kind)
        self.model -= {(number, kind, name) for name in gone}
        confirmations = self.pubsub.unsubscribe_all(self.clients[number], kind)
        told = [confirmation.items[1] for confirmation in confirmations]
        assert sorted(told, key=repr) == sorted(gone or [None], key=repr)
        assert confirmations[-1].items[2] == self.count(number, kind)

    @rule(number=st.integers(0, 2))
    def leave(self, number: int) -> None:
        self.pubsub.forget(self.clients[number])
        self.model = {found for found in self.model if found[0] != number}

    @rule(gone=names)
    def end_shard_channel(self, gone: bytes) -> None:
        self.pubsub.end_shard_channels(lambda channel: channel == gone)
        ended = sorted(number for number, kind, name in self.model if (kind, name) == (SHARD, gone))
        self.model -= {(number, SHARD, gone) for number in ended}
        for number in ended:
            push = Push([b"sunsubscribe", gone, self.count(number, SHARD)])
            assert self.clients[number].heard.pop() == encode(push, self.clients[number].resp)

    @rule(channel=names, times=st.sampled_from([1, 12]))
    def publish(self, channel: bytes, times: int) -> None:
        channel *= times
        expected: list[list[bytes]] = [[] for _ in self.clients]
        for number, kind, name in self.model:
            items = None
            if kind is CHANNEL and name == channel:
                items = [b"message", channel, b"hello"]
            elif kind is PATTERN and matcher(name)(channel):
                items = [b"pmessage", name, channel, b"hello"]
            if items is not None:
                expected[number].append(encode(Push(items), self.clients[number].resp))
        sent = self.pubsub.publish(channel, b"hello")
        self.hears(expected, sent)

    @rule(channel=names)
    def publish_to_shard(self, channel: bytes) -> None:
        message = Push([b"smessage", channel, b"hello"])
        expected = [
            [encode(message, client.resp)] if (number, SHARD, channel) in self.model else []
            for number, client in enumerate(self.clients)
        ]
        self.hears(expected, self.pubsub.publish_to_shard(channel, b"hello"))

    def hears(self, expected: list[list[bytes]], sent: int) -> None:
        assert sent == sum(map(len, expected))
        for client, messages in zip(self.clients, expected, strict=True):
            assert sorted(client.heard) == sorted(messages)
            client.heard.clear()

    @invariant()
    def nothing_is_left_over(self) -> None:
        for kind in KINDS:
            found = {
                (number, name)
                for name, subscribers in self.pubsub.subscribers[kind].items()
                for number, client in enumerate(self.clients)
                if client in subscribers
            }
            assert found == {(number, name) for number, of, name in self.model if of is kind}
            assert all(self.pubsub.subscribers[kind].values())
        for number, client in enumerate(self.clients):
            subscribes = any(number == found for found, _, _ in self.model)
            assert (client.subscriptions is not None) == subscribes


Registry.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRegistry = Registry.TestCase


@given(st.sets(patterns, max_size=8), names, st.sampled_from([1, 12]))
@example({b"a", b"abba"}, b"a", 1)
def test_a_pattern_index_finds_what_each_pattern_would(
    found: set[bytes], channel: bytes, times: int
) -> None:
    index = PatternIndex()
    for pattern in found:
        index.add(pattern)
    wanted = {pattern for pattern in found if matcher(pattern)(channel * times)}
    assert sorted(index.matching(channel * times)) == sorted(wanted)
    for pattern in found:
        index.remove(pattern)
    assert index.matching(channel * times) == []


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=8),
            st.sampled_from([0, 1, 100, BODY_BYTES_MAX - 12, BODY_BYTES_MAX, 3 * BODY_BYTES_MAX]),
        ),
        max_size=12,
    )
)
def test_messages_to_a_peer_arrive_whole_and_in_order(sent: list[tuple[bytes, int]]) -> None:
    queue, splitter, joiner = PublicationQueue(1 << 30), FrameSplitter(), ChunkJoiner()
    arrived: list[tuple[bytes, bytes]] = []
    messages = [(channel, bytes([number]) * size) for number, (channel, size) in enumerate(sent)]
    for channel, message in messages:
        assert queue.add(encode_publication(channel, message))
    while queue.bytes:
        for _, flags, body in splitter.feed(b"".join(queue.take())):
            joined = joiner.add(flags, body)
            if joined is not None:
                arrived += decode_publications(joined)
    assert arrived == messages
    assert queue.messages == 0
    assert queue.take() == []


def test_a_full_lane_takes_one_message_more_and_then_none_until_it_is_emptied() -> None:
    queue = PublicationQueue(100)
    assert queue.add(b"x" * 99)
    assert queue.add(b"x" * 1_000_000)
    assert not queue.add(b"x")
    assert queue.messages == 2
    queue.take()
    queue.take()
    assert queue.messages == 1  # sent in part
    queue.clear()
    assert queue.messages == queue.bytes == 0
    assert queue.add(b"x")
