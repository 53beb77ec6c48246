"""`respkv ping`, `wait-ready` and `healthcheck`: one raw socket, no imports worth waiting for."""

import os
import socket
import sys
import time


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
                raise ValueError(f"'{name}': --host H, --port P, --password P, --timeout S")
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
    request = b"*1\r\n$4\r\nPING\r\n"
    replies = 1
    if options.password:
        password = options.password.encode()
        request = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\n" % (len(password), password) + request
        replies = 2
    try:
        with socket.create_connection((options.host, options.port), timeout) as connection:
            connection.sendall(request)
            answer = b""
            while answer.count(b"\r\n") < replies:
                received = connection.recv(4096)
                if not received:
                    break
                answer += received
    except OSError as error:
        return f"no answer from {options.host}:{options.port}: {error}"
    lines = answer.decode(errors="replace").split("\r\n")
    return lines[replies - 1] if len(lines) >= replies else "closed"


def probe(verb: str, arguments: list[str]) -> int:
    """Return 0 when the server answers PONG."""
    try:
        options = _Options(arguments)
    except ValueError as error:
        print(f"respkv {verb}: {error}", file=sys.stderr)
        return 2
    deadline = time.monotonic() + options.timeout
    while True:
        answer = _ask(options, min(2.0, options.timeout))
        if answer == "+PONG":
            print("PONG" if verb == "ping" else "ready")
            return 0
        if verb != "wait-ready" or time.monotonic() >= deadline:
            print(f"respkv {verb}: {answer}", file=sys.stderr)
            return 1
        time.sleep(0.02)
