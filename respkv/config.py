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
    if not (digits.isascii() and digits.isdigit()) or unit not in ("", *units):
        raise ValueError("argument must be a memory value")
    return int(digits) * (units[unit] if unit else 1)


def _size_from(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        size = _size(text)
        if size < low:
            raise ValueError(f"argument must be at least {low} bytes")
        return size

    return parse


def _yes_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("argument must be 'yes' or 'no'")
    return text.lower() == "yes"


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"argument(s) must be one of the following: {', '.join(choices)}")
        return text.lower()

    return parse


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("argument couldn't be parsed into an integer")
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"argument must be between {low} and {high} inclusive")
        return number

    return parse


def _addresses(text: str) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for address in text.replace(",", " ").split():
        host, colon, port = address.rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"'{address}' is not of the form host:port")
        found.append((host.removeprefix("[").removesuffix("]"), int(port)))
    if len(set(found)) != len(found):
        raise ValueError("an address stands there twice")
    return tuple(found)


def _partitions(text: str) -> int:
    number = _number(0, 16384)(text)
    if number & (number - 1):
        raise ValueError("argument must be a power of two")
    return number


def _host(text: str) -> str:
    if not all(character.isprintable() and character not in " ,@" for character in text):
        raise ValueError("argument must be an address")
    return text


def _hostname(text: str) -> str:
    if len(text) > 255:
        raise ValueError("Hostnames must be less than 256 characters")
    if not all(
        character.isascii() and (character.isalnum() or character in "-.") for character in text
    ):
        raise ValueError("Hostnames may only contain alphanumeric characters, hyphens or dots")
    return text


class BufferLimit:
    """How much may wait for a client: `soft` bytes for `seconds`, `hard` bytes never; 0: any."""

    def __init__(self, hard: int, soft: int, seconds: int) -> None:
        self.hard = hard
        self.soft = soft
        self.seconds = seconds


_CLIENT_CLASSES: Final = {
    "normal": "normal",
    "slave": "slave",
    "replica": "slave",
    "pubsub": "pubsub",
}


def _buffer_limits(text: str) -> dict[str, BufferLimit]:
    words = text.split()
    if len(words) % 4:
        raise ValueError("Wrong number of arguments in buffer limit configuration.")
    limits: dict[str, BufferLimit] = {}
    for class_, hard, soft, seconds in zip(*[iter(words)] * 4, strict=True):
        if class_.lower() not in _CLIENT_CLASSES:
            raise ValueError("Invalid client class specified in buffer limit configuration.")
        try:
            limit = BufferLimit(_size(hard), _size(soft), _number(0, (1 << 31) - 1)(seconds))
        except ValueError:
            raise ValueError(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration."
            ) from None
        limits[_CLIENT_CLASSES[class_.lower()]] = limit
    return limits


_POLICIES: Final = (
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random "
    "noeviction"
).split()


class InvalidArgument(Exception):
    """An option does not take this text; says why in Redis' words."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


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
            _one_of("everysec", "always", "no"),
            False,
            "when the log is synced; always: before a write is acknowledged",
        ),
        Option("databases", "16", _number(1, 1 << 16), False, "number of databases"),
        Option("maxclients", "10000", _number(1, 1 << 20), True, "connections at most"),
        Option(
            "timeout",
            "0",
            _number(0, (1 << 31) - 1),
            True,
            "close idle clients after seconds; 0: no",
        ),
        Option("tcp-keepalive", "300", _number(0, (1 << 31) - 1), True, "seconds; 0: off"),
        Option("tcp-backlog", "511", _number(1, 1 << 16), False, "connections waiting for accept"),
        Option("proto-max-bulk-len", "512mb", _size, True, "longest argument, bytes"),
        Option("client-query-buffer-limit", "1gb", _size, True, "longest request, bytes"),
        Option(
            "client-output-buffer-limit",
            "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
            _buffer_limits,
            True,
            "class, hard and soft limit, seconds: close clients that let more wait for them",
        ),
        Option("snapshot-log-bytes", "128mb", _size, True, "log growth between snapshots, bytes"),
        Option(
            "log-bytes-max", "4gb", _size, True, "writes slow down at half of it, and stop at it"
        ),
        Option(
            "tracking-table-max-keys",
            "1000000",
            _number(0, 1 << 40),
            True,
            "keys remembered for CLIENT TRACKING; 0: any number",
        ),
        Option("loglevel", "notice", _one_of("debug", "verbose", "notice", "warning"), True, ""),
        Option("log-format", "text", _one_of("text", "json"), False, "lines of the log"),
        Option("logfile", "", str, False, "log file; empty: standard error"),
        Option("save", "", str, True, "accepted for clients that ask: snapshots follow the log"),
        Option("appendonly", "yes", _yes_no, True, "accepted: the log is always on"),
        Option("maxmemory", "0", _size, True, "accepted: 0, no limit"),
        Option("maxmemory-policy", "noeviction", _one_of(*_POLICIES), True, "accepted: noeviction"),
        Option("cluster-enabled", "no", _yes_no, False, "be a node of a cluster"),
        Option(
            "cluster-peers",
            "",
            _addresses,
            False,
            "host:port of all nodes that form the cluster, this one too; comma or blank between",
        ),
        Option("cluster-secret", "", str, False, "what nodes prove to each other that they know"),
        Option(
            "cluster-replication-factor",
            "3",
            _number(1, 9),
            False,
            "copies of each partition; decided when the cluster forms, and at most its nodes",
        ),
        Option(
            "cluster-partitions",
            "0",
            _partitions,
            False,
            "a power of two, decided when the cluster forms; 0: by the number of nodes",
        ),
        Option("cluster-zone", "", str, False, "where this node is; copies go to several zones"),
        Option(
            "cluster-node-timeout",
            "600",
            _number(100, 3_600_000),
            False,
            "milliseconds without a word of the leader before an election; at most twice as long",
        ),
        Option(
            "cluster-hold-ms",
            "1500",
            _number(0, 3_600_000),
            True,
            "milliseconds a command waits for a leader before it is refused",
        ),
        Option(
            "read-consistency",
            "readindex",
            _one_of("readindex", "lease"),
            False,
            "how a leader knows that it leads: readindex asks a majority; lease trusts its clock for "
            "400 ms after one has answered; both are linearizable, lease while clocks run alike",
        ),
        Option(
            "cluster-peer-queue-bytes",
            "64mb",
            _size_from(1 << 20),
            False,
            "bytes that may wait for one other node, at least 1mb; beyond, entries are sent later",
        ),
        Option("cluster-port", "0", _number(0, 65535), False, "for other nodes; 0: port + 10000"),
        Option(
            "cluster-announce-ip",
            "",
            _host,
            True,
            "address told to clients; nodes use cluster-peers",
        ),
        Option("cluster-announce-hostname", "", _hostname, True, "name told to clients"),
        Option("cluster-announce-port", "0", _number(0, 65535), True, "told; 0: that of port"),
        Option(
            "cluster-announce-bus-port",
            "0",
            _number(0, 65535),
            True,
            "told to nodes; 0: that of cluster-port",
        ),
        Option(
            "cluster-announce-replicas",
            "no",
            _yes_no,
            True,
            "name followers in CLUSTER SLOTS as well, for READONLY clients that can take it",
        ),
        Option(
            "cluster-preferred-endpoint-type",
            "ip",
            _one_of("ip", "hostname", "unknown-endpoint"),
            True,
            "what redirects and CLUSTER SLOTS name; unknown-endpoint: only the port",
        ),
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
    auto-aof-rewrite-percentage bgsave_cpulist bio_cpulist busy-reply-threshold
    cluster-allow-pubsubshard-when-down cluster-allow-reads-when-down
    cluster-allow-replica-migration cluster-announce-tls-port cluster-config-file
    cluster-link-sendbuf-limit cluster-migration-barrier cluster-replica-no-failover
    cluster-replica-validity-factor cluster-require-full-coverage cluster-slave-no-failover
    cluster-slave-validity-factor crash-log-enabled crash-memcheck-enabled daemonize
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
    syslog-facility syslog-ident use-exit-on-panic zset-max-listpack-entries
    zset-max-listpack-value zset-max-ziplist-entries zset-max-ziplist-value
    """.split()
)


GENERATED: Final = "# Generated by CONFIG REWRITE"


class Config:
    """The options in force; attribute access by directive name through `get`."""

    def __init__(self) -> None:
        self._texts = {option.name: option.default for option in OPTIONS.values()}
        self._values = {option.name: option.parse(option.default) for option in OPTIONS.values()}
        self.path: str | None = None  # the file it came from
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
            self.take([(option, text)])
        except InvalidArgument as error:
            raise ConfigError(f"{where}: '{name} {text}': {error}") from None

    def take(self, changes: list[tuple[Option, str]]) -> None:
        """Change several options, or none.

        Raises:
            InvalidArgument: one of them does not take its text.
        """
        values: dict[str, Any] = {}
        for option, text in changes:
            try:
                values[option.name] = option.parse(text)
            except ValueError as error:
                raise InvalidArgument(option.name, str(error)) from None
        for name, value in values.items():
            if isinstance(value, dict):  # classes that are not named keep their limits
                value = {**self._values[name], **value}
            self._values[name] = value
        for option, text in changes:
            self._texts[option.name] = text

    def matching(self, patterns: list[str]) -> dict[str, str]:
        """Return name and text of the directives that CONFIG GET patterns match.

        A name without wildcards is returned in the case it was asked for.
        """
        found: dict[str, str] = {}
        for pattern in patterns:
            if not any(character in pattern for character in "*?["):
                if pattern.lower() in self._texts:
                    found.setdefault(pattern, self.text(pattern.lower()))
                continue
            for name in self._texts:
                if fnmatchcase(name, pattern.lower()):
                    found.setdefault(name, self.text(name))
        return found

    def text(self, name: str) -> str:
        """Return a directive's value as CONFIG GET prints it."""
        value = self._values[name]
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, tuple):
            return ",".join(
                f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in value
            )
        if isinstance(value, dict):
            return " ".join(
                f"{class_} {limit.hard} {limit.soft} {limit.seconds}"
                for class_, limit in value.items()
            )
        return str(value)

    def rewritten(self, lines: list[str]) -> list[str]:
        """Return a file's lines with the values in force, comments and unknown lines kept.

        A directive that stands several times stays once, and what is not the default and not in
        the file yet is appended, as CONFIG REWRITE of Redis does.
        """
        written: list[str] = []
        seen: set[str] = set()
        for line in lines:
            name = "" if line.lstrip().startswith("#") else line.strip().split(" ", 1)[0].lower()
            if name not in OPTIONS:
                written.append(line)
            elif name not in seen:
                seen.add(name)
                written.append(self._line(name))
        default = Config()
        changed = [
            self._line(name)
            for name in OPTIONS
            if name not in seen and self.text(name) != default.text(name)
        ]
        if changed and GENERATED not in written:
            written.append(GENERATED)
        return written + changed

    def _line(self, name: str) -> str:
        text = self._texts[name]
        if isinstance(self._values[name], dict):
            return f"{name} {self.text(name)}"
        if not text or any(character in text for character in "\"'\\ \t#"):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'{name} "{escaped}"'
        return f"{name} {text}"


def read_config(path: str | None, flags: list[tuple[str, str]]) -> Config:
    """Return the options from file, environment and command line.

    Raises:
        ConfigError: a line or a value that cannot be taken, or a file that cannot be read.
    """
    config = Config()
    if path is not None:
        config.path = os.path.abspath(path)
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
