"""What is on its way to the disk, and the answers that wait for it.

On the path: between a decision of the acceptor and the answer that tells of it (Rule P1). Saves are numbered
and finish in order; the driver only reports numbers. There is at most one save per turn; every register knows
the save that makes it durable, so an answer waits for nothing that it does not tell of.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.messages import Message


class SaveQueue:
    """The numbers of saves, and answers held until saves are durable."""

    __slots__ = ("_held", "_held_max", "dirty", "held_count", "next_id", "saved_id")

    def __init__(self, held_max: int) -> None:
        self.next_id = 1
        self.saved_id = 0
        self.dirty = False
        """Something has to go into the next save."""
        self.held_count = 0
        self._held: dict[int, list[tuple[NodeId, Message]]] = {}
        self._held_max = held_max

    def latest(self) -> int:
        """The save with which everything decided so far is durable."""
        return self.next_id if self.dirty else self.next_id - 1

    def started(self) -> int:
        """A save of everything decided so far is handed out: its number."""
        save_id = self.next_id
        self.next_id = save_id + 1
        self.dirty = False
        return save_id

    def finished(self, save_id: int) -> None:
        """Everything up to ``save_id`` is durable."""
        assert save_id < self.next_id, "a save is reported that was never handed out"
        if save_id > self.saved_id:
            self.saved_id = save_id

    def send(self, save_id: int, to: NodeId, message: Message, out: list[tuple[NodeId, Message]]) -> None:
        """Send ``message`` once ``save_id`` is durable."""
        if save_id <= self.saved_id:
            out.append((to, message))
        elif self.held_count < self._held_max:
            self.held_count += 1
            self._held.setdefault(save_id, []).append((to, message))

    def release(self, out: list[tuple[NodeId, Message]]) -> None:
        """Move what no longer waits to ``out``."""
        if not self.held_count:
            return
        for save_id in sorted(self._held):
            if save_id > self.saved_id:
                return
            messages = self._held.pop(save_id)
            self.held_count -= len(messages)
            out.extend(messages)
