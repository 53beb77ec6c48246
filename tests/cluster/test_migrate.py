"""MIGRATE out of a cluster: its keys belong to one slot, and their leader sends them."""

from pathlib import Path

import redis

from tests.commands.reference import ClusterReference
from tests.patience import wait_until
from tests.processes.trio import Trio


def test_keys_leave_from_the_node_that_leads_them(tmp_path: Path) -> None:
    reference = ClusterReference(tmp_path)
    target = redis.Redis(port=reference.port)
    target.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    wait_until(lambda: b"cluster_state:ok" in reference.call([b"CLUSTER", b"INFO"]))
    with Trio(tmp_path) as trio:
        leader = trio.leader_of(b"{a}1")
        other = next(node for node in trio.nodes if node is not leader)
        leader.call("MSET", "{a}1", "one", "{a}2", "two")
        to = ("127.0.0.1", str(reference.port))
        keys = ("KEYS", "{a}1", "{a}2", "{a}none")
        assert "MOVED" in str(other.call("MIGRATE", *to, "", "0", "5000", *keys))
        assert "CROSSSLOT" in str(leader.call("MIGRATE", *to, "", "0", "5000", *keys, "b"))
        assert leader.call("MIGRATE", *to, "", "0", "5000", *keys) == b"OK"
        assert leader.call("EXISTS", "{a}1", "{a}2") == 0
        assert target.mget("{a}1", "{a}2") == [b"one", b"two"]
        assert leader.call("MIGRATE", *to, "{a}1", "0", "5000") == b"NOKEY"
        assert trio.faults_logged() == []
    reference.close()
