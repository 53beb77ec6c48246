"""Totals over seeds, and whether they prove anything."""

MUST_HAPPEN = (
    "ok",
    "unknown",
    "failed",
    "elections",
    "truncations",
    "snapshots built",
    "snapshots failed",
    "snapshots installed",
    "snapshot chunks",
    "nodes joined",
    "forming questions",
    "forming refused",
    "crashes while forming",
    "wiped nodes",
    "redirections",
    "kills",
    "power losses",
    "torn writes",
    "lost writes",
    "disk errors",
    "disks full",
    "restarts",
    "pauses",
    "memory shortages",
    "keys evicted",
    "isolations",
    "one-way cuts",
    "clock jumps",
    "logs destroyed",
    "destroyed logs refused",
    "messages lost",
    "messages doubled",
    "messages late",
    "transactions done",
    "transactions stopped",
    "transfers",
    "overtakings",
    "reads in a lease",
    "connections closed with an unknown outcome",
    "durability checks",
    "digests compared",
    "keys checked",
    "slots checked for cycles",
    "transactions over one slot",
    "transactions of unknown outcome",
    "queues checked",
    "elements popped from queues",
    "sorted sets checked",
    "elements popped from sorted sets",
    "waits ended by others",
    "waits served before their end",
    "pops of unknown outcome",
    "blocked pops served",
    "blocked pops timed out",
    "streams checked",
    "stream entries delivered",
    "stream entries acknowledged",
    "stream entries claimed",
    "blocked consumers served",
    "keys of scripts checked",
    "scripts sent",
    "scripts called by name",
    "scripts not known",
    "scripts failed half-way",
    "scripts without effect in transactions",
)
FAULTS = (
    "wiped nodes",
    "kills",
    "power losses",
    "torn writes",
    "lost writes",
    "disk errors",
    "disks full",
    "pauses",
    "memory shortages",
    "isolations",
    "one-way cuts",
    "clock jumps",
    "logs destroyed",
    "messages lost",
    "messages doubled",
    "messages late",
)
MANY_SEEDS = 100  # from here on, what never happened is a failure


class Totals:
    """Counts of all seeds together."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.seeds = 0
        self.violations = 0

    def add(self, counts: dict[str, int], violated: bool) -> None:
        """Add one seed's."""
        self.seeds += 1
        self.violations += violated
        for what, count in counts.items():
            self.counts[what] = self.counts.get(what, 0) + count

    def table(self) -> list[str]:
        """Return a line for each kind of count."""
        return [f"{what:<44}{self.counts[what]:>12,}" for what in sorted(self.counts)]

    def summary(self, seconds: int) -> str:
        """Return the figures to quote."""
        faults = sum(self.counts.get(what, 0) for what in FAULTS)
        return (
            f"{self.seeds} seeds, {self.seeds * seconds / 3600:.1f} simulated hours, "
            f"{faults:,} faults, {self.violations} violations"
        )

    def unproved(self) -> list[str]:
        """Return what many seeds should have shown and did not."""
        if self.seeds < MANY_SEEDS:
            return []
        found = [
            f"nothing was proved about: {what} (it never happened)"
            for what in MUST_HAPPEN
            if not self.counts.get(what)
        ]
        if self.counts.get("healthy ok", 0) < self.counts.get("healthy not ok", 0):
            found.append("fewer than half of the operations succeeded while all was well")
        return found
