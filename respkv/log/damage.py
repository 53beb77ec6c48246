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


class MemberDamaged(LogDamaged):
    """The log of a cluster's member is damaged: others have all that was acknowledged."""

    def __init__(self, damage: LogDamaged, node_id: str) -> None:
        super().__init__(damage.file, damage.offset, damage.why)
        self.args = (
            f"{damage.file} is damaged at byte {damage.offset}: {damage.why}. This node does not "
            "know any more what it has promised to the others, so it is no member any more unless "
            "the file is restored. To have it back with the others' data: move the directory away, "
            f"start again, and run against a running node: respkv cluster replace {node_id}",
        )


class ForeignDirectory(Exception):
    """The directory holds what a server of another kind has written."""


class UnknownFormat(Exception):
    """A newer version wrote the directory."""

    def __init__(self, file: str, found: str) -> None:
        super().__init__(
            f"{file} says {found!r}, which this version does not know: a newer one wrote it; "
            f"start that one, or give this one a directory of its own with --dir"
        )
