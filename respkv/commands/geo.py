"""Places in sorted sets: GEOADD, and what a member's score says of its place."""

from typing import Final

from respkv.commands import geohash as places
from respkv.commands.scores import parse_score
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.commands.zsets import lookup_zset, zadd
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import NULL_ARRAY, DoubleText, Reply

_OPTIONS: Final = (b"NX", b"XX", b"CH")
_UNITS: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}


@command(arity=-5, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="RW update", group="geo",
         since="3.2.0", complexity="O(log(N)) for each item added, where N is the number of "
         "elements in the sorted set.", syntax="key [condition(NX | XX)@6.2.0] [CH=change@6.2.0] "
         "longitude_latitude_member(longitude:double latitude:double member)...", summary="Add one "
         "or more geospatial items in the geospatial index represented using a sorted set",
         history=(("6.2.0", "Added the `CH`, `NX` and `XX` options."),))  # fmt: skip
def geoadd(keyspace: Keyspace, argv: Argv) -> Reply:
    """Do ZADD of the places' scores."""
    first = 2
    while first < len(argv) and argv[first].upper() in _OPTIONS:
        first += 1
    options = [option.upper() for option in argv[2:first]]
    if (len(argv) - first) % 3 or (b"NX" in options and b"XX" in options):
        raise BadSyntax
    addition = [b"ZADD", argv[1], *options]
    for at in range(first, len(argv), 3):
        longitude, latitude = parse_place(argv[at], argv[at + 1])
        addition.append(b"%d" % places.encode(longitude, latitude))
        addition.append(argv[at + 2])
    return zadd(keyspace, addition)


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo", since="3.2.0",
         complexity="O(log(N))", syntax="key member1 member2 [unit(M | KM | FT | MI)]",
         summary="Returns the distance between two members of a geospatial index")  # fmt: skip
def geodist(keyspace: Keyspace, argv: Argv) -> bytes | None:
    if len(argv) > 5:
        raise BadSyntax
    unit_m = parse_unit(argv[4]) if len(argv) == 5 else 1.0
    zset = lookup_zset(keyspace, argv[1])
    if zset is None:
        return None
    score, other_score = zset.score(argv[2]), zset.score(argv[3])
    if score is None or other_score is None:
        return None
    longitude, latitude = places.decode(score)
    longitude2, latitude2 = places.decode(other_score)
    meters = places.distance(longitude, latitude, longitude2, latitude2)
    return distance_reply(meters / unit_m)


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo", since="3.2.0",
         complexity="O(log(N)) for each member requested, where N is the number of elements in the "
         "sorted set.", syntax="key member...", summary="Returns members of a geospatial index as "
         "standard geohash strings")  # fmt: skip
def geohash(keyspace: Keyspace, argv: Argv) -> list[bytes | None]:
    zset = lookup_zset(keyspace, argv[1])
    texts: list[bytes | None] = []
    for member in argv[2:]:
        score = None if zset is None else zset.score(member)
        texts.append(None if score is None else places.standard_geohash(score))
    return texts


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="geo", since="3.2.0",
         complexity="O(N) where N is the number of members requested.", syntax="key member...",
         summary="Returns longitude and latitude of members of a geospatial index")  # fmt: skip
def geopos(keyspace: Keyspace, argv: Argv) -> Reply:
    zset = lookup_zset(keyspace, argv[1])
    found: list[Reply] = []
    for member in argv[2:]:
        score = None if zset is None else zset.score(member)
        found.append(NULL_ARRAY if score is None else place_reply(places.decode(score)))
    return found


def parse_place(longitude_text: bytes, latitude_text: bytes) -> places.Place:
    """Return a place that can have a score.

    Raises:
        CommandError: these are no numbers, or too near a pole or off the globe.
    """
    longitude, latitude = parse_score(longitude_text), parse_score(latitude_text)
    if abs(longitude) > places.LONGITUDE_MAX or abs(latitude) > places.LATITUDE_MAX:
        raise CommandError(b"ERR invalid longitude,latitude pair %f,%f" % (longitude, latitude))
    return longitude, latitude


def parse_unit(text: bytes) -> float:
    """Return the meters of a unit.

    Raises:
        CommandError: it is none.
    """
    unit_m = _UNITS.get(text.upper())
    if unit_m is None:
        raise CommandError(b"ERR unsupported unit provided. please use M, KM, FT, MI")
    return unit_m


def distance_reply(distance: float) -> bytes:
    """Return a distance as it is printed, in the same way by both protocols."""
    return b"%.4f" % distance


def place_reply(place: places.Place) -> Reply:
    """Return longitude and latitude as they are printed."""
    return [_coordinate(place[0]), _coordinate(place[1])]


def _coordinate(degrees: float) -> DoubleText:
    return DoubleText((b"%.17f" % degrees).rstrip(b"0").rstrip(b"."))
