"""What one client has seen, in each group of mode ``eventual``, if it asked for that (``CLIENT CAUSAL``).

Source: Terry, Demers, Petersen, Spreitzer, Theimer, Welch: "Session Guarantees for Weakly Consistent
Replicated Data" (1994): a session's read-vector and write-vector. Here they are one clock per group: a call
of either kind waits until the replica has all of it (Rule X12).
"""

from trivet.core.base.ids import GroupId
from trivet.core.lattice.clock import Clock


class Past:
    """Of one client; its runs, and nobody else's, have it."""

    __slots__ = ("clocks", "under_way")

    def __init__(self) -> None:
        self.clocks: dict[GroupId, Clock] = {}
        """By group; a clock is not to be changed, several clients may have it."""
        self.under_way: dict[GroupId, int] = {}
        """Runs that a member of the group has and has not answered (Rule X15)."""

    def join(self, group: GroupId, clock: Clock) -> None:
        """All of ``clock`` was seen, too."""
        known = self.clocks.get(group)
        if known is None or clock.covers(known):
            self.clocks[group] = clock
        elif not known.covers(clock):
            both = known.copy()
            both.join(clock)
            self.clocks[group] = both

    def is_in(self, group: GroupId, clock: Clock) -> bool:
        """Whether ``clock`` has all that was seen in the group."""
        known = self.clocks.get(group)
        return known is None or clock.covers(known)

    def is_carried(self, group: GroupId) -> bool:
        """Whether a member of the group has a run of this client."""
        return group in self.under_way

    def left(self, group: GroupId) -> None:
        """A run goes to a member of the group."""
        self.under_way[group] = self.under_way.get(group, 0) + 1

    def returned(self, group: GroupId) -> None:
        """It is answered, given up or taken back."""
        count = self.under_way.pop(group) - 1
        if count:
            self.under_way[group] = count

    @property
    def parts(self) -> int:
        """What it takes in memory: actors, over all groups."""
        return sum([len(clock.actors) for clock in self.clocks.values()])
