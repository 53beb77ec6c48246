"""A Raft group in memory: messages are delivered, dropped or cut by hand, disks synced by hand."""

from respkv.clock import Chance
from respkv.consensus.configuration import Configuration
from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import Message
from respkv.consensus.raft import FOLLOWER, LEADER, Raft
from respkv.consensus.ready import Ready
from respkv.entry import Entry


class LongestTimeout:
    """Chance that draws the longest election timeout, so that nobody stands up unasked."""

    def below(self, bound: int) -> int:
        return bound - 1


def entries_of(terms: list[int], first_index: int = 1) -> list[Entry]:
    """Return a log whose entries have these terms; the payload names term and index."""
    return [
        Entry(term, index, 0, b"%d.%d" % (term, index))
        for index, term in enumerate(terms, first_index)
    ]


class Member:
    """One voter, its disk, what it has handed to the disk, and what it has told its owner."""

    def __init__(self, node_id: int, voters: list[int], terms: list[int], term: int) -> None:
        self.id = node_id
        self._voters = voters
        self.chance: Chance = LongestTimeout()
        # On disk: this is all that a restart finds.
        self.term = term
        self.vote = 0
        self.snapshot = (0, 0)  # index, term
        self.configuration: Configuration | None = None  # as of the snapshot
        self.entries = entries_of(terms)
        # Written, not yet synced; each with the messages that wait for it.
        self.unsynced: list[Ready] = []
        self.start()

    def start(self) -> None:
        """Begin with what is on disk."""
        self.unsynced = []
        self.applied: list[Entry] = []
        self.reads: list[tuple[int, int]] = []
        self.snapshot_peers: list[int] = []
        self.raft = Raft(
            self.id, self._voters, self.term, self.vote, *self.snapshot, list(self.entries),
            self.chance, self.configuration,
        )  # fmt: skip

    def take_ready(self) -> list[Message]:
        """Drain `ready()`; return the messages that may go now."""
        messages: list[Message] = []
        while (ready := self.raft.ready()) is not None:
            messages += ready.messages
            self.applied += ready.committed
            self.reads += ready.reads
            self.snapshot_peers += ready.snapshot_peers
            if ready.entries or ready.hard_state or self.unsynced:
                self.unsynced.append(ready)
            else:
                messages += ready.messages_after_sync
        return messages

    def sync(self) -> list[Message]:
        """Make the oldest write durable; return the messages that waited for it."""
        ready = self.unsynced.pop(0)
        if ready.hard_state is not None:
            self.term, self.vote = ready.hard_state
        for entry in ready.entries:
            del self.entries[max(0, entry.index - self.snapshot[0] - 1) :]
            self.entries.append(entry)
        if ready.entries:
            last = ready.entries[-1]
            # Where a later write has replaced the entry, this sync proves nothing.
            if all(
                not later.entries or later.entries[0].index > last.index for later in self.unsynced
            ):
                self.raft.persisted(last.term, last.index)
        return ready.messages_after_sync

    def install(self, index: int, term: int, configuration: Configuration | None = None) -> bool:
        """Install a snapshot, durably; messages that waited for earlier writes are lost."""
        while self.unsynced:
            self.sync()
        if not self.raft.install_snapshot(index, term, 0, configuration):
            return False
        self.configuration = configuration
        self.applied = []
        self.snapshot = (index, term)
        self.entries = self.raft.log.slice(index + 1, self.raft.last_index)
        return True

    def compact(self, index: int) -> None:
        """Let a durable snapshot replace the log up to `index`; see `install` for messages."""
        while self.unsynced:
            self.sync()
        self.configuration = self.raft.configuration_at(index)
        self.raft.compact(index)
        self.snapshot = (index, self.raft.term_at(index))
        self.entries = self.raft.log.slice(index + 1, self.raft.last_index)

    def terms(self) -> list[int]:
        """Return the term of each entry in the log."""
        log = self.raft.log
        return [entry.term for entry in log.slice(log.first_index, log.last_index)]


class Group:
    """Members 1 .. n and the messages between them, oldest first; `spares` more do not vote."""

    def __init__(
        self,
        size: int = 3,
        logs: dict[int, list[int]] | None = None,
        term: int = 0,
        spares: int = 0,
    ) -> None:
        voters = list(range(1, size + 1))
        logs = logs or {}
        self.members = {
            number: Member(number, voters, logs.get(number, []), max([term, *logs.get(number, [])]))
            for number in range(1, size + spares + 1)
        }
        self.messages: list[Message] = []
        self._cut: set[int] = set()

    def __getitem__(self, node_id: int) -> Raft:
        return self.members[node_id].raft

    def collect(self) -> None:
        """Put on the network what members want to send now."""
        for member in self.members.values():
            self.post(member.take_ready())

    def post(self, messages: list[Message]) -> None:
        """Send, unless one end is cut off."""
        self.messages += [
            message
            for message in messages
            if message.sender not in self._cut and message.recipient not in self._cut
        ]

    def cut(self, *node_ids: int) -> None:
        """Cut members off from all others; what is under way to or from them is lost."""
        self.collect()
        self._cut.update(node_ids)
        kept = self.messages
        self.messages = []
        self.post(kept)

    def heal(self) -> None:
        """Let everybody reach everybody."""
        self.collect()
        self._cut.clear()

    def deliver(
        self, kind: int = 0, sender: int = 0, recipient: int = 0, keep: bool = False
    ) -> list[Message]:
        """Deliver the messages under way that fit, oldest first; `keep` leaves a copy behind."""
        self.collect()
        chosen = self._matching(kind, sender, recipient)
        if not keep:
            self.messages = [message for message in self.messages if message not in chosen]
        for message in chosen:
            self[message.recipient].step(message)
        self.collect()
        return chosen

    def drop(self, kind: int = 0, sender: int = 0, recipient: int = 0) -> list[Message]:
        """Lose the messages under way that fit."""
        self.collect()
        chosen = self._matching(kind, sender, recipient)
        self.messages = [message for message in self.messages if message not in chosen]
        return chosen

    def _matching(self, kind: int, sender: int, recipient: int) -> list[Message]:
        return [
            message
            for message in self.messages
            if kind in (0, message.kind)
            and sender in (0, message.sender)
            and recipient in (0, message.recipient)
        ]

    def sync(self, *node_ids: int) -> None:
        """Make durable all that these members (or all) have written."""
        self.collect()
        for node_id in node_ids or self.members:
            member = self.members[node_id]
            while member.unsynced:
                self.post(member.sync())
        self.collect()

    def settle(self) -> None:
        """Sync and deliver until nothing moves any more."""
        self.collect()
        while self.messages or any(member.unsynced for member in self.members.values()):
            self.sync()
            self.deliver()

    def settle_with_ticks(self, leader_id: int, ticks: int) -> None:
        """Let the leader's time pass, with everything delivered in between."""
        for _ in range(ticks):
            self[leader_id].tick()
            self.settle()

    def wait_for_timeouts(self, *node_ids: int) -> None:
        """Let the shortest election timeout pass at these members: they hear no leader."""
        for node_id in node_ids:
            if self[node_id].role == FOLLOWER:
                for _ in range(ELECTION_TIMEOUT_TICKS):
                    self[node_id].tick()

    def campaign(self, node_id: int) -> None:
        """Make a member a candidate of the next term, whose requests are under way."""
        self.wait_for_timeouts(*(other for other in self.members if other not in self._cut))
        self[node_id].campaign()
        self.sync(node_id)

    def elect(self, node_id: int) -> Raft:
        """Make a member leader, with its first entry on every member it reaches."""
        self.campaign(node_id)
        self.settle()
        assert self[node_id].role == LEADER
        return self[node_id]

    def propose(self, leader_id: int, payload: bytes = b"x") -> Entry:
        """Append an entry to the leader's log; nothing is sent or synced yet."""
        return self[leader_id].propose(0, payload)

    def restart(self, node_id: int) -> None:
        """Lose what is unsynced, and begin with what is on disk."""
        self.members[node_id].start()

    def leaders(self) -> list[int]:
        """Return who believes to lead."""
        return [node_id for node_id in self.members if self[node_id].role == LEADER]
