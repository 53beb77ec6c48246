"""HELP of a container: how its subcommands are called, in Redis' words."""

from collections.abc import Callable
from typing import Any

from respkv.commands.table import LOADING, STALE, Argv, command
from respkv.wire.reply import Reply


def declare_help(
    container: str,
    *,
    since: str,
    group: str,
    flags: int,
    text: str,
    categories: tuple[str, ...] = (),
    check: Callable[[Any], object] | None = None,
) -> None:
    """Declare CONTAINER|HELP; `text` has a line per reply line between the first and HELP's own.

    `check` is called with the session first, and raises where there is no help either.
    """
    lines = [
        f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        *text.strip("\n").splitlines(),
        "HELP",
        "    Prints this help.",
    ]

    def reply(subject: Any, argv: Argv) -> Reply:
        if check is not None:
            check(subject)
        return lines

    command(
        name=f"{container}|HELP",
        arity=2,
        flags=LOADING | STALE | flags,
        group=group,
        since=since,
        categories=categories,
        summary="Show helpful text about the different subcommands",
    )(reply)
