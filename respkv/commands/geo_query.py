"""One search for places: its arguments, the members it meets, and its reply."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final

from respkv.commands.arguments import parse_int64
from respkv.commands.geo import distance_reply, parse_place, parse_unit, place_reply
from respkv.commands.geo_area import Area
from respkv.commands.geohash import Place, decode
from respkv.commands.scores import parse_score
from respkv.commands.table import Argv
from respkv.errors import BadSyntax, CommandError, NotAFloat, quoted
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.zset import ZSet, zset_of
from respkv.steps import Steps, finish
from respkv.wire.reply import Reply, SteppedReply

UNSORTED: Final = 0
ASCENDING: Final = 1
DESCENDING: Final = 2
LONG_CANDIDATES: Final = 2_000  # less takes a few milliseconds
STEP_CANDIDATES: Final = 200
SORTED_AT_ONCE: Final = 5_000

Candidates = tuple[Sequence[float], list[bytes]]  # scores and members


class Found:
    """A member that a search has met."""

    def __init__(self, member: bytes, score: float, place: Place, distance_m: float) -> None:
        self.member = member
        self.score = score
        self.place = place
        self.distance_m = distance_m


class Search:
    """One search: what its arguments ask for, and its doing. `zset` is None when there is none."""

    def __init__(self, zset: ZSet | None, argv: Argv) -> None:
        self.zset = zset
        self.argv = argv
        self.center: Place = (0.0, 0.0)
        self.has_center: bool = False
        self.is_box: bool = False
        self.width: float = -1.0  # -1: not given
        self.height: float = 0.0
        self.unit_m: float = 1.0
        self.with_distance: bool = False
        self.with_hash: bool = False
        self.with_place: bool = False
        self.order: int = UNSORTED
        self.count: int = 0  # 0: all
        self.any: bool = False
        self.target: bytes | None = None
        self.store_distances: bool = False

    def read_place(self, at: int) -> None:
        """Take the center's longitude and latitude at `at`."""
        self.center = parse_place(self.argv[at], self.argv[at + 1])
        self.has_center = True

    def read_member(self, at: int) -> None:
        """Take the center from the member named at `at`; any place will do for a missing key."""
        self.has_center = True
        if self.zset is None:
            return
        score = self.zset.score(self.argv[at])
        if score is None:
            raise CommandError(b"ERR could not decode requested zset member")
        self.center = decode(score)

    def read_radius(self, at: int) -> None:
        """Take a radius and its unit at `at`."""
        radius = _parse_length(self.argv[at], b"ERR need numeric radius")
        if radius < 0:
            raise CommandError(b"ERR radius cannot be negative")
        self.unit_m = parse_unit(self.argv[at + 1])
        self.width = self.height = radius

    def read_box(self, at: int) -> None:
        """Take width, height and their unit at `at`."""
        width = _parse_length(self.argv[at], b"ERR need numeric width")
        height = _parse_length(self.argv[at + 1], b"ERR need numeric height")
        if width < 0 or height < 0:
            raise CommandError(b"ERR height or width cannot be negative")
        self.unit_m = parse_unit(self.argv[at + 2])
        self.width, self.height, self.is_box = width, height, True

    def read_options(self, at: int, may_store: bool) -> None:
        """Take GEORADIUS' options from `at` on."""
        while at < len(self.argv):
            name = self.argv[at].upper()
            if may_store and name in (b"STORE", b"STOREDIST") and at + 1 < len(self.argv):
                self.target = self.argv[at + 1]
                self.store_distances = name == b"STOREDIST"
                at += 2
            else:
                at = self._read_option(at, name)
        self._check_options(b"STORE option in GEORADIUS")

    def read_clauses(self, at: int, may_store: bool) -> None:
        """Take GEOSEARCH's clauses and options from `at` on."""
        by_member = by_place = False
        while at < len(self.argv):
            name = self.argv[at].upper()
            left = len(self.argv) - at - 1
            if name == b"STOREDIST" and may_store:
                self.store_distances = True
                at += 1
            elif name == b"FROMMEMBER" and left >= 1 and not by_place:
                self.read_member(at + 1)
                by_member = True
                at += 2
            elif name == b"FROMLONLAT" and left >= 2 and not by_member:
                self.read_place(at + 1)
                by_place = True
                at += 3
            elif name == b"BYRADIUS" and left >= 2 and not self.is_box:
                self.read_radius(at + 1)
                at += 3
            elif name == b"BYBOX" and left >= 3 and (self.is_box or self.width < 0):
                self.read_box(at + 1)
                at += 4
            else:
                at = self._read_option(at, name)
        self._check_options(b"GEOSEARCHSTORE")

    def run(self, keyspace: Keyspace) -> Reply:
        """Do the search and return the reply of its command.

        Members at the same distance stay in the order of the search. Redis' partial sort, for a
        COUNT that leaves some out, may swap them.
        """
        if self.count and not self.order and not self.any:
            self.order = ASCENDING
        area = Area(self.center, self.is_box, self.width, self.height, self.unit_m)
        ranges = [] if self.zset is None else _candidates(self.zset, area)
        if self.target is None:
            held: list[list[Any]] = [members for _, members in ranges]
            steps = self._replies(area, ranges, held)
            is_long = sum(map(len, held)) >= LONG_CANDIDATES
            return SteppedReply(steps, held) if is_long else finish(steps)
        found = finish(self._find(area, ranges, []))
        if not found:
            keyspace.delete(self.target)
            return 0
        if self.store_distances:
            scores = [one.distance_m / self.unit_m for one in found]
        else:
            scores = [one.score for one in found]
        keyspace.set(self.target, zset_of([one.member for one in found], scores))
        return len(found)

    def _read_option(self, at: int, name: bytes) -> int:
        """Take an option that all searches have; return where the next one is."""
        if name == b"WITHDIST":
            self.with_distance = True
        elif name == b"WITHHASH":
            self.with_hash = True
        elif name == b"WITHCOORD":
            self.with_place = True
        elif name == b"ANY":
            self.any = True
        elif name == b"ASC":
            self.order = ASCENDING
        elif name == b"DESC":
            self.order = DESCENDING
        elif name == b"COUNT" and at + 1 < len(self.argv):
            self.count = parse_int64(self.argv[at + 1])
            if self.count <= 0:
                raise CommandError(b"ERR COUNT must be > 0")
            return at + 2
        else:
            raise BadSyntax
        return at + 1

    def _check_options(self, storing: bytes) -> None:
        if self.target is not None and (self.with_distance or self.with_hash or self.with_place):
            raise CommandError(
                b"ERR %b is not compatible with WITHDIST, WITHHASH and WITHCOORD options" % storing
            )
        name = quoted(self.argv[0])
        if not self.has_center:
            raise CommandError(
                b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name
            )
        if self.width < 0:
            raise CommandError(
                b"ERR exactly one of BYRADIUS and BYBOX can be specified for " + name
            )
        if self.any and not self.count:
            raise CommandError(b"ERR the ANY argument requires COUNT argument")

    def _find(
        self, area: Area, ranges: list[Candidates], held: list[list[Any]]
    ) -> Steps[list[Found]]:
        """Return the members in the area, in order, and no more than COUNT."""
        found: list[Found] = []
        held.append(found)
        yield from self._meet(area, ranges, found)
        if not self.order:
            return found[: self.count] if self.count else found
        reverse = self.order == DESCENDING
        runs: list[list[Found]] = []
        for start in range(0, len(found), SORTED_AT_ONCE):
            runs.append(found[start : start + SORTED_AT_ONCE])
            held.append(runs[-1])
            runs[-1].sort(key=_distance_of, reverse=reverse)
            yield 0
        merged = merge(*runs, key=_distance_of, reverse=reverse)
        nearest: list[Found] = []
        held.append(nearest)
        wanted = min(self.count or len(found), len(found))
        while len(nearest) < wanted:
            nearest += islice(merged, min(STEP_CANDIDATES, wanted - len(nearest)))
            yield 0
        return nearest

    def _meet(self, area: Area, ranges: list[Candidates], found: list[Found]) -> Steps[None]:
        """Append the members in the area; with ANY, no more than COUNT."""
        limit = self.count if self.any else 0
        for scores, members in ranges:
            for start in range(0, len(members), STEP_CANDIDATES):
                end = start + STEP_CANDIDATES
                for score, member in zip(scores[start:end], members[start:end], strict=True):
                    place = decode(score)
                    distance_m = area.distance_to(place[0], place[1])
                    if distance_m == -1.0:
                        continue
                    found.append(Found(member, score, place, distance_m))
                    if len(found) == limit:
                        return
                yield 0

    def _replies(self, area: Area, ranges: list[Candidates], held: list[list[Any]]) -> Steps[Reply]:
        found = yield from self._find(area, ranges, held)
        replies: list[Reply] = []
        for start in range(0, len(found), STEP_CANDIDATES):
            replies += [self._reply(one) for one in found[start : start + STEP_CANDIDATES]]
            yield 0
        return replies

    def _reply(self, one: Found) -> Reply:
        if not (self.with_distance or self.with_hash or self.with_place):
            return one.member
        parts: list[Reply] = [one.member]
        if self.with_distance:
            parts.append(distance_reply(one.distance_m / self.unit_m))
        if self.with_hash:
            parts.append(int(one.score))
        if self.with_place:
            parts.append(place_reply(one.place))
        return parts


def _candidates(zset: ZSet, area: Area) -> list[Candidates]:
    """Return the members around the area, range by range."""
    order = zset.order
    found: list[Candidates] = []
    for low, high in area.score_ranges():
        start, stop = order.rank_of_score(low, False), order.rank_of_score(high, False)
        found.append((order.scores(start, stop), order.members(start, stop)))
    return found


def _parse_length(text: bytes, error: bytes) -> float:
    try:
        return parse_score(text)
    except NotAFloat:
        raise CommandError(error) from None


def _distance_of(one: Found) -> float:
    return one.distance_m
