"""Does the simulator find what it should? Each bug is planted into a copy of the product.

`python -m tests.planted_bugs` prints the table and fails when one is not caught within CI's seeds.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CI_SEEDS = 300


@dataclass
class PlantedBug:
    """One replacement in one file of the product; `old` must be there exactly once."""

    name: str
    file: str
    old: str
    new: str


BUGS = [
    PlantedBug(
        "acknowledge before the sync",
        "replica/log_writer.py",
        """            self._in_flight = written
            self._runtime.start_sync(written.lsn)
""",
        """            self._in_flight = _Written()
            self._in_flight.lsn = written.lsn
            self._complete(written)
            self._runtime.start_sync(written.lsn)
""",
    ),
    PlantedBug(
        "a vote that is not synced",
        "consensus/raft.py",
        "self._send(VOTE_REPLY, message.sender, reject=not granted, after_sync=True)",
        "self._send(VOTE_REPLY, message.sender, reject=not granted)",
    ),
    PlantedBug(
        "truncation without a conflict",
        "consensus/raft.py",
        """                if self.log.term_at(entry.index) == entry.term:
                    continue  # held already: only a conflict may truncate
                if entry.index <= self.commit_index:
""",
        """                if entry.index <= self.commit_index:
                    continue
                if entry.index <= self.commit_index:
""",
    ),
    PlantedBug(
        "commit of an older term by counting",
        "consensus/raft.py",
        "if index > self.commit_index and self.log.term_at(index) == self.term:",
        "if index > self.commit_index:",
    ),
    PlantedBug(
        "a read that rides an older entry",
        "replica/replica.py",
        """        elif self._sole_voter and client.batch_serial <= self._done_serial and self.serving:
""",
        """        elif self._proposed and client.batch_serial == self._proposed[-1].serial and not awaited:
            self._proposed[-1].items.append((client, handler, argv, client.db, READ))
        elif self._sole_voter and client.batch_serial <= self._done_serial and self.serving:
""",
    ),
    PlantedBug(
        "WATCH decided at proposal",
        "replica/transaction.py",
        "        if self._watch_broken(keyspace):\n",
        "        if self.client is None and self._watch_broken(keyspace) and False:\n",
    ),
    PlantedBug(
        "expiry by the wall clock",
        "replica/replica.py",
        "self.keyspace.begin_entry(entry.term, entry.index, entry.time_ms)",
        "self.keyspace.begin_entry(entry.term, entry.index, self._runtime.now_ms())",
    ),
    PlantedBug(
        "DEL of its name instead of SWEEP",
        "replica/replica.py",
        """            argv = [b"RESPKV.SWEEP", b"%d" % SWEEP_KEYS]
            self._batch.log(encode_command(argv))
            self._join_batch(None, self._sweep.handler, argv, LOGGED)
""",
        """            now_ms = self.log_clock.now_ms()
            deadlines = self.keyspace.databases[0].deadlines.by_key
            argv = [b"DEL", *(key for key, at in deadlines.items() if at < now_ms)]
            command = lookup(b"DEL")
            assert command is not None
            self._batch.select(0)
            self._batch.log(encode_command(argv))
            self._join_batch(None, command.handler, argv, LOGGED)
""",
    ),
]


def plant(bug: PlantedBug, copy: Path) -> None:
    """Copy the tree and put the bug in."""
    for folder in ("respkv", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / "respkv" / bug.file
    source = path.read_text()
    if source.count(bug.old) != 1:
        raise SystemExit(f"'{bug.name}': its place in {bug.file} is not there exactly once")
    path.write_text(source.replace(bug.old, bug.new))


def seeds_needed(bug: PlantedBug) -> int:
    """Return the seed that catches the bug, 0 for none."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(bug, Path(scratch))
        run = subprocess.run(
            [
                sys.executable, "-m", "tests.simulation",
                "--seeds", f"1..{CI_SEEDS}", "--until-failure",
            ],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    for line in run.stdout.splitlines():
        if line.startswith("failed at seed "):
            return int(line.split()[-1])
    return 0


def main() -> int:
    """Print the table; 1 when a bug was not caught."""
    print(f"| {'planted bug':<40} | caught | seeds needed |")
    print(f"|{'-' * 42}|--------|--------------|", flush=True)
    missed = 0
    started = time.monotonic()
    for bug in BUGS:
        seed = seeds_needed(bug)
        missed += seed == 0
        print(f"| {bug.name:<40} | {'yes' if seed else 'NO':<6} | {seed or '-':>12} |", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} caught in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
