"""What a leader knows of its followers, and what majorities of the voters have."""

from respkv.consensus.configuration import Configuration
from respkv.consensus.progress import Progress


class Followers:
    """Voters and learners other than the leader itself; empty while this member does not lead."""

    def __init__(self, node_id: int) -> None:
        self.progress: dict[int, Progress] = {}
        self._node_id = node_id

    def configure(self, configuration: Configuration, next_index: int) -> None:
        """Follow a change of members; who is new is sent what comes from `next_index` on."""
        peers = [*configuration.voters, *configuration.learners]
        for peer in list(self.progress):
            if peer not in peers:
                del self.progress[peer]
        for peer in peers:
            if peer != self._node_id and peer not in self.progress:
                self.progress[peer] = Progress(next_index)

    def majority_match(self, voters: list[int], own: int) -> int:
        """Return the last index that a majority holds durably; `own` is the leader's."""
        held = sorted(
            own if voter == self._node_id else self.progress[voter].match for voter in voters
        )
        return held[(len(held) - 1) // 2]

    def majority_round(self, voters: list[int], last: int, match_min: int = 0) -> int:
        """Return the latest round that a majority, with that much of the log on disk, has answered.

        Whoever has this term on disk will know after a restart that it may have acknowledged.
        """
        acknowledged = sorted(
            last
            if voter == self._node_id
            else self.progress[voter].round_acknowledged * (self.progress[voter].match >= match_min)
            for voter in voters
        )
        return acknowledged[(len(acknowledged) - 1) // 2]

    def take_heard(self) -> dict[int, bool]:
        """Return who was heard since the last call."""
        heard = {peer: progress.heard_lately for peer, progress in self.progress.items()}
        heard[self._node_id] = True
        for progress in self.progress.values():
            progress.heard_lately = False
        return heard
