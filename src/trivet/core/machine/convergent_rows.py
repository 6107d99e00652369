"""Which commands have a meaning where replicas take writes at once and converge; how changes are found.

Told by the rows of the command table; every row is in one of three classes:

- what reads runs on what this node holds;
- what writes runs there too, and the elements that it has changed become updates. ``NAMED`` says which
  elements a command names, so that only those are looked at; ``TOLD`` those that its reply tells. Of the
  others all elements of the key are looked at;
- what has no such meaning is refused, with the reason (``REFUSED``).
"""

from collections.abc import Callable
from typing import Final

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.command.table import ROWS, Flag
from trivet.core.machine.checking import WHOLE
from trivet.core.wire.reply import Error, MapPairs, Members, Pairs, Reply

Names = Callable[[list[bytes]], list[bytes]]
"""The elements that a call names."""

_WAITS: Final = "it waits for elements, and two sides would both be given the same one"
_TWO_KEYS: Final = "what it takes from one key and puts into another could be in both, or in none"
_STORES: Final = "it stores what this node sees now; read, and write the result"
_SCRIPT: Final = "a script decides upon what this node sees, and others may see something else"
_GROUPS: Final = "consumers on two sides would be given the same entries"
_FIELDS: Final = "fields of hashes have no deadlines there; give the key one"
_ALL_OR_NONE: Final = "two sides could both be the first"
_DATABASES: Final = "databases of this mode stay where they are"
_FENCE: Final = "there is no order of changes from which a rising number could come"
_INSIDE: Final = "it is about how one node keeps a value"
_IDS: Final = "ids of streams come from their entries there"

REFUSED: Final[dict[bytes, str]] = {
    **dict.fromkeys(
        (b"BLMOVE", b"BLMPOP", b"BLPOP", b"BRPOP", b"BRPOPLPUSH", b"BZMPOP", b"BZPOPMAX", b"BZPOPMIN"), _WAITS
    ),
    **dict.fromkeys(
        (b"COPY", b"LMOVE", b"RENAME", b"RENAMENX", b"RPOPLPUSH", b"SMOVE"), _TWO_KEYS
    ),
    **dict.fromkeys(
        (
            b"BITOP", b"GEORADIUS", b"GEORADIUSBYMEMBER", b"GEOSEARCHSTORE", b"PFMERGE", b"SDIFFSTORE",
            b"SINTERSTORE", b"SORT", b"SUNIONSTORE", b"ZDIFFSTORE", b"ZINTERSTORE", b"ZRANGESTORE",
            b"ZUNIONSTORE",
        ),
        _STORES,
    ),
    **dict.fromkeys((b"EVAL", b"EVALSHA", b"EVALSHA_RO", b"EVAL_RO", b"FCALL", b"FCALL_RO"), _SCRIPT),
    **dict.fromkeys(
        (b"XACK", b"XAUTOCLAIM", b"XCLAIM", b"XGROUP", b"XPENDING", b"XREADGROUP"), _GROUPS
    ),
    **dict.fromkeys(
        (
            b"HEXPIRE", b"HEXPIREAT", b"HEXPIRETIME", b"HGETEX", b"HPERSIST", b"HPEXPIRE", b"HPEXPIREAT",
            b"HPEXPIRETIME", b"HPTTL", b"HSETEX", b"HTTL",
        ),
        _FIELDS,
    ),
    **dict.fromkeys((b"MSETNX",), _ALL_OR_NONE),
    **dict.fromkeys((b"MOVE", b"SWAPDB"), _DATABASES),
    b"FENCE": _FENCE,
    b"XSETID": _IDS,
    b"PFDEBUG": _INSIDE,
}  # fmt: skip
"""Commands without a convergent meaning, and why."""

REFUSALS: Final = {
    name: Error(f"ERR {name.decode()} is not for a keyspace of mode eventual: {why}; nothing was done")
    for name, why in REFUSED.items()
}
BLOCKS: Final = Error(
    f"ERR calls that wait are not for a keyspace of mode eventual: {_WAITS}; nothing was done"
)

MAY_STORE: Final = {b"SORT": 1, b"GEORADIUS": 1, b"GEORADIUSBYMEMBER": 1}
"""They read, unless they are told to store."""

WHOLE_WRITES: Final = {b"FLUSHDB": 1, b"FLUSHALL": 1}
"""About all keys that are here."""

READS: Final = {
    name: 1 for name, row in ROWS.items()
    if row.run is not None and not row.flags & Flag.WRITE and name not in REFUSED
}  # fmt: skip
"""What changes nothing."""

WRITES: Final = {
    name: 1 for name, row in ROWS.items()
    if row.run is not None and row.flags & Flag.WRITE and name not in REFUSED and name not in WHOLE_WRITES
}  # fmt: skip

ADDS: Final = {
    b"INCR": 1, b"DECR": 1, b"INCRBY": 1, b"DECRBY": 1, b"INCRBYFLOAT": 1, b"HINCRBY": 1, b"HINCRBYFLOAT": 1,
    b"ZINCRBY": 1,
}  # fmt: skip
"""What they change adds up."""
BITS: Final = {b"SETBIT": 1, b"BITFIELD": 1}
"""What is assigned joins with what others assign at the same time, bit by bit."""
PROBABLE: Final = {b"PFADD": 1}
"""The same, register by register."""


def is_whole(name: bytes) -> bool:
    """About whole databases."""
    return name in WHOLE


def adds(args: list[bytes]) -> bool:
    """Whether what the call changes adds up."""
    name = args[0]
    if name == b"ZADD":
        return any(word.upper() == b"INCR" for word in args[2 : _options_end(args, _ZADD_OPTIONS)])
    return name in ADDS


_ZADD_OPTIONS: Final = (b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR")
_CONDITIONS: Final = (b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR")
_GEOADD_OPTIONS: Final = (b"NX", b"XX", b"CH")


def _options_end(args: list[bytes], options: tuple[bytes, ...]) -> int:
    at = 2
    while at < len(args) and args[at].upper() in options:
        at += 1
    return at


def _rest(args: list[bytes]) -> list[bytes]:
    return args[2:]


def _fields(args: list[bytes]) -> list[bytes]:
    return args[2::2]


def _second(args: list[bytes]) -> list[bytes]:
    return args[2:3]


def _third(args: list[bytes]) -> list[bytes]:
    return args[3:4]


def _counted(args: list[bytes]) -> list[bytes]:
    return args[4:]


def _members(args: list[bytes]) -> list[bytes]:
    return args[_options_end(args, _ZADD_OPTIONS) + 1 :: 2]


def _places(args: list[bytes]) -> list[bytes]:
    return args[_options_end(args, _GEOADD_OPTIONS) + 2 :: 3]


NAMED: Final[dict[bytes, Names]] = {
    b"SADD": _rest, b"SREM": _rest, b"HSET": _fields, b"HMSET": _fields, b"HSETNX": _second, b"HDEL": _rest,
    b"HINCRBY": _second, b"HINCRBYFLOAT": _second, b"ZADD": _members, b"ZREM": _rest, b"ZINCRBY": _third,
    b"GEOADD": _places, b"HGETDEL": _counted,
}  # fmt: skip
"""What a call names of the elements of its key."""


def _told(reply: Reply) -> list[bytes]:
    if isinstance(reply, bytes):
        return [reply]
    if isinstance(reply, Members):
        return [one for one in reply.items if isinstance(one, bytes)]
    if isinstance(reply, list):
        return [one for one in reply if isinstance(one, bytes)]
    return []


def told_names(reply: Reply) -> list[bytes]:
    """Of a reading row: the elements that it tells."""
    return _told(reply)


def _told_pairs(reply: Reply) -> list[bytes]:
    if isinstance(reply, Pairs | MapPairs):
        return [one for one, _ in reply.items if isinstance(one, bytes)]
    if isinstance(reply, list):
        return [one for one in reply[::2] if isinstance(one, bytes)]
    return []


def _told_of_several(reply: Reply) -> list[bytes]:
    """``ZMPOP``: the key, and pairs."""
    if not isinstance(reply, list) or len(reply) != 2:
        return []
    pairs = reply[1]
    if isinstance(pairs, Pairs | MapPairs):
        return _told_pairs(pairs)
    if not isinstance(pairs, list):
        return []
    return [one[0] for one in pairs if isinstance(one, list) and one and isinstance(one[0], bytes)]


TOLD: Final[dict[bytes, Callable[[Reply], list[bytes]]]] = {
    b"SPOP": _told, b"ZPOPMIN": _told_pairs, b"ZPOPMAX": _told_pairs, b"ZMPOP": _told_of_several,
}  # fmt: skip
"""Elements that a call has removed, as its reply tells."""

RANGES: Final = {
    b"ZREMRANGEBYLEX": b"ZRANGEBYLEX", b"ZREMRANGEBYRANK": b"ZRANGE", b"ZREMRANGEBYSCORE": b"ZRANGEBYSCORE",
}  # fmt: skip
"""What they remove, another command with the same arguments tells."""

KEEPS: Final = {
    b"GETEX": 1, b"EXPIRE": 1, b"PEXPIRE": 1, b"EXPIREAT": 1, b"PEXPIREAT": 1, b"PERSIST": 1,
}  # fmt: skip
"""They change a deadline, and not the value."""
EXPIRES: Final = {
    b"EXPIRE": 1, b"PEXPIRE": 1, b"EXPIREAT": 1, b"PEXPIREAT": 1, b"SET": 1, b"SETEX": 1, b"PSETEX": 1,
    b"GETEX": 1, b"RESTORE": 1,
}  # fmt: skip
"""They may give a deadline, which counts as given also if it was just so."""
WITHOUT: Final = {
    **KEEPS,
    **dict.fromkeys(
        (b"DEL", b"UNLINK", b"GETDEL", b"SET", b"SETEX", b"PSETEX", b"GETSET", b"MSET", b"SETNX"), 1
    ),
}
"""Of them nothing need be known of the elements that were there."""


AGAIN: Final = {b"SADD": 1, b"HSET": 1, b"HMSET": 1, b"ZADD": 1, b"GEOADD": 1}
"""Elements that they name count as written also if they were just so."""


def assigns_again(args: list[bytes]) -> bool:
    """The same of one call: not if it has conditions."""
    name = args[0]
    if name == b"ZADD" or name == b"GEOADD":
        return args[2].upper() not in _CONDITIONS
    return name in AGAIN


PUSHES: Final = {b"LPUSH": True, b"LPUSHX": True, b"RPUSH": False, b"RPUSHX": False}
"""What they put at an end of a list: whether at the left."""
POPS: Final = {b"LPOP": True, b"RPOP": False}
