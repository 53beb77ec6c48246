"""What `cluster_rounds` does to three real nodes under load: one fault, healed before it returns."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import hiredis

from respkv.log.filesystem import RealFileSystem
from respkv.log.records import FIRST_BATCH_AT
from respkv.log.recovery import recover
from tests.patience import PATIENCE_SECONDS, until
from tests.processes.cluster_writers import Seen
from tests.processes.connection import Connection
from tests.processes.full_disk import full_flag
from tests.processes.trio import Trio, TrioProcess
from tests.processes.wrong_clock import set_clock

FAULT_SECONDS: Final = 1.5
CUT_SECONDS: Final = 2.5  # an election takes less, and so does giving up a silent connection
SERVED_WRITES: Final = 100  # acknowledged by others while a node is away: they go on
BULK: Final = b"x" * (1 << 18)
BULK_PIPELINE: Final = 8
BULK_WRITES_MAX: Final = 800
BULK_WRITES_BEYOND: Final = 160  # more than the two spare segments take
CLOCK_JUMPS: Final = 8
CLOCK_JUMP_SECONDS: Final = 0.25
WRONG_MS: Final = [
    sign * size for size in (1_500, 60_000, 3_600_000, 18_000_000) for sign in (1, -1)
]


class Unexpected(Exception):
    """A node did something else than the fault calls for."""


@dataclass
class Scene:
    """The nodes, the load on them, and the chance that picks among them."""

    trio: Trio
    chance: random.Random
    seen: Seen
    in_flight_at_kills: int = 0

    @property
    def nodes(self) -> list[TrioProcess]:
        """All three."""
        return self.trio.nodes

    async def leader(self) -> TrioProcess:
        """Return the node that leads some key; with luck another one each round."""
        key = b"{key:%d}" % self.chance.randrange(96)
        return await asyncio.to_thread(self.trio.leader_of, key)

    async def leading_least(self) -> TrioProcess:
        """Return the node with the fewest slots: a follower more than anything else."""

        def count() -> TrioProcess:
            slots = {node.port: 0 for node in self.nodes}
            for first, last, leader, *_ in self.nodes[0].call("CLUSTER", "SLOTS"):
                slots[leader[1]] += last - first + 1
            return min(self.nodes, key=lambda node: slots[node.port])

        return await asyncio.to_thread(count)

    def kill(self, *nodes: TrioProcess) -> None:
        """kill -9, or a power loss where disks lose what was not synced; all at once."""
        for node in nodes:
            self.in_flight_at_kills += self.seen.in_flight[node.port]
            node.strike()
        for node in nodes:
            node.process.wait()

    async def start(self, *nodes: TrioProcess) -> None:
        """Start nodes at once and wait until they answer."""
        for node in nodes:
            node.launch()
        for node in nodes:
            await asyncio.to_thread(node.wait_ready)

    async def stop(self, node: TrioProcess) -> None:
        """SIGTERM."""
        code = await asyncio.to_thread(node.stop)
        if code != 0:
            raise Unexpected(f"SIGTERM ended with status {code}")

    async def served(self) -> None:
        """Wait until writes have been acknowledged from now on."""
        enough = self.seen.acknowledged + SERVED_WRITES
        await until(
            lambda: self.seen.acknowledged >= enough, lambda: "the others acknowledge no writes"
        )

    async def cut(self, *directions: tuple[int, int]) -> None:
        """Cut directions for a while, silently, and heal them."""
        assert self.trio.proxy is not None
        await asyncio.to_thread(self.trio.proxy.cut, *directions)
        await asyncio.sleep(CUT_SECONDS)
        await asyncio.to_thread(self.trio.proxy.cut)


# --- processes that end or stand still -------------------------------------------------------------


async def kill_leader(scene: Scene) -> None:
    """kill -9 of a leader, and a restart."""
    node = await scene.leader()
    scene.kill(node)
    await asyncio.sleep(FAULT_SECONDS)
    await scene.start(node)


async def kill_follower(scene: Scene) -> None:
    """kill -9 of the node that leads least, and a restart at once."""
    node = await scene.leading_least()
    scene.kill(node)
    await scene.start(node)


async def kill_two(scene: Scene) -> None:
    """No majority for a while."""
    nodes = scene.chance.sample(scene.nodes, 2)
    scene.kill(*nodes)
    await asyncio.sleep(FAULT_SECONDS)
    await scene.start(*nodes)


async def kill_all(scene: Scene) -> None:
    """All at once, and back at once."""
    scene.kill(*scene.nodes)
    await scene.start(*scene.nodes)


async def kill_again_and_again(scene: Scene) -> None:
    """One after the other, each at the moment the one before answers again."""
    for node in scene.chance.sample(scene.nodes, 3):
        scene.kill(node)
        await scene.start(node)


async def pause_leader(scene: Scene) -> None:
    """SIGSTOP for longer than an election takes: it comes back and believes that it leads."""
    node = await scene.leader()
    node.pause()
    await asyncio.sleep(CUT_SECONDS)
    node.resume()


async def stop_gracefully(scene: Scene) -> None:
    """SIGTERM hands leadership over first."""
    node = await scene.leader()
    await scene.stop(node)
    await scene.start(node)


async def move_leaders(scene: Scene) -> None:
    """CLUSTER FAILOVER on each in turn."""
    for node in scene.nodes:
        await asyncio.to_thread(node.call, "CLUSTER", "FAILOVER")
        await asyncio.sleep(0.3)


# --- links ---------------------------------------------------------------------------------------


async def cut_off_leader(scene: Scene) -> None:
    """A leader neither hears the others nor is heard."""
    cut = scene.nodes.index(await scene.leader())
    others = [number for number in range(3) if number != cut]
    await scene.cut(*[(cut, other) for other in others], *[(other, cut) for other in others])


async def mute_leader(scene: Scene) -> None:
    """A leader hears the others and is not heard."""
    cut = scene.nodes.index(await scene.leader())
    await scene.cut(*[(cut, other) for other in range(3) if other != cut])


async def deafen_leader(scene: Scene) -> None:
    """A leader is heard and hears nobody."""
    cut = scene.nodes.index(await scene.leader())
    await scene.cut(*[(other, cut) for other in range(3) if other != cut])


async def cut_one_pair(scene: Scene) -> None:
    """Two nodes that do not reach each other, and a third that reaches both."""
    one, two = scene.chance.sample(range(3), 2)
    await scene.cut((one, two), (two, one))


async def cut_one_way(scene: Scene) -> None:
    """One node does not hear one other."""
    one, two = scene.chance.sample(range(3), 2)
    await scene.cut((one, two))


async def damage_links(scene: Scene) -> None:
    """Bits flip on the way between nodes: a checksum finds each, and the nodes dial again."""
    assert scene.trio.proxy is not None
    scene.trio.proxy.flip_bits(0.02)
    await asyncio.sleep(CUT_SECONDS)
    scene.trio.proxy.flip_bits(0)


# --- disks ---------------------------------------------------------------------------------------


async def flip_bit(scene: Scene) -> None:
    """A bit of a durable batch: the node must name the place and not start until it is back."""
    node = scene.chance.choice(scene.nodes)
    await scene.stop(node)
    directory = str(node.directory)
    segments = recover(RealFileSystem(), directory).segments
    written = [segment for segment in segments if segment.end > FIRST_BATCH_AT]
    segment = scene.chance.choice(written)
    offset = scene.chance.randrange(FIRST_BATCH_AT, segment.end)
    mask = 1 << scene.chance.randrange(8)
    path = node.directory / segment.name

    def flip() -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ mask]))

    flip()
    logged_before = len(node.log_text())
    node.launch()
    try:
        code = await asyncio.to_thread(node.process.wait, PATIENCE_SECONDS)
        logged = node.log_text()[logged_before:]
        if code == 0 or str(path) not in logged or "is damaged at byte " not in logged:
            raise Unexpected(f"{path} damaged at {offset}, status {code}:\n{logged}")
        await scene.served()
    finally:
        flip()
    await scene.start(node)


async def _fill_log(scene: Scene, node: TrioProcess, writes: int) -> None:
    """Write large values through a node, as long as it leads something."""
    connection = await Connection.open(node.port)
    try:
        key = await asyncio.to_thread(scene.trio.key_led_now, node, "bulk")
        for _ in range(0, writes, BULK_PIPELINE):
            replies = await connection.call(*[[b"SET", key, BULK]] * BULK_PIPELINE)
            if any(isinstance(reply, hiredis.ReplyError) for reply in replies):
                key = await asyncio.to_thread(scene.trio.key_led_now, node, "bulk")
    except (LookupError, ConnectionError):
        pass  # it leads nothing, or lost the lead with writes whose outcome nobody knows
    finally:
        connection.close()


async def _lead_and_fill_log(scene: Scene, node: TrioProcess, writes: int) -> None:
    if node.port not in await asyncio.to_thread(scene.trio.leaders):
        await asyncio.to_thread(node.call, "CLUSTER", "FAILOVER")
    await _fill_log(scene, node, writes)


async def fill_disk(scene: Scene) -> None:
    """No room on one node: it hands over what it leads, and the others go on."""
    full, other = scene.chance.sample(scene.nodes, 2)
    flag = full_flag(full.directory)
    logged_before = len(full.log_text())
    flag.touch()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "writes: MISCONF No room" not in full.log_text()[logged_before:]:
                await _lead_and_fill_log(scene, full, BULK_WRITES_MAX)
            while full.port in await asyncio.to_thread(scene.trio.leaders):
                await _fill_log(scene, full, BULK_PIPELINE)
        await scene.served()
        await _fill_log(scene, other, BULK_WRITES_BEYOND)
        await scene.served()
    finally:
        flag.unlink()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(_writes_again, scene.trio, full):
            await asyncio.sleep(0.05)


def _writes_again(trio: Trio, node: TrioProcess) -> bool:
    try:
        return bool(node.call("SET", trio.key_led_now(node, "bulk"), "small") == b"OK")
    except LookupError:
        node.call("CLUSTER", "FAILOVER")
        return False


# --- clocks --------------------------------------------------------------------------------------


async def jump_clocks(scene: Scene) -> None:
    """Clocks of all nodes jump back and forth, by seconds to hours, and leaders change."""
    for _ in range(CLOCK_JUMPS):
        set_clock(scene.chance.choice(scene.nodes).directory, scene.chance.choice([0, *WRONG_MS]))
        if scene.chance.random() < 0.3:
            node = scene.chance.choice(scene.nodes)
            await asyncio.to_thread(node.call, "CLUSTER", "FAILOVER")
        await asyncio.sleep(CLOCK_JUMP_SECONDS)
    for node in scene.nodes:
        set_clock(node.directory, 0)


async def kill_leader_with_wrong_clock(scene: Scene) -> None:
    """Its time is in the log that the others go on with; it returns with another error."""
    node = await scene.leader()
    set_clock(node.directory, scene.chance.choice(WRONG_MS))
    await asyncio.sleep(FAULT_SECONDS / 2)
    scene.kill(node)
    await asyncio.sleep(FAULT_SECONDS)
    set_clock(node.directory, scene.chance.choice(WRONG_MS))
    await scene.start(node)
    await scene.served()
    set_clock(node.directory, 0)


Fault = Callable[[Scene], Awaitable[None]]
FAULTS: Final[list[Fault]] = [
    kill_leader, fill_disk, pause_leader, flip_bit, kill_two, jump_clocks, mute_leader, kill_all,
    cut_one_way, kill_leader_with_wrong_clock,  # the first ten are those of the tests
    stop_gracefully, move_leaders, kill_follower, kill_again_and_again, cut_off_leader,
    deafen_leader, cut_one_pair, damage_links,
]  # fmt: skip
