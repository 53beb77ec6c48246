"""Calls that wait in the keyspace (BLPOP and its like), and who is to hear of their end."""

from collections.abc import Callable

from respkv.keyspace.waiters import WaiterId
from respkv.replica.client import Client


class ParkedCall:
    """What its client knows of a call that waits; see `Wait`."""

    def __init__(
        self,
        client: Client,
        waiter_id: WaiterId,
        timeout_ms: int,
        end_wait: Callable[[WaiterId, bytes], None],
    ) -> None:
        self.client = client
        self.timeout_ms = timeout_ms
        self._waiter_id = waiter_id
        self._end_wait = end_wait

    def end(self, reason: bytes) -> None:
        """Have an entry end the wait, unless one has already."""
        self._end_wait(self._waiter_id, reason)
