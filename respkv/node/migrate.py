"""MIGRATE: keys to another server, and off this one once that has acknowledged them.

Others are served meanwhile, so a key may change on its way: it is deleted only if its modification
counter is still the one that was read with the value. Each call has a connection of its own; Redis
keeps them for ten seconds.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from respkv.commands.arguments import parse_int64
from respkv.commands.dumps import dump
from respkv.commands.key_specs import KeySpec
from respkv.commands.keys import del_
from respkv.commands.table import CONNECTION, TABLE, WRITE, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.node.connection import LATER, Connection
from respkv.node.router import ClusterRouter
from respkv.replica.client import Client
from respkv.replica.replica import Replica
from respkv.replica.transaction import Transaction
from respkv.wire.reply import OK, Reply
from respkv.wire.run import Argv, encode_command

TIMEOUT_MS: Final = 1000  # for one that is not positive
KEYS_PER_READ: Final = 16

# A key on its way: its name, the payload, milliseconds to live (0: for ever), its counter.
Parcel = tuple[bytes, bytes, int, int]


class Migration:
    """What a MIGRATE asks for."""

    def __init__(self, argv: Argv) -> None:
        self.host = argv[1]
        self.port = argv[2]
        self.keys: list[bytes] = [argv[3]]
        self.copies = False
        self.replaces = False
        self.credentials: list[bytes] = []
        self._parse_options(argv)
        self.timeout_ms = parse_int64(argv[5])
        self.db = parse_int64(argv[4])
        if self.timeout_ms <= 0:
            self.timeout_ms = TIMEOUT_MS

    def _parse_options(self, argv: Argv) -> None:
        position = 6
        while position < len(argv):
            option = argv[position].upper()
            position += 1
            if option == b"COPY":
                self.copies = True
            elif option == b"REPLACE":
                self.replaces = True
            elif option == b"AUTH" and position < len(argv):
                self.credentials = argv[position : position + 1]
                position += 1
            elif option == b"AUTH2" and position + 1 < len(argv):
                self.credentials = argv[position : position + 2]
                position += 2
            elif option == b"KEYS":
                if argv[3]:
                    raise CommandError(
                        b"ERR When using MIGRATE KEYS option, the key argument must be set to the "
                        b"empty string"
                    )
                self.keys = argv[position:]
                break
            else:
                raise BadSyntax()


_SKIPPED: Final = {b"AUTH": 1, b"AUTH2": 2}


def single_key(argv: Argv) -> list[int]:
    """Return where the key is, unless KEYS lists others."""
    return [] if _after_keys(argv) else [3]


def listed_keys(argv: Argv) -> list[int]:
    """Return where the keys are that KEYS lists; it goes with an empty single key only."""
    first = _after_keys(argv)
    return list(range(first, len(argv))) if first and not argv[3] else []


def _after_keys(argv: Argv) -> int:
    position = 6
    while position < len(argv):
        option = argv[position].upper()
        position += 1
        if option == b"KEYS":
            return position
        position += _SKIPPED.get(option, 0)
    return 0


@command(arity=-6, flags=CONNECTION | WRITE, specs=(KeySpec("RW access delete", (3, 3, 1), finder=single_key), KeySpec("RW access "
         "delete incomplete", (-2, -1, 1), keyword="KEYS", finder=listed_keys),), group="generic", since="2.6.0",
         complexity="This command actually executes a DUMP+DEL in the source instance, and a "
         "RESTORE in the target instance. See the pages of these commands for time complexity. "
         "Also an O(N) data transfer between the two instances is performed.",
         categories=("dangerous",), tips=("nondeterministic_output",), syntax="host port:integer "
         "key_or_empty_string(key | \"\"=empty_string) destination-db:integer timeout:integer "
         "[COPY@3.0.0] [REPLACE@3.0.0] [authentication([AUTH password@4.0.7] | [AUTH2 "
         "username_password(username password)@6.0.0])] [KEYS key#1...@3.0.6]",
         summary="Atomically transfer a key from a Redis instance to another one.",
         history=(("3.0.0", "Added the `COPY` and `REPLACE` options."), ("3.0.6", "Added the "
         "`KEYS` option."), ("4.0.7", "Added the `AUTH` option."), ("6.0.0", "Added the `AUTH2` "
         "option."),))  # fmt: skip
def migrate(session: Connection, argv: Argv) -> Reply:
    """Behind all that this client has asked before, and before all that it asks next."""
    migration = Migration(argv)
    router = session.node.router
    replica = router.replica_for(session, argv) if isinstance(router, ClusterRouter) else router
    if replica is None:
        return LATER  # it waits for a leader, and comes by here again
    errand = Errand(session, replica, migration)
    session.park_when_answered(lambda: session.node.spawn(errand.run()))
    return LATER


class Errand(Client):
    """One MIGRATE under way: to the replica, a client that asks one thing at a time."""

    def __init__(self, session: Connection, replica: Replica, migration: Migration) -> None:
        super().__init__()
        self.db = session.db
        self._session = session
        self._replica = replica
        self._migration = migration
        self._answer: asyncio.Future[Any] | None = None

    # --- what the replica calls ----------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Take the answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)

    def send_replies(self) -> None:
        """Nothing leaves by itself."""

    def close_unknown(self) -> None:
        """Whether the keys have been deleted is unknown."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(OutcomeUnknown())

    # --- the way of the keys -------------------------------------------------------------------

    async def run(self) -> None:
        """Do it, answer, and let the client go on."""
        session = self._session
        try:
            reply = await self._reply()
        except OutcomeUnknown:
            session.close_unknown()
            return
        if not session.closing:
            session.node.router.answer(session, reply)
            session.go_on()

    async def _reply(self) -> Reply:
        try:
            parcels = await self._parcels()
            if not parcels:
                return "NOKEY"
            sent, refusal = await self._send(parcels)
            if not self._migration.copies:
                refusal = await self._delete(sent) or refusal
            return refusal or OK
        except CommandError as error:
            return error

    async def _parcels(self) -> list[Parcel]:
        parcels: list[Parcel] = []
        keys = self._migration.keys
        for start in range(0, len(keys), KEYS_PER_READ):
            parcels += await self._read(keys[start : start + KEYS_PER_READ])
        return parcels

    async def _read(self, keys: list[bytes]) -> list[Parcel]:
        self._replica.begin_input()
        parcels: list[Parcel] = await self._asked(
            lambda: self._replica.submit_read(self, READING, [[b"DUMP", *keys]])
        )
        return parcels

    async def _send(self, parcels: list[Parcel]) -> tuple[list[Parcel], CommandError | None]:
        """Return which were acknowledged, and why not all.

        Raises:
            CommandError: none was.
        """
        migration = self._migration
        seconds = migration.timeout_ms / 1000
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection(
                    migration.host.decode(errors="replace"), int(migration.port)
                )
        except ConnectionRefusedError:  # Redis learns of it with the first write
            raise CommandError(b"IOERR error or timeout writing to target instance") from None
        except (OSError, ValueError, OverflowError):
            raise CommandError(b"IOERR error or timeout connecting to the client") from None
        try:
            return await self._converse(reader, writer, parcels, seconds)
        finally:
            writer.transport.abort()

    async def _converse(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        parcels: list[Parcel],
        seconds: float,
    ) -> tuple[list[Parcel], CommandError | None]:
        greetings = self._greetings()
        sent: list[Parcel] = []
        refusal: bytes | None = None
        doing = b"writing to"
        try:
            for greeting in greetings:
                writer.write(encode_command(greeting))
            for parcel in parcels:
                writer.write(encode_command(self._restore(parcel)))
                async with asyncio.timeout(seconds):
                    await writer.drain()
            doing = b"reading from"
            for _ in greetings:
                line = await _line(reader, seconds)
                if line[:1] != b"+" and refusal is None:
                    refusal = line[1:]
            is_admitted = refusal is None
            for parcel in parcels:
                line = await _line(reader, seconds)
                if line[:1] == b"+" and is_admitted:
                    sent.append(parcel)
                elif refusal is None:
                    refusal = line[1:]
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return sent, CommandError(b"IOERR error or timeout %b target instance" % doing)
        if refusal is None:
            return sent, None
        return sent, CommandError(b"ERR Target instance replied with error: " + refusal)

    def _greetings(self) -> list[Argv]:
        credentials = self._migration.credentials
        select = [b"SELECT", b"%d" % self._migration.db]
        return [[b"AUTH", *credentials], select] if credentials else [select]

    def _restore(self, parcel: Parcel) -> Argv:
        key, payload, ttl_ms, _ = parcel
        in_cluster = self._session.node.cluster is not None
        name = b"RESTORE-ASKING" if in_cluster else b"RESTORE"
        argv = [name, key, b"%d" % ttl_ms, payload]
        return [*argv, b"REPLACE"] if self._migration.replaces else argv

    async def _delete(self, parcels: list[Parcel]) -> CommandError | None:
        """Delete the keys if none has changed; where some have, one by one."""
        if not parcels or await self._delete_unchanged(parcels):
            return None
        kept = 0
        for parcel in parcels:
            kept += not await self._delete_unchanged([parcel])
        if not kept:
            return None
        return CommandError(
            b"ERR %d of the keys changed while they were migrated and were not deleted" % kept
        )

    async def _delete_unchanged(self, parcels: list[Parcel]) -> bool:
        transaction = Transaction()
        argv = [b"DEL", *[key for key, _, _, _ in parcels]]
        transaction.commands.append((del_, argv, False))
        transaction.watches = [(self.db, key, counter) for key, _, _, counter in parcels]
        transaction.writes = True
        await self._asked(
            lambda: self._replica.submit_transaction(
                self, transaction, [encode_command(argv)], [b"EXEC"]
            )
        )
        return transaction.ran

    async def _asked(self, submit: Callable[[], None]) -> Any:
        """Return the replica's answer.

        Raises:
            CommandError: that is the answer.
            OutcomeUnknown: nobody knows it.
        """
        self._answer = asyncio.get_running_loop().create_future()
        submit()
        answer = await self._answer
        if isinstance(answer, CommandError):
            raise answer
        return answer


class OutcomeUnknown(Exception):
    """A transaction that may or may not have run."""


def read_parcels(keyspace: Keyspace, argv: Argv) -> Any:
    """Return the keys in argv[1:] that are there."""
    parcels: list[Parcel] = []
    for key in dict.fromkeys(argv[1:]):
        payload = dump(keyspace, [b"DUMP", key])
        if payload is not None:
            deadline_ms = keyspace.deadline(key)
            ttl_ms = 0 if deadline_ms is None else max(deadline_ms - keyspace.leader_ms, 1)
            parcels.append((key, payload, ttl_ms, keyspace.counter(keyspace.db_index, key)))
    return parcels


READING: Final = TABLE[b"DUMP"].with_handler(read_parcels)


async def _line(reader: asyncio.StreamReader, seconds: float) -> bytes:
    async with asyncio.timeout(seconds):
        line = await reader.readuntil(b"\r\n")
    return line[:-2]
