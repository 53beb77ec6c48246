"""Snapshots of what this node holds: begun when due or asked for, built by a process of their own."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from respkv.replica.snapshot_keeper import SnapshotJob, SnapshotKeeper, begin_snapshots

if TYPE_CHECKING:
    from respkv.node.server import Node

logger = logging.getLogger("respkv")


class Snapshots:
    """One pass at a time, over all partitions or those that are due, and how the last one went."""

    def __init__(self, node: "Node", directory: str, child: str) -> None:
        """`child` is the module that builds them."""
        self.running = False
        self.began = 0.0
        self.done = 0
        self.last_time = node.started
        self.last_ok = True
        self.last_seconds = -1
        self._node = node
        self._directory = directory
        self._child = child

    def start(self, then: Callable[[bool], None] | None = None) -> None:
        """Start a snapshot of everything acknowledged by now.

        `then` learns whether it is durable.
        """
        self._start(self._node.keepers(), then)

    def start_due(self) -> None:
        """Start the snapshots that the log has grown long enough for."""
        node = self._node
        due = []
        for keeper in node.keepers():
            keeper.log_bytes_between = node.config["snapshot-log-bytes"]
            if keeper.due():
                due.append(keeper)
        if node.cluster is not None:  # only those that keep the oldest segment
            pinning = node.wal.pinning()
            due = [keeper for keeper in due if keeper.partition in pinning]
        if due:
            self._start(due, None)

    def _start(self, keepers: list[SnapshotKeeper], then: Callable[[bool], None] | None) -> None:
        if not self.running:
            self.running = True
            self._node.spawn(self._run(keepers, then))

    async def _run(
        self, keepers: list[SnapshotKeeper], then: Callable[[bool], None] | None
    ) -> None:
        ok = False
        began = self.began = time.time()
        try:
            ok = await self._build(keepers)
            self.last_ok = ok
            self.last_seconds = int(time.time() - began)
            if ok:
                self.done += 1
                self.last_time = time.time()
        finally:
            self.running = False
            if then is not None:
                then(ok)

    async def _build(self, keepers: list[SnapshotKeeper]) -> bool:
        """Bring the partitions' snapshots up to date; return whether all are durable."""
        node, loop = self._node, asyncio.get_running_loop()
        begun: asyncio.Future[list[SnapshotJob] | None] = loop.create_future()
        begin_snapshots(keepers, node.wal, node.log_writer, begun.set_result)
        jobs = await begun
        if jobs is None:
            logger.error("no room for a snapshot")
            return False
        if not jobs:  # nothing new since the last ones: those are the answer
            return True
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._child,
            str(os.getpid()),
            self._directory,
            str(node.config["databases"]),
            ",".join([f"{job.partition}:{job.index}:{job.term}" for job in jobs]),
            *jobs[0].segments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        # Only now: the process reads all of the segments to its end.
        durable: dict[str, str] = dict(map(str.split, output.decode().splitlines()))
        keeper_of = {keeper.partition: keeper for keeper in keepers}
        for job in jobs:
            recorded: asyncio.Future[None] = loop.create_future()
            ok = str(job.partition) in durable
            keeper_of[job.partition].ended(ok, partial(recorded.set_result, None))
            await recorded
            if ok:
                logger.info(
                    "snapshot of partition %d at index %d is durable, digest %s",
                    job.partition,
                    job.index,
                    durable[str(job.partition)],
                )
        if process.returncode != 0:
            logger.error("the snapshot process ended with status %d", process.returncode)
        return process.returncode == 0
