"""One attempt of a proposer to bring operations on one register to an end, and what rounds have in common.

On the path: the proposer has one ``Round`` per key with operations under way, and behind it those that wait.
Rounds that ask the same question at the end of a turn leave together, as one ``Flight``, and most often they
are answered together too: then who has answered is counted once for all of them. As soon as an answer makes a
difference between them the flight is *parted*, and each counts for itself. A round that has come to another
question, or begun anew, has left its flight; so late answers to that do not find it.
"""

from enum import IntEnum
from typing import Final

from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.content import Sealed
from trivet.core.paxos.messages import Accept, Prepare, Read
from trivet.core.paxos.operation import PENDING, Operation

Question = Prepare | Accept | Read


class Phase(IntEnum):
    """What a round waits for."""

    WAITING = 0
    """Time to pass, or the turn to end."""
    READING = 1
    PREPARING = 2
    ACCEPTING = 3


WAITING: Final = Phase.WAITING
READING: Final = Phase.READING
PREPARING: Final = Phase.PREPARING
ACCEPTING: Final = Phase.ACCEPTING
"""For every round: to look a member up in its class takes six times as long."""


_NOBODY: Final[dict[Ballot, int]] = {}
_NOTHING_YET: Final[dict[Ballot, Sealed | None]] = {}
"""Of rounds for which no member counts by itself; nothing is ever put in."""


class Round:
    """Invariants: no member is in both ``mask`` and ``refused``; while accepting there is a ``content``."""

    __slots__ = (
        "agreeing", "content", "contents", "counter", "flight", "held", "is_collecting", "key", "mask",
        "next_counter", "next_mask", "only_reads", "operations", "phase", "position", "queue", "refused",
        "tries", "wait_ticks", "wants_content",
    )  # fmt: skip

    def __init__(self, key: bytes, queue: list[Operation], is_collecting: bool = False) -> None:
        """``is_collecting``: a tombstone is to be brought to every member."""
        self.key = key
        self.queue = queue
        """They wait: for its beginning, and then for its end."""
        self.operations: list[Operation] = []
        """They run together."""
        self.only_reads = True
        """Nothing in it can change the register."""
        self.wants_content = False
        """Somebody wants to see the value."""
        self.is_collecting = is_collecting
        """Every member is needed."""
        self.phase: Phase = WAITING
        self.flight: Flight | None = None
        """With which its question has left; None: it has not, or is answered."""
        self.position = 0
        """In that."""
        self.tries = 0
        self.wait_ticks = 0
        """While it waits: the tick in which it goes on. Of a collection: in which it is given up."""
        self.counter = 0
        """Of the ballot of this try."""
        self.next_counter = 0
        """Of the ballot that is to be promised with the acceptance; 0: none."""
        self.content: Sealed | None = None
        """What is to be accepted; while reading: what this node itself holds, at ``held``."""
        self.held: Ballot = NOTHING
        self.mask = 0
        """Members that have answered, and not refused. This and the following count in parted flights."""
        self.refused = 0
        self.next_mask = 0
        """Members that have promised the next ballot."""
        self.agreeing: dict[Ballot, int] = _NOBODY
        """Accepted ballot -> members that told of it."""
        self.contents: dict[Ballot, Sealed | None] = _NOTHING_YET

    def take(self, count_max: int) -> None:
        """Take of those that wait what runs together.

        That is, in order, and of every origin that changes something one (Rule P8).
        """
        queue = self.queue
        if len(queue) == 1 and queue[0].outcome is PENDING and not self.operations:
            self.operations, self.queue = queue, []  # most are alone
            self.only_reads = queue[0].reads_only
            self.wants_content = queue[0].wants_content
            return
        position = 0
        origins: dict[int, None] = {}
        while position < len(queue) and len(self.operations) < count_max:
            operation = queue[position]
            if operation.outcome is PENDING:
                if not operation.reads_only:
                    if operation.origin in origins:
                        break
                    origins[operation.origin] = None
                    self.only_reads = False
                if operation.wants_content:
                    self.wants_content = True
                self.operations.append(operation)
            position += 1
        self.queue = queue[position:]

    def waits_to_read(self) -> bool:
        """Whether all that waits only reads."""
        for operation in self.queue:  # noqa: SIM110 (busy groups ask it of every round in every turn)
            if not operation.reads_only:
                return False
        return True

    def enter(self, phase: Phase) -> None:
        """A new phase: nobody has answered."""
        self.phase = phase
        self.mask = self.refused = self.next_mask = 0
        self.agreeing, self.contents = _NOBODY, _NOTHING_YET

    def count(self, bit: int, accepted: Ballot, content: Sealed | None, hearsay: bool) -> int:
        """A member tells what it has accepted; who told the same, of those who know it from themselves."""
        self.mask |= bit
        if not self.agreeing:
            self.agreeing, self.contents = {}, {}  # of most rounds nobody asks for them
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
        if self.is_collecting:
            return False
        return all(operation.outcome is not PENDING for operation in self.operations)


class Flight:
    """Rounds whose question has left in one message. Invariant: a round in it has it as its ``flight``."""

    __slots__ = ("is_collecting", "left", "mask", "message", "number", "parted", "phase", "rounds", "ticks")

    def __init__(self, number: int, phase: Phase, rounds: list[Round], message: Question) -> None:
        self.number = number
        self.phase = phase
        self.rounds: list[Round | None] = [*rounds]
        """By position; None: it has left."""
        self.left = len(rounds)
        """So many have not."""
        self.is_collecting = rounds[0].is_collecting
        """As all of them."""
        self.message = message
        """For who does not answer."""
        self.ticks = 0
        """Since it was asked, or asked again."""
        self.mask = 0
        """Members that have answered as all rounds could wish; counts until it is parted."""
        self.parted = phase is PREPARING
        for position, round_ in enumerate(rounds):
            round_.flight = self
            round_.position = position

    def part(self) -> None:
        """Each counts for itself from now on."""
        if self.parted:
            return
        self.parted = True
        reads = self.phase is READING
        mask = self.mask
        for round_ in self.rounds:
            if round_ is None:
                continue
            if reads:
                round_.agreeing = {round_.held: mask}
                round_.contents = {round_.held: round_.content}
                round_.mask = mask
            else:
                round_.mask = round_.next_mask = mask

    def at(self, position: int) -> Round | None:
        """The round there, if it has not left."""
        return self.rounds[position] if position < len(self.rounds) else None

    def land(self) -> list[Round]:
        """It is over for those who have not left: nothing is asked any more."""
        rounds = [round_ for round_ in self.rounds if round_ is not None]
        for round_ in rounds:
            round_.flight = None
            round_.phase = WAITING
        return rounds

    def leave(self, round_: Round) -> None:
        """A round goes on to something else."""
        self.rounds[round_.position] = None
        self.left -= 1
        round_.flight = None
