"""What is on its way to the disk, and what waits for it.

On the path: between a decision and the messages that may only follow it. Saves are
numbered and finish in order. A message that tells of something not yet durable is
held under the number of the save that will make it so; the driver only reports
numbers. How much of the *present* log is durable is kept here as well: a save that
is under way when entries are overwritten counts only up to the overwritten place,
so a late report cannot acknowledge entries that are no longer there (README rule 4).
"""

from collections import deque

from trivet.core.base.ids import Index, NodeId
from trivet.core.raft.messages import AppendReply, Message


class Outstanding:
    """One save under way: with it the log is durable up to ``last_index``."""

    __slots__ = ("last_index", "save_id")

    def __init__(self, save_id: int, last_index: Index) -> None:
        self.save_id = save_id
        self.last_index = last_index


class Held:
    """One message that waits for a save."""

    __slots__ = ("message", "save_id", "to")

    def __init__(self, save_id: int, to: NodeId, message: Message) -> None:
        self.save_id = save_id
        self.to = to
        self.message: Message = message


class SaveQueue:
    """Saves under way, messages held, and how far the present log is durable."""

    __slots__ = ("_held", "_held_max", "_outstanding", "dirty", "hard_id", "next_id", "saved_id", "stable",
                 "unsaved_from", "waiting_ticks")  # fmt: skip

    def __init__(self, last_index: Index, held_max: int) -> None:
        self.next_id = 1
        self.saved_id = 0
        self.hard_id = 0
        """The save that makes the present term and vote durable."""
        self.dirty = False
        """Something has to go into the next save."""
        self.stable = last_index
        """The present log is durable up to here."""
        self.unsaved_from = last_index + 1
        """The first index that no save has taken yet."""
        self.waiting_ticks = 0
        """How long the oldest save has been under way."""
        self._outstanding: deque[Outstanding] = deque()
        self._held: deque[Held] = deque()
        self._held_max = held_max

    def latest(self) -> int:
        """The save after which everything decided so far is durable."""
        return self.next_id if self.dirty else self.next_id - 1

    def hard_changed(self) -> None:
        """Term or vote changed: the next save makes them durable."""
        self.dirty = True
        self.hard_id = self.next_id

    def overwritten(self, index: Index) -> None:
        """The log is about to lose ``index`` and what follows."""
        last_kept = index - 1
        if self.stable > last_kept:
            self.stable = last_kept
        if self.unsaved_from > index:
            self.unsaved_from = index
        for save in self._outstanding:
            if save.last_index > last_kept:
                save.last_index = last_kept

    def restarted(self, index: Index) -> None:
        """The log was replaced by a snapshot at ``index``; the next save makes that durable."""
        self.stable = 0
        self.unsaved_from = index + 1
        self.dirty = True
        for save in self._outstanding:
            save.last_index = 0

    def hold(self, save_id: int, to: NodeId, message: Message) -> None:
        """Keep ``message`` until ``save_id`` is durable.

        Acknowledgements of one save to one leader become one: the last says the most.
        """
        held = self._held
        if held and isinstance(message, AppendReply) and message.ok:
            last = held[-1]
            if last.save_id == save_id and last.to == to and _says_more(message, last.message):
                last.message = message
                return
        if len(held) < self._held_max:
            held.append(Held(save_id, to, message))

    def started(self, last_index: Index) -> int:
        """A save is handed out that makes the log durable up to ``last_index``; its id."""
        save_id = self.next_id
        self.next_id = save_id + 1
        self.dirty = False
        self.unsaved_from = last_index + 1
        self._outstanding.append(Outstanding(save_id, last_index))
        return save_id

    def finished(self, save_id: int) -> None:
        """The driver reports every save up to ``save_id`` durable."""
        assert save_id < self.next_id, "a save is reported that was never handed out"
        outstanding = self._outstanding
        while outstanding and outstanding[0].save_id <= save_id:
            save = outstanding.popleft()
            if save.last_index > self.stable:
                self.stable = save.last_index
        if save_id > self.saved_id:
            self.saved_id = save_id
            self.waiting_ticks = 0

    def release(self, messages: list[tuple[NodeId, Message]]) -> None:
        """Move what no longer waits to ``messages``, in order."""
        held = self._held
        saved_id = self.saved_id
        while held and held[0].save_id <= saved_id:
            free = held.popleft()
            messages.append((free.to, free.message))

    def tick(self) -> None:
        """Time passes for the oldest save."""
        if self._outstanding:
            self.waiting_ticks += 1

    @property
    def outstanding_count(self) -> int:
        """How many saves are under way."""
        return len(self._outstanding)

    @property
    def held_count(self) -> int:
        """How many messages wait."""
        return len(self._held)


def _says_more(message: AppendReply, before: Message) -> bool:
    """An acknowledgement makes an earlier one of the same term superfluous."""
    return (
        isinstance(before, AppendReply)
        and before.ok
        and before.term == message.term
        and before.index <= message.index
    )
