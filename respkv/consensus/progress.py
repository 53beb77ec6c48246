"""What a leader knows of one follower, and how much it may send ahead of acknowledgements."""

from collections import deque
from typing import Final

IN_FLIGHT_MESSAGES_MAX: Final = 64
IN_FLIGHT_BYTES_MAX: Final = 4 << 20
STALLED_AFTER_TICKS: Final = 3


class Progress:
    """`match` is known to be durable there; `next` is what goes next.

    While probing, one append is sent and its answer awaited; afterwards appends are pipelined.
    """

    def __init__(self, next_index: int) -> None:
        self.match = 0
        self.next = next_index
        self.commit_sent = 0  # the commit index it was told last
        self.probing = True
        self.probe_sent = False
        self.needs_snapshot = False
        self.heard_lately = True  # since the last check-quorum
        self.round_acknowledged = 0
        self._in_flight: deque[tuple[int, int]] = deque()  # (last index, bytes) of each append
        self._in_flight_bytes = 0
        self._ticks_without_ack = 0

    def may_send(self) -> bool:
        """Return whether another append may go."""
        if self.needs_snapshot:
            return False
        if self.probing:
            return not self.probe_sent
        return (
            len(self._in_flight) < IN_FLIGHT_MESSAGES_MAX
            and self._in_flight_bytes < IN_FLIGHT_BYTES_MAX
        )

    def sent(self, last_index: int, size: int) -> None:
        """Account for an append that ends at `last_index`."""
        if self.probing:
            self.probe_sent = True
        else:
            self._in_flight.append((last_index, size))
            self._in_flight_bytes += size
            self.next = last_index + 1

    def matched(self, index: int) -> bool:
        """Take an acknowledgement; return whether it tells something new."""
        was_probing = self.probing
        while self._in_flight and self._in_flight[0][0] <= index:
            self._in_flight_bytes -= self._in_flight.popleft()[1]
        self._ticks_without_ack = 0
        self.probing = False
        self.probe_sent = False
        self.next = max(self.next, index + 1)
        if index <= self.match:
            return was_probing
        self.match = index
        return True

    def probe(self, next_index: int) -> None:
        """Stop pipelining and find out where the follower's log is."""
        self.probing = True
        self.probe_sent = False
        self.next = max(next_index, self.match + 1)
        self._in_flight.clear()
        self._in_flight_bytes = 0
        self._ticks_without_ack = 0

    def tick(self) -> bool:
        """Count time; what is unanswered for too long is taken for lost: return whether it was."""
        if not self._in_flight and not self.probe_sent:
            return False
        self._ticks_without_ack += 1
        if self._ticks_without_ack < STALLED_AFTER_TICKS:
            return False
        self.probe(self.next if self.probing else self.match + 1)
        return True
