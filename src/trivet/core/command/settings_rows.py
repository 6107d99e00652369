"""The settings that ``CONFIG`` knows: one row each, under the names of redis-server 7.0 and a few of our own.

Four sorts: those that something here goes by; those that Redis' users tune and that mean
nothing here (accepted, shown, without effect); those whose value is a fact here (to set one
to what it is succeeds, anything else is refused); and other names of the same setting.
"""

from typing import Final

import msgspec

from trivet.core.command.settings_kinds import (
    INT_MAX,
    LONG_MAX,
    UINT_MAX,
    Kind,
    anything,
    event_classes,
    integer,
    memory,
    one_of,
    yes_no,
)


class Setting(msgspec.Struct, frozen=True):
    """One setting."""

    name: bytes
    kind: Kind
    default: bytes
    fixed: bool = False
    """Its value is a fact: it can't be changed."""


BUFFER_LIMITS: Final = b"client-output-buffer-limit"
POLICIES: Final = (
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu",
    "allkeys-random", "noeviction",
)  # fmt: skip

_COUNT: Final = integer(0, INT_MAX)
_LONG: Final = integer(0, LONG_MAX)
_BYTES: Final = memory(0, LONG_MAX)
_SIZE: Final = integer(-INT_MAX - 1, INT_MAX)

_WORKING: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("notify-keyspace-events", event_classes, ""),
    ("maxmemory", memory(0, 2**64 - 1), "0"),
    ("maxmemory-policy", one_of(*POLICIES), "noeviction"),
    ("maxmemory-samples", integer(1, INT_MAX), "5"),
    ("lfu-log-factor", _COUNT, "10"),
    ("lfu-decay-time", _COUNT, "1"),
    ("slowlog-log-slower-than", integer(-1, LONG_MAX), "10000"),
    ("slowlog-max-len", _LONG, "128"),
    ("latency-monitor-threshold", _LONG, "0"),
    ("timeout", _COUNT, "0"),
    ("maxclients", integer(1, UINT_MAX), "10000"),
    ("requirepass", anything, ""),
    ("script-instructions-max", integer(100_000, 10_000_000_000), "50000000"),
    ("script-memory-max", memory(1 << 20, 1 << 30), "67108864"),
    ("script-time-max", integer(1, 3_600_000), "30000"),
    ("busy-reply-threshold", _LONG, "5000"),
    ("proto-max-bulk-len", memory(1024 * 1024, LONG_MAX), "536870912"),
    ("tracking-table-max-keys", _LONG, "1000000"),
    (BUFFER_LIMITS.decode(), anything, "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
    ("hash-max-listpack-entries", _LONG, "512"),
    ("hash-max-listpack-value", _BYTES, "64"),
    ("list-max-listpack-size", _SIZE, "-2"),
    ("set-max-intset-entries", _LONG, "512"),
    ("zset-max-listpack-entries", _LONG, "128"),
    ("zset-max-listpack-value", _BYTES, "64"),
)
_WITHOUT_EFFECT: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("hz", _COUNT, "10"),
    ("dynamic-hz", yes_no, "yes"),
    ("active-expire-effort", integer(1, 10), "1"),
    ("activedefrag", yes_no, "no"),
    ("activerehashing", yes_no, "yes"),
    ("acllog-max-len", _LONG, "128"),
    ("auto-aof-rewrite-min-size", _BYTES, "67108864"),
    ("auto-aof-rewrite-percentage", _COUNT, "100"),
    ("client-query-buffer-limit", memory(1024 * 1024, LONG_MAX), "1073741824"),
    ("hll-sparse-max-bytes", _BYTES, "3000"),
    ("latency-tracking", yes_no, "yes"),
    ("lazyfree-lazy-eviction", yes_no, "no"),
    ("lazyfree-lazy-expire", yes_no, "no"),
    ("lazyfree-lazy-server-del", yes_no, "no"),
    ("lazyfree-lazy-user-del", yes_no, "no"),
    ("lazyfree-lazy-user-flush", yes_no, "no"),
    ("list-compress-depth", _COUNT, "0"),
    ("loglevel", one_of("debug", "verbose", "notice", "warning"), "notice"),
    ("maxmemory-clients", _BYTES, "0"),
    ("maxmemory-eviction-tenacity", integer(0, 100), "10"),
    ("min-replicas-max-lag", _COUNT, "10"),
    ("min-replicas-to-write", _COUNT, "0"),
    ("no-appendfsync-on-rewrite", yes_no, "no"),
    ("repl-backlog-size", memory(1, LONG_MAX), "1048576"),
    ("repl-timeout", integer(1, INT_MAX), "60"),
    ("replica-serve-stale-data", yes_no, "yes"),
    ("sanitize-dump-payload", one_of("no", "yes", "clients"), "no"),
    ("stop-writes-on-bgsave-error", yes_no, "yes"),
    ("stream-node-max-bytes", _BYTES, "4096"),
    ("stream-node-max-entries", _LONG, "100"),
    ("tcp-keepalive", _COUNT, "300"),
)
_FACTS: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("appendfsync", one_of("everysec", "always", "no"), "always"),
    ("appendonly", yes_no, "yes"),
    ("bind", anything, "* -::*"),
    ("cluster-enabled", yes_no, "no"),
    ("daemonize", yes_no, "no"),
    ("databases", integer(1, INT_MAX), "16"),
    ("dbfilename", anything, "dump.rdb"),
    ("dir", anything, ""),
    ("enable-debug-command", one_of("no", "yes", "local"), "no"),
    ("io-threads", integer(1, 128), "1"),
    ("logfile", anything, ""),
    ("masterauth", anything, ""),
    ("port", integer(0, 65535), "0"),
    ("protected-mode", yes_no, "no"),
    ("rdbcompression", yes_no, "yes"),
    ("replica-read-only", yes_no, "yes"),
    ("replicaof", anything, ""),
    ("save", anything, ""),
    ("supervised", one_of("upstart", "systemd", "auto", "no"), "no"),
    ("unixsocket", anything, ""),
)
ALIASES: Final[dict[bytes, bytes]] = {
    b"hash-max-ziplist-entries": b"hash-max-listpack-entries",
    b"hash-max-ziplist-value": b"hash-max-listpack-value",
    b"list-max-ziplist-size": b"list-max-listpack-size",
    b"lua-time-limit": b"busy-reply-threshold",
    b"min-slaves-max-lag": b"min-replicas-max-lag",
    b"min-slaves-to-write": b"min-replicas-to-write",
    b"slave-read-only": b"replica-read-only",
    b"slave-serve-stale-data": b"replica-serve-stale-data",
    b"slaveof": b"replicaof",
    b"zset-max-ziplist-entries": b"zset-max-listpack-entries",
    b"zset-max-ziplist-value": b"zset-max-listpack-value",
}
"""Other names: Redis' older ones."""


def _rows() -> dict[bytes, Setting]:
    rows: dict[bytes, Setting] = {}
    for fixed, group in ((False, _WORKING), (False, _WITHOUT_EFFECT), (True, _FACTS)):
        for name, kind, default in group:
            rows[name.encode()] = Setting(name.encode(), kind, default.encode(), fixed)
    return rows


SETTINGS: Final[dict[bytes, Setting]] = _rows()
"""By name."""
