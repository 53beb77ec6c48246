"""EVAL and its kin (as in Redis 7.0). SCRIPT is of the node, which keeps the names of scripts.

A script is logged as it was sent, with the keys and arguments it gets; EVALSHA is logged as EVAL.
"""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.key_specs import KeySpec
from respkv.commands.table import (
    INTERNAL,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SCRIPT,
    SKIP_MONITOR,
    STALE,
    WRITE,
    Argv,
    command,
)
from respkv.errors import CommandError, NoScript
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.slots import slot_of
from respkv.scripts.caller import OUT_OF_MEMORY as REFUSED_GROWTH
from respkv.scripts.caller import Caller
from respkv.scripts.engine import engine
from respkv.scripts.program import ALLOW_OOM, COMPATIBLE, NO_CLUSTER, NO_WRITES
from respkv.wire.reply import Reply

IN_CLUSTER: Final = 1  # its keys are those of one slot
OUT_OF_MEMORY: Final = 2  # what needs memory is refused


def keys_and_arguments(argv: Argv) -> tuple[list[bytes], list[bytes]]:
    """Return what the script gets as KEYS and ARGV.

    Raises:
        CommandError: the number of keys is none, or larger than what follows.
    """
    number = parse_int64(argv[2])
    if number > len(argv) - 3:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    if number < 0:
        raise CommandError(b"ERR Number of keys can't be negative")
    return argv[3 : 3 + number], argv[3 + number :]


def _evaluate(keyspace: Keyspace, argv: Argv, read_only: bool, mode: int = 0) -> Reply:
    keys, arguments = keys_and_arguments(argv)
    lua = engine()
    script = lua.script(argv[1])
    if read_only and not script.flags & (COMPATIBLE | NO_WRITES):
        raise CommandError(b"ERR Can not execute a script with write flag using *_ro command.")
    refuses_growth = bool(mode & OUT_OF_MEMORY) and not script.flags & (ALLOW_OOM | NO_WRITES)
    if refuses_growth and not script.flags & COMPATIBLE:
        raise CommandError(REFUSED_GROWTH)
    slot = None
    if mode & IN_CLUSTER:
        if script.flags & NO_CLUSTER:
            raise CommandError(b"ERR Can not run script on cluster, 'no-cluster' flag is set.")
        slot = slot_of(keys[0]) if keys else -1
    caller = Caller(keyspace, read_only or script.flags & NO_WRITES != 0, refuses_growth, slot)
    return lua.run(script, keyspace, keys, arguments, caller)


_FLAGS = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS


@command(arity=-3, flags=_FLAGS | WRITE | SCRIPT, specs=(KeySpec("RW access update", (2, 0, 1),
         counted=True, notes="We cannot tell how the keys will be used so we assume the worst, RW and "
         "UPDATE"),), group="scripting", since="2.6.0", complexity="Depends on the script that is executed.",
         syntax="script numkeys:integer [key...] [arg...]", summary="Execute a Lua script server side"
         )  # fmt: skip
def eval_(keyspace: Keyspace, argv: Argv) -> Reply:
    return _evaluate(keyspace, argv, read_only=False)


@command(arity=-3, flags=_FLAGS | WRITE | SCRIPT, specs=(KeySpec("RW access update", (2, 0, 1),
         counted=True),), group="scripting", since="2.6.0", complexity="Depends on the script that is executed.",
         syntax="sha1 numkeys:integer [key...] [arg...]", summary="Execute a Lua script server side"
         )  # fmt: skip
@command(name="EVALSHA_RO", arity=-3, flags=_FLAGS | READONLY | SCRIPT, specs=(KeySpec("RO access", (2, 0, 1),
         counted=True),), group="scripting", since="7.0.0", complexity="Depends on the script that is executed.",
         syntax="sha1 numkeys:integer [key...] [arg...]", summary="Execute a read-only Lua script server side"
         )  # fmt: skip
def evalsha(_: Keyspace, argv: Argv) -> Reply:
    """Answer for a script that the node did not know; of others it makes EVAL or EVAL_RO."""
    keys_and_arguments(argv)
    raise NoScript


@command(arity=-3, flags=_FLAGS | READONLY | SCRIPT, specs=(KeySpec("RO access", (2, 0, 1),
         counted=True, notes="We cannot tell how the keys will be used so we assume the worst, RO and "
         "ACCESS"),), group="scripting", since="7.0.0", complexity="Depends on the script that is executed.",
         syntax="script numkeys:integer [key...] [arg...]", summary="Execute a read-only Lua script server side"
         )  # fmt: skip
def eval_ro(keyspace: Keyspace, argv: Argv) -> Reply:
    return _evaluate(keyspace, argv, read_only=True)


@command(name="RESPKV.EVAL", arity=-4, flags=INTERNAL | WRITE | SCRIPT, specs=(KeySpec("RW access update",
         (3, 0, 1), counted=True),), group="scripting", since="7.0.0", summary="EVAL as a leader logs it"
         )  # fmt: skip
def eval_in_mode(keyspace: Keyspace, argv: Argv) -> Reply:
    """EVAL with what its leader knew: argv[1] is IN_CLUSTER and OUT_OF_MEMORY, if so."""
    return _evaluate(keyspace, argv[1:], read_only=False, mode=int(argv[1]))


@command(name="RESPKV.EVAL_RO", arity=-4, flags=INTERNAL | READONLY | SCRIPT, specs=(KeySpec("RO access",
         (3, 0, 1), counted=True),), group="scripting", since="7.0.0", summary="EVAL_RO of a cluster"
         )  # fmt: skip
def eval_ro_in_mode(keyspace: Keyspace, argv: Argv) -> Reply:
    return _evaluate(keyspace, argv[1:], read_only=True, mode=int(argv[1]))
