"""The judge of what stands undecided: no intent and no record outlives the return of a majority by much.

Watched from outside, over all groups: each group counts as it is in its newest committed state that anybody
has shown. Time counts only while all groups have a whole majority, and anew from each election.
"""

from typing import Final

from trivet.lab.history import FOREVER_US
from trivet.lab.judges.complaint import Complaint
from trivet.lab.seam import NOTHING_STANDS, Standing

PATIENCE_US: Final = 2_000_000
PRIMARY_PATIENCE_US: Final = 6_000_000
"""Where there are groups of mode ``primary``: who is to replace a primary is found out first, by a clock."""

Place = tuple[str, int, tuple[int, int, int]]


class StandingJudge:
    """Complaints go to ``complaints``."""

    def __init__(self, complaints: list[Complaint], has_primaries: bool = False) -> None:
        self._complaints = complaints
        self._patience_us = PRIMARY_PATIENCE_US if has_primaries else PATIENCE_US
        self._applied: dict[int, int] = {}
        self._standing: dict[int, Standing] = {}
        self._since_us: dict[Place, int] = {}
        self._whole_us = FOREVER_US
        self.longest_us = 0
        """How long something has stood there at most, while time counted."""

    def whole(self, now_us: int) -> None:
        """From then on each group has a majority that is whole, and no leader that can do nothing."""
        self._whole_us = now_us

    def broken(self) -> None:
        """That is not sure any more."""
        self._whole_us = FOREVER_US

    def elected(self, now_us: int) -> None:
        """Some group has another leader, who begins to count anew."""
        if self._whole_us != FOREVER_US:
            self._whole_us = max(self._whole_us, now_us)

    def groups_seen(self, groups: dict[int, int]) -> None:
        """The groups of a newer map; others are no more."""
        for group in [group for group in self._applied if group not in groups]:
            del self._applied[group]
            self._stands(group, NOTHING_STANDS, 0)

    def observed(self, group: int, applied: int, standing: Standing, now_us: int) -> None:
        """A replica has applied all up to ``applied``."""
        if applied > self._applied.get(group, -1):
            self._applied[group] = applied
            if standing != NOTHING_STANDS or group in self._standing:
                self._stands(group, standing, now_us)

    def _stands(self, group: int, standing: Standing, now_us: int) -> None:
        before = self._standing.pop(group, NOTHING_STANDS)
        places = dict.fromkeys(_places(group, standing))
        for place in _places(group, before):
            if place not in places:
                self._since_us.pop(place, None)
        for place in places:
            self._since_us.setdefault(place, now_us)
        if places:
            self._standing[group] = standing

    def look(self, now_us: int) -> None:
        """Whether something stands there too long by now."""
        if now_us <= self._whole_us:
            return
        for (kind, group, number), since_us in self._since_us.items():
            for_us = now_us - max(since_us, self._whole_us)
            self.longest_us = max(self.longest_us, for_us)
            if for_us > self._patience_us:
                sentence = (
                    f"{kind} of transaction {'.'.join(map(str, number))} stands in group {group} for "
                    f"{for_us // 1000} ms, although majorities are there"
                )
                self._complaints.append(Complaint("transactions", sentence, []))
                return


def _places(group: int, standing: Standing) -> list[Place]:
    return [("an intent", group, number) for number in standing.undecided] + [
        ("a record", group, number) for number in standing.decided
    ]
