"""The file that says who a node is: its formats, and whose directories are refused."""

import json
from pathlib import Path

import pytest

from respkv.cluster.genesis import Genesis, Member
from respkv.cluster.roster import Replacement
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import RealFileSystem
from respkv.node.membership import Membership, is_member
from tests.conftest import ServerProcess

GENESIS = Genesis("c", 16, 2, [Member(d * 40, "", 7000, 17000, "", "host") for d in "12"])


def test_what_was_kept_is_found_again_and_each_start_counts(tmp_path: Path) -> None:
    fs, directory = RealFileSystem(), str(tmp_path)
    first = Membership(fs, directory)
    assert not is_member(fs, directory)
    first.join(GENESIS, [Replacement("1" * 40, Member("3" * 40, "", 7002, 17002, "", "host"))])
    first.keep_peer("2" * 40, {"port": 7009})
    second = Membership(fs, directory)
    assert (second.node_id, second.is_confirmed) == (first.node_id, True)
    assert [each.member.node_id for each in second.replacements] == ["3" * 40]
    assert second.peers == {"2" * 40: {"port": 7009}}
    assert (first.starts, second.starts) == (1, 2)
    assert first.run_id != second.run_id
    assert is_member(fs, directory)


def test_the_first_format_stays_readable(tmp_path: Path) -> None:
    fields = {
        "format": 1,
        "node_id": "1" * 40,
        "genesis": GENESIS.encode().decode(),
        "confirmed": True,
    }
    (tmp_path / "cluster").write_text(json.dumps(fields))
    found = Membership(RealFileSystem(), str(tmp_path))
    assert found.node_id == "1" * 40
    assert found.is_confirmed
    assert (found.starts, found.replacements, found.peers) == (1, [], {})


@pytest.mark.parametrize("text", ["", "[]x", '{"format": 3}', '{"format": 2, "node_id": "1"}'])
def test_another_format_or_damage_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster").write_text(text)
    with pytest.raises(LogDamaged):
        Membership(RealFileSystem(), str(tmp_path))


def test_a_members_directory_is_none_for_a_server_alone_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    alone = ServerProcess(tmp_path / "alone")
    with alone:
        assert alone.ask(b"SET a 1") == b"+OK\r\n"
    alone.options = ("--cluster-enabled", "yes")
    alone.launch()
    assert alone.process.wait(30) == 1
    assert "holds data, but not of a cluster's node" in alone.log.read_text()
    member = ServerProcess(tmp_path / "member", "--cluster-enabled", "yes")
    with member:
        pass
    member.options = ()
    member.launch()
    assert member.process.wait(30) == 1
    assert "is that of a cluster's node" in member.log.read_text()
