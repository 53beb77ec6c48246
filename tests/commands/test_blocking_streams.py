"""XREAD and XREADGROUP that wait, with several connections, against redis-server."""

import pytest

from tests.commands.reference import Reference, Served
from tests.commands.test_blocking import play, wait_until_blocked

CASES = {
    "what is added from now on": """
        b: XADD s 1-1 a 1
        a: XREAD BLOCK 0 STREAMS s $
        c: XREAD BLOCK 0 STREAMS s $
        b: XADD s 2-1 a 2 b 3
        a?
        c?
        b: XREAD BLOCK 0 STREAMS s 0
        """,
    "a stream that is not there yet": """
        a: XREAD BLOCK 0 STREAMS s $
        c: XREAD BLOCK 0 STREAMS s 1-5
        b: XADD s 1-1 a 1
        a?
        b: XADD s 1-6 a 1
        c?
        """,
    "several streams": """
        b: XADD s 5-1 a 1
        a: XREAD COUNT 1 BLOCK 0 STREAMS s t u $ 0 3
        b: XADD u 2-1 a 1
        b: XADD t 1-1 a 1
        a?
        """,
    "a stream named twice waits for the first id": """
        a: XREAD BLOCK 0 STREAMS s s $ 5-0
        b: XADD s 3-0 a 1
        a?
        a: XREAD BLOCK 0 STREAMS s s 5-0 $
        b: XADD s 4-0 a 1
        b: XADD s 6-0 a 1
        a?
        """,
    "as many as the count says": """
        a: XREAD COUNT 2 BLOCK 0 STREAMS s $
        c: XREAD BLOCK 0 STREAMS s $
        b: MULTI
        b: XADD s 1-1 a 1
        b: XADD s 2-1 a 1
        b: XADD s 3-1 a 1
        b: EXEC
        a?
        c?
        """,
    "added and deleted in one go": """
        a: XREAD BLOCK 0 STREAMS s $
        b: MULTI
        b: XADD s 1-1 a 1
        b: XDEL s 1-1
        b: EXEC
        a?
        """,
    "what brings a stream": """
        b: XADD t 7-1 a 1
        a: XREAD BLOCK 0 STREAMS s $
        b: COPY t s
        a?
        a: XREAD BLOCK 0 STREAMS s $
        b: XADD t 8-1 a 1
        b: RENAME t s
        a?
        a: XREAD BLOCK 0 STREAMS s 8-1
        b: SELECT 1
        b: XADD s 9-1 a 1
        b: SWAPDB 0 1
        a?
        """,
    "reads do not care for deletion": """
        b: XADD s 5-1 a 1
        a: XREAD BLOCK 0 STREAMS s $
        b: DEL s
        b: SET s v
        b: DEL s
        b: XADD s 5-1 a 1
        b: XSETID s 7-1
        b: XADD s 8-1 a 1
        a?
        """,
    "a group shares what comes": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        c: XREADGROUP GROUP g two BLOCK 0 STREAMS s >
        b: XADD s 1-1 a 1
        a?
        b: XADD s 2-1 a 1
        c?
        b: XPENDING s g
        b: XINFO GROUPS s
        """,
    "a group and readers": """
        b: XGROUP CREATE s g $ MKSTREAM
        b: XGROUP CREATE s h $
        a: XREADGROUP GROUP g one COUNT 1 NOACK BLOCK 0 STREAMS s >
        c: XREAD BLOCK 0 STREAMS s $
        b: XREADGROUP GROUP h two BLOCK 1 STREAMS s >
        b: MULTI
        b: XADD s 1-1 a 1
        b: XADD s 2-1 a 1
        b: EXEC
        a?
        c?
        b: XPENDING s g
        b: XREADGROUP GROUP g two STREAMS s >
        b: XINFO GROUPS s
        """,
    "groups of several streams": """
        b: XGROUP CREATE s g $ MKSTREAM
        b: XGROUP CREATE t g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s t > >
        b: XADD t 1-1 a 1
        a?
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s t > >
        b: DEL s
        a?
        """,
    "history never waits": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s 0
        b: XGROUP CREATE t g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s t > 0
        """,
    "a group that is destroyed": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        c: XREADGROUP GROUP g two BLOCK 0 STREAMS s >
        b: XGROUP DESTROY s none
        b: XGROUP DESTROY s g
        a?
        c?
        """,
    "a key that is deleted": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        c: XREADGROUP GROUP g two BLOCK 0 STREAMS s >
        b: UNLINK s
        a?
        c?
        """,
    "a key that is overwritten": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: SET s v
        a?
        """,
    "a key that is renamed": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: RENAME s t
        a?
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS t >
        b: XADD s 1-1 a 1
        b: RENAME s t
        a?
        """,
    "a key that is moved": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: MOVE s 1
        a?
        """,
    "a key that expires": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: PEXPIRE s 1
        a?
        """,
    "all keys are gone": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: FLUSHALL
        a?
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: FLUSHDB
        a?
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: SWAPDB 0 1
        a?
        """,
    "deleted and there again in one go": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: MULTI
        b: DEL s
        b: XADD s 5-1 a 1
        b: EXEC
        a?
        b: XGROUP CREATE s g $
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: MULTI
        b: DEL s
        b: XGROUP CREATE s g 0 MKSTREAM
        b: XADD s 1-1 a 1
        b: EXEC
        a?
        """,
    "the group is set back": """
        b: XADD s 1-1 a 1
        b: XGROUP CREATE s g $
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: XGROUP SETID s g 0
        b: XADD s 2-1 a 1
        a?
        """,
    "inside a transaction nothing waits": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: MULTI
        a: XREAD BLOCK 0 STREAMS s $
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        a: XADD s 1-1 a 1
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        a: XREAD BLOCK 0 STREAMS s 0
        a: EXEC
        """,
    "times": """
        a: XREAD BLOCK 1 STREAMS s $
        a: XREAD BLOCK 0.5 STREAMS s $
        a: XREAD BLOCK -1 STREAMS s $
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 1 STREAMS s >
        a: XREAD BLOCK 9223372036854775807 STREAMS s $
        b: CLIENT UNBLOCK #a
        a?
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        b: CLIENT UNBLOCK #a ERROR
        a?
        b: XINFO GROUPS s
        """,
    "one who is gone gets nothing": """
        b: XGROUP CREATE s g $ MKSTREAM
        a: XREADGROUP GROUP g one BLOCK 0 STREAMS s >
        c: XREADGROUP GROUP g two BLOCK 0 STREAMS s >
        a!
        b: XADD s 1-1 a 1
        c?
        b: XINFO GROUPS s
        """,
}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_who_gets_what(name: str, resp: int, reference: Reference, served: Served) -> None:
    assert play(CASES[name], resp, served) == play(CASES[name], resp, reference)


def test_a_call_that_waited_gets_a_thousand_entries_at_most(
    reference: Reference, served: Served
) -> None:
    for server in (reference, served):
        waits = server.connect()
        waits.send([b"XREAD", b"BLOCK", b"0", b"STREAMS", b"s", b"$"])
        wait_until_blocked(server, 1)
        server.call([b"MULTI"])
        for number in range(1, 1_102):
            server.call([b"XADD", b"s", b"%d-1" % number, b"a", b"b"])
        server.call([b"EXEC"])
        assert waits.reply().startswith(b"*1\r\n*2\r\n$1\r\ns\r\n*1000\r\n")
        waits.close()
