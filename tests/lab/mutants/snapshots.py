"""Section 4 of the fault matrix: snapshots, and membership once it can change (M1 to M8)."""

from mutants.focuses import LAGGARDS, LONG_TAILS
from mutants.model import Absent, Mutant, edit

SNAPSHOTS = [
    Mutant(
        "M3", "entries that an installed snapshot holds are applied again",
        edit("core/raft/follower.py", "        s.commit_to(index)\n        s.handed = index\n",
             "        s.commit_to(index)\n"),
        1, "crash: an assertion of the core", LAGGARDS,
    ),
    Mutant(
        "M4", "after a snapshot the log keeps entries that contradict it",
        edit(
            "core/raft/follower.py",
            "        reset = log.term_at(index) != term\n",
            "        reset = log.last_index < index\n",
        ),
        2, "progress", LONG_TAILS, liveness=True, scene="overtaken-tail",
    ),
]  # fmt: skip

_FIXED = "the voters of a group are fixed: no configuration changes yet"

SNAPSHOTS_ABSENT = [
    Absent("M1", "a change of members without a commit in the leader's term", _FIXED),
    Absent("M2", "joint consensus stalls", _FIXED),
    Absent("M5", "a snapshot holds a configuration that is not committed, or lacks the newest", _FIXED),
    Absent("M6", "a restart reads another configuration than the newest in the log", _FIXED),
    Absent("M7", "a change of members during a partition loses writes", _FIXED),
    Absent("M8", "concurrent changes leave a joint configuration", _FIXED),
]
