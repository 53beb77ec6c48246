"""CONFIG REWRITE: the configuration file with the options in force, replaced in one step."""

import os

from respkv.config import Config


def rewrite_config(config: Config, path: str) -> None:
    """Write beside the file, sync, then rename over it: a crash leaves the old one or the new.

    Raises:
        OSError: it cannot be read or written.
    """
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
        mode = os.fstat(file.fileno()).st_mode & 0o777
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write("\n".join(config.rewritten(lines)) + "\n")
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        if os.path.exists(beside):
            os.remove(beside)
        raise
    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
