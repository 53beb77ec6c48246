"""What was measured, against what was asked: a table, JSON and plots."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.driver import Run

REDIS, PURE, COMPILED, ETCD = "redis-server", "respkv", "respkv compiled", "etcd"
BUILDS = (ETCD, REDIS, PURE, COMPILED)
GROUPS_A_ROW = 7  # of bars in a plot


class Asked:
    """A bound on a figure: absolute, or as a multiple of another's in the same run."""

    def __init__(self, sign: str, bound: float, of: str = "") -> None:
        self.sign = sign  # "≥" or "≤"
        self.bound = bound
        self.of = of  # a build, or nothing

    def holds(self, value: float, reference: float | None) -> bool:
        """Return whether `value` keeps the bound."""
        bound = self.bound
        if self.of:
            if reference is None:
                return True
            bound *= reference
        return value >= bound if self.sign == "≥" else value <= bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{f' × {self.of}' if self.of else ''}"


def of_both(*asked: Asked) -> dict[str, list[Asked]]:
    """Return the same bounds for the pure and the compiled build."""
    return {build: list(asked) for build in (PURE, COMPILED)}


class Figure:
    """One line of the table: a value per round for each build."""

    def __init__(
        self,
        name: str,
        unit: str,
        asked: dict[str, list[Asked]] | None = None,
        beside: tuple[str, ...] = (REDIS,),
    ) -> None:
        self.name = name
        self.unit = unit
        self.asked = asked or {}
        self.beside = beside  # the builds that respkv is compared with
        self.rounds: dict[str, list[float]] = {}
        self.server_cpu_us: dict[str, list[float]] = {}  # a request
        self.driver_cpu: dict[str, list[float]] = {}  # share of one core
        self.commands: dict[str, str] = {}  # how server and driver were started

    def add(self, build: str, value: float) -> None:
        """Take one round's value."""
        self.rounds.setdefault(build, []).append(value)

    def add_run(self, build: str, run: Run, value: str) -> None:
        """Take one of a run's values, and the CPU it took."""
        self.add(build, getattr(run, value))
        self.server_cpu_us.setdefault(build, []).append(run.server_cpu_us)
        self.driver_cpu.setdefault(build, []).append(run.driver_cpu_share)

    def median(self, build: str) -> float | None:
        """Return the median over the rounds, None when the build was not measured."""
        values = self.rounds.get(build)
        return statistics.median(values) if values else None

    def verdict(self, build: str) -> str:
        """Return what was asked of the build and whether it holds."""
        value = self.median(build)
        if value is None:
            return ""
        return ", ".join(
            f"{asked} {'yes' if asked.holds(value, self.median(asked.of)) else 'NO'}"
            for asked in self.asked.get(build, [])
        )


def shown(value: float | None) -> str:
    """Return a value with as many digits as mean something."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    if 0.99 < value < 1:
        return f"{value:.5f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(figures: list[Figure]) -> list[str]:
    """Return the lines of Markdown tables, one for each choice of builds to compare with."""
    lines: list[str] = []
    for beside in dict.fromkeys(figure.beside for figure in figures):
        lines += [""] if lines else []
        heads = ["what", "unit", *beside]
        for build in (PURE, COMPILED):
            heads += [build, *[f"of {other}" for other in beside], "asked"]
        right_aligned = ["--:"] * (len(heads) - 2)
        lines += [f"| {' | '.join(heads)} |", f"|---|---|{'|'.join(right_aligned)}|"]
        lines += [_row(figure) for figure in figures if figure.beside == beside]
    return lines


def _row(figure: Figure) -> str:
    others = [figure.median(other) for other in figure.beside]
    cells = [figure.name, figure.unit, *map(shown, others)]
    for build in (PURE, COMPILED):
        value = figure.median(build)
        cells.append(shown(value))
        for other in others:
            comparable = value is not None and other is not None and other > 0
            cells.append(f"{value / other:.2f}" if comparable else "")  # type: ignore[operator]
        cells.append(figure.verdict(build))
    return f"| {' | '.join(cells)} |"


def cpu_table(figures: list[Figure]) -> list[str]:
    """Return what server and driver spent, so that a driver at its limit shows."""
    lines = [
        "| what | build | server µs a request | driver's share of a core |",
        "|---|---|--:|--:|",
    ]
    for figure in figures:
        for build, spent in figure.server_cpu_us.items():
            share = statistics.median(figure.driver_cpu[build])
            spent_us = statistics.median(spent)
            lines.append(f"| {figure.name} | {build} | {spent_us:.2f} | {share:.0%} |")
    return lines


def command_lines(figures: list[Figure]) -> list[str]:
    """Return each distinct command line once."""
    seen: dict[str, None] = {}
    for figure in figures:
        for line in figure.commands.values():
            seen.setdefault(line)
    return list(seen)


def as_json(figures: list[Figure], about: dict[str, Any]) -> str:
    """Return everything that was measured."""
    return json.dumps(
        {
            "about": about,
            "figures": [
                {
                    "name": figure.name,
                    "unit": figure.unit,
                    "asked": {
                        build: [str(asked) for asked in bounds]
                        for build, bounds in figure.asked.items()
                    },
                    "rounds": figure.rounds,
                    "server_cpu_us": figure.server_cpu_us,
                    "driver_cpu": figure.driver_cpu,
                    "commands": figure.commands,
                }
                for figure in figures
            ],
        },
        indent=1,
        ensure_ascii=False,
    )


def histogram(figures: list[Figure], title: str, path: Path) -> None:
    """Draw all rounds of the figures as counts by value, as SVG."""
    chosen = [figure for figure in figures if any(figure.rounds.values())]
    if not chosen:
        return
    plt = _pyplot()
    fig, axes = plt.subplots(figsize=(8, 4.2))
    for figure in chosen:
        for build, values in figure.rounds.items():
            label = f"{figure.name.partition(':')[0]}, {build} ({len(values)})"
            axes.hist(values, bins=30, alpha=0.5, label=label)
    axes.set_xlabel(chosen[0].unit)
    axes.set_ylabel("faults")
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "respkv"  # equal figures give an equal file
    import matplotlib.pyplot as plt

    return plt


def plot(figures: list[Figure], choose: Callable[[Figure], bool], title: str, path: Path) -> None:
    """Draw the medians of the chosen figures as bars, one group each, as SVG."""
    chosen = [figure for figure in figures if choose(figure) and any(figure.rounds.values())]
    if not chosen:
        return
    plt = _pyplot()
    rows = [chosen[start : start + GROUPS_A_ROW] for start in range(0, len(chosen), GROUPS_A_ROW)]
    fig, all_axes = plt.subplots(
        len(rows), figsize=(1.6 + 1.5 * len(rows[0]), 4.2 * len(rows)), squeeze=False
    )
    builds = [build for build in BUILDS if any(build in figure.rounds for figure in chosen)]
    for row, axes in zip(rows, all_axes[:, 0], strict=True):
        _bars(axes, row, builds)
    all_axes[0, 0].set_title(title, fontsize=10)
    all_axes[0, 0].legend(fontsize=8, frameon=False)
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)


def _bars(axes: Any, row: list[Figure], builds: list[str]) -> None:
    width = 0.8 / len(builds)
    for offset, build in enumerate(builds):
        places = [group + offset * width for group in range(len(row))]
        heights = [figure.median(build) or 0.0 for figure in row]
        bars = axes.bar(places, heights, width * 0.95, label=build)
        axes.bar_label(bars, [shown(height) for height in heights], fontsize=7, padding=2)
    middle = width * (len(builds) - 1) / 2
    axes.set_xticks(
        [group + middle for group in range(len(row))],
        [figure.name.replace(", ", "\n") for figure in row],
        fontsize=8,
    )
    axes.set_ylabel(row[0].unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.12)
