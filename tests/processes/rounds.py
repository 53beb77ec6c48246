"""Kill a loaded server again and again: what was acknowledged must be there afterwards.

python -m tests.processes.rounds --rounds 20 [--lossy] [--without-fdatasync] [--seed N]

Plain: kill -9 of the server. `--lossy`: the server and its children are killed on a disk that keeps
only what was synced, so this one fails when the syncs are taken out (`--without-fdatasync`). Every
other round a snapshot is asked for, and is being written or just done when the kill comes.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS
from tests.processes.connection import Connection
from tests.processes.writers import Promises, Verdict, judge, write

WRITERS = 16
SNAPSHOT_EVERY = 2  # rounds
SNAPSHOT_AWAITED_EVERY = 4  # rounds: the kill comes when it is there


@dataclass
class Round:
    """One line of the table."""

    number: int
    acknowledged: int
    unknown: int
    snapshot: str
    verdict: Verdict
    recovery_seconds: float

    HEAD = "round  acknowledged  unknown  snapshot    lost  revived  torn  recovery s"

    def __str__(self) -> str:
        verdict = self.verdict
        return (
            f"{self.number:5}  {self.acknowledged:12}  {self.unknown:7}  {self.snapshot:9}"
            f"  {verdict.lost:6}  {verdict.revived:7}  {verdict.torn:4}"
            f"  {self.recovery_seconds:10.2f}"
        )


async def _load_then_kill(
    server: ServerProcess, lossy: bool, number: int, chance: random.Random, promises: Promises
) -> str:
    """Return what a snapshot was doing when the kill came, "-" when none was asked for."""
    enough = len(promises.acknowledged) + chance.randrange(200, 3000)
    writers = [
        asyncio.create_task(write(server.port, b"%d:%d" % (number, writer), promises))
        for writer in range(WRITERS)
    ]
    try:
        client = await Connection.open(server.port)
        while len(promises.acknowledged) < enough:
            await client.call([b"PING"])
        snapshot = "-"
        if number % SNAPSHOT_EVERY == 0:
            await client.call([b"BGSAVE"])
            is_awaited = number % SNAPSHOT_AWAITED_EVERY == 0
            until = time.monotonic() + (PATIENCE_SECONDS if is_awaited else chance.uniform(0, 0.3))
            snapshot = "under way"
            while time.monotonic() < until and snapshot == "under way":
                info = (await client.call([b"INFO", b"persistence"]))[0]
                assert isinstance(info, bytes)
                if b"rdb_bgsave_in_progress:0" in info:
                    snapshot = "done"
        if lossy:
            server.lose_power()
        else:
            server.kill()
        client.close()
        await asyncio.wait_for(asyncio.gather(*writers), PATIENCE_SECONDS)
    finally:
        for task in writers:
            task.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
    return snapshot


def run(
    directory: Path,
    rounds: int,
    lossy: bool = False,
    without_fdatasync: bool = False,
    seed: int = 0,
) -> list[Round]:
    """Run the rounds on one data directory; stops after one that has lost something."""
    chance = random.Random(seed)
    program: tuple[str, ...] = ("respkv", "server")
    if lossy:
        program = ("tests.processes.faulty_server", "--lossy")
        if without_fdatasync:
            program += ("--without-fdatasync",)
    promises = Promises()
    done: list[Round] = []
    with ServerProcess(directory / "data", program=program) as server:
        for number in range(1, rounds + 1):
            before = len(promises.acknowledged)
            snapshot = asyncio.run(_load_then_kill(server, lossy, number, chance, promises))
            acknowledged = len(promises.acknowledged) - before
            unknown = len(promises.unknown)
            killed = time.monotonic()
            server.start()
            recovery_seconds = time.monotonic() - killed
            verdict = asyncio.run(judge(server.port, promises))
            done.append(Round(number, acknowledged, unknown, snapshot, verdict, recovery_seconds))
            if __name__ == "__main__":
                print(done[-1], flush=True)
            if verdict != Verdict():
                break
    return done


def main() -> int:
    """Print the table; 1 when a round broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--lossy", action="store_true")
    parser.add_argument("--without-fdatasync", action="store_true", help="needs --lossy")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if options.without_fdatasync and not options.lossy:
        parser.error("only a disk that loses what was not synced shows that syncs are missing")
    print(f"seed {options.seed}\n{Round.HEAD}")
    with tempfile.TemporaryDirectory() as directory:
        done = run(
            Path(directory), options.rounds, options.lossy, options.without_fdatasync, options.seed
        )
    lost = sum(round_.verdict.lost for round_ in done)
    total = sum(round_.acknowledged for round_ in done)
    print(f"{len(done)} rounds, {total} acknowledged, {lost} of them lost")
    return int(any(round_.verdict != Verdict() for round_ in done))


if __name__ == "__main__":
    sys.exit(main())
