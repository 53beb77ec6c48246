"""A simulated node's end of the network: one frame for each peer and turn, as `PeerNetwork` has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from respkv.consensus.messages import VOTE, VOTE_REPLY, Message
from respkv.node.peer_protocol import PeerCounters
from respkv.replica.peer_codec import PeerMessage

if TYPE_CHECKING:
    from tests.simulation.node import SimulatedNode


@dataclass(slots=True)
class Frame:
    """What one node says to another at the end of a turn, or a part of it: lost or late as a whole.

    Messages are from member to member, frames from machine to machine.
    """

    sender: int
    recipient: int
    messages: list[tuple[int, PeerMessage]]


class SimulatedLink:
    """What is asked of a link with another member."""

    def __init__(self, node: "SimulatedNode", number: int) -> None:
        self._node = node
        self._number = number

    @property
    def up(self) -> bool:
        """Whether it is connected."""
        return self._node.member.view.nodes[self._number].up


class SimulatedPeers:
    """Stands where `node.cluster` has its `PeerNetwork`."""

    def __init__(self, node: "SimulatedNode") -> None:
        self.counters = PeerCounters()
        self.links: dict[int, SimulatedLink] = {}  # by the member's number
        self.announcement = b""
        self.replaced: set[str] = set()
        self._node = node
        self._queues: dict[int, list[tuple[int, PeerMessage]]] = {}

    def set_peer(self, number: int, *_: object) -> None:
        """Have a link with a member, wherever it is."""
        self.links.setdefault(number, SimulatedLink(self._node, number))

    def announce(self, announcement: bytes) -> None:
        """Tell all peers now, and each whose link opens later."""
        self.announcement = announcement
        for number in self.links:
            self._node.simulation.tell(self._node, number, announcement)

    def send(self, partition: int, message: PeerMessage) -> None:
        """Queue a message for its recipient, until `flush`."""
        self._queues.setdefault(message.recipient, []).append((partition, message))

    def flush(self) -> None:
        """Everything queued in this turn leaves."""
        if not self._queues:
            return
        queues, self._queues = self._queues, {}
        node = self._node
        network, world = node.simulation.network, node.world
        for number, messages in queues.items():
            if number not in self.links:
                continue  # no member any more
            recipient = node.simulation.places[number]
            if len(messages) > 1 and world.happens(network.splitting):
                for message in messages:  # as when a connection breaks between two of them
                    network.send(Frame(node.id, recipient, [message]))
            else:
                network.send(Frame(node.id, recipient, messages))
            for partition, message in messages:
                if isinstance(message, Message):
                    self._take_note(partition, message)

    def _take_note(self, partition: int, message: Message) -> None:
        """A vote that others hear of is for ever."""
        node = self._node
        invariants = node.simulation.invariants.partitions[partition]
        if message.kind == VOTE:
            invariants.voted(node, message.term, node.number)
        elif message.kind == VOTE_REPLY and not message.reject:
            invariants.voted(node, message.term, message.recipient)
            node.simulation.troubles.voted(node)
