"""Every option once, named like the directive of redis.conf it is or resembles."""

from typing import Final

from respkv.config import texts
from respkv.config.kept import kept_options
from respkv.config.option import Option

_POLICIES: Final = (
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random "
    "noeviction"
).split()
_ENCODING: Final = "what OBJECT ENCODING calls small, as Redis does; nothing else depends on it"

_OPTIONS: Final = (
    Option("port", "6379", texts.number(0, 65535), True, "TCP port; 0: none"),
    Option(
        "bind",
        "127.0.0.1",
        str,
        True,
        "addresses to listen on, blank between; *, ::* and a - in front as in Redis",
    ),
    Option("unixsocket", "", str, False, "path of a Unix socket to listen on as well"),
    Option("unixsocketperm", "700", str, False, "its permissions, octal"),
    Option("protected-mode", "yes", texts.yes_no, True, "without a password, loopback only"),
    Option("requirepass", "", str, True, "password that AUTH asks for"),
    Option("dir", "respkv-data", str, False, "directory of the log and its snapshots"),
    Option(
        "appendfsync",
        "always",
        texts.one_of("everysec", "always", "no"),
        True,
        "when the log is synced; always: before a write is acknowledged",
    ),
    Option("databases", "16", texts.number(1, 1 << 16), False, "number of databases"),
    Option("maxclients", "10000", texts.number(1, 1 << 20), True, "connections at most"),
    Option(
        "timeout",
        "0",
        texts.number(0, texts.INT32_MAX),
        True,
        "close idle clients after seconds; 0: no",
    ),
    Option("tcp-keepalive", "300", texts.number(0, texts.INT32_MAX), True, "seconds; 0: off"),
    Option("tcp-backlog", "511", texts.number(1, 1 << 16), False, "connections waiting for accept"),
    Option(
        "proto-max-bulk-len",
        "512mb",
        texts.size(1 << 20, texts.INT64_MAX),
        True,
        "longest argument, bytes",
    ),
    Option(
        "client-query-buffer-limit",
        "1gb",
        texts.size(1 << 20, texts.INT64_MAX),
        True,
        "longest request, bytes",
    ),
    Option(
        "client-output-buffer-limit",
        "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
        texts.buffer_limits,
        True,
        "class, hard and soft limit, seconds: close clients that let more wait for them",
    ),
    Option(
        "snapshot-log-bytes", "128mb", texts.size(), True, "log growth between snapshots, bytes"
    ),
    Option(
        "log-bytes-max", "4gb", texts.size(), True, "writes slow down at half of it, and stop at it"
    ),
    Option(
        "tracking-table-max-keys",
        "1000000",
        texts.number(0, 1 << 40),
        True,
        "keys remembered for CLIENT TRACKING; 0: any number",
    ),
    Option(
        "loglevel",
        "notice",
        texts.one_of("debug", "verbose", "notice", "warning"),
        True,
        "how much the log says",
    ),
    Option("log-format", "text", texts.one_of("text", "json"), False, "lines of the log"),
    Option("logfile", "", str, False, "log file; empty: standard error"),
    Option(
        "save",
        "",
        texts.save_points,
        True,
        "accepted for clients that ask: snapshots follow the log",
        is_kept=True,
    ),
    Option("appendonly", "yes", texts.yes_no, True, "accepted: the log is always on", is_kept=True),
    Option("maxmemory", "0", texts.size(), True, "bytes of data at most; 0: no limit"),
    Option(
        "maxmemory-policy",
        "noeviction",
        texts.one_of(*_POLICIES),
        True,
        "what goes when maxmemory is reached",
    ),
    Option(
        "maxmemory-samples",
        "5",
        texts.number(1, texts.INT32_MAX),
        True,
        "keys looked at for each that is evicted",
    ),
    Option(
        "lfu-log-factor",
        "10",
        texts.number(0, texts.INT32_MAX),
        True,
        "how slowly OBJECT FREQ grows",
    ),
    Option(
        "lfu-decay-time",
        "1",
        texts.number(0, texts.INT32_MAX),
        True,
        "minutes until OBJECT FREQ falls by one",
    ),
    Option(
        "enable-debug-command", "no", texts.one_of("no", "yes", "local"), False, "who may use DEBUG"
    ),
    Option("hash-max-listpack-entries", "512", texts.number(0, texts.INT64_MAX), True, _ENCODING),
    Option("hash-max-listpack-value", "64", texts.size(0, texts.INT64_MAX), True, _ENCODING),
    Option("set-max-intset-entries", "512", texts.number(0, texts.INT64_MAX), True, _ENCODING),
    Option("zset-max-listpack-entries", "128", texts.number(0, texts.INT64_MAX), True, _ENCODING),
    Option("zset-max-listpack-value", "64", texts.size(0, texts.INT64_MAX), True, _ENCODING),
    Option("cluster-enabled", "no", texts.yes_no, False, "be a node of a cluster"),
    Option(
        "cluster-peers",
        "",
        texts.addresses,
        False,
        "host:port of all nodes that form the cluster, this one too; comma or blank between",
    ),
    Option("cluster-secret", "", str, False, "what nodes prove to each other that they know"),
    Option(
        "cluster-replication-factor",
        "3",
        texts.number(1, 9),
        False,
        "copies of each partition; decided when the cluster forms, and at most its nodes",
    ),
    Option(
        "cluster-partitions",
        "0",
        texts.partitions,
        False,
        "a power of two, decided when the cluster forms; 0: by the number of nodes",
    ),
    Option("cluster-zone", "", str, False, "where this node is; copies go to several zones"),
    Option(
        "cluster-hold-ms",
        "1500",
        texts.number(0, 3_600_000),
        True,
        "milliseconds a command waits for a leader before it is refused",
    ),
    Option(
        "read-consistency",
        "readindex",
        texts.one_of("readindex", "lease"),
        False,
        "how a leader knows that it leads: readindex asks a majority; lease trusts its clock for "
        "400 ms after one has answered; both are linearizable, lease while clocks run alike",
    ),
    Option(
        "cluster-peer-queue-bytes",
        "64mb",
        texts.size(1 << 20),
        False,
        "bytes that may wait for one other node, at least 1mb; beyond, entries are sent later",
    ),
    Option("cluster-port", "0", texts.number(0, 65535), False, "for other nodes; 0: port + 10000"),
    Option(
        "cluster-announce-ip",
        "",
        texts.host,
        True,
        "address told to clients; nodes use cluster-peers",
    ),
    Option("cluster-announce-hostname", "", texts.hostname, True, "name told to clients"),
    Option("cluster-announce-port", "0", texts.number(0, 65535), True, "told; 0: that of port"),
    Option(
        "cluster-announce-bus-port",
        "0",
        texts.number(0, 65535),
        True,
        "told to nodes; 0: that of cluster-port",
    ),
    Option(
        "cluster-announce-replicas",
        "no",
        texts.yes_no,
        True,
        "name followers in CLUSTER SLOTS as well, for READONLY clients that can take it",
    ),
    Option(
        "cluster-preferred-endpoint-type",
        "ip",
        texts.one_of("ip", "hostname", "unknown-endpoint"),
        True,
        "what redirects and CLUSTER SLOTS name; unknown-endpoint: only the port",
    ),
)

OPTIONS: Final = {option.name: option for option in (*_OPTIONS, *kept_options())}

# Another name, as Redis 7.0 knows it -> the option.
ALIASES: Final = {
    "cluster-slave-no-failover": "cluster-replica-no-failover",
    "cluster-slave-validity-factor": "cluster-replica-validity-factor",
    "hash-max-ziplist-entries": "hash-max-listpack-entries",
    "hash-max-ziplist-value": "hash-max-listpack-value",
    "list-max-ziplist-size": "list-max-listpack-size",
    "lua-time-limit": "busy-reply-threshold",
    "min-slaves-max-lag": "min-replicas-max-lag",
    "min-slaves-to-write": "min-replicas-to-write",
    "repl-ping-slave-period": "repl-ping-replica-period",
    "slave-announce-ip": "replica-announce-ip",
    "slave-announce-port": "replica-announce-port",
    "slave-ignore-maxmemory": "replica-ignore-maxmemory",
    "slave-lazy-flush": "replica-lazy-flush",
    "slave-priority": "replica-priority",
    "slave-read-only": "replica-read-only",
    "slave-serve-stale-data": "replica-serve-stale-data",
    "slaveof": "replicaof",
    "zset-max-ziplist-entries": "zset-max-listpack-entries",
    "zset-max-ziplist-value": "zset-max-listpack-value",
}

# Of redis.conf files, unknown to CONFIG: taken from a file, with a warning.
FILE_ONLY: Final = frozenset("key-load-delay locale-collate port-bind use-exit-on-panic".split())

# What Redis lets CONFIG SET change only with `enable-protected-configs`.
PROTECTED: Final = frozenset(("dbfilename", "dir"))
