"""What every textbook protocol is: a machine that takes letters, timers and requests, and only computes.

Inputs in (``start``, ``on_message``, ``on_timer``, ``on_request``), steps out (``take``). A machine
has no clock (``now_ms`` is told), no chance of its own (a ``Prng`` is handed in) and no network. A step
is atomic: what it keeps in a field marked *durable* is written down when it returns, and the time that
takes is spent before its letters leave (``sync``).
"""

from typing import ClassVar

import msgspec

from trivet.core.base.ids import NodeId


class Letter(msgspec.Struct, frozen=True):
    """One message of a textbook protocol."""

    routine: ClassVar[bool] = False
    """Not worth a line in a story."""

    def kind(self) -> str:
        """What it is called."""
        return type(self).__name__

    def label(self) -> str:
        """What the arrow in a picture says."""
        return self.kind()

    def told(self) -> dict[str, str]:
        """What it holds, for who looks closer."""
        values: dict[str, object] = msgspec.structs.asdict(self)
        return {name: str(value) for name, value in values.items()}


class Send(msgspec.Struct, frozen=True):
    """A letter to ``target``; ``sync``: it leaves when what was written down is durable."""

    target: NodeId
    letter: Letter
    sync: bool = False


class Timer(msgspec.Struct, frozen=True):
    """``on_timer(name)`` after so long, unless the machine crashes before."""

    after_ms: int
    name: str


class Reply(msgspec.Struct, frozen=True):
    """The answer to request ``number``. Not ``ok``: it was not done."""

    number: int
    text: str
    ok: bool = True


class Steps:
    """What a machine asks for, in order of kinds."""

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self.timers: list[Timer] = []
        self.replies: list[Reply] = []
        self.notes: list[str] = []
        """For the picture: what happened here, in words."""


class Machine:
    """The common part. Fields that a subclass calls durable outlive ``start``; it resets the others there."""

    def __init__(self, number: NodeId) -> None:
        self.number = number
        self.role = "idle"
        self.term = 0
        """The ballot or term that the picture shows beside the role; 0: none."""
        self.label = ""
        """Role and term in the protocol's own words, where it has better ones; empty: it has not."""
        self.now_ms = 0
        """The time of the present input, by this machine's clock."""
        self._steps = Steps()

    def start(self) -> None:
        """The first start, or the restart after a crash."""
        raise NotImplementedError

    def on_message(self, sender: NodeId, letter: Letter) -> None:
        """A letter arrives: ``Prepare`` goes to ``_on_prepare``. One without a handler is a bug."""
        name = "".join("_" + c.lower() if c.isupper() else c for c in type(letter).__name__)
        getattr(self, "_on" + name)(sender, letter)

    def on_timer(self, name: str) -> None:
        """A timer that this life has set."""
        raise NotImplementedError

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """A client asks."""
        raise NotImplementedError

    def take(self) -> Steps:
        """What the inputs since the last call ask for."""
        steps, self._steps = self._steps, Steps()
        return steps

    def _send(self, target: NodeId, letter: Letter, sync: bool = False) -> None:
        self._steps.sends.append(Send(target, letter, sync))

    def _timer(self, after_ms: int, name: str) -> None:
        self._steps.timers.append(Timer(after_ms, name))

    def _reply(self, number: int, text: str, ok: bool = True) -> None:
        self._steps.replies.append(Reply(number, text, ok))

    def _note(self, text: str) -> None:
        self._steps.notes.append(text)
