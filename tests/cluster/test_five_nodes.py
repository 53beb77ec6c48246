"""Five nodes, three copies of each partition: some nodes have no part in an election."""

from pathlib import Path

from tests.processes.trio import Trio


def test_nodes_without_a_copy_learn_who_leads_after_an_election(tmp_path: Path) -> None:
    with Trio(tmp_path, count=5) as five:
        key = b"key"
        for _ in range(2):
            leader = five.leader_of(key)
            assert leader.call("SET", key, "v") == b"OK"
            leader.kill()
            five.wait_ready()  # all that are left agree on leaders that are left
            leader = five.leader_of(key)
            assert leader.call("GET", key) == b"v"
            for node in five.running():
                if node is not leader:
                    assert str(node.call("GET", key)).endswith(f" 127.0.0.1:{leader.port}")
            for node in five.nodes:
                if not node.is_running:
                    node.start()
            five.wait_ready()
        assert five.faults_logged() == []
