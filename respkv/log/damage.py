"""Why a log is refused; every text names the file and what its owner can do."""


class LogDamaged(Exception):
    """The log lost something that was durable: nothing here may be guessed."""

    def __init__(self, file: str, offset: int, why: str) -> None:
        super().__init__(
            f"{file} is damaged at byte {offset}: {why}. Restore the file, or see what a repair "
            f"would lose with: respkv wal salvage DIR"
        )
        self.file = file
        self.offset = offset
        self.why = why


class UnknownFormat(Exception):
    """A newer version wrote the directory."""

    def __init__(self, file: str, found: str) -> None:
        super().__init__(
            f"{file} says {found!r}, which this version does not know: a newer one wrote it; "
            f"start that one, or give this one a directory of its own with --dir"
        )
