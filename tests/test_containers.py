"""The container files' own commands, run without a container."""

import json
import re
from pathlib import Path

from tests.conftest import ServerProcess

ROOT = Path(__file__).resolve().parent.parent


def run(tmp_path: Path, command: list[str]) -> None:
    assert command[0] == "server"
    directory = command.index("--dir")
    options = command[1:directory] + command[directory + 2 :]
    with ServerProcess(tmp_path / "data", *options) as server:
        assert server.ask(b"SET a 1") == b"+OK\r\n"
        assert server.stop() == 0


def test_the_images_command_starts_a_server(tmp_path: Path) -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("CMD "))
    run(tmp_path, json.loads(command.removeprefix("CMD ")))


def test_composes_command_starts_a_server(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    found = re.search(r"command: (\[.*\])", text)
    assert found is not None
    run(tmp_path, json.loads(found[1]))
