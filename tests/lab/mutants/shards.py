"""Section 5 of the fault matrix: slots on the move (H1 to H6); and changes of members in whole nodes (M7, M8)."""

from mutants.focuses import MEMBERS_MOVE, SLOTS_MOVE
from mutants.model import Mutant, edit

SHARDS = [
    Mutant(
        "H1", "what an import in vain has left behind is there again after the next",
        edit("core/machine/importing.py", "    if ownership.garbage_count():\n        return [PURGE]\n", ""),
        1, "", SLOTS_MOVE,
    ),
    Mutant(
        "H2", "slots are handed over when they are sealed, before all of them are there",
        edit("core/steward/mover.py", "        elif walk.is_complete:\n", "        else:\n"),
        1, "", SLOTS_MOVE,
    ),
    Mutant(
        "H3", "a replica that comes back begins with the membership of the founders, however old",
        edit(
            "core/node/residents.py",
            "founding_membership(cluster, row.id, self._node if row.membership == 0 else 0)",
            "founding_membership(cluster, row.id, self._node)",
        ),
        1, "", MEMBERS_MOVE,
    ),
    Mutant(
        "H4", "a move that is handed over can be given up, and the source has its slots again",
        edit(
            "core/cluster/change_moves.py",
            "    state.advance()\n    del state.moves[row.id]\n    return OK\n\n\ndef _done",
            "    state.advance()\n    del state.moves[row.id]\n    source = state.groups[row.source]\n"
            "    source.ranges = union(source.ranges, row.ranges)\n    state.settle_slots(source.keyspace)\n"
            "    return OK\n\n\ndef _done",
        ),
        1, "", SLOTS_MOVE, gap="not tried",
    ),
    Mutant(
        "H5", "a mover that was replaced may hand over what another copies: two have their own idea of it",
        edit("core/cluster/change_moves.py", "    if generation != row.generation:\n", "    if False:\n"),
        1, "", SLOTS_MOVE,
    ),
    Mutant(
        "H6", "whoever reads by an old map is answered by the old owner",
        edit(
            "core/machine/machine.py",
            "        checks = epoch < self.ownership.checks_below\n        rows = _NO_ROWS if checks else ROWS\n",
            "        checks = False\n        rows = ROWS\n",
        ),
        1, "", SLOTS_MOVE,
    ),
    Mutant(
        "M7", "members are exchanged in one step, without the consent of those who go",
        edit(
            "core/raft/change.py",
            "        return \"the leader has not committed an entry of its term yet\"\n",
            "        pass\n",
        ),
        1, "", MEMBERS_MOVE,
    ),
    Mutant(
        "M8", "a change that is half done is not ended",
        edit("core/raft/change.py", "    if not leading.transfer_to and not s.full:\n        _append", "    if s.full:\n        _append"),
        1, "", MEMBERS_MOVE, liveness=True,
    ),
]  # fmt: skip
