"""Ports for processes that are stopped and started again, in tests and benchmarks."""

import contextlib
import random
import socket

LISTENING_PORTS = (12_000, 32_000)  # below those that the system gives to connections


def listening_port() -> int:
    """Return a free port that no outgoing connection takes while its process is down."""
    while True:
        port = random.randrange(*LISTENING_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
