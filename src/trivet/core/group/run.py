"""A run: consecutive commands of one client that are answered together.

The unit between a client's session and a group: work is paid per run, not per command.
"""

from typing import Final, Protocol

from trivet.core.machine.entry import Call
from trivet.core.wire.reply import Error, Reply

SHOWN_BYTES_MAX: Final = 4096
"""Of larger runs nothing is kept once they have left."""


class Waiter(Protocol):
    """What a run belongs to: told once, when the run is done."""

    def run_done(self) -> None:
        """Some run of this waiter has its replies."""
        ...


class Run:
    """Commands of one client for one group, all writes or all reads."""

    __slots__ = (
        "calls", "count", "first", "opener", "patient", "replies", "size_bytes", "tracks", "turn", "waiter",
        "writes",
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
        self.replies: list[Reply] | None = None
        self.turn = 0
        """In which turn of the node it came."""
        self.opener = ""
        """The name of the command that opened it."""
        self.first: list[bytes] | None = None
        """Its first call, when ``calls`` have left and it was short: to show it."""
        self.tracks = False
        """The client wants to be told when what it reads here changes."""

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
            self.waiter.run_done()

    def fail(self, error: Error, whoever: bool = False) -> None:
        """Every call is answered with ``error``, unless the run is patient and not ``whoever``."""
        if self.replies is None and (whoever or not self.patient):
            self.replies = [error] * self.count
            self.waiter.run_done()


def finish_runs(runs: list[Run], replies: list[Reply]) -> None:
    """Hand out the replies of calls that went together."""
    position = 0
    for run in runs:
        run.finish(replies[position : position + run.count])
        position += run.count
