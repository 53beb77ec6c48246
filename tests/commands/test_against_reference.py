"""Every reply equals redis-server's, byte for byte, in RESP2 and in RESP3.

A case is a few lines of commands that run in order on both sides.
"""

import pytest

from tests.commands.comparing import replies_test
from tests.commands.reference import Ours, Reference, Served

CASES = {
    "get and set": """
        GET k
        SET k v
        GET k
        SET k ""
        GET k
        SET "" empty-key
        GET ""
        get k
        GeT k
        GET
        GET a b
        SET k
        SET
        """,
    "set conditions": """
        SET k 1 XX
        SET k 1 NX
        SET k 2 NX
        GET k
        SET k 3 XX
        SET k 4 xx get
        SET k 5 NX GET
        SET new 5 NX GET
        GET new
        SET k 6 GET
        SET none 6 GET
        SET k 6 NX XX
        SET k 6 XX NX
        SET k 6 NX NX
        SET fresh 6 NX NX
        """,
    "set times": """
        SET k v EXAT 9999999999
        PEXPIRETIME k
        SET k v2 KEEPTTL
        PEXPIRETIME k
        SET k v3
        PEXPIRETIME k
        SET k v PXAT 9999999999999
        EXPIRETIME k
        SET k v EX 100
        TTL k
        SET k v PX 100000
        TTL k
        SET k v EX 100 NX
        SET other v EX 100 NX
        SET k v EXAT 1
        GET k
        EXISTS k
        SET k v PXAT 1 GET
        GET k
        SET k v EXAT 9999999999 KEEPTTL
        SET k v KEEPTTL EXAT 9999999999
        SET k v KEEPTTL KEEPTTL
        SET k v EX 10 EX 20
        SET k v EX 10 PX 20
        SET k v EX 10 EXAT 20
        SET k v EX
        SET k v PX
        SET k v EXAT
        SET k v NX EX
        SET k v EX 0
        SET k v EX -1
        SET k v PX 0
        SET k v EX abc
        SET k v EX 1.5
        SET k v EX ""
        SET k v EX 9223372036854775807
        SET k v EX 9223372036854775
        SET k v PX 9223372036854775807
        SET k v EXAT 9223372036854775807
        SET k v EXAT 9223372036854776
        SET k v PXAT 9223372036854775808
        SET k v PXAT 0
        SET k v PERSIST
        SET k v FOO
        SET k v EX 10 FOO
        SET k v FOO EX abc
        SET k v GET EX abc
        """,
    "setnx setex psetex": """
        SETNX k 1
        SETNX k 2
        GET k
        SETEX k 100 v
        TTL k
        PSETEX k 100000 w
        TTL k
        SETEX k 0 v
        SETEX k -1 v
        SETEX k abc v
        SETEX k 9223372036854775807 v
        PSETEX k 0 v
        PSETEX k 9223372036854775807 v
        PSETEX k x v
        SETEX k 1
        PSETEX k 1
        SETNX k
        """,
    "getex": """
        GETEX k
        SET k v
        GETEX k
        GETEX k EXAT 9999999999
        PEXPIRETIME k
        GETEX k
        PEXPIRETIME k
        GETEX k PERSIST
        PEXPIRETIME k
        GETEX k PERSIST
        GETEX k PXAT 9999999999999
        PEXPIRETIME k
        GETEX k EX 100
        TTL k
        GETEX k EX 0
        GETEX k EX abc
        GETEX none EX abc
        GETEX none EX 10 PX 10
        GETEX k EX 10 PERSIST
        GETEX k PERSIST EX 10
        GETEX k PERSIST PERSIST
        GETEX k KEEPTTL
        GETEX k NX
        GETEX k EX
        GETEX k PXAT 9223372036854775807
        GETEX k PXAT 9223372036854775808
        GETEX k EXAT 1
        GET k
        GETEX
        """,
    "getdel and getset": """
        GETDEL k
        GETSET k 1
        GETSET k 2
        PEXPIREAT k 9999999999999
        GETSET k 3
        PEXPIRETIME k
        GETDEL k
        GETDEL k
        GETSET k
        GETDEL
        """,
    "many keys": """
        MSET a 1 b 2 c 3
        MGET a b c d a
        MSET a
        MSET a 1 b
        MSET a x a y
        GET a
        MSETNX a 1 new 2
        GET new
        MSETNX n1 1 n2 2 n1 3
        MGET n1 n2
        MSETNX a
        MSETNX a 1 b
        MGET
        MSET
        """,
    "counters": """
        INCR k
        INCR k
        DECR k
        INCRBY k 10
        DECRBY k 3
        GET k
        PEXPIREAT k 9999999999999
        INCR k
        PEXPIRETIME k
        SET k 9223372036854775806
        INCR k
        INCR k
        INCRBY k 1
        DECRBY k -1
        SET k -9223372036854775808
        DECR k
        INCRBY k -1
        DECRBY k 9223372036854775807
        DECRBY k -9223372036854775808
        DECRBY nosuch -9223372036854775808
        INCRBY nosuch -9223372036854775808
        INCRBY k 9223372036854775808
        INCRBY k abc
        INCRBY k 1.0
        INCRBY k " 1"
        INCRBY k "1 "
        INCRBY k +1
        INCRBY k 01
        INCRBY k -0
        INCRBY k 0
        INCRBY k ""
        INCRBY k 1_0
        INCRBY k -
        INCRBY k 0x10
        SET k abc
        INCR k
        SET k ""
        INCR k
        SET k "1 "
        INCR k
        SET k 01
        INCR k
        SET k -0
        INCR k
        SET k 9223372036854775808
        INCR k
        SET k 1.0
        INCR k
        SET k "12\\x00"
        INCR k
        INCR
        INCRBY k
        DECRBY k 1 2
        """,
    "incrbyfloat": """
        INCRBYFLOAT k 10.5
        INCRBYFLOAT k 0.1
        INCRBYFLOAT k -5
        GET k
        SET k 10.50
        INCRBYFLOAT k 0.1
        SET k 5.0e3
        INCRBYFLOAT k 2.0e2
        INCRBYFLOAT k 1e400
        INCRBYFLOAT k 1e4000
        INCRBYFLOAT k 1e5000
        INCRBYFLOAT k -1e4000
        SET k 3.0
        INCRBYFLOAT k 1.000000000000000005
        SET k 0
        INCRBYFLOAT k 0.00000000000000001
        INCRBYFLOAT k 0.000000000000000001
        INCRBYFLOAT k 1e-4000
        INCRBYFLOAT k 1e-5000
        INCRBYFLOAT k 3.14159265358979323846
        INCRBYFLOAT k inf
        INCRBYFLOAT k -inf
        INCRBYFLOAT k infinity
        INCRBYFLOAT k nan
        INCRBYFLOAT k "nan(1)"
        INCRBYFLOAT k abc
        INCRBYFLOAT k ""
        INCRBYFLOAT k " 1"
        INCRBYFLOAT k "1 "
        INCRBYFLOAT k +1
        INCRBYFLOAT k 0x10
        INCRBYFLOAT k 0x1.8p3
        INCRBYFLOAT k 0x.8
        INCRBYFLOAT k 0x
        INCRBYFLOAT k 1e
        INCRBYFLOAT k .
        INCRBYFLOAT k .5
        INCRBYFLOAT k 5.
        INCRBYFLOAT k 1_0
        INCRBYFLOAT k 1e+2
        INCRBYFLOAT k 1E-2
        INCRBYFLOAT k -0
        SET k -1
        INCRBYFLOAT k 1
        SET k 1e-30
        INCRBYFLOAT k -2e-30
        SET k abc
        INCRBYFLOAT k 1
        SET k inf
        INCRBYFLOAT k 1
        SET k ""
        INCRBYFLOAT k 1
        SET k 17179869184
        INCRBYFLOAT k 1.5
        INCRBYFLOAT k 12345678901234567890123456789
        SET k 1.7e308
        INCRBYFLOAT k 1.7e308
        SET k 1.1e4932
        INCRBYFLOAT k 1.1e4932
        INCRBYFLOAT k 0.0000000000000000000000000000000000000000000000000000000000000000001
        SET k 0.1
        INCRBYFLOAT k 0.2
        SET k 100
        INCRBYFLOAT k 0.01
        INCRBYFLOAT k
        """,
    "append and strlen": """
        STRLEN k
        APPEND k abc
        STRLEN k
        APPEND k def
        GET k
        APPEND k ""
        APPEND empty ""
        EXISTS empty
        SET n 12
        APPEND n 3
        INCR n
        GET n
        APPEND k
        STRLEN
        """,
    "setrange and getrange": """
        SETRANGE k 0 ""
        EXISTS k
        SETRANGE k 5 ""
        EXISTS k
        SETRANGE k 3 abc
        GET k
        SETRANGE k 1 ZZ
        GET k
        SETRANGE k 6 tail
        GET k
        SETRANGE k 0 ""
        SETRANGE k -1 x
        SETRANGE none -1 ""
        SETRANGE k abc x
        SETRANGE k 536870912 x
        SETRANGE k 536870911 xx
        SETRANGE none 536870912 x
        SETRANGE none 536870912 ""
        SETRANGE k 9223372036854775807 x
        SETRANGE k 9223372036854775808 x
        SET k 0123456789
        GETRANGE k 0 3
        GETRANGE k 0 -1
        GETRANGE k -3 -1
        GETRANGE k -1 -3
        GETRANGE k 5 2
        GETRANGE k 0 100
        GETRANGE k -100 100
        GETRANGE k -100 -50
        GETRANGE k -100 -10
        GETRANGE k 10 20
        GETRANGE k 9 9
        GETRANGE k 3 -8
        GETRANGE k 9223372036854775807 -1
        GETRANGE k -9223372036854775808 9223372036854775807
        GETRANGE k a 1
        GETRANGE k 1 b
        GETRANGE none 0 -1
        SET k ""
        GETRANGE k 0 -1
        GETRANGE k 0 0
        SUBSTR k 0 1
        SET k 0123456789
        SUBSTR k 2 4
        SUBSTR k
        GETRANGE k 1
        """,
    "lcs": """
        MSET a ohmytext b mynewtext
        LCS a b
        LCS a b LEN
        LCS a b IDX
        LCS a b IDX MINMATCHLEN 4
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        LCS a b IDX WITHMATCHLEN
        LCS a b IDX LEN
        LCS a b LEN LEN
        LCS a b MINMATCHLEN
        LCS a b MINMATCHLEN x
        LCS a b IDX MINMATCHLEN -5
        LCS a b IDX MINMATCHLEN 100
        LCS a b FOO
        LCS a none
        LCS none b LEN
        LCS none b IDX
        LCS a a
        LCS a a IDX WITHMATCHLEN
        LCS a
        """,
    "existence": """
        MSET a 1 b 2
        EXISTS a
        EXISTS a a b c
        TOUCH a b c
        DEL a c a
        DEL a
        UNLINK b b
        EXISTS b
        DEL
        UNLINK
        EXISTS
        TOUCH
        """,
    "types and objects": """
        TYPE k
        SET k 12
        TYPE k
        OBJECT ENCODING k
        OBJECT REFCOUNT k
        SET k 10000
        OBJECT REFCOUNT k
        OBJECT ENCODING k
        SET k 9223372036854775808
        OBJECT ENCODING k
        SET k 01
        OBJECT ENCODING k
        SET k abc
        OBJECT ENCODING k
        OBJECT REFCOUNT k
        APPEND k d
        OBJECT ENCODING k
        SET k 01234567890123456789012345678901234567890123
        OBJECT ENCODING k
        SET k 012345678901234567890123456789012345678901234
        OBJECT ENCODING k
        SETRANGE fresh 0 x
        OBJECT ENCODING fresh
        OBJECT ENCODING none
        OBJECT REFCOUNT none
        OBJECT IDLETIME none
        OBJECT FREQ none
        OBJECT FREQ k
        OBJECT HELP
        OBJECT help
        OBJECT
        OBJECT FOO
        OBJECT FOO k
        OBJECT ENCODING
        OBJECT ENCODING k x
        OBJECT HELP x
        TYPE
        """,
    "rename": """
        RENAME none x
        RENAME none none
        SET k v PXAT 9999999999999
        RENAME k k
        RENAMENX k k
        RENAME k k2
        PEXPIRETIME k2
        EXISTS k
        SET other o
        RENAME k2 other
        GET other
        PEXPIRETIME other
        SET plain p
        RENAME plain other
        PEXPIRETIME other
        SET k v
        RENAMENX k other
        RENAMENX k brandnew
        RENAMENX k brandnew
        RENAME k
        RENAMENX k
        """,
    "copy": """
        COPY none x
        SET k v PXAT 9999999999999
        COPY k k2
        PEXPIRETIME k2
        SET k3 x
        COPY k k3
        GET k3
        COPY k k3 REPLACE
        GET k3
        COPY k k
        COPY none none
        COPY k k REPLACE
        COPY k k DB 0
        COPY k k DB 1
        COPY k k DB 1
        COPY k k DB 1 REPLACE
        COPY k k DB 16
        COPY k k DB -1
        COPY k k DB abc
        COPY k k DB 99999999999
        COPY k k DB
        COPY k k FOO
        COPY k k DB 1 DB 2
        COPY k k DB 16 FOO
        COPY k
        APPEND k x
        COPY k raw
        APPEND k y
        GET raw
        SELECT 1
        GET k
        PEXPIRETIME k
        """,
    "move": """
        MOVE none 1
        SET k v PXAT 9999999999999
        MOVE k 0
        MOVE k 16
        MOVE k -1
        MOVE k abc
        MOVE k 99999999999
        MOVE k 1
        EXISTS k
        SET k w
        MOVE k 1
        SELECT 1
        GET k
        PEXPIRETIME k
        MOVE k
        """,
    "swapdb": """
        SET k zero
        SELECT 1
        SET k one PXAT 9999999999999
        SWAPDB 0 1
        GET k
        PEXPIRETIME k
        SELECT 0
        GET k
        SWAPDB 0 0
        SWAPDB 0 16
        SWAPDB -1 0
        SWAPDB a 0
        SWAPDB 0 b
        SWAPDB a b
        SWAPDB 99999999999 0
        SWAPDB 0
        """,
    "flush": """
        SET k v
        SELECT 1
        SET k v
        DBSIZE
        FLUSHDB
        DBSIZE
        SELECT 0
        DBSIZE
        FLUSHALL ASYNC
        DBSIZE
        FLUSHDB sync
        FLUSHALL FOO
        FLUSHDB FOO
        FLUSHALL SYNC ASYNC
        FLUSHDB SYNC SYNC
        DBSIZE x
        """,
    "expire": """
        EXPIRE none 100
        SET k v
        TTL k
        PTTL k
        EXPIRETIME k
        PEXPIRETIME k
        TTL none
        PTTL none
        EXPIRETIME none
        PEXPIRETIME none
        EXPIRE k 100
        TTL k
        PEXPIRE k 200000
        TTL k
        PERSIST k
        PERSIST k
        PERSIST none
        TTL k
        EXPIREAT k 9999999999
        EXPIRETIME k
        PEXPIREAT k 9999999999499
        EXPIRETIME k
        PEXPIREAT k 9999999999500
        EXPIRETIME k
        PEXPIRETIME k
        EXPIRE k abc
        EXPIRE k 1.5
        EXPIRE none abc
        EXPIRE k 9223372036854775807
        EXPIRE k 9223372036854775
        EXPIRE k 9223372036854776
        EXPIRE k -9223372036854775807
        EXPIREAT none -9223372036854775
        EXPIREAT none -9223372036854776
        EXPIREAT k 9223372036854775
        EXPIREAT k 9223372036854776
        PEXPIREAT k 9223372036854775807
        PEXPIREAT k 9223372036854775808
        PEXPIRE k 9223372036854775807
        PEXPIRE none -9223372036854775808
        EXPIRE k 0
        EXISTS k
        SET k v
        EXPIRE k -1
        EXISTS k
        SET k v
        EXPIREAT k 1
        EXISTS k
        SET k v
        PEXPIREAT k 0
        EXISTS k
        SET k v
        PEXPIRE k -9223372036854775808
        EXISTS k
        EXPIRE k
        PERSIST
        TTL
        """,
    "expire conditions": """
        SET k v
        EXPIREAT k 9999999999 XX
        EXPIREAT k 9999999999 GT
        PEXPIRETIME k
        EXPIREAT k 9999999999 LT
        PEXPIRETIME k
        EXPIREAT k 9999999998 NX
        EXPIREAT k 9999999998 GT
        EXPIREAT k 9999999999 GT
        EXPIREAT k 9999999999 LT
        EXPIREAT k 9999999998 LT
        PEXPIRETIME k
        EXPIREAT k 9999999999 gt
        EXPIREAT k 9999999997 XX
        EXPIREAT k 9999999998 XX GT
        EXPIREAT k 9999999998 XX LT
        EXPIREAT k 9999999990 LT XX
        PERSIST k
        EXPIREAT k 9999999999 XX LT
        EXPIREAT k 9999999999 XX GT
        EXPIREAT k 9999999999 NX
        PEXPIRETIME k
        EXPIREAT k 9999999999 NX XX
        EXPIREAT k 9999999999 NX GT
        EXPIREAT k 9999999999 NX LT
        EXPIREAT k 9999999999 GT LT
        EXPIREAT k 9999999999 NX NX
        EXPIREAT k 9999999999 FOO
        EXPIREAT k abc FOO
        EXPIREAT none 9999999999 FOO
        EXPIREAT k 9999999999 NX "bad option"
        EXPIREAT k 1 GT
        EXISTS k
        EXPIREAT k 1 LT
        EXISTS k
        """,
    "scan options": """
        SCAN 0
        SCAN 1
        SET k v
        SCAN 0
        SCAN 0 COUNT 0
        SCAN 0 COUNT -1
        SCAN 0 COUNT abc
        SCAN 0 COUNT
        SCAN 0 MATCH
        SCAN 0 MATCH x
        SCAN 0 MATCH k
        SCAN 0 MATCH *
        SCAN 0 MATCH ""
        SCAN 0 TYPE string
        SCAN 0 TYPE STRING
        SCAN 0 TYPE list
        SCAN 0 TYPE foo
        SCAN 0 TYPE
        SCAN 0 FOO bar
        SCAN 0 MATCH k COUNT 10 TYPE string
        SCAN abc
        SCAN -1 FOO
        SCAN 1.5
        SCAN ""
        SCAN " 0"
        SCAN "0 "
        SCAN +0
        SCAN 0x0
        SCAN 00
        SCAN 18446744073709551616
        SCAN -18446744073709551616
        SCAN
        KEYS
        KEYS a b
        RANDOMKEY
        RANDOMKEY x
        KEYS k
        KEYS x
        FLUSHALL
        RANDOMKEY
        KEYS *
        """,
    "unknown": """
        FOO
        FOO a b c
        "FO\\x00O" a
        """,
    "a list where a string is asked for": """
        RPUSH l x
        GET l
        SET l v GET
        SET l v NX GET
        GETSET l v
        GETDEL l
        GETEX l
        GETEX l EX abc
        GETEX l EX 0
        MGET l
        INCR l
        INCRBY l 1
        INCRBY l abc
        DECRBY l 1
        INCRBYFLOAT l 1
        INCRBYFLOAT l abc
        APPEND l x
        STRLEN l
        SETRANGE l 0 x
        SETRANGE l -1 x
        SETRANGE l 0 ""
        SETRANGE l 536870912 x
        GETRANGE l 0 1
        GETRANGE l a 1
        LCS l l
        LCS none l
        LCS l none FOO
        SETNX l v
        MSETNX a 1 l 2
        EXISTS l
        TYPE l
        TTL l
        EXPIREAT l 9999999999
        PERSIST l
        SCAN 0 TYPE list
        SCAN 0 TYPE string
        COPY l l2
        TYPE l2
        RENAME l2 l3
        TYPE l3
        OBJECT REFCOUNT l
        SET l v XX
        GET l
        DEL l3
        """,
}

test_replies_are_those_of_redis = replies_test(CASES)


@pytest.mark.parametrize("sizes", [(3, 130), (3, 100, 40, 4), (130, 1), (3, 126, 1), (3, 125, 3)])
def test_an_unknown_command_is_repeated_up_to_128_bytes(
    sizes: tuple[int, ...], reference: Reference, ours: Ours | Served
) -> None:
    argv = [b"x" * size for size in sizes]
    assert ours.call(argv) == reference.call(argv)
