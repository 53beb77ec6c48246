"""Who has no business on the port between nodes is refused and logged once; nothing changes."""

import contextlib
import json
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from respkv.node.peer_auth import NONCE_BYTES, PROTOCOL_VERSION, Dialer, Identity
from respkv.node.peer_protocol import CHALLENGE, HELLO, PROOF, REFUSAL, WELCOME
from respkv.wire.frames import FrameSplitter, pack_frame
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.fault_proxy import RECORDED_BYTES, FaultProxy
from tests.processes.trio import Trio, TrioProcess

SECRET = "open sesame"
GARBAGE_CASES = 600


@dataclass
class Guarded:
    """Three nodes with keys, which talk through a proxy."""

    trio: Trio
    proxy: FaultProxy

    def values(self) -> dict[bytes, bytes]:
        """Return what all keys hold."""
        found: dict[bytes, bytes] = {}

        def all_found() -> bool:
            for node in self.trio.nodes:
                found.update({key: node.call("GET", key) for key in node.call("KEYS", "*")})
            # Otherwise a leader has changed meanwhile.
            return not any(isinstance(value, Exception) for value in found.values())

        wait_until(all_found)
        return found

    def state(self) -> object:
        """Return what all keys hold, and what the nodes keep of the cluster."""
        kept = [(node.directory / "cluster").read_bytes() for node in self.trio.nodes]
        return self.values(), kept


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    proxy = FaultProxy(3)
    try:
        options = ("--cluster-secret", SECRET)
        with Trio(tmp_path_factory.mktemp("trio"), *options, proxy=proxy) as trio:
            for node in trio.nodes:
                for key in trio.keys_led_by(node, 20):
                    assert node.call("SET", key, b"value of " + key) == b"OK"
            yield Guarded(trio, proxy)
            assert trio.faults_logged() == []
    finally:
        proxy.close()


def identities(trio: Trio) -> list[Identity]:
    found = []
    for node in trio.nodes:
        fields = json.loads((node.directory / "cluster").read_bytes())
        cluster_id = json.loads(fields["genesis"])["cluster_id"]
        found.append(Identity(fields["node_id"], cluster_id, SECRET.encode()))
    return found


def dial(node: TrioProcess, identity: Identity, wanted: str) -> list[int]:
    """Speak the handshake to its end; return the kinds of the frames that came."""
    dialer = Dialer(identity, wanted, bytes(NONCE_BYTES))
    splitter = FrameSplitter()
    kinds: list[int] = []
    address = ("127.0.0.1", node.bus_port)
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(pack_frame(HELLO, 0, dialer.hello()))
        while data := connection.recv(65536):
            for kind, _, body in splitter.feed(data):
                kinds.append(kind)
                if kind == CHALLENGE:
                    connection.sendall(pack_frame(PROOF, 0, dialer.proof(body)))
                elif kind == WELCOME:
                    return kinds
    return kinds


@pytest.mark.parametrize(
    ("wrong", "answers", "reason"),
    [
        ({"secret": b"open barley"}, [CHALLENGE, REFUSAL], "wrong cluster secret"),
        ({"cluster_id": "of another"}, [REFUSAL], "wrong cluster id"),
        ({"version": PROTOCOL_VERSION + 1}, [REFUSAL], "wrong protocol version"),
        ({"node_id": "a stranger"}, [REFUSAL], "foreign node id"),
    ],
    ids=["secret", "cluster id", "version", "node id"],
)
def test_a_wrong_peer_is_refused_and_logged_once(
    guarded: Guarded, wrong: dict[str, object], answers: list[int], reason: str
) -> None:
    before = guarded.state()
    one, two, _ = identities(guarded.trio)
    node = guarded.trio.nodes[1]
    for _ in range(5):
        assert dial(node, replace_fields(one, wrong), two.node_id) == answers
    lines = [line for line in node.log_text().splitlines() if reason in line]
    assert len(lines) == 1
    assert "sesame" not in node.log_text()
    assert "barley" not in node.log_text()
    assert guarded.state() == before


def replace_fields(identity: Identity, fields: dict[str, object]) -> Identity:
    known = {
        "node_id": identity.node_id,
        "cluster_id": identity.cluster_id,
        "secret": SECRET.encode(),
        "version": PROTOCOL_VERSION,
    }
    return Identity(**{**known, **fields})  # type: ignore[arg-type]


def garbage(chance: random.Random, conversations: list[bytes]) -> bytes:
    """Random bytes, or a real conversation that is repeated, cut short, damaged or mixed up."""
    said = bytearray(chance.choice(conversations))
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(2000))
    if kind == 1:
        return bytes(said[: chance.randrange(len(said))])
    if kind == 2:
        for _ in range(chance.randrange(1, 20)):
            said[chance.randrange(len(said))] ^= 1 << chance.randrange(8)
    elif kind == 3:
        at = chance.randrange(len(said))
        said[at:at] = chance.randbytes(chance.randrange(1, 100))
    elif kind == 4:
        body = chance.randbytes(chance.randrange(200))
        said[:0] = pack_frame(chance.randrange(9), chance.randrange(3), body)
    return bytes(said)


def test_garbage_changes_nothing(guarded: Guarded) -> None:
    """Each kind of refusal is logged once an address, so the log stays short."""
    key = guarded.trio.key_led_by(guarded.trio.nodes[0])

    def all_have_spoken() -> bool:  # each of the three dials the two others
        assert guarded.trio.at_leader(b"SET", key, b"x" * 999) == b"OK"
        return len(guarded.proxy.conversations) == 6

    wait_until(all_have_spoken)
    assert all(len(said) == RECORDED_BYTES for said in guarded.proxy.conversations)
    before = guarded.state()
    chance = random.Random(2026)
    for number in range(GARBAGE_CASES):
        node = guarded.trio.nodes[number % 3]
        address = ("127.0.0.1", node.bus_port)
        with socket.create_connection(address, PATIENCE_SECONDS) as connection:
            try:
                connection.sendall(garbage(chance, guarded.proxy.conversations))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except (ConnectionError, BrokenPipeError):
                pass
    assert guarded.state() == before
    for node in guarded.trio.nodes:
        refusals = [line for line in node.log_text().splitlines() if " refused: " in line]
        assert 0 < len(refusals) <= 12


def test_bits_that_flip_between_nodes_end_connections_and_change_nothing(guarded: Guarded) -> None:
    written = 0
    guarded.proxy.flip_bits(0.05)
    try:
        while guarded.proxy.flips < 50:
            # Leaders change when their connections end again and again.
            with contextlib.suppress(LookupError, OSError):
                node = guarded.trio.nodes[written % 3]
                key = guarded.trio.key_led_now(node, f"flipped{written}")
                written += node.call("SET", key, b"value of " + key) == b"OK"
    finally:
        guarded.proxy.flip_bits(0)
    guarded.trio.wait_ready()
    assert written
    for key, value in guarded.values().items():
        assert value in (b"value of " + key, b"x" * 999)
