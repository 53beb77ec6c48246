"""What messages between nodes cost: the codec alone, then two nodes on uvloop over loopback.

python bench/micro/peers.py
"""

import asyncio
import time
from collections.abc import Callable

import uvloop

from respkv.consensus.messages import APPEND, APPEND_REPLY, Message
from respkv.entry import Entry
from respkv.node.peer_network import PeerNetwork
from respkv.replica.peer_codec import PeerMessage, decode_message, encode_message

CALLS = 50_000
HOST = "127.0.0.1"
QUEUE_BYTES = 64 << 20


def append(size: int) -> Message:
    return Message(APPEND, 1, 2, 1, entries=[Entry(1, 1, 0, bytes(size))])


def nanoseconds(run: Callable[[], object], calls: int) -> float:
    """Return the best of three, per call."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(calls):
            run()
        best = min(best, time.perf_counter() - started)
    return best / calls * 1e9


def codec(name: str, message: Message) -> None:
    encoded = b"".join(encode_message(1, message))
    size = len(encoded)
    encoding = nanoseconds(lambda: encode_message(1, message), CALLS)
    decoding = nanoseconds(lambda: decode_message(encoded, 0, size), CALLS)
    print(f"{name:22} encode {encoding:7.0f} ns   decode {decoding:7.0f} ns")


async def network(size: int, per_turn: int, turns: int) -> None:
    """Node 1 sends appends in turns, node 2 answers each; both share one loop and one core."""
    done = asyncio.get_running_loop().create_future()
    up = asyncio.Event()
    answered = 0

    def on_append(partition: int, message: PeerMessage) -> None:
        two.send(partition, Message(APPEND_REPLY, 2, 1, 1))
        two.flush()

    def on_reply(partition: int, message: PeerMessage) -> None:
        nonlocal answered
        answered += 1
        if answered == per_turn * turns:
            done.set_result(None)
        elif answered % per_turn == 0:
            turn()

    def turn() -> None:
        for partition in range(per_turn):
            one.send(partition, message)
        one.flush()

    def came_up(number: int, is_up: bool) -> None:
        if one.links[2].up and two.links[1].up:
            up.set()

    one = PeerNetwork(1, "one", "cluster", b"secret", on_reply, came_up, QUEUE_BYTES)
    two = PeerNetwork(2, "two", "cluster", b"secret", on_append, came_up, QUEUE_BYTES)
    ports = one.listen(HOST, 0), two.listen(HOST, 0)
    one.set_peer(2, "two", HOST, ports[1])
    two.set_peer(1, "one", HOST, ports[0])
    await up.wait()
    message = append(size)
    cpu, started = time.process_time(), time.perf_counter()
    turn()
    await done
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - started
    count = per_turn * turns
    print(
        f"{size:9} bytes, {per_turn:2} a turn: {count / seconds:8.0f} appends and replies/s, "
        f"{size * count / seconds / 1e6:6.0f} MB/s, {cpu / count * 1e6:8.1f} us of CPU each (both sides)"
    )
    await one.close()
    await two.close()


def main() -> None:
    for size in (64, 16_384, 262_144):
        codec(f"append of {size} bytes", append(size))
    codec("append reply", Message(APPEND_REPLY, 2, 1, 1))
    for size, per_turn, turns in ((64, 1, 10_000), (64, 16, 1_000), (16_384, 1, 10_000),
                                  (16_384, 16, 500), (5_000_000, 1, 50)):  # fmt: skip
        uvloop.run(network(size, per_turn, turns))


if __name__ == "__main__":
    main()
