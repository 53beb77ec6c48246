r"""Scripts of what several connections send in turn, and what differs between two servers.

A line is "a: GET k" (one command), "a> PING\r\n" (raw bytes, one reply expected),
"a>> ..." (raw bytes, no reply awaited) or "a<" (one more reply). Connections a, b and c are opened
when first named.
"""

import re

from tests.commands.reference import RawConnection, Server, split

_LINE = re.compile(r"\s*([abc])(:|>>|>|<)\s?(.*)")

# What each server says of itself, not of the commands: numbers of connections, addresses, times.
_OWN = [
    (re.compile(rb"(\$2\r\nid\r\n):\d+"), rb"\1:ID"),
    (re.compile(rb"\bid=\d+ addr=\S+ laddr=\S+ fd=-?\d+"), rb"id addr laddr fd"),
    (re.compile(rb"\bage=\d+ idle=\d+"), rb"age idle"),
    (re.compile(rb"\b(qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|tot-mem)=\d+"), rb"\1"),
    (re.compile(rb" lib-name=\S* lib-ver=\S*"), b""),  # Redis 7.2's, sent by today's clients
    (re.compile(rb"^([$=])\d+\r\n(txt:)?id addr"), rb"\1SIZE\r\n\2id addr"),
]


def shown(reply: bytes) -> bytes:
    """Return a reply without what may differ."""
    for pattern, replacement in _OWN:
        reply = pattern.sub(replacement, reply)
    if b"SIZE\r\n" in reply[:8]:  # of clients, in no order that is promised
        size, _, clients = reply.partition(b"\r\n")
        reply = size + b"\n".join(sorted(clients.removeprefix(b"txt:").split(b"\n")))
    return reply


class Session:
    """The connections of one script to one server."""

    def __init__(self, server: Server, resp: int) -> None:
        self._server = server
        self._resp = resp
        self._connections: dict[str, RawConnection] = {}

    def play(self, line: str) -> bytes:
        """Run one line and return the reply it waits for."""
        matched = _LINE.fullmatch(line)
        assert matched is not None, line
        name, how, text = matched.groups()
        connection = self.connection(name)
        if how == ":":
            return connection.call(split(text))
        if how != "<":
            connection.send_bytes(text.encode("latin-1").decode("unicode_escape").encode("latin-1"))
        return b"" if how == ">>" else connection.reply()

    def connection(self, name: str) -> RawConnection:
        """Return a connection by its name, opened when it is first used."""
        if name not in self._connections:
            self._connections[name] = self._server.connect(self._resp)
        return self._connections[name]

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()


def differences(
    script: str, resp: int, reference: Server, ours: Server
) -> list[tuple[str, bytes, bytes]]:
    """Play a script on both servers; return each line whose replies differ, with both."""
    expected, found = Session(reference, resp), Session(ours, resp)
    different = []
    try:
        for line in script.strip().splitlines():
            theirs, reply = shown(expected.play(line)), shown(found.play(line))
            if theirs != reply:
                different.append((line.strip(), theirs, reply))
    finally:
        expected.close()
        found.close()
    return different
