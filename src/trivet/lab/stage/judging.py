"""Judging what a directed run's clients saw: the part of it that the judges have models for.

People send any command. A key is judged when everything that touched it, and the keys joined to it by
transactions, has a model; commands with an equivalent that has one are told as that (``EXPIRE``, ``MSET``).
"""

import msgspec

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, ReplyError, Status, Value
from trivet.lab.world.options import RunOptions

Command = tuple[bytes, ...]
Told = tuple[Command, Value]
"""A command as the models know it, and its reply in their form (None also when there is none)."""

CLOCK_SLACK_US = 50_000
"""Ticks and turns between the log's time and virtual time."""

_ANY = b""
_FAMILIES: dict[bytes, dict[bytes, int]] = {
    b"string": {b"GET": 1, b"SET": 2, b"APPEND": 2, b"STRLEN": 1, b"INCR": 1, b"SETNX": 2, b"GETSET": 2},
    b"list": {b"RPUSH": -2, b"LPUSH": -2, b"LPOP": 1, b"RPOP": 1, b"LLEN": 1},
    b"set": {b"SADD": 2, b"SREM": 2, b"SCARD": 1, b"SMEMBERS": 1, b"SPOP": 1},
    b"hash": {b"HSET": 3, b"HDEL": 2, b"HGET": 2, b"HINCRBY": 3, b"HLEN": 1, b"HGETALL": 1},
    _ANY: {b"DEL": 1, b"PEXPIRE": 2, b"PERSIST": 1},
}
"""How many arguments of a command its model understands; negative: at least."""

_ARGUMENTS = {name: (family, count) for family, names in _FAMILIES.items() for name, count in names.items()}

_ELSEWHERE = (b"SELECT", b"SWAPDB", b"FLUSHALL", b"FLUSHDB")
"""After one of these no key is what it seems."""


def told(command: Command, reply: Value, known: bool) -> list[Told] | None:
    """A command in the models' words; None when they have none for it."""
    name, count = command[0], len(command) - 1
    if name in (b"SET", b"SETEX", b"PSETEX"):
        return _told_set(command, reply)
    if name == b"INCRBY" and command[2:] == (b"1",):  # what redis-py sends for incr
        return [((b"INCR", command[1]), reply)]
    if name == b"MSET" and count % 2 == 0:
        return [((b"SET", *command[i : i + 2]), reply) for i in range(1, count, 2)]
    if name == b"MGET":
        values = reply if isinstance(reply, tuple) and known else (None,) * count
        return [((b"GET", key), value) for key, value in zip(command[1:], values, strict=True)]
    if name == b"EXPIRE" and count == 2 and command[2].isdigit():
        return [((b"PEXPIRE", command[1], b"%d" % (int(command[2]) * 1000)), reply)]
    if name == b"LRANGE" and command[2:] == (b"0", b"-1"):
        return [(command, reply)]
    arguments = _ARGUMENTS.get(name, (_ANY, 0))[1]
    return [(command, reply)] if count == arguments or count >= -arguments > 0 else None


def _told_set(command: Command, reply: Value) -> list[Told] | None:
    name, key, value = command[0], command[1], command[-1]
    words = [word.upper() for word in command[3:]]
    if name != b"SET":
        words, unit_ms, ttl = [b""], 1000 if name == b"SETEX" else 1, command[2]
    elif not words:
        return [(command, reply)]
    elif words == [b"NX"]:
        return [((b"SETNX", key, command[2]), 1 if reply == OK else 0)]
    else:
        value, unit_ms, ttl = command[2], 1000 if words[0] == b"EX" else 1, command[-1]
        if len(words) != 2 or words[0] not in (b"EX", b"PX"):
            return None
    if not ttl.isdigit():
        return None
    return [((b"SET", key, value, b"PX", b"%d" % (int(ttl) * unit_ms)), reply)]


def _family(command: Command) -> bytes:
    return b"list" if command[0] == b"LRANGE" else _ARGUMENTS[command[0]][0]


def _rewritten(operation: Operation) -> Operation | None:
    """The operation in the models' words; None: there are none for it."""
    known = operation.outcome is Outcome.OK
    if known and len(operation.replies) != len(operation.commands):
        return None
    replies = operation.replies if known else (None,) * len(operation.commands)
    pairs: list[Told] = []
    for command, reply in zip(operation.commands, replies, strict=True):
        found = told(command, reply, known)
        strange = isinstance(reply, ReplyError) and command[0] != b"INCR"
        if found is None or strange or (isinstance(reply, Status) and reply != OK):
            return None
        pairs += found
    commands = tuple(pair[0] for pair in pairs)
    return msgspec.structs.replace(
        operation, commands=commands, replies=tuple(pair[1] for pair in pairs) if known else ()
    )


def judgeable(history: list[Operation]) -> list[Operation]:
    """The operations that can be judged, in the models' words."""
    if any(command[0] in _ELSEWHERE for operation in history for command in operation.commands):
        return []
    rewritten: list[Operation] = []
    strange: dict[bytes, None] = {}
    families: dict[bytes, bytes] = {}
    for operation in history:
        if operation.outcome is Outcome.FAIL or not operation.keys:
            continue
        found = _rewritten(operation)
        if found is None:
            strange.update(dict.fromkeys(operation.keys))
            found = operation
        else:
            for command in found.commands:
                family = _family(command)
                if family != _ANY and families.setdefault(command[1], family) != family:
                    strange[command[1]] = None
        rewritten.append(found)
    good: dict[bytes, None] = {}
    for keys, _ in linearizability.partitions(rewritten):
        if not any(key in strange for key in keys):
            good.update(dict.fromkeys(keys))
    return [operation for operation in rewritten if operation.keys[0] in good]


def judge_history(history: list[Operation], options: RunOptions, virtual_us: int) -> list[Complaint]:
    """Complaints about what clients saw."""
    slack_us = FOREVER_US
    if not options.clock_jump_every_ms:
        drift_us = 2 * virtual_us * options.drift_ppm_max // 1_000_000
        slack_us = 2000 * options.wall_offset_ms_max + drift_us + CLOCK_SLACK_US
    return linearizability.judge(judgeable(history), slack_us)[0]
