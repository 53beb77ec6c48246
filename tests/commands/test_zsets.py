"""Sorted sets against redis-server: each command's replies, and sequences that nobody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, check, replies_test, sequences_test, shared
from tests.commands.reference import Argv, Ours, Reference, Served

CASES = {
    "add": """
        ZADD z 1 a 2 b
        ZADD z 1 a 3 b 3 c
        ZADD z CH 1 a 4 b 5 d
        ZADD z NX 9 a 6 e
        ZADD z XX 8 a 7 f
        ZADD z XX CH 9 a 7 f
        ZADD z GT 8 a 7 g
        ZADD z GT CH 10 a
        ZADD z LT CH 11 a 3 b
        ZADD z gt xx ch 11 a 1 new
        ZADD z LT XX CH 1 a 1 new
        ZRANGE z 0 -1 WITHSCORES
        ZADD z INCR 5 a
        ZADD z INCR 5 new
        ZADD z NX INCR 5 a
        ZADD z NX INCR 5 newer
        ZADD z XX INCR 5 nobody
        ZADD z XX INCR 5 a
        ZADD z GT INCR -5 a
        ZADD z GT INCR 5 a
        ZADD z LT INCR 5 a
        ZADD z LT INCR 0 a
        ZADD z INCR 0 a
        ZADD z XX CH INCR 0 a
        ZADD none XX 1 a
        ZADD none XX INCR 1 a
        EXISTS none
        ZADD z 1 same 2 same
        ZSCORE z same
        ZADD z 1 "" 2 \\x00\\xff
        ZADD z ch ch incr incr 1 a
        ZADD z 1 nx
        ZADD nx NX 1 nx
        ZRANGE z 0 -1 WITHSCORES
        """,
    "add, wrong": """
        ZADD z
        ZADD z 1
        ZADD z NX
        ZADD z NX XX
        ZADD z 1 a b
        ZADD z 1 a 2
        ZADD z NX XX 1 a
        ZADD z GT LT 1 a
        ZADD z GT NX 1 a
        ZADD z LT NX 1 a
        ZADD z NX XX GT LT 1 a
        ZADD z NX XX 1
        ZADD z INCR 1 a 2 b
        ZADD z INCR NX XX 1 a 2 b
        ZADD z x a
        ZADD z 1 a x b
        ZADD z XX x a
        ZADD z 1 a NX 2
        ZINCRBY z nx a
        ZINCRBY z x a
        ZINCRBY z 1
        ZINCRBY z 1 a b
        EXISTS z
        """,
    "scores": """
        ZADD z inf a -inf b +inf c Infinity d -INFINITY e iNf f
        ZADD z nan x
        ZADD z -nan x
        ZADD z nan(1) x
        ZADD z " 1" x
        ZADD z "1 " x
        ZADD z "" x
        ZADD z 1e400 x
        ZADD z -1e400 x
        ZADD z 1e-400 x
        ZADD z 2e-324 x
        ZADD z 1_0 x
        ZADD z 1,0 x
        ZADD z . x
        ZADD z + x
        ZADD z 1e x
        ZADD z 1e+ x
        ZADD z e5 x
        ZADD z 0x x
        ZADD z 0xg x
        ZADD z 0x1p5000 x
        ZADD z -0x1p5000 x
        ZADD z 0x1p-5000 x
        ZADD z 1\\x00 x
        ZADD z \\x00 x
        ZADD z infinit x
        ZADD z "\\x00" x
        ZADD z 0e-400 z1 4e-324 z2 .5 z3 5. z4 +5 z5 1e+2 z6 1E2 z7 0x10 z8 0x.8 z9
        ZADD z 0x1p4 y1 0X1P-1074 y2 -0x1.8 y3 0x0p9 y4 000 y5 00012.50 y6 1e22 y7 1e17 y8
        ZADD z 0.1 x1 -0 x2 -0.0 x3 3.0e300 x4 123456789012345678 x5 1e15 x6 -1e16 x7 1.5 x8
        ZADD z 1.7976931348623157e308 w1 1e308 w2 0.30000000000000004 w3 4.611686018427388e18 w4
        ZRANGE z 0 -1 WITHSCORES
        ZSCORE z x1
        ZMSCORE z a b c x1 x2 w1 none
        ZINCRBY z -inf a
        ZADD z INCR -inf a
        ZADD z INCR nan a
        ZINCRBY z inf a
        ZINCRBY z -inf b
        ZINCRBY z 0.2 x1
        ZINCRBY z 1e308 w1
        ZINCRBY new -0 x
        ZSCORE new x
        ZINCRBY new 0 x
        ZADD new 5 x
        ZADD new -0 x
        ZRANGE z 0 -1 WITHSCORES
        """,
    "how scans print scores": """
        ZADD z 1e17 a 4.6e18 b 1 c -1e16 d
        ZSCAN z 0
        DEL z
        ZADD z 0.1 a 1e22 b inf c -inf d 5e-324 e 4.7e18 f -0 g 1e18 h
        ZSCAN z 0
        DEL z
        ZADD z 1e17 a 0.5 a12345678901234567890123456789012345678901234567890123456789012345
        ZSCAN z 0
        OBJECT ENCODING z
        """,
    "look up": """
        ZADD z 1 a 2 b 2 c 3 d
        ZSCORE z b
        ZSCORE z none
        ZSCORE none a
        ZMSCORE z a none d
        ZMSCORE none a b
        ZMSCORE z
        ZCARD z
        ZCARD none
        ZRANK z a
        ZRANK z c
        ZRANK z none
        ZRANK none a
        ZREVRANK z a
        ZREVRANK z c
        ZREVRANK z none
        ZREVRANK none a
        ZRANK z
        ZRANK z a WITHSCORE
        TYPE z
        """,
    "remove": """
        ZADD z 1 a 2 b 3 c
        ZREM z none
        ZREM none a
        ZREM z a none a b
        ZRANGE z 0 -1
        ZREM z c
        EXISTS z
        ZREM z
        """,
    "ties are in the order of bytes": """
        ZADD z 0 b 0 a 0 B 0 "" 0 aa 0 \\xff 0 \\x00 0 ab
        ZRANGE z 0 -1
        ZREVRANGE z 0 -1
        ZRANK z aa
        ZADD z -0 aaa
        ZRANGE z 0 -1
        """,
    "ranges by rank": """
        ZADD z 1 a 2 b 3 c 4 d
        ZRANGE z 0 -1
        ZRANGE z 1 2 WITHSCORES
        ZRANGE z -2 -1
        ZRANGE z -100 1
        ZRANGE z 2 100
        ZRANGE z 3 2
        ZRANGE z 4 9
        ZRANGE z 0 -5
        ZRANGE z 0 1 REV
        ZRANGE z -2 -1 REV WITHSCORES
        ZRANGE z 2 100 REV
        ZRANGE z -100 0 REV
        ZREVRANGE z 0 1
        ZREVRANGE z 0 -1 WITHSCORES
        ZREVRANGE z 1 -2 withscores
        ZRANGE none 0 -1
        ZRANGE none 0 -1 WITHSCORES
        ZRANGE z x 1
        ZRANGE z 0 x
        ZRANGE z 0 1.0
        ZRANGE z (0 1
        ZRANGE z 0 9223372036854775808
        ZRANGE z -9223372036854775808 9223372036854775807
        ZRANGE z 0 1 FOO
        ZRANGE z 0 1 LIMIT 0 1
        ZRANGE z 0 1 LIMIT 0 -1
        ZRANGE z 0 1 LIMIT 0
        ZRANGE z 0 1 LIMIT x 1
        ZRANGE z 0 1 LIMIT 0 x
        ZRANGE z 0 1 REV REV
        ZRANGE z 0 1 WITHSCORES WITHSCORES
        ZRANGE z 0
        ZREVRANGE z 0 1 REV
        ZREVRANGE z 0 1 BYSCORE
        ZREVRANGE z 0 1 LIMIT 0 1
        """,
    "ranges by score": """
        ZADD z 1 a 2 b 2 c 3 d inf e -inf f 0 g
        ZRANGEBYSCORE z 1 2
        ZRANGEBYSCORE z (1 2 WITHSCORES
        ZRANGEBYSCORE z 1 (2
        ZRANGEBYSCORE z (2 (2
        ZRANGEBYSCORE z 2 2
        ZRANGEBYSCORE z 3 1
        ZRANGEBYSCORE z -inf +inf
        ZRANGEBYSCORE z (-inf (inf
        ZRANGEBYSCORE z (inf inf
        ZRANGEBYSCORE z -inf (-inf
        ZRANGEBYSCORE z inf -inf
        ZRANGEBYSCORE z (0 (1
        ZRANGEBYSCORE z -0 0
        ZRANGEBYSCORE z (-0 1
        ZRANGEBYSCORE z -5 (0
        ZRANGEBYSCORE z 0 5 LIMIT 0 2
        ZRANGEBYSCORE z 0 5 LIMIT 1 2 WITHSCORES
        ZRANGEBYSCORE z 0 5 LIMIT 1 -1
        ZRANGEBYSCORE z 0 5 LIMIT 1 -7
        ZRANGEBYSCORE z 0 5 LIMIT -1 2
        ZRANGEBYSCORE z 0 5 LIMIT -1 -1
        ZRANGE z 0 5 LIMIT -1 -1
        ZRANGESTORE d z 0 5 LIMIT -1 -1
        ZSCAN z 0 COUNT 1
        ZSCAN z 5 COUNT 1
        ZRANGEBYSCORE z 0 5 LIMIT 0 0
        ZRANGEBYSCORE z 0 5 LIMIT 99 1
        ZRANGEBYSCORE z 0 5 LIMIT 9223372036854775807 9223372036854775807
        ZRANGEBYSCORE z 0 5 LIMIT 1
        ZRANGEBYSCORE z 0 5 LIMIT x 1
        ZRANGEBYSCORE z 0 5 LIMIT 0 1 LIMIT 1 1
        ZREVRANGEBYSCORE z 5 0
        ZREVRANGEBYSCORE z 0 5
        ZREVRANGEBYSCORE z +inf (1 WITHSCORES LIMIT 1 2
        ZREVRANGEBYSCORE z 5 0 LIMIT 1 2
        ZREVRANGEBYSCORE z 5 0 LIMIT 9 2
        ZREVRANGEBYSCORE z 5 0 LIMIT -1 2
        ZRANGE z 1 2 BYSCORE
        ZRANGE z 2 1 BYSCORE REV
        ZRANGE z 1 2 REV BYSCORE
        ZRANGE z (1 +inf BYSCORE LIMIT 1 2 WITHSCORES
        ZRANGE z +inf 0 BYSCORE REV LIMIT 1 2
        ZRANGE z 0 1 BYSCORE BYLEX
        ZRANGE z 0 1 BYSCORE BYSCORE
        ZRANGE none 0 1 BYSCORE LIMIT 0 1
        ZRANGEBYSCORE z x 1
        ZRANGEBYSCORE z 1 x
        ZRANGEBYSCORE z nan 1
        ZRANGEBYSCORE z 1 (nan
        ZRANGEBYSCORE z ((1 2
        ZRANGEBYSCORE z "" 2
        ZRANGEBYSCORE z ( 2
        ZRANGEBYSCORE z " 1" 2
        ZRANGEBYSCORE z "( 1" 2
        ZRANGEBYSCORE z "1 " 2
        ZRANGEBYSCORE z " " 2
        ZRANGEBYSCORE z 1\\x00x 2
        ZRANGEBYSCORE z \\x00x 2
        ZRANGEBYSCORE z 0x1 0x2
        ZRANGEBYSCORE z " 0x1" 2
        ZRANGEBYSCORE z 0x 2
        ZRANGEBYSCORE z 1e-400 1e400
        ZRANGEBYSCORE z -1e400 (1e400
        ZRANGEBYSCORE z -0x1p5000 0x1p5000
        ZRANGEBYSCORE z 1e 2
        ZRANGEBYSCORE z [1 2
        ZRANGEBYSCORE z 1 2 BYSCORE
        ZRANGEBYSCORE z 1 2 REV
        ZRANGEBYSCORE none x 1
        ZCOUNT z 1 2
        ZCOUNT z (1 (3
        ZCOUNT z -inf +inf
        ZCOUNT z 3 1
        ZCOUNT none 1 2
        ZCOUNT none x 2
        ZCOUNT z 1 x
        ZCOUNT z 1
        """,
    "ranges by text": """
        ZADD z 0 a 0 b 0 c 0 d 0 aa 0 \\xff 0 ""
        ZRANGEBYLEX z - +
        ZRANGEBYLEX z [a [c
        ZRANGEBYLEX z (a (c
        ZRANGEBYLEX z - (b
        ZRANGEBYLEX z (b +
        ZRANGEBYLEX z + -
        ZRANGEBYLEX z + +
        ZRANGEBYLEX z - -
        ZRANGEBYLEX z [c [a
        ZRANGEBYLEX z (a (a
        ZRANGEBYLEX z [a [a
        ZRANGEBYLEX z [ (a
        ZRANGEBYLEX z ( (a
        ZRANGEBYLEX z [a\\x00 [b
        ZRANGEBYLEX z - + LIMIT 1 2
        ZRANGEBYLEX z - + LIMIT -1 2
        ZRANGEBYLEX z - + LIMIT 5 -1
        ZRANGEBYLEX z - + WITHSCORES
        ZREVRANGEBYLEX z + -
        ZREVRANGEBYLEX z - +
        ZREVRANGEBYLEX z [c (a
        ZREVRANGEBYLEX z [c - LIMIT 1 2
        ZRANGE z [a [c BYLEX
        ZRANGE z [c [a BYLEX REV
        ZRANGE z - + BYLEX WITHSCORES
        ZRANGE z + - REV BYLEX LIMIT 1 1
        ZRANGEBYLEX z a +
        ZRANGEBYLEX z - b
        ZRANGEBYLEX z -a +
        ZRANGEBYLEX z - ++
        ZRANGEBYLEX z "" +
        ZRANGEBYLEX z -\\x00a +
        ZRANGEBYLEX z 1 2
        ZRANGEBYLEX none - +
        ZRANGEBYLEX none x +
        ZLEXCOUNT z - +
        ZLEXCOUNT z [a (c
        ZLEXCOUNT z + -
        ZLEXCOUNT z a b
        ZLEXCOUNT none - +
        """,
    "stored ranges": """
        ZADD z 1 a 2 b 3 c 4 d
        ZRANGESTORE d z 0 1
        ZRANGE d 0 -1 WITHSCORES
        ZRANGESTORE d z (1 3 BYSCORE
        ZRANGE d 0 -1 WITHSCORES
        ZRANGESTORE d z 3 1 BYSCORE REV LIMIT 1 2
        ZRANGE d 0 -1 WITHSCORES
        ZRANGESTORE d z - + BYLEX
        ZRANGESTORE d z 0 0 REV
        ZRANGE d 0 -1
        ZRANGESTORE d z 9 10
        EXISTS d
        ZRANGESTORE d none 0 1
        SET s v
        ZRANGESTORE s z 0 -1
        TYPE s
        ZRANGESTORE s none 0 -1
        EXISTS s
        SET s v
        ZRANGESTORE d s 0 -1
        ZRANGESTORE z z 1 2
        ZRANGE z 0 -1 WITHSCORES
        ZRANGESTORE d z 0 -1 WITHSCORES
        ZRANGESTORE d z x y
        ZRANGESTORE d z 0
        EXPIREAT z 9999999999
        ZRANGESTORE z z 0 -1
        EXPIRETIME z
        """,
    "remove ranges": """
        ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
        ZREMRANGEBYRANK z 0 0
        ZREMRANGEBYRANK z -1 -1
        ZREMRANGEBYRANK z 9 10
        ZREMRANGEBYRANK z 2 1
        ZREMRANGEBYSCORE z (2 3
        ZREMRANGEBYSCORE z 9 10
        ZREMRANGEBYSCORE z 3 2
        ZRANGE z 0 -1 WITHSCORES
        ZREMRANGEBYSCORE z -inf +inf
        EXISTS z
        ZADD z 0 a 0 b 0 c
        ZREMRANGEBYLEX z [b (c
        ZREMRANGEBYLEX z + -
        ZRANGE z 0 -1
        ZREMRANGEBYLEX z - +
        EXISTS z
        ZADD z 1 a
        ZREMRANGEBYRANK z 0 -1
        EXISTS z
        ZREMRANGEBYRANK none 0 -1
        ZREMRANGEBYSCORE none 0 1
        ZREMRANGEBYLEX none - +
        ZREMRANGEBYRANK none x 1
        ZREMRANGEBYSCORE none x 1
        ZREMRANGEBYLEX none x +
        ZREMRANGEBYRANK z 0
        """,
    "pop": """
        ZADD z 1 a 2 b 3 c 4 d 5 e
        ZPOPMIN z
        ZPOPMAX z
        ZPOPMIN z 2
        ZPOPMAX z 0
        ZPOPMAX z 9223372036854775807
        EXISTS z
        ZPOPMIN z
        ZPOPMIN z 3
        ZPOPMIN z 0
        ZPOPMIN z -1
        ZPOPMAX z x
        ZPOPMAX z 1 2
        ZPOPMAX z x 2
        """,
    "pop from one of many": """
        ZADD y 1 a 2 b 3 c 4 d
        ZMPOP 1 none MIN
        ZMPOP 2 none y MIN
        ZMPOP 2 none y max COUNT 2
        ZMPOP 1 y MIN COUNT 10
        EXISTS y
        ZADD y 1 a
        ZMPOP 0 y MIN
        ZMPOP -1 y MIN
        ZMPOP x y MIN
        ZMPOP 2 y MIN
        ZMPOP 99999999999999999999 y MIN
        ZMPOP 9223372036854775807 y MIN
        ZMPOP 1 y FOO
        ZMPOP 1 y MIN FOO
        ZMPOP 1 y MIN COUNT
        ZMPOP 1 y MIN COUNT 0
        ZMPOP 1 y MIN COUNT -1
        ZMPOP 1 y MIN COUNT x
        ZMPOP 1 y MIN COUNT 1 COUNT 1
        ZMPOP 1 y MIN COUNT 0 FOO
        ZMPOP 1 y MIN COUNT 1 FOO
        ZMPOP 1 y
        ZMPOP 1
        SET s v
        ZMPOP 2 s y MIN
        ZMPOP 2 y s MIN
        """,
    "pop, or wait": """
        ZADD z 1 a 2 b 3 c 4 d 5 e
        BZPOPMIN none z 0
        BZPOPMAX z 0
        BZMPOP 0 2 none z MIN
        BZMPOP 0 1 z MAX COUNT 2
        EXISTS z
        BZPOPMIN none x
        BZPOPMIN none -1
        BZMPOP x 0 none MIN
        BZMPOP x 1 none MIN
        BZMPOP -1 1 none MIN
        BZMPOP 0 1 none FOO
        BZMPOP 0 1 none MIN COUNT 0
        BZPOPMIN none 0.01
        BZPOPMAX none 0.01
        BZMPOP 0.01 1 none MIN
        SET s v
        BZPOPMIN s 0
        BZPOPMIN none s 0
        BZMPOP 0 2 none s MIN
        BZPOPMIN s
        BZMPOP 0 1 s
        """,
    "random members": """
        ZRANDMEMBER none
        ZRANDMEMBER none 3
        ZRANDMEMBER none x
        ZRANDMEMBER none 1 FOO
        ZADD z 1 a
        ZRANDMEMBER z
        ZRANDMEMBER z -3
        ZRANDMEMBER z -2 WITHSCORES
        ZADD z 2 b 1.5 c
        ZRANDMEMBER z 3
        ZRANDMEMBER z 5
        ZRANDMEMBER z 5 WITHSCORES
        ZRANDMEMBER z 0
        ZRANDMEMBER z 0 WITHSCORES
        ZRANDMEMBER z x
        ZRANDMEMBER z 1 FOO
        ZRANDMEMBER z -9223372036854775807 FOO
        ZRANDMEMBER z 9223372036854775807 WITHSCORES
        ZRANDMEMBER z 9223372036854775807 WITHSCORES FOO
        ZRANDMEMBER z 9223372036854775807 FOO
        ZRANDMEMBER z 1 WITHSCORES FOO
        ZRANDMEMBER z -9223372036854775808
        ZRANDMEMBER z 9223372036854775807
        ZRANDMEMBER z 9223372036854775807 WITHSCORES
        ZRANDMEMBER z -4611686018427387905 WITHSCORES
        """,
    "scan": """
        ZSCAN none 0
        ZSCAN none x
        ZSCAN none 0 FOO
        ZADD z 1 a 2 b 3 ab
        ZSCAN z 0
        ZSCAN z 0 MATCH a*
        ZSCAN z 0 COUNT 100 MATCH *
        ZSCAN z 0 COUNT 0
        ZSCAN z 0 COUNT x
        ZSCAN z 0 COUNT
        ZSCAN z 0 TYPE zset
        ZSCAN z x
        """,
    "unions": """
        ZADD z1 1 a 2 b 3 c
        ZADD z2 10 b 20 c 30 d
        ZUNION 2 z1 z2
        ZUNION 2 z1 z2 WITHSCORES
        ZUNION 2 z1 z2 WEIGHTS 2 0.5 WITHSCORES
        ZUNION 2 z1 z2 AGGREGATE MIN WITHSCORES
        ZUNION 2 z1 z2 aggregate max weights 1 -1 withscores
        ZUNION 2 z1 z1 WITHSCORES
        ZUNION 3 z1 none z2 WITHSCORES
        ZUNION 1 none
        ZUNIONSTORE d 2 z1 z2
        ZRANGE d 0 -1 WITHSCORES
        ZUNIONSTORE z1 2 z1 z2 WEIGHTS 1 2 AGGREGATE SUM
        ZRANGE z1 0 -1 WITHSCORES
        ZUNIONSTORE d 1 none
        EXISTS d
        ZADD i inf a -inf b 0 c
        ZADD j -inf a inf b 0 c
        ZUNION 2 i j WITHSCORES
        ZUNION 1 i WEIGHTS 0 WITHSCORES
        ZUNION 1 i WEIGHTS inf WITHSCORES
        ZUNION 1 i WEIGHTS -1 WITHSCORES
        ZUNIONSTORE d 1 i WEIGHTS -1
        ZRANGE d 0 -1 WITHSCORES
        ZADD f1 0.1 a 0.2 b
        ZADD f2 0.2 a
        ZADD f3 0.3 a 0.3 b 1 c
        ZUNION 3 f1 f2 f3 WITHSCORES
        ZUNION 3 f3 f2 f1 WITHSCORES
        SET s v
        ZUNIONSTORE s 1 z1
        TYPE s
        """,
    "intersections": """
        ZADD z1 1 a 2 b 3 c
        ZADD z2 10 b 20 c 30 d
        ZINTER 2 z1 z2
        ZINTER 2 z1 z2 WITHSCORES
        ZINTER 2 z1 z2 WEIGHTS 2 0.5 WITHSCORES
        ZINTER 2 z1 z2 AGGREGATE MIN WITHSCORES
        ZINTER 2 z1 z2 AGGREGATE MAX WITHSCORES
        ZINTER 2 z1 z1 WITHSCORES
        ZINTER 2 z1 z1 WEIGHTS 1 -1 WITHSCORES
        ZINTER 3 z1 none z2
        ZINTER 1 z1
        ZINTER 1 none
        ZINTERSTORE d 2 z1 z2
        ZRANGE d 0 -1 WITHSCORES
        ZINTERSTORE z1 2 z1 z2 WEIGHTS 1 2 AGGREGATE MIN
        ZRANGE z1 0 -1 WITHSCORES
        ZINTERSTORE d 2 z1 none
        EXISTS d
        ZADD i inf a -inf b 0 c
        ZADD j -inf a inf b 0 c
        ZINTER 2 i j WITHSCORES
        ZINTER 2 i j WEIGHTS 0 0 WITHSCORES
        ZINTER 2 i j WEIGHTS 1 0 WITHSCORES AGGREGATE MIN
        ZINTER 2 i j WEIGHTS inf inf WITHSCORES AGGREGATE MAX
        ZINTERCARD 2 i j
        ZINTERCARD 2 i j LIMIT 2
        ZINTERCARD 2 i j LIMIT 0
        ZINTERCARD 2 i j LIMIT 99
        ZINTERCARD 2 i j LIMIT 1 LIMIT 2
        ZINTERCARD 2 i none
        ZINTERCARD 2 i j LIMIT -1
        ZINTERCARD 2 i j LIMIT x
        ZINTERCARD 2 i j LIMIT
        ZINTERCARD 2 i j WITHSCORES
        ZINTERCARD 0 i
        ZINTERCARD 3 i j
        """,
    "differences": """
        ZADD z1 1 a 2 b 3 c
        ZADD z2 10 b
        ZADD z3 10 c
        ZDIFF 2 z1 z2
        ZDIFF 2 z1 z2 WITHSCORES
        ZDIFF 3 z1 z2 z3 WITHSCORES
        ZDIFF 2 z1 z1
        ZDIFF 2 none z1
        ZDIFF 2 z1 none
        ZDIFF 1 z1 WEIGHTS 1
        ZDIFF 1 z1 AGGREGATE SUM
        ZDIFF 2 z1 z2 LIMIT 1
        ZDIFFSTORE d 2 z1 z2
        ZRANGE d 0 -1 WITHSCORES
        ZDIFFSTORE d 2 z1 z2 WITHSCORES
        ZDIFFSTORE z1 2 z1 z3
        ZRANGE z1 0 -1 WITHSCORES
        ZDIFFSTORE d 2 z1 z1
        EXISTS d
        """,
    "plain sets have scores of 1": """
        ZADD z 1 a 2 b 3 c
        SADD s a b d
        SADD n 1 2 3
        ZADD zn 5 1 6 3
        ZUNION 2 z s WITHSCORES
        ZUNION 2 z s WEIGHTS 2 3 WITHSCORES
        ZUNION 2 s z AGGREGATE MAX WITHSCORES
        ZUNION 1 s WITHSCORES
        ZINTER 2 z s WITHSCORES
        ZINTER 2 s s WEIGHTS 1 -1 WITHSCORES
        ZINTER 2 n zn WITHSCORES
        ZDIFF 2 z s WITHSCORES
        ZDIFF 2 s z WITHSCORES
        ZINTERCARD 2 s z
        ZUNIONSTORE d 2 n zn
        ZRANGE d 0 -1 WITHSCORES
        ZINTERSTORE s 2 s z
        TYPE s
        ZRANGE s 0 -1 WITHSCORES
        ZDIFFSTORE d 2 n zn
        ZRANGE d 0 -1 WITHSCORES
        ZRANGE n 0 -1
        ZADD n 1 a
        BZPOPMIN n 0
        """,
    "unions and their relatives, wrong": """
        ZADD z 1 a
        SET s v
        ZUNION 0 z
        ZUNION -1 z
        ZUNION x z
        zunion 0 z
        ZINTER 0 z
        ZDIFF 0 z
        ZUNIONSTORE d 0 z
        ZINTERSTORE d 0 z
        ZDIFFSTORE d 0 z
        ZDIFFSTORE d x z
        ZUNION 2 z
        ZUNION 9223372036854775807 z
        ZUNION 99999999999999999999 z
        ZUNIONSTORE d 2 z
        ZUNION 1 z FOO
        ZUNION 1 z WEIGHTS
        ZUNION 2 z z WEIGHTS 1
        ZUNION 1 z WEIGHTS x
        ZUNION 1 z WEIGHTS nan
        ZUNION 1 z WEIGHTS 1 2
        ZUNION 1 z AGGREGATE
        ZUNION 1 z AGGREGATE AVG
        ZUNION 1 z WITHSCORES WITHSCORES
        ZUNIONSTORE d 1 z WITHSCORES
        ZINTERSTORE d 1 z WITHSCORES
        ZUNION 2 z s
        ZUNION 2 z s FOO
        ZUNION 2 s z FOO
        ZINTER 2 none s
        ZDIFF 2 z s
        ZDIFF 2 none s
        ZUNIONSTORE d 2 z s
        ZINTERSTORE d 2 none s
        ZDIFFSTORE d 2 none s
        ZINTERCARD 2 none s
        ZUNION 1
        ZUNIONSTORE d 1
        EXISTS d
        """,
    "another type": """
        SET s v
        ZADD s 1 a
        ZADD s x a
        ZADD s XX 1 a
        ZADD s INCR 1 a
        ZINCRBY s 1 a
        ZREM s a
        ZSCORE s a
        ZMSCORE s a
        ZCARD s
        ZCOUNT s 0 1
        ZCOUNT s x 1
        ZLEXCOUNT s - +
        ZRANK s a
        ZREVRANK s a
        ZRANGE s 0 -1
        ZRANGE s x -1
        ZREVRANGE s 0 -1
        ZRANGEBYSCORE s 0 1
        ZRANGEBYSCORE s 0 1 LIMIT -1 1
        ZREVRANGEBYSCORE s 0 1
        ZRANGEBYLEX s - +
        ZREVRANGEBYLEX s + -
        ZREMRANGEBYRANK s 0 1
        ZREMRANGEBYSCORE s 0 1
        ZREMRANGEBYLEX s - +
        ZPOPMIN s
        ZPOPMIN s 0
        ZPOPMAX s 1
        ZRANDMEMBER s
        ZRANDMEMBER s 1
        ZRANDMEMBER s x
        ZSCAN s 0
        ZSCAN s x
        ZSCAN s 0 FOO
        ZADD z 1 a
        GET z
        HGET z a
        LPUSH z a
        SET z now-a-string
        GET z
        """,
    "as a value": """
        ZADD z 1 a 2 b
        OBJECT ENCODING z
        COPY z z2
        ZADD z2 3 c
        ZRANGE z 0 -1
        ZRANGE z2 0 -1 WITHSCORES
        RENAME z2 z3
        ZCARD z3
        EXPIREAT z3 9999999999
        ZADD z3 4 d
        EXPIRETIME z3
        ZADD long 1 12345678901234567890123456789012345678901234567890123456789012345
        OBJECT ENCODING long
        ZADD long 2 a
        ZREMRANGEBYRANK long 0 0
        OBJECT ENCODING long
        ZUNIONSTORE short 1 long
        OBJECT ENCODING short
        SCAN 0 TYPE zset COUNT 100
        MOVE z3 1
        EXISTS z3
        DEL z long
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


keys = st.sampled_from([b"z", b"y", b"x"])
members = st.sampled_from([b"a", b"b", b"c", b"d", b"", b"\xff", b"long" * 20])
finite = st.one_of(
    st.integers(-3, 3).map(lambda number: b"%d" % number),
    st.floats(allow_nan=False).map(lambda number: repr(number).encode()),
)
scores = st.one_of(finite, st.sampled_from([b"inf", b"-inf", b"x", b"nan", b"0x1p3"]))
bounds = st.one_of(scores, scores.map(lambda score: b"(" + score))
texts = st.one_of(
    st.sampled_from([b"-", b"+", b"x"]),
    st.tuples(st.sampled_from([b"[", b"("]), members).map(b"".join),
)
ranks = st.integers(-8, 8).map(lambda number: b"%d" % number)
add_options = st.lists(st.sampled_from([b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"]), max_size=2)
pairs = st.lists(st.tuples(scores, members), min_size=1, max_size=4).map(
    lambda chosen: [text for pair in chosen for text in pair]
)
additions = st.tuples(add_options, pairs).map(lambda parts: parts[0] + parts[1])
one_addition = st.tuples(add_options, scores, members).map(lambda parts: [*parts[0], *parts[1:]])
some_members = st.lists(members, min_size=1, max_size=4)
limits = st.one_of(
    st.just([]), st.tuples(st.just(b"LIMIT"), ranks, ranks).map(list), st.just([b"LIMIT", b"0"])
)
orders = st.sampled_from([[], [b"REV"]])
with_scores = st.sampled_from([[], [b"WITHSCORES"]])


def joined(*parts: st.SearchStrategy[list[bytes]]) -> st.SearchStrategy[list[bytes]]:
    return st.tuples(*parts).map(lambda lists: [text for items in lists for text in items])


options = joined(orders, limits, with_scores)
by_score = joined(st.just([b"BYSCORE"]), options)
by_text = joined(st.just([b"BYLEX"]), orders, limits)
inputs = st.lists(keys, min_size=1, max_size=3).flatmap(
    lambda chosen: joined(
        st.just([b"%d" % len(chosen), *chosen]),
        st.one_of(
            st.just([]),
            st.lists(finite, min_size=len(chosen), max_size=len(chosen)).map(
                lambda weights: [b"WEIGHTS", *weights]
            ),
        ),
        st.sampled_from([[], [b"AGGREGATE", b"MIN"], [b"AGGREGATE", b"MAX"]]),
    )
)
plain_inputs = st.lists(keys, min_size=1, max_size=3).map(
    lambda chosen: [b"%d" % len(chosen), *chosen]
)
commands = st.one_of(
    call_with("ZADD", keys, rest=additions),
    call_with("ZADD", keys, rest=one_addition),
    call("ZINCRBY", keys, scores, members),
    call_with("ZREM", keys, rest=some_members),
    call_with("ZMSCORE", keys, rest=some_members),
    call("ZRANDMEMBER", keys, st.sampled_from([b"0", b"9"])),
    call("ZSCAN", keys, st.just(b"0")),
    call_with("ZRANGE", keys, ranks, ranks, rest=options),
    call_with("ZRANGE", keys, bounds, bounds, rest=by_score),
    call_with("ZRANGESTORE", keys, keys, ranks, ranks, rest=orders),
    call_with("ZRANGESTORE", keys, keys, bounds, bounds, rest=by_score),
    call_with("ZUNION", rest=joined(inputs, with_scores)),
    call_with("ZINTER", rest=joined(inputs, with_scores)),
    call_with("ZDIFF", rest=joined(plain_inputs, with_scores)),
    call_with("ZUNIONSTORE", keys, rest=inputs),
    call_with("ZINTERSTORE", keys, rest=inputs),
    call_with("ZDIFFSTORE", keys, rest=plain_inputs),
    call_with("ZINTERCARD", rest=plain_inputs),
    call_with("ZMPOP", rest=joined(plain_inputs, st.sampled_from([[b"MIN"], [b"MAX"]]))),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("SET", keys, st.just(b"v")),
    call_with("SADD", keys, rest=some_members),
    call("OBJECT", st.just(b"ENCODING"), keys),
    *[call(name, keys, ranks, ranks) for name in ("ZREVRANGE", "ZREMRANGEBYRANK")],
    *[call(name, keys, ranks) for name in ("ZPOPMIN", "ZPOPMAX")],
    *[
        call_with(name, keys, bounds, bounds, rest=joined(with_scores, limits))
        for name in ("ZRANGEBYSCORE", "ZREVRANGEBYSCORE")
    ],
    *[call(name, keys, bounds, bounds) for name in ("ZCOUNT", "ZREMRANGEBYSCORE")],
    *[call(name, keys) for name in ("ZCARD", "DEL", "TYPE", "ZPOPMIN", "ZPOPMAX")],
    *[call(name, keys, members) for name in ("ZSCORE", "ZRANK", "ZREVRANK")],
)
# Redis promises nothing of texts in order when scores differ.
text_commands = st.one_of(
    call_with(
        "ZADD", keys, rest=some_members.map(lambda chosen: [t for m in chosen for t in (b"0", m)])
    ),
    call_with("ZREM", keys, rest=some_members),
    call_with("ZRANGE", keys, texts, texts, rest=by_text),
    call_with("ZRANGESTORE", keys, keys, texts, texts, rest=by_text),
    *[
        call_with(name, keys, texts, texts, rest=limits)
        for name in ("ZRANGEBYLEX", "ZREVRANGEBYLEX")
    ],
    *[call(name, keys, texts, texts) for name in ("ZLEXCOUNT", "ZREMRANGEBYLEX")],
)


test_sequences = sequences_test(
    st.one_of(st.lists(commands, max_size=40), st.lists(text_commands, max_size=40))
)


@pytest.mark.parametrize("through", ["handlers", "server"])
@shared
@given(st.text(alphabet="0123456789.eExXpPaAinf+-_ ()\t", max_size=8), st.sampled_from([2, 3]))
def test_any_text_as_a_score(
    reference: Reference, served: Served, through: str, text: str, resp: int
) -> None:
    reference.clear()
    served.clear()
    score = text.encode()
    sequence = [
        [b"ZADD", b"z", b"1", b"b"],
        [b"ZADD", b"z", score, b"a"],
        [b"ZSCORE", b"z", b"a"],
        [b"ZCOUNT", b"z", score, b"(1"],
        [b"ZCOUNT", b"z", b"-inf", b"(" + score],
    ]
    check(sequence, resp, reference, Ours() if through == "handlers" else served)


def test_large_ones_are_the_same(reference: Reference, served: Served) -> None:
    """Beyond the compact encoding, with many ties, while members come, move and go."""
    sequence: list[Argv] = []
    for number in range(2_000):
        member = b"m%d" % (number * 7919 % 3_001)
        sequence.append([b"ZADD", b"z", b"%d" % (number * 31 % 97), member])
        if number % 3 == 0:
            sequence.append([b"ZINCRBY", b"z", b"0.5", b"m%d" % (number // 2)])
        if number % 5 == 0:
            sequence.append([b"ZREM", b"z", b"m%d" % (number * 3 % 3_001)])
        if number % 100 == 0:
            sequence += [
                [b"ZRANGE", b"z", b"0", b"-1", b"WITHSCORES"],
                [b"ZRANGEBYSCORE", b"z", b"10", b"(50", b"LIMIT", b"20", b"10"],
                [b"ZREVRANGEBYSCORE", b"z", b"50", b"(10", b"LIMIT", b"20", b"10"],
                [b"ZRANK", b"z", member],
                [b"ZPOPMIN", b"z", b"3"],
                [b"ZPOPMAX", b"z", b"3"],
                [b"ZREMRANGEBYRANK", b"z", b"20", b"30"],
                [b"OBJECT", b"ENCODING", b"z"],
            ]
    sequence.append([b"ZREMRANGEBYSCORE", b"z", b"5", b"90"])
    sequence.append([b"ZRANGE", b"z", b"0", b"-1", b"WITHSCORES"])
    check(sequence, 2, reference, Ours())
    reference.clear()
    check(sequence, 2, reference, served)


def test_random_members_are_there_and_distinct(served: Served) -> None:
    everything = {b"%d" % number for number in range(200)}
    for number in everything:
        served.call([b"ZADD", b"z", number, number])
    distinct = served.call([b"ZRANDMEMBER", b"z", b"150"]).split(b"\r\n")[2:-1:2]
    assert len(set(distinct)) == 150
    assert set(distinct) <= everything
    with_scores = served.call([b"ZRANDMEMBER", b"z", b"50", b"WITHSCORES"]).split(b"\r\n")[2:-1:2]
    assert with_scores[::2] == with_scores[1::2]
    repeated = served.call([b"ZRANDMEMBER", b"z", b"-1000"]).split(b"\r\n")[2:-1:2]
    assert len(repeated) == 1000
    assert 150 < len(set(repeated)) <= 200


def test_a_scan_meets_every_member_that_stays(served: Served) -> None:
    """Also those whose scores change meanwhile."""
    for number in range(500):
        served.call([b"ZADD", b"z", b"%d" % number, b"%d" % number])
    cursor, met, removed = b"0", set(), 0
    while True:
        reply = served.call([b"ZSCAN", b"z", cursor, b"COUNT", b"7"]).split(b"\r\n")
        cursor = reply[2]
        met.update(reply[5:-1:4])
        if cursor == b"0":
            break
        served.call([b"ZREM", b"z", b"%d" % removed])
        removed += 1
        served.call([b"ZADD", b"z", b"-%d" % removed, b"%d" % (499 - removed)])
    assert {b"%d" % number for number in range(removed, 500)} <= met
