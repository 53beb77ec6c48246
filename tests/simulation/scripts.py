"""Users that run scripts: on locks, counters with a limit, pairs of accounts, values and lists.

As real clients do, they call a script by its name, and send its text to a node that does not know it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hiredis import ReplyError

from respkv.commands.table import lookup
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from tests.simulation import script_texts as texts
from tests.simulation.checker import Operation, explain
from tests.simulation.connection import SimulatedConnection
from tests.simulation.script_checker import Failure, with_anonymous_tokens
from tests.simulation.script_checker import step as step_of_scripts
from tests.simulation.script_steps import STEPS, Step, Thing, acquiring, reading, releasing
from tests.simulation.workload import UNKNOWN_WEIGHT, Call
from tests.simulation.world import Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User

SCRIPT_USERS = 2
KINDS = ("lock", *STEPS)
OF_EACH_KIND = 2
WEIGHT_MAX = 100  # of a history; then other keys are taken
CALLS_MAX = 2  # in a burst
STEPS_MAX = 3  # in a transaction
TRANSACTIONS = 200  # per mille of calls
BY_NAME = 800  # per mille of scripts called
OF_THE_NODE = 40  # per mille: bursts about what scripts a node knows


class Scripts:
    """The work of these users."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._databases = databases
        self._things: list[Thing] = []
        self._in_use = [self._new(kind) for kind in KINDS for _ in range(OF_EACH_KIND)]
        self._held: dict[tuple[int, bytes], bytes] = {}  # tokens, maybe, by user and lock
        self._to_repeat: dict[int, tuple[Thing, Step]] = {}  # by users, whose node knew no script

    def _new(self, kind: str) -> Thing:
        number = len(self._things)
        tag = b"%b%d" % (kind.encode(), number)
        self._things.append(Thing(kind, tag, number % self._databases))
        return self._things[-1]

    def burst(self, user: "User") -> list[Call]:
        """Return a few calls on one thing."""
        repeated = self._to_repeat.pop(user.number, None)
        if repeated is not None:
            thing, step = repeated
            return [self._call(user, thing, [step])]
        world = self._world
        if world.happens(OF_THE_NODE):
            return [self._about_scripts()]
        things = [thing for thing in self._in_use if user.expects_here(thing.key())]
        things = things or self._in_use
        thing = things[world.chance.below(len(things))]
        if thing.weight >= WEIGHT_MAX:
            self._in_use[self._in_use.index(thing)] = thing = self._new(thing.kind)
        random_call = self._on_lock if thing.kind == "lock" else self._on_others
        return [random_call(user, thing) for _ in range(world.between(1, CALLS_MAX))]

    # --- what users do -----------------------------------------------------------------------

    def _on_others(self, user: "User", thing: Thing) -> Call:
        world = self._world
        times = world.between(2, STEPS_MAX) if world.happens(TRANSACTIONS) else 1
        steps = [self._maybe_by_name(STEPS[thing.kind](thing, world)) for _ in range(times)]
        return self._call(user, thing, steps)

    def _on_lock(self, user: "User", lock: Thing) -> Call:
        """Who may have the lock lets it go; others take it, or try to let go what they have not."""
        place = user.number, lock.tag
        held = self._held.get(place)
        dice = self._world.chance.below(100)
        if dice < 20:
            return self._call(user, lock, [reading(lock)])
        if held is None and dice < 80:
            held = self._held[place] = lock.token()
            call = self._call(user, lock, [acquiring(lock, held)])
            self._then_forget(call, place, held, lambda reply: reply is None)
            call.refused = lambda _: self._held.pop(place, None)
            return call
        token = lock.token() if held is None or dice < 35 else held
        call = self._call(user, lock, [self._maybe_by_name(releasing(lock, token))])
        self._then_forget(call, place, token, lambda _: True)
        return call

    def _then_forget(
        self, call: Call, place: tuple[int, bytes], token: bytes, is_gone: Callable[[Any], bool]
    ) -> None:
        """A user does not have a token any more once a reply says so."""
        done = call.done

        def take(user: "User", operation: Operation) -> None:
            done(user, operation)
            if self._held.get(place) == token and is_gone(operation.result[0]):
                del self._held[place]

        call.done = take

    def _maybe_by_name(self, step: Step) -> Step:
        step.by_name = step.is_script and self._world.happens(BY_NAME)
        return step

    def _about_scripts(self) -> Call:
        """Load a script into the node, or have it forget all."""
        text = texts.TEXTS[self._world.chance.below(len(texts.TEXTS))]
        expected = texts.name_of(text)
        argv = [b"SCRIPT", b"LOAD", text]
        if self._world.happens(500):
            expected, argv = b"OK", [b"SCRIPT", b"FLUSH"]

        def done(_: "User", operation: Operation) -> None:
            if operation.result != expected:
                raise Violation(f"{argv} was answered {operation.result!r}")

        return Call("script", b"", None, lambda connection: connection.command(0, *argv), done)

    # --- calls -------------------------------------------------------------------------------

    def _call(self, user: "User", thing: Thing, steps: list[Step]) -> Call:
        commands = [texts.by_name(step.argv) if step.by_name else step.argv for step in steps]

        def submit(connection: SimulatedConnection) -> None:
            if len(commands) == 1:
                connection.command(thing.db, *commands[0])
            else:
                connection.transaction(thing.db, commands)

        def done(_: "User", operation: Operation) -> None:
            replies = operation.result if len(steps) > 1 else [operation.result]
            if not isinstance(replies, list) or len(replies) != len(steps):
                raise Violation(f"{commands} were answered {replies!r}")
            operation.result = [_seen(thing, reply) for reply in replies]
            self._count(steps, operation.result)
            thing.history.append(operation)
            thing.weight += 1

        def lost(operation: Operation) -> None:
            thing.history.append(operation)
            thing.weight += UNKNOWN_WEIGHT

        def refused(error: CommandError) -> None:
            if error.text.startswith(b"NOSCRIPT"):
                steps[0].by_name = False
                self._to_repeat[user.number] = thing, steps[0]

        call = Call("script", thing.key(), _what(steps), submit, done)
        call.refused = refused
        if not all(step.name.startswith("read") for step in steps):
            call.lost = lost
        if len(steps) == 1:
            call.fails_with = steps[0].fails_with
        return call

    def _count(self, steps: list[Step], replies: list[Any]) -> None:
        count = self._world.count
        for step, reply in zip(steps, replies, strict=True):
            if isinstance(reply, Failure) and not (
                step.fails_with and reply.text.startswith(step.fails_with)
            ):
                count("scripts without effect in transactions")
            elif step.is_script:
                count("scripts called by name" if step.by_name else "scripts sent")
                count("scripts failed half-way", isinstance(reply, Failure))

    # --- the end -----------------------------------------------------------------------------

    def check(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Compare what users saw with what scripts do, and with what is there at the end.

        Raises:
            Violation: no order of all calls explains what was seen.
        """
        now = self._world.now
        for thing in self._things:
            self._world.count("keys of scripts checked")
            keyspace = keyspace_of(thing.key())
            keyspace.select(thing.db)
            last = reading(thing)
            command = lookup(last.argv[0])
            assert command is not None
            reply = _seen(thing, command.handler(keyspace, last.argv))
            history = [*thing.history, Operation("script", _what([last]), now, now, [reply])]
            if thing.kind in ("value", "list"):
                history = with_anonymous_tokens(history)
            broken = explain(history, step=step_of_scripts)
            if broken is not None:
                raise Violation(f"the history of {thing.tag!r} is not linearizable: {broken}")


def _what(steps: list[Step]) -> tuple[tuple[str, Any, bool], ...]:
    return tuple([(step.name, step.argument, step.is_script) for step in steps])


def _seen(thing: Thing, reply: Any) -> Any:
    """Return a reply as the checker expects it.

    Raises:
        Violation: what a script has made of a token is not the same for everybody.
    """
    if isinstance(reply, CommandError):
        return Failure(reply.text)
    if isinstance(reply, ReplyError):
        return Failure(str(reply).encode())
    if thing.kind != "value" or not isinstance(reply, bytes):
        return reply
    token = reply.partition(b":")[0]
    if thing.written.setdefault(token, reply) != reply:
        raise Violation(f"{token!r} was written as {thing.written[token]!r}, and as {reply!r}")
    return token
