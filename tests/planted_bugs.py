"""Does the simulator find what it should? Each bug is planted into a copy of the product.

`python -m tests.planted_bugs` prints the table and fails when one is not caught within CI's seeds.
With `--catches 3` it goes on until three seeds have caught a bug: one may be chance.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.troubles import profile_of, share_of

ROOT = Path(__file__).resolve().parent.parent
CI_SEEDS = 500
NAME_WIDTH = 42
WHAT_BROKE_WIDTH = 60


@dataclass
class PlantedBug:
    """Replacements in the product, mostly in one file; each `old` must be there exactly once."""

    name: str
    file: str
    replacements: list[tuple[str, str]]
    elsewhere: tuple[str, str, str] | None = None  # file, old, new: a second line of defence
    profile: str = ""  # only seeds of this one are tried, where others would take long
    share: str = ""  # only seeds of this share of each profile are tried


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
        profile="depositions",
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
        profile="stalls",
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
                "            self._run_items(items)\n",
                """            log_ms = self.keyspace.now_ms
            self.keyspace.now_ms = self._runtime.now_ms()
            self._run_items(items)
            self.keyspace.now_ms = log_ms
""",
            )
        ],
    ),
    PlantedBug(
        "DEL of its name instead of SWEEP",
        "replica/replica.py",
        [
            (
                """            self._log(self._sweep, b"%d" % SWEEP_KEYS)
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
        profile="expiry",
    ),
    PlantedBug(
        "one chance seed for each entry",
        "keyspace/keyspace.py",
        [
            (
                "seed_of(self._term, self.index, self.position)",
                "seed_of(self._term, self.index, 0)",
            )
        ],
    ),
    PlantedBug(
        "stale record of a recycled segment",
        "log/segment.py",
        [
            (
                """        batch = unpack_batch(data, segment.end, segment.salt)
        if batch is None or batch.lsn != expected_lsn:
            break
        segment.batches.append(batch)
        segment.end = batch.end
        expected_lsn += 1
""",
                """        at = segment.end + SALT_AT
        salt = _SALT.unpack_from(data, at)[0] if at + _SALT.size <= len(data) else 0
        batch = unpack_batch(data, segment.end, salt)
        if batch is None:
            break
        segment.batches.append(batch)
        segment.end = batch.end
        expected_lsn = batch.lsn + 1
""",
            )
        ],
    ),
    PlantedBug(
        "vote lost by recycling",
        "log/partition.py",
        [
            (
                """            self.partition,
            self.term,
            self.vote,
            self.snapshot_index,""",
                """            self.partition,
            self.term,
            0,
            self.snapshot_index,""",
            ),
            (
                "        if said != found:\n",
                "        if said[0] != found[0] or said[2:] != found[2:]:\n",
            ),
        ],
    ),
    PlantedBug(
        "amnesiac voter",
        "log/directory.py",
        [
            (
                "    names = fs.names(directory)\n    if identity or any(",
                "    return\n    names = fs.names(directory)\n    if identity or any(",
            )
        ],
        profile="disks",
    ),
    PlantedBug(
        "stale sync completion after truncation",
        "consensus/raft.py",
        [
            (
                "if self.log.term_at(index) != term or index <= self._persisted_index:",
                "if index <= self._persisted_index:",
            )
        ],
        (
            "replica/log_writer.py",
            "if promised is not None and promised[2] >= first_index:",
            "if False:",
        ),
        profile="amnesia",
    ),
    PlantedBug(
        "retried after it was appended",
        "replica/replica.py",
        [
            (
                """            self._abandon_replaced()
        else:
""",
                """            self._abandon_replaced()
            for batch in self._proposed:
                if batch.index:
                    again = self.raft.propose(self.log_clock.now_ms(), b"".join(batch.payload))
                    batch.term, batch.index = again.term, again.index
        else:
""",
            )
        ],
    ),
    PlantedBug(
        "a pipeline's write overtakes its read",
        "replica/replica.py",
        [
            (
                """        if client.reads_pending:
            client.hold(lambda: self.submit_write(client, command, argvs, raw))
            return
""",
                "",
            )
        ],
    ),
    PlantedBug(
        "a lease kept at a transfer",
        "consensus/raft.py",
        [
            (
                "            self.read_rounds.give_lease_up()\n",
                "",
            )
        ],
    ),
    PlantedBug(
        "sleeping partition",
        "consensus/pair_heartbeat.py",
        [
            (
                "            agreeing = self._followed(sender)\n            if",
                """            agreeing = self._followed(sender)
            for raft in self._rafts.values():
                if raft.leader_id == sender:
                    raft.leader_lives()
            if""",
            )
        ],
    ),
    PlantedBug(
        "served once for each key waited for",
        "keyspace/waiters.py",
        [
            (
                """        for key in waiter.keys:
            _remove_from(""",
                """        for key in waiter.keys[:1]:
            _remove_from(""",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "the youngest waiter is served",
        "keyspace/waiters.py",
        [
            (
                "list(islice(waiting.values(), skip, skip + count))",
                "list(islice(reversed(waiting.values()), skip, skip + count))",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "a wait's timeout decided at proposal",
        "replica/replica.py",
        [
            (
                """        if reason == b"GONE":
            del self._parked[waiter_id]
""",
                """        if reason == b"GONE":
            del self._parked[waiter_id]
        elif self._leading_term:
            del self._parked[waiter_id]
            call.client.is_parked = False
            self._reply_all(call.client, [None])
            reason = b"GONE"
""",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "a held call counts as answered",
        "node/connection.py",
        [
            (
                "            if self._waiting is None:  # else it has no leader yet, and",
                "            if True:  # and",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "a blocked consumer's entries stay new",
        "commands/stream_reads.py",
        [
            (
                """    return PairMap([(key, _read_new(keyspace, stream, group, options))])
""",
                """    last_id = group.last_id
    entries = _read_new(keyspace, stream, group, options)
    group.last_id = last_id
    return PairMap([(key, entries)])
""",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "an unblocked client is served anyway",
        "commands/blocking.py",
        [
            (
                "        waiters.answer(waiter, Unblocked(UNBLOCKED))\n",
                "        waiters.answered.append((waiter_id, Unblocked(UNBLOCKED)))\n",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "an acknowledged entry is claimed",
        "commands/stream_pending.py",
        [
            (
                """        if delivery is None and not options.force:
            continue
""",
                "",
            )
        ],
        share="waiting",
    ),
    PlantedBug(
        "EVALSHA logged as it was sent",
        "scripts/cache.py",
        [
            (
                "        return (command, argv) if text is None else self.in_mode",
                "        return (command, argv) if True else self.in_mode",
            )
        ],
        (
            "scripts/commands.py",
            "    raise NoScript\n",
            """    for script in engine()._scripts.values():
        if script.sha == argv[1].lower():
            return _evaluate(_, [b"EVAL", script.text, *argv[2:]], read_only=False)
    raise NoScript
""",
        ),
        share="scripts",
    ),
    PlantedBug(
        "math.random goes on from the last script",
        "scripts/lua_state.py",
        [
            (
                "        self._chance.seed(calls.seed)\n",
                "",
            )
        ],
        share="scripts",
    ),
    PlantedBug(
        "a script that begins again calls twice",
        "scripts/calls.py",
        [
            (
                "        self._keeps = False\n",
                "        self._keeps = False\n        self._kept.clear()\n",
            )
        ],
        share="scripts",
    ),
    PlantedBug(
        "a script that fails is undone",
        "scripts/commands.py",
        [
            (
                "    return lua.run(script, keyspace, keys, arguments, caller)\n",
                """    before = [(key, keyspace.peek(key)) for key in keys]
    reply = lua.run(script, keyspace, keys, arguments, caller)
    if isinstance(reply, CommandError):
        for key, value in before:
            if value is None:
                keyspace.delete(key)
            else:
                keyspace.set(key, value)
    return reply
""",
            )
        ],
        share="scripts",
    ),
    PlantedBug(
        "a hand-over that forgets an entry",
        "consensus/raft.py",
        [
            (
                "            is_due = last_index == self._stands_at and self.log.last_term == self.term\n",
                "            is_due = True\n",
            ),
            (
                "        if self._stands_at and last_index >= self._stands_at:\n",
                "        if self._stands_at:\n",
            ),
            (
                "        granted = up_to_date and self.vote in (0,",
                "        granted = (up_to_date or message.context) and self.vote in (0,",
            ),
        ],
    ),
    PlantedBug(
        "a small batch is acknowledged unsynced",
        "replica/log_writer.py",
        [
            (
                """            self._in_flight = written
            self._runtime.start_sync(written.lsn)
""",
                """            self._in_flight = written
            if len(written.persisted) == 1 and not written.messages:
                self._in_flight = _Written()
                self._in_flight.lsn = written.lsn
                self._complete(written)
            self._runtime.start_sync(written.lsn)
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
    replacements = [(bug.file, old, new) for old, new in bug.replacements]
    if bug.elsewhere is not None:
        replacements.append(bug.elsewhere)
    for file, old, new in replacements:
        path = copy / "respkv" / file
        source = path.read_text()
        if source.count(old) != 1:
            raise SystemExit(f"'{bug.name}': its place in {file} is not there exactly once")
        path.write_text(source.replace(old, new))


def hunt(bug: PlantedBug, seeds: int, catches: int) -> list[tuple[int, str]]:
    """Return the first seeds that catch the bug, at most so many, and what they saw."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(bug, Path(scratch))
        command = [
            sys.executable,
            "-m",
            "tests.simulation",
            "--jobs",
            "1",
            "--seeds",
            f"1..{seeds}",
        ]
        if bug.profile:
            command += ["--profile", bug.profile]
        if bug.share:
            command += ["--share", bug.share]
        run = subprocess.run(
            [*command, "--failures", f"{catches}"],
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": scratch},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode not in (0, 1):
            raise SystemExit(f"'{bug.name}': the simulator did not run: {run.stderr}")
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
    found = re.findall(r"^seed=(\d+) .*\n  (\(\w+\) .*)", run.stdout, re.MULTILINE)
    return [(int(seed), seen) for seed, seen in found]


def seeds_tried(bug: PlantedBug, last: int) -> int:
    """Return how many seeds up to the last one were run."""
    return sum(
        (not bug.profile or profile_of(seed) == bug.profile)
        and (not bug.share or share_of(seed) == bug.share)
        for seed in range(1, last + 1)
    )


def main() -> int:
    """Print the table; 1 when a bug was not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted_bugs")
    parser.add_argument("--seeds", type=int, default=CI_SEEDS, help="at most so many for each bug")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    parser.add_argument("--catches", type=int, default=1, help="by so many seeds, if there are")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if arguments.only in bug.name]
    width = max(8, 4 * arguments.catches)
    print(
        f"| {'planted bug':<{NAME_WIDTH}} | {'by seeds':>{width}} | tried "
        f"| {'seen as':<{WHAT_BROKE_WIDTH}} |"
    )
    print(
        f"|{'-' * (NAME_WIDTH + 2)}|{'-' * (width + 1)}:|------:|{'-' * (WHAT_BROKE_WIDTH + 2)}|",
        flush=True,
    )
    missed = 0
    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for bug, caught in zip(
            bugs,
            pool.map(lambda bug: hunt(bug, arguments.seeds, arguments.catches), bugs),
            strict=True,
        ):
            missed += not caught
            seeds = [seed for seed, _ in caught]
            last = seeds[-1] if len(seeds) == arguments.catches else arguments.seeds
            seen = caught[0][1] if caught else ""
            print(
                f"| {bug.name:<{NAME_WIDTH}} | {' '.join(map(str, seeds)) or 'NONE':>{width}} "
                f"| {seeds_tried(bug, last):>5} | {seen[:WHAT_BROKE_WIDTH]:<{WHAT_BROKE_WIDTH}} |",
                flush=True,
            )
    print(f"{len(bugs) - missed} of {len(bugs)} caught in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
