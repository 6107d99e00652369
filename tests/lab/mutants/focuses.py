"""Circumstances: option sets under which a class of bugs shows soon."""

from mutants.model import Focus
from trivet.lab.world.options import RunOptions

NO_FAULTS: Focus = {name: 0 for name in RunOptions.__struct_fields__ if name.endswith("_every_ms")} | dict.fromkeys(
    ["net_slow_rate", "drop_rate", "duplicate_rate", "reorder_rate", "fate_rate", "commit_fate_rate", "buggify_rate",
     "hold_rate"], 0
)  # fmt: skip

AS_DRAWN: Focus = {"nodes": 3, "ops": 200}

FALLING_LEADERS: Focus = {
    "nodes": 3, "ops": 120, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 1_000, "net_us_max": 20_000, "sync_us_max": 20_000,
    "kill_every_ms": 0, "power_every_ms": 0, "partition_every_ms": 0, "leader_preference": 0.8,
    "fate_rate": 0.6, "fate_ms_max": 30, "commit_fate_rate": 0.5, "fate_leader_rate": 0.8, "fault_ms_max": 1_000,
}  # fmt: skip
"""Most leaders fall soon after their election, or are cut off just as they commit."""

FORGETFUL_VOTERS: Focus = {
    "nodes": 3, "ops": 100, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 100, "net_us_max": 5_000,
    "sync_us_min": 50_000, "sync_us_max": 200_000, "power_loss_rate": 1.0,
    "kill_every_ms": 0, "power_every_ms": 0, "partition_every_ms": 700, "one_way_every_ms": 500,
    "leader_preference": 0.8, "fate_rate": 0.9, "fate_ms_max": 60, "fate_leader_rate": 0.0,
    "fault_ms_max": 300, "commit_fate_rate": 0.0,
}  # fmt: skip
"""Very slow disks, and power cuts right after elections."""

UNSYNCED_LEADERS: Focus = {
    "nodes": 3, "ops": 150, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 100, "net_us_max": 2_000, "sync_us_max": 60_000,
    "kill_every_ms": 0, "power_every_ms": 700, "partition_every_ms": 1_500, "one_way_every_ms": 800,
    "disk_stall_every_ms": 1_000, "disk_slow_every_ms": 1_000, "power_loss_rate": 1.0,
    "leader_preference": 0.8, "fate_rate": 0.0, "fault_ms_max": 900, "commit_fate_rate": 0.0,
}  # fmt: skip
"""Fast links, slow disks, and power cuts of leaders."""

ROTTING_LOGS: Focus = {
    "nodes": 3, "ops": 150, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 2_000,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 100, "net_us_max": 2_000, "sync_us_max": 2_000,
    "kill_every_ms": 2_000, "power_every_ms": 0, "partition_every_ms": 700, "bit_rot_every_ms": 800,
    "snapshot_log_bytes": 20_000, "leader_preference": 0.8, "fate_rate": 0.3, "fate_ms_max": 60,
    "fault_ms_max": 500, "commit_fate_rate": 0.0, "second_replicas": 3,
}  # fmt: skip
"""One node's log rots again and again, while others lag behind walls; no copy is the only one."""

FULL_DISKS: Focus = {
    "nodes": 3, "ops": 250, "safety_ms_max": 40_000, "rest_rate": 0.0, "think_ms_max": 60,
    "disk_full_every_ms": 700, "kill_every_ms": 2_500, "power_every_ms": 2_500, "fault_ms_max": 1_500,
    "segment_bytes": 4_096, "snapshot_log_bytes": 1_024, "leader_preference": 0.5,
}  # fmt: skip
"""Disks fill up and get room again, small segments, many snapshots."""

LATE_REPLIES: Focus = {
    "nodes": 3, "ops": 250, "safety_ms_max": 40_000, "rest_rate": 0.0, "think_ms_max": 40,
    "duplicate_rate": 0.2, "duplicate_late_ms_max": 2_000, "reorder_rate": 0.5, "net_slow_rate": 0.1,
    "drop_rate": 0.05, "append_bytes_max": 1,
}  # fmt: skip
"""Messages overtake each other, come twice and late."""

SNAPSHOTS_AND_KILLS: Focus = {
    "nodes": 3, "ops": 250, "safety_ms_max": 40_000, "election_ms": 300, "rest_rate": 0.0, "think_ms_max": 60,
    "snapshot_log_bytes": 1_024, "snapshot_chunk_bytes": 64, "segment_bytes": 4_096, "log_memory_bytes": 512,
    "kill_every_ms": 1_000, "power_every_ms": 1_000, "kill_all_every_ms": 3_000, "partition_every_ms": 2_000,
    "fault_ms_max": 800, "weight_counters": 4, "weight_tokens": 3,
}  # fmt: skip
"""Snapshots all the time, and nodes that fall into them."""

BLACKOUTS: Focus = {
    "snapshot_log_bytes": 256, "snapshot_chunk_bytes": 2_048, "segment_bytes": 4_096, "sync_us_min": 5_000,
    "sync_us_max": 60_000, "power_loss_rate": 1.0, "think_ms_max": 10, "weight_unique": 0,
}  # fmt: skip
"""A scene's nodes take snapshots all the time, onto slow disks."""

LAGGARDS: Focus = SNAPSHOTS_AND_KILLS | {
    "kill_every_ms": 0, "power_every_ms": 0, "kill_all_every_ms": 0, "partition_every_ms": 800,
    "fault_ms_max": 1_500, "think_ms_max": 20,
}  # fmt: skip
"""Nodes behind walls fall so far behind that they get snapshots."""

LONG_SCRIPTS: Focus = AS_DRAWN | {
    "workloads": "script", "long_scripts": True, "register_rate": 0, "spread_rate": 0.0, "second_rate": 0.0,
}  # fmt: skip
LONG_SCRIPTS_AND_SNAPSHOTS: Focus = LAGGARDS | LONG_SCRIPTS

LONG_TAILS: Focus = {
    "clients": 14, "readers": 0, "think_ms_max": 20, "snapshot_log_bytes": 200, "log_memory_bytes": 500,
    "append_bytes_max": 1, "weight_registers": 0,
}  # fmt: skip
"""A scene's leader gets many entries that nobody else has, and the others forget theirs soon."""

NEW_LEADERS_READ: Focus = {
    "nodes": 3, "ops": 200, "clients": 7, "readers": 4, "keys_per_kind": 1, "weight_registers": 5,
    "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1, "rest_rate": 0.0, "think_ms_max": 30,
    "net_us_min": 100, "net_us_max": 10_000, "sync_us_max": 10_000,
    "kill_every_ms": 1_000, "power_every_ms": 0, "partition_every_ms": 2_500, "leader_preference": 0.9,
    "fate_rate": 0.5, "fate_ms_max": 150, "fault_ms_max": 500, "commit_fate_rate": 0.0,
}  # fmt: skip
"""Leaders that fall under eager readers of one key."""

OLD_LEADERS_READ: Focus = NEW_LEADERS_READ | {
    "ops": 400, "election_ms": 1_000, "think_ms_max": 50, "net_us_max": 2_000, "sync_us_max": 1_000,
    "kill_every_ms": 0, "fate_rate": 0.0, "fault_ms_max": 3_000,
}  # fmt: skip
"""Leaders behind walls, still asked by eager readers."""

PAUSED_READERS: Focus = NEW_LEADERS_READ | {
    "ops": 400, "pause_every_ms": 500, "kill_every_ms": 0, "partition_every_ms": 0, "fate_rate": 0.0,
    "leader_preference": 0.3, "net_slow_rate": 0.1, "net_slow_us_max": 600_000, "fault_ms_max": 900,
    "clients": 7, "readers": 5, "think_ms_max": 10,
}  # fmt: skip
"""Nodes are stopped and continued under eager readers, and some answers come late."""

RESTARTED_READERS: Focus = NEW_LEADERS_READ | {
    "ops": 400, "kill_every_ms": 0, "kill_all_every_ms": 1_200, "partition_every_ms": 0, "fate_rate": 0.0,
    "fault_ms_max": 200, "think_ms_max": 5, "snapshot_log_bytes": 60_000,
}  # fmt: skip
"""All nodes restart, and are asked at once."""

DEADLINES: Focus = AS_DRAWN | {
    "ops": 300, "weight_expiry": 8, "weight_registers": 1, "keys_per_kind": 2, "partition_every_ms": 1_500,
    "wall_offset_ms_max": 0, "drift_ppm_max": 0, "clock_jump_every_ms": 0, "leader_preference": 0.8,
}  # fmt: skip
"""Mostly values with deadlines, under clocks that agree, so that judges can be exact."""

TRANSACTIONS: Focus = AS_DRAWN | {
    "ops": 300, "weight_pairs": 8, "weight_registers": 1, "pipeline_max": 4, "batch_bytes_max": 256,
    "kill_every_ms": 1_500, "partition_every_ms": 1_500, "leader_preference": 0.8,
}  # fmt: skip
"""Mostly MULTI/EXEC over two keys, while leaders fall."""

LOCKS: Focus = {
    "nodes": 3, "ops": 300, "workloads": "lock", "keys_per_kind": 1, "clients": 6, "pause_every_ms": 1_500,
    "think_ms_max": 100, "rest_rate": 0.0, "safety_ms_max": 40_000,
}  # fmt: skip
"""Many clients, one lock, and holders that keep it longer than its lease."""

SLOTS_MOVE: Focus = AS_DRAWN | {
    "ops": 250, "workloads": "register,counter,set,tokens", "keys_per_kind": 4, "second_rate": 0.5,
    "rest_rate": 0.0, "think_ms_max": 100, "safety_ms_max": 40_000, "settle_ms": 2_000,
    "second_shards": 2, "second_replicas": 3, "move_every_ms": 300, "plans": True, "pause_ms_max": 500,
    "move_slice_bytes": 64, "kill_every_ms": 2_000, "partition_every_ms": 2_000, "bit_rot_every_ms": 0,
    "misdirect_every_ms": 0, "sync_failure_every_ms": 0, "core_rate": 0.0,
}  # fmt: skip
"""Slots on their way all the time, while leaders fall."""

MOVERS_FALL: Focus = SLOTS_MOVE | {
    "workloads": "register,expiry,queue,families", "kill_every_ms": 500, "fault_ms_max": 300, "election_ms": 300,
    "catch_up_ms": 1_000, "seal_lag_keys": 0, "leader_preference": 0.9,
}  # fmt: skip
"""Whoever copies falls in the middle of it, and keys go meanwhile."""

MOVES_GIVEN_UP: Focus = SLOTS_MOVE | {
    "pause_ms_max": 60, "net_us_min": 1_000, "net_us_max": 20_000, "catch_up_ms": 200,
}  # fmt: skip
"""Slots are sealed for longer than they may be, most of the time."""

MOVERS_RETURN: Focus = SLOTS_MOVE | {
    "think_ms_max": 30, "catch_up_ms": 1_500, "seal_lag_keys": 0, "partition_every_ms": 500, "kill_every_ms": 0,
    "fault_ms_max": 400, "election_ms": 300, "leader_preference": 1.0, "pause_ms_max": 2_000,
}  # fmt: skip
"""Whoever copies is cut off, replaced, and there again while its successor copies."""

OLD_MAPS: Focus = SLOTS_MOVE | {
    "clients": 7, "readers": 3, "slow_link_every_ms": 400, "slow_link_ms_max": 300, "partition_every_ms": 0,
    "one_way_every_ms": 800, "kill_every_ms": 0, "fault_ms_max": 1_000, "think_ms_max": 30,
}  # fmt: skip
"""Eager clients of nodes that hear late of where the slots are."""

MEMBERS_MOVE: Focus = SLOTS_MOVE | {"move_every_ms": 600, "join_every_ms": 1_500, "fate_rate": 0.5}
"""Nodes that come and go, while leaders fall."""

OVER_GROUPS: Focus = {
    "nodes": 3, "ops": 250, "workloads": "append,bank,across", "keys_per_kind": 3, "spread_rate": 1.0, "second_rate": 1.0,
    "second_shards": 3, "second_replicas": 3, "rest_rate": 0.0, "think_ms_max": 60, "safety_ms_max": 40_000,
    "settle_ms": 2_000, "kill_every_ms": 1_500, "partition_every_ms": 2_000, "fault_ms_max": 1_000, "election_ms": 300,
    "move_every_ms": 0, "bit_rot_every_ms": 0, "misdirect_every_ms": 0, "sync_failure_every_ms": 0, "core_rate": 0.0,
    "leader_preference": 0.6, "clients": 6, "readers": 1,
}  # fmt: skip
"""Transactions over three groups, while whoever coordinates, decides or takes part falls."""

ON_REGISTERS: Focus = {
    "nodes": 3, "ops": 250, "workloads": "register,counter,tokens", "keys_per_kind": 1, "register_rate": 1.0,
    "register_replicas": 3, "register_shards": 1, "rest_rate": 0.0, "think_ms_max": 60, "safety_ms_max": 40_000,
    "settle_ms": 2_000, "kill_every_ms": 1_500, "partition_every_ms": 2_000, "fault_ms_max": 1_000, "move_every_ms": 0,
    "join_every_ms": 0, "bit_rot_every_ms": 0, "misdirect_every_ms": 0, "sync_failure_every_ms": 0, "wipe_every_ms": 0,
    "core_rate": 0.0, "weight_keyspaces": 0, "second_rate": 0.0, "clients": 6, "readers": 1,
}  # fmt: skip
"""A keyspace of mode ``paxos``, while nodes fall."""

COPIES_ON_REGISTERS: Focus = ON_REGISTERS | {
    "link_break_every_ms": 150, "net_us_min": 500, "net_us_max": 20_000, "kill_every_ms": 0, "think_ms_max": 20,
    "workloads": "counter,tokens", "partition_every_ms": 0, "readers": 0,
}  # fmt: skip
"""Links break under operations on their way to another member."""

BLACKOUTS_ON_REGISTERS: Focus = ON_REGISTERS | {
    "kill_all_every_ms": 600, "power_loss_rate": 1.0, "kill_every_ms": 0, "partition_every_ms": 0,
    "sync_us_min": 20_000, "sync_us_max": 100_000, "net_us_min": 50, "net_us_max": 500, "fault_ms_max": 300,
    "ambush_rate": 1.0, "think_ms_max": 20, "workloads": "counter,tokens",
}  # fmt: skip
"""All nodes lose their power at once, with slow disks."""

ROT_ON_REGISTERS: Focus = ON_REGISTERS | {
    "bit_rot_every_ms": 600, "rot_snapshot_rate": 0.3, "kill_every_ms": 0, "partition_every_ms": 0, "fault_ms_max": 500,
}  # fmt: skip
"""One member's log rots again and again."""

MEMBERS_OF_REGISTERS: Focus = ON_REGISTERS | {
    "nodes": 5, "move_every_ms": 250, "keys_per_kind": 3, "kill_every_ms": 1_500, "partition_every_ms": 700, "workloads": "register,tokens,set",
    "think_ms_max": 300, "plans": True, "weight_unique": 4, "fault_ms_max": 1_500,
}  # fmt: skip
"""Members of the group come and go."""

MOVES_OF_REGISTERS: Focus = ON_REGISTERS | {
    "move_every_ms": 150, "register_shards": 2, "keys_per_kind": 2, "workloads": "register,counter,tokens",
    "think_ms_max": 20, "kill_every_ms": 2_500, "seal_lag_keys": 4, "plans": False, "clients": 8,
}  # fmt: skip
"""Slots go from group to group all the time."""

DEADLINES_ON_REGISTERS: Focus = ON_REGISTERS | {
    "workloads": "expiry", "wall_offset_ms_max": 800, "drift_ppm_max": 0, "clock_jump_every_ms": 0, "think_ms_max": 30,
    "kill_every_ms": 0, "partition_every_ms": 0, "readers": 2, "ops": 400,
}  # fmt: skip
"""Deadlines, and nodes whose clocks do not agree."""

PARTS_LATE: Focus = OVER_GROUPS | NO_FAULTS | {
    "ops": 400, "workloads": "bank", "keys_per_kind": 2, "clients": 8, "readers": 4, "think_ms_max": 20,
    "wall_offset_ms_max": 0, "drift_ppm_max": 0, "net_slow_rate": 0.1, "net_slow_us_max": 150_000,
}  # fmt: skip
"""Eager readers of several groups, some of whose messages are late; else nothing happens."""

COPIES: Focus = {
    "nodes": 3, "ops": 250, "workloads": "copies", "keys_per_kind": 2, "eventual_replicas": 3, "eventual_shards": 1,
    "rest_rate": 0.0, "think_ms_max": 60, "safety_ms_max": 40_000, "settle_ms": 2_000, "kill_every_ms": 1_500,
    "partition_every_ms": 2_000, "fault_ms_max": 1_000, "move_every_ms": 0, "join_every_ms": 0, "plans": False,
    "bit_rot_every_ms": 0, "misdirect_every_ms": 0, "sync_failure_every_ms": 0, "wipe_every_ms": 0, "core_rate": 0.0,
    "weight_keyspaces": 0, "second_rate": 0.0, "clients": 6, "readers": 0, "clock_jump_every_ms": 0,
    "drop_rate": 0.02, "reorder_rate": 0.1,
}  # fmt: skip
"""A keyspace of mode ``eventual``, while nodes fall and links break."""

EMPTIED_COPIES: Focus = COPIES | {"emptying_rate": 0.06, "emptied_per_turn_max": 1}
"""The same, and somebody empties it now and then."""

BLACKOUTS_ON_COPIES: Focus = COPIES | {
    "kill_all_every_ms": 600, "power_loss_rate": 1.0, "kill_every_ms": 0, "partition_every_ms": 0,
    "sync_us_min": 20_000, "sync_us_max": 100_000, "fault_ms_max": 300, "ambush_rate": 1.0, "think_ms_max": 20,
}  # fmt: skip
"""All nodes lose their power at once, with slow disks."""

CARRIED_TO_COPIES: Focus = COPIES | {
    "eventual_replicas": 1, "duplicate_rate": 0.3, "duplicate_late_ms_max": 500, "kill_every_ms": 0,
}  # fmt: skip
"""Two of three nodes hold nothing, and what they say comes twice."""

MEMBERS_OF_COPIES: Focus = COPIES | {
    "nodes": 5, "move_every_ms": 200, "partition_every_ms": 700, "kill_every_ms": 0, "think_ms_max": 100,
    "eventual_replicas": 2, "fault_ms_max": 2_000, "plans": True, "grace_ms": 300_000,
}  # fmt: skip
"""Members come and go while the network splits."""

WANDERING_COPY: Focus = MEMBERS_OF_COPIES | {
    "ops": 1_200, "eventual_replicas": 1, "partition_every_ms": 0, "shape_every_ms": 300, "fault_ms_max": 700,
    "think_ms_max": 60,
}  # fmt: skip
"""One copy, or a few more for a while, on its way from node to node; only some links break."""

WIPED: Focus = {
    "ops": 150, "workloads": "append,register", "wipe_every_ms": 2_500, "power_every_ms": 3_000, "core_rate": 0.0,
}  # fmt: skip
"""Machines come back with an empty disk and their old configuration."""

PRIMARIES: Focus = {
    "nodes": 3, "ops": 400, "workloads": "primary,bank,append", "primary_rate": 1.0, "primary_shards": 3,
    "second_rate": 0.0, "rest_rate": 0.0, "think_ms_max": 40, "clients": 6, "readers": 0,
    "partition_every_ms": 4_000, "fault_ms_max": 9_000, "kill_every_ms": 6_000, "safety_ms_max": 40_000,
    "settle_ms": 6_000, "join_every_ms": 0, "kill_all_every_ms": 0, "wipe_every_ms": 0, "bit_rot_every_ms": 0,
    "misdirect_every_ms": 0, "sync_failure_every_ms": 0, "weight_keyspaces": 0, "core_rate": 0.0,
}  # fmt: skip
"""Three groups of mode ``primary``, whose primaries die and are cut off for longer than it takes to replace them."""

SESSIONS: Focus = COPIES | {
    "workloads": "sessions", "partition_every_ms": 700, "kill_every_ms": 4_000, "pipeline_max": 1, "think_ms_max": 40,
}  # fmt: skip
"""Sessions that hop between nodes while links break."""

SESSIONS_AROUND: Focus = SESSIONS | {
    "partition_every_ms": 0, "shape_every_ms": 600, "kill_every_ms": 0, "clients": 8, "think_ms_max": 20,
}  # fmt: skip
"""What one node does not hear of another it hears of a third."""

SESSIONS_CARRIED: Focus = SESSIONS | {"nodes": 5, "eventual_replicas": 2}
"""Three of five nodes hold nothing."""

SESSIONS_IN_BLACKOUTS: Focus = BLACKOUTS_ON_COPIES | {"workloads": "sessions", "pipeline_max": 1}
"""All nodes lose their power at once, with slow disks."""

ROTTING_COPIES: Focus = SESSIONS | {
    "bit_rot_every_ms": 600, "kill_every_ms": 1_000, "partition_every_ms": 500, "eventual_write_quorum": 2,
    "rot_snapshot_rate": 0.0,
}  # fmt: skip
"""The log of one node rots again and again, and a write is to be on two disks."""

QUORUMS_OF_COPIES: Focus = SESSIONS_AROUND | {"eventual_write_quorum": 2, "eventual_read_quorum": 2}
"""Reads and writes of two of three."""
