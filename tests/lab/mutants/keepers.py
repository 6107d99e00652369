"""Beyond the fault matrix: who leads groups, and who is put in whose place (G1, G2)."""

from mutants.focuses import PRIMARIES
from mutants.model import Mutant, edit

KEEPERS = [
    Mutant(
        "G1", "a primary gives its backups what it may forget in a crash",
        edit(
            "core/raft/leader.py",
            "    return s.saves.stable if s.membership.lineage else s.log.last_index\n",
            "    return s.log.last_index\n",
        ),
        25, "invariants", PRIMARIES, soak=True,
    ),
    Mutant(
        "G2", "a leader that most nodes can't reach goes on leading for the one that can",
        edit(
            "core/steward/yielding.py",
            "        if desk.now_ms - self._since_ms < PATIENCE_MS:\n",
            "        if desk.now_ms - self._since_ms < PATIENCE_MS * 1_000_000:\n",
        ),
        1, "progress", {}, liveness=True, scene="pendant",
    ),
]  # fmt: skip
