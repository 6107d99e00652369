"""Queues with consumers that wait: unique jobs in by ``RPUSH``, out by ``BLPOP`` or ``BLMOVE``.

The same must be true as of a queue whose consumers ask again and again: each job is delivered once, and none
is lost but to a consumer whose answer never came. The order is not judged: what was meant for a consumer that
went away comes back, and may then leave after a later job.
Some wait for several queues at once, which may be in several groups.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.queue import judge_queue
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions


class Waiting(Base):
    """``y:`` the jobs that wait, ``g:`` those in hand."""

    prefixes = (b"y:", b"g:")
    weights = ("weight_waiting",)
    together = (b"y:", b"g:")
    may_spread = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {
        b"y:": [b"LRANGE", b"", b"0", b"-1"],
        b"g:": [b"LRANGE", b"", b"0", b"-1"],
    }

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._in_hand: dict[int, list[tuple[bytes, bytes]]] = {}
        """By client: lists of work in hand, and its jobs there."""

    def start(self, client: int, prng: Prng) -> Call:
        """Push, wait for a job, wait for one to take into hand, or finish what is in hand."""
        place = prng.below(self.options.keys_per_kind)
        waiting, working = b"y:%d" % place, b"g:%d" % place
        roll = prng.below(20)
        in_hand = self._in_hand.get(client)
        if roll < 4 and in_hand:
            working, job = in_hand.pop(0)
            self.count("finishes")
            return Call([[b"LREM", working, b"1", job]], [working])
        if roll < 11:
            self.count("pushes")
            push = [b"RPUSH", waiting, self.fresh(client)]
            return transaction([push], [waiting]) if roll == 10 else Call([push], [waiting])
        seconds = b"0.%03d" % prng.between(1, 900)
        if roll < 16:
            self.count("waits")
            queues = [waiting]
            if roll >= 13:
                others = [b"y:%d" % other for other in range(self.options.keys_per_kind) if other != place]
                prng.shuffle(others)
                queues += others[: prng.between(1, 2)]
            return Call([[b"BLPOP", *queues, seconds]], queues)
        self.count("takes")

        def taken(replies: tuple[Value, ...]) -> Call | None:
            if isinstance(replies[0], bytes):
                self._in_hand.setdefault(client, []).append((working, replies[0]))
            return None

        take = [b"BLMOVE", waiting, working, b"LEFT", b"RIGHT", seconds]
        return Call([take], [waiting, working], then=taken)

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each queue by itself."""
        by_place: dict[bytes, list[Operation]] = {}
        for operation in history:
            for place in _places(operation):
                by_place.setdefault(place, []).append(operation)
        return [
            c for place, operations in by_place.items() for c in judge_waiting(place.decode(), operations)
        ]


def judge_waiting(name: str, operations: Sequence[Operation]) -> list[Complaint]:
    """Complaints about one queue: a wait that was answered is a pop at its end."""
    pops = [_as_pop(operation, name.encode()) for operation in operations]
    complaints = judge_queue(name, pops, ordered=False)
    return [Complaint("waiting", complaint.sentence, complaint.evidence) for complaint in complaints]


_AS: Final[dict[bytes, bytes]] = {b"y:": b"q:", b"g:": b"w:"}


def _places(operation: Operation) -> list[bytes]:
    """The queues that the operation is about: of several that it waited for, that which had something."""
    command = operation.commands[0]
    if command[0] == b"BLPOP" and operation.outcome is Outcome.OK:
        reply = operation.replies[0]
        if isinstance(reply, tuple) and isinstance(reply[0], bytes) and reply[0] in command[1:-1]:
            return [reply[0][2:]]
    return [key[2:] for key in (operation.keys if command[0] == b"BLPOP" else operation.keys[:1])]


def _as_pop(operation: Operation, place: bytes) -> Operation:
    """The operation as the judge of this queue would have seen it, had the consumer come just in time."""
    command = operation.commands[0]
    replies = operation.replies
    keys = tuple([_AS[key[:2]] + key[2:] for key in operation.keys])
    if command[0] == b"BLPOP":
        command = (b"LPOP", b"y:" + place)
        keys = (b"q:" + place,)
        if operation.outcome is Outcome.OK and isinstance(replies[0], tuple):
            replies = (replies[0][1],)
    elif command[0] == b"BLMOVE":
        command = (b"LMOVE", *command[1:5])
    return msgspec.structs.replace(operation, commands=(command,), keys=keys, replies=replies)
