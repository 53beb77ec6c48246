"""`python -m bench`: respkv, pure and compiled, beside Debian's redis-server and etcd in one run.

It builds both from this tree into virtual environments of its own (or takes those of --builds),
runs the scenarios round by round, each build in turn, and prints medians with what was asked.
"""

import argparse
import datetime
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import report
from bench.bench import Bench
from bench.cluster import cluster
from bench.data_types import TYPES, containers, types
from bench.elements import ELEMENT, elements
from bench.faults import FAULTS, RESUME
from bench.long_runs import LONG_RUNS
from bench.processes import Build
from bench.report import BUILDS, COMPILED, ETCD, PURE, REDIS, Figure
from bench.scenarios import SCENARIOS as ONE_NODE

DATA_TYPES = {"types": types, "elements": elements, "containers": containers}
SCENARIOS = {**ONE_NODE, **DATA_TYPES, "cluster": cluster, **FAULTS, **LONG_RUNS}

ROOT = Path(__file__).resolve().parent.parent


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _install(folder: Path, compiled: bool) -> str:
    """Install this tree into a virtual environment there; return its respkv program."""
    program = folder / "bin" / "respkv"
    if not program.exists():
        _say(f"building respkv {'with' if compiled else 'without'} mypyc in {folder.name}")
        venv.create(folder, with_pip=True)
        environment = {**os.environ, "RESPKV_COMPILE": "1" if compiled else "0"}
        command = [str(folder / "bin" / "pip"), "install", "-q", str(ROOT)]
        subprocess.run(command, env=environment, check=True)
    return str(program)


def _names_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads a comma-separated list of known names."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            wrong, right = ", ".join(map(repr, unknown)), ", ".join(known)
            raise argparse.ArgumentTypeError(f"{wrong} not known; there are {right}")
        return names

    return read


def _builds(chosen: list[str], folder: Path) -> list[Build]:
    redis_server = shutil.which("redis-server")
    if redis_server is None or shutil.which("redis-benchmark") is None:
        raise SystemExit("install redis-server and redis-tools (Debian's packages) first")
    programs = {
        REDIS: lambda: redis_server,
        PURE: lambda: _install(folder / "pure", compiled=False),
        COMPILED: lambda: _install(folder / "compiled", compiled=True),
    }
    return [Build(name, programs[name](), name == REDIS) for name in programs if name in chosen]


def _etcd() -> str:
    program = shutil.which("etcd")
    if program is None or shutil.which("h2load") is None:
        raise SystemExit("install etcd-server and nghttp2-client (Debian's packages) first")
    return program


def _about(arguments: argparse.Namespace) -> dict[str, Any]:
    def output(*command: str) -> str:
        found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        return found.stdout.strip()

    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": datetime.date.today().isoformat(),
        "commit": output("git", "describe", "--always", "--dirty"),
        "machine": f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}",
        "system": platform.release(),
        "python": platform.python_version(),
        "redis-server": output("redis-server", "--version").split(" sha=")[0],
        "etcd": output("etcd", "--version").split("\n")[0] if shutil.which("etcd") else "none",
        "h2load": output("h2load", "--version") if shutil.which("h2load") else "none",
        "rounds": arguments.rounds,
        "seed": arguments.seed,
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
    }


def main() -> int:
    """Measure, print, keep; 1 when something asked for was not reached."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    names, listed = list(SCENARIOS), "comma-separated, of"
    parser.add_argument(
        "--only", type=_names_of(names), default=names, help=f"{listed} {', '.join(names)}"
    )
    parser.add_argument(
        "--builds", type=_names_of(BUILDS), default=BUILDS, help=f"{listed} {', '.join(BUILDS)}"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of a measurement of a cluster")
    parser.add_argument("--faults", type=int, default=50, help="of each kind in a cluster")
    parser.add_argument("--minutes", type=float, default=10, help="of each long run of a cluster")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    parser.add_argument("--environments", type=Path, help="keep the builds there, and reuse them")
    parser.add_argument("--out", type=Path, help="write report.md, results.json and plots there")
    arguments = parser.parse_args()
    names = arguments.only
    started = time.monotonic()
    figures: list[Figure] = []
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="respkv-bench-") as scratch:
        folder = arguments.environments or Path(scratch)
        chosen = arguments.builds
        builds = _builds(chosen, folder.resolve())
        bench = Bench(
            builds, _etcd() if ETCD in chosen and "cluster" in names else None, Path(scratch),
            arguments.rounds, arguments.seconds, arguments.faults, arguments.minutes,
            random.Random(arguments.seed), _say,
        )  # fmt: skip
        for name in names:
            scenario_started = time.monotonic()
            figures += SCENARIOS[name](bench)
            _say(f"{name} took {time.monotonic() - scenario_started:.0f} s")
            lines = _keep(figures, arguments, time.monotonic() - started)
    print("\n".join(lines))
    missed = [
        figure for figure in figures for build in builds if "NO" in figure.verdict(build.name)
    ]
    return 1 if missed else 0


def _keep(figures: list[Figure], arguments: argparse.Namespace, seconds: float) -> list[str]:
    """Write what there is after each scenario: a long run may be cut short; return the report."""
    about = _about(arguments)
    about["took"] = f"{seconds / 60:.1f} minutes"
    lines = [f"{key}: {value}" for key, value in about.items()]
    lines += ["", *report.table(figures), "", *report.cpu_table(figures), "", "```"]
    lines += [*report.command_lines(figures), "```"]
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "report.md").write_text("\n".join(lines) + "\n")
        (arguments.out / "results.json").write_text(report.as_json(figures, about) + "\n")
        _plots(figures, arguments.out)
    return lines


def _plots(figures: list[Figure], folder: Path) -> None:
    for policy in ("everysec", "always"):
        report.plot(
            figures,
            lambda figure, policy=policy: (  # type: ignore[misc]
                figure.unit == "requests/s" and figure.name.endswith(policy)
            ),
            f"redis-benchmark -c 50 -d 64 -r 100000, appendfsync {policy}",
            folder / f"throughput-{policy}.svg",
        )
    report.plot(
        figures,
        lambda figure: figure.name.startswith(TYPES),
        "redis-benchmark -c 50 -P 16, appendfsync everysec",
        folder / "types.svg",
    )
    report.plot(
        figures,
        lambda figure: figure.name.startswith(ELEMENT),
        "What a server grows by for each element",
        folder / "elements.svg",
    )
    report.histogram(
        [figure for figure in figures if figure.name.endswith(RESUME)],
        "Faults of a leader: ms until all its keys are written again",
        folder / "faults.svg",
    )
    report.plot(
        figures,
        lambda figure: "3 nodes" in figure.name,
        "Three nodes on one machine, every write synced by a majority, 64 bytes",
        folder / "cluster.svg",
    )
    report.plot(
        figures,
        lambda figure: figure.name.startswith("longest pause"),
        "Longest pause seen by one client",
        folder / "pauses.svg",
    )


if __name__ == "__main__":
    sys.exit(main())
