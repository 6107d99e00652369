"""Calls of clients of nodes that hold nothing of a group of mode ``eventual``: to a member, and back.

On the path: a run -> ``Carry`` -> at the member as if its own client had sent it -> ``Carried`` -> replies.

- Rule X1: one member serves this node's clients for as long as the link to it holds: so what a client has
  written it reads, and what it watches is known where its ``EXEC`` comes.
- Rule X2: writes whose answer is lost with the link are in doubt: nothing would keep a second copy from
  counting twice. Reads go to the next member; so do those that wait for one of which nothing comes.
- Rule X8: a network may deliver a message twice, or late. A member takes a write once: it remembers the
  numbers of each sender, and takes none that was sent to an earlier life of its own. So it is asked for its
  life first.
- Rule X15: what a client has seen goes with its calls, which wait at the member as they would here, and what
  it has seen then comes back with the replies. Of such a client one run at a time is under way, so that the
  next one has what the last has brought.
- Rule X3: what a peer sends is limited, per node, in number and bytes; what is too much is refused, and has
  done nothing.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import NO_NODE, GroupId, Instant, NodeId
from trivet.core.base.limits import Limits
from trivet.core.group.eventual_messages import Carried, Carry
from trivet.core.group.face import FromGroup
from trivet.core.group.past import Past
from trivet.core.group.reply_parts import ReplyParts, chunks, encode_bounded
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock, decode_clock
from trivet.core.wire.reply import Error, Reply

ASK_MS: Final = 100
"""A member that does not tell its life is asked again after so long."""
NUMBERS_MAX: Final = 10_000
"""Numbers of one sender that are remembered one by one; of lower ones none is taken any more."""
_NOTHING: Final = Clock()
UNDER_WAY_MAX: Final = 1_000
"""Carries of one node that are under way at a member."""
NOBODY: Final = Error(
    "CLUSTERDOWN no node that holds this database can be reached from here; nothing was done"
)
IN_DOUBT: Final = Error(
    "TIMEOUT the node that was to do it has not said that it did: it may have taken effect, or still may"
)
TOO_LARGE: Final = Error("ERR it was done, but its reply is too large for the way from another node")


class _Sent:
    """A run on its way."""

    __slots__ = ("member", "parts", "run", "seen", "since_ms")

    def __init__(self, run: Run, member: NodeId, since_ms: Instant, bytes_max: int) -> None:
        self.run = run
        self.member = member
        self.since_ms = since_ms
        self.seen = b""
        """What the client has seen then, as the member has said."""
        self.parts = ReplyParts(run.count, bytes_max)


class Carriers:
    """Runs of this node's clients, while it is no member."""

    def __init__(self, group: GroupId, incarnation: int, limits: Limits, timeout_ms: int) -> None:
        """``timeout_ms``: for so long a command may wait."""
        self._group = group
        self._incarnation = incarnation
        self._limits = limits
        self._timeout_ms = timeout_ms
        self._waiting: deque[tuple[Run, Instant]] = deque()
        self._sent: dict[int, _Sent] = {}
        self._last = 0
        self._lives: dict[NodeId, int] = {}
        """Of members, as they have said since their link came."""
        self._again_ms: dict[NodeId, Instant] = {}
        """When a member that was asked for its life, or has refused something, is tried again."""

    @property
    def busy(self) -> bool:
        """Whether some run has no replies yet."""
        return bool(self._waiting or self._sent)

    @property
    def has_writes(self) -> bool:
        """Whether some of them write."""
        return any(one.run.writes for one in self._sent.values()) or any(
            run.writes for run, _ in self._waiting
        )

    @property
    def pending_bytes(self) -> int:
        """Of the writes among them."""
        total = sum([run.size_bytes for run, _ in self._waiting if run.writes])
        return total + sum([one.run.size_bytes for one in self._sent.values() if one.run.writes])

    def stage(self, run: Run, now_ms: Instant) -> None:
        """One more."""
        self._waiting.append((run, now_ms))

    def send(self, member: NodeId, out: list[tuple[NodeId, FromGroup]], now_ms: Instant) -> None:
        """What waits leaves for ``member``, whose life is known; else it waits on (Rule X8)."""
        if member == NO_NODE or not self._waiting:
            return
        if now_ms < self._again_ms.get(member, now_ms):
            return
        life = self._lives.get(member, 0)
        if not life:
            self._again_ms[member] = now_ms + ASK_MS
            out.append((member, Carry(0, self._incarnation, True, [])))
            return
        kept: list[tuple[Run, Instant]] = []
        while self._waiting:
            run, since_ms = self._waiting.popleft()
            if run.past is not None and run.past.is_carried(self._group):
                kept.append((run, since_ms))  # Rule X15
            else:
                out.append((member, self._carry(run, member, since_ms, life, now_ms)))
        self._waiting.extend(kept)

    def _carry(self, run: Run, member: NodeId, since_ms: Instant, life: int, now_ms: Instant) -> Carry:
        self._last += 1
        self._sent[self._last] = _Sent(run, member, since_ms, self._limits.remote_reply_bytes_max)
        calls = list(run.calls)  # it may have to go elsewhere
        after = b""
        past = run.past
        if past is not None:
            past.left(self._group)
            after = past.clocks.get(self._group, _NOTHING).encode()
        left_ms = since_ms + self._timeout_ms - now_ms
        patience_ms = max(1, left_ms - left_ms // 4)  # so that it is told by who knows what became of it
        return Carry(self._last, self._incarnation, not run.writes, calls, life, after, patience_ms)

    def _take(self, number: int) -> _Sent:
        """It is under way no more."""
        sent = self._sent.pop(number)
        if sent.run.past is not None:
            sent.run.past.returned(self._group)
        return sent

    def on_carried(self, sender: NodeId, message: Carried, now_ms: Instant) -> bool:
        """A member's answer; True: it does not take what it was sent now."""
        if message.incarnation != self._incarnation:
            return False
        if message.life > self._lives.get(sender, 0):
            self._lives[sender] = message.life
            self._again_ms.pop(sender, None)
        sent = self._sent.get(message.number)
        if sent is None or sent.member != sender:
            return False
        if message.refused:
            self._take(message.number)
            self._take_back(message.number, sent)
            if not message.life:
                self._again_ms[sender] = now_ms + ASK_MS
            return not message.life
        if message.seen and sent.run.past is not None:
            sent.seen = message.seen
        if sent.parts.add(message.offset, message.total, message.replies):
            self._take(message.number)
            self._finish(sent)
        return False

    def _finish(self, sent: _Sent) -> None:
        """Its replies are there."""
        run = sent.run
        if run.past is not None:
            try:
                run.past.join(self._group, decode_clock(sent.seen))
            except ValueError:
                run.fail(IN_DOUBT if run.writes else NOBODY, whoever=True)
                return
        run.finish(sent.parts.replies)

    def _take_back(self, number: int, sent: _Sent) -> None:
        """It was not run: it goes elsewhere, unless the same client has sent more meanwhile."""
        waiter = sent.run.waiter
        if any(other > number and one.run.waiter is waiter for other, one in self._sent.items()):
            sent.run.fail(NOBODY, whoever=True)
        else:
            self._waiting.appendleft((sent.run, sent.since_ms))

    def lost(self, member: NodeId) -> None:
        """The link broke (Rule X2)."""
        self._lives.pop(member, None)
        self._again_ms.pop(member, None)
        gone = [number for number, one in self._sent.items() if one.member == member]
        for number in reversed(gone):
            sent = self._take(number)
            if sent.run.writes:
                sent.run.fail(IN_DOUBT, whoever=True)
            else:
                self._waiting.appendleft((sent.run, sent.since_ms))

    def silent(self, member: NodeId) -> bool:
        """Nothing comes from there, though the link is up: reads go elsewhere; whether there are any."""
        gone = [number for number, one in self._sent.items() if one.member == member and not one.run.writes]
        for number in reversed(gone):
            sent = self._take(number)
            self._waiting.appendleft((sent.run, sent.since_ms))
        return bool(gone)

    def expire(self, oldest_ms: Instant) -> None:
        """What is older is answered: with a definite error if it never left, or only reads."""
        while self._waiting and self._waiting[0][1] < oldest_ms:
            self._waiting.popleft()[0].fail(NOBODY, whoever=True)
        for number in [number for number, one in self._sent.items() if one.since_ms < oldest_ms]:
            sent = self._take(number)
            sent.run.fail(IN_DOUBT if sent.run.writes else NOBODY, whoever=True)

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        runs = [run for run, _ in self._waiting] + [self._take(number).run for number in list(self._sent)]
        self._waiting.clear()
        for run in runs:
            run.fail(error, whoever=True)

    def drain(self) -> list[Run]:
        """What has not left, in order: this node is a member from now on."""
        runs = [run for run, _ in self._waiting]
        self._waiting.clear()
        return runs


class CarriedRun:
    """Whom a run belongs to that another node has sent (a ``Waiter``)."""

    __slots__ = ("_carriage", "incarnation", "number", "run", "sender", "size_bytes")

    def __init__(
        self, carriage: "Carriage", sender: NodeId, message: Carry, size_bytes: int, past: Past | None
    ) -> None:
        self._carriage = carriage
        self.sender = sender
        self.number = message.number
        self.incarnation = message.incarnation
        self.size_bytes = size_bytes
        self.run = Run(self, not message.reads_only)
        self.run.past = past
        self.run.patience_ms = message.patience_ms

    def run_done(self) -> None:
        """See ``Waiter``."""
        self._carriage.done(self)


class _Heard:
    """Which numbers of one life of a sender were taken (Rule X8)."""

    __slots__ = ("base", "incarnation", "numbers")

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.base = 0
        """This one and all below are not taken any more."""
        self.numbers: dict[int, None] = {}

    def is_first(self, number: int) -> bool:
        """Whether it comes for the first time."""
        if number <= self.base or number in self.numbers:
            return False
        self.numbers[number] = None
        if len(self.numbers) > NUMBERS_MAX:
            newest = sorted(self.numbers)[NUMBERS_MAX // 2 :]
            self.base = newest[0] - 1
            self.numbers = dict.fromkeys(newest)
        return True


class Carriage:
    """Runs that came from nodes without a copy, at a member."""

    def __init__(self, group: GroupId, limits: Limits, life: int) -> None:
        """``life``: of this node, as ``incarnation``."""
        self._group = group
        self._limits = limits
        self._life = life
        self._heard: dict[NodeId, _Heard] = {}
        self._counts: dict[NodeId, tuple[int, int]] = {}
        """Runs and bytes of each node under way here."""
        self._out: list[tuple[NodeId, FromGroup]] = []
        self.taken = 0
        """How many have come and were taken."""

    @property
    def busy(self) -> bool:
        """Whether some are under way."""
        return bool(self._counts)

    def on_carry(self, sender: NodeId, message: Carry, serves: bool) -> Run | None:
        """The run to carry out, if it is taken (Rules X3, X8); ``serves``: this node holds a copy."""
        number, incarnation = message.number, message.incarnation
        if not number:
            self._out.append((sender, Carried(0, incarnation, life=self._life)))
            return None
        if not message.reads_only:
            if message.life != self._life:
                self._out.append((sender, Carried(number, incarnation, refused=True, life=self._life)))
                return None
            if not self._is_first(sender, incarnation, number):
                return None
        size_bytes = sum([64 + sum(map(len, args)) for _, args in message.calls])
        count, total = self._counts.get(sender, (0, 0))
        has_room = count < UNDER_WAY_MAX and (
            not total or total + size_bytes <= self._limits.remote_read_bytes_max
        )
        past, is_clear = self._past_of(message)
        if not (serves and has_room and is_clear and all(call[1] for call in message.calls)):
            self._out.append((sender, Carried(number, incarnation, refused=True)))
            return None
        self.taken += 1
        self._counts[sender] = (count + 1, total + size_bytes)
        run = CarriedRun(self, sender, message, size_bytes, past).run
        for call in message.calls:
            run.add(call, 0)
        run.size_bytes = size_bytes
        return run

    def _past_of(self, message: Carry) -> tuple[Past | None, bool]:
        """What its client has seen (Rule X15); False: that is nonsense."""
        if not message.after:
            return None, True
        past = Past()
        try:
            past.clocks[self._group] = decode_clock(message.after)
        except ValueError:
            return None, False
        return past, True

    def _is_first(self, sender: NodeId, incarnation: int, number: int) -> bool:
        heard = self._heard.get(sender)
        if heard is None or heard.incarnation < incarnation:
            heard = self._heard[sender] = _Heard(incarnation)
        return heard.incarnation == incarnation and heard.is_first(number)

    def done(self, carried: CarriedRun) -> None:
        """Its replies leave at the end of the turn."""
        count, total = self._counts.pop(carried.sender)
        if count > 1:
            self._counts[carried.sender] = (count - 1, total - carried.size_bytes)
        replies: list[Reply] = carried.run.replies or []
        number, incarnation = carried.number, carried.incarnation
        data = encode_bounded(replies, self._limits.remote_reply_bytes_max, TOO_LARGE)
        pieces = chunks(data)
        past = carried.run.past
        seen = b"" if past is None else past.clocks[self._group].encode()
        if len(pieces) == 1:
            self._out.append((carried.sender, Carried(number, incarnation, data, seen=seen)))
            return
        for offset, piece in pieces:
            clock = b"" if offset else seen
            total = len(data)
            self._out.append((carried.sender, Carried(number, incarnation, piece, offset, total, seen=clock)))

    def flush(self, out: list[tuple[NodeId, FromGroup]]) -> None:
        """The messages of this turn."""
        if self._out:
            out.extend(self._out)
            self._out = []
