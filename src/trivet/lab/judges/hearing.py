"""The judge of who is held dead: nobody who lives, and whom somebody hears that the leader hears.

Watched from outside: which nodes run undisturbed, between which of them both links are whole, and for how
long. The leader of the system group replaces whom it has held dead for the time of grace; if by then that
node, a third one and the leader have been in touch all the time, it was wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from trivet.lab.judges.complaint import Complaint
from trivet.lab.seam import Hearing

SLACK_US: Final = 500_000
"""Looks are some time apart, and so are beats."""
DRIFT_PERCENT: Final = 5
"""Clocks may run so much too fast, at most."""

UNREACHABLE: Final = "a node that lives, and that the leader of the system group does not hear"


class HearingJudge:
    """Complaints go to ``complaints``."""

    def __init__(self, grace_ms: int, complaints: list[Complaint], count: Callable[[str], None]) -> None:
        """``count`` says what was reached."""
        self._grace_ms = grace_ms
        self._complaints = complaints
        self._count = count
        self._whole_us: dict[tuple[int, int], int] = {}
        """Since when two nodes have been in touch."""
        self._unreachable: dict[int, None] = {}

    def look(self, now_us: int, hearings: Mapping[int, Hearing], links: Iterable[tuple[int, int]]) -> None:
        """``hearings``: of the nodes that run undisturbed; ``links``: those that are whole, each one way."""
        open_links = dict.fromkeys(links)
        whole: dict[tuple[int, int], int] = {}
        for one, other in open_links:
            if (other, one) in open_links and _know(hearings, one, other):
                whole[one, other] = self._whole_us.get((one, other), now_us)
        self._whole_us = whole
        for leader, hearing in hearings.items():
            for node, for_ms in hearing.dead_ms.items():
                if for_ms >= self._grace_ms:
                    self._look_at(now_us, leader, node, for_ms, list(hearings))
            for node in hearing.unreachable:
                if node not in self._unreachable:
                    self._count(UNREACHABLE)
            if hearing.leads:
                self._unreachable = dict.fromkeys(hearing.unreachable)

    def _look_at(self, now_us: int, leader: int, node: int, for_ms: int, others: list[int]) -> None:
        since_us = now_us - for_ms * (1000 + 10 * DRIFT_PERCENT) - SLACK_US
        for other in others:
            from_us = max(self._whole_us.get(pair, now_us) for pair in ((node, other), (other, leader)))
            if from_us <= since_us:
                sentence = (
                    f"node {node} is held dead for {for_ms} ms by node {leader}, which replaces it, although "
                    f"it lives, and node {other} has been in touch with both for longer"
                )
                self._complaints.append(Complaint("hearing", sentence, []))
                return


def _know(hearings: Mapping[int, Hearing], one: int, other: int) -> bool:
    """Both run undisturbed, and each is in the other's map."""
    here, there = hearings.get(one), hearings.get(other)
    return here is not None and there is not None and other in here.nodes and one in there.nodes
