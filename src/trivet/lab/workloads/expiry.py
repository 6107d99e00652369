"""Values with a deadline: never seen after it by the log's time, never lost before it.

Two kinds of keys. ``e:`` are few and change in all ways, deadlines included: judged by linearizability with
time. ``x:`` come in pairs, set in one ``MULTI`` with two deadlines and never again. One ``MULTI`` that reads
both sees one moment of the log's time, whatever the clocks do, so the pair tells even when they jump: the key
with the later deadline outlives the other, both times to live differ as the deadlines do, and what is gone
stays gone.
"""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.workload import Base, Context, before
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions

TTL_MS_MAX = 1_500
PAIRS_LOOKED_AT = 4
"""Of these latest pairs one is read; all of them at the end."""


class Expiry(Base):
    """``e:`` keys that change, ``x:`` pairs that do not."""

    prefixes = (b"e:", b"x:")
    weights = ("weight_expiry",)
    on_registers = True
    together = (b"x:",)

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._pairs = 0

    def start(self, client: int, prng: Prng) -> Call:
        """A new pair, a look at a recent one, or a command on a key that changes."""
        roll = prng.below(10)
        if self.has_one_key:
            return self._change(client, prng)
        if roll < 2 or (roll < 6 and not self._pairs):
            return self._pair(client, prng)
        return self._look(prng, prng.chance(0.3)) if roll < 6 else self._change(client, prng)

    def read(self, client: int, prng: Prng) -> Call:
        """A look at a pair."""
        return self._look(prng) if self._pairs else super().read(client, prng)

    def finals(self) -> list[Call]:
        """The keys that change, and the latest pairs."""
        calls = [self._read_of(key, final=True) for key in self.used if key[:2] == b"e:"]
        latest = range(max(0, self._pairs - PAIRS_LOOKED_AT), self._pairs)
        return calls + [_look(number, final=True) for number in latest]

    def _look(self, prng: Prng, through_log: bool = False) -> Call:
        self.count("looks")
        return _look(max(0, self._pairs - 1 - prng.below(PAIRS_LOOKED_AT)), through_log)

    def _pair(self, client: int, prng: Prng) -> Call:
        number = self._pairs
        self._pairs += 1
        self.count("pairs")
        short_ms = prng.between(1, TTL_MS_MAX)
        long_ms = short_ms + prng.between(1, TTL_MS_MAX)
        short, long = _keys(number)
        value = self.fresh(client)
        commands = [
            [b"SET", key, value, b"PX", b"%d" % ttl_ms]
            for key, ttl_ms in ((short, short_ms), (long, long_ms))
        ]
        return transaction(commands, [short, long])

    def _change(self, client: int, prng: Prng) -> Call:
        key = self.key(b"e:", prng)
        value = self.fresh(client)
        ttl_ms = b"%d" % prng.between(1, TTL_MS_MAX)
        rows = [
            [b"SET", key, value], [b"SET", key, value, b"PX", ttl_ms], [b"PEXPIRE", key, ttl_ms],
            [b"GET", key], [b"GET", key], [b"PERSIST", key], [b"APPEND", key, value],
        ]  # fmt: skip
        return Call([rows[prng.below(len(rows))]], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Keys that change by linearizability with time, pairs by their own judge."""
        changing = [o for o in history if o.keys[0][:2] == b"e:"]
        complaints, unknown = linearizability.judge(changing, context.slack_us)
        context.unknown += unknown
        pairs: dict[bytes, list[Operation]] = {}
        for operation in history:
            if operation.keys[0][:2] == b"x:":
                pairs.setdefault(operation.keys[0], []).append(operation)
        for operations in pairs.values():
            complaints += judge_pair(operations, context.slack_us)
        return complaints


def _keys(number: int) -> tuple[bytes, bytes]:
    return b"x:%d:short" % number, b"x:%d:long" % number


def _look(number: int, through_log: bool = False, final: bool = False) -> Call:
    short, long = _keys(number)
    commands = [[b"GET", short], [b"GET", long], [b"PTTL", short], [b"PTTL", long]]
    keys = [short, long]
    if through_log:
        # A write among them makes the whole transaction an entry of the log, instead of a read beside it.
        keys.append(b"x:writes")
        commands.append([b"INCR", keys[-1]])
    call = transaction(commands, keys)
    call.final = final
    return call


def judge_pair(operations: Sequence[Operation], slack_us: int) -> list[Complaint]:
    """Complaints about one pair: its only write, and all looks at it."""
    creation = next((o for o in operations if o.commands[0][0] == b"SET"), None)
    looks = [o for o in operations if o.commands[0][0] == b"GET" and o.outcome is Outcome.OK]
    if creation is None:
        return []
    for look in looks:
        problem = _impossible(creation, look) or _untimely(creation, look, slack_us)
        if problem:
            return [Complaint("expiry", problem, [creation.text(), look.text()])]
    for place, name in enumerate((b"short", b"long")):
        back = _back_again(creation, looks, place)
        if back:
            sentence = f"the {name.decode()}-lived key was gone, and came back"
            return [Complaint("expiry", sentence, [creation.text(), *(o.text() for o in back)])]
    return []


def _impossible(creation: Operation, look: Operation) -> str:
    """What no moment of the log's time can show."""
    short, long, short_ms, long_ms = look.replies[:4]
    (_, _, value, _, short_ttl), (_, _, _, _, long_ttl) = creation.commands
    seen = [held for held in (short, long) if held is not None]
    if any(held != value for held in seen):
        return "a value that nobody wrote"
    if seen and creation.outcome is Outcome.FAIL:
        return "a write that failed for certain took effect"
    if seen and before(look, creation):
        return "a value was seen before it was written"
    if short is not None and long is None:
        return "the key with the later deadline went first"
    lives: list[tuple[Value, Value, bytes]] = [(short, short_ms, short_ttl), (long, long_ms, long_ttl)]
    for held, left_ms, ttl in lives:
        if not isinstance(left_ms, int) or left_ms < -2 or left_ms > int(ttl):
            return "a time to live beyond the one that was set"
        if left_ms == -1:
            return "a key has lost its deadline"
        if (held is None) != (left_ms == -2):
            return "one moment shows a key both there and gone"
    apart_ms = int(long_ttl) - int(short_ttl)
    if isinstance(short_ms, int) and isinstance(long_ms, int) and 0 < short_ms != long_ms - apart_ms:
        return "the deadlines of a pair have moved apart"
    return ""


def _untimely(creation: Operation, look: Operation, slack_us: int) -> str:
    """Seen too late, or gone too early, by more than the clocks can explain."""
    if creation.outcome is not Outcome.OK:
        return ""
    for place, held in enumerate(look.replies[:2]):
        ttl_us = int(creation.commands[place][4]) * 1000
        if held is not None and look.invoke_us > creation.return_us + ttl_us + slack_us:
            return "a key was seen after its deadline"
        early = look.return_us < creation.invoke_us + ttl_us - slack_us
        if held is None and early and before(creation, look):
            return "a key was lost before its deadline"
    return ""


def _back_again(creation: Operation, looks: Sequence[Operation], place: int) -> list[Operation]:
    """A look that found the key gone after it was there, and a later one that found it again."""
    there = [o for o in looks if o.replies[place] is not None]
    gone = [o for o in looks if o.replies[place] is None]
    known = [creation] if creation.outcome is Outcome.OK else []
    for missing in gone:
        if any(before(o, missing) for o in (*known, *there)):
            again = next((o for o in there if before(missing, o)), None)
            if again is not None:
                return [missing, again]
    return []
