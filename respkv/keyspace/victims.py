"""Which keys go when memory is short: sampled, as Redis does, by what the leader knows.

The choice is the leader's alone; the log then names the keys (RESPKV.EVICT).
"""

from typing import Final

from respkv.clock import Chance
from respkv.keyspace.database import Database
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.memory import memory_of

SAMPLED_MAX: Final = 5_000  # keys looked at for one choice: some milliseconds
IN_A_BUCKET: Final = 16  # keys with deadlines taken from one bucket, where few have any

# rank (the lowest goes first), number of the database, key
Candidate = tuple[int, int, bytes]


def has_victims(keyspace: Keyspace, policy: str) -> bool:
    """Return whether there is anything that the policy lets go."""
    if policy.startswith("allkeys"):
        return any([bool(database.keys) for database in keyspace.databases])
    return any([bool(database.deadlines.by_key) for database in keyspace.databases])


def choose_victims(
    keyspace: Keyspace, policy: str, samples: int, wanted_bytes: int, keys_max: int, chance: Chance
) -> list[tuple[int, bytes]]:
    """Return keys with their databases that together take `wanted_bytes`, at most `keys_max`."""
    volatile = policy.startswith("volatile")
    count = 0
    for database in keyspace.databases:
        count += len(database.deadlines.by_key) if volatile else len(database.keys)
    if not count:
        return []
    mean_bytes = max(1, keyspace.used_bytes() // max(1, sum_keys(keyspace)))
    keys = min(keys_max, wanted_bytes // mean_bytes + 1)
    per_key = 1 if policy.endswith(("random", "ttl")) else samples
    sampled = min(keys * per_key + samples, SAMPLED_MAX)
    candidates: list[Candidate] = []
    for db, database in enumerate(keyspace.databases):
        size = len(database.deadlines.by_key) if volatile else len(database.keys)
        if size:
            share = max(1, sampled * size // count)
            candidates += _candidates(keyspace, db, database, policy, share, chance)
    if not policy.endswith("random"):
        candidates.sort()
    chosen: list[tuple[int, bytes]] = []
    for _, db, key in candidates:
        if wanted_bytes <= 0 or len(chosen) >= keys_max:
            break
        chosen.append((db, key))
        wanted_bytes -= memory_of(key, keyspace.databases[db].values[key])
    return chosen


def sum_keys(keyspace: Keyspace) -> int:
    """Return the number of keys of all databases."""
    return sum([len(database.keys) for database in keyspace.databases])


def _candidates(
    keyspace: Keyspace, db: int, database: Database, policy: str, count: int, chance: Chance
) -> list[Candidate]:
    deadlines = database.deadlines
    if policy == "volatile-ttl":
        return [(deadlines.by_key[key], db, key) for key in deadlines.earliest(count)]
    keys = database.keys
    sampled = {keys[chance.below(len(keys))]: None for _ in range(count)}
    if policy.startswith("volatile"):
        sampled = {key: None for key in sampled if key in deadlines.by_key}
        if len(sampled) < count:
            for key in deadlines.some(count - len(sampled), IN_A_BUCKET, chance):
                sampled[key] = None
    accesses = keyspace.accesses
    if accesses is None or policy.endswith("random"):
        return [(0, db, key) for key in sampled]
    now_ms = keyspace.leader_ms
    known = database.accesses
    if accesses.counts:
        return [(accesses.frequency(known, key, now_ms), db, key) for key in sampled]
    return [(-accesses.idle_ms(known, key, now_ms), db, key) for key in sampled]
