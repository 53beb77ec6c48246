"""With one database (a cluster) the words are those of redis-server in cluster mode."""

import pytest

from respkv.commands.table import resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace

# What redis-server 7.0.15 --cluster-enabled yes replied, all slots assigned to it, k set.
REFUSED = {
    "MOVE k 1": b"ERR MOVE is not allowed in cluster mode",
    "MOVE none abc": b"ERR MOVE is not allowed in cluster mode",
    "SWAPDB 0 1": b"ERR SWAPDB is not allowed in cluster mode",
    "SWAPDB a b": b"ERR SWAPDB is not allowed in cluster mode",
    "COPY k {k}2 DB 1": b"ERR Copying to another database is not allowed in cluster mode",
    "COPY k {k}2 DB 99": b"ERR DB index is out of range",
    "COPY k k DB 0": b"ERR source and destination objects are the same",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_cluster_has_one_database(line: str) -> None:
    keyspace = Keyspace(databases=1)
    keyspace.applying = True
    keyspace.set(b"k", b"v")
    argv = line.encode().split()
    with pytest.raises(CommandError) as refused:
        resolve(argv).handler(keyspace, argv)
    assert refused.value.text == REFUSED[line]


def test_copy_to_database_0_works_in_a_cluster() -> None:
    keyspace = Keyspace(databases=1)
    keyspace.applying = True
    keyspace.set(b"k", b"v")
    argv = [b"COPY", b"k", b"{k}2", b"DB", b"0"]
    assert resolve(argv).handler(keyspace, argv) == 1
