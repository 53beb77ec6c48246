"""What finding the slot of a key and of a command costs.

python bench/micro/slots.py
"""

import timeit
from collections.abc import Callable

from respkv.commands import strings  # noqa: F401 - declares them
from respkv.commands.routing import slot_of_command
from respkv.commands.table import resolve
from respkv.keyspace.slots import slot_of

CALLS = 200_000


def show(name: str, function: Callable[..., int], *arguments: object) -> None:
    """Print the best of five."""
    names = {"function": function, "arguments": arguments}
    call = "function(*arguments)"
    best = min(timeit.repeat(call, globals=names, number=CALLS, repeat=5))
    print(f"{name:44} {best / CALLS * 1e9:6.0f} ns")


def main() -> None:
    """Keys of usual lengths, then whole commands."""
    for key in (b"key:00000001", b"key:%028d" % 1, b"{user:1000}:following"):
        show(f"slot_of {key.decode()}", slot_of, key)
    key = b"key:000000000001"
    for argv in ([b"GET", key], [b"SET", key, b"value"], [b"MGET", b"{t}a", b"{t}b", b"{t}c"]):
        shown = " ".join(part.decode() for part in argv)
        command = resolve(argv)
        show(shown, slot_of_command, command, argv)


if __name__ == "__main__":
    main()
