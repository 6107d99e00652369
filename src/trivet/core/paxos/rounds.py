"""One attempt of a proposer to bring operations on one register to an end, and the queue before it.

On the path: the proposer has one ``Front`` per key with operations under way, and one ``Round`` for those of
them that run together. Every try has a number of its own, so late answers to an earlier try, or
to an earlier phase under other conditions, find nothing.
"""

from collections import deque
from enum import IntEnum

from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.content import Sealed
from trivet.core.paxos.operation import Operation, Outcome


class Phase(IntEnum):
    """What a round waits for."""

    WAITING = 0
    """Time to pass, or the turn to end."""
    READING = 1
    PREPARING = 2
    ACCEPTING = 3


class Front:
    """Operations on one key that wait for the round before them."""

    __slots__ = ("key", "queue", "round")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.queue: deque[Operation] = deque()
        self.round: Round | None = None

    def take(self, count_max: int) -> list[Operation]:
        """Those that run together: in order, and of every origin that changes something one (Rule P8)."""
        taken: list[Operation] = []
        origins: dict[int, None] = {}
        queue = self.queue
        while queue and len(taken) < count_max:
            operation = queue[0]
            if operation.outcome is Outcome.PENDING:
                if not operation.reads_only:
                    if operation.origin in origins:
                        break
                    origins[operation.origin] = None
                taken.append(operation)
            queue.popleft()
        return taken


class Round:
    """Invariants: no member is in both ``mask`` and ``refused``; while accepting there is a ``content``."""

    __slots__ = (
        "agreeing", "content", "contents", "counter", "front", "key", "mask", "next_counter", "next_mask",
        "operations", "phase", "refused", "round_id", "ticks", "tries", "wait_ticks",
    )  # fmt: skip

    def __init__(self, key: bytes, front: Front | None, operations: list[Operation]) -> None:
        """``front`` None: a tombstone is to be brought to every member."""
        self.key = key
        self.front = front
        self.operations = operations
        self.round_id = 0
        self.phase = Phase.WAITING
        self.tries = 0
        self.ticks = 0
        """Since it began to wait for what it waits for."""
        self.wait_ticks = 0
        self.counter = 0
        """Of the ballot of this try."""
        self.next_counter = 0
        """Of the ballot that is to be promised with the acceptance; 0: none."""
        self.content: Sealed | None = None
        """What is to be accepted."""
        self.mask = 0
        """Members that have answered, and not refused."""
        self.refused = 0
        self.next_mask = 0
        """Members that have promised the next ballot."""
        self.agreeing: dict[Ballot, int] = {}
        """Accepted ballot -> members that told of it."""
        self.contents: dict[Ballot, Sealed | None] = {}

    @property
    def is_collecting(self) -> bool:
        """Every member is needed."""
        return self.front is None

    def enter(self, phase: Phase, round_id: int) -> None:
        """A new phase: nobody has answered."""
        self.phase = phase
        self.round_id = round_id
        self.ticks = 0
        self.mask = 0
        self.refused = 0
        self.next_mask = 0
        self.agreeing = {}
        self.contents = {}

    def count(self, bit: int, accepted: Ballot, content: Sealed | None, hearsay: bool) -> int:
        """A member tells what it has accepted; who told the same, of those who know it from themselves."""
        self.mask |= bit
        agreeing = self.agreeing.get(accepted, 0) | (0 if hearsay else bit)
        self.agreeing[accepted] = agreeing
        if content is not None or accepted not in self.contents:
            self.contents[accepted] = content
        return agreeing

    def best(self) -> Ballot:
        """The highest accepted ballot that was told."""
        best = NOTHING
        for accepted in self.agreeing:
            if accepted > best:
                best = accepted
        return best

    def is_idle(self) -> bool:
        """Nobody waits for its end any more."""
        if self.front is None:
            return False
        return all(operation.outcome is not Outcome.PENDING for operation in self.operations)

    def only_reads(self) -> bool:
        """Nothing in it can change the register."""
        return all(operation.reads_only for operation in self.operations)

    def wants_content(self) -> bool:
        """Somebody wants to see the value."""
        return any(operation.wants_content for operation in self.operations)
