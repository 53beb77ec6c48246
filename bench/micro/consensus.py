"""How many entries three Raft cores agree on in one process, without disk and network.

python bench/micro/consensus.py [--entries 50000] [--bytes 16384] [--in-flight 1]
"""

import argparse
import statistics
import time
from collections import deque

from respkv.clock import SeededChance
from respkv.consensus.messages import Message
from respkv.consensus.raft import LEADER, Raft

VOTERS = [1, 2, 3]
ROUNDS = 5


class Group:
    """Three voters whose messages arrive in order and whose log is durable once written."""

    def __init__(self) -> None:
        self.nodes = {
            number: Raft(number, VOTERS, 0, 0, 0, 0, [], SeededChance(number)) for number in VOTERS
        }
        self._mail: deque[Message] = deque()
        self.leader = self.nodes[1]
        while self.leader.role != LEADER:
            self.leader.tick()
            self.deliver()

    def deliver(self) -> None:
        """Pass on messages until nobody has anything to say."""
        while True:
            for raft in self.nodes.values():
                self._drain(raft)
            if not self._mail:
                return
            while self._mail:
                message = self._mail.popleft()
                self.nodes[message.recipient].step(message)

    def _drain(self, raft: Raft) -> None:
        ready = raft.ready()
        while ready is not None:
            self._mail.extend(ready.messages)
            if ready.entries:
                raft.persisted(ready.entries[-1].term, ready.entries[-1].index)
            self._mail.extend(ready.messages_after_sync)
            if ready.committed:
                raft.compact(ready.committed[0].index - 1)
            ready = raft.ready()


def entries_per_second(entries: int, size: int, in_flight: int) -> float:
    """Propose `in_flight` entries at a time until all are committed on every node."""
    group = Group()
    payload = b"x" * size
    started = time.perf_counter()
    for _ in range(entries // in_flight):
        for _ in range(in_flight):
            group.leader.propose(1, payload)
        group.deliver()
    elapsed = time.perf_counter() - started
    if group.leader.commit_index < entries // in_flight * in_flight:
        raise SystemExit("not everything was committed")
    return entries / elapsed


def main() -> None:
    """Print the median of a few rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=16 << 10)
    parser.add_argument("--in-flight", type=int, default=1)
    arguments = parser.parse_args()
    rates = [
        entries_per_second(arguments.entries, arguments.bytes, arguments.in_flight)
        for _ in range(ROUNDS)
    ]
    print(
        f"{statistics.median(rates):,.0f} entries/s of {arguments.bytes:,} bytes, "
        f"{arguments.in_flight} proposed at a time (median of {ROUNDS}, "
        f"{min(rates):,.0f} to {max(rates):,.0f})"
    )


if __name__ == "__main__":
    main()
