"""Section 3 of the fault matrix: reads, deadlines, deposed leaders (L1 to L8)."""

from mutants.focuses import DEADLINES, LOCKS, NEW_LEADERS_READ, OLD_LEADERS_READ, PAUSED_READERS
from mutants.model import Absent, Edit, Mutant, edit

KNOWS = "return not self._behind and self.raft.term_at(self.machine.applied_index) == self.raft.term"
TIME_ENTRY = """\
                self._time_entry = self._proposer.propose_entry([], wall_ms)
                return self._time_entry != 0 or self.wal.full
"""
OWN_CLOCK = """\
                self.machine.now_ms = max(wall_ms, self.machine.now_ms)
                self.machine.databases.set_now(self.machine.now_ms)
                return True
"""

DRAIN = "    s.out.reads_dropped.extend(s.follower_reads.drain())\n\n\ndef become_pre"

READS = [
    Mutant(
        "L1", "a new leader confirms reads before it has committed in its own term",
        [
            Edit(
                "core/raft/leader.py",
                "asks = s.commit >= leading.noop_index and reads.start_round(s.commit)",
                "asks = reads.start_round(s.commit)",
            ),
            Edit("core/group/raft_group.py", KNOWS, "return True"),
        ],
        22, "linearizability", NEW_LEADERS_READ,
    ),
    Mutant(
        "L2", "a leader answers reads without asking whether it still leads",
        [
            Edit("core/raft/leader.py", "reached[progress.peer] = progress.read_seq", "reached[progress.peer] = reads.seq"),
            Edit("core/raft/leader.py", "if asks and not leading.voting:", "if asks:"),
        ],
        62, "set", OLD_LEADERS_READ,
    ),
    Mutant(
        "L4", "a late answer to an earlier read request, as after a pause, answers a later one",
        edit(
            "core/raft/reads.py",
            "        asked = self._asked.pop(seq, None)\n        if asked is None:",
            "        asked = self._asked.pop(next(iter(self._asked), seq), None)\n        if asked is None:",
        ),
        1, "linearizability", PAUSED_READERS, soak=True,
    ),
    Mutant(
        "L5", "reads under way are forgotten when the leader changes",
        [
            Edit("core/raft/roles.py", DRAIN, "    s.follower_reads.drain()\n\n\ndef become_pre"),
            Edit("core/raft/raft.py", "s.out.reads_dropped.extend(s.follower_reads.drain())", "s.follower_reads.drain()"),
        ],
        1, "progress", {"readers": 4, "think_ms_max": 1, "net_us_min": 2_000, "net_us_max": 4_000},
        liveness=True, scene="leader-dies",
    ),
    Mutant(
        "L6", "a leader, perhaps a deposed one, lets keys expire by its own clock",
        edit("core/group/raft_group.py", TIME_ENTRY, OWN_CLOCK),
        1, "invariants: replicas differ", DEADLINES,
    ),
    Mutant(
        "L7", "the resource behind a lock does not look at fencing tokens",
        edit("lab/workloads/lock.py", "accepted = token >= self.highest", "accepted = True"),
        2, "lock", LOCKS,
    ),
    Mutant(
        "L7", "a lock that exists is granted again",
        edit("core/command/strings.py", "(options.only_missing and found)", "(options.only_missing and found is None)"),
        5, "lock", LOCKS,
    ),
]  # fmt: skip

READS_ABSENT = [
    Absent("L3", "a lease is held too long", "there are no leases: every read asks a quorum"),
    Absent(
        "L8",
        "a change stream loses or invents notifications",
        "keyspace events are at most once; streams are values like others",
    ),
]
