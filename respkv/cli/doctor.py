"""`respkv doctor`: what of this machine would make the server slow, unsafe or unable to start."""

import argparse
import json
import os
import resource
import socket
import time

from respkv.log.filesystem import RealFileSystem, join

_SYNCS = 200
_SLOW_SYNC_MS = 5.0
_FILES_WANTED = 10_032


class _Finding:
    def __init__(self, name: str, value: str, advice: str = "") -> None:
        self.name = name
        self.value = value
        self.advice = advice


def _measure_syncs(directory: str) -> _Finding:
    fs = RealFileSystem()
    fs.make_directory(directory)
    path = join(directory, "doctor.tmp")
    file = fs.open(path, create=True)
    times: list[float] = []
    try:
        file.write_at(0, bytes(4096 * _SYNCS))
        file.datasync()
        for number in range(_SYNCS):
            file.write_at(4096 * number, b"x" * 4096)
            started = time.perf_counter()
            file.datasync()
            times.append((time.perf_counter() - started) * 1000)
    finally:
        file.close()
        fs.remove(path)
    times.sort()
    median, slow = times[len(times) // 2], times[len(times) * 99 // 100]
    advice = ""
    if slow > _SLOW_SYNC_MS:
        advice = "one write waits this long: use a disk with a protected cache, or another --dir"
    value = f"median {median:.2f} ms, p99 {slow:.2f} ms, {1000 / max(median, 0.001):.0f} per second"
    return _Finding("fdatasync of the data directory", value, advice)


def _check_directory(directory: str) -> list[_Finding]:
    path = os.path.abspath(directory)
    try:
        syncs = _measure_syncs(directory)
        room = RealFileSystem().free_bytes(directory) / (1 << 30)
    except OSError as error:
        advice = "make it writable for this user, or choose another --dir"
        return [_Finding(f"data directory {path}", error.strerror or str(error), advice)]
    advice = "" if room > 1 else "make room: writes are refused when the log cannot grow"
    return [syncs, _Finding("room for the log", f"{room:.1f} GiB in {path}", advice)]


def _check_files() -> _Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    advice = ""
    if limit < _FILES_WANTED:
        advice = f"raise it for 10,000 clients: ulimit -n {_FILES_WANTED}"
    return _Finding("open files allowed", str(limit), advice)


def _check_clock() -> _Finding:
    year = time.gmtime().tm_year
    advice = "" if 2024 <= year < 2100 else "set the clock: deadlines of keys depend on it"
    return _Finding("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), advice)


def _check_port(port: int) -> _Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            advice = "stop what uses it, or choose another with --port"
            return _Finding(f"port {port}", error.strerror or "not free", advice)
    return _Finding(f"port {port}", "free")


def doctor(arguments: list[str]) -> int:
    """Print the findings; 1 when something needs doing."""
    parser = argparse.ArgumentParser(prog="respkv doctor")
    parser.add_argument("--dir", default="respkv-data", help="of the server (default: %(default)s)")
    parser.add_argument("--port", type=int, default=6379, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(arguments)
    findings = [
        *_check_directory(options.dir),
        _check_files(),
        _check_clock(),
        _check_port(options.port),
    ]
    if options.json:
        print(json.dumps([vars(finding) for finding in findings]))
    else:
        for finding in findings:
            mark = "!" if finding.advice else "ok"
            print(f"{mark:>2}  {finding.name}: {finding.value}")
            if finding.advice:
                print(f"      {finding.advice}")
    return 1 if any(finding.advice for finding in findings) else 0
