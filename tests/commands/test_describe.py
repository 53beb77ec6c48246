"""COMMAND and its subcommands describe our commands exactly as redis-server describes its own."""

import pytest

from respkv.commands import describe
from respkv.commands.table import keys_of, resolve
from respkv.errors import CommandError
from respkv.wire.reply import encode
from tests.command_table import BEGIN, END, ROOT, table
from tests.commands.reference import Reference, split

NAMES = [command.display_name.encode() for command in describe.commands()]
# Where a promise of Redis' text would not be true of us: which thread frees memory, and when.
OWN_WORDS = {b"unlink", b"flushall", b"flushdb"}
CONTAINERS = {
    command.display_name.encode() for command in describe.commands() if command.subcommands
}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONTAINERS])
def test_command_info(name: bytes, resp: int, reference: Reference) -> None:
    expected = reference.call([b"COMMAND", b"INFO", name], resp)
    assert encode(describe.info_reply([name]), resp) == expected


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN_WORDS | CONTAINERS])
def test_command_docs(name: bytes, resp: int, reference: Reference) -> None:
    expected = reference.call([b"COMMAND", b"DOCS", name], resp)
    assert encode(describe.docs_reply([name]), resp) == expected


@pytest.mark.parametrize("subcommand", [b"encoding", b"freq", b"idletime", b"refcount", b"help"])
def test_subcommands(subcommand: bytes, reference: Reference) -> None:
    name = b"object|" + subcommand
    assert encode(describe.info_reply([name]), 3) == reference.call([b"COMMAND", b"INFO", name], 3)
    assert encode(describe.docs_reply([name]), 3) == reference.call([b"COMMAND", b"DOCS", name], 3)


def test_a_container_lists_its_subcommands(reference: Reference) -> None:
    info = describe.info_reply([b"object"])[0]
    assert [item[0] for item in info[9].items] == [
        b"object|encoding",
        b"object|freq",
        b"object|idletime",
        b"object|refcount",
        b"object|help",
    ]
    without_subcommands = encode(info[:9], 3)[4:]
    assert without_subcommands in reference.call([b"COMMAND", b"INFO", b"object"], 3)


@pytest.mark.parametrize("resp", [2, 3])
def test_names_nobody_knows(resp: int, reference: Reference) -> None:
    names = [b"nosuch", b"object|nosuch", b"nosuch|x", b"get|x", b"RESPKV.SWEEP"]
    assert encode(describe.info_reply(names), resp) == reference.call(
        [b"COMMAND", b"INFO", *names], resp
    )
    assert encode(describe.docs_reply(names), resp) == reference.call(
        [b"COMMAND", b"DOCS", *names], resp
    )


def test_count_and_list() -> None:
    names = [command.display_name.encode() for command in describe.commands()]  # the node's as well
    assert describe.count_reply() == len(names) == len(describe.list_reply().items)
    assert set(NAMES) <= set(names)
    assert describe.list_reply(pattern=b"*GET*")
    assert describe.list_reply(category="string")
    assert b"object|freq" in describe.list_reply(category="keyspace")


@pytest.mark.parametrize(
    "line",
    [
        "GET k",
        "SET k v",
        "SET k v GET",
        "SET k v NX get EX 10",
        "MSET a 1 b 2 c 3",
        "MSET a 1 b",
        "MGET a b c",
        "BITFIELD k GET u8 0",
        "BITFIELD k OVERFLOW SAT GET u8 0",
        "BITFIELD k GET u8 0 SET u8 0 1",
        "BITFIELD k GET u8",
        "BITFIELD k",
        "DEL a b",
        "COPY a b",
        "COPY a b REPLACE",
        "RENAME a b",
        "LCS a b LEN",
        "OBJECT FREQ k",
        "OBJECT HELP",
        "OBJECT NOSUCH k",
        "SCAN 0",
        "KEYS *",
        "GET a b",
        "NOSUCH a",
        "FLUSHALL SYNC",
        "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
        "ZUNION 2 a b WITHSCORES",
        "ZUNION 3 a b",
        "ZUNION x a b",
        "ZRANGESTORE d s 0 1",
        "BZPOPMIN a b 0",
        "ZMPOP 2 a b MIN COUNT 1",
        "BZMPOP 0 2 a b MIN",
    ],
)
@pytest.mark.parametrize("resp", [2, 3])
def test_command_getkeys(line: str, resp: int, reference: Reference) -> None:
    argv = split(line)
    for subcommand, ours in (
        (b"GETKEYS", describe.getkeys_reply),
        (b"GETKEYSANDFLAGS", describe.getkeys_and_flags_reply),
    ):
        try:
            reply = ours(argv)
        except CommandError as error:
            reply = error
        assert encode(reply, resp) == reference.call([b"COMMAND", subcommand, *argv], resp)


def test_keys_of_is_what_getkeys_replies() -> None:
    for line in ("GET k", "MSET a 1 b 2", "DEL a b c", "COPY a b DB 1", "OBJECT FREQ k", "LCS a b"):
        argv = split(line)
        assert keys_of(resolve(argv), argv) == describe.getkeys_reply(argv)
    assert keys_of(resolve([b"DBSIZE"]), [b"DBSIZE"]) == []


def test_the_table_in_the_readme_is_what_its_command_writes(reference: Reference) -> None:
    _, _, rest = (ROOT / "README.md").read_text().partition(BEGIN)
    assert rest.partition(END)[0].strip() == table(reference), (
        "python -m tests.command_table --write"
    )
