"""``INFO``: the facts of a node in Redis' form, and its place in Raft.

The names are those of Redis 7.0, as far as the fact exists here; what is Trivet's own starts
with ``trivet_`` or ``raft_``. Counters and times are this node's (see ``stats``).
"""

from collections.abc import Callable
from typing import Final

from trivet import __version__
from trivet.core.base.ids import SYSTEM_GROUP, GroupId
from trivet.core.cluster.rows import EVENTUAL, PAXOS
from trivet.core.gossip.swim_messages import DEAD, SUSPECT
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.front import Front
from trivet.core.node.liveness import NAMES
from trivet.core.node.reach import liveness_facts
from trivet.core.node.txn_command import transaction_facts
from trivet.core.pubsub.messages import Kind
from trivet.core.raft.raft import Raft
from trivet.core.raft.state import Role
from trivet.core.values.sizes import BASE_BYTES, sampled_bytes
from trivet.core.wire.reply import Verbatim

VERSION_OF_REDIS: Final = "7.0.15"
"""The Redis whose commands are served: what ``INFO`` and ``HELLO`` say."""

Facts = dict[str, str | int]


def _server(front: Front) -> Facts:
    up_s = (front.now_ms - front.started_ms) // 1000
    return {
        "redis_version": VERSION_OF_REDIS,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone",
        "os": "unknown",
        "trivet_version": __version__,
        "trivet_node": front.config.node,
        "trivet_cluster": front.config.cluster,
        "run_id": f"{front.config.cluster}{front.config.node:x}".rjust(40, "0")[-40:],
        "tcp_port": front.config.address().client_port,
        "server_time_usec": front.wall_ms * 1000,
        "uptime_in_seconds": up_s,
        "uptime_in_days": up_s // 86400,
        "hz": 1000 // front.config.tick_ms,
        "arch_bits": 64,
        "executable": "",
        "config_file": "",
    }


def _clients(front: Front) -> Facts:
    return {
        "connected_clients": len(front.sessions),
        "cluster_connections": 0,
        "maxclients": front.rules.clients_max or front.limits.connections_max,
        "client_recent_max_input_buffer": 0,
        "client_recent_max_output_buffer": 0,
        "pubsub_clients": len(front.pubsub.subscribers),
        "blocked_clients": len(front.waiting) + front.blocked.waiting_count(),
        "tracking_clients": len(front.tracking.clients),
        "clients_in_timeout_table": len(front.waiting) + front.blocked.waiting_count(),
    }


def bytes_of(group: RaftGroup) -> int:
    """What the values of a replica take: the account's figure, or an estimate when there is no account."""
    memory = group.machine.memory
    if memory is not None and memory.counted:
        return memory.total
    return sampled_bytes(group.machine.databases)


def used_bytes(front: Front) -> int:
    """What the values in all replicas of this node take."""
    leaderless = sum([group.size_bytes for group in front.leaderless.values()])
    return BASE_BYTES + leaderless + sum([bytes_of(group) - BASE_BYTES for group in _of_data(front)])


def _of_data(front: Front) -> list[RaftGroup]:
    return [group for number, group in front.groups.items() if number != SYSTEM_GROUP]


def human(size: int) -> str:
    """A number of bytes as people read it."""
    if size < 1024:
        return f"{size}B"
    for unit, name in ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if size >= unit:
            return f"{size / unit:.2f}{name}"
    raise AssertionError(size)


def _memory(front: Front) -> Facts:
    stats = front.stats
    settings = front.group.machine.settings
    log_bytes = sum([group.raft.bytes_in_memory for group in front.groups.values()])
    dataset = used_bytes(front)
    used = dataset + log_bytes + front.pending_bytes
    stats.peak_bytes = max(stats.peak_bytes, used)
    return {
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_rss": used,
        "used_memory_rss_human": human(used),
        "used_memory_peak": stats.peak_bytes,
        "used_memory_peak_human": human(stats.peak_bytes),
        "used_memory_peak_perc": f"{100 * used / stats.peak_bytes:.2f}%",
        "used_memory_overhead": used - dataset + BASE_BYTES,
        "used_memory_startup": BASE_BYTES,
        "used_memory_dataset": dataset - BASE_BYTES,
        "used_memory_lua": 0,
        "used_memory_lua_human": "0B",
        "used_memory_scripts": 0,
        "used_memory_scripts_human": "0B",
        "maxmemory": settings.maxmemory_bytes,
        "maxmemory_human": human(settings.maxmemory_bytes),
        "maxmemory_policy": settings.get(b"maxmemory-policy").decode(),
        "mem_fragmentation_ratio": "1.00",
        "mem_fragmentation_bytes": 0,
        "mem_not_counted_for_evict": used - dataset,
        "mem_clients_normal": 0,
        "mem_allocator": "libc",
        "active_defrag_running": 0,
        "lazyfree_pending_objects": 0,
        "trivet_refuses_growth": int(settings.refuses_growth),
        "trivet_log_memory_bytes": log_bytes,
        "trivet_pending_bytes": front.pending_bytes,
    }


def _persistence(front: Front) -> Facts:
    return {
        "loading": 0,
        "async_loading": 0,
        "rdb_changes_since_last_save": 0,
        "rdb_bgsave_in_progress": int(front.group.snapshots.building),
        "rdb_last_save_time": front.wall_ms // 1000,
        "rdb_last_bgsave_status": "ok",
        "rdb_last_bgsave_time_sec": 0,
        "rdb_current_bgsave_time_sec": -1,
        "aof_enabled": 1,
        "aof_rewrite_in_progress": 0,
        "aof_rewrite_scheduled": 0,
        "aof_last_bgrewrite_status": "ok",
        "aof_last_write_status": "err" if front.group.disk_full else "ok",
        "trivet_disk_full": int(front.group.disk_full),
        "trivet_snapshot_index": front.group.snapshots.index,
        "trivet_log_syncs": front.group.wal.frames,
    }


def _stats(front: Front) -> Facts:
    machines = [group.machine for group in _of_data(front)]
    stats = front.stats
    tracking = front.tracking
    return {
        "total_connections_received": front.counters.connections,
        "total_commands_processed": stats.calls_total(),
        "instantaneous_ops_per_sec": stats.calls_per_second,
        "total_net_input_bytes": stats.input_bytes,
        "total_net_output_bytes": stats.output_bytes,
        "rejected_connections": front.counters.connections_refused,
        "sync_full": 0,
        "sync_partial_ok": 0,
        "sync_partial_err": 0,
        "expired_keys": sum(
            [database.expired_count for machine in machines for database in machine.databases.opened()]
        ),
        "evicted_keys": sum([machine.evicted_count for machine in machines]),
        "evicted_clients": 0,
        "keyspace_hits": stats.reads - stats.misses,
        "keyspace_misses": stats.misses,
        "pubsub_channels": len(front.pubsub.channels(Kind.CHANNEL, None)),
        "pubsub_patterns": len(front.pubsub.channels(Kind.PATTERN, None)),
        "latest_fork_usec": 0,
        "total_forks": 0,
        "tracking_total_keys": len(tracking.by_key),
        "tracking_total_items": len(tracking.by_key),
        "tracking_total_prefixes": len(tracking.by_prefix),
        "total_error_replies": sum(stats.errors.values()),
        "trivet_protocol_errors": front.counters.protocol_errors,
        "trivet_clients_cut_off": front.counters.output_cut,
        "trivet_peers_refused": front.counters.peers_refused,
    }


def _replication(front: Front) -> Facts:
    return {
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": (front.config.cluster * 40)[:40],
        "master_replid2": "0" * 40,
        "master_repl_offset": front.group.raft.commit,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": 1048576,
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    }


def _cpu(front: Front) -> Facts:
    """Only the operating system knows."""
    return {}


def _modules(front: Front) -> Facts:
    return {}


def _commandstats(front: Front) -> Facts:
    facts: Facts = {}
    stats = front.stats
    for name, calls in stats.by_name():
        took_us = stats.took_ms.get(name, 0) * 1000
        facts[f"cmdstat_{name}"] = (
            f"calls={calls},usec={took_us},usec_per_call={took_us / calls:.2f},rejected_calls=0,"
            f"failed_calls={stats.failed.get(name, 0)}"
        )
    return facts


def _errorstats(front: Front) -> Facts:
    return {f"errorstat_{code}": f"count={count}" for code, count in front.stats.errors.items()}


def _latencystats(front: Front) -> Facts:
    facts: Facts = {}
    for name, calls in front.stats.by_name():
        slower = front.stats.histograms.get(name, [])
        shown = ",".join(f"p{share}={percentile(calls, slower, share):.3f}" for share in ("50", "99", "99.9"))
        facts[f"latency_percentiles_usec_{name}"] = shown
    return facts


def percentile(calls: int, slower: list[int], share: str) -> float:
    """The upper end, in microseconds, of the bucket in which so many percent of the calls are reached."""
    wanted = calls * float(share) / 100
    reached = max(0, calls - sum(slower))
    if reached >= wanted:
        return 1000.0
    for power, count in enumerate(slower):
        reached += count
        if reached >= wanted:
            return float(1000 << power)
    return float(1000 << len(slower))


def _raft(front: Front) -> Facts:
    """Of the first group of the data."""
    raft = front.group.raft
    return {
        "raft_role": _role(raft),
        "raft_term": raft.term,
        "raft_leader": raft.leader,
        "raft_commit_index": raft.commit,
        "raft_applied_index": front.group.machine.applied_index,
        "raft_last_index": raft.last_index,
        "raft_first_index": raft.first_index,
        "raft_voters": ",".join(str(node) for node in front.cluster.voters),
    }


def _groups(front: Front) -> Facts:
    """A line for each replica here. There may be hundreds, and INFO is asked for often: so only by name."""
    facts: Facts = {}
    for number, group in sorted(front.groups.items(), key=_number):
        raft = group.raft
        row = front.cluster.groups.get(number)
        voters = "/".join([str(node) for node in raft.membership.voters])
        learners = "/".join([str(node) for node in raft.membership.learners])
        facts[f"raft_group{number}"] = (
            f"keyspace={'' if row is None else row.keyspace},role={_role(raft)},term={raft.term},"
            f"leader={raft.leader},commit={raft.commit},applied={group.machine.applied_index},"
            f"last={raft.last_index},first={raft.first_index},voters={voters},learners={learners}"
        )
    for number in sorted(front.leaderless):
        one, row = front.leaderless[number], front.cluster.groups.get(number)
        keyspace = "" if row is None else row.keyspace
        facts[f"trivet_{_NAMES[one.mode]}{number}"] = f"keyspace={keyspace},{one.describe()}"
    return facts


_NAMES: Final = {PAXOS: "registers", EVENTUAL: "copies"}
"""What a group that nobody leads is called in ``INFO``, by its mode."""


def _here(front: Front, mode: str) -> int:
    """How many groups of ``mode`` have a member here."""
    own = front.config.node
    return sum([group.mode == mode and group.is_member(own) for group in front.leaderless.values()])


def _role(raft: Raft) -> str:
    role = raft.role.name.lower()
    return "candidate" if role == "pre_candidate" else role


def _number(numbered: tuple[GroupId, RaftGroup]) -> GroupId:
    return numbered[0]


def _cluster(front: Front) -> Facts:
    """Redis' cluster mode is off: any node serves everything. What there is of ours."""
    cluster = front.cluster
    leads = sum([group.raft.role is Role.LEADER for group in front.groups.values()])
    return {
        "cluster_enabled": 0,
        "trivet_founded": int(front.system.machine.cluster is not None),
        "trivet_map_epoch": cluster.epoch,
        "trivet_nodes": len(cluster.members),
        **{f"trivet_nodes_{NAMES[status]}": _held(front, status) for status in (SUSPECT, DEAD)},
        "trivet_keyspaces": len(cluster.keyspaces),
        "trivet_groups": len(cluster.groups),
        "trivet_moves": len(cluster.moves),
        "trivet_replicas_here": len(front.groups),
        "trivet_leads_here": leads,
        **{f"trivet_{name}_here": _here(front, mode) for mode, name in _NAMES.items()},
        **{f"trivet_primary_{name}": count for name, count in front.asides.facts().items()},
    }


def _held(front: Front, status: int) -> int:
    """How many nodes are held to be that."""
    return sum([front.liveness.status(node) == status for node in front.cluster.members])


def _keyspace(front: Front) -> Facts:
    """What the replicas on this node hold; of groups without one nothing is known here."""
    found: dict[int, tuple[int, int]] = {}
    for number, group in front.groups.items():
        for index, database in group.machine.databases.items():
            if len(database) and number in front.cluster.groups_of(index):
                keys, expires = found.get(index, (0, 0))
                found[index] = (keys + len(database), expires + database.deadline_count)
    for number, one in front.leaderless.items():
        row = front.cluster.groups.get(number)
        keyspace = None if row is None else front.cluster.keyspaces.get(row.keyspace)
        if keyspace is not None and one.keys:
            keys, expires = found.get(keyspace.number, (0, 0))
            found[keyspace.number] = (keys + one.keys, expires + one.deadline_count)
    return {
        f"db{index}": f"keys={keys},expires={expires},avg_ttl=0"
        for index, (keys, expires) in sorted(found.items())
    }


_SECTIONS: Final[dict[str, tuple[str, Callable[[Front], Facts]]]] = {
    "server": ("Server", _server),
    "clients": ("Clients", _clients),
    "memory": ("Memory", _memory),
    "persistence": ("Persistence", _persistence),
    "stats": ("Stats", _stats),
    "replication": ("Replication", _replication),
    "raft": ("Raft", _raft),
    "cpu": ("CPU", _cpu),
    "modules": ("Modules", _modules),
    "commandstats": ("Commandstats", _commandstats),
    "errorstats": ("Errorstats", _errorstats),
    "latencystats": ("Latencystats", _latencystats),
    "cluster": ("Cluster", _cluster),
    "groups": ("Groups", _groups),
    "liveness": ("Liveness", liveness_facts),
    "transactions": ("Transactions", transaction_facts),
    "keyspace": ("Keyspace", _keyspace),
}
_NOT_DEFAULT: Final = ("commandstats", "latencystats", "groups", "liveness")
_NOT_ALL: Final = ("modules",)


def info(front: Front, wanted: list[str]) -> Verbatim:
    """The sections in ``wanted``: names, ``default`` (also when there are none), ``all``, ``everything``."""
    chosen: dict[str, None] = {}
    for word in wanted or ["default"]:
        if word == "default":
            chosen.update(dict.fromkeys(name for name in _SECTIONS if name not in _NOT_DEFAULT))
        elif word == "all":
            chosen.update(dict.fromkeys(name for name in _SECTIONS if name not in _NOT_ALL))
        elif word == "everything":
            chosen.update(dict.fromkeys(_SECTIONS))
        elif word in _SECTIONS:
            chosen[word] = None
    parts: list[str] = []
    for name, (title, facts) in _SECTIONS.items():
        if name in chosen:
            lines = [f"{key}:{value}\r\n" for key, value in facts(front).items()]
            parts.append(f"# {title}\r\n" + "".join(lines))
    return Verbatim("txt", "\r\n".join(parts).encode("latin-1", "replace"))
