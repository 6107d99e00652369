"""Values that converge, in a keyspace of mode ``eventual``: each member takes reads and writes alone.

Counters and sums of hashes and sorted sets add up; members of sets and sorted sets, fields, elements of lists
and keys of their own are added by one command each, and now and then somebody removes one; strings and fields
are written over; keys have deadlines. Nothing is complained about while the run goes on but sums that nobody
can have seen: what counts is how it ends (``judges/merging``), when all members have heard of everything. In
some runs somebody empties the database now and then.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from trivet.core.base.checksum import crc32
from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values
from trivet.lab.judges.merging import (
    NOT_EMPTIED,
    Emptied,
    Things,
    judge_finals,
    judge_last,
    judge_order,
    judge_overwritten,
    judge_sum,
    pairs,
)
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call
from trivet.lab.world.options import RunOptions

KNOWN_MAX = 30
"""So many things of a key are remembered, to remove one of them."""
TTL_MS_MAX = 3_000
NEVER_DEAD_MS = 60_000
"""No node of a run is down for so long."""
EMPTIES = b"F:"
"""Who empties the database names no key; history has it under this one."""
SUMS = (b"n0", b"n1")
OVER = (b"o0", b"o1")


class Copies(Base):
    """``N:`` counters, ``S:`` sets, ``H:`` hashes, ``L:`` lists, ``Z:`` sorted sets, ``G:`` strings.

    ``D:`` keys of their own, ``T:`` keys with a deadline.
    """

    kinds = (b"N:", b"S:", b"H:", b"L:", b"Z:", b"G:", b"D:", b"T:")
    prefixes = (*kinds, EMPTIES)
    weights = ("weight_copies",)
    on_copies = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {
        b"S:": [b"SMEMBERS", b""],
        b"H:": [b"HGETALL", b""],
        b"L:": [b"LRANGE", b"", b"0", b"-1"],
        b"Z:": [b"ZRANGE", b"", b"0", b"-1", b"WITHSCORES"],
    }

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self.lossless = is_lossless(options)
        self.all_are_members = are_all_members(options)
        self._emptied = NOT_EMPTIED
        self._known: dict[bytes, list[bytes]] = {}
        """Things of a key that may be there."""
        self._makers: dict[bytes, Callable[[bytes, int, Prng], list[bytes]]] = {
            b"N:": self._counter, b"S:": self._set, b"H:": self._hash, b"L:": self._list,
            b"Z:": self._sorted_set, b"G:": self._string, b"D:": self._own, b"T:": self._deadline,
        }  # fmt: skip

    # -- calls

    def start(self, client: int, prng: Prng) -> Call:
        """A write, or now and then a read."""
        if self.options.emptying_rate and prng.chance(self.options.emptying_rate):
            return self._empty(prng)
        prefix = self.kinds[prng.below(len(self.kinds))]
        key = self.key(prefix, prng)
        if prefix not in (b"D:", b"T:") and prng.chance(0.2):
            return self._read_of(key)
        words = self._makers[prefix](key, client, prng)
        return Call([words], [words[1]])

    def read(self, client: int, prng: Prng) -> Call:
        """Of whatever kind."""
        return self._read_of(self.key(self.kinds[prng.below(6)], prng))

    def note(self, call: Call) -> None:
        """As ``Workload``."""
        if call.keys[0] != EMPTIES:
            super().note(call)

    def _empty(self, prng: Prng) -> Call:
        """It is said when the connection is surely in the database: elsewhere it would empty others'."""
        self.count("emptyings")
        is_alone = self.options.workloads == "copies"
        words = [b"FLUSHALL" if is_alone and prng.chance(0.2) else b"FLUSHDB"]
        return Call([[b"DBSIZE"]], [EMPTIES], then=lambda replies: Call([words], [EMPTIES]))

    def _counter(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        return [b"INCRBY", key, b"%d" % _amount(prng)]

    def _new(self, key: bytes, client: int) -> bytes:
        known = self._known.setdefault(key, [])
        known.append(self.fresh(client))
        del known[:-KNOWN_MAX]
        return known[-1]

    def _old(self, key: bytes, prng: Prng) -> bytes | None:
        """Something to remove."""
        known = self._known.get(key)
        if not known or not prng.chance(0.3):
            return None
        self.count("removals")
        return known[prng.below(len(known))]

    def _set(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        if prng.chance(0.05):
            return [b"SPOP", key]
        old = self._old(key, prng)
        return [b"SADD", key, self._new(key, client)] if old is None else [b"SREM", key, old]

    def _hash(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        kind = prng.below(3)
        if kind == 0:
            return [b"HINCRBY", key, SUMS[prng.below(2)], b"%d" % _amount(prng)]
        if kind == 1:
            return [b"HSET", key, OVER[prng.below(2)], self.fresh(client)]
        old = self._old(key, prng)
        return [b"HSET", key, self._new(key, client), b"1"] if old is None else [b"HDEL", key, old]

    def _list(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        if prng.chance(0.15):
            return [b"LPOP" if prng.chance(0.5) else b"RPOP", key]
        old = self._old(key, prng)
        if old is not None:
            return [b"LREM", key, b"0", old]
        name = b"RPUSH" if prng.chance(0.5) else b"LPUSH"
        return [name, key, *[self._new(key, client) for _ in range(prng.between(1, 3))]]

    def _sorted_set(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        if prng.chance(0.4):
            return [b"ZINCRBY", key, b"%d" % _amount(prng), SUMS[prng.below(2)]]
        old = self._old(key, prng)
        if old is not None:
            return [b"ZREM", key, old]
        return [b"ZADD", key, b"%d" % prng.below(9), self._new(key, client)]

    def _string(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        return [b"SET", key, self.fresh(client)]

    def _own(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        old = self._old(b"D:", prng)
        if old is not None:
            return [b"DEL", b"D:" + old]
        value = self._new(b"D:", client)
        return [b"SET", b"D:" + value, value]

    def _deadline(self, key: bytes, client: int, prng: Prng) -> list[bytes]:
        value = self.fresh(client)
        return [b"SET", b"T:" + value, value, b"PX", b"%d" % prng.between(1, TTL_MS_MAX)]

    # -- judging

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """How it ended."""
        by_key: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_key.setdefault(operation.keys[0], []).append(operation)
        emptyings = [o for o in by_key.get(EMPTIES, []) if o.commands[0][0] != b"DBSIZE"]
        is_local = self.all_are_members and self.lossless and not self.options.sync_failure_every_ms
        self._emptied = Emptied(emptyings, is_local)
        found: list[Complaint | None] = []
        for key, reads in final_values(history).items():
            if key[:2] != b"T:":
                found.append(judge_finals(key, reads))
            said = [o for o in by_key[key] if not o.final]
            for read in reads:
                found += self._judge(key, said, read, context)
        return [complaint for complaint in found if complaint is not None]

    def _judge(
        self, key: bytes, said: list[Operation], read: Operation, context: Context
    ) -> list[Complaint | None]:
        kind, reply = key[:2], read.replies[0]
        if kind == b"N:":
            added = [(int(o.commands[0][2]), o) for o in said if o.commands[0][0] == b"INCRBY"]
            return [judge_sum(key, added, read, _number(reply), self.lossless, self._emptied)]
        if kind == b"G:":
            writes = [(o.commands[0][2], o) for o in said if o.commands[0][0] == b"SET"]
            return self._judge_last(key, writes, read, reply if isinstance(reply, bytes) else None)
        if kind == b"T:":
            return [_judge_deadline(key, said, read, context.slack_us)]
        if kind == b"L:":
            ordered = [pair for o in said for pair in _ordered(o.commands[0])]
            things = self._things(key, said)
            return [things.judge(read, _names(read)), judge_order(key, ordered, read)]
        if kind in (b"H:", b"Z:"):
            return self._judge_pairs(key, said, read)
        return [self._things(key, said).judge(read, _names(read))]

    def _judge_last(
        self, key: bytes, writes: list[tuple[bytes, Operation]], read: Operation, value: bytes | None
    ) -> list[Complaint | None]:
        found = [judge_last(key, writes, read, value, self.lossless, self._emptied)]
        if self.all_are_members and self.lossless:
            found.append(judge_overwritten(key, writes, read, value))
        return found

    def _judge_pairs(self, key: bytes, said: list[Operation], read: Operation) -> list[Complaint | None]:
        shown = dict(pairs(read.replies[0]))
        found: list[Complaint | None] = []
        for name in SUMS:
            added = [(_amount_of(o.commands[0]), o) for o in said if _adds_to(o.commands[0], name)]
            total = _number(shown.pop(name, None))
            found.append(judge_sum(key, added, read, total, self.lossless, self._emptied))
        for name in OVER if key[:2] == b"H:" else ():
            writes = [(o.commands[0][3], o) for o in said if o.commands[0][:3:2] == (b"HSET", name)]
            found += self._judge_last(key, writes, read, shown.pop(name, None))
        found.append(self._things(key, said).judge(read, list(shown)))
        return found

    def _things(self, key: bytes, said: list[Operation]) -> Things:
        things = Things(key, self.lossless)
        for operation in said:
            for name in _adds(operation.commands[0]):
                things.add(name, operation)
        for operation in said:
            name, words = operation.commands[0][0], operation.commands[0]
            reply = operation.replies[0] if operation.replies else None
            if name in (b"SPOP", b"LPOP", b"RPOP"):
                if operation.outcome is Outcome.OK and isinstance(reply, bytes):
                    things.remove(reply, operation, True)
                elif operation.outcome in (Outcome.INFO, Outcome.PENDING):
                    things.blind += 1
            elif name in (b"SREM", b"HDEL", b"LREM", b"ZREM", b"DEL"):
                gone = words[1][2:] if name == b"DEL" else words[-1]
                things.remove(gone, operation, isinstance(reply, int) and reply > 0)
        things.empty(self._emptied, [(o, _names(o)) for o in said if o.outcome is Outcome.OK])
        return things


def replicas_of(options: RunOptions) -> int:
    """How many members the groups shall have."""
    return options.eventual_replicas or Prng(options.seed ^ crc32(b"copies") << 16).between(2, 5)


def write_quorum_of(options: RunOptions) -> int:
    """On how many members a write has to be; what a majority of nodes can do alone."""
    if options.eventual_write_quorum or replicas_of(options) < options.nodes:
        return options.eventual_write_quorum or 1
    return max(1, Prng(options.seed ^ crc32(b"write quorum") << 16).between(-1, options.nodes // 2 + 1))


def read_quorum_of(options: RunOptions) -> int:
    """Of how many members a read shows what they had; what a majority of nodes can do alone."""
    write = write_quorum_of(options)
    if options.eventual_read_quorum or write == 1:
        return options.eventual_read_quorum or 1
    count = replicas_of(options) - write + 1
    drawn = Prng(options.seed ^ crc32(b"read quorum") << 16).chance(0.5)
    return count if drawn and count <= options.nodes // 2 + 1 else 1


def reads_what_is_acknowledged(options: RunOptions) -> bool:
    """Whether quorums of reads and writes meet: no member is given up, or loses what it alone has."""
    most = replicas_of(options)
    rots = loses(options)
    if options.move_every_ms:
        most = max(most, 5 if rots else 3)  # what the administrator may want
    if write_quorum_of(options) + read_quorum_of(options) <= most or options.wipe_every_ms:
        return False
    is_kept = not rots or (write_quorum_of(options) > 1 and are_all_members(options))
    return is_kept and not (options.plans and options.grace_ms < NEVER_DEAD_MS)


def loses(options: RunOptions) -> bool:
    """Whether the disk of one node may lose what was synced."""
    return bool(options.wipe_every_ms or options.bit_rot_every_ms or options.misdirect_every_ms)


def is_lossless(options: RunOptions) -> bool:
    """Whether nothing that was synced is ever lost: neither by a disk nor with a node that is given up."""
    return not loses(options) and not (options.plans and options.grace_ms < NEVER_DEAD_MS)


def keeps_what_is_acknowledged(options: RunOptions) -> bool:
    """Whether nothing of that is ever lost: the members stay, and more than one has it.

    The one disk of a run that may lose what was synced then takes nothing away.
    """
    return is_lossless(options) or (write_quorum_of(options) > 1 and are_all_members(options))


def are_all_members(options: RunOptions) -> bool:
    """Whether each node serves its clients by what it holds itself, all the time."""
    fixed = not (options.plans or options.move_every_ms or options.join_every_ms or options.wipe_every_ms)
    return fixed and replicas_of(options) >= options.nodes


def _amount(prng: Prng) -> int:
    return prng.between(1, 9) * (-1 if prng.chance(0.3) else 1)


def _number(value: object) -> float:
    """As a reply, or as text; what is not there is 0."""
    if isinstance(value, int):
        return value
    return float(value) if isinstance(value, bytes) else 0


def _names(read: Operation) -> list[bytes]:
    """The things that a read shows."""
    name, reply = read.commands[0][0], read.replies[0]
    if name == b"GET":
        return [reply] if isinstance(reply, bytes) else []
    if name in (b"HGETALL", b"ZRANGE"):
        return [item for item, _ in pairs(reply)]
    if name in (b"SMEMBERS", b"LRANGE") and isinstance(reply, tuple):
        return [item for item in reply if isinstance(item, bytes)]
    return []


def _adds_to(words: tuple[bytes, ...], name: bytes) -> bool:
    if words[0] == b"HINCRBY":
        return words[2] == name
    return words[0] == b"ZINCRBY" and words[3] == name


def _amount_of(words: tuple[bytes, ...]) -> int:
    return int(words[3] if words[0] == b"HINCRBY" else words[2])


def _adds(words: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The things that a command is to add."""
    if words[0] in (b"SADD", b"RPUSH", b"LPUSH"):
        return words[2:]
    if words[0] == b"ZADD":
        return words[3:]
    if words[0] == b"HSET":
        return () if words[2] in OVER else (words[2],)
    return (words[2],) if words[0] == b"SET" else ()


def _ordered(words: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    """Pairs of elements, the first before the second, that one command puts into a list."""
    if words[0] not in (b"RPUSH", b"LPUSH"):
        return []
    items = words[2:] if words[0] == b"RPUSH" else words[:1:-1]
    return list(pairwise(items))


def _judge_deadline(
    key: bytes, said: Sequence[Operation], read: Operation, slack_us: int
) -> Complaint | None:
    """What was to be there for a while is there no more."""
    for write in said:
        if write.outcome is not Outcome.OK or read.replies[0] is None or slack_us >= FOREVER_US:
            continue
        if read.invoke_us > write.return_us + int(write.commands[0][4]) * 1000 + slack_us:
            sentence = f"{key.decode()}: a key was seen after its deadline"
            return Complaint("merging", sentence, [write.text(), read.text()])
    return None
