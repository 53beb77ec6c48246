"""Several Raft groups on the same nodes, with the pair heartbeats between these, all by hand."""

from respkv.clock import SeededChance
from respkv.consensus.messages import Message
from respkv.consensus.pair_heartbeat import PairHeartbeats, PairMessage
from respkv.consensus.raft import LEADER
from tests.consensus.group import Group


class Nodes:
    """Nodes 1 .. size, each with a voter of partitions 0 .. partitions - 1.

    Without a seed all draw the longest election timeout, and so nobody stands up unasked.
    """

    def __init__(self, size: int = 3, partitions: int = 3, seed: int = -1) -> None:
        self.groups = [Group(size) for _ in range(partitions)]
        if seed >= 0:
            chance = SeededChance(seed)
            for group in self.groups:
                for member in group.members.values():
                    member.chance = chance
                    member.start()
        self.pairs = {node: self._pairs_of(node) for node in self.groups[0].members}
        self.said: list[PairMessage] = []  # under way

    def _pairs_of(self, node: int) -> PairHeartbeats:
        def step(partition: int, message: Message) -> None:
            self.groups[partition][node].step(message)

        pairs = PairHeartbeats(node, step)
        for partition, group in enumerate(self.groups):
            pairs.add(partition, group[node])
        return pairs

    def restart(self, node: int, partition: int = -1) -> None:
        """Lose what is unsynced of all partitions there, or of one."""
        for number, group in enumerate(self.groups):
            if partition in (-1, number):
                group.restart(node)
        self.pairs[node] = self._pairs_of(node)

    def tick(self, *nodes: int) -> None:
        """Let a heartbeat interval pass on these nodes, or on all."""
        for node in nodes or self.pairs:
            self.said += self.pairs[node].beats()
            for group in self.groups:
                group[node].tick()
        for group in self.groups:
            group.collect()

    def hear(self, message: PairMessage) -> None:
        """Deliver one pair message; the answer is under way then."""
        answer = self.pairs[message.recipient].step(message)
        if answer is not None:
            self.said.append(answer)
        for group in self.groups:
            group.collect()

    def lose(self, kind: int = 0, sender: int = 0, recipient: int = 0) -> list[PairMessage]:
        """Lose the pair messages under way that fit."""
        lost = [
            message
            for message in self.said
            if kind in (0, message.kind)
            and sender in (0, message.sender)
            and recipient in (0, message.recipient)
        ]
        self.said = [message for message in self.said if message not in lost]
        return lost

    def settle(self) -> list[PairMessage]:
        """Sync and deliver all until nothing moves; return the pair messages that were heard."""
        heard: list[PairMessage] = []
        while True:
            for group in self.groups:
                group.settle()
            if not self.said:
                return heard
            heard.append(self.said.pop(0))
            self.hear(heard[-1])

    def live(self, ticks: int, *nodes: int) -> None:
        """Let time pass on these nodes, or on all, and nothing go wrong."""
        for _ in range(ticks):
            self.tick(*nodes)
            self.settle()

    def elect(self, node: int) -> None:
        """Make a node the leader of all partitions, which come to rest."""
        for group in self.groups:
            group.elect(node)
        self.live(2)

    def leads(self, node: int) -> list[bool]:
        """Return of which partitions a node believes to be the leader."""
        return [group[node].role == LEADER for group in self.groups]
