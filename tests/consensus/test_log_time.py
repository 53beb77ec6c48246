"""Log time never goes back, whichever way a leader came by its log (DESIGN: log time)."""

from respkv.clock import SeededChance
from respkv.consensus.raft import LEADER, Raft


def test_a_leader_whose_log_is_all_in_a_snapshot_goes_on_from_the_snapshots_time() -> None:
    raft = Raft(1, [1], 1, 0, 0, 0, [], SeededChance(1))
    assert raft.install_snapshot(7, 1, 5_000)
    raft.campaign()
    assert raft.role == LEADER
    ready = raft.ready()
    assert ready is not None
    assert [entry.time_ms for entry in ready.entries] == [5_000]
    assert raft.propose(4_000, b"").time_ms == 5_000
