"""One heartbeat per pair of nodes stands for those of all partitions that are at rest; sans-io.

    leader's node                          follower's node
    BEAT: number, digest of its list ───►  the digest of its own idea is the same: re-arms all timers
                                     ◄───  its own next BEAT acknowledges the number
    or
                                     ◄───  ASK
    LIST: number, the list           ───►  re-arms the timers of those that agree, takes an ordinary
                                           heartbeat for each of the others
                                     ◄───  ACK: number, those others

The list names (partition, term, last index) of what the sender leads and the receiver follows with
all entries committed, and told so. What the two think of is compared anew each time and kept by
nobody, so a partition whose leader has gone is in no list, and its followers time out. All may come
late, twice or never: a BEAT says no more than the ordinary heartbeats it stands for. It confirms no
read: rounds are acknowledged by ordinary heartbeats alone.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import Final

from respkv.consensus.messages import HEARTBEAT, Message
from respkv.consensus.raft import FOLLOWER, LEADER, Raft

BEAT: Final = 1
ACK: Final = 2
ASK: Final = 3
LIST: Final = 4

PAIR_KIND_NAMES: Final = {BEAT: "beat", ACK: "ack", ASK: "ask", LIST: "list"}
BEATS_REMEMBERED: Final = 16  # lists included; acknowledgements that take longer do not count

Resting = tuple[int, int, int]  # partition, term, last index


class PairMessage:
    """What one node says to another about all partitions that both hold."""

    __slots__ = ("acked", "digest", "kind", "number", "recipient", "resting", "sender")

    def __init__(
        self,
        kind: int,
        sender: int,
        recipient: int,
        number: int,
        digest: int = 0,
        acked: int = 0,
        resting: Sequence[Resting] = (),
    ) -> None:
        self.kind = kind
        self.sender = sender
        self.recipient = recipient
        self.number = number  # of the beat, or of the one that is answered
        self.digest = digest
        self.acked = acked  # the last BEAT of the other that this node agreed with; 0: none lately
        self.resting = resting

    def __repr__(self) -> str:
        return (
            f"{PAIR_KIND_NAMES[self.kind]} {self.number} {self.sender}→{self.recipient} "
            f"{self.digest:x} acked {self.acked} {list(self.resting)}"
        )


def digest_of(resting: list[Resting]) -> int:
    """Return 64 bits that tell two lists apart."""
    numbers = [number for row in resting for number in row]
    packed = struct.pack(f"<{len(numbers)}Q", *numbers)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little")


class PairHeartbeats:
    """One node's part; the owner calls `beats` each tick and sends what `beats` and `step` return.

    `step_replica(partition, message)` is called with ordinary heartbeats, as if they had come from
    the leader: whatever watches a replica's messages sees them.
    """

    def __init__(self, node_id: int, step_replica: Callable[[int, Message], None]) -> None:
        self._node_id = node_id
        self._step_replica = step_replica
        self._rafts: dict[int, Raft] = {}  # by partition, in ascending order
        self._number = 0
        # What each of the last beats to a peer stood for, by its number.
        self._sent: dict[int, dict[int, list[Resting]]] = {}
        self._agreed: dict[int, int] = {}  # by peer, the number to acknowledge next

    def add(self, partition: int, raft: Raft) -> None:
        """Speak for this partition from now on; it no longer sends heartbeats while it rests."""
        raft.paired = True
        self._rafts[partition] = raft
        self._rafts = dict(sorted(self._rafts.items()))

    def forget(self, peer: int) -> None:
        """A node is no member any more."""
        self._sent.pop(peer, None)
        self._agreed.pop(peer, None)

    def beats(self) -> list[PairMessage]:
        """Return this tick's heartbeats: one to each node that holds a copy of something here.

        They go before the replicas' own ticks: what those still have to tell is not at rest there.
        """
        self._number += 1
        led: dict[int, list[Resting]] = {}
        for partition, raft in self._rafts.items():
            for peer in raft.voters:
                if peer not in led and peer != self._node_id:
                    led[peer] = []
            if raft.role == LEADER:
                row = (partition, raft.term, raft.commit_index)
                for peer in raft.resting_peers():
                    led.setdefault(peer, []).append(row)
        return [self._beat(peer, rows) for peer, rows in led.items()]

    def step(self, message: PairMessage) -> PairMessage | None:
        """Take a message of a peer and return the answer."""
        kind = message.kind
        sender = message.sender
        if kind == BEAT:
            self._take_ack(sender, message.acked, ())
            agreeing = self._followed(sender)
            if digest_of(agreeing) != message.digest:
                return PairMessage(ASK, self._node_id, sender, message.number)
            for partition, _, _ in agreeing:
                self._rafts[partition].leader_lives()
            self._agreed[sender] = message.number
            return None
        if kind == ASK:
            self._number += 1
            rows = self._led(sender)
            self._remember(sender, rows)
            return PairMessage(LIST, self._node_id, sender, self._number, resting=rows)
        if kind == LIST:
            return self._take_list(message)
        self._take_ack(sender, message.number, message.resting)
        return None

    def _beat(self, peer: int, rows: list[Resting]) -> PairMessage:
        self._remember(peer, rows)
        acked = self._agreed.pop(peer, 0)
        return PairMessage(BEAT, self._node_id, peer, self._number, digest_of(rows), acked)

    def _remember(self, peer: int, rows: list[Resting]) -> None:
        sent = self._sent.setdefault(peer, {})
        sent[self._number] = rows
        while len(sent) > BEATS_REMEMBERED:
            del sent[next(iter(sent))]

    def _led(self, peer: int) -> list[Resting]:
        return [
            (partition, raft.term, raft.commit_index)
            for partition, raft in self._rafts.items()
            if raft.role == LEADER and peer in raft.resting_peers()
        ]

    def _followed(self, leader: int) -> list[Resting]:
        """Return what this node would expect in the leader's list."""
        return [
            (partition, raft.term, raft.commit_index)
            for partition, raft in self._rafts.items()
            if raft.leader_id == leader
            and raft.role == FOLLOWER
            and raft.commit_index == raft.log.last_index
        ]

    def _take_list(self, message: PairMessage) -> PairMessage:
        agreeing = self._followed(message.sender)
        others = [row for row in message.resting if row not in agreeing]
        for partition, term, index in message.resting:
            raft = self._rafts.get(partition)
            if raft is None:
                continue
            if (partition, term, index) in agreeing:
                raft.leader_lives()
                continue
            self._step_replica(
                partition, Message(HEARTBEAT, message.sender, self._node_id, term, commit=index)
            )
        return PairMessage(ACK, self._node_id, message.sender, message.number, resting=others)

    def _take_ack(self, peer: int, number: int, others: Sequence[Resting]) -> None:
        for row in self._sent.get(peer, {}).get(number, []):
            if row not in others:
                partition, term, _ = row
                self._rafts[partition].follower_lives(peer, term)
