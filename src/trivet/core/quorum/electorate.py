"""Who decides: one set of voters, or two while the membership changes.

On the path: what raft and paxos ask whether something is agreed or won. The
second set is empty except during a joint change (dissertation §4.3), so the
common case is one sort of a short list.
"""

from collections.abc import Mapping

from trivet.core.quorum.majority import Outcome, agreed, agreed_without, tally


class Electorate:
    """The voters of a group: ``incoming`` alone, or together with ``outgoing`` (rule 4).

    Without voters it stands for a group of which nothing is known yet, and decides nothing (rule 6).
    """

    __slots__ = ("incoming", "members", "outgoing")

    def __init__(self, incoming: tuple[int, ...], outgoing: tuple[int, ...] = ()) -> None:
        assert incoming or not outgoing, "a group that changes has voters"
        self.incoming = tuple(sorted(incoming))
        self.outgoing = tuple(sorted(outgoing))
        self.members: tuple[int, ...] = tuple(sorted({*incoming, *outgoing}))
        assert len(self.incoming) == len(set(incoming)), "a voter stands twice in a set"
        assert len(self.outgoing) == len(set(outgoing)), "a voter stands twice in a set"

    def agreed(self, reached: Mapping[int, int]) -> int:
        """The greatest value that every set has agreed on."""
        value = agreed(self.incoming, reached)
        if self.outgoing:
            value = min(value, agreed(self.outgoing, reached))
        return value

    def agreed_without(self, absent: int, reached: Mapping[int, int]) -> int:
        """What every majority with ``absent`` knows of by another voter too, in every set (rule 7)."""
        value = agreed_without(self.incoming, absent, reached)
        if self.outgoing:
            value = min(value, agreed_without(self.outgoing, absent, reached))
        return value

    def tally(self, votes: Mapping[int, bool]) -> Outcome:
        """Won when won in every set, lost when lost in any."""
        outcome = tally(self.incoming, votes)
        if not self.outgoing:
            return outcome
        other = tally(self.outgoing, votes)
        if outcome is Outcome.LOST or other is Outcome.LOST:
            return Outcome.LOST
        if outcome is Outcome.WON and other is Outcome.WON:
            return Outcome.WON
        return Outcome.OPEN
