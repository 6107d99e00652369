"""What all groups are taught: ``FUNCTION LOAD`` and its like, in two steps.

- Rule L1: the system group learns first, and its answer is that of the command. What it refuses nobody else
  hears of.
- Rule L2: then all groups learn that are there when it has: what is made later is founded with what the
  system group knows (``steward/housekeeper``). The command is answered when all have answered, so no group
  serves older functions than were acknowledged.
"""

from trivet.core.base.ids import Instant
from trivet.core.group.face import Replica
from trivet.core.machine.checking import NOT_FOUNDED
from trivet.core.machine.entry import Call
from trivet.core.node.front import Front
from trivet.core.node.router import TAUGHT
from trivet.core.node.session import Session
from trivet.core.node.steps import Question, Steps, begin
from trivet.core.wire.reply import Error, Reply

RETRY_MS = 20
_NOT_ALL = Error("TIMEOUT it is done, but some groups have not answered: they may not know it yet")
IN_TRANSACTION = Error(
    "ERR all groups have to learn this, which no transaction can do: say it outside of MULTI"
)


def is_taught(args: list[bytes]) -> bool:
    """Whether all groups have to learn this."""
    subcommands = TAUGHT.get(args[0])
    return subcommands is not None and len(args) > 1 and args[1].upper() in subcommands


def teach(front: Front, session: Session, args: list[bytes]) -> bool:
    """Take such a command; False: park it."""
    return begin(_Teaching(front, session, args), session)


class _Teaching(Steps):
    __slots__ = ("answer", "asked", "call", "until_ms")

    def __init__(self, front: Front, session: Session, args: list[bytes]) -> None:
        super().__init__(front, session, args)
        self.call: Call = (session.db, args)
        self.answer: list[Reply] = []
        self.asked: list[Replica] = []
        self.until_ms: Instant = front.now_ms + front.config.command_timeout_ms

    def start(self) -> None:
        """Rule L1."""
        self.ask([(self.front.system, [self.call])], True, self._learned)

    def _learned(self, replies: list[Reply]) -> None:
        self.answer = replies
        if isinstance(replies[0], Error):
            self.finish(replies)
        else:
            self.wait(self._knows_groups, self._pass_on)  # the map is followed at the end of the turn

    def _knows_groups(self) -> bool:
        return not isinstance(self.front.router.scripted(), Error)

    def _pass_on(self) -> None:
        """Rule L2."""
        groups = self.front.router.scripted()
        if isinstance(groups, Error):
            self.finish([_NOT_ALL])
        else:
            self._tell(groups)

    def _tell(self, groups: list[Replica]) -> None:
        self.asked = groups
        questions: list[Question] = [(group, [self.call]) for group in groups]
        self.ask(questions, True, self._told)

    def _told(self, replies: list[Reply]) -> None:
        """A group may know it already: it was founded with it."""
        known = self.front.replicas.values()
        late = [
            group
            for group, reply in zip(self.asked, replies, strict=True)
            if reply == NOT_FOUNDED and any(group is other for other in known)
        ]
        for reply in replies:
            if isinstance(reply, Error) and reply != NOT_FOUNDED and not reply.text.startswith("ERR "):
                self.finish([_NOT_ALL if reply.text.startswith("CLUSTERDOWN") else reply])
                return
        if not late:
            self.finish(self.answer)
        elif self.front.now_ms >= self.until_ms:
            self.finish([_NOT_ALL])
        else:
            again_ms = self.front.now_ms + RETRY_MS
            self.wait(lambda: self.front.now_ms >= again_ms, lambda: self._tell(late))
