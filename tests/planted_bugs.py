"""Does the simulator find what it should? Each bug is planted into a copy of the product.

`python -m tests.planted_bugs` prints the table and fails when one is not caught within CI's seeds.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CI_SEEDS = 500
WHAT_BROKE_WIDTH = 60


@dataclass
class PlantedBug:
    """Replacements in one file of the product; each `old` must be there exactly once."""

    name: str
    file: str
    replacements: list[tuple[str, str]]


BUGS = [
    PlantedBug(
        "acknowledge before the sync",
        "replica/log_writer.py",
        [
            (
                """            self._in_flight = written
            self._runtime.start_sync(written.lsn)
""",
                """            self._in_flight = _Written()
            self._in_flight.lsn = written.lsn
            self._complete(written)
            self._runtime.start_sync(written.lsn)
""",
            )
        ],
    ),
    PlantedBug(
        "a vote that is not synced",
        "consensus/raft.py",
        [
            (
                "self._send(VOTE_REPLY, message.sender, reject=not granted, after_sync=True)",
                "self._send(VOTE_REPLY, message.sender, reject=not granted)",
            )
        ],
    ),
    PlantedBug(
        "truncation without a conflict",
        "consensus/raft.py",
        [
            (
                """                if self.log.term_at(entry.index) == entry.term:
                    continue  # held already: only a conflict may truncate
                if entry.index <= self.commit_index:
""",
                """                if entry.index <= self.commit_index:
                    continue
                if entry.index <= self.commit_index:
""",
            )
        ],
    ),
    PlantedBug(
        "commit of an older term by counting",
        "consensus/raft.py",
        [
            (
                "if index > self.commit_index and self.log.term_at(index) == self.term:",
                "if index > self.commit_index:",
            )
        ],
    ),
    PlantedBug(
        "a read that rides an older entry",
        "replica/replica.py",
        [
            (
                """        elif client.reads_pending:
            self._await_round(client, handler, argvs, awaited)
        elif client.batch_serial == self._batch.serial:
""",
                """        elif client.reads_pending:
            self._await_round(client, handler, argvs, awaited)
        elif client.batch_serial in [batch.serial for batch in self._proposed]:
            for batch in self._proposed:
                if batch.serial == client.batch_serial:
                    batch.items.append((client, handler, argvs, client.db, READ))
        elif client.batch_serial == self._batch.serial:
""",
            )
        ],
    ),
    PlantedBug(
        "WATCH decided at proposal",
        "replica/replica.py",
        [
            (
                """        for db, key, counter in transaction.watches:
            batch.log(""",
                """        if transaction._watch_broken(self.keyspace):
            transaction.commands, raws = [], []
        transaction.watches = []
        for db, key, counter in transaction.watches:
            batch.log(""",
            )
        ],
    ),
    PlantedBug(
        "expiry by the wall clock",
        "replica/replica.py",
        [
            (
                """            self._run_items(items)
        self.applied_index = entry.index
""",
                """            log_ms = self.keyspace.now_ms
            self.keyspace.now_ms = self._runtime.now_ms()
            self._run_items(items)
            self.keyspace.now_ms = log_ms
        self.applied_index = entry.index
""",
            )
        ],
    ),
    PlantedBug(
        "DEL of its name instead of SWEEP",
        "replica/replica.py",
        [
            (
                """            argv = [b"RESPKV.SWEEP", b"%d" % SWEEP_KEYS]
            self._batch.log(encode_command(argv))
            self._join_batch(None, self._sweep.handler, [argv], LOGGED)
""",
                """            now_ms = self.log_clock.now_ms()
            for db, database in enumerate(self.keyspace.databases):
                expired = [key for key, at in database.deadlines.by_key.items() if at < now_ms]
                if expired:
                    argv = [b"DEL", *expired]
                    self._batch.select(db)
                    self._batch.log(encode_command(argv))
                    command = lookup(b"DEL")
                    assert command is not None
                    self._join_batch(None, command.handler, [argv], LOGGED, db)
                    self._batch.items[-1] = (None, command.handler, [argv], db, LOGGED)
""",
            )
        ],
    ),
]


def plant(bug: PlantedBug, copy: Path) -> None:
    """Copy the product and its simulator, and put the bug in.

    Raises:
        SystemExit: the product has changed, so the bug must be written anew.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "respkv", copy / "respkv", ignore=ignored)
    shutil.copytree(ROOT / "tests" / "simulation", copy / "tests" / "simulation", ignore=ignored)
    for name in ("__init__.py", "faulty_disk.py"):
        shutil.copy(ROOT / "tests" / name, copy / "tests" / name)
    path = copy / "respkv" / bug.file
    source = path.read_text()
    for old, new in bug.replacements:
        if source.count(old) != 1:
            raise SystemExit(f"'{bug.name}': its place in {bug.file} is not there exactly once")
        source = source.replace(old, new)
    path.write_text(source)


def hunt(bug: PlantedBug, seeds: int) -> tuple[int, str]:
    """Return the first seed that catches the bug (0: none) and what it saw."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(bug, Path(scratch))
        run = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seeds", f"1..{seeds}", "--until-failure"],
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": scratch},
            capture_output=True,
            text=True,
            check=False,
        )
        where = subprocess.run(
            [sys.executable, "-c", "import respkv; print(respkv.__file__)"],
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": scratch},
            capture_output=True,
            text=True,
            check=True,
        )
        if not where.stdout.startswith(scratch):
            raise SystemExit(f"the simulator ran {where.stdout.strip()} instead of the copy")
    found = re.search(r"^seed=(\d+) .*\n  (\(\w+\) .*)", run.stdout, re.MULTILINE)
    if found is None:
        return 0, ""
    return int(found[1]), found[2]


def main() -> int:
    """Print the table; 1 when a bug was not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted_bugs")
    parser.add_argument("--seeds", type=int, default=CI_SEEDS, help="at most so many for each bug")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if arguments.only in bug.name]
    print(f"| {'planted bug':<36} | caught | seeds needed | {'seen as':<{WHAT_BROKE_WIDTH}} |")
    print(f"|{'-' * 38}|--------|-------------:|{'-' * (WHAT_BROKE_WIDTH + 2)}|", flush=True)
    missed = 0
    started = time.monotonic()
    for bug in bugs:
        seed, seen = hunt(bug, arguments.seeds)
        missed += seed == 0
        print(
            f"| {bug.name:<36} | {'yes' if seed else 'NO':<6} | {seed or '-':>12} "
            f"| {seen[:WHAT_BROKE_WIDTH]:<{WHAT_BROKE_WIDTH}} |",
            flush=True,
        )
    print(f"{len(bugs) - missed} of {len(bugs)} caught in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
