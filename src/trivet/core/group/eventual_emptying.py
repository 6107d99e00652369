"""``FLUSHDB`` in mode ``eventual``: so many keys in a turn, so that nobody else waits for all of them.

- Rule X9: it takes away the keys that this node held when its turn came, each as it is seen when it is its
  own turn to go; what is written to them meanwhile may go with them, as it may where one of two concurrent
  commands comes first. It is answered when the last is gone, and synced (Rule X4).
- Within ``EXEC`` it is done at once: nothing of others may come between.
- A node that stops running calls in the middle of one has done a part of it: that is in doubt. It is not
  gone on with elsewhere, where other keys have been seen.
"""

from collections import deque

from trivet.core.group.eventual_carrying import IN_DOUBT
from trivet.core.group.run import Run
from trivet.core.lattice.delta import Delta
from trivet.core.machine.convergent import Convergent
from trivet.core.machine.convergent_rows import WHOLE_WRITES
from trivet.core.machine.rights import AS
from trivet.core.wire.reply import OK, Error, Reply


class Emptyings:
    """Those of one group that wait or are under way, one after the other."""

    def __init__(self, executor: Convergent, keys_max: int) -> None:
        """``keys_max``: so many go in a turn."""
        self._executor = executor
        self._keys_max = keys_max
        self._runs: deque[Run] = deque()
        self._keys: list[bytes] | None = None
        """Of the first run, if it has begun: the keys that are still to go; the next one is the last."""

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def has_past(self) -> bool:
        """Whether some of them are of clients that carry what they have seen."""
        return any(run.past is not None for run in self._runs)

    def take(self, run: Run) -> bool:
        """Whether ``run`` is such a one; it is answered by ``step`` of this turn or a later one."""
        if run.count != 1 or not _empties(run.calls[0][1]):
            return False
        self._runs.append(run)
        return True

    def step(self, made: list[Delta], waiting: list[tuple[Run, list[Reply]]]) -> None:
        """A turn's share. The updates are added to ``made``, runs that are through to ``waiting``."""
        left = self._keys_max
        while self._runs:
            if self._keys is None:
                self._keys = self._executor.seen_keys()
            share = self._keys[-left:]
            del self._keys[-left:]
            self._executor.empty(share, made)
            left -= len(share)
            if self._keys or not left:
                return
            self._keys = None
            waiting.append((self._runs.popleft(), [OK]))

    def drain(self) -> list[Run]:
        """This node may run no calls any more: those that have not begun, to be run elsewhere."""
        if self._keys is not None:
            self._keys = None
            self._runs.popleft().fail(IN_DOUBT, whoever=True)
        runs = list(self._runs)
        self._runs.clear()
        return runs

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        self._keys = None
        for run in self.drain():
            run.fail(error, whoever=True)


def _empties(args: list[bytes]) -> bool:
    return (args[3] if args[0] == AS and len(args) > 3 else args[0]) in WHOLE_WRITES
