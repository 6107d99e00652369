"""The mover of slots between groups of mode ``paxos``: says to the map how far it is, and carries registers.

On the path: nowhere. The leader of the system group does it, for nobody leads these groups. It speaks with
the members of both, as any node does (``group/register_carrying``)::

    MOVE BEGIN (a generation) ──> passes ──> MOVE SEAL ──> the last pass ──> MOVE DONE
         ^                          │                          │
         └────── anything unexpected┴──────────────────────────┘

- Rule R6: nothing is written into the target but by the epoch with which the slots arrive, which each
  generation has anew: who was replaced writes nothing more, and the map does not listen to him.
- Rule R7: slots are sealed when a pass has found little to bring over, or after a few passes. The map seals
  them; the last pass begins when this node's own part in the source has heard of it.
- Rule R8: the hand-over is asked for when a quorum of the target has confirmed all that a quorum of the
  source had in an epoch by which the slots were sealed.
- Rule R9: a move whose slots were sealed for too long (``pause_ms_max``), or that has not come further for a
  while, is aborted: members can't be changed while it goes on.
- Rule R10: of several moves that concern one group, one at a time goes on.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, Instant
from trivet.core.cluster.change_register_moves import ABORT_IT
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import SEAL, GroupRow, MoveRow
from trivet.core.cluster.spans import ARRIVING
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_carrying import Carrying
from trivet.core.paxos.transfer import State
from trivet.core.steward.desk import REFUSED, Desk, Errand

PASSES_MAX: Final = 5
"""After so many passes the slots are sealed, however much the last one has found."""
STUCK_MS: Final = 30_000


class RegisterMover:
    """Of one move, while its node leads the system group."""

    def __init__(self, desk: Desk, move: int) -> None:
        self.move = move
        self.generation = 0
        """0: the map has not given one to this mover."""
        self.carrying: Carrying | None = None
        self.pause_ms = -1
        """How long the slots were sealed, as far as this node has seen."""
        self.sent_bytes = 0
        self._desk = desk
        self._word: Errand | None = None
        self._verb = b""
        self._groups: tuple[PaxosGroup, PaxosGroup] | None = None
        self._sealed_ms: Instant = -1
        self._rest_until_ms: Instant = 0
        self._counted_bytes = 0
        self._seen: tuple[int, int, int] = (-1, 0, 0)
        self._seen_ms: Instant = desk.now_ms

    @property
    def progress(self) -> tuple[int, int] | None:
        """Registers that the target has, and about how many are left; None: it does not carry now."""
        if self.carrying is None:
            return None
        transfer = self.carrying.transfer
        return transfer.held, transfer.left

    def close(self) -> None:
        """The move is over, or another's."""
        if self.carrying is not None:
            self.carrying.transfer.close()
            self.carrying = None
        if self._groups is not None:
            for group in self._groups:
                group.carrying = None
            self._groups = None

    def over(self) -> None:
        """The map has it no more."""
        if self._sealed_ms >= 0:
            self.pause_ms = self._desk.now_ms - self._sealed_ms
        self.close()

    def step(self, cluster: ClusterMap, row: MoveRow) -> None:
        """Do what can be done now."""
        now_ms = self._desk.now_ms
        self._look_at_seal(row)
        word = self._word
        if word is not None:
            if not word.done:
                return
            self._word = None
            self._answered(word, now_ms)
            return
        if now_ms < self._rest_until_ms:
            return
        if not self.generation:
            self._say(b"BEGIN")
        elif row.generation != self.generation:
            self._again(0)
        elif self._is_stuck(row):
            self._say(b"ABORT")
        else:
            self._carry(cluster, row)

    def _look_at_seal(self, row: MoveRow) -> None:
        if row.phase != SEAL:
            self._sealed_ms = -1
        elif self._sealed_ms < 0:
            self._sealed_ms = self._desk.now_ms

    def _is_stuck(self, row: MoveRow) -> bool:
        """Rule R9."""
        now_ms, carrying = self._desk.now_ms, self.carrying
        if row.phase == SEAL and now_ms - self._sealed_ms >= self._desk.settings.pause_ms_max:
            pause_ms = now_ms - self._sealed_ms
            self._desk.note(f"move {row.id} is given up: its slots were sealed for {pause_ms} ms")
            return True
        seen = (-2, 0, 0)
        if carrying is not None:
            transfer = carrying.transfer
            seen = (int(transfer.state), transfer.passes, transfer.carried)
        if seen != self._seen:
            self._seen, self._seen_ms = seen, now_ms
        if now_ms - self._seen_ms < STUCK_MS:
            return False
        self._desk.note(f"move {row.id} is given up: it has not come further for {STUCK_MS} ms")
        self._seen_ms = now_ms
        return True

    def _say(self, verb: bytes, *numbers: int) -> None:
        self._verb = verb
        self._word = self._desk.say(SYSTEM_GROUP, b"MAP", b"MOVE", verb, self.move, *numbers)

    def _answered(self, word: Errand, now_ms: Instant) -> None:
        if word.word == REFUSED:
            self._desk.note(f"move {self.move}: the map did not take {self._verb.decode()}: {word.text}")
            self._again(self._desk.settings.retry_ms)
            if ABORT_IT in word.text:
                self._say(b"ABORT")
        elif self._verb == b"BEGIN" and isinstance(word.answer, int):
            self.generation = word.answer
        self._desk.stirred = True

    def _again(self, rest_ms: int) -> None:
        """Anything unexpected: from the beginning, after a rest."""
        self.close()
        self.generation = 0
        self._rest_until_ms = self._desk.now_ms + rest_ms

    # -- carrying -------------------------------------------------------------------------------

    def _carry(self, cluster: ClusterMap, row: MoveRow) -> None:
        carrying = self.carrying
        if carrying is None:
            self._begin(cluster, row)
            return
        transfer = carrying.transfer
        if transfer.is_lost:
            self._again(self._desk.settings.retry_ms // 4)
            return
        self._allow(carrying)
        if transfer.state is State.DONE:
            self._say(b"DONE", self.generation, transfer.version)
        elif transfer.state is not State.READY:
            carrying.go_on()
        elif row.phase == SEAL:
            if self._has_heard(cluster.groups[row.source]):
                carrying.seal()
        elif transfer.lag <= self._desk.settings.seal_lag_keys or transfer.passes >= PASSES_MAX:
            self._say(b"SEAL", self.generation)
        else:
            transfer.again()
            carrying.go_on()

    def _begin(self, cluster: ClusterMap, row: MoveRow) -> None:
        desk = self._desk
        source, target = desk.leaderless.get(row.source), desk.leaderless.get(row.target_group)
        arrives = cluster.groups[row.target_group]
        if not isinstance(source, PaxosGroup) or not isinstance(target, PaxosGroup):
            return
        if not self._has_heard(cluster.groups[row.source]) or not self._has_heard(arrives):
            return
        first = row.ranges[0][0]
        since = [span[2] for span in arrives.spans if span[0] <= first <= span[1] and span[3] == ARRIVING]
        assert since, "what was begun arrives"

        def stir() -> None:
            source.stir()
            target.stir()

        self.carrying = Carrying(source.paxos, target.paxos, row.ranges, since[0], stir, self._wake)
        self._groups = (source, target)
        self._counted_bytes = 0
        source.carrying = target.carrying = self.carrying
        self._allow(self.carrying)
        self.carrying.go_on()

    def _has_heard(self, row: GroupRow) -> bool:
        """This node's part in the group is as the map is (Rule R7)."""
        group = self._desk.leaderless.get(row.id)
        return isinstance(group, PaxosGroup) and group.paxos.epoch == row.membership + 1

    def _wake(self) -> None:
        self._desk.stirred = True

    def _allow(self, carrying: Carrying) -> None:
        """What may be fetched until the next step; an eighth while clients' writes wait (Rule R5)."""
        desk, settings = self._desk, self._desk.settings
        carried = carrying.transfer.carried_bytes
        desk.allowance_bytes -= carried - self._counted_bytes
        self.sent_bytes += carried - self._counted_bytes
        self._counted_bytes = carried
        waiting = 0 if self._groups is None else sum([group.pending_bytes for group in self._groups])
        carrying.allowance_bytes = desk.allowance_bytes // (8 if waiting > settings.busy_bytes else 1)
