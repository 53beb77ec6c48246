"""Parameters of Redis 7.0 that mean nothing here: taken, checked as Redis does, kept and reported.

A line is: name, kind (with its choices or its range), `=`, default; checked against CONFIG GET and
CONFIG SET of redis-server 7.0.15 (tests/node/test_config_parameters.py).
"""

import shlex
from collections.abc import Callable
from typing import Any, Final

from respkv.config import texts
from respkv.config.option import Option

_MUTABLE: Final = """
    dbfilename text = dump.rdb
    acl-pubsub-default one-of allchannels|resetchannels = resetchannels
    acllog-max-len number 0 max = 128
    active-defrag-cycle-max number 1 99 = 25
    active-defrag-cycle-min number 1 99 = 1
    active-defrag-ignore-bytes size 1 max = 104857600
    active-defrag-max-scan-fields number 1 max = 1000
    active-defrag-threshold-lower number 0 1000 = 10
    active-defrag-threshold-upper number 0 1000 = 100
    active-expire-effort number 1 10 = 1
    activedefrag yes-no = no
    activerehashing yes-no = yes
    aof-disable-auto-gc yes-no = no
    aof-load-truncated yes-no = yes
    aof-rewrite-incremental-fsync yes-no = yes
    aof-timestamp-enabled yes-no = no
    aof-use-rdb-preamble yes-no = yes
    auto-aof-rewrite-min-size size 0 max = 67108864
    auto-aof-rewrite-percentage number 0 int32 = 100
    bind-source-addr text = ""
    busy-reply-threshold number 0 max = 5000
    cluster-allow-pubsubshard-when-down yes-no = yes
    cluster-allow-reads-when-down yes-no = no
    cluster-allow-replica-migration yes-no = yes
    cluster-announce-tls-port number 0 65535 = 0
    cluster-link-sendbuf-limit size 0 18446744073709551615 = 0
    cluster-migration-barrier number 0 int32 = 1
    cluster-node-timeout number 0 max = 15000
    cluster-replica-no-failover yes-no = no
    cluster-replica-validity-factor number 0 int32 = 10
    cluster-require-full-coverage yes-no = yes
    crash-log-enabled yes-no = yes
    crash-memcheck-enabled yes-no = yes
    dynamic-hz yes-no = yes
    hll-sparse-max-bytes size 0 max = 3000
    hz frequency = 10
    ignore-warnings text = ""
    jemalloc-bg-thread yes-no = yes
    latency-monitor-threshold number 0 max = 0
    latency-tracking yes-no = yes
    latency-tracking-info-percentiles percentiles = "50 99 99.9"
    lazyfree-lazy-eviction yes-no = no
    lazyfree-lazy-expire yes-no = no
    lazyfree-lazy-server-del yes-no = no
    lazyfree-lazy-user-del yes-no = no
    lazyfree-lazy-user-flush yes-no = no
    list-compress-depth number 0 int32 = 0
    list-max-listpack-size number int32-min int32 = -2
    masterauth text = ""
    masteruser text = ""
    maxmemory-clients size-or-percent = 0
    maxmemory-eviction-tenacity number 0 100 = 10
    min-replicas-max-lag number 0 int32 = 10
    min-replicas-to-write number 0 int32 = 0
    no-appendfsync-on-rewrite yes-no = no
    notify-keyspace-events events = ""
    oom-score-adj one-of no|yes|relative|absolute = no
    oom-score-adj-values scores = "0 200 800"
    proc-title-template title = "{title} {listen-addr} {server-mode}"
    propagation-error-behavior one-of ignore|panic|panic-on-replicas = ignore
    rdb-del-sync-files yes-no = no
    rdb-save-incremental-fsync yes-no = yes
    rdbcompression yes-no = yes
    repl-backlog-size backlog = 1048576
    repl-backlog-ttl number 0 max = 3600
    repl-disable-tcp-nodelay yes-no = no
    repl-diskless-load one-of disabled|on-empty-db|swapdb = disabled
    repl-diskless-sync yes-no = yes
    repl-diskless-sync-delay number 0 int32 = 5
    repl-diskless-sync-max-replicas number 0 int32 = 0
    repl-ping-replica-period number 1 int32 = 10
    repl-timeout number 1 int32 = 60
    replica-announce-ip text = ""
    replica-announce-port number 0 65535 = 0
    replica-announced yes-no = yes
    replica-ignore-disk-write-errors yes-no = no
    replica-ignore-maxmemory yes-no = yes
    replica-lazy-flush yes-no = no
    replica-priority number 0 int32 = 100
    replica-read-only yes-no = yes
    replica-serve-stale-data yes-no = yes
    sanitize-dump-payload one-of no|yes|clients = no
    shutdown-on-sigint one-of default|save|nosave|now|force = default
    shutdown-on-sigterm one-of default|save|nosave|now|force = default
    shutdown-timeout number 0 int32 = 10
    slowlog-log-slower-than number -1 max = 10000
    slowlog-max-len number 0 max = 128
    stop-writes-on-bgsave-error yes-no = yes
    stream-node-max-bytes size 0 max = 4096
    stream-node-max-entries number 0 max = 100
    tls-auth-clients one-of no|yes|optional = yes
    tls-ca-cert-dir text = ""
    tls-ca-cert-file text = ""
    tls-cert-file text = ""
    tls-ciphers text = ""
    tls-ciphersuites text = ""
    tls-client-cert-file text = ""
    tls-client-key-file text = ""
    tls-client-key-file-pass text = ""
    tls-cluster yes-no = no
    tls-dh-params-file text = ""
    tls-key-file text = ""
    tls-key-file-pass text = ""
    tls-port number 0 65535 = 0
    tls-prefer-server-ciphers yes-no = no
    tls-protocols text = ""
    tls-replication yes-no = no
    tls-session-cache-size number 0 int32 = 20480
    tls-session-cache-timeout number 0 int32 = 300
    tls-session-caching yes-no = yes
"""

_IMMUTABLE: Final = """
    aclfile text = ""
    always-show-logo yes-no = no
    aof_rewrite_cpulist text = ""
    appenddirname text = appendonlydir
    appendfilename text = appendonly.aof
    bgsave_cpulist text = ""
    bio_cpulist text = ""
    cluster-config-file text = nodes.conf
    daemonize yes-no = no
    disable-thp yes-no = yes
    enable-module-command one-of no|yes|local = no
    enable-protected-configs one-of no|yes|local = no
    io-threads number 1 128 = 1
    io-threads-do-reads yes-no = no
    pidfile text = ""
    rdbchecksum yes-no = yes
    replicaof text = ""
    server_cpulist text = ""
    set-proc-title yes-no = yes
    socket-mark-id number 0 4294967295 = 0
    supervised one-of upstart|systemd|auto|no = no
    syslog-enabled yes-no = no
    syslog-facility one-of user|local0|local1|local2|local3|local4|local5|local6|local7 = local0
    syslog-ident text = redis
"""

_KINDS: Final[dict[str, Callable[[str], Any]]] = {
    "text": str,
    "yes-no": texts.yes_no,
    "size-or-percent": texts.size_or_percent,
    "events": texts.event_classes,
    "percentiles": texts.percentiles,
    "scores": texts.three_scores,
    "title": texts.title_template,
    "frequency": texts.frequency,
    "backlog": texts.at_least(16_384, texts.size(1, texts.INT64_MAX)),
}
_BOUNDS: Final = {
    "max": texts.INT64_MAX,
    "int32": texts.INT32_MAX,
    "int32-min": texts.INT32_MIN,
}


def _kind(words: list[str]) -> Callable[[str], Any]:
    name, arguments = words[0], words[1:]
    if name == "one-of":
        return texts.one_of(*arguments[0].split("|"))
    if name in ("number", "size"):
        low, high = [_BOUNDS[word] if word in _BOUNDS else int(word) for word in arguments]
        return texts.number(low, high) if name == "number" else texts.size(low, high)
    return _KINDS[name]


def kept_options() -> list[Option]:
    """Return the parameters, none of which has a text for --help."""
    options = []
    for lines, mutable in ((_MUTABLE, True), (_IMMUTABLE, False)):
        for line in lines.strip().splitlines():
            name, *kind, _, default = shlex.split(line)
            options.append(Option(name, default, _kind(kind), mutable, "", is_kept=True))
    return options
