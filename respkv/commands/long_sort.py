"""The sorting of SORT: in one go, or in steps where there are so many elements that others wait."""

from collections.abc import Sequence
from typing import Any, Final

from respkv.commands.lookups import Lookups, ReadingOn
from respkv.commands.sort_keys import (
    Options,
    Pattern,
    elements_of,
    limits,
    numbers,
    text_keys,
)
from respkv.commands.sorting import STEP_ITEMS, at_places, sort_in_steps
from respkv.keyspace.keyspace import Keyspace
from respkv.steps import Steps, free_some

ATTEMPTS_MAX: Final = 3  # at elements that others change meanwhile; then all is done in one go

Found = list[bytes | None]


def sort_at_once(keyspace: Keyspace, elements: list[bytes], options: Options) -> Found:
    """Return what SORT finds."""
    first, end = limits(options, len(elements))
    chosen = elements[first:end]
    by, alpha, descending = options.by, options.alpha, options.descending
    if options.sorts and alpha and by is None and b"\0" not in b"".join(elements):
        chosen = sorted(elements, reverse=descending)[first:end]
    elif options.sorts:
        weights: Found = list(elements)
        if by is not None:
            weigh = Pattern(by)
            weights = [weigh.look_up(keyspace, element) for element in elements]
        order = list(range(len(elements)))
        keys: list[Any] = _keys(weights, options)
        if not alpha and len(set(keys)) < len(keys):
            order.sort(key=elements.__getitem__, reverse=descending)
        order.sort(key=keys.__getitem__, reverse=descending)
        chosen = [elements[position] for position in order[first:end]]
    if not options.gets:
        return list(chosen)
    patterns = [Pattern(pattern) for pattern in options.gets]
    return [pattern.look_up(keyspace, element) for element in chosen for pattern in patterns]


def _keys(weights: Sequence[bytes | None], options: Options) -> list[Any]:
    return text_keys(weights, options.store is not None) if options.alpha else numbers(weights)


def long_sort(
    keyspace: Keyspace,
    key: bytes,
    elements: list[bytes],
    options: Options,
    held: list[list[Any]],
) -> Steps[Found]:
    """Return what SORT finds, as it is at one moment; lists that are to be freed get into `held`.

    Without patterns that is when `elements` were copied. What patterns find is of the moment when
    the last of it was looked up: if `key` has changed by then, all begins anew.
    """
    db = keyspace.db_index
    source = keyspace.counter(db, key)
    for _ in range(ATTEMPTS_MAX):
        held.append(elements)
        found = yield from _attempt(keyspace, db, (key, source), elements, options, held)
        if found is not None:
            return found
        while free_some(held):
            yield 0
        with ReadingOn(keyspace, db):
            source = keyspace.counter(db, key)
            elements = elements_of(keyspace, keyspace.lookup(key), options)
    with ReadingOn(keyspace, db):
        return sort_at_once(keyspace, elements, options)


def _attempt(
    keyspace: Keyspace,
    db: int,
    source: tuple[bytes, int],
    elements: list[bytes],
    options: Options,
    held: list[list[Any]],
) -> Steps[Found | None]:
    """Return what is found, None when the elements have changed meanwhile."""
    gets = [Pattern(pattern) for pattern in options.gets]
    first, end = limits(options, len(elements))
    columns: list[list[Any]] = []
    if options.sorts and options.by is not None:
        lookups = Lookups(keyspace, db, source, elements, [Pattern(options.by), *gets], held)
        if not (yield from lookups.steps()):
            return None
        held += lookups.found
        order = yield from _order(elements, lookups.found[0], options, (first, end), held)
        for column in lookups.found[1:] if gets else [elements]:
            columns.append((yield from at_places(column, order, first, end)))
    else:
        chosen: list[Any]
        if options.sorts:
            order = yield from _order(elements, elements, options, (first, end), held)
            chosen = yield from at_places(elements, order, first, end)
        else:
            chosen = elements[first:end]
        columns.append(chosen)
        if gets:
            held.append(chosen)
            lookups = Lookups(keyspace, db, source, chosen, gets, held)
            if not (yield from lookups.steps()):
                return None
            columns = lookups.found
    if len(columns) == 1:
        return columns[0]
    held += columns
    found: Found = [None] * (len(columns) * len(columns[0]))
    for number, column in enumerate(columns):
        found[number :: len(columns)] = column
        yield 0
    return found


def _order(
    elements: list[bytes],
    weights: Sequence[bytes | None],
    options: Options,
    wanted: tuple[int, int],
    held: list[list[Any]],
) -> Steps[list[int]]:
    """Return the elements' positions in their order, as far as it is wanted."""
    keys: list[Any] = []
    order: list[int] = []
    held += [keys, order]
    for start in range(0, len(weights), STEP_ITEMS):
        keys += _keys(weights[start : start + STEP_ITEMS], options)
        order += range(start, len(keys))
        yield 0
    ties = None if options.alpha else elements
    return (yield from sort_in_steps(order, keys, ties, options.descending, wanted))
