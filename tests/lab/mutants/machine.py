"""Section 7 of the fault matrix: clients, the machine, what a store like Redis persists (C1 to C9).

Beyond the matrix: scripts that run long (S1 to S4).
"""

from mutants.focuses import (
    AS_DRAWN,
    LAGGARDS,
    LONG_SCRIPTS,
    LONG_SCRIPTS_AND_SNAPSHOTS,
    RESTARTED_READERS,
    TRANSACTIONS,
)
from mutants.model import Absent, Mutant, edit

NEXT_IN_SESSION = "if batch.incarnation != session.incarnation or {}:"
HALF = """\
        half = len(calls) if self.now_ms % 4 else (len(calls) + 1) // 2
        return run_calls(context, calls[:half]) + [OK] * (len(calls) - half)
"""
SESSION_LOADED = "            session.last_sequence = state.last_sequence\n"

MACHINE = [
    Mutant(
        "C1", "a batch that arrives twice is applied twice",
        edit(
            "core/machine/sessions.py",
            NEXT_IN_SESSION.format("not _may_follow(batch, session.last_sequence)"),
            NEXT_IN_SESSION.format("batch.sequence > session.last_sequence + 1"),
        ),
        5, "queue", AS_DRAWN,
    ),
    Mutant(
        "C2", "a follower forwards its batches again in every turn",
        edit(
            "core/group/raft_group.py",
            "            resend, self._resend = self.outbox.again(), False\n",
            "            resend = self.outbox.again()\n",
        ),
        1, "budget", {}, liveness=True, scene="quiet",
    ),
    Mutant(
        "C3", "a node's session is numbered by its clock alone",
        edit("core/node/boot.py", "return max(before + 1, wall_ms)", "return wall_ms"),
        1, "progress", {}, liveness=True, scene="set-back-clock",
    ),
    Mutant(
        "C3", "sessions are not part of a snapshot",
        edit("core/machine/snapshot.py", SESSION_LOADED, "            continue\n" + SESSION_LOADED),
        1, "invariants: replicas differ", LAGGARDS, liveness=True,
    ),
    Mutant(
        "C4", "members are popped by each replica's own chance",
        edit("core/machine/machine.py", "context.prng = Prng(body.seed)", "context.prng = Prng(id(body))"),
        1, "invariants: replicas differ", AS_DRAWN | {"weight_collections": 4},
    ),
    Mutant(
        "C5", "sometimes only the first half of a MULTI block takes effect",
        edit(
            "core/machine/specials.py",
            "                return NULL_ARRAY\n        return run_calls(context, calls)\n",
            "                return NULL_ARRAY\n" + HALF,
        ),
        1, "linearizability", TRANSACTIONS,
    ),
    Mutant(
        "C7", "a leader that hands over counts what it refused as taken",
        edit(
            "core/group/proposing.py",
            "        if index == 0 and batches:\n",
            "        if index < 0 and batches:\n",
        ),
        1, "progress", {}, liveness=True, scene="failed-handover",
    ),
    Mutant(
        "C9", "a read runs before what was committed before it is applied here",
        edit("core/group/reads.py", "            if index <= applied:\n", "            if index:\n"),
        21, "linearizability", RESTARTED_READERS,
    ),
    Mutant(
        "S1", "a replica ends a script for its own clients, and not by the log",
        edit(
            "core/group/long_scripts.py",
            "            word = known\n",
            "            word = KILLED if self.killers else known\n",
        ),
        1, "invariants: replicas differ", LONG_SCRIPTS,
    ),
    Mutant(
        "S2", "a script that has written is killed",
        edit(
            "core/group/long_scripts.py",
            "        if self._kill and not self.paused.has_written:\n", "        if self._kill:\n",
        ) + edit(
            "core/group/long_scripts.py",
            "        elif self.paused.has_written:\n", "        elif self.paused.has_written and now_ms < 0:\n",
        ),
        1, "script", LONG_SCRIPTS,
    ),
    Mutant(
        "S3", "reads run while an entry is applied by half",
        edit(
            "core/group/raft_group.py",
            "        if self.reads.may_run() and self.scripts.paused is None:\n",
            "        if self.reads.may_run():\n",
        ),
        1, "script", LONG_SCRIPTS,
    ),
    Mutant(
        "S4", "a snapshot is begun while an entry is applied by half",
        edit(
            "core/group/snapshots.py",
            "        whole = machine.is_whole and machine.applied_index >= self.index\n",
            "        whole = machine.applied_index >= self.index\n",
        ),
        1, "invariants: replicas differ", LONG_SCRIPTS_AND_SNAPSHOTS,
    ),
]  # fmt: skip

MACHINE_ABSENT = [
    Absent("C6", "the last writes of a second are never synced", "every acknowledged write is synced"),
    Absent(
        "C8",
        "enabling access control makes replicas differ",
        "not planted: no workload changes users; a test does, while leaders die (`tests/core/node/`)",
    ),
]
