"""Everything a run depends on, drawn from its seed.

Swarm testing (Groce et al., ISSTA 2012): each fault's rate is drawn per run and is
often zero, because a fault that is always on hides the bugs that need it to be off.
Rates of single events are probabilities; ``…_every_ms`` is the mean time between two
faults of a kind, 0 for never.
"""

import msgspec

from trivet.core.base.prng import Prng


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole option set of one run; printed with every complaint."""

    seed: int
    nodes: int = 3
    ops: int = 200

    clients: int = 5
    readers: int = 0
    """So many of the clients only read, so that no hanging write keeps them from it."""
    keys_per_kind: int = 3
    pipeline_max: int = 1
    think_ms_max: int = 40
    rest_rate: float = 0.0
    rest_ms_max: int = 0
    client_timeout_ms: int = 12_000
    resp3_rate: float = 0.0
    settle_ms: int = 5_000
    liveness_ms: int = 30_000
    safety_ms_max: int = 300_000
    core_rate: float = 0.0
    """How likely only a majority is healed at first, and must serve alone."""

    weight_registers: int = 4
    weight_counters: int = 3
    weight_unique: int = 2
    weight_tokens: int = 2
    weight_collections: int = 2
    weight_pairs: int = 1
    weight_watch: int = 0
    weight_expiry: int = 0
    weight_append: int = 0
    weight_bank: int = 0
    weight_lock: int = 0
    weight_queue: int = 0
    weight_waiting: int = 0
    weight_script: int = 0
    weight_stream: int = 0
    weight_pubsub: int = 0
    weight_families: int = 0
    weight_keyspaces: int = 0
    weight_across: int = 0
    weight_copies: int = 8
    weight_sessions: int = 4
    """Of a run that has a database of mode ``eventual``."""
    workloads: str = ""
    """Names joined by commas: only these, each with a weight of at least 1; none: as the weights say."""

    second_rate: float = 0.0
    """How likely each workload lives in a database with a keyspace of its own; 0: there is none."""
    second_replicas: int = 3
    second_shards: int = 1
    register_rate: float = 0.0
    """How likely each workload that can do with one key at a time lives in a database of mode ``paxos``."""
    register_replicas: int = 0
    """0: three or five, as the seed says."""
    register_shards: int = 0
    """0: one to three, as the seed says."""
    primary_rate: float = 0.0
    """How likely workloads that can do with it live in a database of mode ``primary``; 0: there is none."""
    primary_replicas: int = 3
    primary_shards: int = 0
    """0: one to three, as the seed says."""
    weight_primary: int = 0
    eventual_rate: float = 0.0
    """How likely the run has a database of mode ``eventual``, for ``copies`` and ``sessions``."""
    eventual_replicas: int = 0
    """0: two to five, as the seed says."""
    eventual_shards: int = 0
    """0: one to three, as the seed says."""
    emptying_rate: float = 0.0
    """How many of the calls of ``copies`` empty its database."""
    eventual_write_quorum: int = 0
    """0: one, or more in some runs in which every node has a copy, as the seed says."""
    eventual_read_quorum: int = 0
    """0: one, or in half of those so many that they meet the write quorum, if a majority can do it."""
    fence_rate: float = 0.0
    """How likely a lock's tokens come from ``FENCE`` where there is a log; on registers they always do."""
    spread_rate: float = 0.0
    """How likely keys that a workload uses together fall into groups as they fall, not all into one slot."""
    long_scripts: bool = False
    """Whether scripts may run so long that they wait for verdicts, and are killed."""
    plans: bool = False
    """Whether the leader of the system group carries out plans of its own."""
    grace_ms: int = 300_000
    """So long a node is dead before its replicas are made anew elsewhere."""
    move_slice_bytes: int = 256
    seal_lag_keys: int = 2
    catch_up_ms: int = 2_000
    pause_ms_max: int = 3_000

    net_us_min: int = 50
    net_us_max: int = 400
    net_slow_rate: float = 0.0
    net_slow_us_max: int = 200_000
    drop_rate: float = 0.0
    duplicate_rate: float = 0.0
    duplicate_late_ms_max: int = 5_000
    reorder_rate: float = 0.0
    split_rate: float = 0.0
    hold_rate: float = 0.0
    slow_link_ms_max: int = 200
    slow_node_ms_max: int = 100
    silent_crash_rate: float = 0.1
    stall_breaks_rate: float = 0.5

    write_us_max: int = 20
    sync_us_min: int = 100
    sync_us_max: int = 600
    power_loss_rate: float = 0.9
    ambush_rate: float = 0.5
    """How many of the power cuts wait for a moment when something written is not synced."""
    tear_bytes: int = 512
    """A torn write is torn at multiples of this: a sector, or less, since most frames here fit into one."""

    drift_ppm_max: int = 0
    wall_offset_ms_max: int = 0
    turn_us_max: int = 30
    rare_ticks: bool = False
    """Whether calm nodes get a tick per beat only, as in service."""

    move_every_ms: int = 0
    """How often an administrator wants slots elsewhere, another leader, or a node empty."""
    join_every_ms: int = 0
    """How often a new node asks to join, while there are not too many."""
    teach_every_ms: int = 0
    """How often an administrator changes functions, which all groups have to learn."""
    wipe_every_ms: int = 0
    """The machine whose disk may lose what it synced loses all of it, and comes back with its old number."""
    kill_every_ms: int = 0
    power_every_ms: int = 0
    kill_all_every_ms: int = 0
    pause_every_ms: int = 0
    stop_every_ms: int = 0
    partition_every_ms: int = 0
    one_way_every_ms: int = 0
    shape_every_ms: int = 0
    """Named shapes of partitions, most of them partial: see ``faults/shapes.py``."""
    leader_link_every_ms: int = 0
    """The leader of the system group and one node do not hear each other, for longer than ``grace_ms``."""
    slow_link_every_ms: int = 0
    flap_every_ms: int = 0
    slow_node_every_ms: int = 0
    clock_rate_every_ms: int = 0
    link_break_every_ms: int = 0
    client_drop_every_ms: int = 0
    disk_stall_every_ms: int = 0
    disk_slow_every_ms: int = 0
    disk_full_every_ms: int = 0
    disk_hang_every_ms: int = 0
    disk_hang_ms_max: int = 5_000
    sync_failure_every_ms: int = 0
    clock_jump_every_ms: int = 0
    clock_jump_ms_max: int = 5_000
    bit_rot_every_ms: int = 0
    rot_snapshot_rate: float = 0.3
    misdirect_every_ms: int = 0
    buggify_rate: float = 0.0
    """0: the nodes run as in service. Else the scale of the rates at which the core takes rarer ways."""
    fate_rate: float = 0.0
    fate_ms_max: int = 100
    fate_leader_rate: float = 0.8
    commit_fate_rate: float = 0.0
    leader_preference: float = 0.5
    fault_ms_max: int = 3_000

    election_ms: int = 1_000
    segment_bytes: int = 16_384
    snapshot_log_bytes: int = 4_096
    snapshot_chunk_bytes: int = 512
    log_memory_bytes: int = 4_096
    append_bytes_max: int = 2_048
    batch_bytes_max: int = 4_096
    batches_in_flight_max: int = 16
    expire_per_entry_max: int = 3
    emptied_per_turn_max: int = 2


def _sometimes(prng: Prng, low: int, high: int, chance: float = 0.5) -> int:
    return prng.between(low, high) if prng.chance(chance) else 0


def _rate(prng: Prng, highest: float, chance: float = 0.5) -> float:
    return prng.below(1000) * highest / 1000 if prng.chance(chance) else 0.0


LEADER_LINK_RATE = 0.15
"""So many of the runs in which the cluster replaces nodes by itself cut just that one link."""
LONG_RATE = 0.04
"""So many of the runs last minutes of virtual time."""


def draw_options(seed: int, nodes: int, ops: int) -> RunOptions:
    """The options of run ``seed``: the same for the same arguments, for ever different for others."""
    prng = Prng(seed * 0x9E3779B1 + 0x7A17)
    drawn: dict[str, int | float] = {"seed": seed, "nodes": nodes, "ops": ops}
    drawn |= _draw_pace(prng, ops)
    drawn |= _draw_workload(prng)
    # A generator for each concern: a draw more in one changes nothing in the others.
    drawn |= _draw_network(prng.fork())
    drawn |= _draw_machines(prng.fork())
    drawn |= _draw_faults(prng.fork())
    drawn |= _draw_limits(prng.fork())
    drawn |= _draw_rarer_faults(prng.fork())
    drawn |= _draw_groups(Prng(seed * 0x9E3779B1 + 0x6209))
    drawn |= _draw_spread(Prng(seed * 0x9E3779B1 + 0x59AD), drawn)
    drawn["teach_every_ms"] = _sometimes(Prng(seed * 0x9E3779B1 + 0x7EAC), 300, 4_000, 0.25)
    if drawn["plans"] and nodes > 2:
        own = Prng(seed * 0x9E3779B1 + 0x5717)
        drawn["leader_link_every_ms"] = _sometimes(own, 1_000, 10_000, LEADER_LINK_RATE)
    drawn |= _draw_emptying(Prng(seed * 0x9E3779B1 + 0xF105))
    drawn["long_scripts"] = Prng(seed * 0x9E3779B1 + 0x10C6).chance(0.4)
    drawn["rare_ticks"] = Prng(seed * 0x9E3779B1 + 0x71C5).chance(0.5)
    if any(drawn[f"{name}_every_ms"] for name in ("bit_rot", "misdirect", "sync_failure", "wipe")):
        drawn["second_replicas"] = max(3, drawn["second_replicas"])  # no copy may be the only one
    if prng.chance(LONG_RATE):
        drawn |= _stretch(drawn, prng.fork())
    return msgspec.convert(drawn, RunOptions)


def _draw_pace(prng: Prng, ops: int) -> dict[str, int | float]:
    """Clients work in bursts, so that calls meet, with rests that stretch a run over enough faults."""
    clients = prng.between(2, 7)
    pipeline_max = _sometimes(prng, 2, 6) or 1
    target_ms = prng.between(5_000, 25_000)
    batches_per_client = max(1, ops * 4 // (clients * (3 + pipeline_max)))
    rest_rate = prng.between(5, 30) / 100
    return {
        "clients": clients,
        "readers": _sometimes(prng, 1, max(1, clients // 2)),
        "pipeline_max": pipeline_max,
        "think_ms_max": prng.between(1, 30),
        "rest_rate": rest_rate,
        "rest_ms_max": int(2 * target_ms / batches_per_client / rest_rate),
    }


def _draw_workload(prng: Prng) -> dict[str, int | float]:
    """Many runs have one or two workloads only: what they do to few keys then comes thick and fast."""
    drawn: dict[str, int | float] = {
        "keys_per_kind": prng.between(1, 4),
        "resp3_rate": _rate(prng, 1.0),
    }
    own = prng.fork()
    weights = {
        "weight_registers": own.between(1, 5), "weight_counters": own.between(1, 4),
        "weight_unique": own.between(1, 3), "weight_tokens": own.between(1, 3),
        "weight_collections": own.between(1, 4), "weight_expiry": own.between(1, 3),
        "weight_append": own.between(1, 4), "weight_bank": own.between(1, 4),
        "weight_lock": own.between(1, 3), "weight_queue": own.between(1, 4),
        "weight_script": own.between(1, 4), "weight_stream": own.between(1, 4),
        "weight_waiting": own.between(1, 4), "weight_families": own.between(1, 4),
        "weight_pubsub": own.between(1, 4),
    }  # fmt: skip
    names = list(weights)
    own.shuffle(names)
    few = own.below(10)
    count = 1 if few < 3 else 2 if few < 6 else own.between(3, len(names))
    drawn |= {name: weights[name] if names.index(name) < count else 0 for name in weights}
    drawn["weight_watch"] = own.below(3) if drawn["weight_registers"] else 0
    drawn["weight_pairs"] = own.below(4) if drawn["weight_collections"] else 0
    return drawn


def _draw_network(prng: Prng) -> dict[str, int | float]:
    low = prng.between(20, 500)
    return {
        "net_us_min": low,
        "net_us_max": low + prng.between(50, _sometimes(prng, 2_000, 30_000, 0.3) or 1_000),
        "net_slow_rate": _rate(prng, 0.05, 0.3),
        "drop_rate": _rate(prng, 0.05, 0.3),
        "duplicate_rate": _rate(prng, 0.1, 0.4),
        "duplicate_late_ms_max": prng.between(1, 10_000),
        "reorder_rate": _rate(prng, 0.3, 0.4),
        "split_rate": _rate(prng, 0.2),
        "hold_rate": _rate(prng, 1.0),
        "silent_crash_rate": _rate(prng, 0.5),
        "stall_breaks_rate": _rate(prng, 1.0, 0.7),
    }


def _draw_machines(prng: Prng) -> dict[str, int | float]:
    low = prng.between(50, 500)
    return {
        "write_us_max": prng.between(5, 100),
        "sync_us_min": low,
        "sync_us_max": low + prng.between(100, _sometimes(prng, 5_000, 60_000, 0.3) or 2_000),
        "power_loss_rate": 0.3 + prng.below(8) / 10,
        "drift_ppm_max": _sometimes(prng, 10, 20_000),
        "wall_offset_ms_max": _sometimes(prng, 1, 10_000),
        "turn_us_max": prng.between(1, 300),
        "ambush_rate": prng.below(11) / 10,
        "tear_bytes": 512 >> prng.below(5),
    }


def _draw_faults(prng: Prng) -> dict[str, int | float]:
    return {
        "kill_every_ms": _sometimes(prng, 1_000, 8_000),
        "power_every_ms": _sometimes(prng, 1_000, 8_000),
        "kill_all_every_ms": _sometimes(prng, 3_000, 12_000, 0.3),
        "pause_every_ms": _sometimes(prng, 2_000, 10_000, 0.4),
        "stop_every_ms": _sometimes(prng, 3_000, 15_000, 0.3),
        "partition_every_ms": _sometimes(prng, 1_500, 8_000),
        "one_way_every_ms": _sometimes(prng, 1_500, 8_000, 0.4),
        "link_break_every_ms": _sometimes(prng, 500, 5_000, 0.4),
        "client_drop_every_ms": _sometimes(prng, 300, 5_000, 0.4),
        "disk_stall_every_ms": _sometimes(prng, 2_000, 10_000, 0.3),
        "disk_slow_every_ms": _sometimes(prng, 2_000, 10_000, 0.3),
        "disk_full_every_ms": _sometimes(prng, 2_000, 10_000, 0.25),
        "sync_failure_every_ms": _sometimes(prng, 2_000, 10_000, 0.25),
        "clock_jump_every_ms": _sometimes(prng, 500, 10_000, 0.3),
        "clock_jump_ms_max": prng.between(10, 100_000),
        "bit_rot_every_ms": _sometimes(prng, 1_000, 6_000, 0.25),
        "fate_rate": _rate(prng, 0.9, 0.4),
        "fate_ms_max": prng.between(1, _sometimes(prng, 100, 500) or 30),
        "fate_leader_rate": prng.below(10) / 10,
        "commit_fate_rate": _rate(prng, 0.05, 0.3),
        "leader_preference": prng.below(10) / 10,
        "fault_ms_max": prng.between(50, 4_000),
    }


def _draw_rarer_faults(prng: Prng) -> dict[str, int | float]:
    return {
        "core_rate": 1.0 if prng.chance(0.6) else 0.0,
        "shape_every_ms": _sometimes(prng, 1_000, 8_000, 0.35),
        "slow_link_every_ms": _sometimes(prng, 1_000, 8_000, 0.25),
        "slow_link_ms_max": prng.between(2, 600),
        "flap_every_ms": _sometimes(prng, 2_000, 10_000, 0.2),
        "slow_node_every_ms": _sometimes(prng, 1_000, 8_000, 0.25),
        "slow_node_ms_max": prng.between(2, 300),
        "clock_rate_every_ms": _sometimes(prng, 500, 5_000, 0.2),
        "disk_hang_every_ms": _sometimes(prng, 2_000, 10_000, 0.25),
        "disk_hang_ms_max": prng.between(100, 12_000),
        "misdirect_every_ms": _sometimes(prng, 1_000, 6_000, 0.2),
        "rot_snapshot_rate": prng.below(10) / 10,
        "buggify_rate": _rate(prng, 1.0, 0.5),
    }


def _draw_groups(prng: Prng) -> dict[str, int | float]:
    """Several groups in many runs, and slots and members on the move in some."""
    return {
        "second_rate": (1 + prng.below(10)) / 10 if prng.chance(0.4) else 0.0,
        "second_replicas": 1 + 2 * prng.below(3),
        "second_shards": prng.between(1, 4) if prng.chance(0.5) else 1,
        "plans": prng.chance(0.5),
        "grace_ms": prng.between(2_000, 20_000),
        "move_slice_bytes": prng.between(64, 1_024),
        "seal_lag_keys": prng.between(0, 4),
        "catch_up_ms": prng.between(200, 4_000),
        "pause_ms_max": prng.between(500, 5_000),
        "move_every_ms": _sometimes(prng, 300, 4_000, 0.3),
        "join_every_ms": _sometimes(prng, 1_000, 8_000, 0.2),
        "wipe_every_ms": _sometimes(prng, 2_000, 15_000, 0.1),
        "weight_keyspaces": prng.between(1, 4) if prng.chance(0.25) else 0,
    }


def _draw_emptying(prng: Prng) -> dict[str, int | float]:
    """Of runs with copies: few calls empty all, in shares so small that much happens between two of them.

    Then ``sessions`` is not among them: its sets are in the same database, and nobody tells its judge.
    """
    emptied_per_turn_max = prng.between(1, 8)
    emptying_rate = prng.between(5, 40) / 1000 if prng.chance(0.4) else 0.0
    drawn = {"emptied_per_turn_max": emptied_per_turn_max, "emptying_rate": emptying_rate}
    return drawn | ({"weight_sessions": 0} if emptying_rate else {})


SPREAD_RATE = 0.4
"""So many of the runs have transactions over groups: two to four of them from the start."""


def _draw_spread(prng: Prng, drawn: dict[str, int | float]) -> dict[str, int | float]:
    """Keys spread over the groups of a keyspace, half of the time while slots are on the move."""
    spread: dict[str, int | float] = {
        "spread_rate": (3 + prng.below(8)) / 10,
        "second_rate": max(drawn["second_rate"], (5 + prng.below(6)) / 10),
        "second_shards": prng.between(2, 4),
        "weight_across": prng.between(1, 4) if prng.chance(0.6) else 0,
    }
    every_ms = _sometimes(prng, 300, 4_000)
    if not drawn["move_every_ms"]:
        spread["move_every_ms"] = every_ms
    own = ("weight_append", "weight_bank", "weight_script", "weight_families", "weight_collections")
    if not any(drawn[name] for name in own):
        spread[own[prng.below(3)]] = prng.between(1, 4)
    return spread if prng.chance(SPREAD_RATE) else {}


def _stretch(drawn: dict[str, int | float], prng: Prng) -> dict[str, int | float]:
    """A long run: minutes of virtual time, rarer faults, and copies of messages that come minutes late."""
    times = prng.between(4, 10)
    longer: dict[str, int | float] = {
        name: value * times for name, value in drawn.items() if name.endswith("_every_ms")
    }
    return longer | {
        "rest_ms_max": int(drawn["rest_ms_max"]) * times,
        "duplicate_rate": 0.02 + prng.below(80) / 1000,
        "duplicate_late_ms_max": prng.between(60_000, 240_000),
    }


def _draw_limits(prng: Prng) -> dict[str, int | float]:
    """So small that segments, snapshots and refusals happen within a few hundred commands."""
    return {
        "election_ms": prng.between(300, 1_000),
        "segment_bytes": prng.between(4_096, 32_768),
        "snapshot_log_bytes": prng.between(1_024, _sometimes(prng, 16_384, 65_536) or 8_192),
        "snapshot_chunk_bytes": prng.between(64, 2_048),
        "log_memory_bytes": prng.between(512, _sometimes(prng, 16_384, 65_536) or 8_192),
        "append_bytes_max": prng.between(1, _sometimes(prng, 4_096, 16_384) or 1_024),
        "batch_bytes_max": prng.between(256, 16_384),
        "batches_in_flight_max": prng.between(1, 16),
        "expire_per_entry_max": prng.between(1, 4),
    }
