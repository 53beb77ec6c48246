"""SCRIPT: what a node knows of scripts (as in Redis 7.0). EVAL and EVALSHA are in respkv.scripts."""

from respkv.commands.help import declare_help
from respkv.commands.table import ALLOW_BUSY, CONNECTION, NOSCRIPT, STALE, command, container
from respkv.errors import CommandError
from respkv.node.connection import Connection
from respkv.wire.reply import OK, Reply
from respkv.wire.run import Argv

_FLAGS = CONNECTION | NOSCRIPT

container(
    "SCRIPT",
    group="scripting",
    since="2.6.0",
    summary="A container for Lua scripts management commands",
)


@command(name="SCRIPT|LOAD", arity=3, flags=_FLAGS | STALE, group="scripting", since="2.6.0",
         complexity="O(N) with N being the length in bytes of the script body.",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"), syntax="script",
         summary="Load the specified Lua script into the script cache.")  # fmt: skip
def script_load(session: Connection, argv: Argv) -> Reply:
    return session.node.scripts.load(argv[2])


@command(name="SCRIPT|EXISTS", arity=-3, flags=_FLAGS, group="scripting", since="2.6.0",
         complexity="O(N) with N being the number of scripts to check (so checking a single script is "
         "an O(1) operation).",
         tips=("request_policy:all_shards", "response_policy:agg_logical_and"), syntax="sha1...",
         summary="Check existence of scripts in the script cache.")  # fmt: skip
def script_exists(session: Connection, argv: Argv) -> Reply:
    return [int(session.node.scripts.knows(sha)) for sha in argv[2:]]


@command(name="SCRIPT|FLUSH", arity=-2, flags=_FLAGS, group="scripting", since="2.6.0",
         complexity="O(N) with N being the number of scripts in cache",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
         history=(("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers."),),
         syntax="[async@6.2.0(ASYNC | SYNC)]", summary="Remove all the scripts from the script cache."
         )  # fmt: skip
def script_flush(session: Connection, argv: Argv) -> Reply:
    if len(argv) > 3 or (len(argv) == 3 and argv[2].upper() not in (b"SYNC", b"ASYNC")):
        raise CommandError(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    session.node.scripts.flush()
    return OK


@command(name="SCRIPT|KILL", arity=2, flags=_FLAGS | ALLOW_BUSY, group="scripting", since="2.6.0",
         tips=("request_policy:all_shards", "response_policy:one_succeeded"),
         summary="Kill the script currently in execution.")  # fmt: skip
def script_kill(session: Connection, argv: Argv) -> Reply:
    """Refuse: a script ends by itself, before any other command is looked at."""
    raise CommandError(b"NOTBUSY No scripts in execution right now.")


@command(name="SCRIPT|DEBUG", arity=3, flags=_FLAGS, group="scripting", since="3.2.0",
         syntax="mode(YES | SYNC | NO)", summary="Set the debug mode for executed scripts."
         )  # fmt: skip
def script_debug(session: Connection, argv: Argv) -> Reply:
    if argv[2].upper() == b"NO":
        return OK
    if argv[2].upper() in (b"YES", b"SYNC"):
        raise CommandError(b"ERR there is no debugger for scripts here")
    raise CommandError(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")


declare_help("SCRIPT", since="5.0.0", group="scripting", flags=CONNECTION, text="""
DEBUG (YES|SYNC|NO)
    Set the debug mode for subsequent scripts executed.
EXISTS <sha1> [<sha1> ...]
    Return information about the existence of the scripts in the script cache.
FLUSH [ASYNC|SYNC]
    Flush the Lua scripts cache. Very dangerous on replicas.
    When called without the optional mode argument, the behavior is determined by the
    lazyfree-lazy-user-flush configuration directive. Valid modes are:
    * ASYNC: Asynchronously flush the scripts cache.
    * SYNC: Synchronously flush the scripts cache.
KILL
    Kill the currently executing Lua script.
LOAD <script>
    Load a script into the scripts cache without executing it.
""")  # fmt: skip
