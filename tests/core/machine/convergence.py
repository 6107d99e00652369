"""Replicas of mode ``eventual`` without a network, and calls drawn for them."""

from trivet.core.access.users import Users
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS, Context
from trivet.core.lattice.cell import Cell
from trivet.core.lattice.delta import DEADLINE, Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.key_state import cell_of, cells_of
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.convergent import Convergent
from trivet.core.machine.convergent_values import shown_deadline, shown_value
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import pair_of
from trivet.core.wire.reply import Error, Members, Reply, Simple

START_MS = 1_700_000_000_000
DB = 3


def plain(value) -> object:
    """What clients see of a value, in a form that compares."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, Set):
        return set(value.members())
    if isinstance(value, Hash | SortedSet):
        return dict(value.items())
    if isinstance(value, List):
        return value.between(0, len(value))
    assert isinstance(value, Stream)
    return value.between(0, value.last_id), value.last_id


class Replica:
    def __init__(self, node: int) -> None:
        self.node = node
        self.lattice = Lattice()
        self.executor = Convergent(self.lattice, node, node << 44 | 1, Hlc(), Users(), DB)
        self.now_ms = START_MS
        self.waiting: list[Delta] = []

    def run(self, *calls: list[bytes], seed: int = 1) -> tuple[list[Reply], list[Delta]]:
        made: list[Delta] = []
        replies = self.executor.run([(DB, args) for args in calls], self.now_ms, seed, made)
        return replies, made

    def say(self, line: str) -> tuple[Reply, list[Delta]]:
        replies, made = self.run(line.encode().split())
        return replies[0], made

    def hear(self, delta: Delta) -> None:
        assert self.executor.hlc.observe(delta.stamp, delta.stamp >> 16)
        self.waiting.append(delta)
        moved = True
        while moved:
            moved = False
            for one in list(self.waiting):
                if not self.lattice.awaits(one):
                    self.waiting.remove(one)
                    is_known = self.lattice.clock.has(one.actor, one.number)
                    if is_known or not self.executor.merge_plain(one):
                        self.executor.merge(one)
                    moved = True

    def hear_state(self, other: "Replica", key: bytes) -> None:
        """What another one holds of a key."""
        lattice = other.lattice
        self.executor.merge_state(key, lattice.encoded(key), lattice.context(key).copy())

    def shown(self) -> dict[bytes, object]:
        view = self.executor.view
        return {key: plain(view.values.get(key)) for key in view.values}

    def check(self) -> None:
        """Rule V2."""
        view = self.executor.view
        for key in dict.fromkeys([*view.values, *self.lattice.held()]):
            value, places = shown_value(self.lattice.state(key))
            assert plain(view.values.get(key)) == plain(value), key
            deadline_ms = shown_deadline(cell_of(self.lattice.state(key), (DEADLINE, b"")))
            assert view.deadline_ms(key) == (-1 if value is None else deadline_ms), key
            if isinstance(value, List):
                assert self.executor._places.of(key, self.lattice).all() == places, key


class Oracle:
    """The same commands on an ordinary database."""

    def __init__(self) -> None:
        self.databases = Databases()
        self.context = Context(self.databases)
        self.context.db = self.databases.open(DB)
        self.context.db_index = DB

    def run(self, args: list[bytes], now_ms: int, seed: int) -> Reply:
        self.databases.set_now(now_ms)
        self.context.now_ms = now_ms
        self.context.prng = Prng(seed)
        reply = ROWS[args[0]].run(self.context, args)
        for key in KEYS:
            value = self.context.db.get(key)
            if isinstance(value, Stream) and not len(value):
                self.context.db.remove(key)  # no stream without entries there
        return reply


KEYS = [b"a", b"b"]


def converse(text: str) -> None:
    """Replicas by letters. ``A SADD s x``: it is said to A; ``A SMEMBERS s -> x``: and answered so.

    ``meet``: all hear all; ``meet A B``: these two. ``ms 5``: time passes.
    """
    replicas: dict[str, Replica] = {}
    sent: dict[str, list[Delta]] = {}
    for line in text.strip().splitlines():
        said, _, expected = line.partition("->")
        who, *words = said.split()
        if not who or who == "#":
            continue
        if who == "meet":
            names = words or list(replicas)
            for one in names:
                for other in names:
                    for delta in sent[other]:
                        replicas[one].hear(delta)
            for one in names:
                replicas[one].check()
            if not words:
                check_same(list(replicas.values()))
        elif who == "ms":
            for replica in replicas.values():
                replica.now_ms += int(words[0])
        elif who == "sweep":
            for one in words:
                sent[one].extend(replicas[one].executor.sweep(replicas[one].now_ms, 100))
        else:
            for one in who:
                if one not in replicas:
                    replicas[one] = Replica(ord(one) - 64)
                    sent[one] = []
                reply, made = replicas[one].say(" ".join(words))
                sent[one].extend(made)
                replicas[one].check()
                if expected:
                    assert spoken(reply) == expected.strip(), (line, spoken(reply))


def spoken(reply: object) -> str:
    if isinstance(reply, Error):
        return reply.text
    if reply is None:
        return "nil"
    if isinstance(reply, Simple):
        return reply.text
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, Members):
        return " ".join(sorted(spoken(one) for one in reply.items))
    if isinstance(reply, dict):
        return " ".join(spoken(part) for pair in sorted(reply.items()) for part in pair)
    if isinstance(reply, list):
        return " ".join(spoken(one) for one in reply)
    return str(reply)


def check_same(replicas: list[Replica]) -> None:
    """They hold the same, to the byte, and show the same."""
    first = replicas[0]
    first_held = {key: first.lattice.encoded(key) for key in sorted(first.lattice.held())}
    for other in replicas[1:]:
        assert {key: other.lattice.encoded(key) for key in sorted(other.lattice.held())} == first_held
        assert other.lattice.tree.root == first.lattice.tree.root
        assert other.shown() == first.shown()
        for key in first.executor.view.values:
            assert dumped(other, key) == dumped(first, key)


def dumped(replica: Replica, key: bytes) -> Reply:
    """``DUMP`` of the key as a replica would show it that has just started: in no order but that of names."""
    fresh = Convergent(replica.lattice, 99, 99 << 44 | 1, Hlc(), Users(), DB)
    made: list[Delta] = []
    return fresh.run([(DB, [b"DUMP", key])], START_MS, 1, made)[0]


def _saved() -> list[bytes]:
    """What ``DUMP`` gives of a value of each type."""
    oracle = Oracle()
    for line in (
        "SET s text", "RPUSH l x y x", "SADD m x y", "HSET h x 1 y 2", "ZADD z 1 x 2 y",
        "HSET t x 1 y 2", "HPEXPIRE t 1000 FIELDS 1 x",
    ):  # fmt: skip
        oracle.run(line.encode().split(), START_MS, 1)
    return [oracle.run([b"DUMP", key], START_MS, 1) for key in (b"s", b"l", b"m", b"h", b"z")]


SAVED = _saved()
FAMILIES = [
    {
        b"SET", b"APPEND", b"SETRANGE", b"GETDEL", b"GETEX", b"INCR", b"DECR", b"INCRBY", b"DECRBY",
        b"INCRBYFLOAT", b"PEXPIRE", b"PERSIST", b"MSET", b"SETNX", b"GETSET", b"DEL",
    },
    {b"SETBIT", b"BITFIELD", b"DEL", b"PEXPIRE"},
    {b"PFADD", b"DEL", b"PEXPIRE"},
    {b"SADD", b"SREM", b"SPOP", b"DEL", b"PEXPIRE"},
    {b"HSET", b"HSETNX", b"HDEL", b"HINCRBY", b"HINCRBYFLOAT", b"HGETDEL", b"PERSIST", b"DEL", b"RESTORE"},
    {
        b"ZADD", b"ZINCRBY", b"ZREM", b"ZPOPMIN", b"ZPOPMAX", b"ZREMRANGEBYRANK", b"ZREMRANGEBYSCORE",
        b"ZREMRANGEBYLEX", b"ZMPOP", b"GEOADD", b"DEL",
    },
    {
        b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX", b"LPOP", b"RPOP", b"LSET", b"LINSERT", b"LREM", b"LTRIM",
        b"LMPOP", b"LRANGE", b"RESTORE", b"PEXPIRE",
    },
    {b"LPUSH", b"RPUSH", b"LSET", b"LINSERT", b"LREM", b"LPOP"},
    {b"XADD", b"XTRIM", b"XDEL", b"XLEN", b"PEXPIRE"},
    {b"SADD", b"HSET", b"LPUSH", b"ZADD", b"SET", b"XADD", b"DEL", b"RESTORE", b"SREM", b"HDEL", b"EXPIREAT"},
]  # fmt: skip
"""Types, and one world in which they meet."""
WORDS = [b"x", b"y", b"z", b"7", b"-3", b"2.5", b""]
NUMBERS = [b"1", b"-4", b"10", b"0"]


def draw(prng: Prng, favour: int, replica: "Replica") -> list[bytes]:
    """A call of any family that a replica of this mode takes; mostly of one, which ``favour`` decides."""
    key = KEYS[prng.below(len(KEYS))]

    value = replica.executor.view.get(key)
    ids = (
        [b"%d-%d" % pair_of(one[0]) for one in value.between(0, value.last_id)]
        if isinstance(value, Stream)
        else []
    )

    def entry() -> bytes:
        return ids[prng.below(len(ids))] if ids else b"7-7"

    def word() -> bytes:
        return WORDS[prng.below(len(WORDS))]

    def number() -> bytes:
        return NUMBERS[prng.below(len(NUMBERS))]

    def words() -> list[bytes]:
        return [word() for _ in range(1 + prng.below(3))]

    def score() -> bytes:
        return [b"1", b"2.5", b"-3", b"1e3", b"0.1"][prng.below(5)]

    calls = [
        lambda: [b"SET", key, word()],
        lambda: [b"SET", key, word(), b"PX", b"%d" % (1 + prng.below(2000))],
        lambda: [b"SET", key, word(), [b"NX", b"XX", b"KEEPTTL", b"GET"][prng.below(4)]],
        lambda: [b"APPEND", key, word()],
        lambda: [b"SETRANGE", key, b"%d" % prng.below(6), word()],
        lambda: [b"GETDEL", key],
        lambda: [b"GETEX", key, b"PX", b"%d" % (1 + prng.below(1000))],
        lambda: [[b"INCR", b"DECR"][prng.below(2)], key],
        lambda: [[b"INCRBY", b"DECRBY"][prng.below(2)], key, number()],
        lambda: [b"INCRBYFLOAT", key, [b"0.5", b"-1.25", b"0.1", b"3"][prng.below(4)]],
        lambda: [b"SETBIT", key, b"%d" % prng.below(20), b"%d" % prng.below(2)],
        lambda: [b"PFADD", key, *words()],
        lambda: [b"MSET", KEYS[0], word(), KEYS[1], word()],
        lambda: [b"DEL", key],
        lambda: [b"UNLINK", *KEYS],
        lambda: [b"PEXPIRE", key, b"%d" % prng.below(1500)],
        lambda: [b"PERSIST", key],
        lambda: [b"SADD", key, *words()],
        lambda: [b"SREM", key, *words()],
        lambda: [b"SPOP", key],
        lambda: [b"SPOP", key, b"2"],
        lambda: [b"HSET", key, word(), word(), word(), word()],
        lambda: [b"HSETNX", key, word(), word()],
        lambda: [b"HDEL", key, *words()],
        lambda: [b"HINCRBY", key, word(), number()],
        lambda: [b"HINCRBYFLOAT", key, word(), b"0.1"],
        lambda: [b"ZADD", key, score(), word(), score(), word()],
        lambda: [b"ZADD", key, [b"NX", b"XX", b"GT", b"LT"][prng.below(4)], score(), word()],
        lambda: [b"ZADD", key, b"INCR", score(), word()],
        lambda: [b"ZINCRBY", key, score(), word()],
        lambda: [b"ZREM", key, *words()],
        lambda: [[b"ZPOPMIN", b"ZPOPMAX"][prng.below(2)], key],
        lambda: [b"ZREMRANGEBYRANK", key, b"0", b"%d" % prng.below(3)],
        lambda: [[b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"][prng.below(4)], key, *words()],
        lambda: [[b"LPOP", b"RPOP"][prng.below(2)], key],
        lambda: [b"LPOP", key, b"2"],
        lambda: [b"LSET", key, b"%d" % prng.below(3), word()],
        lambda: [b"LINSERT", key, [b"BEFORE", b"AFTER"][prng.below(2)], word(), word()],
        lambda: [b"LREM", key, b"%d" % (prng.below(4) - 2), word()],
        lambda: [b"LTRIM", key, b"%d" % (prng.below(4) - 2), b"%d" % (prng.below(6) - 2)],
        lambda: [b"GEOADD", key, b"13.3", b"38.1", word()],
        lambda: [b"EXPIREAT", key, b"1"],
        lambda: [b"LMPOP", b"2", *KEYS, [b"LEFT", b"RIGHT"][prng.below(2)]],
        lambda: [b"ZMPOP", b"2", *KEYS, [b"MIN", b"MAX"][prng.below(2)], b"COUNT", b"2"],
        lambda: [b"SET", key, word(), b"EX", b"5", b"KEEPTTL"],
        lambda: [b"LRANGE", key, b"0", b"-1"],
        lambda: [b"SET", key, word(), b"PXAT", b"1"],
        lambda: [b"SETNX", key, word()],
        lambda: [b"GETSET", key, word()],
        lambda: [b"BITFIELD", key, b"INCRBY", b"u8", b"%d" % prng.below(20), b"3"],
        lambda: [b"INCRBYFLOAT", key, b"-0"],
        lambda: [b"ZINCRBY", key, b"-0", word()],
        lambda: [b"ZINCRBY", key, [b"inf", b"1e300", b"1e-300"][prng.below(3)], word()],
        lambda: [b"HINCRBYFLOAT", key, word(), [b"0.1", b"1e20", b"-0", b"3.0e3"][prng.below(4)]],
        lambda: [b"HGETDEL", key, b"FIELDS", b"2", word(), word()],
        lambda: [b"ZREMRANGEBYSCORE", key, b"-inf", score()],
        lambda: [b"ZREMRANGEBYLEX", key, b"[x", b"[y"],
        lambda: [b"RESTORE", key, b"%d" % prng.below(900), SAVED[prng.below(len(SAVED))], b"REPLACE"],
        lambda: [
            b"SET",
            key,
            [b"0.1234567890123456789", b"-0", b"1e5", b"9223372036854775807"][prng.below(4)],
        ],
    ]
    calls += [
        lambda: [b"XADD", key, b"*", word(), word()],
        lambda: [b"XADD", key, b"NOMKSTREAM", b"MAXLEN", b"3", b"*", word(), word()],
        lambda: [b"XADD", key, b"MAXLEN", b"=", b"4", b"*", word(), word()],
        lambda: [b"XADD", key, b"%d-*" % (START_MS + prng.below(9000)), word(), word()],
        lambda: [b"XADD", key, b"%d-%d" % (START_MS + prng.below(9000), prng.below(4)), word(), word()],
        lambda: [b"XTRIM", key, b"MAXLEN", b"2"],
        lambda: [b"XTRIM", key, b"MINID", b"%d" % (START_MS + prng.below(4000))],
        lambda: [b"XDEL", key, entry(), entry()],
        lambda: [b"XLEN", key],
    ]
    family = FAMILIES[favour % len(FAMILIES)]
    while True:
        args = calls[prng.below(len(calls))]()
        if args[0] in family or prng.chance(0.02):
            return args


def alone(seed: int, steps: int = 150) -> None:
    """One replica answers, and shows, what an ordinary database does."""
    prng = Prng(seed)
    replica, oracle = Replica(1), Oracle()
    for step in range(steps):
        args = draw(prng, seed, replica)
        replica.now_ms += prng.below(300)
        replies, made = replica.run(list(args), seed=step)
        if args[0] == b"XADD" and isinstance(replies[0], bytes):  # Rule V5: it gives other ids
            args = [replies[0] if one == b"*" or one.endswith(b"-*") else one for one in args]
        expected = oracle.run(list(args), replica.now_ms, step)
        assert _told(replies[0]) == _told(expected), (step, args)
        replica.check()
        for key in KEYS:  # it has seen all, so nothing of it is concurrent
            for cell in cells_of(replica.lattice.state(key)).values():
                assert not isinstance(cell, Cell) or len(cell.assigns) <= 1, (step, args, key)
        view, other = replica.executor.view, oracle.context.db
        for key in KEYS:
            assert plain(view.get(key)) == plain(other.get(key)), (step, args, key)
            assert not view.exists(key) or view.deadline_ms(key) == other.deadline_ms(key), (step, args, key)
        if prng.chance(0.1):
            made.extend(replica.executor.sweep(replica.now_ms, 100))
            replica.check()


def _told(reply: Reply) -> object:
    return reply.text if isinstance(reply, Error) else repr(reply)


def together(seed: int, steps: int = 120) -> None:
    """Three replicas: updates reordered and twice, states now and then; in the end they are the same."""
    prng = Prng(seed)
    replicas = [Replica(n + 1) for n in range(3)]
    sent: list[Delta] = []
    for step in range(steps):
        replica = replicas[prng.below(3)]
        replica.now_ms += prng.below(200)
        if prng.chance(0.5):
            sent.extend(replica.run(draw(prng, seed, replica), seed=step)[1])
        elif prng.chance(0.1):
            replica.hear_state(replicas[prng.below(3)], KEYS[prng.below(len(KEYS))])
        elif sent:
            for _ in range(1 + prng.below(4)):
                replica.hear(sent[prng.below(len(sent))])
        if prng.chance(0.05):
            sent.extend(replica.executor.sweep(replica.now_ms, 10))
        replica.check()
    for replica in replicas:
        order = list(sent)
        prng.shuffle(order)
        for delta in order:
            replica.hear(delta)
        assert not replica.waiting
        replica.check()
    check_same(replicas)
