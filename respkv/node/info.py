"""INFO: the fields that clients and monitoring tools read, in Redis' sections."""

import os
import platform
import resource
import sys
import time
from typing import TYPE_CHECKING, Final

from respkv import __version__
from respkv.node.cluster_service import Publications
from respkv.node.pubsub import CHANNEL, PATTERN, SHARD
from respkv.replica import transaction
from respkv.scripts.engine import memory_bytes

if TYPE_CHECKING:
    from respkv.node.server import Node

Fields = dict[str, object]


def _server(node: "Node") -> Fields:
    uptime = int(time.time() - node.started)
    return {
        "redis_version": "7.0.15",
        "respkv_version": __version__,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone" if node.cluster is None else "cluster",
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "arch_bits": 64,
        "multiplexing_api": "uvloop" if "uvloop" in sys.modules else "asyncio",
        "monotonic_clock": "POSIX clock_gettime",
        "process_id": os.getpid(),
        "process_supervised": "no",
        "run_id": node.run_id,
        "tcp_port": node.config["port"],
        "server_time_usec": time.time_ns() // 1000,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // 86400,
        "hz": 10,
        "configured_hz": 10,
        "lru_clock": int(time.time()) & 0xFFFFFF,
        "executable": sys.executable,
        "config_file": node.config.path or "",
        "python_version": platform.python_version(),
    }


def _clients(node: "Node") -> Fields:
    cluster = node.cluster
    return {
        "connected_clients": len(node.clients),
        "cluster_connections": len(cluster.links()) if cluster is not None else 0,
        "maxclients": node.config["maxclients"],
        "blocked_clients": len(node.waiting)
        + sum(client.blocked is not None for client in node.clients.values()),
        "tracking_clients": node.tracking.tracking_clients,
        "clients_in_timeout_table": 0,
    }


def _memory(node: "Node") -> Fields:
    """`used_memory` is the estimate that `maxmemory` is compared with, the process is `_rss`."""
    resident = resident_bytes()
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(file.readline().split()[1]) * 1024
    memory = node.memory
    used = memory.used_bytes()
    peak = memory.peak_bytes
    return {
        "used_memory": used,
        "used_memory_human": _human(used),
        "used_memory_rss": resident,
        "used_memory_rss_human": _human(resident),
        "used_memory_peak": peak,
        "used_memory_peak_human": _human(peak),
        "used_memory_peak_perc": f"{100 * used / max(1, peak):.2f}%",
        "total_system_memory": total,
        "total_system_memory_human": _human(total),
        **_scripts(node),
        "maxmemory": memory.limit_bytes,
        "maxmemory_human": _human(memory.limit_bytes),
        "maxmemory_policy": memory.policy,
        "mem_fragmentation_ratio": f"{resident / max(1, used):.2f}",
        "mem_allocator": "cpython",
        "lazyfree_pending_objects": 0,
    }


def _scripts(node: "Node") -> Fields:
    """What scripts take beside the data; there are no functions (FCALL) yet."""
    interpreter = memory_bytes()
    texts = node.scripts.bytes
    return {
        "used_memory_lua": interpreter,
        "used_memory_vm_eval": interpreter,
        "used_memory_lua_human": _human(interpreter),
        "used_memory_scripts_eval": texts,
        "number_of_cached_scripts": len(node.scripts),
        "number_of_functions": 0,
        "number_of_libraries": 0,
        "used_memory_vm_functions": 0,
        "used_memory_vm_total": interpreter,
        "used_memory_vm_total_human": _human(interpreter),
        "used_memory_functions": 0,
        "used_memory_scripts": texts,
        "used_memory_scripts_human": _human(texts),
    }


def resident_bytes() -> int:
    """Return how much memory the process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _human(size: int) -> str:
    if size < 1024:
        return f"{size}B"
    for shift, unit in ((10, "K"), (20, "M"), (30, "G")):
        if size < 1 << (shift + 10):
            return f"{size / (1 << shift):.2f}{unit}"
    return f"{size / (1 << 40):.2f}T"


def _persistence(node: "Node") -> Fields:
    progress = node.progress
    loading: Fields = {}
    if node.loading and progress is not None:
        loading = {
            "loading_start_time": int(progress.started),
            "loading_total_bytes": progress.total_bytes,
            "loading_rdb_used_mem": 0,
            "loading_loaded_bytes": progress.loaded_bytes,
            "loading_loaded_perc": f"{progress.percent():.2f}",
            "loading_eta_seconds": progress.eta_seconds(),
        }
    snapshots = node.snapshots
    taken = int(time.time() - snapshots.began) if snapshots.running else -1
    return {
        "loading": int(node.loading),
        "async_loading": 0,
        "rdb_changes_since_last_save": _applied(node)
        - sum([keeper.snapshot_index for keeper in node.keepers()]),
        "rdb_bgsave_in_progress": int(snapshots.running),
        "rdb_last_save_time": int(snapshots.last_time),
        "rdb_last_bgsave_status": "ok" if snapshots.last_ok else "err",
        "rdb_last_bgsave_time_sec": snapshots.last_seconds,
        "rdb_current_bgsave_time_sec": taken,
        "rdb_saves": snapshots.done,
        "aof_enabled": 1,
        "aof_rewrite_in_progress": 0,
        "aof_rewrite_scheduled": 0,
        "aof_last_write_status": "ok",
        "aof_current_size": max(0, node.wal.bytes_held()),
        **loading,
    }


def _applied(node: "Node") -> int:
    return sum([replica.applied_index for replica in node.replicas()])


def _stats(node: "Node") -> Fields:
    keyspaces = [replica.keyspace for replica in node.replicas()]
    tracking = node.tracking
    return {
        "total_connections_received": node.connections_received,
        "total_commands_processed": sum(node.calls.values()),
        "rejected_connections": node.connections_rejected,
        "expired_keys": sum([keyspace.expired for keyspace in keyspaces]),
        "evicted_keys": sum([keyspace.evicted for keyspace in keyspaces]),
        "evicted_clients": 0,
        "keyspace_hits": sum([keyspace.hits for keyspace in keyspaces]),
        "keyspace_misses": sum([keyspace.misses for keyspace in keyspaces]),
        "pubsub_channels": len(node.pubsub.subscribers[CHANNEL]),
        "pubsub_patterns": len(node.pubsub.subscribers[PATTERN]),
        "pubsubshard_channels": len(node.pubsub.subscribers[SHARD]),
        "tracking_total_keys": len(tracking.readers),
        "tracking_total_items": sum(map(len, tracking.readers.values())),
        "tracking_total_prefixes": len(tracking.prefixes),
        "total_error_replies": node.error_replies,
        "respkv_unknown_outcomes": node.unknown_outcomes,
        "respkv_internal_errors": transaction.internal_errors,
        "respkv_pending_bytes": sum([replica.pending_bytes for replica in node.replicas()]),
    }


def _replication(node: "Node") -> Fields:
    """In a cluster offsets are in entries of the partitions led here: what a follower lacks of
    them is the difference.
    """
    led = [replica for replica in node.replicas() if replica.leads]
    offset = sum([replica.raft.last_index for replica in led])
    slaves: Fields = {}
    cluster = node.cluster
    if cluster is not None:
        up = [found for found in cluster.followers() if cluster.view.nodes[found.node].up]
        for position, follower in enumerate(up):
            address = cluster.view.nodes[follower.node]
            slaves[f"slave{position}"] = (
                f"ip={address.host},port={address.port},state=online,"
                f"offset={offset - follower.lag_entries},lag={follower.lag_seconds}"
            )
    return {
        "role": "master",
        "connected_slaves": len(slaves),
        **slaves,
        "master_failover_state": "no-failover",
        "master_replid": node.run_id,
        "master_replid2": "0" * 40,
        "master_repl_offset": offset,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": 1 << 20,
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    }


def _cpu(node: "Node") -> Fields:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "used_cpu_sys": f"{usage.ru_stime:.6f}",
        "used_cpu_user": f"{usage.ru_utime:.6f}",
        "used_cpu_sys_children": f"{children.ru_stime:.6f}",
        "used_cpu_user_children": f"{children.ru_utime:.6f}",
    }


def _commandstats(node: "Node") -> Fields:
    """Counts only: timing each command would cost more than most commands do."""
    names = sorted({*node.calls, *node.rejected})
    return {
        f"cmdstat_{name}": f"calls={node.calls.get(name, 0)},"
        f"rejected_calls={node.rejected.get(name, 0)}"
        for name in names
    }


def _modules(node: "Node") -> Fields:
    return {}


def _errorstats(node: "Node") -> Fields:
    return {f"errorstat_{name}": f"count={count}" for name, count in sorted(node.errors.items())}


def _cluster(node: "Node") -> Fields:
    return {"cluster_enabled": int(node.cluster is not None)}


def _respkv(node: "Node") -> Fields:
    """Sums over the partitions that this node votes in; `term` is the highest."""
    replicas = node.replicas()
    followers = node.cluster.followers() if node.cluster is not None else []
    links = node.cluster.links() if node.cluster is not None else []
    published = Publications(0, 0, 0) if node.cluster is None else node.cluster.publications
    return {
        "partitions": len(replicas),
        "partitions_led": sum([replica.leads for replica in replicas]),
        "term": max([replica.raft.term for replica in replicas], default=0),
        "elections_started": sum([replica.raft.elections_started for replica in replicas]),
        "transfers": sum([replica.raft.transfers for replica in replicas]),
        "commit_index": sum([replica.raft.commit_index for replica in replicas]),
        "applied_index": _applied(node),
        "snapshot_index": sum([keeper.snapshot_index for keeper in node.keepers()]),
        "appendfsync": node.config["appendfsync"],
        "read_consistency": node.config["read-consistency"],
        "lease_reads": sum([replica.lease_reads for replica in replicas]),
        "peer_queue_bytes": max([link.buffered_bytes for link in links], default=0),
        "publications_sent": published.sent,
        "publications_received": published.received,
        "publications_dropped": published.dropped,
        **{
            f"follower_{found.node}": f"partitions={found.partitions},"
            f"lag_entries={found.lag_entries},lag_seconds={found.lag_seconds}"
            for found in followers
        },
    }


def _partitions(node: "Node") -> Fields:
    """A line for each partition that this node votes in."""
    return {
        f"partition{replica.partition}": f"role={'leader' if replica.leads else 'follower'},"
        f"leader={replica.raft.leader_id},term={replica.raft.term},"
        f"last={replica.raft.last_index},commit={replica.raft.commit_index},"
        f"applied={replica.applied_index},elections={replica.raft.elections_started},"
        f"lag={'/'.join(f'{peer}:{lag}' for peer, lag in replica.raft.lags().items())}"
        for replica in node.replicas()
    }


def _keyspace(node: "Node") -> Fields:
    """What DBSIZE counts: in a cluster, the keys of the partitions that this node leads."""
    keys: dict[int, int] = {}
    expires: dict[int, int] = {}
    for replica in node.replicas():
        if replica.leads:
            for number, db in enumerate(replica.keyspace.databases):
                keys[number] = keys.get(number, 0) + len(db.keys)
                expires[number] = expires.get(number, 0) + len(db.deadlines.by_key)
    return {
        f"db{number}": f"keys={count},expires={expires[number]},avg_ttl=0"
        for number, count in keys.items()
        if count
    }


_SECTIONS: Final = {
    "server": _server,
    "clients": _clients,
    "memory": _memory,
    "persistence": _persistence,
    "stats": _stats,
    "replication": _replication,
    "cpu": _cpu,
    "modules": _modules,
    "commandstats": _commandstats,
    "errorstats": _errorstats,
    "cluster": _cluster,
    "respkv": _respkv,
    "partitions": _partitions,
    "keyspace": _keyspace,
}
_TITLES: Final = {"cpu": "CPU"}
_ON_REQUEST: Final = frozenset(("commandstats", "partitions"))


def info_text(node: "Node", wanted: list[str]) -> str:
    """Return the sections asked for; none, `default`, `all` or `everything` as in Redis."""
    everything = "all" in wanted or "everything" in wanted
    by_default = not wanted or "default" in wanted
    blocks = []
    for name, fields in _SECTIONS.items():
        if everything or name in wanted or (by_default and name not in _ON_REQUEST):
            lines = [f"# {_TITLES.get(name, name.capitalize())}"]
            lines += [f"{key}:{value}" for key, value in fields(node).items()]
            blocks.append("\r\n".join(lines) + "\r\n")
    return "\r\n".join(blocks)
