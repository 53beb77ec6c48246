"""The container files' own commands, run without a container."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from redis.asyncio.cluster import RedisCluster

from tests.cli.dev import environment, free_ports
from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS, until

ROOT = Path(__file__).resolve().parent.parent
NODES = (1, 2, 3)


def test_the_images_command_starts_a_server(tmp_path: Path) -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith("CMD "))
    command = json.loads(line.removeprefix("CMD "))
    assert command[0] == "server"
    directory = command.index("--dir")
    options = command[1:directory] + command[directory + 2 :]
    with ServerProcess(tmp_path / "data", *options) as server:
        assert server.ask(b"SET a 1") == b"+OK\r\n"
        assert server.stop() == 0


def container_address(number: int) -> str:
    """Return what stands for the address of a container: nobody else listens there."""
    return f"127.0.1.{number}"


class Composed:
    """docker-compose.yml's services as processes.

    A service name becomes an address, a volume a directory, and the ports free ones.
    """

    def __init__(self, directory: Path) -> None:
        self.text = (ROOT / "docker-compose.yml").read_text()
        first = free_ports(len(NODES))
        self.ports = {number: first + number - 1 for number in NODES}
        self._directory = directory
        self._servers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        found = re.search(r"command: (\[.*\])", self.text)
        assert found is not None
        for number in NODES:
            command = found[1].replace("0.0.0.0", container_address(number))
            for other in NODES:
                name = f"node-{other}:{6378 + other}"
                assert name in command
                command = command.replace(name, f"{container_address(other)}:{self.ports[other]}")
            data = str(self._directory / f"data-{number}")
            arguments = [data if word == "/data" else word for word in json.loads(command)]
            with (self._directory / f"{number}.log").open("wb") as log:
                self._servers.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "respkv", *arguments],
                        stdout=log, stderr=log, env=self.environment(number),
                    )
                )  # fmt: skip

    def environment(self, number: int) -> dict[str, str]:
        return {
            **environment(),
            "RESPKV_PORT": str(self.ports[number]),
            "RESPKV_CLUSTER_SECRET": "respkv",
        }

    @contextlib.asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """Forward each port of this machine's loopback address to its container's."""
        async with contextlib.AsyncExitStack() as stack:
            for number, port in self.ports.items():
                forward = forward_to(container_address(number), port)
                server = await asyncio.start_server(forward, "127.0.0.1", port)
                stack.callback(server.close)
            yield

    def health(self, number: int) -> int:
        """Return the status of the image's health check as compose runs it in this container."""
        line = re.search(r"HEALTHCHECK .* CMD (\[.*\])", (ROOT / "Dockerfile").read_text())
        assert line is not None
        check = [*json.loads(line[1])[1:], "--host", container_address(number)]
        command = [sys.executable, "-m", "respkv", *check]
        return subprocess.run(command, env=self.environment(number), check=False).returncode

    def stop(self) -> list[int]:
        for server in self._servers:
            server.terminate()
        try:
            return [server.wait(PATIENCE_SECONDS) for server in self._servers]
        finally:
            for server in self._servers:
                server.kill()
                server.wait()


def forward_to(host: str, port: int):  # type: ignore[no-untyped-def]
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                inner_reader, inner_writer = await asyncio.open_connection(host, port)
            except OSError:
                return
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    return forward


def test_composes_ports_are_published_as_they_are_announced() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for number in NODES:
        port = 6378 + number
        service = text.split(f"  node-{number}:\n")[1]
        assert re.search(r'RESPKV_PORT: "(\d+)"', service)[1] == str(port)  # type: ignore[index]
        published = re.search(r'ports:\n +- "(.*)"', service)
        assert published is not None
        assert published[1] == f"127.0.0.1:{port}:{port}"
        assert f"- node-{number}-data:/data" in service


async def test_composes_nodes_form_a_cluster_that_clients_outside_use(tmp_path: Path) -> None:
    """Only published ports lead from the client to a node, only inner addresses between nodes."""
    composed = Composed(tmp_path)
    composed.start()
    try:
        await until(lambda: all(composed.health(number) == 0 for number in NODES))
        async with composed.published():
            client = RedisCluster(host="127.0.0.1", port=composed.ports[2])
            async with client:
                for number in range(30):
                    assert await client.set(f"k{number}", str(number))
                assert [int(await client.get(f"k{number}")) for number in range(30)] == [*range(30)]
                seen = {(node.host, node.port) for node in client.get_nodes()}
            assert seen == {("127.0.0.1", port) for port in composed.ports.values()}
    finally:
        assert composed.stop() == [0, 0, 0]
