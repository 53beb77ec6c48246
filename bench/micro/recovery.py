"""How fast a node comes back: commands a second from the files of the log to the keyspace.

python bench/micro/recovery.py            # 1,000,000 SETs of 64-byte values, 50 commands an entry
python bench/micro/recovery.py --profile  # and where the time goes
"""

import argparse
import cProfile
import gc
import pstats
import tempfile
import time

from respkv.entry import Entry
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import RealFileSystem
from respkv.log.wal import Wal
from respkv.replica.replay import apply_entry
from respkv.wire.run import encode_command

COMMANDS = 1_000_000
COMMANDS_PER_ENTRY = 50
VALUE = b"x" * 64


def write_log(directory: str, commands: int, keys: int) -> None:
    """Write the SETs as a server would: one entry and one batch a turn."""
    wal = Wal.open(RealFileSystem(), directory)
    wal.add_hard_state(0, 1, 1)
    number = 0
    for index in range(1, commands // COMMANDS_PER_ENTRY + 1):
        payload: list[bytes] = []
        for _ in range(COMMANDS_PER_ENTRY):
            number += 7_919  # in no particular order
            payload.append(encode_command([b"SET", b"key:%012d" % (number % keys), VALUE]))
        wal.add_entries(0, [Entry(1, index, 1_700_000_000_000 + index, b"".join(payload))])
        wal.write()
    wal.close()


def recover(directory: str) -> tuple[float, float, float, Keyspace]:
    """Return the seconds of reading, of replaying, of both on a processor, and what they gave."""
    gc.collect()
    gc.disable()  # as the server does while it loads
    cpu = time.process_time()
    started = time.perf_counter()
    wal = Wal.open(RealFileSystem(), directory)
    read = time.perf_counter()
    keyspace = Keyspace()
    for entry in wal.recovered[0].entries:
        apply_entry(keyspace, entry)
    replayed = time.perf_counter()
    gc.enable()
    wal.close()
    return read - started, replayed - read, time.process_time() - cpu, keyspace


def main() -> None:
    """Print three rounds and the median of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", type=int, default=COMMANDS)
    parser.add_argument("--keys", type=int, default=0, help="0: as many as commands")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    keys = options.keys or options.commands
    with tempfile.TemporaryDirectory() as directory:
        write_log(directory, options.commands, keys)
        if options.profile:
            profile = cProfile.Profile()
            profile.runcall(recover, directory)
            pstats.Stats(profile).sort_stats("tottime").print_stats(12)
        rates: list[float] = []
        for _ in range(options.rounds):
            reading, replaying, cpu, keyspace = recover(directory)
            rates.append(options.commands / (reading + replaying))
            print(
                f"read {reading:.2f} s, replayed {replaying:.2f} s: {rates[-1]:,.0f} commands/s, "
                f"{options.commands / cpu:,.0f} a second of processor time ("
                f"{sum(len(database.keys) for database in keyspace.databases):,} keys)"
            )
            del keyspace
        print(f"median {sorted(rates)[len(rates) // 2]:,.0f} commands/s")


if __name__ == "__main__":
    main()
