"""One operation on one register that clients of this node want, and what is going on with its key.

On the path: parts of runs gather here; ``register_errands`` begins and ends it (Rules N1 to N5).
"""

from typing import Final

from trivet.core.base.ids import NO_NODE, Instant, NodeId
from trivet.core.base.limits import MIB
from trivet.core.group.register_execution import Execution
from trivet.core.group.register_runs import Part
from trivet.core.machine.register import Task
from trivet.core.wire.reply import Error

TASKS_MAX: Final = 256
CALLS_BYTES_MAX: Final = 1 * MIB
"""Tasks and their calls in one operation (a single larger task goes alone)."""
NO_MAJORITY: Final = Error("CLUSTERDOWN no majority of the members answers; nothing was done")


class Errand:
    """One operation on one register that clients of this node want."""

    __slots__ = (
        "copies", "error", "execution", "has_begun", "here", "in_doubt", "is_due", "is_over", "looks",
        "parts", "place", "reads_only", "retries", "seed", "sent_ms", "sent_to", "seq", "since", "size_bytes",
        "staged_ms", "submissions", "waits_there",
    )  # fmt: skip

    def __init__(self, place: bytes, reads_only: bool, part: Part) -> None:
        self.place = place
        self.reads_only = reads_only
        self.parts = [part]
        self.looks = part.behind_writes
        """Some part is to tell of which version the key is, as of its place among the parts."""
        self.size_bytes = part.size_bytes
        self.staged_ms = part.staged_ms
        self.has_begun = False
        """No more parts join it."""
        self.execution: Execution | None = None
        """Of the copies that were submitted here; None: there were none."""
        self.seq = 0
        self.since = 0
        self.seed = 0
        self.sent_to: NodeId = NO_NODE
        """Who was sent a copy."""
        self.sent_ms: Instant = 0
        self.waits_there = False
        """That copy may still be answered."""
        self.here = False
        """A copy was submitted here."""
        self.copies = 0
        """That have not ended, as far as is known."""
        self.submissions = 0
        """Copies that there ever were of this seq."""
        self.retries = 0
        self.in_doubt = False
        """Some copy may have done it, and nobody will tell (Rule N2)."""
        self.error = NO_MAJORITY
        """What copies that have surely done nothing ended with."""
        self.is_due = False
        """It is to be begun here."""
        self.is_over = False

    @property
    def tasks(self) -> list[Task]:
        """What is to be run, in order."""
        parts = self.parts
        return [parts[0].task] if len(parts) == 1 else [part.task for part in parts]

    def has_room_for(self, part: Part) -> bool:
        """Whether one more may go along."""
        if self.has_begun or len(self.parts) >= TASKS_MAX:
            return False
        if self.looks and not (self.reads_only or part.follows):
            return False  # Rule W3
        return self.size_bytes + part.size_bytes <= CALLS_BYTES_MAX

    def join(self, part: Part) -> None:
        """One more goes along."""
        self.parts.append(part)
        self.looks = self.looks or part.behind_writes
        self.size_bytes += part.size_bytes


class Front:
    """What is going on with one key."""

    __slots__ = ("following", "reading", "reads", "waiting", "writing")

    def __init__(self) -> None:
        self.writing: Errand | None = None
        self.waiting: list[Part] = []
        self.reading: Errand | None = None
        """Not begun."""
        self.reads = 0
        """Operations that only read, under way."""
        self.following = 0
        """Reads that go along with writes (Rule N5)."""

    def is_idle(self) -> bool:
        """Nobody wants anything of the key."""
        return self.writing is None and self.reading is None and not self.waiting and not self.reads

    def reads_alone(self) -> bool:
        """Reads that only read are under way, or about to be."""
        return self.reads > 0 or self.reading is not None

    def takes_along(self, part: Part) -> bool:
        """Whether a read goes along with writes (Rule N5)."""
        if part.before_writes or (part.behind_writes and self.writing is not None):
            return True
        return not self.reads_alone() and (self.following > 0 or bool(self.waiting))
