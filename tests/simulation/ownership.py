"""To whom does an entry of a stream's group belong? To one consumer at a time, until acknowledged.

A linearizable register for each entry: None as long as it is new, then its owner, in the end
nobody's (`ACKNOWLEDGED`).
"""

from collections.abc import Iterator

from tests.simulation.checker import UNKNOWN, Operation, State, explain
from tests.simulation.observed import Observed
from tests.simulation.stream_calls import (
    Acknowledgement,
    Claim,
    Delivery,
    EntryId,
    OwnEntries,
    Stream,
)

ACKNOWLEDGED = b""


def step(owner: State, operation: Operation) -> list[State]:
    """Return the states an operation may lead to; none when its result does not fit."""
    name, consumer, result = operation.name, operation.argument, operation.result
    is_pending = owner not in (None, ACKNOWLEDGED)
    if name == "deliver":
        return [consumer] if owner is None else []
    if name == "own":
        return [owner] if result == (owner == consumer) else []
    if name == "state":
        return [owner] if result == owner else []
    if operation.known and result != is_pending:
        return []
    if not is_pending:
        return [owner]
    return [consumer] if name == "claim" else [ACKNOWLEDGED]


def problem(calls: list[Observed], stream: Stream) -> str:
    """Return what is wrong with the owners of a stream's entries, or nothing."""
    for entry in stream.entries:
        owner = stream.pending.get(entry.id)
        if owner is None and entry.id <= stream.last_delivered:
            owner = ACKNOWLEDGED
        history = list(_operations(calls, entry.id))
        history.append(Operation("state", None, UNKNOWN - 1, UNKNOWN - 1, owner))
        broken = explain(history, step=step)
        if broken is not None:
            return f"{entry} cannot have belonged to those: {broken}"
    return ""


def _operations(calls: list[Observed], entry_id: EntryId) -> Iterator[Operation]:
    """Yield what happened to one entry, or may have happened."""
    for call in calls:
        name, argument = "", None
        result: bool | None = None
        if isinstance(call, Delivery):
            if not call.known or any(entry.id == entry_id for entry in call.entries):
                name, argument = "deliver", call.consumer
        elif isinstance(call, Claim):
            name, argument = "claim", call.consumer
            result = call.result(entry_id)
            if result is None and (call.known or not call.may_take(entry_id)):
                continue
        elif isinstance(call, OwnEntries):
            name, argument = "own", call.consumer
            result = any(entry.id == entry_id for entry in call.entries)
            if not call.known:
                continue  # it changes nothing
        elif isinstance(call, Acknowledgement) and entry_id in call.ids:
            name = "acknowledge"
            if call.known:
                result = call.done[call.ids.index(entry_id)]
        if name:
            yield Operation(name, argument, call.invoked, call.completed, result)
