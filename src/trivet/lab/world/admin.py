"""Orders: what an administrator wants of the cluster, said by a client of its own; and what comes of it.

No history is kept of them: no judge reads them, and whatever becomes of an order, the judges of everything
else must stay silent.
"""

from collections.abc import Callable

from trivet.core.base.prng import Prng
from trivet.lab.history import Outcome
from trivet.lab.resp import ReplyError, Value
from trivet.lab.world.client import Call, Client, Picked
from trivet.lab.world.sometimes import Sometimes

WAITING_MAX = 8


class Orders:
    """The source of the administrator's client."""

    def __init__(self, sometimes: Sometimes) -> None:
        self.client: Client | None = None
        self.birth = 0
        """Of a node that asks to join and is not answered yet; 0: none."""
        self._calls: list[Call] = []
        self._sometimes = sometimes

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        """The oldest order."""
        return [self._calls.pop(0)] if self._calls else []

    def give(self, words: list[bytes], then: Callable[[Value], None] | None = None) -> None:
        """An order, to be said as soon as those before it are answered; ``then`` hears the answer."""
        assert self.client is not None
        if len(self._calls) >= WAITING_MAX:
            return
        self._calls.append(Call([], [], [words], lambda replies: self._answered(words, replies[0], then)))
        self.client.start(1)

    def abandon(self) -> None:
        """Nothing is wanted any more."""
        self._calls.clear()

    def _answered(self, words: list[bytes], reply: Value, then: Callable[[Value], None] | None) -> Picked:
        if then is not None:
            then(reply)
        refused = isinstance(reply, ReplyError)
        name = b" ".join(words[:2] if words[0] == b"CLUSTER" else words[:1]).decode().lower()
        self._sometimes.count(f"order {name} {'refused' if refused else 'taken'}")
        return (Outcome.FAIL if refused else Outcome.OK), ()
