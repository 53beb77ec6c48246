"""Finding keys: KEYS, SCAN, RANDOMKEY."""

from collections.abc import Callable
from typing import Final

from respkv.commands.glob import matcher
from respkv.commands.lookups import ReadingOn
from respkv.commands.scan_options import ScanOptions, parse_cursor
from respkv.commands.table import READONLY, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import type_name
from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Reply, SteppedReply

STEP_KEYS: Final = 1_000


@command(arity=2, flags=READONLY, group="generic", since="1.0.0", categories=("dangerous",),
         tips=("request_policy:all_shards", "nondeterministic_output_order"),
         complexity="O(N) with N being the number of keys in the database, under the assumption "
         "that the key names in the database and the given pattern have limited length.",
         syntax="pattern", summary="Find all keys matching the given pattern")  # fmt: skip
def keys(keyspace: Keyspace, argv: Argv) -> Reply:
    if keyspace.size() >= LONG_ITEMS:
        matches = None if argv[1] == b"*" else matcher(argv[1])
        copied = keyspace.copy_keys()
        return SteppedReply(_keys_in_steps(keyspace, copied, matches), [copied], looks_up=True)
    if argv[1] == b"*":
        return keyspace.all_keys()
    matches = matcher(argv[1])
    return [key for key in keyspace.all_keys() if matches(key)]


def _keys_in_steps(
    keyspace: Keyspace,
    copied: list[bytes],
    matches: Callable[[bytes], object] | None,
    type_name: str | None = None,
) -> Steps[list[bytes]]:
    db = keyspace.db_index
    found: list[bytes] = []
    for start in range(0, len(copied), STEP_KEYS):
        with ReadingOn(keyspace, db):
            some = keyspace.live(copied[start : start + STEP_KEYS])
            found += _filtered(keyspace, some, matches, type_name)
        yield 0
    return found


def _filtered(
    keyspace: Keyspace,
    keys: list[bytes],
    matches: Callable[[bytes], object] | None,
    type_name: str | None,
) -> list[bytes]:
    if matches is not None:
        keys = [key for key in keys if matches(key)]
    if type_name is not None:
        keys = [key for key in keys if _type_at(keyspace, key) == type_name]
    return keys


@command(arity=-2, flags=READONLY, group="generic", since="2.8.0",
         tips=("nondeterministic_output", "request_policy:special"),
         complexity="O(1) for every call. O(N) for a complete iteration, including enough "
         "command calls for the cursor to return back to 0. N is the number of elements inside "
         "the collection.", syntax="cursor:integer [MATCH pattern] [COUNT count:integer] [TYPE "
         "type@6.0.0]", summary="Incrementally iterate the keys space",
         history=(("6.0.0", "Added the `TYPE` subcommand."),))  # fmt: skip
def scan(keyspace: Keyspace, argv: Argv) -> Reply:
    """A key that is there from start to end is returned; one may be returned twice."""
    options = ScanOptions(parse_cursor(argv[1]))
    options.parse(argv, 2, takes_type=True)
    if min(options.count, keyspace.size()) >= LONG_ITEMS:
        cursor, copied = keyspace.scan_copied(options.cursor, options.count)
        steps = _scan_in_steps(keyspace, cursor, copied, options)
        return SteppedReply(steps, [copied], looks_up=True)
    cursor, keys = keyspace.scan(options.cursor, options.count)
    return [b"%d" % cursor, _filtered(keyspace, keys, options.matches, options.type_name)]


def _scan_in_steps(
    keyspace: Keyspace, cursor: int, copied: list[bytes], options: ScanOptions
) -> Steps[Reply]:
    found = yield from _keys_in_steps(keyspace, copied, options.matches, options.type_name)
    return [b"%d" % cursor, found]


@command(arity=1, flags=READONLY, group="generic", since="1.0.0",
         tips=("request_policy:all_shards", "nondeterministic_output"),
         summary="Return a random key from the keyspace")  # fmt: skip
def randomkey(keyspace: Keyspace, argv: Argv) -> bytes | None:
    return keyspace.random_key()


def _type_at(keyspace: Keyspace, key: bytes) -> str:
    value = keyspace.peek(key)
    return "" if value is None else type_name(value)
