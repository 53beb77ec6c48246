"""Lua scripts: EVAL and its kin, which call commands of the keyspace while they run."""

from respkv.scripts import commands

__all__ = ["commands"]
