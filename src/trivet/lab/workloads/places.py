"""Places: in which database a workload's keys live, and which of them must share a slot.

Where it stands: between a workload, whose calls and history know nothing of it, and the client's wire. A call
is dressed: its words get the hash tag that keeps keys together which are used together, it goes to the
workload's database, and what the replies say of keys is undressed again.
"""

from collections.abc import Callable, Sequence

from trivet.core.cluster.slots import slot_of
from trivet.lab.history import IN_ORDER, SIDE_BY_SIDE, Outcome, classify
from trivet.lab.resp import OK, Value
from trivet.lab.world.client import Call, Picked

ANY_DATABASE = -1
"""Its calls are about no database, and choose none."""


class Place:
    """Where one workload's keys live."""

    def __init__(self, database: int, together: Sequence[bytes], apart: bool = False) -> None:
        """``together``: how the keys begin that share a slot; none: each where it falls.

        ``apart``: the others may be in several groups, now or later.
        """
        self._apart = apart
        self.database = database
        self._together = tuple(together)
        self._tag = b"{%s}" % self._together[0][:1] if self._together else b""

    def is_plain(self) -> bool:
        """Whether nothing is to be done."""
        return self.database == ANY_DATABASE and not self._together and not self._apart

    def key(self, key: bytes) -> bytes:
        """A key as it stands in the store."""
        return self._tag + key if self._tag and key[:2] in self._together else key

    def dress(self, call: Call, chooses: bool = True) -> Call:
        """``call`` as it goes over the wire; ``chooses`` False: the connection is in the database already."""
        if self.is_plain():
            return call
        wire = [[self.key(word) for word in words] for words in call.wire]
        select = chooses and self.database != ANY_DATABASE
        if select:
            wire.insert(0, [b"SELECT", b"%d" % self.database])
        return Call(
            [list(words) for words in call.commands],
            list(call.keys),
            wire,
            self._picks(call.pick, select),
            self._goes_on(call.then),
            call.final,
            call.hears,
            call.leaves,
            self._lane(call.keys),
        )

    def _lane(self, keys: Sequence[bytes]) -> int:
        """A cluster promises the order of a pipeline for what concerns one group (Rule C1 of the node)."""
        slots = {slot_of(self.key(key)) for key in keys} if self._apart else set()
        return IN_ORDER if not slots else slots.pop() if len(slots) == 1 else SIDE_BY_SIDE

    def _picks(self, pick: Callable[[list[Value]], Picked], select: bool) -> Callable[[list[Value]], Picked]:
        def picked(replies: list[Value]) -> Picked:
            if select and replies[0] != OK:
                # What followed happened where the connection was before. That may be the same database.
                refused = all(classify(reply) is Outcome.FAIL for reply in replies[1:])
                return (Outcome.FAIL if refused else Outcome.INFO), ()
            return pick([self._plain(reply) for reply in replies[1 if select else 0 :]])

        return picked

    def _plain(self, reply: Value) -> Value:
        if not self._tag:
            return reply
        if isinstance(reply, tuple):
            return tuple([self._plain(item) for item in reply])
        return reply.removeprefix(self._tag) if isinstance(reply, bytes) else reply

    def _goes_on(
        self, then: Callable[[tuple[Value, ...]], Call | None] | None
    ) -> Callable[[tuple[Value, ...]], Call | None] | None:
        if then is None:
            return None

        def goes_on(replies: tuple[Value, ...]) -> Call | None:
            follow = then(replies)
            return None if follow is None else self.dress(follow, chooses=False)

        return goes_on
