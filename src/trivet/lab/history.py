"""What happened, as the clients saw it: the only thing most judges ever read.

An operation is invoked, and later returns: ``OK`` with a reply, ``FAIL`` (definitely had no
effect) or ``INFO`` (indefinite: it may have taken effect, may still, or never will).
"""

from enum import IntEnum

import msgspec

from trivet.lab.resp import ReplyError, Value

FOREVER_US = 1 << 62
"""When an indefinite operation returns."""
IN_ORDER = -1
"""The lane of calls whose keys are all in one group as long as they live."""
SIDE_BY_SIDE = -2
"""The lane of calls whose keys may be in several groups: of these no order is promised."""


class Outcome(IntEnum):
    """How an operation ended."""

    PENDING = 0
    OK = 1
    FAIL = 2
    INFO = 3


class Operation(msgspec.Struct):
    """One command, or one transaction of several, by one client."""

    number: int
    client: int
    conn: int
    """0: not known; else what it answered took effect in the order in which it was sent, within a lane."""
    node: int
    commands: tuple[tuple[bytes, ...], ...]
    keys: tuple[bytes, ...]
    invoke_us: int
    return_us: int = FOREVER_US
    outcome: Outcome = Outcome.PENDING
    replies: tuple[Value, ...] = ()
    """One per command when the outcome is OK."""
    final: bool = False
    """Read after the end of all writes."""
    lane: int = IN_ORDER
    """Calls of one connection that may go to several groups share a lane only where they share a slot."""

    def text(self) -> str:
        """One line for people."""
        commands = " ; ".join(b" ".join(command).decode(errors="replace") for command in self.commands)
        end = "…" if self.return_us == FOREVER_US else f"{self.return_us / 1000:.3f}"
        answer = f" -> {', '.join(brief(reply) for reply in self.replies)}" if self.replies else ""
        where = f"op {self.number} client {self.client} node {self.node}"
        return f"[{self.invoke_us / 1000:.3f} .. {end} ms] {where}: {commands} {self.outcome.name}{answer}"


def brief(value: Value) -> str:
    """A reply, readable and short."""
    if isinstance(value, bytes):
        return repr(value[:80])[1:]
    if isinstance(value, tuple):
        return "(" + " ".join(brief(item) for item in value[:20]) + ")"
    if value is None:
        return "nil"
    return str(getattr(value, "text", value))


_INDEFINITE = ("TIMEOUT", "INDEFINITE", "UNKNOWN", "NOREPLICAS")
"""Of ``NOREPLICAS`` it is known that it took effect, and not how long that lasts."""
_OBSERVED = ("ERR", "WRONGTYPE")


def classify(reply: Value) -> Outcome:
    """What a reply says about the command: an ``ERR`` is an answer like any other."""
    if not isinstance(reply, ReplyError) or reply.code() in _OBSERVED:
        return Outcome.OK
    return Outcome.INFO if reply.code() in _INDEFINITE else Outcome.FAIL
