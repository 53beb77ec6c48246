"""Strict serializability of transactions over append-only values (Kingsbury and Alvaro, Elle 2020).

A value is the tokens ever appended to its key, in order. A read shows who came before whom: the
*version order* of each key is the longest value anybody read, and every other read is a prefix of
it. From it follow the dependencies between transactions (Adya 1999): *ww* (its token is the next
one), *wr* (it read the token), *rw* (it read the value before the token), and *rt* (it was
answered before the other was asked for). A cycle of them is an anomaly, named by what it needs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.simulation.append_steps import APPEND, Token, Transaction

WW, WR, RW, RT = "ww", "wr", "rw", "rt"
# What a cycle is called by the dependencies it is made of; the first that fits is the worst.
_CLASSES = (("G0", (WW,)), ("G1c", (WW, WR)))

Edges = dict[int, dict[int, set[str]]]


@dataclass
class _History:
    """Transactions by the tokens they append, and every key's version order."""

    transactions: list[Transaction]
    writers: dict[tuple[bytes, Token], int] = field(default_factory=dict)
    orders: dict[bytes, list[Token]] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=list)


def anomalies(transactions: list[Transaction]) -> list[str]:
    """Return what no serial execution explains; nothing for a strictly serializable history.

    An unknown transaction counts as one that ran once any of its tokens was read; else it bears
    on nothing, since it may still run after everything else.
    """
    history = _History(transactions)
    found = list(_take_writers(history))
    found += _take_orders(history)
    found += _reads_of_what_never_was(history)
    found += _reads_inside(history)
    found += _lost(history)
    return found or _cycles(history)


def _take_writers(history: _History) -> Iterator[str]:
    for number, transaction in enumerate(history.transactions):
        for step in transaction.steps:
            if step.key not in history.orders:
                history.orders[step.key] = []
                history.keys.append(step.key)
            if step.kind == APPEND:
                if (step.key, step.token) in history.writers:
                    yield f"the history is unusable: {step.token!r} is appended by two"
                history.writers[step.key, step.token] = number


def _take_orders(history: _History) -> Iterator[str]:
    """Find each key's longest value; any two values must agree as far as both go."""
    for transaction in history.transactions:
        for step, _ in transaction.reads():
            value = step.value
            if value is None:
                continue
            longest = history.orders[step.key]
            if len(set(value)) != len(value):
                twice = next(token for token in value if value.count(token) > 1)
                yield f"duplicate append: {step.key!r} holds {twice!r} more than once"
            shared = min(len(value), len(longest))
            if value[:shared] != longest[:shared]:
                yield f"incompatible order: {step.key!r} was {longest} and {value}"
            elif len(value) > len(longest):
                history.orders[step.key] = value


def _reads_of_what_never_was(history: _History) -> Iterator[str]:
    """G1a: of a refused transaction. G1b: of the middle of one."""
    for number, transaction in enumerate(history.transactions):
        for step, _ in transaction.reads():
            for token in step.value or ():
                writer = history.writers.get((step.key, token))
                if writer is None:
                    yield f"garbage: {step.key!r} holds {token!r}, which nobody appended"
                elif history.transactions[writer].refused:
                    yield f"G1a: {step.key!r} holds {token!r} of a refused transaction"
            if not step.value:
                continue
            last = history.writers.get((step.key, step.value[-1]))
            if last is None or last == number:
                continue
            if history.transactions[last].appended(step.key)[-1] != step.value[-1]:
                yield f"G1b: {step.key!r} was read between two appends of one transaction"


def _reads_inside(history: _History) -> Iterator[str]:
    """A transaction sees its own appends at once, and nobody else's between its steps."""
    for transaction in history.transactions:
        before: dict[bytes, list[Token]] = {}
        for step, own in transaction.reads():
            if step.value is None:
                continue
            start = step.value[: len(step.value) - len(own)]
            if step.value[len(start) :] != own or start != before.setdefault(step.key, start):
                yield f"internal: {step.key!r} was {step.value} behind the appends {own}"


def _lost(history: _History) -> Iterator[str]:
    """An acknowledged append that is missing in a read which began later, for good."""
    for transaction in history.transactions:
        if not transaction.known:
            continue
        for step in transaction.steps:
            if step.kind != APPEND or step.token in history.orders[step.key]:
                continue
            if any(
                later.known
                and later.invoked > transaction.completed
                and any(read.key == step.key for read, _ in later.reads())
                for later in history.transactions
            ):
                yield f"lost append: {step.token!r} of {step.key!r} was acknowledged"


# --- dependencies ----------------------------------------------------------------------------


def _ran(history: _History) -> list[int]:
    """Return the transactions that have certainly run."""
    seen = {
        history.writers[key, token]
        for key, order in history.orders.items()
        for token in order
        if (key, token) in history.writers
    }
    return [
        n for n, transaction in enumerate(history.transactions) if transaction.known or n in seen
    ]


def _dependencies(history: _History) -> Edges:
    edges: Edges = {number: {} for number in _ran(history)}

    def depend(before: int, after: int, kind: str) -> None:
        if before != after:
            edges[before].setdefault(after, set()).add(kind)

    unread: dict[bytes, list[int]] = {key: [] for key in history.keys}
    for (key, token), writer in history.writers.items():
        if writer in edges and token not in history.orders[key]:
            unread[key].append(writer)  # it ran, behind everything that anybody read
    for key in history.keys:
        order = [history.writers[key, token] for token in history.orders[key]]
        for before, after in pairwise(order):
            depend(before, after, WW)
        if order:
            for writer in unread[key]:
                depend(order[-1], writer, WW)
    for number in edges:
        for step, own in history.transactions[number].reads():
            if step.value is None:
                continue
            length = len(step.value) - len(own)
            order = history.orders[step.key]
            if length:
                depend(history.writers[step.key, order[length - 1]], number, WR)
            if own:
                continue  # what comes next is its own
            if length < len(order):
                depend(number, history.writers[step.key, order[length]], RW)
            else:
                for writer in unread[step.key]:
                    depend(number, writer, RW)
    _add_real_time(history, edges)
    return edges


def _add_real_time(history: _History, edges: Edges) -> None:
    """Order by the clock through a chain of moments, so that n transactions need O(n) edges.

    A moment stands for "all of these have been answered"; it is a node of its own, numbered below 0.
    """
    running = sorted(edges, key=lambda number: history.transactions[number].invoked)
    answered = sorted(
        (number for number in running if history.transactions[number].known),
        key=lambda number: history.transactions[number].completed,
    )
    moment = -1
    edges[moment] = {}
    at = 0
    for number in running:
        first = at
        while at < len(answered) and (
            history.transactions[answered[at]].completed < history.transactions[number].invoked
        ):
            at += 1
        if at > first:
            edges[moment - 1] = {}
            edges[moment].setdefault(moment - 1, set()).add(RT)
            moment -= 1
            for earlier in answered[first:at]:
                edges[earlier].setdefault(moment, set()).add(RT)
        edges[moment].setdefault(number, set()).add(RT)


def _cycles(history: _History) -> list[str]:
    """Name one cycle of each strongly connected part, by the least it needs."""
    edges = _dependencies(history)
    return [_name_cycle(history, edges, set(part)) for part in _tangles(edges)]


def _name_cycle(history: _History, edges: Edges, part: set[int]) -> str:
    for realtime in ((), (RT,)):
        for name, kinds in _CLASSES:
            cycle = _find_cycle(edges, part, {*kinds, *realtime}, set(kinds))
            if cycle:
                return _describe(history, name, cycle, bool(realtime))
        for before in sorted(part):
            for after, kinds in sorted(edges[before].items()):
                if RW in kinds and after in part:
                    back = _path(edges, part, after, before, {WW, WR, *realtime})
                    if back:
                        return _describe(history, "G-single", [before, *back], bool(realtime))
        cycle = _find_cycle(edges, part, {WW, WR, RW, *realtime}, {RW})
        if cycle:
            return _describe(history, "G2", cycle, bool(realtime))
    raise AssertionError("a tangle without a cycle")


def _find_cycle(edges: Edges, part: set[int], kinds: set[str], needed: set[str]) -> list[int]:
    """Return a cycle of these kinds through an edge of one that is needed, else nothing."""
    for before in sorted(part):
        for after, found in sorted(edges[before].items()):
            if after in part and found & needed:
                back = _path(edges, part, after, before, kinds)
                if back:
                    return [before, *back]
    return []


def _path(edges: Edges, part: set[int], start: int, end: int, kinds: set[str]) -> list[int]:
    """Return the shortest way from start to end, both included; nothing when there is none."""
    came_from = {start: start}
    queue = [start]
    for place in queue:
        if place == end:
            way = [end]
            while way[-1] != start:
                way.append(came_from[way[-1]])
            return way[::-1]
        for after, found in sorted(edges[place].items()):
            if after in part and after not in came_from and found & kinds:
                came_from[after] = place
                queue.append(after)
    return []


def _describe(history: _History, name: str, cycle: list[int], realtime: bool) -> str:
    steps = [history.transactions[number].steps for number in cycle[:-1] if number >= 0]
    return f"{name}{' in real time' if realtime else ''}: {steps}"


def _tangles(edges: Edges) -> Iterable[list[int]]:
    """Return the strongly connected parts of more than one node (Tarjan 1972, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in edges:
        if root in order:
            continue
        work = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in on_stack:
                    low[node] = min(low[node], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    part: list[int] = []
                    while not part or part[-1] != node:
                        part.append(stack.pop())
                        on_stack.discard(part[-1])
                    if len(part) > 1:
                        yield part
