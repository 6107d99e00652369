"""Beyond the fault matrix: copies that take writes alone, and who carries them (V1 to V7)."""

from mutants.focuses import (
    BLACKOUTS_ON_COPIES,
    CARRIED_TO_COPIES,
    COPIES,
    EMPTIED_COPIES,
    MEMBERS_OF_COPIES,
)
from mutants.model import Mutant, edit

VALUES = [
    Mutant(
        "V1", "a write is answered before it is on the disk",
        edit(
            "core/group/eventual_group.py",
            "            self._held.append((self._made_id, run, replies))\n",
            "            self._held.append((0, run, replies))\n",
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
        10, "merging", MEMBERS_OF_COPIES,
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
            "        if delta.number > self.clock.base(delta.actor) + 1:\n            return True\n        clock",
            "        if delta.number > 0:\n            return False\n        clock",
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
]  # fmt: skip
