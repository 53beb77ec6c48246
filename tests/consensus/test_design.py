"""`consensus/DESIGN.md` maps rules to functions: each of them exists, and cites where it is from."""

import re
from pathlib import Path

import pytest

from respkv.consensus import raft
from respkv.consensus.configuration import ConfigurationHistory
from respkv.consensus.election_timer import ElectionTimer
from respkv.consensus.entry_log import EntryLog
from respkv.consensus.followers import Followers
from respkv.consensus.progress import Progress
from respkv.consensus.raft import Raft
from respkv.consensus.read_rounds import ReadRounds
from respkv.consensus.ready import Ready

OWNERS = {
    owner.__name__: owner
    for owner in (
        ConfigurationHistory,
        ElectionTimer,
        EntryLog,
        Followers,
        Progress,
        Raft,
        ReadRounds,
        Ready,
    )
}
DESIGN = Path(raft.__file__).parent / "DESIGN.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DESIGN.read_text().splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| rule"))
]
NAMES = sorted({name for row in ROWS for name in re.findall(r"`([\w.]+)`", row[2])})


@pytest.mark.parametrize("name", NAMES)
def test_a_function_that_the_design_names_exists(name: str) -> None:
    """A name alone is a class, or a method of Raft; `Ready` has attributes instead."""
    owner_name, _, attribute = name.rpartition(".")
    owner = OWNERS[owner_name or "Raft"]
    attributes = vars(Ready()) if owner is Ready else vars(owner)
    assert attribute in attributes or name in OWNERS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_a_rule_cites_its_section_and_its_function(row: list[str]) -> None:
    rule, where, functions = row
    assert rule
    assert re.fullmatch(r"(paper|thesis) \d.*", where)
    assert "`" in functions
