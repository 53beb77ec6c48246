"""Places against redis-server: each command's replies, and searches that nobody thought of."""

from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, check, replies_test, sequences_test
from tests.commands.reference import Argv, Ours, Reference, Served

SICILY = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.583333 37.316667 A"
EDGES = """
    GEOADD g 0 0 zero 180 85.05112878 ne -180 -85.05112878 sw 180 0 east -180 0 west
    GEOADD g 179.9999 10 e 0 85.05112878 n 0 -85.05112878 s -0.00001 -0.00001 m""".strip()
ODD_SCORES = """
    ZADD g -1 minus -inf minf inf inf 1e300 huge -1e300 mhuge 1.5 frac -4503599627370497 m52
    ZADD g 4503599627370495 last 4503599627370496 past 9.3e18 p63 18446744073709551615 p64
    ZADD g 9223372036854775808 i63 -9223372036854775808 mi63 1152921504606846976 i60""".strip()

CASES = {
    "add": f"""
        {SICILY}
        GEOADD g 13.361389 38.115556 Palermo
        GEOADD g CH 13.5 38 Palermo 1 2 new
        GEOADD g NX 1 1 Palermo 3 4 newer
        GEOADD g xx 2 2 Palermo 3 4 newest
        GEOADD g XX ch 2 3 Palermo 3 4 newest
        GEOADD g ch ch NX 5 5 x
        GEOADD g 1 1 same 2 2 same
        GEOADD none XX 1 1 a
        EXISTS none
        GEOADD g 0x1p3 1e1 hex
        GEOADD g 1 1 ""
        ZRANGE g 0 -1 WITHSCORES
        OBJECT ENCODING g
        TYPE g
        """,
    "add, wrong": """
        GEOADD g
        GEOADD g 1 1
        GEOADD g 1 1 a 1
        GEOADD g NX XX 1 1 a
        GEOADD g NX 1 1
        GEOADD g NX XX CH
        GEOADD g NX CH CH
        GEOADD g CH CH CH CH
        GEOADD g GT 1 1 a
        GEOADD g INCR 1 1 a
        GEOADD g x 1 a
        GEOADD g 1 x a
        GEOADD g 1 1 a nan 1 b
        GEOADD g 181 1 a
        GEOADD g 1 85.06 a
        GEOADD g -181 -90 a
        GEOADD g inf 1 a
        GEOADD g 1 -inf a
        GEOADD g 1e300 1e20 a
        GEOADD g 1 1 a 200 1 b
        EXISTS g
        SET s v
        GEOADD s 1 1 a
        GEOADD s 200 1 a
        """,
    "places": f"""
        {SICILY}
        {EDGES}
        {ODD_SCORES}
        GEOPOS g Palermo none Catania A
        GEOPOS g
        GEOPOS none a b
        GEOPOS none
        GEOHASH g Palermo none Catania A
        GEOHASH g
        GEOHASH none a b
        GEOPOS g zero ne sw east west e n s m
        GEOHASH g zero ne sw east west e n s m
        GEOPOS g minus minf inf huge mhuge frac m52 last past p63 p64 i63 mi63 i60
        GEOHASH g minus minf inf huge mhuge frac m52 last past p63 p64 i63 mi63 i60
        SET s v
        GEOPOS s a
        GEOPOS s
        GEOHASH s a
        """,
    "distances": f"""
        {SICILY}
        {EDGES}
        {ODD_SCORES}
        GEODIST g Palermo Catania
        GEODIST g Palermo Catania m
        GEODIST g Palermo Catania KM
        GEODIST g Palermo Catania Ft
        GEODIST g Palermo Catania mi
        GEODIST g Palermo Catania yd
        GEODIST g Palermo Catania m m
        GEODIST g Palermo Palermo
        GEODIST g Palermo none
        GEODIST g none none yd
        GEODIST none a b
        GEODIST none a b yd
        GEODIST none a b m x
        GEODIST g Palermo
        GEODIST g ne sw
        GEODIST g n s
        GEODIST g zero east km
        GEODIST g east west
        GEODIST g zero n
        GEODIST g inf minf
        GEODIST g p63 m52
        SET s v
        GEODIST s a b
        GEODIST s a b yd
        """,
    "search": f"""
        {SICILY}
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 KM DESC WITHDIST
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km WITHCOORD WITHHASH WITHDIST
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km withhash
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km WITHCOORD
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 2 DESC
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ANY COUNT 2 ASC WITHDIST
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 mi COUNT 99 WITHDIST
        GEOSEARCH g BYRADIUS 500000 ft FROMMEMBER Palermo ASC WITHDIST
        GEOSEARCH g BYBOX 400 200 km FROMMEMBER Palermo WITHDIST
        GEOSEARCH g BYBOX 400 400 km FROMLONLAT 15 37 ASC WITHDIST
        GEOSEARCH g BYBOX 0 0 m FROMMEMBER A WITHDIST
        GEOSEARCH g BYRADIUS 0 m FROMMEMBER A WITHDIST
        GEOSEARCH g BYRADIUS 0 m FROMLONLAT 0 0
        GEOSEARCH none BYRADIUS 10 m FROMLONLAT 0 0
        GEOSEARCH none BYRADIUS 10 m FROMMEMBER a
        GEOSEARCH g BYRADIUS 10 m BYRADIUS 200 km FROMMEMBER A FROMMEMBER Palermo
        GEOSEARCH g BYBOX 10 10 m BYBOX 1000 1000 km FROMLONLAT 1 1 FROMLONLAT 15 37 ASC
        GEOSEARCH g BYRADIUS 1e999 m FROMLONLAT 0 0
        GEOSEARCH g BYRADIUS inf m FROMLONLAT 0 0 WITHDIST
        GEOSEARCH g BYBOX inf inf m FROMLONLAT 0 0
        GEOSEARCH g BYBOX 1e200 1e308 km FROMLONLAT 0 0
        GEOSEARCH g BYRADIUS 1e308 km FROMLONLAT 0 0
        GEOSEARCH g BYRADIUS 1e-300 m FROMLONLAT 0 0
        """,
    "search, wrong": f"""
        {SICILY}
        SET s v
        GEOSEARCH s FROMLONLAT 15 37 BYRADIUS x km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 yd
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS x km
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS -1 yd
        GEOSEARCH g FROMLONLAT 15 37 BYBOX x x yd
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 x yd
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 -1 yd
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 1 yd
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 km
        GEOSEARCH g FROMLONLAT 15 x BYRADIUS 1 km
        GEOSEARCH g FROMLONLAT 15 97 BYRADIUS 1 km
        GEOSEARCH g FROMMEMBER none BYRADIUS 1 km
        GEOSEARCH g FROMMEMBER A FROMLONLAT 15 37 BYRADIUS 1 km
        GEOSEARCH g FROMLONLAT 15 37 FROMMEMBER A BYRADIUS 1 km
        GEOSEARCH g FROMMEMBER A BYBOX 1 1 km BYRADIUS 1 km
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km BYBOX 1 1 km
        GEOSEARCH g BYRADIUS 1 km ASC ASC ASC
        geosearch g FROMMEMBER A ASC DESC ASC
        GEOSEARCH g ASC DESC ASC ASC ANY
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km ANY
        GEOSEARCH none FROMMEMBER A BYRADIUS 1 km ANY
        GEOSEARCH none FROMMEMBER A BYRADIUS 1 yd
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km COUNT 0
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km COUNT -1
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km COUNT x
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km COUNT
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km STORE d
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km STOREDIST
        GEOSEARCH g FROMMEMBER A BYRADIUS 1 km nothing
        GEOSEARCH g FROMMEMBER
        """,
    "store": f"""
        {SICILY}
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km
        ZRANGE d 0 -1 WITHSCORES
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        ZRANGE d 0 -1 WITHSCORES
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1 DESC STOREDIST
        ZRANGE d 0 -1 WITHSCORES
        GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 m
        EXISTS d
        SET d v
        GEOSEARCHSTORE d g FROMMEMBER A BYRADIUS 1 m WITHDIST
        geosearchstore d g FROMMEMBER A ASC DESC ASC
        GEOSEARCHSTORE d g BYRADIUS 1 m ASC ASC
        GEOSEARCHSTORE d s FROMMEMBER A BYRADIUS 1 m ANY
        GET d
        EXPIRE d 100
        GEOSEARCHSTORE d g FROMMEMBER A BYRADIUS 1 m COUNT 1 ANY
        TTL d
        TYPE d
        GEOSEARCHSTORE d none FROMMEMBER A BYRADIUS 1 m
        EXISTS d
        GEOSEARCHSTORE g g FROMMEMBER A BYRADIUS 150 km STOREDIST
        ZRANGE g 0 -1 WITHSCORES
        SET s v
        GEOSEARCHSTORE d s FROMMEMBER A BYRADIUS 1 m
        GEOSEARCHSTORE d g FROMMEMBER A BYRADIUS 1
        """,
    "the older commands": f"""
        {SICILY}
        GEORADIUS g 15 37 200 km
        GEORADIUS g 15 37 200 KM WITHDIST WITHCOORD WITHHASH ASC
        GEORADIUS g 15 37 200 km COUNT 1 DESC
        GEORADIUS g 15 37 200 km COUNT 1 ANY
        GEORADIUS_RO g 15 37 200 km WITHDIST
        GEORADIUSBYMEMBER g A 150 km WITHDIST
        GEORADIUSBYMEMBER_RO g A 150 km DESC
        GEORADIUS g 15 37 200 km STORE d
        ZRANGE d 0 -1 WITHSCORES
        GEORADIUS g 15 37 200 mi STOREDIST d
        ZRANGE d 0 -1 WITHSCORES
        GEORADIUS g 15 37 200 km STORE x STOREDIST d COUNT 2
        EXISTS x
        ZRANGE d 0 -1 WITHSCORES
        GEORADIUSBYMEMBER g A 100 km STOREDIST x STORE d
        ZRANGE d 0 -1 WITHSCORES
        GEORADIUS g 15 37 1 m STORE d
        EXISTS d
        SET d v
        GEORADIUS none 15 37 1 m STORE d
        EXISTS d
        SET d v
        GEORADIUSBYMEMBER none a x yd STORE d
        EXISTS d
        GEORADIUS none 15 37 1 m
        GEORADIUSBYMEMBER none a x yd
        GEORADIUSBYMEMBER none a x yd ANY
        GEORADIUS none 15 37 1 yd
        GEORADIUS none 15 97 1 m
        GEORADIUS g 15 37 200 km STORE
        GEORADIUS g 15 37 200 km STORE d WITHDIST
        GEORADIUS g 15 37 200 km WITHHASH STOREDIST d
        GEORADIUS g 15 37 200 km WITHCOORD STOREDIST d
        GEORADIUS_RO g 15 37 200 km STORE d
        GEORADIUSBYMEMBER_RO g A 200 km STOREDIST d
        GEORADIUS g 15 37 200 km FROMMEMBER A
        GEORADIUS g 15 37 200 km ANY
        GEORADIUS g 15 37 x km
        GEORADIUS g 15 37 -1 km
        GEORADIUS g x 37 1 km
        GEORADIUS g 15 37 1
        GEORADIUSBYMEMBER g none 1 km
        GEORADIUSBYMEMBER g none x yd
        GEORADIUSBYMEMBER g A x yd
        GEORADIUSBYMEMBER g A 1 yd
        SET s v
        GEORADIUS s 15 37 x km
        GEORADIUSBYMEMBER s A 1 km
        GEORADIUS_RO s 15 37 x km
        GEORADIUSBYMEMBER_RO s A 1 km
        """,
    "scores that are no places": f"""
        {ODD_SCORES}
        {EDGES}
        GEOSEARCH g FROMLONLAT 0 0 BYRADIUS inf m WITHDIST WITHHASH WITHCOORD
        GEOSEARCH g FROMMEMBER inf BYRADIUS 1 m WITHDIST
        GEOSEARCH g FROMMEMBER p63 BYRADIUS 100 km WITHDIST WITHHASH
        GEOSEARCH g FROMMEMBER past BYBOX 100 1000 km WITHDIST WITHHASH
        GEOSEARCH g FROMMEMBER ne BYBOX 20000 1000 km WITHDIST WITHHASH ASC
        GEOSEARCH g FROMMEMBER sw BYBOX 40000 40000 km WITHDIST
        GEOSEARCH g FROMMEMBER east BYRADIUS 5000 km WITHDIST
        GEOSEARCH g FROMMEMBER west BYRADIUS 5000 km WITHDIST
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


def degrees(limit: float) -> st.SearchStrategy[bytes]:
    """Return angles up to `limit`, many of them near each other."""
    anywhere = st.floats(-limit, limit)
    nearby = st.floats(-0.01, 0.01)
    edges = st.sampled_from([-limit, limit, 0.0, limit / 2, limit * 0.99, -limit * 0.8])
    return st.one_of(anywhere, nearby, edges).map(lambda angle: repr(angle).encode())


keys = st.sampled_from([b"g", b"h"])
members = st.integers(0, 30).map(lambda number: b"m%d" % number)
longitudes, latitudes = degrees(180.0), degrees(85.05112878)
units = st.sampled_from([b"m", b"km", b"FT", b"mi"])
sizes = st.one_of(
    st.sampled_from([b"0", b"1", b"1e9", b"inf"]),
    st.tuples(st.floats(1, 10), st.integers(0, 7)).map(
        lambda parts: repr(parts[0] * 10 ** parts[1]).encode()
    ),
)


def joined(*parts: st.SearchStrategy[list[bytes]]) -> st.SearchStrategy[list[bytes]]:
    return st.tuples(*parts).map(lambda lists: [text for items in lists for text in items])


def clause(name: str, *arguments: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    return call(name, *arguments)


points = st.lists(st.tuples(longitudes, latitudes, members), min_size=1, max_size=8).map(
    lambda chosen: [text for point in chosen for text in point]
)
centers = st.one_of(
    clause("FROMMEMBER", members), clause("FROMLONLAT", longitudes, latitudes)
)  # fmt: skip
shapes = st.one_of(clause("BYRADIUS", sizes, units), clause("BYBOX", sizes, sizes, units))
parts = st.lists(st.sampled_from([b"WITHDIST", b"WITHHASH", b"WITHCOORD"]), max_size=3)
# Which of those at the same distance a COUNT leaves out is nobody's promise, without ANY.
limits = st.sampled_from(
    [[], [b"ASC"], [b"DESC"], [b"COUNT", b"3", b"ANY"], [b"COUNT", b"8", b"ANY"]]
)
searches = joined(centers, shapes, limits)
commands = st.one_of(
    call_with("GEOADD", keys, rest=points),
    call_with("GEOADD", keys, rest=points),
    call_with("GEOSEARCH", keys, rest=joined(searches, parts)),
    call_with("GEOSEARCH", keys, rest=joined(searches, parts)),
    call_with("GEOSEARCHSTORE", st.just(b"d"), keys, rest=searches),
    call_with(
        "GEOSEARCHSTORE", st.just(b"d"), keys, rest=joined(searches, st.just([b"STOREDIST"]))
    ),
    call("ZRANGE", st.just(b"d"), st.just(b"0"), st.just(b"-1"), st.just(b"WITHSCORES")),
    call_with("GEORADIUS", keys, longitudes, latitudes, sizes, units, rest=joined(limits, parts)),
    call_with("GEORADIUSBYMEMBER", keys, members, sizes, units, rest=joined(limits, parts)),
    call("GEODIST", keys, members, members, units),
    call("GEOPOS", keys, members, members),
    call("GEOHASH", keys, members, members),
    call("ZREM", keys, members),
)


test_sequences = sequences_test(st.lists(commands, max_size=40))


def test_many_places(reference: Reference, served: Served) -> None:
    """Beyond the compact encoding, on a grid over the whole earth, from all over it."""
    sequence: list[Argv] = []
    for number in range(1_000):
        longitude, latitude = number * 7919 % 3600 / 10 - 180, number * 104_729 % 1700 / 10 - 85
        place = [repr(longitude).encode(), repr(latitude).encode()]
        sequence.append([b"GEOADD", b"g", *place, b"m%d" % number])
        if number % 20 == 0:
            center = [b"GEOSEARCH", b"g", b"FROMLONLAT", *place]
            kilometers = b"%d" % (100 + number * 10)
            sequence += [
                [*center, b"BYRADIUS", kilometers, b"km", b"WITHDIST"],
                [*center, b"BYBOX", kilometers, b"3000", b"km", b"WITHHASH"],
                [*center, b"BYRADIUS", kilometers, b"km", b"COUNT", b"9", b"ANY"],
                [*center, b"BYRADIUS", kilometers, b"km", b"COUNT", b"9", b"WITHDIST"],
                [*center, b"BYRADIUS", kilometers, b"km", b"DESC", b"COUNT", b"9"],
            ]
    for resp in (2, 3):
        reference.clear()
        check(sequence, resp, reference, Ours())
