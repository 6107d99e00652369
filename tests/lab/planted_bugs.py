"""Bugs of other systems, planted into a copy of our own code: the lab must notice each of them.

One row per bug: the row of the fault matrix it stands for, the edits that bring it back, the
circumstances that it needs, and the first seed at which a judge spoke. There the test begins to look; it
goes on from there, since any change of the code moves the seeds.
"""

from typing import NamedTuple


class Edit(NamedTuple):
    """``old`` must stand in ``file`` exactly once."""

    file: str
    old: str
    new: str


Focus = dict[str, int | float]


class Planted(NamedTuple):
    row: str
    what: str
    edits: list[Edit]
    first_seed: int
    judge: str
    """Who spoke at ``first_seed``: for readers, not for the test."""
    focus: Focus
    """Options that replace drawn ones, to make the bug's circumstances common."""


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
    "fault_ms_max": 300,
    "commit_fate_rate": 0.0,
}  # fmt: skip
"""Very slow disks, and power cuts right after elections."""

UNSYNCED_LEADERS: Focus = {
    "nodes": 3, "ops": 150, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 100, "net_us_max": 2_000, "sync_us_max": 60_000,
    "kill_every_ms": 0, "power_every_ms": 700, "partition_every_ms": 1_500, "one_way_every_ms": 800,
    "disk_stall_every_ms": 1_000, "disk_slow_every_ms": 1_000, "power_loss_rate": 1.0,
    "leader_preference": 0.8, "fate_rate": 0.0, "fault_ms_max": 900,
    "commit_fate_rate": 0.0,
}  # fmt: skip
"""Fast links, slow disks, and power cuts of leaders."""

ROTTING_LOGS: Focus = {
    "nodes": 3, "ops": 150, "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 2_000,
    "rest_rate": 0.0, "think_ms_max": 100, "net_us_min": 100, "net_us_max": 2_000, "sync_us_max": 2_000,
    "kill_every_ms": 2_000, "power_every_ms": 0, "partition_every_ms": 700, "bit_rot_every_ms": 800,
    "snapshot_log_bytes": 20_000, "leader_preference": 0.8, "fate_rate": 0.3, "fate_ms_max": 60,
    "fault_ms_max": 500,
    "commit_fate_rate": 0.0,
}  # fmt: skip
"""One node's log rots again and again, while others lag behind walls."""

NEW_LEADERS_READ: Focus = {
    "nodes": 3, "ops": 200, "clients": 7, "readers": 4, "keys_per_kind": 1, "weight_registers": 5,
    "safety_ms_max": 40_000, "election_ms": 300, "append_bytes_max": 1, "rest_rate": 0.0, "think_ms_max": 30,
    "net_us_min": 100, "net_us_max": 10_000, "sync_us_max": 10_000,
    "kill_every_ms": 1_000, "power_every_ms": 0, "partition_every_ms": 2_500, "leader_preference": 0.9, "fate_rate": 0.5, "fate_ms_max": 150,
    "fault_ms_max": 500,
    "commit_fate_rate": 0.0,
}  # fmt: skip
"""Leaders that fall under eager readers of one key."""

OLD_LEADERS_READ: Focus = NEW_LEADERS_READ | {
    "ops": 400, "election_ms": 1_000, "think_ms_max": 50, "net_us_max": 2_000, "sync_us_max": 1_000,
    "kill_every_ms": 0, "fate_rate": 0.0, "fault_ms_max": 3_000,
}  # fmt: skip
"""Leaders behind walls, still asked by eager readers."""

ACKNOWLEDGE = "s.send_after_save(sender, AppendReply(s.term, True, accepted"
VOTE_IS_FREE = "free = s.vote == sender or (s.vote == 0 and s.leader == 0)"
NEXT_IN_SESSION = (
    "if batch.incarnation != session.incarnation or batch.sequence {} session.last_sequence + 1:"
)
PROVEN = "missing_to,\n            self._hard.suspect or last_unknown_frame > self.last_frame,"

PLANTED = [
    Planted(
        "R1", "a leader commits entries of an older term by counting replicas",
        [
            Edit(
                "core/raft/leader.py",
                "if index > s.commit and s.log.term_at(index) == s.term:",
                "if index > s.commit:",
            )
        ],
        2, "invariants: leader completeness", FALLING_LEADERS,
    ),
    Planted(
        "R2", "the commit index goes back on a lower value",
        [Edit("core/raft/state.py", "if index <= self.commit:", "if index == self.commit:")],
        1, "crash: an assertion of the core", AS_DRAWN,
    ),
    Planted(
        "R5", "an old AppendEntries erases later entries",
        [Edit("core/raft/follower.py", "if log.term_at(index) != entry.term:", "if known == 0:")],
        2, "crash: an assertion of the core", AS_DRAWN,
    ),
    Planted(
        "R6", "a second vote in one term",
        [Edit("core/raft/election.py", VOTE_IS_FREE, "free = True")],
        5, "invariants: election safety", FALLING_LEADERS | {"nodes": 5},
    ),
    Planted(
        "R7", "a vote leaves before it is durable",
        [
            Edit(
                "core/raft/election.py",
                "s.send_after_save(sender, RequestVoteReply(s.term, True))",
                "s.send(sender, RequestVoteReply(s.term, True))",
            )
        ],
        14, "invariants: election safety", FORGETFUL_VOTERS,
    ),
    Planted(
        "R8", "entries are acknowledged before they are synced",
        [Edit("core/raft/follower.py", ACKNOWLEDGE, ACKNOWLEDGE.replace("send_after_save", "send"))],
        6, "invariants: leader completeness", UNSYNCED_LEADERS,
    ),
    Planted(
        "R8", "a leader counts itself before its own sync",
        [
            Edit(
                "core/raft/leader.py",
                "reached = {s.node: s.saves.stable}",
                "reached = {s.node: s.log.last_index}",
            )
        ],
        2, "invariants: leader completeness", UNSYNCED_LEADERS,
    ),
    Planted(
        "R10", "a torn frame at the end of the log is taken for a whole one",
        [Edit("core/wal/frame.py", "return crc == head.crc", "return crc >= 0")],
        7, "invariants: log matching", AS_DRAWN,
    ),
    Planted(
        "R11", "corruption in the middle of the log is taken for its torn end",
        [Edit("core/wal/replay.py", PROVEN, "0,\n            False,")],
        6, "invariants: leader completeness", ROTTING_LOGS,
    ),
    Planted(
        "L1", "a new leader confirms reads before it has committed in its own term",
        [
            Edit(
                "core/raft/leader.py",
                "asks = s.commit >= leading.noop_index and reads.start_round(s.commit)",
                "asks = reads.start_round(s.commit)",
            ),
            # The group waits for that too, for the sake of deadlines (its rule L2).
            Edit(
                "core/group/raft_group.py",
                "return not self._behind and self.raft.term_at(self.machine.applied_index) == self.raft.term",
                "return True",
            ),
        ],
        7, "linearizability", NEW_LEADERS_READ,
    ),
    Planted(
        "L2", "a leader answers reads without asking whether it still leads",
        [
            Edit("core/raft/leader.py", "reached[peer] = progress.read_seq", "reached[peer] = reads.seq"),
            Edit("core/raft/leader.py", "if asks and not leading.progress:", "if asks:"),
        ],
        50, "linearizability", OLD_LEADERS_READ,
    ),
    Planted(
        "C1", "a batch that arrives twice is applied twice",
        [Edit("core/machine/sessions.py", NEXT_IN_SESSION.format("!="), NEXT_IN_SESSION.format(">"))],
        5, "linearizability", AS_DRAWN,
    ),
    Planted(
        "C4", "members are popped by each replica's own chance",
        [Edit("core/machine/machine.py", "context.prng = Prng(body.seed)", "context.prng = Prng(id(body))")],
        8, "invariants: replicas", AS_DRAWN | {"weight_collections": 4},
    ),
]  # fmt: skip
