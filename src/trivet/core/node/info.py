"""``INFO``: the facts of a node in Redis' form, and its place in Raft."""

from collections.abc import Callable
from typing import Final

from trivet import __version__
from trivet.core.node.front import Front
from trivet.core.wire.reply import Verbatim

VERSION_OF_REDIS: Final = "7.0.15"
"""The Redis whose commands are served: what ``INFO`` and ``HELLO`` say."""

Facts = dict[str, str | int]


def _server(front: Front) -> Facts:
    up_s = (front.now_ms - front.started_ms) // 1000
    return {
        "redis_version": VERSION_OF_REDIS,
        "redis_mode": "standalone",
        "trivet_version": __version__,
        "trivet_node": front.config.node,
        "trivet_cluster": front.config.cluster,
        "tcp_port": front.cluster.members[front.config.node].client_port,
        "server_time_usec": front.wall_ms * 1000,
        "uptime_in_seconds": up_s,
        "uptime_in_days": up_s // 86400,
        "arch_bits": 64,
    }


def _clients(front: Front) -> Facts:
    return {
        "connected_clients": len(front.sessions),
        "maxclients": front.limits.connections_max,
        "blocked_clients": len(front.waiting) + front.blocked.waiting_count(),
    }


def _memory(front: Front) -> Facts:
    return {
        "maxmemory": 0,
        "maxmemory_policy": "noeviction",
        "trivet_log_memory_bytes": front.group.raft.bytes_in_memory,
        "trivet_pending_bytes": front.group.pending_bytes,
    }


def _persistence(front: Front) -> Facts:
    return {
        "loading": 0,
        "aof_enabled": 1,
        "aof_last_write_status": "ok",
        "rdb_bgsave_in_progress": int(front.group.snapshots.building),
        "trivet_disk_full": int(front.group.disk_full),
        "trivet_snapshot_index": front.group.snapshots.index,
        "trivet_log_syncs": front.group.wal.frames,
    }


def _stats(front: Front) -> Facts:
    return {
        "total_connections_received": front.counters.connections,
        "total_commands_processed": front.calls_total,
        "rejected_connections": front.counters.connections_refused,
        "expired_keys": sum(database.expired_count for _, database in front.group.machine.databases.items()),
        "trivet_protocol_errors": front.counters.protocol_errors,
        "trivet_clients_cut_off": front.counters.output_cut,
        "trivet_peers_refused": front.counters.peers_refused,
    }


def _replication(front: Front) -> Facts:
    return {
        "role": "master",
        "connected_slaves": 0,
        "master_replid": (front.config.cluster * 40)[:40],
        "master_repl_offset": front.group.raft.commit,
    }


def _raft(front: Front) -> Facts:
    raft = front.group.raft
    role = raft.role.name.lower()
    return {
        "raft_role": "candidate" if role == "pre_candidate" else role,
        "raft_term": raft.term,
        "raft_leader": raft.leader,
        "raft_commit_index": raft.commit,
        "raft_applied_index": front.group.machine.applied_index,
        "raft_last_index": raft.last_index,
        "raft_first_index": raft.first_index,
        "raft_voters": ",".join(str(node) for node in front.cluster.voters),
    }


def _cluster(front: Front) -> Facts:
    return {"cluster_enabled": 0}


def _keyspace(front: Front) -> Facts:
    facts: Facts = {}
    for index, database in front.group.machine.databases.items():
        if len(database):
            facts[f"db{index}"] = f"keys={len(database)},expires={database.deadline_count},avg_ttl=0"
    return facts


_SECTIONS: Final[dict[str, Callable[[Front], Facts]]] = {
    "server": _server,
    "clients": _clients,
    "memory": _memory,
    "persistence": _persistence,
    "stats": _stats,
    "replication": _replication,
    "raft": _raft,
    "cluster": _cluster,
    "keyspace": _keyspace,
}


def info(front: Front, wanted: list[str]) -> Verbatim:
    """The sections in ``wanted`` (none, ``all``, ``everything`` or ``default``: all of them)."""
    names = list(_SECTIONS)
    if wanted and not any(word in ("all", "everything", "default") for word in wanted):
        names = [name for name in names if name in wanted]
    parts: list[str] = []
    for name in names:
        lines = [f"{key}:{value}\r\n" for key, value in _SECTIONS[name](front).items()]
        parts.append(f"# {name.capitalize()}\r\n" + "".join(lines))
    return Verbatim("txt", "\r\n".join(parts).encode("latin-1"))
