"""Ports for processes that are stopped and started again, in tests and benchmarks."""

import contextlib
import random
import socket

LISTENING_PORTS = (12_000, 32_000)  # below those that the system gives to connections


def listening_port(room: int = 0) -> int:
    """Return a free port that no outgoing connection takes while its process is down.

    Neither does one take the port that is higher by `room`.
    """
    first, end = LISTENING_PORTS
    while True:
        port = random.randrange(first, end - room)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
