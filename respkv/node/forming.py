"""Forms the cluster: carries the questions of cluster/forming to the peers' client ports."""

import asyncio
import contextlib
import logging
import time
from typing import Final, Protocol, runtime_checkable

from respkv.cluster.forming import Answer, FormingNode
from respkv.commands.table import CONNECTION, INTERNAL, LOADING, NO_AUTH, STALE, Argv, command
from respkv.errors import CommandError
from respkv.node.connection import Connection
from respkv.node.names import NameResolver
from respkv.wire.reply import OK, Reply
from respkv.wire.run import encode_command

logger = logging.getLogger("respkv")

RETRY_SECONDS: Final = 0.05
WAITING_SECONDS: Final = 1.0  # that nodes may take to start before it is said who is missing
NEWCOMER_RETRY_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 2.0
REPLY_BYTES_MAX: Final = 1 << 20


@runtime_checkable
class Asked(Protocol):
    """The running cluster side of a node, as far as its peers ask."""

    forming: FormingNode


async def form(forming: FormingNode) -> None:
    """Ask until this node is a member and knows it; without peers, it is alone."""
    shown: set[str] = set()
    names = NameResolver()
    late = time.monotonic() + WAITING_SECONDS
    if not forming.peers and not forming.kept.is_confirmed:
        forming.form_alone()
    while not forming.kept.is_confirmed:
        complaints = await _round(forming, names)
        prefix = "" if forming.is_newcomer else "the cluster does not form: "
        if forming.missing and not forming.is_newcomer and time.monotonic() > late:
            missing = ", ".join(forming.missing)
            complaints.append(f"it waits for {missing}: no answer yet")
        for complaint in complaints:
            if complaint not in shown:
                shown.add(complaint)
                logger.warning("%s%s", prefix, complaint)
        if not forming.kept.is_confirmed:
            newcomer = forming.is_newcomer
            await asyncio.sleep(NEWCOMER_RETRY_SECONDS if newcomer else RETRY_SECONDS)


async def _round(forming: FormingNode, names: NameResolver) -> list[str]:
    questions = forming.round()
    question = next(questions)
    while True:
        asked = encode_command(forming.command(question))
        answers = await asyncio.gather(*(_ask(peer, names, asked) for peer in forming.peers))
        try:
            question = questions.send(answers)
        except StopIteration as end:
            complaints: list[str] = end.value
            return complaints


async def _ask(peer: tuple[str, int], names: NameResolver, asked: bytes) -> Answer:
    try:
        reader, writer = await asyncio.wait_for(_connect(peer, names), ANSWER_SECONDS)
        try:
            writer.write(asked)
            return await asyncio.wait_for(_read_reply(reader), ANSWER_SECONDS)
        finally:
            writer.close()
    except (OSError, UnicodeError, TimeoutError, asyncio.IncompleteReadError):
        return None  # not there yet
    except (ValueError, asyncio.LimitOverrunError):
        return b""  # no reply of a respkv


async def _connect(
    peer: tuple[str, int], names: NameResolver
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = peer
    *others, last = await names.addresses(host, port)
    for address in others:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(last, port)


async def _read_reply(reader: asyncio.StreamReader) -> Answer:
    line = (await reader.readuntil(b"\r\n"))[:-2]
    if line[:1] == b"*":
        return [await _read_bulk(reader) for _ in range(int(line[1:]))]
    return line


async def _read_bulk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readuntil(b"\r\n"))[1:-2])
    if not 0 <= size <= REPLY_BYTES_MAX:
        raise ValueError(size)
    return (await reader.readexactly(size + 2))[:-2]


@command(name="RESPKV.FORM", arity=5, group="cluster", since="7.0.0",
         flags=CONNECTION | INTERNAL | NO_AUTH | LOADING | STALE,
         summary="What nodes ask each other while a cluster forms")  # fmt: skip
def answer(session: Connection, argv: Argv) -> Reply:
    """Only between nodes, and signed."""
    cluster = session.node.cluster
    if not isinstance(cluster, Asked):
        raise CommandError(b"ERR it has cluster-enabled no")
    fields: Reply = cluster.forming.answer(argv, session.node.runtime.monotonic_ms())
    return fields or OK
