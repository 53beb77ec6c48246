"""What a request parser returns: commands that came together and look alike."""

Argv = list[bytes]
# Consecutive commands of one name and argument count, and their RESP bytes together.
Run = tuple[list[Argv], bytes]
