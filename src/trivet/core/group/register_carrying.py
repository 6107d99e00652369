"""Slots of registers on their way from one group to another, at the node that carries them (Rules M6, M7).

On the path: nowhere. The steward begins it and says to the map what comes of it; the turns of the two groups
drive it, so that after the seal no step waits for the clock.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.cluster.slots import SLOTS
from trivet.core.group.register_keys import slot_of_place
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Ready
from trivet.core.paxos.registers import Registers
from trivet.core.paxos.transfer import State, Transfer

Range = tuple[int, int]

MIDDLE_SAMPLES_MIN: Final = 64
"""With fewer registers nobody knows where the middle is."""
MIDDLE_SAMPLES_MAX: Final = 512


def middle_slot(registers: Registers) -> int:
    """The slot that begins the upper half of the registers held here, about; 0: there are too few."""
    slots = [slot_of_place(place) for place in registers.sample(MIDDLE_SAMPLES_MAX)]
    return sorted(slots)[len(slots) // 2] if len(slots) >= MIDDLE_SAMPLES_MIN else 0


class Carrying:
    """Of one move, by one generation of it."""

    __slots__ = ("_stir", "_wake", "allowance_bytes", "paced", "transfer")

    def __init__(
        self, source: Paxos, target: Paxos, ranges: list[Range], epoch: int, stir: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:  # fmt: skip
        """``epoch``: since which the slots arrive at the target.

        ``stir``: both groups are to have a turn; ``wake``: whoever carries is to look what has come of it.
        """
        leaves = bytearray(SLOTS)
        for first, last in ranges:
            leaves[first : last + 1] = b"\1" * (last + 1 - first)
        self.transfer = Transfer(source, target, lambda place: leaves[slot_of_place(place)] == 1, epoch)
        self.allowance_bytes = 0
        """What may be fetched until the next tick, before the seal (Rule M7)."""
        self.paced = True
        self._stir = stir
        self._wake = wake

    def take(self, ready: Ready) -> None:
        """What a turn of either group has for it."""
        transfer = self.transfer
        for result in ready.listed:
            transfer.on_listed(result)
        for fetched in ready.fetched:
            self.allowance_bytes -= transfer.on_fetched(fetched)
        for operation in ready.adopted:
            transfer.on_adopted(operation)
        self.go_on()

    def seal(self) -> None:
        """The source's members hold the slots as sealed: the last pass begins, as fast as it can."""
        self.paced = False
        self.transfer.seal()
        self.go_on()

    def go_on(self) -> None:
        """Begin what is due."""
        transfer = self.transfer
        before = transfer.state
        transfer.step(self.allowance_bytes if self.paced else 1)
        self._stir()
        if transfer.is_lost or (transfer.state is not before and transfer.state in (State.READY, State.DONE)):
            self._wake()
