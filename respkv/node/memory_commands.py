"""MEMORY's subcommands about the whole process: DOCTOR, STATS, MALLOC-STATS, PURGE."""

from typing import Final

from respkv.commands.help import declare_help
from respkv.commands.table import CONNECTION, LOADING, STALE, command
from respkv.keyspace.memory import KEY_BYTES, KEYSPACE_BYTES
from respkv.node.connection import Connection
from respkv.node.info import resident_bytes
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.run import Argv

SMALL_BYTES: Final = 5 << 20  # of less, Redis' doctor has nothing to say
_SPECIAL: Final = (
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
)


@command(name="MEMORY|DOCTOR", arity=2, flags=CONNECTION, group="server", since="4.0.0",
         tips=_SPECIAL, summary="Outputs memory problems report")  # fmt: skip
def memory_doctor(session: Connection, argv: Argv) -> Reply:
    """There is no allocator of ours that could fall ill."""
    if session.node.memory.used_bytes() < SMALL_BYTES:
        return Verbatim(
            b"Hi Sam, this instance is empty or is using very little memory, my issues detector "
            b"can't be used in these conditions. Please, leave for your mission on Earth and fill "
            b"it with some data. The new Sam and I will be back to our programming as soon as I "
            b"finished rebooting.\n"
        )
    return Verbatim(
        b"Hi Sam, I can't find any memory issue in your instance. I can only account for what "
        b"occurs on this base.\n"
    )


@command(name="MEMORY|STATS", arity=2, flags=CONNECTION, group="server", since="4.0.0",
         tips=_SPECIAL, summary="Show memory usage details")  # fmt: skip
def memory_stats(session: Connection, argv: Argv) -> Reply:
    """Redis' names for what there is here; its buffers are part of the process, not of these."""
    node = session.node
    used = node.memory.used_bytes()
    peak = max(node.memory.peak_bytes, used)
    resident = resident_bytes()
    reply: dict[bytes, Reply] = {
        b"peak.allocated": peak,
        b"total.allocated": used,
        b"startup.allocated": KEYSPACE_BYTES * len(node.replicas()),
        b"lua.caches": node.scripts.bytes,
        b"functions.caches": 0,
    }
    keys, overhead = 0, KEYSPACE_BYTES * len(node.replicas())
    for db in range(len(node.replicas()[0].keyspace.databases)):
        count = sum([len(replica.keyspace.databases[db].keys) for replica in node.replicas()])
        if count:
            keys += count
            overhead += KEY_BYTES * count
            reply[b"db.%d" % db] = {
                b"overhead.hashtable.main": KEY_BYTES * count,
                b"overhead.hashtable.expires": 0,
                b"overhead.hashtable.slot-to-keys": 0,
            }
    dataset = max(used - overhead, 0)
    net = max(used - KEYSPACE_BYTES * len(node.replicas()), 0)
    reply |= {
        b"overhead.total": overhead,
        b"keys.count": keys,
        b"keys.bytes-per-key": net // keys if keys else 0,
        b"dataset.bytes": dataset,
        b"dataset.percentage": 100.0 * dataset / max(net, 1),
        b"peak.percentage": 100.0 * used / max(peak, 1),
        b"allocator.resident": resident,
        b"fragmentation": resident / max(used, 1),
        b"fragmentation.bytes": resident - used,
    }
    return reply


@command(name="MEMORY|MALLOC-STATS", arity=2, flags=CONNECTION, group="server", since="4.0.0",
         complexity="Depends on how much memory is allocated, could be slow", tips=_SPECIAL,
         summary="Show allocator internal stats")  # fmt: skip
def memory_malloc_stats(session: Connection, argv: Argv) -> Reply:
    """What Redis says when it was built without jemalloc."""
    return Verbatim(b"Stats not supported for the current allocator")


@command(name="MEMORY|PURGE", arity=2, flags=CONNECTION, group="server", since="4.0.0",
         complexity="Depends on how much memory is allocated, could be slow",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"),
         summary="Ask the allocator to release memory")  # fmt: skip
def memory_purge(session: Connection, argv: Argv) -> Reply:
    """Freed memory goes back by itself, as far as it can."""
    return OK


declare_help("MEMORY", since="4.0.0", group="server", flags=CONNECTION | LOADING | STALE, text="""
DOCTOR
    Return memory problems reports.
MALLOC-STATS
    Return internal statistics report from the memory allocator.
PURGE
    Attempt to purge dirty pages for reclamation by the allocator.
STATS
    Return information about the memory usage of the server.
USAGE <key> [SAMPLES <count>]
    Return memory in bytes used by <key> and its value. Nested values are
    sampled up to <count> times (default: 5, 0 means sample all).
""")  # fmt: skip
