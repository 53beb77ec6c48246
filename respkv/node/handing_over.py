"""Leadership that a node gives up on purpose: before it stops, and while its disk is full."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from respkv.consensus.raft import LEADER

if TYPE_CHECKING:
    from respkv.node.cluster import Cluster

logger = logging.getLogger("respkv")

HANDOVER_SECONDS: Final = 2.0
HANDOVER_STEP_SECONDS: Final = 0.01
HANDOVER_STEPS: Final = 20  # with one follower, before another is asked to take over
FULL_ATTEMPT_TICKS: Final = 3  # the same while the disk is full
FULL_RETRY_TICKS: Final = 100  # until those that declined are asked again


class HandingOver:
    """Asks followers to take over, one after the other; the cluster's part beside its balance."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._is_full = False
        self._full_ticks = 0
        self._has_said = False

    async def before_stop(self) -> None:
        """Let others lead what this node leads, before it stops."""
        for replica in self._cluster.replicas.values():
            replica.raft.may_lead = False
            replica.raft.declined.clear()
        ends = time.monotonic() + HANDOVER_SECONDS
        steps = 0
        while time.monotonic() < ends and self._hand_over(steps // HANDOVER_STEPS):
            steps += 1
            await asyncio.sleep(HANDOVER_STEP_SECONDS)

    def tick(self) -> None:
        """While writes are refused here for want of room, others may be able to take them."""
        is_full = self._cluster.node.wal.full
        if is_full != self._is_full:
            self._is_full = is_full
            self._full_ticks = 0
            self._has_said = False
            for replica in self._cluster.replicas.values():
                replica.raft.takes_over = not is_full
        if is_full:
            self._leave_full_disk()

    def _leave_full_disk(self) -> None:
        replicas = self._cluster.replicas.values()
        if self._full_ticks % FULL_RETRY_TICKS == 0:
            for replica in replicas:
                replica.raft.declined.clear()
        is_wanted = self._hand_over(self._full_ticks // FULL_ATTEMPT_TICKS)
        self._full_ticks += 1
        led = sum([replica.leads for replica in replicas])
        if led and not self._has_said and (not is_wanted or self._full_ticks >= FULL_RETRY_TICKS):
            self._has_said = True
            logger.warning(
                "the disk is full and no follower that is reached takes over: "
                "writes to %d partitions are refused",
                led,
            )

    def _hand_over(self, attempt: int) -> bool:
        """Have followers take over; False: nothing is led here any more, or nobody will have it."""
        view = self._cluster.view
        is_wanted = False
        for replica in self._cluster.replicas.values():
            takers = [
                number
                for number in replica.raft.voters
                if number != view.own_number
                and number not in replica.raft.declined
                and number in view.nodes
                and view.nodes[number].up
            ]
            if replica.raft.role == LEADER and takers:
                is_wanted = True
                replica.raft.transfer(takers[(replica.partition + attempt) % len(takers)])
                self._cluster.node.log_writer.touch(replica)
        return is_wanted
