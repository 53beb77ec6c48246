"""Scripts on real servers: recovered, replicated, routed, and ended when they run too long."""

import hashlib
from pathlib import Path
from typing import Any

import hiredis
import pytest
import redis

from tests.conftest import ServerProcess
from tests.processes.trio import Trio, TrioProcess

COMPARE_AND_SET = """
if redis.call('get', KEYS[1]) == ARGV[1] then
  redis.call('set', KEYS[1], ARGV[2])
  redis.call('rpush', KEYS[2], ARGV[2], math.random(1000000), redis.call('time')[1], tostring({}))
  redis.call('sadd', KEYS[2] .. ':set', 'a', 'b', 'c', 'd')
  redis.call('spop', KEYS[2] .. ':set')
  return 1
end
return 0
"""
ENDLESS = "redis.call('set', KEYS[1], 0) while true do redis.call('incr', KEYS[1]) end"
HALFWAY = "redis.call('set', KEYS[1], 'written') error('and no further')"


def test_what_scripts_did_is_there_after_a_crash(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--enable-debug-command", "local") as server:
        before = _write(server)
        server.kill()
        server.start()
        with redis.Redis(port=server.port) as client:
            assert client.execute_command("DEBUG", "DIGEST") == before


def _write(server: ServerProcess) -> Any:
    """Run scripts of all kinds, and return the digest of what they leave."""
    with redis.Redis(port=server.port, socket_timeout=60) as client:
        client.set("a", "0")
        change = client.register_script(COMPARE_AND_SET)
        assert [change(["a", "list"], [step, step + 1]) for step in range(50)] == [1] * 50
        assert change(["a", "list"], [7, 8]) == 0
        for script in (HALFWAY, ENDLESS):
            with pytest.raises(redis.ResponseError):
                client.eval(script, 1, "half")
        with client.pipeline() as pipeline:
            change(["a", "list"], [50, 51], client=pipeline)
            pipeline.get("a")
            assert pipeline.execute() == [1, b"51"]
        assert int(client.get("half")) > 100_000  # then it was ended, on every replica alike
        return client.execute_command("DEBUG", "DIGEST")


def test_a_cluster_runs_a_script_where_its_keys_are_and_alike_on_every_node(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "4") as trio:
        node = trio.leader_of(b"{a}")
        others = [other for other in trio.running() if other is not node]
        node.call("SET", "{a}", "0")
        sha = hashlib.sha1(COMPARE_AND_SET.encode()).hexdigest()
        assert str(node.call("EVALSHA", sha, "2", "{a}", "{a}list", "0", "1"))[:8] == "NOSCRIPT"
        for step in range(20):
            text = (str(step), str(step + 1))
            assert node.call("EVAL", COMPARE_AND_SET, "2", "{a}", "{a}list", *text) == 1
        assert node.call("EVALSHA", sha, "2", "{a}", "{a}list", "20", "21") == 1
        moved = others[0].call("EVAL", "return 1", "1", "{a}")
        assert isinstance(moved, hiredis.ReplyError)
        assert str(moved).endswith(f":{node.port}")
        assert node.call("EVAL", "return ARGV[1]", "0", "x") == b"x"
        refusals = {
            "return redis.call('get', 'b')": "non local key",
            "return redis.call('mget', '{a}', 'b')": "non local key",
            "return redis.call('dbsize')": "not allowed",
        }
        for script, text in refusals.items():
            assert text in str(node.call("EVAL", script, "1", "{a}"))
        assert "non local key" in str(node.call("EVAL", "return redis.call('get', '{a}')", "0"))
        assert "CROSSSLOT" in str(node.call("EVAL", "return 1", "2", "a", "b"))
        for other in others:
            other.call("READONLY")
        node.kill()
        trio.wait_ready()
        leader = trio.leader_of(b"{a}")
        assert leader.call("EVAL_RO", "return redis.call('get', KEYS[1])", "1", "{a}") == b"21"
        assert leader.call("EVAL", COMPARE_AND_SET, "2", "{a}", "{a}list", "21", "22") == 1
        one, other = [read(node, "LRANGE", "{a}list", "0", "-1") for node in others]
        known = min(len(one), len(other))  # the follower may be behind by what was written last
        assert known >= 21 * 4
        assert one[:known] == other[:known]


def read(node: TrioProcess, *argv: str) -> Any:
    """Read from a node, be it a follower."""
    with redis.Redis(port=node.port) as client:
        client.execute_command("READONLY")
        return client.execute_command(*argv)


def test_a_snapshot_holds_what_the_server_does_also_of_errors(tmp_path: Path) -> None:
    """The process that builds it runs scripts too, and knows the commands of nodes."""
    text = "return redis.call('set', KEYS[1], redis.pcall('config', 'get', 'x').err)"
    with ServerProcess(tmp_path, "--enable-debug-command", "local") as server:
        with redis.Redis(port=server.port, socket_timeout=60) as client:
            assert client.eval(text, 1, "a") == b"OK"
            assert client.execute_command("BGSAVE")
            while client.info("persistence")["rdb_bgsave_in_progress"]:
                assert server.process.poll() is None
            assert client.info("persistence")["rdb_saves"] == 1
            before = client.execute_command("DEBUG", "DIGEST")
        server.kill()
        server.start()
        with redis.Redis(port=server.port, socket_timeout=60) as client:
            assert client.get("a") == b"ERR This Redis command is not allowed from script"
            assert client.execute_command("DEBUG", "DIGEST") == before


def test_a_server_survives_a_pattern_without_end_and_starts_again(tmp_path: Path) -> None:
    script = (
        "redis.call('set', KEYS[1], 'written') return ('a'):rep(40):find(('a*'):rep(12) .. 'b')"
    )
    with ServerProcess(tmp_path) as server:
        for _ in range(2):
            with redis.Redis(port=server.port, socket_timeout=60) as client:
                with pytest.raises(redis.ResponseError, match="stopped after 100000000"):
                    client.eval(script, 1, "half")
                assert client.get("half") == b"written"
            server.kill()
            server.start()
