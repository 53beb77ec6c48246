"""One member of a Raft group, sans-io (Ongaro and Ousterhout 2014; Ongaro's thesis 2014).

`DESIGN.md` beside this file maps sections of both to the functions here. The owner calls `step`,
`tick` and `propose`, then drains `ready()`: it writes what that holds, sends the messages (some
only once the write is durable), applies what is committed, and reports `persisted`.
"""

from typing import Final

from respkv.clock import Chance
from respkv.consensus.configuration import Configuration, ConfigurationHistory
from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS, ElectionTimer
from respkv.consensus.entry_log import EntryLog
from respkv.consensus.followers import Followers
from respkv.consensus.messages import (
    APPEND,
    APPEND_REPLY,
    HEARTBEAT,
    HEARTBEAT_REPLY,
    PRE_VOTE,
    PRE_VOTE_REPLY,
    TIMEOUT_NOW,
    TRANSFER_REQUEST,
    VOTE,
    VOTE_REPLY,
    Message,
)
from respkv.consensus.progress import Progress
from respkv.consensus.read_rounds import ReadRounds
from respkv.consensus.ready import Ready
from respkv.entry import COMMANDS, CONFIGURATION, NOOP, Entry
from respkv.errors import InvariantViolation, NotLeader, NotReady

FOLLOWER: Final = 0
PRE_CANDIDATE: Final = 1
CANDIDATE: Final = 2
LEADER: Final = 3

CAUGHT_UP_ENTRIES: Final = 64  # so far behind, a learner is about to have everything
APPEND_BYTES_MAX: Final = 1 << 20
APPEND_ENTRIES_MAX: Final = 128


class Raft:
    """A voter or learner; `vote` and `leader_id` are 0 for none, so node ids start at 1.

    `configuration` is the one as of the snapshot; None: `voters`, as the group began.
    """

    def __init__(
        self,
        node_id: int,
        voters: list[int],
        term: int,
        vote: int,
        snapshot_index: int,
        snapshot_term: int,
        entries: list[Entry],
        chance: Chance,
        configuration: Configuration | None = None,
    ) -> None:
        self.node_id = node_id
        self.term = term
        self.vote = vote
        self.role = FOLLOWER
        self.leader_id = 0
        self.log = EntryLog(snapshot_index, snapshot_term, entries)
        self.commit_index = snapshot_index
        self.log_time_ms = max((entry.time_ms for entry in entries), default=0)
        self.elections_started = 0
        self.truncations = 0
        self.transfers = 0  # of leadership, which this one has given up
        self.paired = False  # `PairHeartbeats` speaks for it while it rests
        self._ready = Ready()
        self._handed_out_commit = snapshot_index
        self._persisted_index = self.log.last_index
        self._transfer_to = 0  # the follower that leadership is being handed to
        self._transfer_ticks = 0
        # A follower is about to take over: nothing is appended until it has been elected, for which
        # its log must not be shorter than a voter's.
        self.is_handing_over = False
        self._stands_at = 0  # once its log ends there, as the leader has asked for
        self.may_lead = True  # False: it stops soon, and takes no leadership over
        self.takes_over = True  # False: not from a leader that lives; its disk is full
        self.declined: list[int] = []  # followers that would not take it over
        self._votes: dict[int, bool] = {}
        self._followers = Followers(node_id)
        self.read_rounds = ReadRounds()
        self._first_of_term = 0  # index of this leader's first entry
        self.offers_lease = False  # a leader whose reads count on who acknowledges its rounds
        # What a voter promised before a restart still binds it; one without a term has promised
        # nothing.
        self._timer = ElectionTimer(chance, promised=term != 0)
        self._configurations = ConfigurationHistory(
            snapshot_index, configuration or Configuration(voters, []), entries
        )
        self.voters = voters
        self.learners: list[int] = []
        self._votes_here = True
        self._configure()

    @property
    def last_index(self) -> int:
        """Index of the last entry."""
        return self.log.last_index

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`, 0 when it is not in memory."""
        return self.log.term_at(index)

    def matching(self, index: int) -> int:
        """Return how many followers are known to hold the log durably up to `index`."""
        return sum([progress.match >= index for progress in self._followers.progress.values()])

    def lags(self) -> dict[int, int]:
        """Return how many entries each follower is not known to hold; nobody's without leading."""
        return {
            peer: self.log.last_index - progress.match
            for peer, progress in self._followers.progress.items()
        }

    # --- what the owner calls ----------------------------------------------------------------

    def tick(self) -> bool:
        """One heartbeat interval has passed; return whether `ready` has something since then."""
        self._timer.tick()
        if self.role != LEADER:
            if not self._timer.is_due() or not self.may_lead:
                return False
            self.start_pre_vote()
            return True
        self._check_quorum()
        if self.role != LEADER:
            return True
        self._transfer_ticks += 1
        if self._transfer_ticks >= ELECTION_TIMEOUT_TICKS:
            self._transfer_to = 0
            self.is_handing_over = False
        busy = self._transfer_to != 0
        for peer, progress in self._followers.progress.items():
            if progress.tick():
                busy = True
            if not self._rests(progress):
                self._send_heartbeat(peer, progress)
                busy = True
        return busy

    def campaign(self) -> None:
        """Stand for election at once, without a pre-vote (a sole voter at start)."""
        self._become_candidate()

    def force_election(self) -> None:
        """Stand for election without a pre-vote, unless a leader lives: that one is asked instead.

        A candidate goes on with the term it has, or asking again and again would never elect it.
        """
        if self._hears_leader():
            self.ask_for_transfer()
        elif self.role != CANDIDATE:
            self._become_candidate()

    def transfer(self, to: int) -> None:
        """Hand leadership over to a follower that has, or is being sent, the whole log.

        It calls an election at once, which is not held back by the others' hearing a leader
        (thesis 3.10). Given up when it cannot be sent everything within an election timeout.
        """
        if (
            self.role == LEADER
            and to in self._followers.progress
            and to in self.voters
            and not self.is_handing_over
        ):
            self._transfer_to = to
            self._transfer_ticks = 0

    def ask_for_transfer(self) -> None:
        """Ask the leader to hand over to this follower."""
        if self.role == FOLLOWER and self.leader_id:
            self._send(TRANSFER_REQUEST, self.leader_id)

    def _hand_over(self) -> None:
        progress = self._followers.progress.get(self._transfer_to)
        if progress is None:
            return
        if (
            not progress.probing
            and progress.match >= self.commit_index  # what was sent to it lately does arrive
            and progress.next > self.log.last_index
        ):
            # It need not wait until the follower has acknowledged all: the order says where the log
            # ends, and one sync there is for the last entries and for its vote.
            self._send(TIMEOUT_NOW, self._transfer_to, index=self.log.last_index)
            self.is_handing_over = True
            self._transfer_to = 0
            self._transfer_ticks = 0
            self.read_rounds.give_lease_up()
            self.transfers += 1

    def propose(self, time_ms: int, payload: bytes) -> Entry:
        """Append an entry to the leader's log and return it.

        Raises:
            NotLeader: this voter does not lead; carries the leader's id if known.
            NotReady: it `is_handing_over`.
        """
        if self.role != LEADER:
            raise NotLeader(self.leader_id)
        if self.is_handing_over:
            raise NotReady
        return self._append_own(time_ms, payload, COMMANDS)

    def read_index(self, now_ms: int = 0) -> int:
        """Start a read round and return its number; `Ready.reads` tells when it is confirmed.

        The caller applies up to the index given there, then reads locally (thesis, section 6.4).
        `now_ms` is what `ReadRounds.lease_from_ms` will be once a quorum has answered.

        Raises:
            NotLeader: this voter does not lead.
            NotReady: it has not yet committed an entry of its own term.
        """
        if self.role != LEADER:
            raise NotLeader(self.leader_id)
        if self.term_at(self.commit_index) != self.term:
            raise NotReady
        number = self.read_rounds.begin(self.commit_index, now_ms)
        self._send_heartbeats()
        self._confirm_rounds()
        return number

    def persisted(self, term: int, index: int) -> bool:
        """The log is durable here up to (term, index); ignored if that entry was replaced.

        Return whether `ready` has something since then.
        """
        if self.log.term_at(index) != term or index <= self._persisted_index:
            return False
        self._persisted_index = index
        if self.role != LEADER:
            return False
        commit_index = self.commit_index
        self._advance_commit()
        return self.commit_index != commit_index

    def compact(self, index: int) -> None:
        """Forget entries up to `index`; a durable snapshot or the applied state covers them."""
        if index > self.commit_index:
            raise InvariantViolation(f"compacting {index}, committed is {self.commit_index}")
        self.log.compact(index)
        self._configurations.compact(index)

    def install_snapshot(
        self, index: int, term: int, time_ms: int, configuration: Configuration | None = None
    ) -> bool:
        """Restart the log behind an installed snapshot; False when it is not ahead of it.

        `time_ms` is log time in the snapshot: what this voter may yet propose comes after it.
        `configuration` is the one as of the snapshot; None: it has not changed.
        """
        if index <= self.commit_index:
            return False
        self.log_time_ms = max(self.log_time_ms, time_ms)
        as_of_it = configuration or self.configuration_at(index)
        self.log.restart(index, term)
        self._configurations.restart(index, as_of_it, self.log.last_index)
        self._configure()
        self.commit_index = index
        self._handed_out_commit = index
        self._persisted_index = max(self._persisted_index, index)
        if self.log.last_index == index:
            self._persisted_index = index
        return True

    def snapshot_sent(self, peer: int, index: int, ok: bool) -> None:
        """The leader's transfer to `peer` has ended; appends go on behind it."""
        progress = self._followers.progress.get(peer)
        if progress is None or not progress.needs_snapshot:
            return
        progress.needs_snapshot = False
        if ok:
            progress.matched(index)
            self._advance_commit()
        progress.probe(progress.match + 1)

    def ready(self) -> Ready | None:
        """Return what is to be done since the last call, None for nothing."""
        if self.role == LEADER:
            for peer, progress in self._followers.progress.items():
                self._send_appends(peer, progress)
            self._hand_over()
        ready = self._ready
        ready.entries = self.log.take_unwritten()
        if self._handed_out_commit < self.commit_index:
            ready.committed = self.log.slice(self._handed_out_commit + 1, self.commit_index)
            self._handed_out_commit = self.commit_index
        if ready.is_empty():
            return None
        self._ready = Ready()
        return ready

    # --- membership (thesis, chapter 4: one voter at a time) -----------------------------------

    @property
    def configuration(self) -> Configuration:
        """The latest in the log, committed or not: it counts from when it is appended."""
        return self._configurations.latest

    @property
    def configuration_is_committed(self) -> bool:
        """Whether the latest configuration can no longer be taken back."""
        return self._configurations.latest_index <= self.commit_index

    def configuration_at(self, index: int) -> Configuration:
        """Return the configuration as of an entry that is not behind the log's base."""
        return self._configurations.at(index)

    def propose_configuration(self, configuration: Configuration) -> Entry:
        """Append a configuration to the leader's log; it counts at once.

        Raises:
            NotLeader: this member does not lead.
            NotReady: the one before is not committed, or nothing of the leader's term is yet, or it
                `is_handing_over`.
            InvariantViolation: more than one voter would change.
        """
        if self.role != LEADER:
            raise NotLeader(self.leader_id)
        if (
            self.term_at(self.commit_index) != self.term
            or not self.configuration_is_committed
            or self.is_handing_over
        ):
            raise NotReady
        if not self.configuration.may_become(configuration):
            raise InvariantViolation(f"{self.configuration} must not become {configuration}")
        return self._append_own(self.log_time_ms, configuration.encode(), CONFIGURATION)

    def has_caught_up(self, peer: int) -> bool:
        """Return whether a follower or learner of this leader holds about all of the log."""
        progress = self._followers.progress.get(peer)
        return (
            progress is not None
            and not progress.probing
            and not progress.needs_snapshot
            and progress.match + CAUGHT_UP_ENTRIES >= self.log.last_index
        )

    def _configure(self) -> None:
        """Go by the latest configuration."""
        configuration = self._configurations.latest
        self.voters = configuration.voters
        self.learners = configuration.learners
        self._votes_here = self.node_id in self.voters
        if self.role == LEADER:
            # Of the majorities of two configurations ago one may elect.
            self.read_rounds.lease_from_ms = 0
            self._followers.configure(configuration, self.log.last_index + 1)

    # --- messages ----------------------------------------------------------------------------

    def step(self, message: Message) -> None:
        """Take one message; any may come late, twice or never."""
        kind = message.kind
        if message.term > self.term:
            if kind == PRE_VOTE or (kind == PRE_VOTE_REPLY and not message.reject):
                pass  # speaks of a term that nobody has entered yet
            elif kind == VOTE and not message.context and self._hears_leader():
                return  # a live leader is not deposed by who cannot hear it (thesis 4.2.3)
            else:
                self._become_follower(message.term, 0)
        elif message.term < self.term:
            self._answer_old_term(message)
            return
        if kind == APPEND:
            self._take_append(message)
        elif kind == APPEND_REPLY:
            self._take_append_reply(message)
        elif kind == HEARTBEAT:
            self._follow(message.sender)
            if message.index:
                self._timer.promise()
            self._commit_to(min(message.commit, self.log.last_index))
            self._send(HEARTBEAT_REPLY, message.sender, context=message.context)
        elif kind == HEARTBEAT_REPLY:
            self._take_heartbeat_reply(message)
        elif kind in (PRE_VOTE, VOTE):
            self._take_vote_request(message)
        elif kind in (PRE_VOTE_REPLY, VOTE_REPLY):
            self._take_vote_reply(message)
        elif kind == TIMEOUT_NOW:
            if message.reject:
                self.is_handing_over = False
                self.declined.append(message.sender)
            elif not (self.may_lead and self.takes_over):
                self._send(TIMEOUT_NOW, message.sender, reject=True)
            elif self.role == FOLLOWER and message.sender == self.leader_id:
                self._stands_at = message.index
                self._stand_if_asked()
        elif kind == TRANSFER_REQUEST and self.role == LEADER:
            self.transfer(message.sender)

    def _stand_if_asked(self) -> None:
        """Call the election that the leader has asked for, once all of its log is here.

        The order may overtake the last entries. With more than those it is out of date: the leader
        has given the transfer up.
        """
        last_index = self.log.last_index
        if self._stands_at and last_index >= self._stands_at:
            is_due = last_index == self._stands_at and self.log.last_term == self.term
            self._stands_at = 0
            if is_due:
                self._become_candidate(asked=True)

    def _answer_old_term(self, message: Message) -> None:
        """Let a leader or candidate of an old term learn of the new one."""
        if message.kind in (APPEND, HEARTBEAT):
            self._send(APPEND_REPLY, message.sender, index=message.index, reject=True)
        elif message.kind == PRE_VOTE:
            self._send(PRE_VOTE_REPLY, message.sender, reject=True)

    def _send(
        self,
        kind: int,
        recipient: int,
        index: int = 0,
        reject: bool = False,
        hint_index: int = 0,
        hint_term: int = 0,
        context: int = 0,
        term: int = 0,
        after_sync: bool = False,
    ) -> None:
        message = Message(
            kind,
            self.node_id,
            recipient,
            term or self.term,
            index=index,
            reject=reject,
            hint_index=hint_index,
            hint_term=hint_term,
            context=context,
        )
        if after_sync:
            self._ready.messages_after_sync.append(message)
        else:
            self._ready.messages.append(message)

    # --- elections (paper 5.2, 5.4.1; thesis 9.6) ---------------------------------------------

    def _hears_leader(self) -> bool:
        if self.role == LEADER or self._timer.has_promised():
            return True
        return self.leader_id != 0 and self._timer.heard_lately()

    def _become_follower(self, term: int, leader_id: int) -> None:
        if term > self.term:
            self.term = term
            self.vote = 0
            self._ready.hard_state = (self.term, self.vote)
        self.role = FOLLOWER
        self.leader_id = leader_id
        self._followers.progress = {}
        self.read_rounds.end_term()
        self._transfer_to = 0
        self.is_handing_over = False
        self._stands_at = 0
        self._timer.draw()

    def start_pre_vote(self) -> None:
        """Ask whether an election could be won; it deposes no live leader (thesis 9.6)."""
        self.leader_id = 0
        self._timer.draw()
        if not self._votes_here:
            return
        self.role = PRE_CANDIDATE
        self._votes = {self.node_id: True}
        if self._has_quorum(self._votes):
            self._become_candidate()
            return
        self._request_votes(PRE_VOTE, self.term + 1, asked=False)

    def _become_candidate(self, asked: bool = False) -> None:
        if not self._votes_here:
            return
        self.role = CANDIDATE
        self.leader_id = 0
        self.term += 1
        self.vote = self.node_id
        self.elections_started += 1
        self._ready.hard_state = (self.term, self.vote)
        self._timer.draw()
        self._votes = {self.node_id: True}
        if self._has_quorum(self._votes):
            self._become_leader()
            return
        self._request_votes(VOTE, self.term, asked)

    def _request_votes(self, kind: int, term: int, asked: bool) -> None:
        for peer in self.voters:
            if peer != self.node_id:
                message = Message(
                    kind,
                    self.node_id,
                    peer,
                    term,
                    index=self.log.last_index,
                    log_term=self.log.last_term,
                    context=int(asked),
                )
                # Its own vote is durable before anybody can count it.
                if kind == VOTE:
                    self._ready.messages_after_sync.append(message)
                else:
                    self._ready.messages.append(message)

    def _take_vote_request(self, message: Message) -> None:
        up_to_date = (message.log_term, message.index) >= (self.log.last_term, self.log.last_index)
        if message.kind == PRE_VOTE:
            granted = up_to_date and message.term > self.term and not self._hears_leader()
            self._send(
                PRE_VOTE_REPLY,
                message.sender,
                reject=not granted,
                term=message.term if granted else self.term,
            )
            return
        granted = up_to_date and self.vote in (0, message.sender) and self.role == FOLLOWER
        if granted and self.vote == 0:
            self.vote = message.sender
            self._ready.hard_state = (self.term, self.vote)
        if granted:
            self._timer.restart()
            if message.context:
                # As good as elected: whoever asks for the leader meanwhile waits there.
                self.leader_id = message.sender
        self._send(VOTE_REPLY, message.sender, reject=not granted, after_sync=True)

    def _take_vote_reply(self, message: Message) -> None:
        if message.kind == PRE_VOTE_REPLY:
            if self.role != PRE_CANDIDATE or (not message.reject and message.term != self.term + 1):
                return
        elif self.role != CANDIDATE:
            return
        self._votes[message.sender] = not message.reject
        if self._has_quorum(self._votes):
            if self.role == PRE_CANDIDATE:
                self._become_candidate()
            else:
                self._become_leader()

    def _has_quorum(self, votes: dict[int, bool]) -> bool:
        granted = sum(votes.get(voter, False) for voter in self.voters)
        return granted > len(self.voters) // 2

    def _become_leader(self) -> None:
        self.role = LEADER
        self.leader_id = self.node_id
        self._timer.restart()
        self.read_rounds.begin_term()
        self._first_of_term = self.log.last_index + 1
        self._followers.progress = {}
        self._configure()
        # Entries of older terms commit only behind one of this term (paper 5.4.2, section 8).
        self._append_own(self.log_time_ms, b"", NOOP)
        self._send_heartbeats()

    def _check_quorum(self) -> None:
        """Step down when no quorum was heard for an election timeout (thesis 6.2)."""
        if self._timer.heard_lately():
            return
        self._timer.restart()
        if not self._has_quorum(self._followers.take_heard()):
            self._become_follower(self.term, 0)

    # --- replication (paper 5.3) --------------------------------------------------------------

    def _append_own(self, time_ms: int, payload: bytes, kind: int) -> Entry:
        self.log_time_ms = max(self.log_time_ms, time_ms)
        entry = Entry(self.term, self.log.last_index + 1, self.log_time_ms, payload, kind)
        self._append(entry)
        return entry

    def _append(self, entry: Entry) -> None:
        self.log.append(entry)
        if entry.kind == CONFIGURATION:
            self._configurations.append(entry)
            self._configure()

    def _send_appends(self, peer: int, progress: Progress) -> None:
        while progress.may_send():
            previous = progress.next - 1
            if previous < self.log.base_index:
                progress.needs_snapshot = True
                self._ready.snapshot_peers.append(peer)
                return
            if progress.next > self.log.last_index and not progress.probing:
                return  # the next append or heartbeat tells how far to commit
            entries, size = self.log.batch(progress.next, APPEND_ENTRIES_MAX, APPEND_BYTES_MAX)
            self._ready.messages.append(
                Message(
                    APPEND,
                    self.node_id,
                    peer,
                    self.term,
                    index=previous,
                    log_term=self.log.term_at(previous),
                    commit=self.commit_index,
                    entries=entries,
                )
            )
            progress.sent(previous + len(entries), size)

    def _follow(self, leader_id: int) -> None:
        """Accept the sender as leader of the current term."""
        if self.role == LEADER:
            raise InvariantViolation(f"two leaders in term {self.term}")
        if self.role != FOLLOWER or self.leader_id != leader_id:
            self._become_follower(self.term, leader_id)
        self._timer.restart()

    def _take_append(self, message: Message) -> None:
        self._follow(message.sender)
        if message.index < self.commit_index:
            # Old news: everything committed matches by now.
            self._reply_append(message.sender, self.commit_index)
            return
        if self.log.term_at(message.index) != message.log_term:
            self._reject_append(message)
            return
        last_new = message.index + len(message.entries)
        for entry in message.entries:
            if entry.index <= self.log.last_index:
                if self.log.term_at(entry.index) == entry.term:
                    continue  # held already: only a conflict may truncate
                if entry.index <= self.commit_index:
                    raise InvariantViolation(f"a leader replaces committed entry {entry.index}")
                self.log.truncate(entry.index)
                if self._configurations.truncate(entry.index):
                    self._configure()
                self._persisted_index = min(self._persisted_index, entry.index - 1)
                self.truncations += 1
            self._append(entry)
            self.log_time_ms = max(self.log_time_ms, entry.time_ms)
        self._commit_to(min(message.commit, last_new))
        self._reply_append(message.sender, last_new)
        self._stand_if_asked()

    def _reply_append(self, leader_id: int, index: int) -> None:
        self._send(APPEND_REPLY, leader_id, index=index, after_sync=True)

    def _reject_append(self, message: Message) -> None:
        """Name the last entry that could match, to skip whole terms at once (paper 5.3, end)."""
        hint_index = min(message.index, self.log.last_index)
        hint_term = self.log.term_at(hint_index)
        while hint_index > self.commit_index and hint_term > message.log_term:
            hint_index -= 1
            hint_term = self.log.term_at(hint_index)
        self._send(
            APPEND_REPLY,
            message.sender,
            index=message.index,
            reject=True,
            hint_index=hint_index,
            hint_term=hint_term,
        )

    def _take_append_reply(self, message: Message) -> None:
        progress = self._followers.progress.get(message.sender)
        if self.role != LEADER or progress is None:
            return
        progress.heard_lately = True
        if not message.reject:
            if message.index <= self.log.last_index and progress.matched(message.index):
                self._advance_commit()
                self._tell_first_commit(message.sender, progress)
            return
        stale = message.index <= progress.match or (
            progress.probing and message.index != progress.next - 1
        )
        if stale or progress.needs_snapshot:
            return
        hint_index = min(message.hint_index, message.index - 1)
        while hint_index > self.log.base_index and self.log.term_at(hint_index) > message.hint_term:
            hint_index -= 1
        progress.probe(hint_index + 1)

    def _advance_commit(self) -> None:
        """Commit what a majority holds durably, if it is of this term (paper 5.4.2)."""
        index = self._followers.majority_match(self.voters, self._persisted_index)
        if index > self.commit_index and self.log.term_at(index) == self.term:
            is_first = self.commit_index < self._first_of_term
            self._commit_to(index)
            if is_first:
                for peer, progress in self._followers.progress.items():
                    self._tell_first_commit(peer, progress)
            if not self._votes_here and self.configuration_is_committed:
                self._become_follower(self.term, 0)  # it has been removed (thesis 4.2.2)

    def _tell_first_commit(self, peer: int, progress: Progress) -> None:
        """Tell a follower without delay that an entry of this term is committed, once it has that.

        Clients of the leader before wait there to hear what became of its last entries.
        """
        if progress.commit_sent < self._first_of_term <= min(progress.match, self.commit_index):
            self._send_heartbeat(peer, progress)

    def _commit_to(self, index: int) -> None:
        if index > self.commit_index:
            self.commit_index = index

    # --- heartbeats and reads (thesis 6.4) ----------------------------------------------------

    def _send_heartbeats(self) -> None:
        for peer, progress in self._followers.progress.items():
            self._send_heartbeat(peer, progress)

    def _send_heartbeat(self, peer: int, progress: Progress) -> None:
        progress.commit_sent = min(progress.match, self.commit_index)
        self._ready.messages.append(
            Message(
                HEARTBEAT,
                self.node_id,
                peer,
                self.term,
                index=int(self.offers_lease),
                commit=progress.commit_sent,
                context=self.read_rounds.last,
            )
        )

    def _rests(self, progress: Progress) -> bool:
        """Whether a follower has all there is, was told so, and owes no confirmation of a read."""
        index = self.log.last_index
        return (
            self.paired
            and progress.match == index == self.commit_index == progress.commit_sent
            and not progress.probing
            and not progress.needs_snapshot
            and (
                not self.read_rounds.any_open()
                or progress.round_acknowledged == self.read_rounds.last
            )
        )

    def resting_peers(self) -> list[int]:
        """Return the followers that a leader sends no heartbeats of this partition's own."""
        return [
            peer for peer, progress in self._followers.progress.items() if self._rests(progress)
        ]

    def leader_lives(self) -> None:
        """The leader's node has said that it leads this partition in this term, as ever."""
        self._timer.restart()

    def follower_lives(self, peer: int, term: int) -> None:
        """A follower's node has said that it follows in this term."""
        progress = self._followers.progress.get(peer)
        if progress is not None and term == self.term:
            progress.heard_lately = True

    def leader_lost(self) -> None:
        """The leader's node cannot be reached: stand soon, one voter after the other.

        Pre-votes of others are no longer refused for its sake. Two who stood at once would split
        the votes; who hears from the leader after all goes on following it.
        """
        if self.role == FOLLOWER and self.leader_id:
            others = [voter for voter in self.voters if voter != self.leader_id]
            turn = others.index(self.node_id) if self.node_id in others else len(others)
            self._timer.expire_in_turn(turn)

    def _take_heartbeat_reply(self, message: Message) -> None:
        progress = self._followers.progress.get(message.sender)
        if self.role != LEADER or progress is None:
            return
        progress.heard_lately = True
        progress.round_acknowledged = max(progress.round_acknowledged, message.context)
        self._confirm_rounds()

    def _confirm_rounds(self) -> None:
        """Hand out the rounds that a quorum has acknowledged."""
        rounds = self.read_rounds
        if not rounds.any_open():
            return
        confirmed = self._followers.majority_round(self.voters, rounds.last)
        leased = 0
        if rounds.may_lease:
            leased = self._followers.majority_round(self.voters, rounds.last, self._first_of_term)
        self._ready.reads += rounds.close(confirmed, leased)
