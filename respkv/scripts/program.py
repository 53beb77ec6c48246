"""What a script says about itself in its first line: `#!lua flags=no-writes`."""

from hashlib import sha1
from typing import Final

from respkv.errors import CommandError

NO_WRITES: Final = 1
ALLOW_OOM: Final = 2
ALLOW_STALE: Final = 4
NO_CLUSTER: Final = 8
ALLOW_CROSS_SLOT: Final = 16
COMPATIBLE: Final = 32  # without a first line of that kind: all is allowed as it was before Redis 7

_FLAGS: Final = {
    b"no-writes": NO_WRITES,
    b"allow-oom": ALLOW_OOM,
    b"allow-stale": ALLOW_STALE,
    b"no-cluster": NO_CLUSTER,
    b"allow-cross-slot-keys": ALLOW_CROSS_SLOT,
}


def sha_of(text: bytes) -> bytes:
    """Return the name EVALSHA knows a script by."""
    return sha1(text, usedforsecurity=False).hexdigest().encode()


def flags_of(text: bytes) -> int:
    """Return the flags of a script's first line.

    Raises:
        CommandError: it has a first line of that kind with something unknown in it.
    """
    if not text.startswith(b"#!"):
        return COMPATIBLE
    line, newline, _ = text.partition(b"\n")
    if not newline:
        raise CommandError(b"ERR Invalid script shebang")
    words = line.split()
    if words[0] != b"#!lua":
        raise CommandError(b"ERR Unexpected engine in script shebang: %b" % words[0])
    flags = 0
    for word in words[1:]:
        if not word.startswith(b"flags="):
            raise CommandError(b"ERR Unknown lua shebang option: %b" % word)
        for name in word[len(b"flags=") :].split(b","):
            if not name:
                continue
            if name not in _FLAGS:
                raise CommandError(b"ERR Unexpected flag in script shebang: %b" % name)
            flags |= _FLAGS[name]
    return flags
