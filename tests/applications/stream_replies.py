"""The entries in redis-py's replies to XREAD and XREADGROUP, whose shape depends on the protocol."""

from typing import Any

Entry = tuple[str, dict[str, str]]


def entries_of(reply: Any) -> list[Entry]:
    """Return the entries of the one stream in a reply, none if it timed out."""
    if not reply:
        return []
    ((_, entries),) = reply.items() if isinstance(reply, dict) else reply
    if entries and isinstance(entries[0], list):
        (entries,) = entries
    return list(entries)


def ids_of(reply: Any) -> list[str]:
    """Return only the entries' ids."""
    return [id_ for id_, _ in entries_of(reply)]
