"""BGSAVE in a cluster: one pass over all partitions, in one process."""

import re
from pathlib import Path

from tests.cluster.test_catching_up import wait_for_save
from tests.processes.trio import Trio

PARTITIONS = 8


def test_one_save_covers_every_partition_and_the_node_starts_from_it(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", str(PARTITIONS)) as trio:
        for number in range(200):
            key = f"key:{number}"
            assert trio.leader_of(key.encode()).call("SET", key, "v") == b"OK"
        node = trio.nodes[0]
        assert node.call("BGSAVE") == b"Background saving started"
        wait_for_save(node)
        assert b"rdb_last_bgsave_status:ok" in node.call("INFO", "persistence")
        durable = re.findall(
            r"snapshot of partition (\d+) at index \d+ is durable", node.log_text()
        )
        assert sorted(map(int, durable)) == list(range(PARTITIONS))
        node.kill()
        node.start()
        trio.wait_ready()
        assert sum(other.call("DBSIZE") for other in trio.nodes) == 200
        assert trio.faults_logged() == []
