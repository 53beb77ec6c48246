"""Clients of queues in a cluster: some push, some wait for elements, and all is accounted for.

Each element is pushed once, by a client that never repeats a command whose outcome it does not
know. So no element may ever be seen twice, and one that is nowhere was popped for a connection
that broke.
"""

import asyncio
import random
from collections import Counter
from typing import Final

from tests.patience import until
from tests.processes.cluster_writers import ClusterClient, Refused, Unknown

QUEUES: Final = 6
WAIT_SECONDS: Final = b"0.7"  # less than the client's patience
DONE: Final = b":done"
NOT_RUN: Final = ("CLUSTERDOWN", "TRYAGAIN", "LOADING", "MOVED", "UNBLOCKED")


def queue(number: int) -> bytes:
    """Return the key of a queue; with DONE behind it, of what was moved on from there."""
    return b"{queue:%d}" % (number % QUEUES)


class Workers:
    """All clients together, and what they know."""

    def __init__(self, ports: list[int], seed: int) -> None:
        self.taken: list[tuple[int, bytes]] = []  # by whom, in the order of the replies
        self._ports = ports
        self._seed = seed
        self._stop = asyncio.Event()
        self._pushed: set[bytes] = set()  # acknowledged
        self._maybe_pushed: set[bytes] = set()
        self._unknown_pops = 0
        self._unexpected: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Two clients that push for each queue, and three that wait in different ways."""
        for number in range(QUEUES):
            for kind in range(2):
                self._tasks.append(asyncio.create_task(self._push(number, kind)))
            self._tasks.append(asyncio.create_task(self._pop(number, b"BLPOP")))
            self._tasks.append(asyncio.create_task(self._pop(number, b"BLMPOP")))
            self._tasks.append(asyncio.create_task(self._move(number)))

    async def taken_more(self, count: int) -> None:
        """Wait until so many more elements have come to who waited for them."""
        enough = len(self.taken) + count
        await until(lambda: len(self.taken) >= enough or any(task.done() for task in self._tasks))
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """End all clients after their current command."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _push(self, number: int, kind: int) -> None:
        client = ClusterClient(self._ports, random.Random(f"{self._seed}:{number}:{kind}"))
        key, serial = queue(number), 0
        while not self._stop.is_set():
            serial += 1
            element = b"%d:%d:%d" % (number, kind, serial)
            commands = [[b"RPUSH", key, element]]
            if kind:
                commands = [[b"MULTI"], *commands, [b"LLEN", key], [b"EXEC"]]
            try:
                await client.call(key, *commands)
                self._pushed.add(element)
            except Unknown:
                self._maybe_pushed.add(element)
            except Refused as error:
                self._note(error, "EXECABORT")
            await asyncio.sleep(0)
        await client.close()

    async def _pop(self, number: int, name: bytes) -> None:
        key = queue(number)
        argv = [name, key, WAIT_SECONDS]
        if name == b"BLMPOP":
            argv = [name, WAIT_SECONDS, b"1", key, b"LEFT", b"COUNT", b"3"]
        await self._take(number, f"{name!r}", argv)

    async def _move(self, number: int) -> None:
        key = queue(number)
        await self._take(
            number, "moves", [b"BLMOVE", key, key + DONE, b"LEFT", b"RIGHT", WAIT_SECONDS]
        )

    async def _take(self, number: int, kind: str, argv: list[bytes]) -> None:
        client = ClusterClient(self._ports, random.Random(f"{self._seed}:{number}:{kind}"))
        who = len(self._tasks)
        while not self._stop.is_set():
            try:
                reply = (await client.call(queue(number), argv))[0]
            except Unknown:
                self._unknown_pops += 3 if argv[0] == b"BLMPOP" else argv[0] == b"BLPOP"
                continue
            except Refused as error:
                self._note(error)
                continue
            if isinstance(reply, bytes):  # moved on: it is still there, see `check`
                self.taken.append((who, b""))
            elif reply is not None:
                elements = reply[1] if isinstance(reply[1], list) else reply[1:]
                self.taken += [(who, element) for element in elements]
        await client.close()

    def _note(self, error: Refused, *also: str) -> None:
        if not str(error).startswith((*NOT_RUN, *also)):
            self._unexpected.append(str(error))

    async def check(self) -> None:
        """Prove that every element is where it belongs, and nowhere else."""
        assert self._unexpected == []
        seen = [element for _, element in self.taken if element]
        client = ClusterClient(self._ports, random.Random(0))
        for number in range(QUEUES):
            for key in (queue(number), queue(number) + DONE):
                seen += (await client.call(key, [b"LRANGE", key, b"0", b"-1"]))[0]
        await client.close()
        assert [element for element, times in Counter(seen).items() if times > 1] == []
        assert set(seen) <= self._pushed | self._maybe_pushed
        assert len(self._pushed - set(seen)) <= self._unknown_pops
