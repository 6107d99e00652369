"""Keeping to ``maxmemory``: what the leader proposes when its replica takes more than that.

The leader alone looks, at the end of a turn, at the account of its own replica; what it
decides goes through the log, so every replica evicts the same keys and refuses the same
commands at the same place.

``maxmemory`` is the process's, as users of Redis mean it: what all replicas of a node take
counts. Of what is too much each group that is led there removes its share, by its size.

- Rule E1: one proposal at a time is under way, of so many keys at most.
- Rule E2: commands that need memory are refused while more is taken than allowed and nothing
  may be evicted; the log says from where on, and until where.
"""

from typing import Final

from trivet.core.base.ids import WallMs
from trivet.core.base.prng import Prng
from trivet.core.group.run import Run
from trivet.core.machine.machine import Machine
from trivet.core.values.sizes import BASE_BYTES

VICTIMS_MAX: Final = 1000
"""Keys in one proposal."""
LOOKS_MAX: Final = 5000
"""Keys looked at for one proposal."""
SAMPLES_MAX: Final = 64
_NO: Final = b"0"
_YES: Final = b"1"


class Evictor:
    """The leader's eye on memory."""

    def __init__(self, prng: Prng) -> None:
        self._prng = prng
        self._run: Run | None = None

    def run_done(self) -> None:
        """The proposal was applied: the next look shows what is left to do."""

    def look(self, machine: Machine, wall_ms: WallMs) -> Run | None:
        """What is to be proposed now, or None."""
        memory = machine.memory
        if memory is None or (self._run is not None and self._run.replies is None):
            return None
        surplus_bytes = _share(memory.total, machine.beside_bytes, machine.settings.maxmemory_bytes)
        if surplus_bytes <= 0 and not memory.counted:
            return None
        refuses = False
        victims: list[tuple[int, bytes]] = []
        if surplus_bytes > 0:
            if memory.policy != b"noeviction":
                samples = min(machine.settings.number(b"maxmemory-samples"), SAMPLES_MAX)
                count_max = min(VICTIMS_MAX, LOOKS_MAX // samples)
                victims = memory.victims(surplus_bytes, samples, wall_ms, count_max, self._prng)
            has_keys = machine.databases.key_count() > 0
            refuses = not victims and (has_keys or memory.policy == b"noeviction")
        if not victims and refuses is machine.settings.refuses_growth:
            return None
        run = Run(self, True)
        args = [b"EVICT", _YES if refuses else _NO]
        for db_index, key in victims:
            args += (b"%d" % db_index, key)
        run.add((0, args), sum(map(len, args)) + 16 * len(args))
        self._run = run
        return run


def _share(own_bytes: int, beside_bytes: int, limit_bytes: int) -> int:
    """How much of what the node takes too much is this group's; not above 0: none."""
    surplus_bytes = own_bytes + beside_bytes - limit_bytes
    if surplus_bytes <= 0 or not beside_bytes:
        return surplus_bytes
    keys_bytes = own_bytes - BASE_BYTES
    return max(1, surplus_bytes * keys_bytes // (keys_bytes + beside_bytes))
