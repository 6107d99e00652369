"""The questions of one proposer: those of the turn, and those in the air.

On the path: rounds put themselves in, the end of the turn makes flights of them, and messages; a flight is in
the air until all its rounds have gone on. What goes to every member is one message object, which the owner
encodes once; what is asked again goes to the silent ones alone.
"""

from collections.abc import Iterator
from itertools import count

from trivet.core.base.ids import NodeId
from trivet.core.paxos.content import size_bytes
from trivet.core.paxos.messages import Accept, Message, Prepare, Read, Remove, RemoveItem
from trivet.core.paxos.rounds import ACCEPTING, PREPARING, READING, WAITING, Flight, Phase, Question, Round

ITEM_BYTES = 32
SLOW_TICKS = 2
"""A flight that has been in the air for so many ticks is slow."""

Out = list[tuple[NodeId, Message]]


class Outbox:
    """Of one proposer."""

    __slots__ = ("_again", "_asking", "_bytes_max", "_numbers", "_removes", "flights", "proposer")

    def __init__(self, proposer: int, bytes_max: int) -> None:
        self.proposer = proposer
        self._bytes_max = bytes_max
        self._numbers = count(1)
        self.flights: dict[int, Flight] = {}
        """In the air, by number."""
        self._asking: dict[tuple[Phase, bool], list[Round]] = {}
        """By their question, and what else makes a difference between flights."""
        self._removes: list[RemoveItem] = []
        self._again: list[tuple[NodeId, Question]] = []

    def ask(self, round_: Round) -> None:
        """The question of its phase, to every member.

        Collections fly alone, since they end later; so do reads that want no content.
        """
        place = _place_of(round_)
        asking = self._asking.get(place)
        if asking is None:
            asking = self._asking[place] = []
        asking.append(round_)

    def withdraw(self, round_: Round) -> None:
        """It waits no more for what it has asked, or was about to ask."""
        flight = round_.flight
        if flight is not None:
            flight.leave(round_)
            if not flight.left:
                del self.flights[flight.number]
        elif round_.phase is not WAITING:
            place = _place_of(round_)
            asking = self._asking[place]
            asking.remove(round_)
            if not asking:
                del self._asking[place]

    def land(self, flight: Flight) -> list[Round]:
        """Its rounds are answered, all at once."""
        del self.flights[flight.number]
        return flight.land()

    def room(self, flights_max: int) -> tuple[bool, bool]:
        """Whether there is room for flights that read, and for such that write.

        Those that take long are in nobody's way.
        """
        reading = writing = 0
        for flight in self.flights.values():
            if flight.ticks < SLOW_TICKS:
                if flight.phase is READING:
                    reading += 1
                else:
                    writing += 1
        return reading < flights_max, writing < flights_max

    def remove(self, item: RemoveItem) -> None:
        """To every member."""
        self._removes.append(item)

    def again(self, to: NodeId, question: Question) -> None:
        """To one that has not answered."""
        self._again.append((to, question))

    def clear(self) -> None:
        """What was gathered for an epoch that is over."""
        self._asking, self._removes, self._again = {}, [], []

    def flush(self, epoch: int, members: tuple[NodeId, ...], out: Out) -> None:
        """Make flights and messages of everything."""
        asking, self._asking = self._asking, {}
        for (phase, apart), rounds in asking.items():
            for portion in self._portions(phase, rounds):
                number = next(self._numbers)
                question = self._question(epoch, number, phase, portion, apart)
                self.flights[number] = Flight(number, phase, portion, question)
                out.extend([(node, question) for node in members])
        if self._removes:
            remove = Remove(self.proposer, epoch, self._removes)
            out.extend([(node, remove) for node in members])
            self._removes = []
        if self._again:
            out.extend(self._again)
            self._again = []

    def _portions(self, phase: Phase, rounds: list[Round]) -> Iterator[list[Round]]:
        """Of ``bytes_max`` each."""
        start = size = 0
        for position, round_ in enumerate(rounds):
            size += ITEM_BYTES + len(round_.key)
            if phase is ACCEPTING and round_.content is not None:
                size += size_bytes(round_.content)
            if size >= self._bytes_max:
                yield rounds[start : position + 1]
                start, size = position + 1, 0
        if start < len(rounds):
            yield rounds[start:] if start else rounds

    def _question(self, epoch: int, number: int, phase: Phase, rounds: list[Round], apart: bool) -> Question:
        keys = [round_.key for round_ in rounds]
        if phase is READING:
            return Read(self.proposer, epoch, number, keys, [round_.held for round_ in rounds], not apart)
        counters = [round_.counter for round_ in rounds]
        if phase is PREPARING:
            return Prepare(self.proposer, epoch, number, keys, counters)
        next_counters = [round_.next_counter for round_ in rounds]
        contents = [round_.content for round_ in rounds if round_.content is not None]
        return Accept(self.proposer, epoch, number, keys, counters, next_counters, contents)


def _place_of(round_: Round) -> tuple[Phase, bool]:
    phase = round_.phase
    return phase, round_.is_collecting or (phase is READING and not round_.wants_content)
