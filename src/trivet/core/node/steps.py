"""Commands of a client that take several steps: each begins when what was asked before is answered.

Such a command has one place among the session's replies. What the client says next waits for it
(``HELD``), so that it is judged by the map as the command has left it.
"""

from collections.abc import Callable

from trivet.core.base.ids import Instant
from trivet.core.group.face import Replica
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call
from trivet.core.machine.rights import USERS
from trivet.core.node.front import Front
from trivet.core.node.rerouting import put
from trivet.core.node.session import HELD, Session
from trivet.core.wire.reply import Error, Reply

Then = Callable[[list[Reply]], None]
"""The next step: gets the replies to all calls of the one before, in order."""
Question = tuple[Replica, list[Call]]


class Steps(Run):
    """One such command. A subclass is one kind; its first step is ``start``."""

    __slots__ = ("_asked", "_ready", "_then", "deadline_ms", "front")

    def __init__(self, front: Front, session: Session, args: list[bytes]) -> None:
        super().__init__(session, True)
        self.count = 1
        self.first = args
        self.front = front
        self.deadline_ms: Instant = 0
        self._asked: list[Run] = []
        self._then: Then = self.finish
        self._ready: Callable[[], bool] | None = None

    def start(self) -> None:
        """The first step."""
        raise NotImplementedError

    def ask(self, questions: list[Question], writes: bool, then: Then) -> None:
        """Ask the groups, all at once."""
        front = self.front
        self._then = then
        self._asked = [Run(self, writes) for _ in questions]
        for run, (group, calls) in zip(self._asked, questions, strict=True):
            run.epoch = front.map_epoch
            for call in calls:
                run.add(call, sum(map(len, call[1])) + 32)
            put(group, run, front.now_ms)

    def change_map(self, words: list[bytes], then: Then) -> None:
        """Ask the system group for a change of the map."""
        self.ask([(self.front.system, [(0, [b"MAP", *words])])], True, then)

    def catch_up(self, then: Callable[[], None]) -> None:
        """Go on when this node's copy of the map is as new as any reply that a client has had."""

        def caught_up(replies: list[Reply]) -> None:
            if isinstance(replies[0], Error):
                self.finish(replies)
            else:
                self.wait(lambda: True, then)  # the map is followed at the end of the turn

        self.ask([(self.front.system, [(0, [USERS, b"NAMES"])])], False, caught_up)

    def wait(self, ready: Callable[[], bool], then: Callable[[], None]) -> None:
        """Go on when ``ready``, looked at once per turn and tick; or when the time of a command is over."""
        self._ready = ready
        self._then = lambda replies: then()
        self.deadline_ms = self.front.now_ms + self.front.config.command_timeout_ms
        self.front.steps.append(self)

    def look(self) -> bool:
        """Whether what was waited for is over; the next step is done then."""
        assert self._ready is not None
        if not self._ready() and self.front.now_ms < self.deadline_ms:
            return False
        self._then([])
        return True

    def run_done(self) -> None:
        """A group has answered."""
        replies: list[Reply] = []
        for run in self._asked:
            if run.replies is None or run.misrouted:
                return
            replies.extend(run.replies)
        self._asked = []
        self._then(replies)


class MapChange(Steps):
    """A change of the map, and nothing else."""

    __slots__ = ("words",)

    def __init__(self, front: Front, session: Session, args: list[bytes], words: list[bytes]) -> None:
        super().__init__(front, session, args)
        self.words = words

    def start(self) -> None:
        """Ask for it."""
        self.change_map(self.words, self.finish)


def begin(steps: Steps, session: Session) -> bool:
    """Put the command among the session's, and take its first step; False when it must be parked."""
    front = steps.front
    if not session.idle or not front.may_go_on(session, True):
        return False
    steps.turn = front.turn_number
    steps.opener = session.last_command
    session.pending.append(steps)
    session.calls_under_way += 1
    session.vet |= HELD
    steps.start()
    return True


def first_error(replies: list[Reply]) -> Error | None:
    """The first of the replies that is one."""
    for reply in replies:
        if isinstance(reply, Error):
            return reply
    return None
