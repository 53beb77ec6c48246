"""What was measured, against what was asked: a table, JSON and plots."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

REDIS, PURE, COMPILED = "redis-server", "respkv", "respkv compiled"


class Asked:
    """A bound on a figure: absolute, or as a multiple of redis-server's in the same run."""

    def __init__(self, sign: str, bound: float, of_redis: bool = False) -> None:
        self.sign = sign  # "≥" or "≤"
        self.bound = bound
        self.of_redis = of_redis

    def holds(self, value: float, redis: float | None) -> bool:
        """Return whether `value` keeps the bound."""
        bound = self.bound
        if self.of_redis:
            if redis is None:
                return True
            bound *= redis
        return value >= bound if self.sign == "≥" else value <= bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{' ×' if self.of_redis else ''}"


class Figure:
    """One line of the table: a value per round for each build."""

    def __init__(self, name: str, unit: str, asked: dict[str, Asked] | None = None) -> None:
        self.name = name
        self.unit = unit
        self.asked = asked or {}
        self.rounds: dict[str, list[float]] = {}
        self.server_cpu_us: dict[str, list[float]] = {}  # a request
        self.driver_cpu: dict[str, list[float]] = {}  # share of one core
        self.commands: dict[str, str] = {}  # how server and driver were started

    def add(self, build: str, value: float) -> None:
        """Take one round's value."""
        self.rounds.setdefault(build, []).append(value)

    def median(self, build: str) -> float | None:
        """Return the median over the rounds, None when the build was not measured."""
        values = self.rounds.get(build)
        return statistics.median(values) if values else None

    def verdict(self, build: str) -> str:
        """Return what was asked of the build and whether it holds."""
        asked, value = self.asked.get(build), self.median(build)
        if asked is None or value is None:
            return ""
        return f"{asked} {'yes' if asked.holds(value, self.median(REDIS)) else 'NO'}"


def shown(value: float | None) -> str:
    """Return a value with as many digits as mean something."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(figures: list[Figure]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [
        "| what | unit | redis-server | respkv | of redis | asked | compiled | of redis | asked |",
        "|---|---|--:|--:|--:|---|--:|--:|---|",
    ]
    for figure in figures:
        cells = [figure.name, figure.unit, shown(figure.median(REDIS))]
        for build in (PURE, COMPILED):
            value, redis = figure.median(build), figure.median(REDIS)
            ratio = f"{value / redis:.2f}" if value is not None and redis and redis > 0 else ""
            cells += [shown(value), ratio, figure.verdict(build)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


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
                    "asked": {build: str(asked) for build, asked in figure.asked.items()},
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


def plot(figures: list[Figure], choose: Callable[[Figure], bool], title: str, path: Path) -> None:
    """Draw the medians of the chosen figures as bars, one group each, as SVG."""
    chosen = [figure for figure in figures if choose(figure)]
    if not chosen:
        return
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "respkv"  # equal figures give an equal file
    import matplotlib.pyplot as plt

    builds = [build for build in (REDIS, PURE, COMPILED) if any(build in f.rounds for f in chosen)]
    fig, axes = plt.subplots(figsize=(1.6 + 1.5 * len(chosen), 4.2))
    width = 0.8 / len(builds)
    for offset, build in enumerate(builds):
        places = [group + offset * width for group in range(len(chosen))]
        heights = [figure.median(build) or 0.0 for figure in chosen]
        bars = axes.bar(places, heights, width * 0.95, label=build)
        axes.bar_label(bars, [shown(height) for height in heights], fontsize=7, padding=2)
    middle = width * (len(builds) - 1) / 2
    axes.set_xticks(
        [group + middle for group in range(len(chosen))],
        [figure.name.replace(", ", "\n") for figure in chosen],
        fontsize=8,
    )
    axes.set_ylabel(chosen[0].unit)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
    axes.margins(y=0.12)
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)
