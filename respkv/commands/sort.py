"""SORT and SORT_RO: the elements of a list, set or sorted set in an order of their own.

ALPHA compares bytes, as Redis does in the C locale.
"""

from typing import Final

from respkv.commands.arguments import INT64_MAX, INT64_MIN, parse_range
from respkv.commands.key_specs import KeySpec
from respkv.commands.keys import in_cluster
from respkv.commands.scores import in_range
from respkv.commands.table import DENYOOM, MAY_STORE, READONLY, WRITE, Argv, Command, command
from respkv.errors import BadSyntax, CommandError, WrongType
from respkv.keyspace.hash import Hash
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.list import List
from respkv.keyspace.set import Set
from respkv.keyspace.values import Container
from respkv.keyspace.zset import ZSet
from respkv.wire.reply import Reply

_PLAIN: Final = b"0123456789.-"  # of these float() makes what strtod does
_NORMAL_MIN: Final = 2.2250738585072014e-308  # what is nearer to 0 is an underflow to strtod
_PLAIN_BYTES_MAX: Final = 300  # longer numbers may overflow or vanish
_SKIPPED: Final = {b"LIMIT": 2, b"GET": 1, b"BY": 1}


class Options:
    """What follows the key."""

    def __init__(self) -> None:
        self.descending = False
        self.alpha = False
        self.offset: int = 0
        self.count: int = -1
        self.by: bytes | None = None
        self.sorts = True  # no BY is without a star
        self.gets: list[bytes] = []
        self.store: bytes | None = None


def store_position(argv: Argv) -> list[int]:
    """Return where the key after STORE is; the last one counts, as in Redis."""
    found: list[int] = []
    position = 2
    while position < len(argv):
        option = argv[position].upper()
        if option == b"STORE" and position + 1 < len(argv):
            found = [position + 1]
        position += 1 + _SKIPPED.get(option, 0)
    return found


def is_logged(command: Command, argv: Argv) -> bool:
    """Return whether a command may change the keyspace, and so travels in the log."""
    if command.flags & MAY_STORE:
        return bool(store_position(argv))
    return command.flags & WRITE != 0


@command(arity=-2, flags=WRITE | DENYOOM | MAY_STORE, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("RO "
         "access", (0, 0, 0), unknown=True, notes="For the optional BY/GET keyword. It is marked "
         "'unknown' because the key names derive from the content of the key we sort"),
         KeySpec("OW update", (0, 0, 0), unknown=True, notes="For the optional STORE keyword. It "
         "is marked 'unknown' because the keyword can appear anywhere in the argument array", finder=store_position),),
         group="generic", since="1.0.0", complexity="O(N+M*log(M)) where N is the number of "
         "elements in the list or set to sort, and M the number of returned elements. When the "
         "elements are not sorted, complexity is O(N).", categories=("-keyspace", "set", "sortedset", "list",
         "dangerous",), syntax="key [BY pattern#1] [LIMIT offset_count(offset:integer "
         "count:integer)] [GET pattern#1...!] [order(ASC | DESC)] [ALPHA=sorting] [STORE "
         "destination:key#2]", summary="Sort the elements in a list, set or sorted set"
         )  # fmt: skip
def sort(keyspace: Keyspace, argv: Argv) -> Reply:
    options = _parse_options(keyspace, argv, may_store=True)
    result = _sort(keyspace, argv[1], options)
    if options.store is None:
        return result
    items = [b"" if item is None else item for item in result]
    if items:
        keyspace.set(options.store, List(items))
    else:
        keyspace.delete(options.store)
    return len(items)


@command(arity=-2, flags=READONLY, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("RO access",
         (0, 0, 0), unknown=True, notes="For the optional BY/GET keyword. It is marked 'unknown' "
         "because the key names derive from the content of the key we sort"),), group="generic",
         since="7.0.0", complexity="O(N+M*log(M)) where N is the number of elements in the list or "
         "set to sort, and M the number of returned elements. When the elements are not sorted, "
         "complexity is O(N).", categories=("-keyspace", "set", "sortedset", "list", "dangerous",), syntax="key "
         "[BY pattern#1] [LIMIT offset_count(offset:integer count:integer)] [GET pattern#1...!] "
         "[order(ASC | DESC)] [ALPHA=sorting]", summary="Sort the elements in a list, set or "
         "sorted set. Read-only variant of SORT.")  # fmt: skip
def sort_ro(keyspace: Keyspace, argv: Argv) -> Reply:
    return _sort(keyspace, argv[1], _parse_options(keyspace, argv, may_store=False))


def _parse_options(keyspace: Keyspace, argv: Argv, may_store: bool) -> Options:
    options = Options()
    position = 2
    while position < len(argv):
        option = argv[position].upper()
        left = len(argv) - position - 1
        position += 1
        if option in (b"ASC", b"DESC"):
            options.descending = option == b"DESC"
        elif option == b"ALPHA":
            options.alpha = True
        elif option == b"LIMIT" and left >= 2:
            options.offset = parse_range(argv[position], INT64_MIN, INT64_MAX)
            options.count = parse_range(argv[position + 1], INT64_MIN, INT64_MAX)
            position += 2
        elif option == b"STORE" and left >= 1 and may_store:
            options.store = argv[position]
            position += 1
        elif option == b"BY" and left >= 1:
            options.by = argv[position]
            if b"*" not in _as_c(options.by):
                options.sorts = False
            elif in_cluster(keyspace):
                raise CommandError(b"ERR BY option of SORT denied in Cluster mode.")
            position += 1
        elif option == b"GET" and left >= 1:
            if in_cluster(keyspace):
                raise CommandError(b"ERR GET option of SORT denied in Cluster mode.")
            options.gets.append(argv[position])
            position += 1
        else:
            raise BadSyntax
    return options


def _sort(keyspace: Keyspace, key: bytes, options: Options) -> list[bytes | None]:
    by = options.by
    alpha = options.alpha
    sorts = options.sorts
    value = keyspace.lookup(key)
    if isinstance(value, Set) and not sorts and options.store is not None:
        sorts = alpha = True  # what is stored must not follow from a set's own order
        by = None
    elements = _elements(keyspace, value, options.descending and not sorts)
    first, end = _limits(options, len(elements))
    if sorts and alpha and by is None and b"\0" not in b"".join(elements):
        chosen = sorted(elements, reverse=options.descending)[first:end]
    elif sorts:
        weights: list[bytes | None] = list(elements)
        if by is not None:
            weigh = Pattern(by)
            weights = [weigh.look_up(keyspace, element) for element in elements]
        if alpha:
            order = _order_of_texts(weights, options)
        else:
            order = _order_of_numbers(elements, weights, options.descending)
        chosen = [elements[position] for position in order[first:end]]
    else:
        chosen = elements[first:end]
    if not options.gets:
        return list(chosen)
    patterns = [Pattern(pattern) for pattern in options.gets]
    return [pattern.look_up(keyspace, element) for element in chosen for pattern in patterns]


def _elements(keyspace: Keyspace, value: object, backwards: bool) -> list[bytes]:
    """Return the elements in their own order; `backwards` is for those that have a promised one."""
    if value is None:
        return []
    if isinstance(value, Set):
        return value.in_order(keyspace.limits)
    if isinstance(value, List):
        elements = list(value.items)
    elif isinstance(value, ZSet):
        elements = [member for _, member in value.order.slice(0, len(value))]
    else:
        raise WrongType
    if backwards:
        elements.reverse()
    return elements


def _limits(options: Options, size: int) -> tuple[int, int]:
    first = min(max(options.offset, 0), size)
    return first, size if options.count < 0 else min(first + options.count, size)


def _order_of_numbers(
    elements: list[bytes], texts: list[bytes | None], descending: bool
) -> list[int]:
    """Return positions by number; elements of the same number by their bytes."""
    numbers = _numbers([b"0" if text is None else text for text in texts])
    order = list(range(len(elements)))
    if len(set(numbers)) < len(numbers):
        order.sort(key=elements.__getitem__, reverse=descending)
    order.sort(key=numbers.__getitem__, reverse=descending)
    return order


def _numbers(texts: list[bytes]) -> list[float]:
    """Return the numbers that strtod reads.

    Raises:
        CommandError: one of the texts is no number.
    """
    longest = max(map(len, texts), default=0)
    if longest < _PLAIN_BYTES_MAX and not b"".join(texts).translate(None, _PLAIN):
        try:
            return list(map(float, texts))
        except ValueError:
            pass  # an empty one, or "1-2"
    return list(map(_number, texts))


def _number(text: bytes) -> float:
    text = _as_c(text)
    number = in_range(text) if text else 0.0
    if number is None or 0.0 < abs(number) < _NORMAL_MIN:
        raise CommandError(b"ERR One or more scores can't be converted into double")
    return number


def _order_of_texts(texts: list[bytes | None], options: Options) -> list[int]:
    """Return positions by bytes, up to a zero byte unless the result is stored.

    What is missing comes first.
    """
    whole = options.store is not None
    keys = [
        b"" if text is None else b"\1" + (text if whole or b"\0" not in text else _as_c(text))
        for text in texts
    ]
    return sorted(range(len(keys)), key=keys.__getitem__, reverse=options.descending)


class Pattern:
    """What BY or GET asks for of each element: itself (#), a key, or key->field of a hash."""

    def __init__(self, text: bytes) -> None:
        shown = _as_c(text)
        star = shown.find(b"*")
        arrow = shown.find(b"->", star + 1)
        if len(shown) == arrow + 2:
            arrow = -1  # a field has a name
        self.is_element: bool = shown == b"#"
        self.is_fixed: bool = star < 0
        self.before: bytes = text[:star]
        self.behind: bytes = text[star + 1 :] if arrow < 0 else text[star + 1 : arrow]
        self.field: bytes | None = None if arrow < 0 else text[arrow + 2 :]

    def look_up(self, keyspace: Keyspace, element: bytes) -> bytes | None:
        """Return what is found for `element`; a fixed key never is, as in Redis."""
        if self.is_element:
            return element
        if self.is_fixed:
            return None
        value = keyspace.lookup(self.before + element + self.behind)
        if self.field is not None:
            return value.get(self.field) if isinstance(value, Hash) else None
        return None if value is None or isinstance(value, Container) else bytes(value)


def _as_c(text: bytes) -> bytes:
    """Return a text as C's functions see it: up to a zero byte."""
    return text.partition(b"\0")[0]
