"""Clients that write under load and remember what they were promised.

Raw connections, so that nothing is ever sent twice. A key is written once: what was acknowledged
must be there after every later crash; an outcome nobody knows may be either, and stays what the
next read finds.
"""

from dataclasses import dataclass, field

from tests.processes.connection import Connection

TRANSACTION_EVERY = 8  # writes
KEYS_PER_READ = 1000


@dataclass
class Promises:
    """What all writers together were told."""

    acknowledged: set[bytes] = field(default_factory=set)
    unknown: set[bytes] = field(default_factory=set)
    absent: set[bytes] = field(default_factory=set)  # once unknown, then read as not there


@dataclass
class Verdict:
    """What a recovered server holds against the promises."""

    lost: int = 0
    revived: int = 0  # absent before, there now
    torn: int = 0  # counters that disagree with the keys set in the same transactions


def value_of(key: bytes) -> bytes:
    """Return the one value that is ever written to a key."""
    return b"value of " + key + b" " * 40


async def write(port: int, name: bytes, promises: Promises) -> None:
    """Write until the server is gone; `name` makes the keys this writer's own."""
    client = await Connection.open(port)
    number = 0
    try:
        while True:
            number += 1
            key = b"%b:%d" % (name, number)
            commands = [[b"SET", key, value_of(key)]]
            if number % TRANSACTION_EVERY == 0:
                key = b"%b:in-transaction:%d" % (name, number)
                commands = [[b"MULTI"], [b"SET", key, value_of(key)], [b"INCR", name], [b"EXEC"]]
            promises.unknown.add(key)
            reply = (await client.call(*commands))[-1]
            assert reply == b"OK" or isinstance(reply, list), reply
            promises.unknown.remove(key)
            promises.acknowledged.add(key)
    except OSError:
        pass
    finally:
        client.close()


async def judge(port: int, promises: Promises) -> Verdict:
    """Compare what the server holds with the promises; unknown outcomes are known afterwards."""
    client = await Connection.open(port)
    verdict = Verdict()
    in_transactions: dict[bytes, int] = {}
    keys = [*promises.acknowledged, *promises.unknown, *promises.absent]
    for at in range(0, len(keys), KEYS_PER_READ):
        chunk = keys[at : at + KEYS_PER_READ]
        values = (await client.call([b"MGET", *chunk]))[0]
        assert isinstance(values, list)
        for key, value in zip(chunk, values, strict=True):
            there = value == value_of(key)
            if key in promises.acknowledged:
                verdict.lost += not there
            elif key in promises.absent:
                verdict.revived += there
            elif there:
                promises.acknowledged.add(key)
            else:
                promises.absent.add(key)
            name, in_transaction, _ = key.partition(b":in-transaction:")
            if in_transaction:
                in_transactions[name] = in_transactions.get(name, 0) + there
    promises.unknown.clear()
    for name, expected in in_transactions.items():
        counted = (await client.call([b"GET", name]))[0]
        verdict.torn += int(counted or 0) != expected  # type: ignore[call-overload]
    client.close()
    return verdict
