"""Every command of Redis 7.0 and its state here, from declarations, tests and a real redis-server.

python -m tests.command_table           prints the table
python -m tests.command_table --write   puts it into README.md

A command is *compared* when a differential test sends it to redis-server and to us.
"""

import argparse
import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

import respkv.node.server  # noqa: F401  (declares the commands of connections as well)
from respkv.commands.table import lookup
from tests.commands.comparing import parse
from tests.commands.reference import Reference

ROOT: Final = Path(__file__).resolve().parent.parent
TESTS: Final = (ROOT / "tests" / "commands", ROOT / "tests" / "node", ROOT / "tests" / "cluster")
BEGIN: Final = "<!-- commands begin: python -m tests.command_table --write -->"
END: Final = "<!-- commands end -->"
GROUPS: Final = (
    "generic string list hash set sorted-set bitmap hyperloglog geo stream pubsub transactions "
    "scripting connection server cluster"
).split()


def commands_of_redis(reference: Reference) -> dict[str, list[str]]:
    """Return the names of Redis' commands and subcommands by group."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    docs = parse(reference.call([b"COMMAND", b"DOCS"]))
    assert isinstance(docs, list)
    for name, doc in zip(docs[::2], docs[1::2], strict=True):
        fields = dict(zip(doc[::2], doc[1::2], strict=True))
        group = fields[b"$group"][1:].decode()
        subcommands = fields.get(b"$subcommands", [])[::2]
        for full_name in subcommands or [name]:
            groups[group].append(full_name[1:].decode().upper())
    return groups


def is_declared(name: str) -> bool:
    """Return whether clients have the command or subcommand here."""
    parent, _, child = name.encode().partition(b"|")
    command = lookup(parent)
    return command is not None and (not child or child in command.subcommands)


def compared_names() -> set[str]:
    """Return the words, and pairs of neighbours, of all tests that ask a redis-server."""
    found: set[str] = set()
    for folder in TESTS:
        for path in folder.glob("test_*.py"):
            text = path.read_text().upper()
            if "REFERENCE" not in text:
                continue
            for line in text.splitlines():
                words = re.findall(r"[A-Z_-]+", line)
                found.update(words)
                found.update(f"{one}|{other}" for one, other in pairwise(words))
    return found


def table(reference: Reference) -> str:
    """Return the table in Markdown: a row for each group."""
    compared = compared_names()
    rows = []
    there = whole = 0
    for group, names in commands_of_redis(reference).items():
        ours = [name for name in sorted(names) if is_declared(name)]
        missing = [name for name in sorted(names) if not is_declared(name)]
        there, whole = there + len(ours), whole + len(names)
        shown = [name if name in compared else f"{name}\\*" for name in ours]
        cells = [" ".join(cell).replace("|", "&nbsp;") for cell in (shown, missing)]
        rows.append(f"| {group} | {cells[0]} | {cells[1]} |")
    return "\n".join(
        [
            f"{there} of the {whole} commands and subcommands of redis-server 7.0.15 are here; \\*",
            "marks those that no test compares with redis-server.",
            "",
            "| group | here | not yet |",
            "|---|---|---|",
            *rows,
        ]
    )


def main() -> int:
    """Print the table, or write it into the README; 1 when the README has no place for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        reference = Reference(Path(directory))
        text = table(reference)
        reference.close()
    if not options.write:
        print(text)
        return 0
    readme = ROOT / "README.md"
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"README.md has no {BEGIN} ... {END}", file=sys.stderr)
        return 1
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
