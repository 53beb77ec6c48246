"""Where a command's keys stand in its argv (Redis' key specifications)."""

from collections.abc import Callable


class KeySpec:
    """Some keys of a command: what happens to them, and where they are.

    `access` holds Redis' words, "RW access update" for instance. The keys begin at the argument
    `keys[0]` or, when `keyword` is set, after that word, looked for from argument `keys[0]` on
    (backwards from the end when negative). They go on to `keys[1]` in steps of `keys[2]`; a
    negative last one counts from the end, and with `limit` 2 only the first half counts (3: a
    third ...). With `counted`, argument `keys[0]` holds their number instead. `unknown`: Redis
    cannot say. A `finder` returns the positions where this description does not say all.
    """

    def __init__(
        self,
        access: str,
        keys: tuple[int, int, int],
        keyword: str = "",
        limit: int = 0,
        counted: bool = False,
        unknown: bool = False,
        notes: str = "",
        finder: Callable[[list[bytes]], list[int]] | None = None,
    ) -> None:
        self.access = access
        self.keys = keys
        self.keyword = keyword
        self.limit = limit
        self.counted = counted
        self.unknown = unknown
        self.notes = notes
        self.finder = finder

    def is_range(self) -> bool:
        """Return whether first, last and step say it all."""
        return not (self.keyword or self.counted or self.unknown)

    def incomplete(self) -> bool:
        """Return whether the command may have keys that no specification covers."""
        return "incomplete" in self.access

    def find(self, argv: list[bytes]) -> list[int]:
        """Return the positions of the keys in `argv`; none where the command's form is wrong."""
        first, last, step = self.keys
        count = len(argv)
        if self.finder is not None:
            return self.finder(argv)
        if self.unknown:
            return []
        if self.keyword:
            first = self._after_keyword(argv)
            if first == 0:
                return []
        if self.counted:
            number = argv[first] if first < count else b""
            if not number.isdigit() or len(number) > 9 or first + int(number) >= count:
                return []
            return list(range(first + 1, first + 1 + int(number) * step, step))
        if self.keyword and last >= 0:
            last += first
        if last < 0:
            last += count
            if self.limit > 1:
                last = first + (count - first) // self.limit - 1
        if first >= count or last >= count:
            return []
        return list(range(first, last + 1, step))

    def _after_keyword(self, argv: list[bytes]) -> int:
        keyword = self.keyword.encode()
        start = self.keys[0]
        if start > 0:
            candidates = range(start, len(argv) - 1)
        else:
            candidates = range(len(argv) + start, 0, -1)
        for position in candidates:
            if argv[position].upper() == keyword:
                return position + 1
        return 0


def positions(specs: tuple[KeySpec, ...]) -> tuple[int, int, int, bool]:
    """Return (first, last, step) as COMMAND INFO reports them, and whether keys are elsewhere too.

    As Redis' populateCommandLegacyRangeSpec: consecutive plain ranges count as one.
    """
    if len(specs) == 1 and specs[0].is_range():
        return *specs[0].keys, specs[0].incomplete()
    first, last, movable = 0, 0, False
    for spec in specs:
        if not spec.is_range() or spec.keys[2] != 1 or (last and last != spec.keys[0] - 1):
            movable = True
            continue
        movable = movable or spec.incomplete()
        first = first or spec.keys[0]
        last = spec.keys[1] if last >= 0 else last
    return first, last, 1 if first else 0, movable
