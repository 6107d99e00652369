"""A lock that is a lease, and the fencing token that makes it safe.

``SET lock value NX PX ttl`` takes the lock, ``INCR`` gives its holder a token, and the holder writes to a
resource with it until it gives the lock back, often long after the lease has run out: a paused process does
not know better. Two holders at a time are therefore possible with any store, and are counted. The resource
refuses tokens below the highest that it has seen: it must never take an older holder's write after a newer's.
On registers, and elsewhere in runs with a ``fence_rate``, the token is the lock's own: ``FENCE``, told with
the grant in one ``MULTI``, and now and then alone.

Complained about: a lock granted twice within one lease, a token given twice or out of order.
"""

from collections.abc import Sequence

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, Value
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, guarded, transaction, watched_read
from trivet.lab.world.options import RunOptions

TTL_MS_MAX = 1_500
LOOK_RATE = 0.2
"""So often a client asks for a number and takes nothing, in runs with a ``fence_rate``."""


class ResourceWrite(msgspec.Struct, frozen=True):
    """One write that reached the resource; ``holding`` tells one grant of the lock from another."""

    holding: bytes
    token: int
    accepted: bool


class Resource:
    """What a lock protects: it knows tokens, and nothing of locks or time."""

    def __init__(self) -> None:
        self.highest = 0
        self.writes: list[ResourceWrite] = []

    def write(self, holding: bytes, token: int) -> bool:
        """Whether the write was accepted: only with the highest token so far, or a higher one."""
        accepted = token >= self.highest
        self.highest = max(self.highest, token)
        self.writes.append(ResourceWrite(holding, token, accepted))
        return accepted


class _Holding(msgspec.Struct, frozen=True):
    place: int
    value: bytes
    token: int


class Lock(Base):
    """``k:`` locks, ``f:`` their tokens."""

    prefixes = (b"k:", b"f:")
    weights = ("weight_lock",)
    on_registers = True

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self.resources = [Resource() for _ in range(options.keys_per_kind)]
        self._held: dict[int, _Holding] = {}
        """By client: what it believes to hold."""
        self._own = Prng(options.seed ^ crc32(b"fences") << 16)
        self._fences = self._own.chance(options.fence_rate)
        """Whether ``FENCE`` gives the tokens of a keyspace that has a log, too."""

    def start(self, client: int, prng: Prng) -> Call:
        """Take a lock; with one in hand write to its resource, or give it back."""
        holding = self._held.get(client)
        if self._fences and self._own.chance(LOOK_RATE):
            lock = self.key(b"k:", self._own)
            return Call([[b"FENCE", lock]], [lock])
        if holding is None:
            return self._take(client, prng)
        key = b"k:%d" % holding.place
        if prng.chance(0.4):
            self._write(holding)
            return Call([[b"GET", key]], [key])
        del self._held[client]
        return self._give_back(key, holding.value)

    def _take(self, client: int, prng: Prng) -> Call:
        place = prng.below(self.options.keys_per_kind)
        value = self.fresh(client)
        lock, fence = b"k:%d" % place, b"f:%d" % place

        def granted(replies: tuple[Value, ...]) -> Call | None:
            if replies[0] != OK:
                self.count("busy")
                return None
            self.count("grants")
            return (
                numbered(replies[1:])
                if self._is_fenced()
                else Call([[b"INCR", fence]], [fence], then=numbered)
            )

        def numbered(replies: tuple[Value, ...]) -> Call | None:
            if isinstance(replies[0], int):
                holding = _Holding(place, value, replies[0])
                self.count("overlaps", sum(other.place == place for other in self._held.values()))
                self._held[client] = holding
                self._write(holding)
            return None

        ttl_ms = b"%d" % prng.between(10, TTL_MS_MAX)
        take = [b"SET", lock, value, b"NX", b"PX", ttl_ms]
        if self._is_fenced():
            call = transaction([take, [b"FENCE", lock]], [lock])
            call.then = granted
            return call
        return Call([take], [lock], then=granted)

    def _is_fenced(self) -> bool:
        return self.has_one_key or self._fences

    def _write(self, holding: _Holding) -> None:
        accepted = self.resources[holding.place].write(holding.value, holding.token)
        self.count("writes" if accepted else "stale_writes_refused")

    def _give_back(self, key: bytes, value: bytes) -> Call:
        def after_read(replies: tuple[Value, ...]) -> Call | None:
            if replies[0] != value:
                self.count("leases_run_out")
                return Call([], [], [[b"UNWATCH"]])
            return guarded([[b"CAD", key, value]], [[b"DEL", key]], [key])

        return watched_read(key, after_read)

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Leases do not overlap, tokens rise, resources see them in order."""
        by_lock: dict[bytes, list[Operation]] = {}
        fences: list[Operation] = []
        for operation in history:
            if operation.keys[0][:2] == b"f:":
                fences.append(operation)
            else:
                by_lock.setdefault(operation.keys[0], []).append(operation)
        complaints, unknown = linearizability.judge(fences)
        context.unknown += unknown
        for key, operations in by_lock.items():
            complaints += judge_lock(key.decode(), operations, context.slack_us)
            complaints += judge_fence(key.decode(), operations)
        for place, resource in enumerate(self.resources):
            complaints += judge_resource(f"k:{place}", resource.writes)
        return complaints


def judge_lock(name: str, operations: Sequence[Operation], slack_us: int) -> list[Complaint]:
    """No two grants that cannot both be: neither was given back, nor ran out, before the other.

    ``CAD key value`` is the history's word for a guarded delete by the holder of ``value``.
    """
    given_back: dict[bytes, Operation] = {}
    for delete in operations:
        if delete.commands[0][0] != b"CAD" or delete.outcome is Outcome.FAIL:
            continue
        if delete.outcome is Outcome.OK and delete.replies[0] != 1:
            return [Complaint("lock", f"{name}: a guarded delete found nothing", [delete.text()])]
        first = given_back.setdefault(delete.commands[0][2], delete)
        if delete.invoke_us < first.invoke_us:
            given_back[delete.commands[0][2]] = delete
    grants = [
        o for o in operations
        if o.commands[0][0] == b"SET" and o.outcome is Outcome.OK and o.replies[0] == OK
    ]  # fmt: skip
    grants.sort(key=lambda o: o.invoke_us)
    for i, second in enumerate(grants):
        for first in reversed(grants[:i]):
            if first.invoke_us + TTL_MS_MAX * 1000 < second.invoke_us:
                break
            if not _may_follow(first, second, given_back, slack_us) and not _may_follow(
                second, first, given_back, slack_us
            ):
                evidence = [o.text() for o in operations if _around(o, first, second)]
                return [Complaint("lock", f"{name}: granted twice within one lease", evidence[:20])]
    return []


def _may_follow(
    first: Operation, second: Operation, given_back: dict[bytes, Operation], slack_us: int
) -> bool:
    """Whether ``second`` may have been granted because ``first`` was over."""
    if second.return_us < first.invoke_us:
        return False
    ttl_us = int(first.commands[0][5]) * 1000
    if second.return_us >= first.invoke_us + ttl_us - slack_us:
        return True
    delete = given_back.get(first.commands[0][2])
    return delete is not None and delete.invoke_us <= second.return_us


def _around(operation: Operation, first: Operation, second: Operation) -> bool:
    end_us = max(first.return_us, second.return_us)
    return operation.invoke_us <= end_us and operation.return_us >= first.invoke_us


def judge_fence(name: str, operations: Sequence[Operation]) -> list[Complaint]:
    """A number told with a grant is above all that were told before, and no number is below one of them."""
    told = [
        (o, int(number), o.replies[0] == OK) for o in operations
        if o.commands[-1][0] == b"FENCE" and o.outcome is Outcome.OK
        and isinstance(number := o.replies[-1], int)
    ]  # fmt: skip
    for one, number, with_grant in told:
        came = "came with a grant" if with_grant else "came without"
        for other, its, with_other in told:
            if other is one:
                continue
            if with_grant and its >= number and other.return_us < one.invoke_us:
                sentence = f"{name}: {its} was told before {number}, which {came}"
            elif its < number and other.invoke_us > one.return_us:
                sentence = f"{name}: {its} was told after {number}, which {came}"
            elif with_grant and its == number and with_other:
                sentence = f"{name}: {number} came with two grants"
            else:
                continue
            return [Complaint("lock", sentence, [one.text(), other.text()])]
    return []


def judge_resource(name: str, writes: Sequence[ResourceWrite]) -> list[Complaint]:
    """Accepted tokens never fall, and no two holders share one."""
    owner: dict[int, bytes] = {}
    highest = 0
    for write in writes:
        holding = owner.setdefault(write.token, write.holding)
        if holding != write.holding:
            return [Complaint("lock", f"{name}: token {write.token} was given to two holders", [])]
        if write.accepted and write.token < highest:
            sentence = f"{name}: the resource accepted token {write.token} after {highest}"
            return [Complaint("lock", sentence, [])]
        highest = max(highest, write.token if write.accepted else 0)
    return []
