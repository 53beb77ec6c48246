"""Transactions, the handshake, CLIENT and the wire itself: every reply is redis-server's.

How a script is written: `sessions.py`.
"""

import pytest

from tests.commands.reference import Reference, Served
from tests.commands.sessions import differences

SCRIPTS = {
    "a transaction": """
        a: MULTI
        a: SET k 1
        b: GET k
        a: INCR k
        a: GET k
        a: PING
        a: ECHO hello
        a: EXEC
        a: GET k
        a: MULTI
        a: EXEC
        """,
    "errors of the transaction commands": """
        a: EXEC
        a: DISCARD
        a: MULTI x
        a: EXEC x
        a: DISCARD x
        a: UNWATCH x
        a: WATCH
        a: MULTI
        a: MULTI
        a: SET k 1
        a: EXEC
        a: GET k
        a: MULTI
        a: WATCH k
        a: GET k
        a: EXEC
        a: MULTI
        a: DISCARD
        a: EXEC
        """,
    "errors inside run on": """
        a: SET s text
        a: MULTI
        a: INCR s
        a: SET k v EX 0
        a: EXPIRE k abc
        a: SET k after
        a: EXEC
        a: GET k
        """,
    "errors while queueing discard": """
        a: MULTI
        a: SET k
        a: SET k v
        a: EXEC
        a: GET k
        a: MULTI
        a: NOSUCH x
        a: EXEC
        a: EXEC
        a: MULTI
        a: NOSUCH x
        a: MULTI
        a: WATCH k
        a: EXEC
        a: MULTI
        a: GET
        a: DISCARD
        a: MULTI
        a: SET k v
        a: EXEC
        a: MULTI
        a: OBJECT NOSUCH k
        a: EXEC
        a: MULTI
        a: CLIENT NOSUCH
        a: EXEC
        a: MULTI
        a: EXEC x
        a: EXEC
        a: MULTI
        a: MULTI x
        a: EXEC
        a: MULTI
        a: DISCARD x
        a: EXEC
        a: MULTI
        a: WATCH
        a: EXEC
        """,
    "watch": """
        a: SET k 1
        a: WATCH k
        b: SET k 2
        a: MULTI
        a: SET k 3
        a: EXEC
        a: GET k
        a: WATCH k
        a: MULTI
        a: SET k 4
        a: EXEC
        a: WATCH k
        a: SET k 5
        a: MULTI
        a: EXEC
        a: WATCH k
        b: SET k 6
        a: UNWATCH
        a: MULTI
        a: EXEC
        a: WATCH k
        b: SET k 7
        a: MULTI
        a: DISCARD
        a: MULTI
        a: EXEC
        a: WATCH none other
        b: SET other 1
        a: MULTI
        a: EXEC
        a: WATCH k k
        a: MULTI
        a: UNWATCH
        a: EXEC
        """,
    "what a watched key notices": """
        a: SET k 1
        a: WATCH k
        b: DEL none
        b: GET k
        b: TOUCH k
        b: SET k 2 NX
        b: PERSIST k
        a: MULTI
        a: EXEC
        a: WATCH k
        b: EXPIRE k 100
        a: MULTI
        a: EXEC
        a: WATCH k
        b: DEL k
        b: SET k 1
        a: MULTI
        a: EXEC
        a: SET k 1
        a: WATCH k
        b: FLUSHALL
        a: MULTI
        a: EXEC
        a: SET k 1
        a: WATCH k
        b: RENAME k k2
        a: MULTI
        a: EXEC
        a: WATCH k2
        b: COPY k2 k3
        a: MULTI
        a: EXEC
        a: WATCH k3
        b: COPY k2 k3 REPLACE
        a: MULTI
        a: EXEC
        a: WATCH k2
        b: GETEX k2
        a: MULTI
        a: EXEC
        a: WATCH k2
        b: GETEX k2 PERSIST
        a: MULTI
        a: EXEC
        a: WATCH k2
        b: SETRANGE k2 0 ""
        b: APPEND k2 ""
        a: MULTI
        a: EXEC
        a: WATCH k2
        b: MOVE k2 1
        a: MULTI
        a: EXEC
        a: SET k2 1
        a: WATCH k2
        b: SET k2 text
        b: INCR k2
        a: MULTI
        a: EXEC
        """,
    "watch and databases": """
        a: SELECT 1
        a: WATCH k
        a: SELECT 0
        b: SET k in-zero
        a: MULTI
        a: EXEC
        a: SELECT 1
        a: WATCH k
        a: SELECT 0
        b: SELECT 1
        b: SET k in-one
        a: MULTI
        a: EXEC
        a: WATCH k
        b: SWAPDB 0 1
        a: MULTI
        a: EXEC
        """,
    "watch and expiry": """
        a: SET k v
        a: WATCH k
        a: PEXPIREAT k 1
        a: MULTI
        a: EXEC
        a: SET k v
        a: WATCH k
        b: SET k v PXAT 1
        a: MULTI
        a: EXEC
        """,
    "select inside": """
        a: MULTI
        a: SET k zero
        a: SELECT 1
        a: SET k one
        a: SELECT 99
        a: SELECT x
        a: EXEC
        a: GET k
        a: SELECT 0
        a: GET k
        a: MULTI
        a: SELECT 1
        a: DISCARD
        a: GET k
        """,
    "select inside a transaction that does not run": """
        a: WATCH k
        b: SET k changed
        a: MULTI
        a: SELECT 1
        a: EXEC
        a: GET k
        a: WATCH k
        b: SET k again
        a> MULTI\\r\\nSET k one\\r\\nSELECT 1\\r\\nEXEC\\r\\nGET k\\r\\nSET k 2\\r\\nGET k\\r\\n
        a<
        a<
        a<
        a<
        a<
        a<
        a> MULTI\\r\\nSET k one\\r\\nSELECT 1\\r\\nEXEC\\r\\nGET k\\r\\nSET k 2\\r\\nGET k\\r\\n
        a<
        a<
        a<
        a<
        a<
        a<
        b: GET k
        a: MULTI
        a: SELECT 0
        a: EXEC
        a: GET k
        a> MULTI\\r\\nSET k 3\\r\\nSELECT 1\\r\\nEXEC\\r\\nQUIT\\r\\n
        a<
        a<
        a<
        a<
        a<
        """,
    "connection commands inside": """
        a: MULTI
        a: CLIENT SETNAME inside
        a: CLIENT GETNAME
        a: ECHO x
        a: PING x
        a: COMMAND COUNT x
        a: EXEC
        a: CLIENT GETNAME
        a: MULTI
        a: SET k v
        a: RESET
        a: EXEC
        a: GET k
        a: MULTI
        a: SET k v
        a: QUIT
        a<
        b: GET k
        """,
    "hello inside": """
        a: MULTI
        a: HELLO 3
        a: GET none
        a: EXEC
        a: GET none
        a: MULTI
        a: AUTH x y
        a: HELLO 9
        a: EXEC
        """,
    "hello": """
        a: HELLO
        a: HELLO 3
        a: GET none
        a: HELLO
        a: HELLO 2
        a: GET none
        a: HELLO 1
        a: HELLO 4
        a: HELLO x
        a: HELLO 2.0
        a: HELLO -3
        a: HELLO ""
        a: HELLO 3 SETNAME me
        a: CLIENT GETNAME
        a: HELLO 3 SETNAME "not valid"
        a: HELLO 3 SETNAME
        a: HELLO 3 AUTH default
        a: HELLO 3 AUTH default x SETNAME you
        a: CLIENT GETNAME
        a: HELLO 2 AUTH nobody x
        a: HELLO 3 FOO
        a: HELLO 2 SETNAME he FOO
        a: CLIENT GETNAME
        a: HELLO SETNAME me
        a: hello 2 setname lower
        a: CLIENT GETNAME
        a: HELLO 3
        a: RESET
        a: GET none
        a: CLIENT GETNAME
        """,
    "auth without a password": """
        a: AUTH
        a: AUTH x
        a: AUTH default x
        a: AUTH nobody x
        a: AUTH a b c
        """,
    "a password": """
        a: CONFIG SET requirepass secret
        b: PING
        c: GET k
        a: GET k
        c: HELLO 3
        c: HELLO 2
        c: HELLO 3 AUTH default wrong
        c: AUTH wrong
        c: AUTH default wrong
        c: AUTH nobody secret
        c: NOSUCH
        c: GET
        c: MULTI
        c: EXEC
        c: DISCARD
        c: PING
        c: ECHO x
        c: COMMAND COUNT x
        c: CLIENT ID x
        c: AUTH secret
        c: GET k
        c: RESET
        c: GET k
        c: AUTH default secret
        c: GET k
        c: HELLO 2 AUTH default secret
        c: RESET
        c: QUIT
        c<
        a: CONFIG SET requirepass ""
        b: PING
        """,
    "ping echo select": """
        a: PING
        a: PING hello
        a: PING ""
        a: PING a b
        a: ping
        a: ECHO
        a: ECHO x
        a: ECHO ""
        a: ECHO a b
        a: SELECT
        a: SELECT 1
        a: SELECT 15
        a: SELECT 16
        a: SELECT -1
        a: SELECT x
        a: SELECT 1.0
        a: SELECT ""
        a: SELECT 99999999999999999999
        a: SELECT 4294967296
        a: SELECT 0 1
        """,
    "reset": """
        a: SELECT 3
        a: SET k three
        a: CLIENT SETNAME me
        a: WATCH k
        a: MULTI
        a: RESET x
        a: RESET
        a: GET k
        a: CLIENT GETNAME
        a: EXEC
        a: WATCH k
        b: SET k changed
        a: RESET
        a: MULTI
        a: EXEC
        """,
    "client": """
        a: CLIENT
        a: CLIENT NOSUCH
        a: CLIENT NOSUCH x
        a: CLIENT GETNAME
        a: CLIENT SETNAME me
        a: CLIENT GETNAME
        a: CLIENT SETNAME ""
        a: CLIENT GETNAME
        a: CLIENT SETNAME "two words"
        a: CLIENT SETNAME "new\\x0aline"
        a: CLIENT SETNAME "\\xff"
        a: CLIENT SETNAME
        a: CLIENT GETNAME x
        a: CLIENT ID x
        a: CLIENT INFO
        a: CLIENT INFO x
        a: CLIENT LIST TYPE nosuch
        a: CLIENT LIST TYPE pubsub
        a: CLIENT LIST TYPE master
        a: CLIENT LIST TYPE replica
        a: CLIENT LIST TYPE
        a: CLIENT LIST ID
        a: CLIENT LIST ID x
        a: CLIENT LIST ID 0
        a: CLIENT LIST ID 99999999
        a: CLIENT LIST FOO
        a: CLIENT LIST FOO bar
        a: CLIENT NO-EVICT
        a: CLIENT NO-EVICT on
        a: CLIENT NO-EVICT off
        a: CLIENT NO-EVICT x
        a: CLIENT GETREDIR
        a: CLIENT GETREDIR x
        """,
    "client kill": """
        a: CLIENT KILL
        a: CLIENT KILL nowhere:1
        a: CLIENT KILL ID
        a: CLIENT KILL ID x
        a: CLIENT KILL ID 0
        a: CLIENT KILL ID 99999999
        a: CLIENT KILL ADDR nowhere:1
        a: CLIENT KILL LADDR nowhere:1
        a: CLIENT KILL TYPE nosuch
        a: CLIENT KILL TYPE master
        a: CLIENT KILL TYPE pubsub
        a: CLIENT KILL USER nobody
        a: CLIENT KILL USER default ID 99999999
        a: CLIENT KILL SKIPME yes ID 99999999
        a: CLIENT KILL SKIPME maybe
        a: CLIENT KILL FOO bar
        a: CLIENT KILL ID 99999999 FOO
        a: CLIENT KILL ID 99999999 ADDR nowhere:1
        """,
    "client reply": """
        a: CLIENT REPLY
        a: CLIENT REPLY x
        a: CLIENT REPLY ON
        a>> CLIENT REPLY OFF\\r\\n
        a>> SET k 1\\r\\n
        a>> GET k\\r\\n
        a: CLIENT REPLY ON
        a: GET k
        a>> CLIENT REPLY SKIP\\r\\n
        a>> SET k 2\\r\\n
        a: GET k
        a>> CLIENT REPLY SKIP\\r\\n
        a>> NOSUCH\\r\\n
        a: GET k
        """,
    "inline": """
        a> PING\\r\\n
        a> PING\\n
        a> SET k "a b"\\r\\n
        a> GET k\\r\\n
        a> SET k 'single \\\\' quote'\\r\\n
        a> GET k\\r\\n
        a> SET k "\\\\x41\\\\n\\\\\\"\\\\q"\\r\\n
        a> GET k\\r\\n
        a> \\r\\n\\r\\nPING\\r\\n
        a>   PING   hello  \\r\\n
        a> get k\\r\\n
        a> NOSUCH a b\\r\\n
        a> SET k ""\\r\\n
        a> GET k\\r\\n
        a> *0\\r\\nPING\\r\\n
        a> *-1\\r\\nPING\\r\\n
        a> MULTI\\r\\nSET k 1\\r\\nEXEC\\r\\n
        a<
        a<
        """,
    "inline unbalanced": """
        a> SET k "open\\r\\n
        a<
        """,
    "inline text behind a quote": """
        a> SET k "a"b\\r\\n
        a<
        """,
    "bad multibulk length": """
        a> *x\\r\\n
        a<
        """,
    "too many arguments": """
        a> *2147483648\\r\\n
        a<
        """,
    "a reply is no request": """
        a> *1\\r\\n+PING\\r\\n
        a<
        """,
    "bad bulk length": """
        a> *1\\r\\n$x\\r\\n
        a<
        """,
    "a negative bulk length": """
        a> *1\\r\\n$-1\\r\\n
        a<
        """,
    "a bulk too long": """
        a> *1\\r\\n$536870913\\r\\n
        a<
        """,
    "what came before a protocol error is answered": """
        a> PING\\r\\n*1\\r\\n$x\\r\\n
        a<
        a<
        """,
    "quit": """
        a> SET k 1\\r\\nQUIT\\r\\nSET k 2\\r\\n
        a<
        a<
        b: GET k
        b: QUIT x
        b<
        """,
    "command": """
        a: COMMAND NOSUCH
        a: COMMAND COUNT x
        a: COMMAND INFO nosuch
        a: COMMAND INFO get nosuch set
        a: COMMAND DOCS nosuch
        a: COMMAND DOCS get set
        a: COMMAND LIST x
        a: COMMAND LIST FILTERBY
        a: COMMAND LIST FILTERBY MODULE nosuch
        a: COMMAND LIST FILTERBY PATTERN nosuch
        a: COMMAND LIST FILTERBY PATTERN getse?
        a: COMMAND LIST FILTERBY ACLCAT nosuch
        a: COMMAND LIST FILTERBY NOSUCH x
        a: COMMAND GETKEYS
        a: COMMAND GETKEYS GET
        a: COMMAND GETKEYS GET k
        a: COMMAND GETKEYS get k
        a: COMMAND GETKEYS MSET a 1 b 2
        a: COMMAND GETKEYS MSET a 1 b
        a: COMMAND GETKEYS PING
        a: COMMAND GETKEYS NOSUCH x
        a: COMMAND GETKEYS OBJECT ENCODING k
        a: COMMAND GETKEYS LCS a b
        a: COMMAND GETKEYS COPY a b
        a: COMMAND GETKEYS WATCH a b
        a: COMMAND GETKEYSANDFLAGS SET k v GET
        a: COMMAND GETKEYSANDFLAGS SET k v
        a: COMMAND GETKEYSANDFLAGS DEL a b
        a: COMMAND GETKEYSANDFLAGS RENAME a b
        a: COMMAND GETKEYSANDFLAGS PING
        """,
    "cluster commands without cluster mode": """
        a: CLUSTER
        a: CLUSTER NOSUCH
        a: CLUSTER KEYSLOT
        a: CLUSTER KEYSLOT k
        a: CLUSTER COUNTKEYSINSLOT x
        a: CLUSTER GETKEYSINSLOT 16384 -1
        a: CLUSTER SLOTS
        a: CLUSTER SLOTS x
        a: CLUSTER SHARDS
        a: CLUSTER NODES
        a: CLUSTER INFO
        a: CLUSTER LINKS
        a: CLUSTER MYID
        a: CLUSTER HELP
        a: CLUSTER FAILOVER FOO
        a: CLUSTER REPLICAS x
        a: CLUSTER MEET 127.0.0.1 7000
        a: CLUSTER ADDSLOTS 1
        a: CLUSTER SETSLOT 1 STABLE
        a: CLUSTER SAVECONFIG
        a: CLUSTER RESET
        a: READONLY
        a: READWRITE
        a: ASKING
        a: MULTI
        a: READONLY
        a: CLUSTER SLOTS
        a: PING
        a: EXEC
        a: CONFIG GET cluster-enabled
        a: CONFIG SET cluster-enabled yes
        a: INFO cluster
        """,
    "WAIT where there are no replicas": """
        a: WAIT 0 0
        a: WAIT -1 0
        a: WAIT 1 20
        a: SET k v
        a: WAIT 0 10
        a: WAIT 9223372036854775807 10
        a: WAIT x 0
        a: WAIT 1 x
        a: WAIT x x
        a: WAIT 1 -1
        a: WAIT 1 1.5
        a: WAIT 1 99999999999999999999
        a: WAIT 99999999999999999999 1
        a: WAIT
        a: WAIT 1
        a: WAIT 1 1 1
        a: MULTI
        a: SET k w
        a: WAIT 1 0
        a: WAIT 1 x
        a: WAIT 1 -1
        a: GET k
        a: EXEC
        a> SET k 1\\r\\nWAIT 1 30\\r\\nINCR k\\r\\nQUIT\\r\\n
        a<
        a<
        a<
        b: WAIT 1 10
        b: GET k
        """,
    "a client in WAIT is blocked": """
        a>> WAIT 1 0\\r\\n
        b: CLIENT LIST
        """,
    "containers and unknown subcommands": """
        a: CONFIG
        a: CONFIG NOSUCH
        a: CONFIG GET
        a: CONFIG GET nosuch
        a: CONFIG SET nosuch 1
        a: CONFIG SET maxclients
        a: CONFIG SET maxclients abc
        a: CONFIG SET timeout 0 nosuch 1
        a: CONFIG SET timeout 0 timeout 0
        a: CONFIG GET timeout
        a: CONFIG RESETSTAT x
        a: TIME x
        a: LASTSAVE x
        a: BGSAVE FOO
        a: BGSAVE SCHEDULE x
        a: SHUTDOWN FOO
        a: SHUTDOWN ABORT
        a: SHUTDOWN ABORT NOW
        a: SHUTDOWN SAVE NOSAVE
        a: DBSIZE x
        """,
}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", SCRIPTS)
def test_sessions_see_what_redis_shows(
    name: str, resp: int, reference: Reference, served: Served
) -> None:
    assert differences(SCRIPTS[name], resp, reference, served) == []


@pytest.mark.parametrize("name", ["ping", "echo", "auth", "hello", "select", "quit", "reset",
                                  "multi", "exec", "discard", "watch", "unwatch", "client|id",
                                  "client|setname", "client|getname", "client|info",
                                  "client|list", "client|kill", "client|reply",
                                  "client|no-evict", "client|getredir", "config|get",
                                  "config|set", "config|resetstat", "command|info",
                                  "command|count", "command|docs", "command|getkeys",
                                  "command|getkeysandflags", "command|list", "dbsize", "lastsave", "info", "bgsave", "shutdown",
                                  "time"])  # fmt: skip
def test_the_server_describes_its_own_commands_as_redis_does(
    name: str, reference: Reference, served: Served
) -> None:
    lines = f"a: COMMAND INFO {name}\na: COMMAND DOCS {name}"
    assert differences(lines, 3, reference, served) == []
