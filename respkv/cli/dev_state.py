"""What `respkv dev-cluster` leaves for other terminals: a state file, and a socket to ask through.

The file `dev-cluster.json` in the cluster's directory says which processes there are. Orders go to
the process that started them, through a unix socket named after the first port: so a recycled pid is
never signalled, and children keep their parent.
"""

import json
import os
import socket
import stat
from typing import Any

_FILE = "dev-cluster.json"
_ANSWER_SECONDS = 30.0
_SOCKET_PATH_BYTES_MAX = 103  # of the systems that take the fewest


class DevError(Exception):
    """What is wrong, and what to do next."""


def control_path(port: int) -> str:
    """Return where the cluster with this first port is asked; the directory is this user's alone.

    Raises:
        DevError: it cannot be there.
    """
    directory = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"respkv-dev-{os.getuid()}")
    path = os.path.join(directory, f"{port}.sock")
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES_MAX:
        raise DevError(f"{path} is too long for a socket: set TMPDIR to a shorter place")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        found = os.lstat(directory)
    except OSError as error:
        raise DevError(f"{directory}: {error.strerror}; set TMPDIR to another place") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise DevError(f"{directory} is not yours alone: remove it, or set TMPDIR to another place")
    return path


def read_state(directory: str) -> dict[str, Any] | None:
    """Return what the state file says, None when there is none.

    Raises:
        DevError: it is not one.
    """
    path = os.path.join(directory, _FILE)
    try:
        with open(path, encoding="utf-8") as file:
            state: dict[str, Any] = json.load(file)
        ports = [node["port"] for node in state["nodes"]]
        if not ports or not isinstance(state["control"], str):
            raise ValueError
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DevError(f"{directory}: {error.strerror}; choose another --dir") from None
    except (ValueError, KeyError, TypeError):
        raise DevError(f"{path} cannot be read: remove it, or choose another --dir") from None
    return state


def write_state(directory: str, state: dict[str, Any]) -> None:
    """Replace the state file; readers see the old one or the new one."""
    path = os.path.join(directory, _FILE)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def order(control: str, verb: str, node: str = "") -> dict[str, Any]:
    """Ask the running dev-cluster to do something and return its answer.

    Raises:
        DevError: it refuses.
        FileNotFoundError, ConnectionError: nobody is there.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(control)
        connection.sendall(json.dumps({"verb": verb, "node": node}).encode() + b"\n")
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line:
        raise ConnectionResetError("it ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise DevError(answer["error"])
    return answer
