"""Where peers are: names are asked for anew at each attempt, an announced host is tried as well."""

import socket
from typing import Any

from respkv.node.peer_network import PeerNetwork
from tests.patience import until

HOST = "127.0.0.1"


def closed_address() -> str:
    """A loopback address where nobody listens."""
    return "127.0.0.9"


class Names:
    """A name server whose answers change."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.asked = 0

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        self.asked += 1
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.addresses[host], port))]


def network(number: int, names: Names, states: list[tuple[int, bool]]) -> PeerNetwork:
    return PeerNetwork(
        number, f"node-{number}", "cluster", b"secret", lambda *_: None,
        lambda peer, up: states.append((peer, up)), 1 << 20, resolve=names,
    )  # fmt: skip


async def test_a_peer_is_found_again_where_its_name_leads_now() -> None:
    names, states = Names(), [(0, False)]
    a, b = network(1, names, states), network(2, names, [])
    try:
        port = b.listen(HOST, 0)
        a_port = a.listen(HOST, 0)
        b.set_peer(1, "node-1", HOST, a_port)
        names.addresses["b.example"] = closed_address()
        a.set_peer(2, "node-2", "b.example", port)
        await until(lambda: names.asked > 2)
        assert (2, True) not in states
        names.addresses["b.example"] = HOST
        await until(lambda: states[-1] == (2, True))
        names.addresses["b.example"] = closed_address()
        await b.close()
        await until(lambda: states[-1] == (2, False))
        b = network(2, names, [])
        b.listen(HOST, port)
        b.set_peer(1, "node-1", HOST, a_port)
        names.addresses["b.example"] = HOST
        await until(lambda: states[-1] == (2, True))
    finally:
        await a.close()
        await b.close()


async def test_an_announced_host_is_tried_where_the_name_leads_nowhere_or_to_another_node() -> None:
    names, states = Names(), [(0, False)]
    a, b, stranger = network(1, names, states), network(2, names, []), network(3, names, [])
    try:
        port = b.listen("127.0.0.2", 0)
        stranger.listen("127.0.0.3", port)  # somebody else has the old address now
        b.set_peer(1, "node-1", HOST, a.listen(HOST, 0))
        names.addresses["gone.example"] = "127.0.0.3"
        a.set_peer(2, "node-2", "gone.example", port, "127.0.0.2")
        await until(lambda: states[-1] == (2, True))
        assert stranger.counters.refused >= 1
    finally:
        for node in (a, b, stranger):
            await node.close()


async def test_all_peers_hear_an_announcement_now_or_when_their_link_opens() -> None:
    heard: list[bytes] = []
    names, states = Names(), [(0, False)]
    a, b = network(1, names, states), network(2, names, [])
    b.on_announcement = heard.append
    try:
        port = b.listen(HOST, 0)
        b.set_peer(1, "node-1", HOST, a.listen(HOST, 0))
        a.announce(b"before")
        a.set_peer(2, "node-2", HOST, port)
        await until(lambda: heard == [b"before"])
        a.announce(b"now")
        await until(lambda: heard == [b"before", b"now"])
    finally:
        await a.close()
        await b.close()
