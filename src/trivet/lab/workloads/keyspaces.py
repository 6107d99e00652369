"""Registers in a database that gets groups of its own, and loses them again, while clients use it.

A keyspace is made, and dropped without ``FORCE``, only while its database is empty. So neither changes
anything that a client can see: whoever reads finds what was written last, whatever became of the keyspace in
between, and one order has to explain each register. A write that went by an old map, into a group that does
not have the database any more or is no more, would be acknowledged and lost.

Where it stands: it chooses its database by itself, and leaves each connection in database 0, where the other
workloads expect to be.
"""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome, classify
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, ReplyError, Value
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, Picked

DATABASE = b"5"
_CHOOSE = [b"SELECT", DATABASE]
_BACK = [b"SELECT", b"0"]
_FROM_OUTSIDE = b"redis.call('SELECT', ARGV[2]) return redis.call('SET', KEYS[1], ARGV[1])"


class Keyspaces(Base):
    """``v:`` keys, few of them and often removed."""

    prefixes = (b"v:",)
    weights = ("weight_keyspaces",)
    is_placed = False

    def start(self, client: int, prng: Prng) -> Call:
        """GET SET DEL, by themselves, in a transaction and in a script; and KEYSPACE CREATE and DROP."""
        key = b"v:%d" % prng.below(1 + self.options.keys_per_kind // 3)
        value = self.fresh(client)
        roll = prng.below(40)
        if roll < 3:
            options = self.options
            shape = [b"REPLICAS", b"%d" % options.second_replicas, b"SHARDS", b"%d" % options.second_shards]
            return self._change([b"KEYSPACE", b"CREATE", DATABASE, *shape], key, "created")
        if roll < 6:
            return self._change([b"KEYSPACE", b"DROP", DATABASE], key, "dropped")
        if roll < 16:
            return self._read_of(key)
        if roll < 26:
            return _inside([b"SET", key, value], key)
        if roll < 36:
            return _inside([b"DEL", key], key)
        told = [b"SET", key, value]
        if roll < 38:
            wire = [[b"EVAL", _FROM_OUTSIDE, b"1", key, value, DATABASE], _BACK]
            return Call([told], [key], wire, lambda replies: _set(replies[0]))
        wire = [[b"MULTI"], _CHOOSE, told, _BACK, [b"EXEC"], _BACK]
        return Call([told], [key], wire, lambda replies: _set(_second(replies[4])))

    def _read_of(self, key: bytes, final: bool = False) -> Call:
        return _inside([b"GET", key], key, final)

    def _change(self, words: list[bytes], key: bytes, what: str) -> Call:
        def changed(replies: list[Value]) -> Picked:
            refused = replies[0] != OK
            self.count("refused" if refused else what)
            return (Outcome.FAIL if refused else Outcome.OK), ()

        return Call([], [key], [words], changed)

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """One order explains each register."""
        complaints, unknown = linearizability.judge(history, context.slack_us)
        context.unknown += unknown
        return complaints


def _inside(command: list[bytes], key: bytes, final: bool = False) -> Call:
    return Call([command], [key], [_CHOOSE, command, _BACK], _picked, final=final)


def _picked(replies: list[Value]) -> Picked:
    if replies[0] != OK:
        return Outcome.FAIL, ()  # what followed happened in another database, where nobody looks
    outcome = classify(replies[1])
    return outcome, ((replies[1],) if outcome is Outcome.OK else ())


def _second(reply: Value) -> Value:
    """Of three replies of a transaction; an error as it is."""
    return reply[1] if isinstance(reply, tuple) and len(reply) == 3 else reply


def _set(reply: Value) -> Picked:
    """Whatever a script or a transaction met, but for not knowing: it has written nothing."""
    if isinstance(reply, ReplyError) and classify(reply) is Outcome.INFO:
        return Outcome.INFO, ()
    return (Outcome.OK, (OK,)) if reply == OK else (Outcome.FAIL, ())
