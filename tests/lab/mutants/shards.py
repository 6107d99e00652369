"""Section 5 of the fault matrix: slots on the move (H1 to H6); and changes of members in whole nodes (M7, M8)."""

from mutants.focuses import (
    MEMBERS_MOVE,
    MOVERS_FALL,
    MOVERS_RETURN,
    MOVES_GIVEN_UP,
    OLD_MAPS,
    SLOTS_MOVE,
    WIPED,
)
from mutants.model import Edit, Mutant, edit

SHARDS = [
    Mutant(
        "H1", "what an import in vain has left behind is there again after the next",
        edit("core/machine/importing.py", "    if ownership.garbage_count():\n        return [PURGE]\n", ""),
        5, "slots", MOVERS_FALL,
    ),
    Mutant(
        "H2", "slots are handed over when they are sealed, before all of them are there",
        [
            Edit(
                "core/steward/mover.py",
                "        if not self._send(row, walk, self._may_send(row, group, sealed)):\n",
                "        if not sealed and not self._send(row, walk, self._may_send(row, group, sealed)):\n",
            ),
            Edit(
                "core/steward/mover.py",
                "        elif walk.is_complete and not locks_left(group.machine, row.ranges):\n",
                "        else:\n",
            ),
        ],
        6, "durability", SLOTS_MOVE,
    ),
    Mutant(
        "H3", "a replica that comes back begins with the membership of the founders, however old",
        [
            Edit(
                "core/node/residents.py",
                "founding_membership(cluster, row.id, self._node if row.membership == 0 else 0)",
                "founding_membership(cluster, row.id, self._node)",
            ),
            Edit("core/node/replicas.py", "tombstone = self._wal.tombstone(group)", "tombstone = None"),
        ],
        3, "invariants", MEMBERS_MOVE,
    ),
    Mutant(
        "H4", "a move that was handed over can be given up, and the source has its slots again",
        edit(
            "core/cluster/change_moves.py",
            "    if row.phase != COPY:\n        return Error(f\"ERR move {row.id} has been handed over: it goes on\")\n"
            "    state.advance()\n    del state.moves[row.id]\n    return OK\n",
            "    state.advance()\n    del state.moves[row.id]\n    if row.phase == HANDED:\n"
            "        source, target = state.groups[row.source], state.groups[row.target_group]\n"
            "        source.ranges = union(source.ranges, row.ranges)\n"
            "        target.ranges = difference(target.ranges, row.ranges)\n"
            "        state.settle_slots(source.keyspace)\n    return OK\n",
        ),
        3, "slots", MOVES_GIVEN_UP,
    ),
    Mutant(
        "H5", "a mover that was replaced may hand over what another copies: two have their own idea of it",
        [
            Edit("core/cluster/change_moves.py", "    if generation != row.generation:\n", "    if False:\n"),
            Edit("core/machine/importing.py", "    if parse_number(args[3]) != one.generation:\n", "    if False:\n"),
        ],
        18, "slots", MOVERS_RETURN,
    ),
    Mutant(
        "H6", "whoever reads by an old map is answered by the old owner",
        [
            Edit(
                "core/machine/machine.py",
                "        if epoch < self.ownership.checks_below:\n            rows = _NO_ROWS\n",
                "        if self.ownership.is_locked:\n            rows = _NO_ROWS\n",
            ),
            Edit(
                "core/machine/machine.py",
                "        if checks and refuses(ownership, call[0], args, epoch):\n            return NOT_HERE\n"
                "        if ownership.is_locked:\n",
                "        if ownership.is_locked:\n",
            ),
        ],
        3, "set", OLD_MAPS,
    ),
    Mutant(
        "M7", "members are exchanged in one step, without those who go",
        edit(
            "core/raft/change.py",
            "        to = Membership(to.voters, now.voters, to.learners, to.lineage)\n",
            "        to = Membership(to.voters, (), to.learners)\n",
        ),
        1, "invariants", MEMBERS_MOVE,
    ),
    Mutant(
        "M8", "a change that is half done is not ended",
        edit("core/raft/change.py", "    if not leading.transfer_to and not s.full:\n        _append", "    if s.full:\n        _append"),
        1, "replicas", MEMBERS_MOVE, liveness=True,
    ),
    Mutant(
        "M9", "a member that comes back with an empty disk is listened to",
        edit("core/node/peers.py", "        if known and hello.birth and hello.birth != known:\n", "        if False:\n"),
        1, "invariants", WIPED,
    ),
]  # fmt: skip
