"""Section 4 of the fault matrix: snapshots and membership (M1 to M8)."""

from mutants.focuses import LAGGARDS, LONG_TAILS
from mutants.model import Absent, Edit, Mutant, edit

CHANGE = "core/raft/change.py"

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
    Mutant(
        "M1", "a leader changes the voters in one step, and before it has committed anything in its term",
        [
            Edit(CHANGE, "    if s.commit < leading.noop_index:\n        # Two", "    if False:\n        # Two"),
            Edit(CHANGE, "to = Membership(to.voters, now.voters, to.learners, to.lineage)", "to = to"),
        ],
        1, "raft", {}, scene="raft:runs",
    ),
    Mutant(
        "M2", "the former leader, whose vote and log are needed, does not campaign",
        edit("core/raft/state.py", "return memberships.index > self.commit and", "return False and"),
        1, "raft", {}, scene="raft:change/outgoing_leader_is_needed",
    ),
    Mutant(
        "M2", "a leader that inherits a joint membership does not leave it",
        edit(CHANGE, "    if s.commit < s.memberships.index or s.commit < leading.noop_index:",
             "    if s.log.term_at(s.memberships.index) != s.term:"),
        1, "raft", {}, scene="raft:change/next_leader_goes_on",
    ),
    Mutant(
        "M4", "who installs a snapshot keeps the membership that it believed in",
        edit("core/raft/follower.py", "s.memberships.restart(index, membership)",
             "s.memberships.restart(index, s.membership)"),
        1, "raft", {}, scene="raft:change/snapshot",
    ),
    Mutant(
        "M5", "a snapshot holds the newest membership, which may never be committed",
        edit("core/raft/raft.py", "return self._s.memberships.at(index)", "return self._s.membership"),
        1, "raft", {}, scene="raft:change/snapshot_at_its_index",
    ),
    Mutant(
        "M6", "a restart goes by the committed membership, not by the newest in the log",
        edit("core/raft/raft.py", "Memberships(snapshot_index, membership, entries)",
             "Memberships(snapshot_index, membership, entries[: max(0, hard.commit - snapshot_index)])"),
        1, "raft", {}, scene="raft:change/snapshot_at_its_index",
    ),
    Mutant(
        "M7", "during a change the new voters commit alone",
        edit("core/quorum/electorate.py", "value = min(value, agreed(self.outgoing, reached))", "pass"),
        1, "raft", {}, scene="raft:runs",
    ),
    Mutant(
        "M7", "during a change the new voters elect alone",
        edit("core/quorum/electorate.py", "        if not self.outgoing:\n            return outcome\n",
             "        if True:\n            return outcome\n"),
        1, "raft", {}, scene="raft:change/both_elect",
    ),
    Mutant(
        "M8", "a second change begins while the first is under way",
        edit(CHANGE, "    if s.is_changing():\n", "    if False:\n"),
        1, "raft", {}, scene="raft:runs",
    ),
    Mutant(
        "M8", "a change begins although whom it needs has forgotten something, and does not vote",
        edit(CHANGE, "progress.vouches and _takes_part(s, progress)\n    return 2", "_takes_part(s, progress)\n    return 2"),
        1, "raft", {}, scene="raft:change/forgetful",
    ),
    Mutant(
        "M8", "nobody leaves a joint membership",
        edit(CHANGE, "    if not leading.transfer_to and not s.full:\n", "    if False:\n"),
        1, "raft", {}, scene="raft:runs",
    ),
]  # fmt: skip

SNAPSHOTS_ABSENT: list[Absent] = []
