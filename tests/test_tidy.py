"""The rules of the tree: layers import downwards, the core stays free of the world."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "respkv"

ROWS = {
    "errors": 0, "config": 0, "clock": 0, "entry": 0, "steps": 0,
    "wire": 1, "keyspace": 1,
    "commands": 2, "log": 2, "consensus": 2, "cluster": 2,
    "scripts": 3, "replica": 4, "node": 5, "http": 6, "cli": 7,
}  # fmt: skip
SANS_IO = {"wire", "keyspace", "commands", "consensus", "cluster", "scripts", "replica"}
THE_WORLD = {"asyncio", "os", "time", "random", "socket", "threading", "subprocess", "secrets"}
TOP_LEVEL = {
    "respkv", "tests", "bench", "docker-compose.yml", "Dockerfile", "pyproject.toml", "README.md",
    "LICENSE", "CHANGELOG.md",
}  # fmt: skip


def modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "_build" not in path.parts]


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def layer_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def test_layers_import_downwards_and_siblings_not_at_all() -> None:
    for path in modules():
        layer = layer_of(path)
        if layer not in ROWS:
            continue
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "respkv" and len(parts) > 1 and parts[1] in ROWS:
                other = parts[1]
                assert other == layer or ROWS[other] < ROWS[layer], f"{path} imports {name}"


def test_the_core_imports_nothing_of_the_world() -> None:
    for path in modules():
        layer = layer_of(path)
        roots = {name.split(".")[0] for name in imports_of(path)}
        if layer in SANS_IO:
            assert not roots & THE_WORLD, f"{path} imports {roots & THE_WORLD}"
        if layer == "log" and path.name not in ("filesystem.py", "direct.py"):
            assert not roots & THE_WORLD, f"{path} imports {roots & THE_WORLD}"


def test_every_module_says_what_it_is_for() -> None:
    for path in modules():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_the_top_level_holds_only_what_it_should() -> None:
    scratch = {"build", "dist"}
    made = (".", "respkv-data", "respkv-dev-")  # by running a server here
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(made)}
    strangers = {name for name in names - TOP_LEVEL - scratch if not name.endswith(".egg-info")}
    assert not strangers


def test_no_file_names_a_machine() -> None:
    machine_path = re.compile(r"/(?:work|root|farm)/")
    for folder in (PACKAGE, ROOT / "tests", ROOT / "bench"):
        for path in folder.rglob("*"):
            if "node_modules" in path.parts:
                continue
            if path.suffix in (".py", ".md", ".json", ".yml") and path.name != "test_tidy.py":
                assert not machine_path.search(path.read_text()), path
