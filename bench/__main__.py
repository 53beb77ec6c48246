"""`python -m bench`: respkv, pure and compiled, beside Debian's redis-server in one run.

It builds both from this tree into virtual environments of its own (or takes those of --builds),
runs the scenarios round by round, each build in turn, and prints medians with what was asked.
"""

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from bench import report
from bench.processes import Build
from bench.report import COMPILED, PURE, REDIS
from bench.scenarios import SCENARIOS, Bench

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
        "rounds": arguments.rounds,
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
    }


def main() -> int:
    """Measure, print, keep; 1 when something asked for was not reached."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", default="", help=f"of {', '.join(SCENARIOS)}; comma-separated")
    parser.add_argument("--builds", default="redis-server,respkv,respkv compiled")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--environments", type=Path, help="keep the builds there, and reuse them")
    parser.add_argument("--out", type=Path, help="write report.md, results.json and plots there")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(SCENARIOS)
    figures = []
    with tempfile.TemporaryDirectory(prefix="respkv-bench-") as scratch:
        folder = arguments.environments or Path(scratch)
        builds = _builds(arguments.builds.split(","), folder.resolve())
        bench = Bench(builds, Path(scratch), arguments.rounds, _say)
        for name in names:
            figures += SCENARIOS[name](bench)
    about = _about(arguments)
    lines = [f"{key}: {value}" for key, value in about.items()]
    lines += ["", *report.table(figures), "", *report.cpu_table(figures), "", "```"]
    lines += [*report.command_lines(figures), "```"]
    print("\n".join(lines))
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "report.md").write_text("\n".join(lines) + "\n")
        (arguments.out / "results.json").write_text(report.as_json(figures, about) + "\n")
        _plots(figures, arguments.out)
    missed = [
        figure for figure in figures for build in builds if "NO" in figure.verdict(build.name)
    ]
    return 1 if missed else 0


def _plots(figures: list[report.Figure], folder: Path) -> None:
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
        lambda figure: figure.name.startswith("longest pause"),
        "Longest pause seen by one client",
        folder / "pauses.svg",
    )


if __name__ == "__main__":
    sys.exit(main())
