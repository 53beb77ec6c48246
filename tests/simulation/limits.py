"""Product limits made small, so that a run of a minute meets them."""

from respkv.consensus import raft
from respkv.replica import snapshot_transfer
from respkv.scripts import calls, lua_state


class Limits:
    """Whatever a profile does not set has the product's own value."""

    _APPEND_ENTRIES = raft.APPEND_ENTRIES_MAX
    _SNAPSHOT_CHUNK_BYTES = snapshot_transfer.CHUNK_BYTES
    _SCRIPT_STEPS = lua_state.STEPS_MAX
    _SCRIPT_CALLS = calls.KEPT_CALLS_MAX

    def __init__(self) -> None:
        self.append_entries = self._APPEND_ENTRIES
        self.snapshot_chunk_bytes = self._SNAPSHOT_CHUNK_BYTES
        self.script_steps = self._SCRIPT_STEPS
        self.script_calls = self._SCRIPT_CALLS  # more need a state of Lua of their own

    def apply(self) -> None:
        """Set them for this process, which runs one seed at a time."""
        vars(raft)["APPEND_ENTRIES_MAX"] = self.append_entries
        vars(snapshot_transfer)["CHUNK_BYTES"] = self.snapshot_chunk_bytes
        vars(lua_state)["STEPS_MAX"] = self.script_steps
        vars(calls)["KEPT_CALLS_MAX"] = self.script_calls
