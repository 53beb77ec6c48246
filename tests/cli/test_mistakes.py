"""What somebody who mistypes or misplaces something is told: what was wrong, and what to do."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.ports import listening_port


def respkv(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and all that it says."""
    run = subprocess.run(
        [sys.executable, "-m", "respkv", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve"], "'serve' is none of its verbs"),
        (["ping", "--prot", "6380"], "'--prot' is no option"),
        (["wal", "dump", "nowhere"], "there is no nowhere: name the directory"),
        (["wal", "salvage", "nowhere"], "there is no nowhere: name the directory"),
        (["doctor", "--port", "x"], "invalid int value: 'x'"),
        (["doctor", "--dir", "/proc/nothing"], "choose another --dir"),
        (["server", "--dir", "/proc/nothing", "--port", "0"], "is --dir writable"),
        (["server", "--logfile", "/proc/nothing/log"], "logfile /proc/nothing/log: No such file"),
        (["server", "--cluster-peers", "a:1"], "add --cluster-enabled yes"),
        (["server", "--cluster-enabled", "yes", "--port", "60000"], "there is no port 70000"),
        (
            "server --cluster-enabled yes --cluster-peers a:1 --bind 0.0.0.0 --port 0 "
            "--dir /proc/nothing".split(),
            "cluster-secret is empty: whoever reaches",
        ),
    ],
    ids=" ".join,
)
def test_a_mistake_is_told_with_the_way_out(arguments: list[str], said: str) -> None:
    code, text = respkv(*arguments)
    assert code != 0
    assert said in text
    assert "Traceback" not in text


@pytest.mark.parametrize("verb", ["ping", "healthcheck", "doctor", "wal", "server", "cluster"])
def test_every_verb_explains_itself(verb: str) -> None:
    code, text = respkv(verb, "--help")
    assert code == 0
    assert f"respkv {verb}" in text or "| healthcheck" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'port 0\nrequirepass "secret\n', "line 2: a quotation has no end"),
        (b"requirepass \xff\n", "byte 12 is not of UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "respkv.conf"
    file.write_bytes(content)
    code, text = respkv("server", str(file))
    assert code == 2
    assert f"{file}" in text
    assert said in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("option", "more"), [("--port", []), ("--cluster-port", ["--cluster-enabled", "yes"])]
)
def test_a_port_in_use_is_named_with_its_option(
    tmp_path: Path, option: str, more: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        others = ["--port", str(listening_port())] if option != "--port" else []
        code, text = respkv("server", "--dir", str(tmp_path), *more, *others, option, str(port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in text
    assert f"choose another with {option}" in text
