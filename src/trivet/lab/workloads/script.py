"""Scripts: each takes the next number, writes it with its token into a list, and into a hash; others look.

A script is one operation: its three writes are seen together or not at all, numbers have no gap and no
double, and they rise with time. So whatever was acknowledged stands in the list at the place of its number,
and whoever looks sees a number, a length and a last token that belong together.
"""

from collections.abc import Sequence
from typing import Final

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome, classify
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import ReplyError, Value
from trivet.lab.workloads.workload import Base, Context, before
from trivet.lab.world.client import Call, Picked
from trivet.lab.world.options import RunOptions

WRITE: Final = (
    b"local n = redis.call('INCR', KEYS[1] .. ':n') "
    b"redis.call('RPUSH', KEYS[1] .. ':l', n .. ' ' .. ARGV[1]) "
    b"redis.call('HSET', KEYS[1] .. ':h', 'last', ARGV[1], 'number', n) return n"
)
"""Keys beside the one that is declared: any script may use them."""
LOOK: Final = (
    b"return {redis.call('GET', KEYS[1] .. ':n') or '0', redis.call('LLEN', KEYS[1] .. ':l'), "
    b"redis.call('LINDEX', KEYS[1] .. ':l', -1) or '', redis.call('HGET', KEYS[1] .. ':h', 'last') or ''}"
)
ALL: Final = b"return redis.call('LRANGE', KEYS[1] .. ':l', 0, -1)"

_LONG: Final = b"for i = 1, 500000 do end "
"""More instructions than a script of this run may do without being told to go on."""
_LIMITS: Final = [b"CONFIG", b"SET", b"script-instructions-max", b"100000", b"busy-reply-threshold"]

_WRITE_ONE: Final = (
    b"local n = redis.call('HINCRBY', KEYS[1], 'n', 1) "
    b"redis.call('HSET', KEYS[1], 'l' .. n, n .. ' ' .. ARGV[1], 'last', ARGV[1]) return n"
)
_LOOK_ONE: Final = (
    b"local n = redis.call('HGET', KEYS[1], 'n') or '0' "
    b"return {n, math.max(redis.call('HLEN', KEYS[1]) - 2, 0), redis.call('HGET', KEYS[1], 'l' .. n) or '', "
    b"redis.call('HGET', KEYS[1], 'last') or ''}"
)
_ALL_ONE: Final = (
    b"local found = {} for i = 1, tonumber(redis.call('HGET', KEYS[1], 'n') or '0') do "
    b"found[i] = redis.call('HGET', KEYS[1], 'l' .. i) end return found"
)
_ON_ONE: Final = {WRITE: _WRITE_ONE, LOOK: _LOOK_ONE, ALL: _ALL_ONE}
"""The same upon one hash, for registers."""


class Script(Base):
    """``p:`` numbered lists; ``p:0:l`` and its like are made by the scripts."""

    prefixes = (b"p:",)
    weights = ("weight_script",)
    on_registers = True
    together = (b"p:",)
    may_spread = True

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._known: dict[bytes, bytes] = {}
        """Scripts that were loaded, by their text."""
        self._kills = False
        """The next call of whatever client is to kill what runs."""

    def start(self, client: int, prng: Prng) -> Call:
        """Write, look, or write by the script's sum."""
        key = self.key(b"p:", prng)
        if self._kills:
            self._kills = False
            self.count("kills")
            return Call([], [key], [[b"SCRIPT", b"KILL"]])
        roll = prng.below(10)
        if roll < 3:
            self.count("looks")
            word = b"EVAL" if prng.below(2) else b"EVAL_RO"
            return self._run([word, LOOK, b"1", key])
        token = self.fresh(client)
        if roll < 4:
            return self._load(key, token)
        if roll < 6 and self._may_be_long():
            return self._long(key, token, prng)
        if roll < 6 and self._known:
            self.count("by_sum")
            return self._by_sum(key, token)
        self.count("writes")
        return self._run([b"EVAL", WRITE, b"1", key, token])

    def read(self, client: int, prng: Prng) -> Call:
        """Look."""
        key = self.key(b"p:", prng)
        return self._run([b"EVAL_RO", LOOK, b"1", key])

    def _run(self, words: list[bytes], final: bool = False) -> Call:
        """``words`` for the history, and what they stand for on the wire."""
        return Call([words], [words[3]], [[words[0], self._text(words[1]), *words[2:]]], final=final)

    def _text(self, script: bytes) -> bytes:
        return _ON_ONE[script] if self.has_one_key else script

    def _may_be_long(self) -> bool:
        """Over several groups, and on registers, a script runs in one go."""
        return self.options.long_scripts and not (self.options.spread_rate or self.has_one_key)

    def _long(self, key: bytes, token: bytes, prng: Prng) -> Call:
        """One that waits for verdicts, before it has written or amid; or somebody wants that it ends."""
        what = prng.below(6)
        if what == 0:
            self.count("limits")
            return Call([], [key], [[*_LIMITS, b"%d" % (20 + prng.below(400))]])
        self.count("long")
        self._kills = what % 2 == 1
        first, rest = WRITE.split(b" redis.call('RPUSH'", 1)
        text = _LONG + WRITE if what < 4 else first + b" " + _LONG + b"redis.call('RPUSH'" + rest
        told, wire = [[b"EVAL", WRITE, b"1", key, token]], [[b"EVAL", text, b"1", key, token]]
        return Call(told, [key], wire, self._if_not_killed)

    def _if_not_killed(self, replies: list[Value]) -> Picked:
        """Who was killed had written nothing."""
        reply = replies[0]
        if isinstance(reply, ReplyError) and "killed" in reply.text:
            self.count("killed")
            return Outcome.FAIL, ()
        outcome = classify(reply)
        return outcome, ((reply,) if outcome is Outcome.OK else ())

    def _load(self, key: bytes, token: bytes) -> Call:
        def loaded(replies: tuple[Value, ...]) -> Call | None:
            if isinstance(replies[0], bytes):
                self._known[WRITE] = replies[0]
                return self._by_sum(key, token)
            return None

        return Call([], [key], [[b"SCRIPT", b"LOAD", self._text(WRITE)]], then=loaded)

    def _by_sum(self, key: bytes, token: bytes) -> Call:
        told = [b"EVAL", WRITE, b"1", key, token]
        return Call([told], [key], [[b"EVALSHA", self._known[WRITE], b"1", key, token]], _if_known)

    def finals(self) -> list[Call]:
        """The lists, and what a look says."""
        return [
            self._run([b"EVAL_RO", script, b"1", key], final=True)
            for key in self.used
            for script in (ALL, LOOK)
        ]

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each key by itself."""
        by_key: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_key.setdefault(operation.keys[0], []).append(operation)
        return [c for key, operations in by_key.items() for c in judge_script(key.decode(), operations)]


def _if_known(replies: list[Value]) -> Picked:
    """What is not known was not run."""
    reply = replies[0]
    if isinstance(reply, ReplyError):
        indefinite = reply.code() in ("TIMEOUT", "INDEFINITE", "UNKNOWN")
        return (Outcome.INFO if indefinite else Outcome.FAIL), ()
    return Outcome.OK, (reply,)


def judge_script(name: str, operations: Sequence[Operation]) -> list[Complaint]:
    """Complaints about one key; its final reads are among ``operations``."""
    return _Judge(name, operations).judge()


class _Judge:
    def __init__(self, name: str, operations: Sequence[Operation]) -> None:
        self.name = name
        self.complaints: list[Complaint] = []
        scripts = [o for o in operations if o.commands[0][0] in (b"EVAL", b"EVAL_RO")]
        self.writes = {o.commands[0][4]: o for o in scripts if o.commands[0][1] == WRITE}
        known = [o for o in scripts if o.outcome is Outcome.OK]
        self.looks = [o for o in known if o.commands[0][1] == LOOK]
        self.lists = [o for o in known if o.commands[0][1] == ALL]

    def judge(self) -> list[Complaint]:
        done = [o for o in self.writes.values() if o.outcome is Outcome.OK]
        self._numbers(done)
        for look in self.looks:
            self._look(look)
        self._times(done)
        for read in self.lists:
            if not self.complaints:
                self._final(read)
        return self.complaints[:3]

    def _say(self, sentence: str, *operations: Operation) -> None:
        self.complaints.append(
            Complaint("script", f"{self.name}: {sentence}", [o.text() for o in operations])
        )

    def _numbers(self, done: list[Operation]) -> None:
        by_number: dict[Value, Operation] = {}
        for write in done:
            number = write.replies[0]
            if not isinstance(number, int):
                self._say("a script answered no number", write)
            elif number in by_number:
                self._say("two scripts got one number", by_number[number], write)
            by_number[number] = write

    def _look(self, look: Operation) -> None:
        reply = look.replies[0]
        number, length, last, newest = reply if isinstance(reply, tuple) else (None, None, None, None)
        text = last if isinstance(last, bytes) else b""
        place, _, token = text.partition(b" ")
        if not isinstance(number, bytes) or not isinstance(length, int) or length != int(number):
            self._say("a look saw a number and a list that do not belong together", look)
        elif length and (place != number or token != newest):
            self._say("a look saw parts of different scripts", look)
        elif length:
            write = self.writes.get(token)
            if write is None or write.outcome is Outcome.FAIL:
                self._say("a look saw what nobody wrote", look, *([write] if write is not None else []))
            elif before(look, write):
                self._say("a look saw what was written later", write, look)

    def _times(self, done: list[Operation]) -> None:
        """Whoever begins after another has ended sees its number, or gets a higher one."""
        numbered = [(o.return_us, int(str(o.replies[0])), o) for o in done if isinstance(o.replies[0], int)]
        numbered.sort(key=lambda item: item[:2])
        later = [(o.invoke_us, int(str(o.replies[0])) - 1, o) for o in done if isinstance(o.replies[0], int)]
        for look in self.looks:
            reply = look.replies[0]
            if isinstance(reply, tuple) and isinstance(reply[1], int):
                later.append((look.invoke_us, reply[1], look))
        at = 0
        greatest: tuple[int, Operation] | None = None
        for invoke_us, least, operation in sorted(later, key=lambda item: item[0]):
            while at < len(numbered) and numbered[at][0] < invoke_us:
                if greatest is None or numbered[at][1] > greatest[0]:
                    greatest = (numbered[at][1], numbered[at][2])
                at += 1
            if greatest is not None and greatest[0] > least:
                self._say("a later script or look knows nothing of an earlier one", greatest[1], operation)
                return

    def _final(self, read: Operation) -> None:
        reply = read.replies[0]
        items = [item for item in reply if isinstance(item, bytes)] if isinstance(reply, tuple) else []
        places = {token: int(place) for place, _, token in (item.partition(b" ") for item in items)}
        if [int(item.partition(b" ")[0]) for item in items] != list(range(1, len(items) + 1)):
            self._say("the numbers in the list have gaps or doubles", read)
        if len(places) != len(items):
            self._say("a script took effect twice", read)
        for token, write in self.writes.items():
            if write.outcome is Outcome.OK and places.get(token) != write.replies[0]:
                self._say("what a script wrote is not there", write, read)
                return
            if write.outcome is Outcome.FAIL and token in places:
                self._say("a script was refused for certain, yet took effect", write, read)
