"""The judge of slots: at no moment do two groups serve one slot, and in the end the map and the groups agree.

Watched from outside, over all groups: each group counts as it is in its newest committed state that anybody
has shown. A slot that is sealed is served by nobody. When the map hands slots over, the group that gets them
has said in its log that everything of them is there, which whoever copied last has brought.
"""

from collections.abc import Callable

from trivet.lab.judges.complaint import Complaint

Ranges = list[tuple[int, int]]


class _Known:
    """The newest state of one group."""

    __slots__ = ("applied", "coming", "served", "stand")

    def __init__(self, applied: int, stand: object, served: int, coming: dict[int, int]) -> None:
        self.applied = applied
        self.coming = coming
        """The moves that bring it slots, and the generation of which everything is there; 0: none so far."""
        self.stand = stand
        self.served = served
        """One byte per slot, as a number: 1 where it is served."""


class SlotJudge:
    """Complaints go to ``complaints``."""

    def __init__(self, complaints: list[Complaint]) -> None:
        self._complaints = complaints
        self._groups: dict[int, _Known] = {}
        self._keyspaces: dict[int, int] = {}
        self._handed: dict[int, tuple[int, int]] = {}

    def map_seen(self, keyspaces: dict[int, int], handed: dict[int, tuple[int, int]]) -> None:
        """The groups of a newer map, and of which keyspace each is; others are no more.

        ``handed``: of moves that were handed over and are not over, the group that gets them, the generation.
        """
        self._keyspaces = keyspaces
        for move, (target, generation) in handed.items():
            known = self._groups.get(target)
            if known is None or move in self._handed:
                continue
            if known.coming.get(move, generation) != generation:
                sentence = f"move {move} is handed over before everything of it is in group {target}"
                self._complaints.append(Complaint("slots", sentence, [f"group {target} at {known.applied}"]))
        self._handed = handed
        for group in [group for group in self._groups if group not in keyspaces]:
            del self._groups[group]

    def observed(
        self, group: int, applied: int, stand: object, served: Callable[[], bytes], coming: dict[int, int]
    ) -> None:
        """A replica has applied all up to ``applied``. When its ``stand`` is as before, so are its slots.

        ``served`` gives a byte per slot, 1 where it is served. ``coming``: the moves that bring others, and
        the generation of which everything is there.
        """
        known = self._groups.get(group)
        if known is not None and applied <= known.applied:
            return
        if known is not None and known.stand == stand:
            known.applied = applied
            known.coming = coming
            return
        number = int.from_bytes(served(), "little")
        self._groups[group] = _Known(applied, stand, number, coming)
        keyspace = self._keyspaces.get(group)
        for other, there in self._groups.items():
            if other == group or keyspace is None or self._keyspaces.get(other) != keyspace:
                continue
            both = number & there.served
            if both:
                slot = ((both & -both).bit_length() - 1) // 8
                self._complaints.append(
                    Complaint(
                        "slots",
                        f"groups {min(group, other)} and {max(group, other)} both serve slot {slot}",
                        [f"group {group} at index {applied}", f"group {other} at index {there.applied}"],
                    )
                )
                return


def disagreement(group: int, by_map: Ranges, served: bytes) -> str:
    """What is wrong when a group at rest does not serve what the map says; empty: nothing."""
    wanted = bytearray(len(served))
    for low, high in by_map:
        wanted[low : high + 1] = b"\x01" * (high + 1 - low)
    if bytes(wanted) == served:
        return ""
    slot = next(slot for slot, place in enumerate(wanted) if place != served[slot])
    by_log = "serves" if served[slot] else "does not serve"
    return f"group {group} {by_log} slot {slot} by its log, and the map says otherwise"
