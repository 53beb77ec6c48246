"""Every option once, named like the directive of redis.conf it is or resembles.

A value comes from the default, the file, the environment (`RESPKV_MAXCLIENTS`), the command line:
the later wins. Directives of Redis that mean nothing here are accepted with one warning.
"""

import os
import shlex
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Final


class ConfigError(Exception):
    """A directive that cannot be taken; the text names it and where it stands."""


def _size(text: str) -> int:
    units = {"k": 1000, "kb": 1024, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30, "b": 1}
    digits = text.rstrip("bBkKmMgG")
    unit = text[len(digits) :].lower()
    return int(digits) * (units[unit] if unit else 1)


def _yes_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("argument must be 'yes' or 'no'")
    return text.lower() == "yes"


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"argument must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError("argument couldn't be parsed into an integer") from None
        if not low <= number <= high:
            raise ValueError(f"argument must be between {low} and {high}")
        return number

    return parse


class Option:
    """One directive."""

    def __init__(
        self, name: str, default: str, parse: Callable[[str], Any], mutable: bool, text: str
    ) -> None:
        self.name = name
        self.default = default
        self.parse = parse
        self.mutable = mutable
        self.text = text


OPTIONS: Final = {
    option.name: option
    for option in (
        Option("port", "6379", _number(0, 65535), False, "TCP port; 0: none"),
        Option("bind", "127.0.0.1", str, False, "addresses to listen on, blank between"),
        Option("unixsocket", "", str, False, "path of a Unix socket to listen on as well"),
        Option("unixsocketperm", "700", str, False, "its permissions, octal"),
        Option("protected-mode", "yes", _yes_no, True, "without a password, loopback only"),
        Option("requirepass", "", str, True, "password that AUTH asks for"),
        Option("dir", "respkv-data", str, False, "directory of the log and its snapshots"),
        Option(
            "appendfsync",
            "always",
            _one_of("always", "everysec", "no"),
            False,
            "when the log is synced; always: before a write is acknowledged",
        ),
        Option("databases", "16", _number(1, 1 << 16), False, "number of databases"),
        Option("maxclients", "10000", _number(1, 1 << 20), True, "connections at most"),
        Option(
            "timeout", "0", _number(0, 1 << 31), True, "close idle clients after seconds; 0: no"
        ),
        Option("tcp-keepalive", "300", _number(0, 1 << 31), True, "seconds; 0: off"),
        Option("tcp-backlog", "511", _number(1, 1 << 16), False, "connections waiting for accept"),
        Option("proto-max-bulk-len", "512mb", _size, True, "longest argument, bytes"),
        Option("client-query-buffer-limit", "1gb", _size, True, "longest request, bytes"),
        Option(
            "client-output-buffer-limit",
            "256mb",
            _size,
            True,
            "close a client that lets more than this wait for it, bytes",
        ),
        Option("snapshot-log-bytes", "128mb", _size, True, "log growth between snapshots, bytes"),
        Option("loglevel", "notice", _one_of("debug", "verbose", "notice", "warning"), True, ""),
        Option("logfile", "", str, False, "log file; empty: standard error"),
        Option("save", "", str, True, "accepted for clients that ask: snapshots follow the log"),
        Option("appendonly", "yes", _yes_no, True, "accepted: the log is always on"),
        Option("maxmemory", "0", _size, True, "accepted: 0, no limit"),
        Option("maxmemory-policy", "noeviction", str, True, "accepted: noeviction"),
    )
}

# Directives of redis.conf 7.0 without a meaning here yet: taken, with one warning each.
MEANINGLESS: Final = frozenset(
    """
    acl-pubsub-default acllog-max-len aclfile active-defrag-cycle-max active-defrag-cycle-min
    active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower
    active-defrag-threshold-upper active-expire-effort activedefrag activerehashing always-show-logo
    aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble
    aof_rewrite_cpulist appenddirname appendfilename auto-aof-rewrite-min-size
    auto-aof-rewrite-percentage bgsave_cpulist bio_cpulist busy-reply-threshold cluster-enabled
    cluster-config-file cluster-node-timeout crash-log-enabled crash-memcheck-enabled daemonize
    dbfilename disable-thp dynamic-hz enable-debug-command enable-module-command
    enable-protected-configs hash-max-listpack-entries hash-max-listpack-value
    hash-max-ziplist-entries hash-max-ziplist-value hll-sparse-max-bytes hz
    ignore-warnings io-threads io-threads-do-reads jemalloc-bg-thread key-load-delay
    latency-monitor-threshold latency-tracking latency-tracking-info-percentiles
    lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del
    lazyfree-lazy-user-flush lfu-decay-time lfu-log-factor list-compress-depth
    list-max-listpack-size list-max-ziplist-size locale-collate lua-time-limit masterauth masteruser
    maxmemory-clients maxmemory-eviction-tenacity maxmemory-samples min-replicas-max-lag
    min-replicas-to-write min-slaves-max-lag min-slaves-to-write no-appendfsync-on-rewrite
    notify-keyspace-events oom-score-adj oom-score-adj-values pidfile port-bind proc-title-template
    propagation-error-behavior rdb-del-sync-files rdb-save-incremental-fsync rdbchecksum
    rdbcompression repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load
    repl-diskless-sync repl-diskless-sync-delay repl-diskless-sync-max-replicas
    repl-ping-replica-period repl-timeout replica-announced replica-ignore-maxmemory
    replica-lazy-flush replica-priority replica-read-only replica-serve-stale-data sanitize-dump-payload
    server_cpulist set-max-intset-entries set-proc-title shutdown-on-sigint shutdown-on-sigterm
    shutdown-timeout slave-read-only slowlog-log-slower-than slowlog-max-len socket-mark-id
    stop-writes-on-bgsave-error stream-node-max-bytes stream-node-max-entries supervised syslog-enabled
    syslog-facility syslog-ident tracking-table-max-keys use-exit-on-panic zset-max-listpack-entries
    zset-max-listpack-value zset-max-ziplist-entries zset-max-ziplist-value
    """.split()
)


class Config:
    """The options in force; attribute access by directive name through `get`."""

    def __init__(self) -> None:
        self._texts = {option.name: option.default for option in OPTIONS.values()}
        self._values = {option.name: option.parse(option.default) for option in OPTIONS.values()}
        self.warnings: list[str] = []

    def __getitem__(self, name: str) -> Any:
        """Return the parsed value of a directive."""
        return self._values[name]

    def set(self, name: str, text: str, where: str) -> None:
        """Take one directive.

        Raises:
            ConfigError: it is not known, or its argument is wrong; names `where`.
        """
        name = name.lower()
        option = OPTIONS.get(name)
        if option is None:
            if name not in MEANINGLESS:
                raise ConfigError(f"{where}: unknown directive '{name}'; see respkv server --help")
            self.warnings.append(f"{where}: '{name}' has no meaning here and is ignored")
            return
        try:
            self._values[name] = option.parse(text)
        except (ValueError, KeyError) as error:
            raise ConfigError(f"{where}: '{name} {text}': {error}") from None
        self._texts[name] = text

    def matching(self, patterns: list[str]) -> dict[str, str]:
        """Return name and text of the directives that CONFIG GET patterns match."""
        return {
            name: self.text(name)
            for name in self._texts
            if any(fnmatchcase(name, pattern.lower()) for pattern in patterns)
        }

    def text(self, name: str) -> str:
        """Return a directive's value as CONFIG GET prints it."""
        value = self._values[name]
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value)


def read_config(path: str | None, flags: list[tuple[str, str]]) -> Config:
    """Return the options from file, environment and command line.

    Raises:
        ConfigError: a line or a value that cannot be taken, or a file that cannot be read.
    """
    config = Config()
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        for number, line in enumerate(lines, 1):
            words = shlex.split(line, comments=False) if not line.lstrip().startswith("#") else []
            if words:
                config.set(words[0], " ".join(words[1:]), f"{path} line {number}")
    for option in OPTIONS:
        variable = "RESPKV_" + option.upper().replace("-", "_")
        if variable in os.environ:
            config.set(option, os.environ[variable], f"environment variable {variable}")
    for name, text in flags:
        config.set(name, text, f"option --{name}")
    return config
