"""Beyond the fault matrix: copies that take writes alone, and who carries them (V1 to V16)."""

from mutants.focuses import (
    BLACKOUTS_ON_COPIES,
    CARRIED_TO_COPIES,
    COPIES,
    EMPTIED_COPIES,
    MEMBERS_OF_COPIES,
    QUORUMS_OF_COPIES,
    ROTTING_COPIES,
    SESSIONS,
    SESSIONS_AROUND,
    SESSIONS_CARRIED,
    SESSIONS_IN_BLACKOUTS,
    WANDERING_COPY,
)
from mutants.model import Edit, Mutant, edit

VALUES = [
    Mutant(
        "V1", "a write is answered before it is on the disk",
        edit(
            "core/group/eventual_group.py",
            "                self._held.append((self._made_id, self._last_made, run, replies))\n",
            "                self._held.append((0, self._last_made, run, replies))\n",
        ),
        1, "merging", BLACKOUTS_ON_COPIES,
    ),
    Mutant(
        "V2", "what is carried to a member runs there as often as it is delivered",
        edit(
            "core/group/eventual_carrying.py",
            "        return heard.incarnation == incarnation and heard.is_first(number)\n",
            "        return heard.incarnation == incarnation and number > 0\n",
        ),
        1, "merging", CARRIED_TO_COPIES,
    ),
    Mutant(
        "V3", "members change without anybody waiting for what they have to hand over",
        edit(
            "core/steward/copy_keeper.py",
            "        if kept if not stays else not is_caught_up:\n",
            "        if kept < 0 and is_caught_up:\n",
        ),
        13, "merging", WANDERING_COPY,
    ),
    Mutant(
        "V4", "who is no member any more keeps what it had",
        edit(
            "core/node/leaderless_residents.py",
            "        if is_news and group.left_over:\n",
            "        if is_news and group.left_over and not group.keys:\n",
        ),
        3, "copies", MEMBERS_OF_COPIES,
    ),
    Mutant(
        "V5", "two states are joined, and what one of them had removed is there again",
        edit(
            "core/lattice/cell.py",
            "        if dot in left.assigns or not mine_clock.has(dot[0], dot[1]):\n",
            "        if dot in left.assigns or dot not in left.assigns:\n",
        ),
        5, "merging", COPIES,
    ),
    Mutant(
        "V6", "an update is taken though what it builds upon is missing",
        edit(
            "core/lattice/lattice.py",
            "        if delta.number > self.clock.base(delta.actor) + 1:\n            return True\n        for",
            "        if delta.number > 0:\n            return False\n        for",
        ),
        3, "copies", COPIES,
    ),
    Mutant(
        "V7", "a database that is emptied in shares counts as empty after the first of them",
        edit(
            "core/group/eventual_emptying.py",
            "            if self._keys or not left:\n                return\n            self._keys = None\n"
            "            waiting.append((self._runs.popleft(), [OK]))\n",
            "            self._keys = None\n"
            "            waiting.append((self._runs.popleft(), [OK]))\n            return\n",
        ),
        1, "merging", EMPTIED_COPIES,
    ),
    Mutant(
        "V8", "a call of a session does not wait for what the session has seen",
        edit(
            "core/group/eventual_causal.py",
            "        if past.is_carried(self._group) or not past.is_in(self._group, lattice.clock):\n",
            "        if past.is_carried(self._group):\n",
        ),
        1, "sessions", SESSIONS,
    ),
    Mutant(
        "V9", "a session takes another clock along than that of the node which served it",
        edit(
            "core/group/eventual_causal.py",
            "                run.past.join(self._group, seen)\n",
            "                run.past.join(0, seen)\n",
        ),
        1, "sessions", SESSIONS,
    ),
    Mutant(
        "V10", "what a session has seen is not carried to the member that serves it",
        edit(
            "core/group/eventual_carrying.py",
            "        after = past.clocks.get(self._group, _NOTHING).encode()\n",
            "        after = _NOTHING.encode()\n",
        ),
        1, "sessions", SESSIONS_CARRIED,
    ),
    Mutant(
        "V11", "the update of a session does not say what it comes after",
        edit(
            "core/group/eventual_group.py",
            "        if 0 <= first < len(made):\n",
            "        if 0 <= first < len(made) and first < 0:\n",
        ),
        2, "sessions", SESSIONS_AROUND,
    ),
    Mutant(
        "V12", "a session is told of what is not on the disk",
        edit(
            "core/group/eventual_group.py",
            "                self.causal.hold(self.log.save_id, self._last_made, run, replies, seen)\n",
            "                self.causal.hold(0, self._last_made, run, replies, seen)\n",
        ),
        1, "sessions", SESSIONS_IN_BLACKOUTS,
    ),
    Mutant(
        "V13", "a write is answered before a write quorum has it",
        edit(
            "core/group/eventual_tally.py",
            "        while write and self._held_by(write.first) >= write.count:\n",
            "        while write and self._held_by(write.first) >= 0:\n",
        ),
        1, "sessions", ROTTING_COPIES,
    ),
    Mutant(
        "V14", "a read does not wait for what a read quorum has",
        edit(
            "core/group/eventual_reads.py",
            "(one.needs is not None and clock.covers(one.needs))\n",
            "one.needs is not None\n",
        ),
        1, "sessions", QUORUMS_OF_COPIES,
    ),
    Mutant(
        "V15", "a read takes what was told before it came for an answer",
        edit(
            "core/group/eventual_reads.py",
            "            if one.number <= message.number and one.needs is None:\n",
            "            if one.needs is None:\n",
        ),
        37, "sessions", QUORUMS_OF_COPIES,
    ),
    Mutant(
        "V16", "a snapshot says of each key what has been seen of it by the end, not by its beginning",
        [
            Edit(
                "core/group/eventual_log.py",
                "            ahead[:] = reversed(lattice.ahead())\n",
                "            ahead.clear()\n",
            ),
            Edit(
                "core/group/eventual_log.py",
                "        return pieces, place.to_bytes(3, \"big\") if place < LEAVES else None\n",
                "        if place >= LEAVES:\n"
                "            pieces += [encode_record(SavedContext(k, c.encode())) for k, c in lattice.ahead()]\n"
                "        return pieces, place.to_bytes(3, \"big\") if place < LEAVES else None\n",
            ),
        ],
        5, "merging", WANDERING_COPY,
    ),
]  # fmt: skip
