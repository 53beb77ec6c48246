"""Nodes that lose their data under load: replaced, nothing acknowledged is lost.

python -m tests.processes.replace_rounds --rounds 10 [--seed N] [--writers 16]

In each round one node loses everything it had (or finds its log damaged), comes back empty and gets
its place back by `respkv cluster replace`; more goes wrong meanwhile. See `cluster_rounds`.
"""

import argparse
import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.processes.cluster_rounds import Round, Rounds
from tests.processes.faults import Fault, Scene
from tests.processes.trio import Trio, TrioProcess

REPLACED_BY_SECONDS: Final = 120.0
LOGGED_BY_SECONDS: Final = 30.0
COPYING_SECONDS: Final = 0.4  # into a replacement, when the next thing goes wrong
SAVED_BY_SECONDS: Final = 150.0
PARTITIONS: Final = "8"  # each has a process of its own for a snapshot


def node_id(node: TrioProcess) -> str:
    """Return the id under which a node runs."""
    found = node.call("CLUSTER", "MYID")
    assert isinstance(found, bytes)
    return found.decode()


def replacing(asked: TrioProcess, old_id: str, *options: str) -> "subprocess.Popen[str]":
    """Start the operator's command."""
    command = [sys.executable, "-m", "respkv", "cluster", "replace", old_id]
    command += ["--port", str(asked.port), "--timeout", str(REPLACED_BY_SECONDS), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


async def _logged(node: TrioProcess, text: str) -> None:
    async with asyncio.timeout(LOGGED_BY_SECONDS):
        while text not in node.log_text():
            await asyncio.sleep(0.02)


async def _finish(command: "subprocess.Popen[str]") -> None:
    shown, _ = await asyncio.to_thread(command.communicate, timeout=REPLACED_BY_SECONDS + 10)
    if command.returncode != 0:
        raise RuntimeError(f"respkv cluster replace: {shown}")


async def _lose(scene: Scene) -> tuple[TrioProcess, list[TrioProcess], str]:
    """A node is killed, and comes back with an empty directory; return it, the others, its old id."""
    lost = scene.chance.choice(scene.nodes)
    others = [node for node in scene.nodes if node is not lost]
    if scene.chance.random() < 0.5:  # then the newcomer gets snapshots
        await asyncio.gather(
            *(asyncio.to_thread(node.call, "SAVE", seconds=SAVED_BY_SECONDS) for node in others)
        )
    old_id = await asyncio.to_thread(node_id, lost)
    lost.kill()
    shutil.rmtree(lost.directory)
    lost.launch()
    await _logged(lost, f"respkv cluster replace {old_id} --with ")
    return lost, others, old_id


async def lose_everything(scene: Scene) -> None:
    """A node is wiped and replaced."""
    lost, others, old_id = await _lose(scene)
    await _finish(replacing(others[0], old_id))
    await asyncio.to_thread(lost.wait_ready)


async def damage_log(scene: Scene) -> None:
    """A bit flips in the middle of a node's log."""
    node = scene.chance.choice(scene.nodes)
    old_id = await asyncio.to_thread(node_id, node)
    node.kill()
    segment = min(node.directory.glob("wal-*"))
    data = bytearray(segment.read_bytes())
    used = len(bytes(data).rstrip(b"\0"))
    data[scene.chance.randrange(512, used // 2)] ^= 1 << scene.chance.randrange(8)
    segment.write_bytes(data)
    node.launch()
    if await asyncio.to_thread(node.process.wait, 30) != 1:
        raise RuntimeError("a damaged log was not refused")
    await _logged(node, f"respkv cluster replace {old_id}")
    shutil.rmtree(node.directory)
    node.launch()
    await _logged(node, f"respkv cluster replace {old_id} --with ")
    other = next(other for other in scene.nodes if other is not node)
    await _finish(replacing(other, old_id))
    await asyncio.to_thread(node.wait_ready)


async def _lose_with_newcomer_copying(
    scene: Scene,
) -> tuple[TrioProcess, list[TrioProcess], "subprocess.Popen[str]"]:
    """Return the newcomer in the midst of copying, the others, and the command that goes on."""
    lost, others, old_id = await _lose(scene)
    command = replacing(others[0], old_id)
    await _logged(others[1], f"is in the place of {old_id}")
    await asyncio.sleep(scene.chance.random() * COPYING_SECONDS)
    return lost, others, command


async def kill_newcomer(scene: Scene) -> None:
    """The newcomer is killed while it learns, and starts again."""
    newcomer, _, command = await _lose_with_newcomer_copying(scene)
    newcomer.kill()
    newcomer.launch()
    await _finish(command)
    await asyncio.to_thread(newcomer.wait_ready)


async def lose_newcomer(scene: Scene) -> None:
    """The newcomer loses everything as well, and is replaced by the next."""
    newcomer, others, command = await _lose_with_newcomer_copying(scene)
    second_id = newcomer.log_text().rpartition("--with ")[2].split()[0]  # it may be loading yet
    newcomer.kill()
    shutil.rmtree(newcomer.directory)
    newcomer.launch()
    await _logged(newcomer, f"respkv cluster replace {second_id} --with ")
    await _finish(replacing(others[0], second_id))
    await _finish(command)
    await asyncio.to_thread(newcomer.wait_ready)


async def kill_leader_meanwhile(scene: Scene) -> None:
    """Another node is killed while the newcomer learns: for a while there is no majority."""
    lost, others, old_id = await _lose(scene)
    asked, killed = others
    command = replacing(asked, old_id)
    await asyncio.sleep(scene.chance.random() * 2 * COPYING_SECONDS)
    killed.kill()
    killed.launch()
    await asyncio.to_thread(killed.wait_ready)
    await _finish(command)
    await asyncio.to_thread(lost.wait_ready)


FAULTS: Final[list[Fault]] = [
    lose_everything, damage_log, kill_newcomer, lose_newcomer, kill_leader_meanwhile,
]  # fmt: skip


def run(directory: Path, rounds: int, seed: int, writers: int, show: bool = False) -> list[Round]:
    """Run the rounds; stops after one that found something."""
    done: list[Round] = []
    with Trio(directory, "--cluster-partitions", PARTITIONS) as trio:
        cluster = Rounds(trio, writers, seed, "plain")
        for number in range(1, rounds + 1):
            done.append(cluster.run(number, FAULTS[(number - 1 + seed) % len(FAULTS)]))
            if show:
                print(done[-1], flush=True)
            if done[-1].errors:
                break
    return done


def main() -> int:
    """Print the table; 1 when a round found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    options = parser.parse_args()
    print(f"seed {options.seed}\n{Round.HEAD}")
    with tempfile.TemporaryDirectory() as directory:
        done = run(Path(directory), options.rounds, options.seed, options.writers, show=True)
    for round_ in done:
        for error in round_.errors:
            print(error)
    total = sum(round_.acknowledged for round_ in done)
    lost = sum(round_.lost for round_ in done)
    print(f"{len(done)} rounds, {total} acknowledged, {lost} keys lost")
    return int(any(round_.errors for round_ in done))


if __name__ == "__main__":
    sys.exit(main())
