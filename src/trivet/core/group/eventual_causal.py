"""Session guarantees in one group of mode ``eventual``: calls of clients that carry what they have seen.

Source: Terry et al.: "Session Guarantees for Weakly Consistent Replicated Data" (1994). Read your writes and
monotonic reads: a call waits until this replica has all that its client has seen. Monotonic writes and writes
follow reads: an update says what it comes after, and is taken nowhere before that.

- Rule X12: a call of such a client runs when this replica's clock covers the client's, and none of its keys
  is ahead of the clock (Rule L6: an exchange that is not over has brought its state). Else it waits, at most
  for as long as a command may; what its client says later waits behind it. Then it is told that nothing was
  done.
- Rule X13: it is answered when all that was seen here when it ran is on the disk here; then the client has
  seen that clock. So no clock that a client has names what a crash can take away.
- Rule X14: the first update of such a call names all that was seen here and that this actor's updates have
  not named before (Rule L13).
"""

from collections import deque
from typing import Final

import msgspec

from trivet.core.base.ids import GroupId, Instant
from trivet.core.group.past import Past
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock, Dot
from trivet.core.lattice.delta import Delta
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.checking import WHOLE, names_of
from trivet.core.machine.entry import decode_calls
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SLOTKEYS
from trivet.core.wire.reply import Error, Reply

BEHIND: Final = Error(
    "TRYAGAIN this node has not heard yet of all that this client has seen; nothing was done: say it again, "
    "or ask the node that you came from; CLIENT CAUSAL OFF forgets what was seen"
)


class Causal:
    """The calls of such clients in one group."""

    def __init__(self, group: GroupId, lattice: Lattice, timeout_ms: int) -> None:
        self.news = False
        """Something has changed for those that wait, since ``release``."""
        self._group = group
        self._lattice = lattice
        self._timeout_ms = timeout_ms
        self._waiting: dict[Past, deque[tuple[Run, Instant]]] = {}
        """By client, in its order, with when each is to be given up."""
        self._held: deque[tuple[int, Dot, Run, list[Reply], Clock]] = deque()
        """Answers that wait for the save of this id, the newest own update and what was seen then (X13)."""
        self._actor = 0
        self._named: dict[int, int] = {}
        """What updates of that actor have named: of each other actor the last number."""

    @property
    def waits(self) -> bool:
        """Whether some run waits to be run."""
        return bool(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether some run has no replies yet."""
        return bool(self._waiting or self._held)

    @property
    def has_writes(self) -> bool:
        """Whether some of them write."""
        return any(run.writes for run in self._all())

    @property
    def pending_bytes(self) -> int:
        """Of the writes among them."""
        return sum([run.size_bytes for run in self._all() if run.writes])

    def _all(self) -> list[Run]:
        return [run for row in self._waiting.values() for run, _ in row] + [row[2] for row in self._held]

    # -- before it runs (Rule X12) ---------------------------------------------------------------------

    def admits(self, run: Run, past: Past, now_ms: Instant) -> bool:
        """Whether ``run`` may be run now; else it waits here."""
        waiting = self._waiting.get(past)
        if waiting is None:
            if self._covers(run, past):
                return True
            waiting = self._waiting[past] = deque()
        waiting.append((run, now_ms + (run.patience_ms or self._timeout_ms)))
        return False

    def release(self) -> list[Run]:
        """Those that may be run now, each client's in its order."""
        self.news = False
        released: list[Run] = []
        for past, waiting in list(self._waiting.items()):
            while waiting and self._covers(waiting[0][0], past):
                released.append(waiting.popleft()[0])
            if not waiting:
                del self._waiting[past]
        return released

    def _covers(self, run: Run, past: Past) -> bool:
        lattice = self._lattice
        if past.is_carried(self._group) or not past.is_in(self._group, lattice.clock):
            return False
        return not lattice.has_ahead or not any(_is_ahead(lattice, args) for _, args in run.calls)

    def expire(self, now_ms: Instant) -> None:
        """Who has waited for too long is told."""
        for past, waiting in list(self._waiting.items()):
            late = [run for run, until_ms in waiting if until_ms < now_ms]
            if not late:
                continue
            self.news = True
            kept = deque([row for row in waiting if row[1] >= now_ms])
            if kept:
                self._waiting[past] = kept
            else:
                del self._waiting[past]
            for run in late:
                run.fail(BEHIND, whoever=True)

    def drain(self) -> list[Run]:
        """This node may run no calls any more."""
        runs = [run for row in self._waiting.values() for run, _ in row]
        self._waiting = {}
        return runs

    # -- what it makes (Rule X14) ----------------------------------------------------------------------

    def name(self, delta: Delta) -> Delta:
        """The update, saying what it comes after; to be asked before any other of the turn's is taken."""
        if delta.actor != self._actor:
            self._actor, self._named = delta.actor, {}
        clock, named = self._lattice.clock, self._named
        after: list[tuple[int, int]] = []
        for actor in clock.actors:
            number = clock.base(actor)
            if actor != delta.actor and number > named.get(actor, 0):
                named[actor] = number
                after.append((actor, number))
        if not after:
            return delta
        return Delta(delta.actor, delta.number, delta.stamp, delta.key, delta.changes, tuple(after))

    # -- when it was run (Rule X13) --------------------------------------------------------------------

    def hold(self, save_id: int, dot: Dot, run: Run, replies: list[Reply], seen: Clock) -> None:
        """It was run when ``seen`` had been seen, which will be on the disk with the save of that id."""
        self._held.append((save_id, dot, run, replies, seen))

    def answered(self, synced_id: int) -> list[tuple[Dot, Run, list[Reply]]]:
        """The saves up to this one are on the disk: those that wait no longer, and the newest own update."""
        held = self._held
        found: list[tuple[Dot, Run, list[Reply]]] = []
        while held and held[0][0] <= synced_id:
            _, dot, run, replies, seen = held.popleft()
            if run.past is not None:
                run.past.join(self._group, seen)
            found.append((dot, run, replies))
        return found

    def unanswered(self) -> list[Run]:
        """Those that were run and wait for the disk, which is waited for no more."""
        runs = [row[2] for row in self._held]
        self._held.clear()
        return runs

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        runs = self._all()
        self._waiting = {}
        self._held.clear()
        for run in runs:
            run.fail(error, whoever=True)


def _is_ahead(lattice: Lattice, args: list[bytes]) -> bool:
    """Whether the call concerns a key of which more was seen than the clock has."""
    if not args:
        return False
    name = args[0]
    if name == AS:
        return _is_ahead(lattice, args[3:])
    if name == b"EXEC":
        return _is_any_ahead(lattice, args)
    if name in WHOLE or name == SLOTKEYS:
        return lattice.is_any_ahead()
    return any(lattice.is_ahead(key) for key in names_of(args))


def _is_any_ahead(lattice: Lattice, args: list[bytes]) -> bool:
    try:
        calls = decode_calls(args[1]) if len(args) > 1 else []
    except msgspec.DecodeError:
        return False  # nothing of it will be run
    return any(db >= 0 and _is_ahead(lattice, inner) for db, inner in calls)
