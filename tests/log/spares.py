"""Spare segments without the node that makes them beside its work."""

from respkv.log.wal import Wal


def fill_spares(wal: Wal) -> None:
    """Make all that are missing, until there is no room."""
    path = wal.begin_spare()
    while path is not None:
        failure = None
        try:
            wal.fill_spare(path)
        except OSError as error:
            failure = error
        wal.end_spare(path, failure)
        path = None if failure else wal.begin_spare()
