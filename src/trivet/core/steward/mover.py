"""The mover: carries the slots of one move from a group that is led here to another group.

On the path: nowhere. It knows nothing that it could not find out again: the map says how far the move is,
the machines say what they have. Whoever leads the source next begins anew, with a higher generation::

    MOVE BEGIN (a generation) ──> IMPORT BEGIN ──> copy ──> SEAL ──> the rest ──> IMPORT READY ──> MOVE DONE
         ^                                          │                               │
         └──────────── anything unexpected ─────────┴───────────────────────────────┘
    IMPORT END, MOVE TAKEN (or the target's leader says so) ──> DISOWN ──> (purged) ──> MOVE END

- Rule R1: nothing is sent to the target but under a generation that the map has given to this mover, so a
  mover that was replaced is refused by the target, and by the map (V7).
- Rule R2: the hand-over is asked for when the slots were sealed in the source's log, no transaction over
  groups had a lock on their keys any more, the walk had given everything after that, and the target has
  confirmed all of it.
- Rule R3: the source gives up its slots when the map says that the target has taken them.
- Rule R4: slots are sealed for a bounded time: a move whose target does not answer is aborted, and the map
  decides whether it was handed over first.
- Rule R5: before the seal copying is slow: a window, a rate, and an eighth of it while clients' writes wait.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, Instant
from trivet.core.cluster.rows import HANDED, MoveRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.machine.exporting import RangeWalk
from trivet.core.machine.importing import ENDED, PURGE, TAKEN
from trivet.core.machine.machine import Machine
from trivet.core.machine.sealing import counts_as_arguments
from trivet.core.machine.slot_ranges import write_ranges
from trivet.core.machine.transactions import locks_left
from trivet.core.steward.desk import REFUSED, Desk, Errand
from trivet.core.wire.reply import OK

ASK: Final = 0
BEGIN: Final = 1
COPYING: Final = 2
CONFIRM: Final = 3
"""Everything is sent; the target is to say that it has it."""
HAND_OVER: Final = 4
STATES: Final = ("ask", "begin", "copy", "confirm", "hand over")

_EMPTY_MAX: Final = 4
"""Slices of the walk, of one step, in which no key was met."""
_TARGET_PURGES_MS: Final = 100


class Mover:
    """See the module."""

    def __init__(self, desk: Desk, move: int, term: int) -> None:
        self.move = move
        self.term = term
        """In which its node leads the source; with another there is another mover."""
        self.state = ASK
        self.generation = 0
        self.sent_bytes = 0
        self.sealed_ms: Instant = -1
        """Since when this mover has seen the slots sealed; -1: they are not."""
        self.pause_ms = -1
        """How long they were, until the target had them."""
        self._desk = desk
        self._errand: Errand | None = None
        self._seal: Errand | None = None
        self._abort: Errand | None = None
        self._take: Errand | None = None
        self._end: Errand | None = None
        self._under_way: deque[Errand] = deque()
        self._under_way_bytes = 0
        self._walk: RangeWalk | None = None
        self._machine: Machine | None = None
        self._restarts = 0
        self._rest_until_ms: Instant = 0
        self._near_since_ms: Instant = -1

    @property
    def progress(self) -> tuple[int, int] | None:
        """Keys that were given, and about how many are left; None: it does not copy now."""
        return None if self._walk is None else (self._walk.given, self._walk.lag)

    def close(self) -> None:
        """The move is over, or another's."""
        if self._walk is not None:
            self._walk.close()
            self._walk = None

    def step(self, row: MoveRow, group: RaftGroup) -> None:
        """Do what can be done now; ``group`` is the source."""
        if row.phase == HANDED:
            self._hand_out(row, group)
            return
        now_ms = self._desk.now_ms
        sealed = self.move in group.machine.ownership.exports
        if not sealed:
            self.sealed_ms = -1
        elif self.sealed_ms < 0:
            self.sealed_ms = now_ms
        elif now_ms - self.sealed_ms >= self._desk.settings.pause_ms_max:
            self._give_up(f"its slots were sealed for {now_ms - self.sealed_ms} ms")
            return
        if now_ms < self._rest_until_ms:
            return
        if self.state == ASK:
            self._ask()
        elif self.state == BEGIN:
            self._begin(row, group)
        elif self.state == COPYING:
            self._copy(row, group, sealed)
        elif self.state == CONFIRM:
            self._confirm(row)
        else:
            self._hand_over()

    # -- the beginning --------------------------------------------------------------------------

    def _again(self, rest_ms: int) -> None:
        """Anything unexpected: from the beginning, after a rest."""
        self.close()
        self.state = ASK
        self._errand = self._seal = None
        self._under_way.clear()
        self._under_way_bytes = 0
        self._near_since_ms = -1
        self._rest_until_ms = self._desk.now_ms + rest_ms

    def _ask(self) -> None:
        """Rule R1."""
        errand = self._errand
        if errand is None:
            self._errand = self._desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", b"BEGIN", self.move)
            return
        if not errand.done:
            return
        self._errand = None
        if isinstance(errand.answer, int):
            self.generation = errand.answer
            self.state = BEGIN
            self._desk.stirred = True
        else:
            self._again(self._desk.settings.retry_ms)

    def _begin(self, row: MoveRow, group: RaftGroup) -> None:
        errand = self._errand
        if errand is None:
            ranges = write_ranges(row.ranges)
            self._errand = self._desk.say(
                row.target_group, b"IMPORT", b"BEGIN", self.move, ranges, self.generation
            )
            return
        if not errand.done:
            return
        self._errand = None
        if errand.word == TAKEN:
            self._walk = RangeWalk(group.machine, row.ranges)
            self._machine = group.machine
            self._restarts = 0
            self.state = COPYING
            self._desk.stirred = True
        elif errand.word == PURGE:
            self._rest_until_ms = self._desk.now_ms + _TARGET_PURGES_MS
        elif errand.word == REFUSED:
            # The target is new and not founded yet, most likely.
            self._rest_until_ms = self._desk.now_ms + self._desk.settings.retry_ms // 4
        else:
            self._again(self._desk.settings.retry_ms)

    # -- copying --------------------------------------------------------------------------------

    def _copy(self, row: MoveRow, group: RaftGroup, sealed: bool) -> None:
        walk = self._walk
        assert walk is not None
        if walk.restarts != self._restarts or group.machine is not self._machine or not self._harvest():
            self._again(self._desk.settings.retry_ms // 4)
            return
        if not self._send(row, walk, self._may_send(row, group, sealed)):
            return
        if not sealed:
            self._look_at_seal(row, walk)
        elif walk.is_complete and not locks_left(group.machine, row.ranges):
            self._errand = self._desk.say(
                row.target_group,
                b"IMPORT",
                b"READY",
                self.move,
                self.generation,
                group.machine.fences.time_ms(),
            )
            if self._errand is not None:
                self.state = CONFIRM

    def _harvest(self) -> bool:
        """Take what the target has confirmed; False: it has not taken something."""
        while self._under_way and self._under_way[0].done:
            errand = self._under_way.popleft()
            self._under_way_bytes -= errand.size_bytes
            if errand.word != TAKEN:
                return False
        return True

    def _may_send(self, row: MoveRow, group: RaftGroup, sealed: bool) -> int:
        """Rule R5: so many bytes may leave in this step."""
        desk, settings = self._desk, self._desk.settings
        window = settings.move_window_bytes - self._under_way_bytes
        if sealed:
            return window
        allowed = desk.allowance_bytes
        target = desk.replicas.get(row.target_group)
        waiting = group.pending_bytes
        if target is not None:
            waiting += target.pending_bytes - self._under_way_bytes
        if waiting > settings.busy_bytes:
            allowed //= 8
        return min(window, allowed)

    def _send(self, row: MoveRow, walk: RangeWalk, bytes_max: int) -> bool:
        """Send what is due, about so much of it; False: it can't be sent."""
        desk = self._desk
        empty = 0
        while bytes_max > 0 and empty < _EMPTY_MAX:
            data = walk.take(min(bytes_max, desk.settings.move_slice_bytes))
            if not data:
                if walk.is_complete:
                    break
                empty += 1
                continue
            if len(data) > desk.limits.call_bytes_max:
                self._give_up(f"a key takes more than the {desk.limits.call_bytes_max} bytes of one call")
                return False
            errand = desk.say(row.target_group, b"IMPORT", b"ITEMS", self.move, self.generation, data)
            if errand is None:
                self._again(desk.settings.retry_ms)
                return False
            self._under_way.append(errand)
            self._under_way_bytes += errand.size_bytes
            self.sent_bytes += len(data)
            bytes_max -= len(data)
            desk.allowance_bytes -= len(data)
        return True

    def _look_at_seal(self, row: MoveRow, walk: RangeWalk) -> None:
        """Seal when little is left, or when it does not become less."""
        desk, settings = self._desk, self._desk.settings
        if self._seal is not None:
            if self._seal.done and self._seal.answer != OK and not isinstance(self._seal.answer, int):
                desk.note(f"move {self.move}: the slots could not be sealed: {self._seal.text}")
                self._again(settings.retry_ms)
            return
        lag = walk.lag
        if lag > 8 * settings.seal_lag_keys:
            self._near_since_ms = -1
            return
        if self._near_since_ms < 0:
            self._near_since_ms = desk.now_ms
        patient = desk.now_ms - self._near_since_ms < settings.catch_up_ms
        much = self._under_way_bytes > settings.move_window_bytes // 2
        if patient and (much or lag > settings.seal_lag_keys):
            return
        self._seal = desk.say(row.source, b"SEAL", self.move, write_ranges(row.ranges))

    # -- the hand-over --------------------------------------------------------------------------

    def _confirm(self, row: MoveRow) -> None:
        """Rule R2."""
        errand, walk = self._errand, self._walk
        assert errand is not None and walk is not None
        if not self._harvest() or walk.restarts != self._restarts:
            self._again(self._desk.settings.retry_ms // 4)
            return
        if not errand.done:
            return
        if errand.word != TAKEN or self._under_way:
            self._again(self._desk.settings.retry_ms // 4)
            return
        self._errand = self._desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", b"DONE", self.move, self.generation)
        self.state = HAND_OVER

    def _hand_over(self) -> None:
        """The map's answer; when it is the epoch, the map says so too."""
        errand = self._errand
        if errand is None or (errand.done and errand.word == REFUSED):
            if errand is not None:
                self._desk.note(f"move {self.move} was not handed over: {errand.text}")
            self._again(self._desk.settings.retry_ms)

    def _give_up(self, why: str) -> None:
        """Rule R4."""
        if self._abort is not None and not self._abort.done:
            return
        self._abort = self._desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", b"ABORT", self.move)
        self._desk.note(f"move {self.move} is given up: {why}")
        self._again(self._desk.settings.retry_ms)

    # -- after the hand-over --------------------------------------------------------------------

    def _hand_out(self, row: MoveRow, group: RaftGroup) -> None:
        """Rule R3, then the end."""
        desk = self._desk
        if not row.taken:
            self._hasten(row)
            return
        self._pause_ends()
        if desk.now_ms < self._rest_until_ms:
            return
        if self._end is not None:
            if not self._end.done:
                return
            refused, self._end = self._end.word == REFUSED, None
            if refused:
                self._again(desk.settings.retry_ms)
                return
        ownership = group.machine.ownership
        if self.move in ownership.exports:
            counts = self._counted(row, group)
            if counts is not None:
                self._end = desk.say(
                    row.source, b"DISOWN", self.move, row.epoch, *counts_as_arguments(counts)
                )
        elif not ownership.garbage_count():
            self.close()
            self._end = desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", b"END", self.move)

    def _hasten(self, row: MoveRow) -> None:
        """What the target's leader will say too, once it hears of the hand-over: clients wait for it."""
        if self.state != HAND_OVER:
            return
        if self._take is None:
            self._take = self._desk.say(row.target_group, b"IMPORT", b"END", self.move, row.epoch)
        elif self._take.done and self._take.word == ENDED:
            self._pause_ends()
            self._take = self._desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", b"TAKEN", self.move)

    def _pause_ends(self) -> None:
        if self.pause_ms < 0 <= self.sealed_ms:
            self.pause_ms = self._desk.now_ms - self.sealed_ms

    def _counted(self, row: MoveRow, group: RaftGroup) -> dict[int, int] | None:
        """How many keys are sealed, by database; None: the count goes on."""
        if self._walk is None or group.machine is not self._machine:
            self.close()
            self._walk = RangeWalk(group.machine, row.ranges)
            self._machine = group.machine
        for _ in range(_EMPTY_MAX):
            self._walk.pass_over()
            if self._walk.is_complete:
                return self._walk.counts_at_seal(self.move)
        self._desk.stirred = True
        return None
