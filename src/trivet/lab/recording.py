"""What a run looked like, as data: lanes, messages, states, walls, operations. Pictures are drawn from it.

A ``Recorder`` is fed by whatever runs on the simulation (the cluster of real nodes, or a
textbook protocol); without one nothing is kept. Times are virtual, in µs.
"""

from enum import StrEnum

import msgspec

from trivet.lab.history import FOREVER_US, Operation, Outcome, brief

PENDING_US = -1
"""The arrival of a message that has not arrived when the recording ends."""


class Fate(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    DROPPED = "dropped"
    """Lost by the network's chance."""
    BLOCKED = "blocked"
    """A wall between the two swallowed it."""
    LOST = "lost"
    """It was under way when its link or its receiver died."""
    UNDER_WAY = "under way"
    """Still travelling at the end."""


class Lane(msgspec.Struct):
    """One line of the picture: a node, or a client."""

    number: int
    name: str
    kind: str = "node"


class Message(msgspec.Struct):
    """One message between two lanes."""

    number: int
    source: int
    target: int
    sent_us: int
    arrived_us: int = PENDING_US
    """When it arrived, or was seen to be lost."""
    fate: Fate = Fate.UNDER_WAY
    duplicate: bool = False
    """A copy that the network made."""
    delayed: bool = False
    """Held back by a wall, overtaken, or slowed down."""
    frame: bytes = b""
    """The bytes, for a describer to turn into ``kind``, ``label`` and ``fields``; empty in textbook runs."""
    kind: str = ""
    label: str = ""
    fields: dict[str, str] = {}
    routine: bool = False
    """Heartbeats, handshakes, empty acknowledgements: folded away unless asked for."""


class State(msgspec.Struct):
    """From here on a lane has this role; drawn as a coloured band."""

    at_us: int
    lane: int
    role: str
    """Such as leader, follower, candidate, down, paused; or a textbook protocol's own word."""
    term: int = 0
    note: str = ""


class Point(msgspec.Struct):
    """Something that happened at one lane at one moment."""

    at_us: int
    lane: int
    kind: str
    """Such as start, crash, pause, resume, disk, fatal, commit, note."""
    text: str


class Wall(msgspec.Struct):
    """A partition: from ``begun_us`` to ``ended_us`` nothing passed between these pairs (source, target)."""

    begun_us: int
    ended_us: int
    pairs: list[tuple[int, int]]
    text: str


class ClientOperation(msgspec.Struct):
    """What a client asked, when, and what it got."""

    number: int
    client: int
    node: int
    invoke_us: int
    return_us: int
    """``FOREVER_US``: never."""
    text: str
    outcome: str
    """ok, fail or info, as in histories."""
    reply: str = ""
    verdict: str = ""
    """What a judge says of it; empty: nothing."""


class Saying(msgspec.Struct):
    """A judge's complaint, or a story's sentence about a moment."""

    at_us: int
    who: str
    text: str
    operations: list[int] = []
    """Numbers of the operations concerned."""


class Recording(msgspec.Struct):
    """All of it."""

    title: str = ""
    seed: int = 0
    lanes: list[Lane] = []
    messages: list[Message] = []
    states: list[State] = []
    points: list[Point] = []
    walls: list[Wall] = []
    operations: list[ClientOperation] = []
    sayings: list[Saying] = []
    ended_us: int = 0


class Recorder:
    """Takes notes while a run goes on."""

    def __init__(self, title: str = "", seed: int = 0) -> None:
        self.recording = Recording(title=title, seed=seed)
        self._open_walls: dict[int, Wall] = {}
        self._states: dict[int, tuple[str, int]] = {}

    def lane(self, number: int, name: str, kind: str = "node") -> None:
        """A lane exists; lanes are drawn in the order in which they are told."""
        self.recording.lanes.append(Lane(number, name, kind))

    def sent(self, at_us: int, source: int, target: int, frame: bytes = b"") -> Message:
        """A message leaves; the caller tells its fate later, and may describe it at once."""
        message = Message(len(self.recording.messages), source, target, at_us, frame=frame)
        self.recording.messages.append(message)
        return message

    def ends(self, message: Message | None, at_us: int, fate: Fate) -> None:
        """A message arrives, or does not. None: nobody was taking notes when it left."""
        if message is not None and message.fate is Fate.UNDER_WAY:
            message.arrived_us = at_us
            message.fate = fate

    def state(self, at_us: int, lane: int, role: str, term: int = 0, note: str = "") -> None:
        """A lane's role and term as of now; the same again is not noted twice."""
        if self._states.get(lane) != (role, term):
            self._states[lane] = (role, term)
            self.recording.states.append(State(at_us, lane, role, term, note))

    def point(self, at_us: int, lane: int, kind: str, text: str) -> None:
        """Something happens at a lane (0: at none)."""
        self.recording.points.append(Point(at_us, lane, kind, text))

    def wall(self, at_us: int, number: int, pairs: list[tuple[int, int]], text: str) -> None:
        """Wall ``number`` goes up."""
        wall = Wall(at_us, FOREVER_US, list(pairs), text)
        self.recording.walls.append(wall)
        self._open_walls[number] = wall

    def wall_falls(self, at_us: int, number: int) -> None:
        """Wall ``number`` falls; one that is not known does not matter."""
        wall = self._open_walls.pop(number, None)
        if wall is not None:
            wall.ended_us = at_us

    def calm(self, at_us: int) -> None:
        """All walls fall."""
        for number in list(self._open_walls):
            self.wall_falls(at_us, number)
        self.point(at_us, 0, "calm", "all faults end")

    def say(self, at_us: int, who: str, text: str, operations: list[int] | None = None) -> None:
        """A sentence about a moment."""
        self.recording.sayings.append(Saying(at_us, who, text, operations or []))

    def end(self, at_us: int) -> Recording:
        """The run is over: what is open ends now."""
        recording = self.recording
        recording.ended_us = at_us
        for wall in recording.walls:
            wall.ended_us = min(wall.ended_us, at_us)
        return recording


def recorded(operation: Operation) -> ClientOperation:
    """An operation for a picture."""
    return ClientOperation(
        number=operation.number,
        client=operation.client,
        node=operation.node,
        invoke_us=operation.invoke_us,
        return_us=operation.return_us,
        text=" ; ".join(b" ".join(command).decode(errors="replace") for command in operation.commands),
        outcome="info" if operation.outcome is Outcome.PENDING else operation.outcome.name.lower(),
        reply=", ".join(brief(reply) for reply in operation.replies),
    )
