"""How two nodes prove to each other that they belong together; sans-io: bytes in, bytes out.

    dialer                                   acceptor
    HELLO: version, cluster, own id,
           whom it wants, nonce        ───►  checks all but the secret
                                       ◄───  CHALLENGE: version, cluster, own id, nonce
    PROOF: HMAC as the dialer,
           what it says of itself      ───►  checks it
    checks it                          ◄───  WELCOME: HMAC as the acceptor

Both HMACs (SHA-256, keyed with `cluster-secret`) cover the role, the version, the cluster id, both
node ids, both nonces and what the dialer says of itself: an old answer does not fit new nonces, an answer of one's own does not fit
the other role, and one meant for another node does not fit the ids. The acceptor proves itself
last, so it is no oracle for strangers. With an empty secret the ids are still checked.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable
from typing import ClassVar, Final

PROTOCOL_VERSION: Final = 3  # of what nodes say to each other
NONCE_BYTES: Final = 32
_ID_BYTES_MAX: Final = 255
_HMAC_BYTES: Final = 32
_VERSION: Final = struct.Struct("<H")


class Refused(Exception):
    """The conversation ends here; each subclass has a `code` to tell the other side why."""

    code: ClassVar[int] = 0
    reason: ClassVar[str] = "refused"

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.reason}: {detail}" if detail else self.reason)


class WrongVersion(Refused):
    """It speaks another version of the protocol."""

    code = 1
    reason = "wrong protocol version"


class WrongCluster(Refused):
    """It belongs to another cluster."""

    code = 2
    reason = "wrong cluster id"


class ForeignNode(Refused):
    """Its node id is none of this cluster's, or not the one that is expected at its address."""

    code = 3
    reason = "foreign node id"


class WrongSecret(Refused):
    """Its answer was not made with this cluster's secret for this very conversation."""

    code = 4
    reason = "wrong cluster secret"


class Malformed(Refused):
    """What it sent is no part of a handshake."""

    code = 5
    reason = "malformed handshake"


class ReplacedNode(Refused):
    """Another node has its place for good: `respkv cluster replace` was run for it."""

    code = 6
    reason = "replaced node id (another node has its place: start with an empty directory)"


class CopiedNode(Refused):
    """Another process has, or had since, the same node id: one of the directories is a copy."""

    code = 7
    reason = "copied data directory (another one with this node id is, or was since, in use)"


REASONS: Final[dict[int, str]] = {
    kind.code: kind.reason
    for kind in (
        WrongVersion,
        WrongCluster,
        ForeignNode,
        WrongSecret,
        Malformed,
        ReplacedNode,
        CopiedNode,
    )
}


class Identity:
    """Who this node is, and the secret it shares with its peers, which is never sent nor shown.

    `introduction` is what it says of itself to those it dials.
    """

    def __init__(
        self,
        node_id: str,
        cluster_id: str,
        secret: bytes,
        version: int = PROTOCOL_VERSION,
        introduction: bytes = b"",
    ) -> None:
        self.node_id = node_id
        self.cluster_id = cluster_id
        self.version = version
        self.introduction = introduction
        self._secret = secret

    def prove(
        self,
        role: bytes,
        dialer_id: str,
        acceptor_id: str,
        dialer_nonce: bytes,
        nonce: bytes,
        introduction: bytes,
    ) -> bytes:
        """Return the HMAC that the node in this role answers with."""
        ids = (role, self.cluster_id.encode(), dialer_id.encode(), acceptor_id.encode())
        said = _VERSION.pack(self.version) + b"".join(map(_packed, ids)) + dialer_nonce + nonce
        said += introduction
        return hmac.new(self._secret, said, hashlib.sha256).digest()


DIALER: Final = b"respkv dialer"
ACCEPTOR: Final = b"respkv acceptor"


class Dialer:
    """The side that opened the connection, to `peer_id`; `nonce` is new for each conversation."""

    def __init__(self, identity: Identity, peer_id: str, nonce: bytes) -> None:
        self._identity = identity
        self._peer_id = peer_id
        self._nonce = nonce
        self._peer_nonce = b""

    def hello(self) -> bytes:
        """Return the first message."""
        me = self._identity
        return b"".join(
            (
                _VERSION.pack(me.version),
                _packed(me.cluster_id.encode()),
                _packed(me.node_id.encode()),
                _packed(self._peer_id.encode()),
                self._nonce,
            )
        )

    def proof(self, challenge: bytes) -> bytes:
        """Return the answer to the acceptor's challenge.

        Raises:
            Refused: it is another cluster's, another version's or not the expected node.
        """
        cluster_id, ids, self._peer_nonce = _read(challenge, self._identity.version, 1)
        if cluster_id != self._identity.cluster_id:
            raise WrongCluster(_shown(cluster_id))
        if ids[0] != self._peer_id:
            raise ForeignNode(_shown(ids[0]))
        if hmac.compare_digest(self._peer_nonce, self._nonce):
            raise WrongSecret("it sent our own challenge back")
        return self._prove(DIALER) + self._identity.introduction

    def finish(self, welcome: bytes) -> None:
        """Check the acceptor's own proof.

        Raises:
            WrongSecret: it does not fit.
        """
        if not self._peer_nonce or not hmac.compare_digest(welcome, self._prove(ACCEPTOR)):
            raise WrongSecret

    def _prove(self, role: bytes) -> bytes:
        me = self._identity
        return me.prove(
            role, me.node_id, self._peer_id, self._nonce, self._peer_nonce, me.introduction
        )


class Acceptor:
    """The side that was connected to; `is_peer` says whether a node id belongs to the cluster.

    It may raise a `Refused` that says more.
    """

    def __init__(self, identity: Identity, is_peer: Callable[[str], bool], nonce: bytes) -> None:
        self.peer_id = ""  # proved to be true once `welcome` has returned
        self.introduction = b""  # what the dialer says of itself, likewise
        self._identity = identity
        self._is_peer = is_peer
        self._nonce = nonce
        self._peer_nonce = b""

    def challenge(self, hello: bytes) -> bytes:
        """Return the answer to a dialer's first message.

        Raises:
            Refused: it is another cluster's, another version's, a stranger or wants another node.
        """
        me = self._identity
        cluster_id, ids, self._peer_nonce = _read(hello, me.version, 2)
        if cluster_id != me.cluster_id:
            raise WrongCluster(_shown(cluster_id))
        dialer_id, wanted_id = ids
        if wanted_id != me.node_id:
            raise ForeignNode(f"it looks for {_shown(wanted_id)}, this is {me.node_id}")
        if dialer_id == me.node_id or not self._is_peer(dialer_id):
            raise ForeignNode(_shown(dialer_id))
        self.peer_id = dialer_id
        return b"".join(
            (
                _VERSION.pack(me.version),
                _packed(me.cluster_id.encode()),
                _packed(me.node_id.encode()),
                self._nonce,
            )
        )

    def welcome(self, proof: bytes) -> bytes:
        """Check the dialer's proof and return ours.

        Raises:
            WrongSecret: it does not fit.
        """
        self.introduction = proof[_HMAC_BYTES:]
        if not self._peer_nonce or not hmac.compare_digest(
            proof[:_HMAC_BYTES], self._prove(DIALER)
        ):
            raise WrongSecret
        return self._prove(ACCEPTOR)

    def _prove(self, role: bytes) -> bytes:
        me = self._identity
        return me.prove(
            role, self.peer_id, me.node_id, self._peer_nonce, self._nonce, self.introduction
        )


def _packed(text: bytes) -> bytes:
    if len(text) > _ID_BYTES_MAX:
        raise ValueError(f"an id of {len(text)} bytes")
    return bytes([len(text)]) + text


def _shown(text: str) -> str:
    """Return what a stranger sent in a form that cannot break a log line."""
    return ascii(text)


def _read(data: bytes, version: int, count: int) -> tuple[str, list[str], bytes]:
    """Return cluster id, `count` node ids and the nonce; the version decides before the rest."""
    if len(data) < _VERSION.size:
        raise Malformed
    (theirs,) = _VERSION.unpack_from(data)
    if theirs != version:
        raise WrongVersion(f"{theirs}, this node speaks {version}")
    at = _VERSION.size
    texts = []
    try:
        for _ in range(count + 1):
            end = at + 1 + data[at]
            texts.append(data[at + 1 : end].decode())
            at = end
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed from error
    nonce = data[at:]
    if len(nonce) != NONCE_BYTES:
        raise Malformed
    return texts[0], texts[1:], nonce
