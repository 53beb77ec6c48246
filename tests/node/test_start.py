"""What `respkv server` says of itself: log lines for people and programs, a bar on a terminal."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS
from tests.processes.ports import listening_port


def test_the_ready_line_names_address_directory_and_index(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert server.ask(b"SET a 1") == b"+OK\r\n"
        server.kill()
        server.start()
        ready = server.log.read_text().splitlines()[-1]
    expected = (
        f"ready on 127.0.0.1 port {server.port}, data in {tmp_path / 'data'}, recovered index "
    )
    assert expected in ready
    assert int(ready.rpartition(" ")[2]) > 0


def test_json_log_lines_are_objects_with_the_same_facts(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", "--hz", "10", "--json") as server:
        pass
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    assert [line["level"] for line in lines if "'hz'" in line["message"]] == ["warning"]
    ready = next(line for line in lines if line.get("event") == "ready")
    assert ready["port"] == server.port
    assert ready["bind"] == ["127.0.0.1"]
    assert ready["dir"] == str(tmp_path / "data")
    assert ready["recovered_index"] == 0


def test_a_terminal_gets_a_bar_while_loading(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        assert server.ask(b"SET a 1") == b"+OK\r\n"
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "respkv", "server", "--port", str(listening_port())]
        + ["--dir", str(tmp_path / "data")],
        stderr=terminal,
    )
    os.close(terminal)
    try:
        shown = b""
        while b"ready on" not in shown:
            shown += os.read(controller, 4096)
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(controller)
    assert b"\rloading [####" in shown
    assert b"loading: " not in shown


@pytest.mark.parametrize("addresses", ["127.0.0.1 -::1", "127.0.0.1 -192.0.2.1", "* -::*"])
def test_addresses_are_written_as_in_redis_conf(tmp_path: Path, addresses: str) -> None:
    """A `-` marks one that this machine may lack (192.0.2.1 is nobody's), as in Redis' own file."""
    with ServerProcess(tmp_path / "data", "--bind", addresses) as server:
        assert server.ask(b"PING") == b"+PONG\r\n"


def test_shutdown_answers_nothing_when_it_succeeds(tmp_path: Path) -> None:
    """redis-py takes any reply for a failure."""
    with ServerProcess(tmp_path / "data") as server:
        client = redis.Redis(port=server.port)
        assert client.set("a", "1")
        client.shutdown(nosave=True)
        assert server.process.wait(PATIENCE_SECONDS) == 0
        server.launch()
        server.wait_ready()
        assert client.get("a") == b"1"
