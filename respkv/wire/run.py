"""What a request parser returns: commands that came together and look alike."""

Argv = list[bytes]
# Consecutive commands of one name and argument count, and their RESP bytes together.
Run = tuple[list[Argv], bytes]


def encode_command(argv: Argv) -> bytes:
    """Return a command's RESP bytes."""
    parts = [b"*%d\r\n" % len(argv)]
    for argument in argv:
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)
