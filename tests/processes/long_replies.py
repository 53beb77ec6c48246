"""A client asks for every key again and again, while others write: nobody is elected, none waits long.

python -m tests.processes.long_replies [--keys 1000000] [--seconds 30] [--writers 32] [--partitions 32]

The writers are one process, the asking client another: neither waits for the other's parsing.
"""

import argparse
import asyncio
import multiprocessing
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Final

import hiredis

from respkv.keyspace.slots import slot_of
from tests.processes.cluster_writers import Connection
from tests.processes.trio import Trio, TrioProcess

FILL_PIPELINE: Final = 1_000


@dataclass
class Asked:
    """What the writers and the asking client saw."""

    keys: int = 0  # in all replies together, for each round of asking all nodes
    rounds: int = 0
    longest_reply_seconds: float = 0.0
    writes: int = 0
    longest_write_seconds: float = 0.0
    elections: int = 0


def _leader_ports(trio: Trio) -> list[int]:
    """Return the leader's port for each slot."""
    ports = [0] * 16384
    for first, last, leader, *_ in trio.nodes[0].call("CLUSTER", "SLOTS"):
        ports[first : last + 1] = [leader[1]] * (last - first + 1)
    return ports


async def _fill(ports: list[int], count: int) -> None:
    shares: dict[int, list[bytes]] = {}
    for number in range(count):
        key = b"key:%d" % number
        shares.setdefault(ports[slot_of(key)], []).append(key)

    async def fill(port: int, keys: list[bytes]) -> None:
        connection = await Connection.open(port)
        for start in range(0, len(keys), FILL_PIPELINE):
            some = keys[start : start + FILL_PIPELINE]
            replies = await connection.call(*[[b"SET", key, b"v"] for key in some])
            if replies != [b"OK"] * len(some):
                raise RuntimeError(f"filling: {replies[0]}")
        connection.close()

    await asyncio.gather(*[fill(port, keys) for port, keys in shares.items()])


async def _write(ports: list[int], asked: Asked, writers: int, until: float) -> None:
    async def write(number: int) -> None:
        connections = {port: await Connection.open(port) for port in set(ports)}
        serial = 0
        while time.monotonic() < until:
            serial += 1
            key = b"key:%d" % (number * 1_000 + serial % 1_000)
            begun = time.monotonic()
            (reply,) = await connections[ports[slot_of(key)]].call([b"SET", key, b"v"])
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("MOVED "):
                ports[slot_of(key)] = int(str(reply).rpartition(":")[2])
                continue
            if reply != b"OK":
                raise RuntimeError(f"writing: {reply}")
            asked.writes += 1
            seconds = time.monotonic() - begun
            asked.longest_write_seconds = max(asked.longest_write_seconds, seconds)

    await asyncio.gather(*[write(number) for number in range(writers)])


def _ask(
    nodes: list[int], until: float, figures: "Synchronized[float]", command: list[bytes]
) -> None:
    """The asking process: (keys of the last round, rounds, longest reply) in `figures`."""

    async def ask() -> None:
        connections = [await Connection.open(port) for port in nodes]
        while time.monotonic() < until:
            found = 0
            for connection in connections:
                begun = time.monotonic()
                (reply,) = await connection.call(command)
                found += len(reply)
                figures[2] = max(figures[2], time.monotonic() - begun)  # type: ignore[index]
            figures[0] = found  # type: ignore[index]
            figures[1] += 1  # type: ignore[index]

    asyncio.run(ask())


def _elections(nodes: list[TrioProcess]) -> int:
    texts = [node.call("INFO", "respkv").decode() for node in nodes]
    return sum(
        int(count) for text in texts for count in re.findall(r"elections_started:(\d+)", text)
    )


def ask_while_writing(
    directory: Path, keys: int, seconds: float, writers: int, *options: str
) -> Asked:
    """Fill three nodes, then write and ask for so long."""
    asked = Asked()
    with Trio(directory, *options) as trio:
        ports = _leader_ports(trio)
        asyncio.run(_fill(ports, keys))
        elections = _elections(trio.nodes)
        until = time.monotonic() + seconds
        figures = multiprocessing.Array("d", 3)
        nodes = [node.port for node in trio.nodes]
        asking = multiprocessing.Process(
            target=_ask, args=(nodes, until, figures, [b"KEYS", b"*"]), daemon=True
        )
        asking.start()
        asyncio.run(_write(ports, asked, writers, until))
        asking.join()
        asked.elections = _elections(trio.nodes) - elections
        asked.keys, asked.rounds = int(figures[0]), int(figures[1])
        asked.longest_reply_seconds = figures[2]
    return asked


def main() -> int:
    """Run, print the figures, return 1 when somebody was elected."""
    parser = argparse.ArgumentParser(description="KEYS * in a loop, under load.")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--partitions", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        asked = ask_while_writing(
            Path(directory),
            arguments.keys,
            arguments.seconds,
            arguments.writers,
            "--cluster-partitions",
            str(arguments.partitions),
        )
    print(
        f"{asked.keys} keys in each of {asked.rounds} rounds, "
        f"longest reply {asked.longest_reply_seconds * 1000:.0f} ms; "
        f"{asked.writes} writes, longest {asked.longest_write_seconds * 1000:.0f} ms; "
        f"{asked.elections} elections"
    )
    return 1 if asked.elections else 0


if __name__ == "__main__":
    sys.exit(main())
