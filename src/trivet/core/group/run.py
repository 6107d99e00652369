"""A run: consecutive commands of one client that are answered together.

The unit between a client's session and a group: work is paid per run, not per command.
"""

from typing import Final, Protocol

from trivet.core.group.past import Past
from trivet.core.machine.entry import Call
from trivet.core.wire.reply import Error, NotHere, Reply

SHOWN_BYTES_MAX: Final = 4096
"""Of larger runs nothing is kept once they have left."""


class Waiter(Protocol):
    """What a run belongs to: told once, when the run is done."""

    def run_done(self) -> None:
        """Some run of this waiter has its replies."""
        ...


class Nobody:
    """Waits for runs whose replies concern nobody any more."""

    def run_done(self) -> None:
        """Nothing to do."""


class Run:
    """Commands of one client for one group, all writes or all reads."""

    __slots__ = (
        "calls", "count", "epoch", "first", "misrouted", "opener", "past", "patience_ms", "patient",
        "replies", "sent", "size_bytes", "tracks", "turn", "waiter", "writes",
    )  # fmt: skip

    def __init__(self, waiter: Waiter, writes: bool, patient: bool = False) -> None:
        self.waiter = waiter
        self.patient = patient
        """The node's own business, not a client's: it waits for a majority for as long as that takes."""
        self.writes = writes
        self.calls: list[Call] = []
        self.count = 0
        """How many calls: ``calls`` itself is emptied when they have left."""
        self.size_bytes = 0
        self.sent: list[Call] = []
        """The calls that have left, if some of them have to go elsewhere."""
        self.replies: list[Reply] | None = None
        self.misrouted = 0
        """So many of the replies say that the call's keys are not in that group: nobody is told yet."""
        self.epoch = 0
        """Of the cluster map by which the group was chosen."""
        self.turn = 0
        """In which turn of the node it came."""
        self.opener = ""
        """The name of the command that opened it."""
        self.first: list[bytes] | None = None
        """Its first call, when ``calls`` have left and it was short: to show it."""
        self.tracks = False
        """The client wants to be told when what it reads here changes."""
        self.past: Past | None = None
        """What its client has seen, if that is to count (mode ``eventual``, Rule X12)."""
        self.patience_ms = 0
        """So long it may wait for others (mode ``eventual``); 0: for as long as a command may."""

    def add(self, call: Call, size_bytes: int) -> None:
        """One more command."""
        self.calls.append(call)
        self.count += 1
        self.size_bytes += size_bytes

    def take_calls(self) -> list[Call]:
        """The calls, to leave."""
        calls = self.calls
        if calls and self.size_bytes < SHOWN_BYTES_MAX:
            self.first = calls[0][1]
        self.calls = []
        return calls

    def finish(self, replies: list[Reply]) -> None:
        """The replies, one per call."""
        assert len(replies) == self.count
        if self.replies is None:
            self.replies = replies
            self.sent = []
            self.waiter.run_done()

    def finish_in_part(self, replies: list[Reply]) -> bool:
        """The replies, some of which are ``NotHere``; True: those calls have to go elsewhere.

        The node's own business (``patient``) sees to that itself.
        """
        assert len(replies) == self.count
        if self.replies is not None:
            return False
        self.replies = list(replies)
        self.misrouted = 0 if self.patient else sum([type(reply) is NotHere for reply in replies])
        if not self.misrouted:
            self.sent = []
            self.waiter.run_done()
        return self.misrouted > 0

    def put_right(self, position: int, reply: Reply) -> None:
        """A call that had to go elsewhere is answered."""
        assert self.replies is not None and type(self.replies[position]) is NotHere
        self.replies[position] = reply
        self.misrouted -= 1
        if not self.misrouted:
            self.sent = []
            self.waiter.run_done()

    def fail(self, error: Error, whoever: bool = False) -> None:
        """Every call is answered with ``error``, unless the run is patient and not ``whoever``."""
        if self.replies is None and (whoever or not self.patient):
            self.replies = [error] * self.count
            self.waiter.run_done()


def finish_runs(runs: list[Run], replies: list[Reply], misrouted: list[Run] | None = None) -> None:
    """Hand out the replies of calls that went together.

    Runs with a ``NotHere`` among them are added to ``misrouted``; None: there can be none.
    """
    position = 0
    for run in runs:
        part = replies[position : position + run.count]
        position += run.count
        if misrouted is None:
            run.finish(part)
        elif run.finish_in_part(part):
            misrouted.append(run)
