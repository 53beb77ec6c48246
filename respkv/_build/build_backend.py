"""The build backend: setuptools, and mypyc over the hot modules when RESPKV_COMPILE=1.

It stands in a folder of its own so that the project's top level needs no setup.py.
"""

import os
import shutil

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  (PEP 517 hooks)

HOT_PACKAGES = (
    "wire",
    "keyspace",
    "keyspace/rdb",
    "commands",
    "cluster",
    "consensus",
    "replica",
)
HOT_LOG_MODULES = ("partition", "records", "segment", "wal")
HOT_NODE_MODULES = (
    *("connection", "gathering", "router"),  # these extend compiled classes, as only compiled can
    *("cluster", "partition_runtime", "runtime"),
    *("peer_link", "peer_network", "peer_protocol", "peer_queue"),
)


def hot_modules() -> list[str]:
    """Return the files that mypyc compiles."""
    # No exception classes: weak references to compiled ones corrupt memory (mypyc 2.4).
    files = ["respkv/entry.py", "respkv/clock.py"]
    for package in HOT_PACKAGES:
        folder = f"respkv/{package}"
        files += sorted(f"{folder}/{name}" for name in os.listdir(folder) if name.endswith(".py"))
    files += [f"respkv/log/{name}.py" for name in HOT_LOG_MODULES]
    files += [f"respkv/node/{name}.py" for name in HOT_NODE_MODULES]
    return [name for name in files if not name.endswith("__init__.py")]


def _compile() -> bool:
    return os.environ.get("RESPKV_COMPILE") == "1"


def get_requires_for_build_wheel(config_settings=None):  # type: ignore[no-untyped-def]
    """Ask for mypy only when it compiles."""
    return ["mypy>=1.15"] if _compile() else []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):  # type: ignore[no-untyped-def]
    """Build a wheel; with RESPKV_COMPILE=1 one with compiled hot modules."""
    shutil.rmtree("build", ignore_errors=True)  # else it brings back modules that are gone
    if not _compile():
        return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    import setuptools
    from mypyc.build import mypycify

    # Sums and products of floats are state: none may be fused, as some processors would.
    os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} -ffp-contract=off"
    # The build environment has no dependencies; types were checked before, in one that has.
    options = ["--config-file=", "--ignore-missing-imports"]
    level = os.environ.get("RESPKV_COMPILE_LEVEL", "3")  # of the C compiler; 0 builds fastest
    extensions = mypycify([*options, *hot_modules()], opt_level=level)
    plain_setup = setuptools.setup

    def setup(**arguments):  # type: ignore[no-untyped-def]
        return plain_setup(**arguments, ext_modules=extensions)

    # Without a setup.py setuptools runs `import setuptools; setuptools.setup()`.
    setuptools.setup = setup
    try:
        return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    finally:
        setuptools.setup = plain_setup
