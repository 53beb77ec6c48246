"""From what the disk holds to a replica that is ready to join its group."""

from respkv.consensus.configuration import Configuration, decode_configuration
from respkv.consensus.raft import Raft
from respkv.keyspace.keyspace import Keyspace
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import FileSystem
from respkv.log.partition import RecoveredPartition
from respkv.log.wal import Wal
from respkv.replica.log_writer import LogWriter
from respkv.replica.replica import Replica
from respkv.replica.runtime import Runtime
from respkv.replica.snapshot_builder import load_latest
from respkv.steps import Steps


def recovering_replica(
    fs: FileSystem,
    directory: str,
    wal: Wal,
    log_writer: LogWriter,
    runtime: Runtime,
    partition: int,
    node_id: int,
    voters: list[int],
    databases: int,
) -> Steps[Replica]:
    """Return the partition's replica with its snapshot loaded, a chunk of it each step.

    Raft tells what else to apply. `voters` are those that the partition began with.

    Raises:
        LogDamaged: the snapshot that the log relies on is missing or altered.
    """
    found = wal.recovered.get(partition) or RecoveredPartition()
    keyspace, index, term = Keyspace(databases), 0, 0
    if found.snapshot_index:
        keyspace, index, term = yield from load_latest(
            fs, directory, partition, found.snapshot_index, databases
        )
    if (index, term) != (found.snapshot_index, found.snapshot_term):
        raise LogDamaged(
            directory,
            0,
            f"the log begins behind snapshot {found.snapshot_term}.{found.snapshot_index} of "
            f"partition {partition}, which is not there",
        )
    raft = Raft(
        node_id,
        voters,
        found.term,
        found.vote,
        found.snapshot_index,
        found.snapshot_term,
        found.entries,
        runtime.chance,
        _configuration(found),
    )
    raft.log_time_ms = max(raft.log_time_ms, keyspace.now_ms)
    return Replica(partition, raft, keyspace, (index, term), log_writer, runtime)


def _configuration(found: RecoveredPartition) -> Configuration | None:
    """Return the configuration as of the snapshot, None when it is the one at the beginning."""
    known = [payload for index, payload in found.configurations if index <= found.snapshot_index]
    return decode_configuration(known[-1]) if known else None
