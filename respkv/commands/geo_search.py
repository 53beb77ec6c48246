"""Searches for the members in a circle or a box: GEOSEARCH, and the older GEORADIUS commands."""

from respkv.commands.geo_query import Search
from respkv.commands.key_specs import KeySpec
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.commands.zsets import lookup_zset
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Reply


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
