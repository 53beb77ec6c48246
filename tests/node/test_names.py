"""Names are resolved in threads that nobody waits for."""

import asyncio
import socket
import subprocess
import sys
from typing import Any

import pytest

from respkv.node.names import ASKED_AT_ONCE_MAX, NameResolver
from tests.patience import PATIENCE_SECONDS, until


def answer(*addresses: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 1)) for each in addresses]


async def test_every_address_of_a_name_is_told_and_addresses_are_not_asked_for() -> None:
    asked: list[str] = []

    def resolve(host: str, *_: object) -> list[Any]:
        asked.append(host)
        return answer("10.0.0.1", "10.0.0.2")

    names = NameResolver(resolve)
    assert await names.addresses("two.example", 1) == ["10.0.0.1", "10.0.0.2"]
    assert await names.addresses("::1", 1) == ["::1"]
    assert asked == ["two.example"]


async def test_a_name_that_is_not_known_is_an_error_of_who_asked() -> None:
    def resolve(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    with pytest.raises(OSError, match="not known"):
        await NameResolver(resolve).addresses("nowhere.example", 1)


async def test_few_are_asked_for_at_once_and_who_gave_up_is_not_forgotten() -> None:
    asked: list[str] = []
    open_ = asyncio.Event()
    loop = asyncio.get_running_loop()

    def resolve(host: str, *_: object) -> list[Any]:
        asked.append(host)
        asyncio.run_coroutine_threadsafe(open_.wait(), loop).result(PATIENCE_SECONDS)
        return answer("10.0.0.1")

    names = NameResolver(resolve)
    slow = [
        asyncio.create_task(names.addresses(f"{number}.example", 1))
        for number in range(ASKED_AT_ONCE_MAX)
    ]
    await until(lambda: len(asked) == ASKED_AT_ONCE_MAX)
    for task in slow:
        task.cancel()
    last = asyncio.create_task(names.addresses("last.example", 1))
    await asyncio.gather(*slow, return_exceptions=True)
    assert "last.example" not in asked  # their threads still wait
    open_.set()
    assert await last == ["10.0.0.1"]


PROGRAM = """
import asyncio, threading
from respkv.node.names import NameResolver

async def main():
    asked = threading.Event()
    def resolve(*_):
        asked.set()
        threading.Event().wait()
    task = asyncio.create_task(NameResolver(resolve).addresses("slow.example", 1))
    await asyncio.to_thread(asked.wait)
    task.cancel()

asyncio.run(main())
"""


def test_a_name_server_that_never_answers_keeps_no_process_from_ending() -> None:
    run = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(run, capture_output=True, timeout=PATIENCE_SECONDS, check=True)
    assert ended.stderr == b""
