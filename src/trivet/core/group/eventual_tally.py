"""What the members of a group of mode ``eventual`` have, as far as its quorums go by it.

Between ``eventual_quorums`` and ``eventual_reads``, who wait for so many members, and ``core/gossip``, which
hears what they have.

- Rule X17: while members change there are two sets, and both are asked; who goes by other members than this
  one counts in neither.
- Rule X19: where nobody who stays was there before, who goes runs calls until one of those has all that was
  here when the change began, or is known to have all that is here; never again after that.
"""

from trivet.core.base.ids import Instant, NodeId
from trivet.core.cluster.rows import GroupRow, KeyspaceRow
from trivet.core.gossip.gossip import Gossip
from trivet.core.group.eventual_messages import AskClock, TellClock
from trivet.core.group.eventual_quorums import Sides, WriteQuorum
from trivet.core.group.eventual_reads import ReadQuorum
from trivet.core.group.face import FromGroup
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.lattice.clock import Clock, Dot, decode_clock
from trivet.core.wire.reply import Error


class Tally:
    """Of one group."""

    def __init__(self, settings: GroupSettings, gossip: Gossip) -> None:
        timeout_ms = settings.command_timeout_ms
        self.write = WriteQuorum(timeout_ms)
        self.read = ReadQuorum(settings.node, settings.incarnation, timeout_ms, settings.resend_ms)
        self._own = settings.node
        self._gossip = gossip
        self._sides = Sides((), (), ())
        self._others: list[NodeId] = []
        self._founders: tuple[NodeId, ...] = ()
        """The other members that were there before the change, if one is under way."""
        self._epoch = 0
        self._lingers_for: Clock | None = None
        """What one of those that stay is to have before this member runs no calls any more (Rule X19)."""

    @property
    def busy(self) -> bool:
        """Whether some run waits."""
        return bool(self.write) or self.read.busy

    def follow(self, row: GroupRow, seen: Clock | None) -> None:
        """The cluster map has these members; ``seen``: here so far, if this node ran calls until now."""
        before = row.before or row.members
        goes = self._own in row.members and bool(row.incoming) and self._own not in row.incoming
        all_come = not any(node in before for node in row.incoming)
        self._lingers_for = seen if goes and all_come else None
        self._epoch = row.membership + 1
        self._sides = Sides(row.members, before, row.incoming)
        self._others = [node for node in row.members if node != self._own]
        self._founders = tuple([node for node in before if node != self._own])
        self.read.moved()
        self._name_witnesses()

    def heed(self, keyspace: KeyspaceRow) -> bool:
        """The cluster map says this of the keyspace; whether that is news."""
        counts = (keyspace.write_quorum, keyspace.read_quorum)
        if counts == (self.write.count, self.read.count):
            return False
        self.write.count, self.read.count = counts
        self.read.moved()
        self._name_witnesses()
        return True

    def _name_witnesses(self) -> None:
        """Rule N13 of ``core/gossip``: with a read quorum, what any write quorum had is not to be missed."""
        count = self.read.count if self.read.count > 1 else 0
        self._gossip.witnesses = (self._founders, min(count, len(self._founders)))

    # -- writes ------------------------------------------------------------------------------------

    def kept(self, staying: tuple[NodeId, ...]) -> int:
        """Rule X17: updates here that fewer of those that stay have than a write asks for."""
        kept = self._gossip.kept_from(staying, self.write.count)
        if not kept:
            self._lingers_for = None  # it may be the last that is asked of this member
        return kept

    def lingers(self, staying: tuple[NodeId, ...]) -> bool:
        """Rule X19; once it is False it stays so until the members change again."""
        clock = self._lingers_for
        if clock is not None and not self._gossip.kept_from(staying, 1, clock):
            self._lingers_for = None
        return self._lingers_for is not None

    def look(self) -> None:
        """Rule X16: writes that so many have are answered."""
        write = self.write
        while write and self._held_by(write.first) >= write.count:
            write.finish_first()

    def _held_by(self, dot: Dot) -> int:
        """On so many members' disks is this own update, and all before it."""
        return self._sides.fewest([self._own, *self._gossip.holders(dot, of_epoch=True)])

    # -- reads (Rule X18) --------------------------------------------------------------------------

    def sift(
        self, staged: list[Run], clock: Clock, out: list[tuple[NodeId, FromGroup]], now_ms: Instant
    ) -> list[Run]:
        """What may be run of this turn's runs and of reads that waited; ``clock``: what is seen here."""
        read = self.read
        ready = read.release(clock, now_ms)
        for run in staged:
            if run.writes or read.count == 1:
                ready.append(run)
            else:
                read.add(run, now_ms)
        read.ask(self._others, self._epoch, out, now_ms)
        return ready

    def answer_to(self, message: AskClock) -> TellClock:
        """What is on the disk here."""
        clock = self._gossip.durable.encode()
        return TellClock(message.number, message.incarnation, self._epoch, clock)

    def on_told(self, sender: NodeId, message: TellClock) -> None:
        """A member has told what it has."""
        if message.epoch != self._epoch or sender not in self._others:
            return
        try:
            clock = decode_clock(message.clock)
        except ValueError:
            return
        self._gossip.heard(sender, clock)
        self.read.on_told(sender, message, clock, self._sides)

    # -- time --------------------------------------------------------------------------------------

    def expire(self, now_ms: Instant) -> None:
        """Who has waited for too long is told."""
        self.read.expire(now_ms)
        if self.write:
            self.write.expire(now_ms, self._held_by(self.write.first))

    def go_on_from(self, before: "Tally") -> None:
        """It stands for the group instead of ``before``."""
        self.read.go_on_from(before.read)

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        self.write.fail_all(error)
        for run in self.read.drain():
            run.fail(error, whoever=True)
