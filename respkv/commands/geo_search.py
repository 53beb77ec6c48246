"""Searches for the members in a circle or a box: GEOSEARCH, and the older GEORADIUS commands."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.geo import distance_reply, parse_place, parse_unit, place_reply
from respkv.commands.geohash import Area, Place, decode
from respkv.commands.key_specs import KeySpec
from respkv.commands.scores import parse_score
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.commands.zsets import lookup_zset
from respkv.errors import BadSyntax, CommandError, NotAFloat, quoted
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.zset import ZSet, zset_of
from respkv.wire.reply import Reply

UNSORTED: Final = 0
ASCENDING: Final = 1
DESCENDING: Final = 2


@command(arity=-6, flags=WRITE | DENYOOM, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("OW "
         "update", (6, 0, 1), keyword="STORE"), KeySpec("OW update", (6, 0, 1),
         keyword="STOREDIST"),), group="geo", since="3.2.0", complexity="O(N+log(M)) where N is "
         "the number of elements inside the bounding box of the circular area delimited by center "
         "and radius and M is the number of items inside the index.", deprecated=("6.2.0",
         "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"), syntax="key "
         "longitude:double latitude:double radius:double unit(M | KM | FT | MI) [WITHCOORD] "
         "[WITHDIST] [WITHHASH] [count(COUNT count:integer [ANY@6.2.0])] [order(ASC | DESC)] "
         "[STORE key#1] [STOREDIST key#2]", summary="Query a sorted set representing a geospatial "
         "index to fetch members matching a given maximum distance from a point",
         history=(("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for "
         "uppercase unit names."),))  # fmt: skip
def georadius(keyspace: Keyspace, argv: Argv) -> Reply:
    return _around_place(keyspace, argv, True)


@command(arity=-6, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo",
         since="3.2.10", complexity="O(N+log(M)) where N is the number of elements inside the "
         "bounding box of the circular area delimited by center and radius and M is the number of "
         "items inside the index.", deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` "
         "argument"), syntax="key longitude:double latitude:double radius:double unit(M | KM | FT "
         "| MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count(COUNT count:integer [ANY@6.2.0])] "
         "[order(ASC | DESC)]", summary="A read-only variant for GEORADIUS", history=(("6.2.0",
         "Added the `ANY` option for `COUNT`."),))  # fmt: skip
def georadius_ro(keyspace: Keyspace, argv: Argv) -> Reply:
    return _around_place(keyspace, argv, False)


@command(arity=-5, flags=WRITE | DENYOOM, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("OW "
         "update", (5, 0, 1), keyword="STORE"), KeySpec("OW update", (5, 0, 1),
         keyword="STOREDIST"),), group="geo", since="3.2.0", complexity="O(N+log(M)) where N is "
         "the number of elements inside the bounding box of the circular area delimited by center "
         "and radius and M is the number of items inside the index.", deprecated=("6.2.0",
         "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
         syntax="key member radius:double unit(M | KM | FT | MI) [WITHCOORD] [WITHDIST] [WITHHASH] "
         "[count(COUNT count:integer [ANY])] [order(ASC | DESC)] [STORE key#1] [STOREDIST key#2]",
         summary="Query a sorted set representing a geospatial index to fetch members matching a "
         "given maximum distance from a member", history=(("7.0.0", "Added support for uppercase "
         "unit names."),))  # fmt: skip
def georadiusbymember(keyspace: Keyspace, argv: Argv) -> Reply:
    return _around_member(keyspace, argv, True)


@command(arity=-5, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo",
         since="3.2.10", complexity="O(N+log(M)) where N is the number of elements inside the "
         "bounding box of the circular area delimited by center and radius and M is the number of "
         "items inside the index.", deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and "
         "`FROMMEMBER` arguments"), syntax="key member radius:double unit(M | KM | FT | MI) "
         "[WITHCOORD] [WITHDIST] [WITHHASH] [count(COUNT count:integer [ANY])] [order(ASC | "
         "DESC)]", summary="A read-only variant for GEORADIUSBYMEMBER")  # fmt: skip
def georadiusbymember_ro(keyspace: Keyspace, argv: Argv) -> Reply:
    return _around_member(keyspace, argv, False)


@command(arity=-7, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo", since="6.2.0",
         complexity="O(N+log(M)) where N is the number of elements in the grid-aligned bounding "
         "box area around the shape provided as the filter and M is the number of items inside the "
         "shape", syntax="key from(FROMMEMBER member | FROMLONLAT "
         "longitude_latitude(longitude:double latitude:double)) by(circle(BYRADIUS radius:double "
         "unit(M | KM | FT | MI)) | box(BYBOX width:double height:double unit(M | KM | FT | MI))) "
         "[order(ASC | DESC)] [count(COUNT count:integer [ANY])] [WITHCOORD] [WITHDIST] "
         "[WITHHASH]", summary="Query a sorted set representing a geospatial index to fetch "
         "members inside an area of a box or a circle.", history=(("7.0.0", "Added support for "
         "uppercase unit names."),))  # fmt: skip
def geosearch(keyspace: Keyspace, argv: Argv) -> Reply:
    search = Search(lookup_zset(keyspace, argv[1]), argv)
    search.read_clauses(2, False)
    return search.run(keyspace)


@command(arity=-8, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, 2, 1)),), group="geo", since="6.2.0", complexity="O(N+log(M)) where N is "
         "the number of elements in the grid-aligned bounding box area around the shape provided "
         "as the filter and M is the number of items inside the shape", syntax="destination:key "
         "source:key#1 from(FROMMEMBER member | FROMLONLAT longitude_latitude(longitude:double "
         "latitude:double)) by(circle(BYRADIUS radius:double unit(M | KM | FT | MI)) | box(BYBOX "
         "width:double height:double unit(M | KM | FT | MI))) [order(ASC | DESC)] [count(COUNT "
         "count:integer [ANY])] [STOREDIST]", summary="Query a sorted set representing a "
         "geospatial index to fetch members inside an area of a box or a circle, and store the "
         "result in another key.", history=(("7.0.0", "Added support for uppercase unit names."),)
         )  # fmt: skip
def geosearchstore(keyspace: Keyspace, argv: Argv) -> Reply:
    search = Search(lookup_zset(keyspace, argv[2]), argv)
    search.target = argv[1]
    search.read_clauses(3, True)
    return search.run(keyspace)


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
        self.center: Place | None = None
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

    def read_member(self, at: int) -> None:
        """Take the center from the member named at `at`; any place will do for a missing key."""
        if self.zset is None:
            self.center = (0.0, 0.0)
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
        """Do the search and return the reply of its command."""
        if self.count and not self.order and not self.any:
            self.order = ASCENDING
        found = [] if self.zset is None else self._find(self.zset)
        if self.order:
            found.sort(key=_distance_of, reverse=self.order == DESCENDING)
        if self.count:
            del found[self.count :]
        if self.target is None:
            return [self._reply(one) for one in found]
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
        if self.center is None:
            raise CommandError(
                b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name
            )
        if self.width < 0:
            raise CommandError(
                b"ERR exactly one of BYRADIUS and BYBOX can be specified for " + name
            )
        if self.any and not self.count:
            raise CommandError(b"ERR the ANY argument requires COUNT argument")

    def _find(self, zset: ZSet) -> list[Found]:
        """Return the members in the area; with ANY, no more than COUNT."""
        assert self.center is not None
        area = Area(self.center, self.is_box, self.width, self.height, self.unit_m)
        limit = self.count if self.any else 0
        found: list[Found] = []
        for low, high in area.score_ranges():
            start = zset.order.rank_of_score(low, False)
            stop = zset.order.rank_of_score(high, False)
            for score, member in zset.order.slice(start, stop):
                place = decode(score)
                distance_m = area.distance_to(place[0], place[1])
                if distance_m == -1.0:
                    continue
                found.append(Found(member, score, place, distance_m))
                if len(found) == limit:
                    return found
        return found

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


def _around_place(keyspace: Keyspace, argv: Argv, may_store: bool) -> Reply:
    search = Search(lookup_zset(keyspace, argv[1]), argv)
    search.read_place(2)
    search.read_radius(4)
    search.read_options(6, may_store)
    return search.run(keyspace)


def _around_member(keyspace: Keyspace, argv: Argv, may_store: bool) -> Reply:
    """Do GEORADIUSBYMEMBER, which looks at no radius when there is no key."""
    search = Search(lookup_zset(keyspace, argv[1]), argv)
    search.read_member(2)
    if search.zset is None:
        search.width = 0.0
    else:
        search.read_radius(3)
    search.read_options(5, may_store)
    return search.run(keyspace)


def _parse_length(text: bytes, error: bytes) -> float:
    try:
        return parse_score(text)
    except NotAFloat:
        raise CommandError(error) from None


def _distance_of(one: Found) -> float:
    return one.distance_m
