"""`respkv ping`, `wait-ready` and `healthcheck`: one raw socket, no imports worth waiting for."""

import os
import sys
import time

from respkv.cli.client import Refused, RespClient, Unreachable

_USAGE = (
    "respkv ping | wait-ready [--timeout S] | healthcheck   [--host H] [--port P] [--password P]"
)


class _Options:
    def __init__(self, arguments: list[str]) -> None:
        self.host = os.environ.get("RESPKV_HOST", "127.0.0.1")
        self.port = int(os.environ.get("RESPKV_PORT", "6379"))
        self.password = os.environ.get("RESPKV_REQUIREPASS", "")
        self.timeout = 30.0
        names = {"--host": "host", "--port": "port", "--password": "password"}
        at = 0
        while at < len(arguments):
            name = arguments[at]
            if at + 1 >= len(arguments) or (name not in names and name != "--timeout"):
                raise ValueError(f"'{name}' is no option, or its value is missing")
            text = arguments[at + 1]
            if name == "--timeout":
                self.timeout = float(text)
            elif name == "--port":
                self.port = int(text)
            else:
                setattr(self, names[name], text)
            at += 2


def _ask(options: _Options, timeout: float) -> str:
    """Return the answer to PING, or why there is none."""
    try:
        with RespClient(options.host, options.port, options.password, timeout) as client:
            return client.text("PING")
    except (Refused, Unreachable) as error:
        return str(error)


def probe(verb: str, arguments: list[str]) -> int:
    """Return 0 when the server answers PONG."""
    if "--help" in arguments or "-h" in arguments:
        print(_USAGE)
        return 0
    try:
        options = _Options(arguments)
    except ValueError as error:
        print(f"respkv {verb}: {error}\n{_USAGE}", file=sys.stderr)
        return 2
    deadline = time.monotonic() + options.timeout
    while True:
        answer = _ask(options, min(2.0, options.timeout))
        if answer == "PONG":
            print("PONG" if verb == "ping" else "ready")
            return 0
        if verb != "wait-ready" or time.monotonic() >= deadline:
            print(f"respkv {verb}: {answer}", file=sys.stderr)
            return 1
        time.sleep(0.02)
