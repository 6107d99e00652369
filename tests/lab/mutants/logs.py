"""Section 1 of the fault matrix: logs, terms, what is on the disk (R1 to R17)."""

from mutants.focuses import (
    AS_DRAWN,
    BLACKOUTS,
    FALLING_LEADERS,
    FORGETFUL_VOTERS,
    FULL_DISKS,
    LAGGARDS,
    LATE_REPLIES,
    ROTTING_LOGS,
    SNAPSHOTS_AND_KILLS,
    UNSYNCED_LEADERS,
)
from mutants.model import Edit, Mutant, edit

ACKNOWLEDGE = "s.send_after_save(sender, AppendReply(s.term, True, accepted"
VOTE_IS_FREE = "free = s.vote == sender or (s.vote == 0 and s.leader == 0)"
VOTE = "(sender, RequestVoteReply(s.term, True))"
PROVEN = "missing_to,\n            suspect or last_unknown_frame > self.last_frame,"
OVERTAKEN = """\
        for save in self._outstanding:
            if save.last_index > last_kept:
                save.last_index = last_kept

    def restarted"""
FATAL = """\
        self._token = 0
        self.failed = text or f"the log could not be written or synced ({fault.name.lower()})"
"""
SYNC_AGAIN = """\
        segment = self._pool.current
        assert segment is not None
        self._token = self._tokens.next()
        self._again = DiskJob(self._token, Channel.LOG, [Sync(segment_file(segment.number))])
"""
FLUSH = """\
        if self.failed:
            return jobs
"""
FLUSH_AGAIN = """\
        again = getattr(self, "_again", None)
        if again is not None:
            self._again = None
            jobs.append(again)
"""
INSTALLED = """\
        self.outbox.catch_up(installed.sessions)  # replies of batches that the state contains (Rule S2)
        self._applier.last_write = installed.applied_index
"""
GIVEN_UP = """\
            self.notes.append(f"a snapshot was given up, the log stays longer instead: {why}")
            self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            self._give_up_taking(taking)
"""
HINDERED = "hindered = s.full or s.no_snapshots or s.saves.waiting_ticks >= s.config.disk_patience_ticks"
DRAFTED = "        if value is not None and key not in draft.encoded:"
RECORDED = "        self._records.append((self._wal.append(record), file))\n"
RECORDED_EARLY = """\
        if self._newest is not None:
            self._obsolete.append(self._newest)
        self._newest = file
        self._remove_obsolete()
"""

LOGS = [
    Mutant(
        "R1", "a leader commits entries of an older term by counting replicas",
        edit(
            "core/raft/leader.py",
            "if index > s.commit and s.log.term_at(index) == s.term:",
            "if index > s.commit:",
        ),
        5, "invariants: leader completeness", FALLING_LEADERS,
    ),
    Mutant(
        "R2", "the commit index goes back on a lower value",
        edit("core/raft/state.py", "if index <= self.commit:", "if index == self.commit:"),
        2, "crash: an assertion of the core", AS_DRAWN,
    ),
    Mutant(
        "R3", "a heartbeat's commit index marks entries that were never compared with the leader's",
        [
            Edit(
                "core/raft/follower.py",
                "    s.commit_to(min(message.commit, s.matched))\n    if message.quiet:",
                "    s.commit_to(min(message.commit, s.log.last_index))\n    if message.quiet:",
            )
        ],
        1, "invariants: commits another entry", FALLING_LEADERS,
    ),
    Mutant(
        "R3", "what a follower has compared with one leader's log counts for the next leader's",
        edit(
            "core/raft/roles.py",
            "        s.vote = 0\n        s.saves.hard_changed()\n        s.matched = s.commit\n",
            "        s.vote = 0\n        s.saves.hard_changed()\n",
        ),
        42, "invariants: commits another entry", FALLING_LEADERS | {"nodes": 5, "drop_rate": 0.15, "reorder_rate": 0.5, "net_slow_rate": 0.1},
        soak=True,
    ),
    Mutant(
        "R4", "the next index falls to the match index on a late refusal",
        edit(
            "core/raft/progress.py",
            "self.next = max(next_index, self.match + 1)",
            "self.next = max(next_index, 1)",
        ),
        1, "crash: an assertion of the core", LATE_REPLIES,
    ),
    Mutant(
        "R4", "the match index falls on a late acknowledgement",
        edit(
            "core/raft/progress.py",
            "        if news:\n            self.match = index\n",
            "        self.match = index\n",
        ),
        1, "invariants: match index", {"reorder_rate": 0.5, "duplicate_rate": 0.3, "duplicate_late_ms_max": 20, "net_us_max": 3_000},
        scene="late-acknowledgements",
    ),
    Mutant(
        "R5", "an old AppendEntries erases later entries",
        edit("core/raft/follower.py", "if log.term_at(index) != entry.term:", "if known == 0:"),
        10, "crash: an assertion of the core", AS_DRAWN,
    ),
    Mutant(
        "R6", "a second vote in one term",
        edit("core/raft/election.py", VOTE_IS_FREE, "free = True"),
        5, "invariants: election safety", FALLING_LEADERS | {"nodes": 5},
    ),
    Mutant(
        "R7", "a vote leaves before it is durable",
        edit("core/raft/election.py", "s.send_after_save" + VOTE, "s.send" + VOTE),
        9, "invariants: log matching", FORGETFUL_VOTERS,
    ),
    Mutant(
        "R8", "entries are acknowledged before they are synced",
        edit("core/raft/follower.py", ACKNOWLEDGE, ACKNOWLEDGE.replace("send_after_save", "send")),
        3, "invariants: leader completeness",
        {"readers": 0, "sync_us_min": 20_000, "sync_us_max": 90_000}, scene="darkness",
    ),
    Mutant(
        "R8", "a leader counts itself before its own sync",
        edit(
            "core/raft/leader.py",
            "reached = {s.node: s.saves.stable}",
            "reached = {s.node: s.log.last_index}",
        ),
        1, "invariants: leader completeness", UNSYNCED_LEADERS,
    ),
    Mutant(
        "R9", "a failed sync is tried again, and the node goes on when that succeeds",
        [
            Edit("core/wal/wal.py", FATAL, SYNC_AGAIN),
            Edit("core/wal/wal.py", FLUSH, FLUSH + FLUSH_AGAIN),
        ],
        2, "invariants: leader completeness", {"think_ms_max": 300, "readers": 0}, scene="failed-sync",
    ),
    Mutant(
        "R10", "a torn frame at the end of the log is taken for a whole one",
        edit("core/wal/frame.py", "return crc == head.crc", "return crc >= 0"),
        12, "invariants: log matching", AS_DRAWN,
    ),
    Mutant(
        "R11", "corruption in the middle of the log is taken for its torn end",
        edit("core/wal/replay.py", PROVEN, "0,\n            False,"),
        22, "invariants: leader completeness", ROTTING_LOGS,
    ),
    Mutant(
        "R12", "no room for the next segment counts as a broken disk: the node stops",
        edit("core/wal/segment.py", "        if fault != DiskFault.FULL:\n", "        if fault:\n"),
        1, "crash", FULL_DISKS,
    ),
    Mutant(
        "R12", "a member without room acknowledges entries that it does not keep",
        edit(
            "core/raft/follower.py",
            "    durable = min(s.matched, s.saves.stable)\n    s.send_after_vote(sender, AppendReply(",
            "    durable = message.prev_index + len(message.entries)\n"
            "    s.send_after_vote(sender, AppendReply(",
        ),
        1, "invariants: leader completeness", FULL_DISKS,
    ),
    Mutant(
        "R12", "a snapshot goes on although a part of it found no room",
        edit("core/group/snapshots.py", GIVEN_UP, "            self.on_done(token, [])\n"),
        1, "crash", FULL_DISKS, liveness=True,
    ),
    Mutant(
        "R13", "a leader whose disk hangs goes on leading, and sends nothing that it has not saved itself",
        [
            Edit("core/raft/leader.py", HINDERED, "hindered = s.full"),
            Edit("core/raft/leader.py", "s.saves.stable if s.membership.lineage else s.log.last_index", "s.saves.stable"),
        ],
        1, "progress", {}, liveness=True, scene="hanging-disk",
    ),
    Mutant(
        "R14", "a sync that ends late acknowledges entries that were overwritten meanwhile",
        edit("core/raft/saves.py", OVERTAKEN, "\n    def restarted"),
        1, "crash: an assertion of the core", {"clients": 8}, scene="overtaken-disk",
    ),
    Mutant(
        "R15", "a snapshot holds changes that came after its applied index",
        edit("core/machine/snapshot.py", DRAFTED, "        if False:"),
        2, "invariants: replicas differ", SNAPSHOTS_AND_KILLS,
    ),
    Mutant(
        "R16", "the old snapshot is removed before the log names the new one",
        edit("core/group/snapshots.py", RECORDED, RECORDED_EARLY + RECORDED),
        8, "progress", BLACKOUTS, liveness=True, scene="blackout",
    ),
    Mutant(
        "R16", "the log is cut beyond what the snapshot holds",
        edit("core/wal/ledger.py", "state.snapshot.index + 1", "state.snapshot.index + 9"),
        1, "liveness", SNAPSHOTS_AND_KILLS, liveness=True,
    ),
    Mutant(
        "R17", "batches that came with a snapshot are sent again for ever",
        edit("core/group/raft_group.py", INSTALLED, "        pass\n"),
        3, "crash: an assertion of the core", LAGGARDS, liveness=True,
    ),
]  # fmt: skip
