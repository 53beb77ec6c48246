"""The handshake between nodes: who is let in, who is not, and what nobody learns from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.node.peer_auth import (
    NONCE_BYTES,
    PROTOCOL_VERSION,
    REASONS,
    Acceptor,
    Dialer,
    ForeignNode,
    Identity,
    Malformed,
    Refused,
    WrongCluster,
    WrongSecret,
    WrongVersion,
)

SECRET = b"correct horse"


def nonce(number: int) -> bytes:
    return bytes([number]) * NONCE_BYTES


def pair(
    dialer: Identity | None = None, acceptor: Identity | None = None, wanted: str = "b"
) -> tuple[Dialer, Acceptor]:
    """Node a, which dials node b; b knows a and c."""
    return (
        Dialer(dialer or Identity("a", "cluster", SECRET), wanted, nonce(1)),
        Acceptor(acceptor or Identity("b", "cluster", SECRET), ("a", "c").__contains__, nonce(2)),
    )


def converse(dialer: Dialer, acceptor: Acceptor) -> list[bytes]:
    """Let both talk to the end; return what went over the wire."""
    hello = dialer.hello()
    challenge = acceptor.challenge(hello)
    proof = dialer.proof(challenge)
    welcome = acceptor.welcome(proof)
    dialer.finish(welcome)
    return [hello, challenge, proof, welcome]


@pytest.mark.parametrize("secret", [SECRET, b"", b"\0" * 100])
def test_nodes_with_the_same_secret_and_cluster_accept_each_other(secret: bytes) -> None:
    dialer, acceptor = pair(Identity("a", "cluster", secret), Identity("b", "cluster", secret))
    wire = converse(dialer, acceptor)
    assert acceptor.peer_id == "a"
    assert not secret or not any(secret in said for said in wire)


def test_the_secret_is_in_no_text_that_could_be_logged() -> None:
    identity = Identity("a", "cluster", SECRET)
    dialer, acceptor = pair(identity, Identity("b", "cluster", b"other"))
    with pytest.raises(WrongSecret) as refusal:
        converse(dialer, acceptor)
    for shown in (str(refusal.value), repr(refusal.value), repr(identity), repr(dialer)):
        assert "correct" not in shown


@pytest.mark.parametrize("wrong", [b"", b"Correct horse", SECRET + b"\n"])
def test_a_wrong_secret_is_refused_by_the_side_that_was_dialed(wrong: bytes) -> None:
    dialer, acceptor = pair(Identity("a", "cluster", wrong))
    proof = dialer.proof(acceptor.challenge(dialer.hello()))
    with pytest.raises(WrongSecret):
        acceptor.welcome(proof)


def test_a_dialed_node_that_does_not_know_the_secret_is_refused() -> None:
    dialer, acceptor = pair()
    dialer.proof(acceptor.challenge(dialer.hello()))
    for forged in (b"", bytes(32)):
        with pytest.raises(WrongSecret):
            dialer.finish(forged)


def test_another_cluster_is_refused_by_both_sides() -> None:
    stranger = Identity("b", "other", SECRET)
    dialer, acceptor = pair(acceptor=stranger)
    with pytest.raises(WrongCluster, match="wrong cluster id: 'cluster'"):
        acceptor.challenge(dialer.hello())
    challenge = acceptor.challenge(pair(Identity("a", "other", SECRET))[0].hello())
    with pytest.raises(WrongCluster, match="wrong cluster id: 'other'"):
        dialer.proof(challenge)


def test_another_version_is_refused_by_both_sides_whatever_follows_it() -> None:
    newer = Identity("b", "cluster", SECRET, version=PROTOCOL_VERSION + 1)
    dialer, acceptor = pair(acceptor=newer)
    with pytest.raises(WrongVersion, match=f"{PROTOCOL_VERSION}, this node speaks"):
        acceptor.challenge(dialer.hello())
    with pytest.raises(WrongVersion, match=f"this node speaks {PROTOCOL_VERSION}"):
        dialer.proof(b"\xff\x00 of a layout unknown today")


def test_a_node_id_that_is_no_peers_is_refused() -> None:
    dialer, acceptor = pair(Identity("stranger", "cluster", SECRET))
    with pytest.raises(ForeignNode, match="foreign node id: 'stranger'"):
        acceptor.challenge(dialer.hello())


def test_a_node_that_is_not_the_one_looked_for_is_refused_by_both_sides() -> None:
    dialer, acceptor = pair(wanted="c")
    with pytest.raises(ForeignNode, match="it looks for 'c', this is b"):
        acceptor.challenge(dialer.hello())
    challenge = acceptor.challenge(pair()[0].hello())
    with pytest.raises(ForeignNode, match="'b'"):
        dialer.proof(challenge)


def test_a_node_does_not_accept_itself() -> None:
    me = Identity("b", "cluster", SECRET)
    acceptor = Acceptor(me, lambda node_id: True, nonce(2))
    with pytest.raises(ForeignNode):
        acceptor.challenge(Dialer(me, "b", nonce(1)).hello())


def test_an_old_answer_does_not_fit_a_new_challenge() -> None:
    hello, _, proof, welcome = converse(*pair())
    again = Acceptor(Identity("b", "cluster", SECRET), {"a"}.__contains__, nonce(3))
    again.challenge(hello)
    with pytest.raises(WrongSecret):
        again.welcome(proof)
    dialer = Dialer(Identity("a", "cluster", SECRET), "b", nonce(4))
    dialer.proof(pair()[1].challenge(hello))
    with pytest.raises(WrongSecret):
        dialer.finish(welcome)


def test_ones_own_challenge_and_answer_sent_back_prove_nothing() -> None:
    dialer, acceptor = pair()
    proof = dialer.proof(acceptor.challenge(dialer.hello()))
    with pytest.raises(WrongSecret):
        dialer.finish(proof)  # as the acceptor's, without knowing the secret
    mirror = Acceptor(Identity("b", "cluster", b"unknown"), {"a"}.__contains__, nonce(1))
    with pytest.raises(WrongSecret, match="own challenge"):
        dialer.proof(mirror.challenge(dialer.hello()))


def test_an_answer_made_for_one_node_does_not_fit_another() -> None:
    """Node b passes node a's proof on to node c, as if it were node a."""
    dialer, b = pair()
    c = Acceptor(Identity("c", "cluster", SECRET), {"a"}.__contains__, nonce(2))
    c.challenge(Dialer(Identity("a", "cluster", SECRET), "c", nonce(1)).hello())
    with pytest.raises(WrongSecret):
        c.welcome(dialer.proof(b.challenge(dialer.hello())))


def test_a_proof_before_a_challenge_is_refused() -> None:
    dialer, acceptor = pair()
    for early in (acceptor.welcome, dialer.finish):
        with pytest.raises(WrongSecret):
            early(bytes(32))


@given(st.binary(max_size=120), st.booleans())
def test_random_bytes_are_refused_by_name(noise: bytes, of_this_version: bool) -> None:
    data = PROTOCOL_VERSION.to_bytes(2, "little") + noise if of_this_version else noise
    dialer, acceptor = pair()
    for take in (acceptor.challenge, dialer.proof):
        with pytest.raises(Refused) as refusal:
            take(data)
        assert refusal.value.code in REASONS


@given(st.integers(0, 64))
def test_a_hello_cut_short_is_malformed(cut: int) -> None:
    dialer, acceptor = pair()
    hello = dialer.hello()
    with pytest.raises(Malformed):
        acceptor.challenge(hello[: cut % len(hello)])
