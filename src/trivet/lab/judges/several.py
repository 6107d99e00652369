"""What a correct store would answer: commands about several keys at once.

The judge's own, like ``models.py``: it shares nothing with the code that it judges, and values are as there.
A step gets what the command's keys hold, in the order of ``keys_of``, and gives what they hold afterwards.
"""

from collections.abc import Callable

from trivet.lab.judges.models import Held
from trivet.lab.resp import OK, ReplyError, Value

Several = tuple[Held, ...]
Step = tuple[Several, Value]

NO_KEY = ReplyError("ERR")


def keys_of(command: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The keys that a command of ``SEVERAL`` names; one that is named twice comes twice."""
    name = command[0]
    if name in (b"MSET", b"MSETNX"):
        return command[1::2]
    return command[1:3] if name in _TWO else command[1:]


def _items(held: Held) -> tuple[Value, ...]:
    assert held is None or isinstance(held, tuple)
    return held or ()


def _sorted(items: list[Value]) -> Held:
    return tuple(sorted(items)) or None  # type: ignore[type-var]


def _mset(held: Several, args: tuple[bytes, ...]) -> Step:
    return args[2::2], OK


def _msetnx(held: Several, args: tuple[bytes, ...]) -> Step:
    return (held, 0) if any(one is not None for one in held) else (args[2::2], 1)


def _mget(held: Several, args: tuple[bytes, ...]) -> Step:
    return held, held


def _del(held: Several, args: tuple[bytes, ...]) -> Step:
    return (None,) * len(held), sum(one is not None for one in held)


def _rename(held: Several, args: tuple[bytes, ...]) -> Step:
    return ((held[0], held[1]), NO_KEY) if held[0] is None else ((None, held[0]), OK)


def _renamenx(held: Several, args: tuple[bytes, ...]) -> Step:
    if held[0] is None:
        return held, NO_KEY
    return (held, 0) if held[1] is not None else ((None, held[0]), 1)


def _copy(held: Several, args: tuple[bytes, ...]) -> Step:
    if held[0] is None or (held[1] is not None and len(args) == 3):
        return held, 0
    return (held[0], held[0]), 1


def _swap(held: Several, args: tuple[bytes, ...]) -> Step:
    """The lab's word for a script that exchanges two strings, and answers with the first as it was."""
    return (held[1], held[0]), held[0]


def _lmove(held: Several, args: tuple[bytes, ...]) -> Step:
    source, target = _items(held[0]), _items(held[1])
    if not source:
        return held, None
    item = source[0] if args[3] == b"LEFT" else source[-1]
    rest = source[1:] if args[3] == b"LEFT" else source[:-1]
    return (rest or None, (item, *target) if args[4] == b"LEFT" else (*target, item)), item


def _smove(held: Several, args: tuple[bytes, ...]) -> Step:
    source, target = _items(held[0]), _items(held[1])
    if args[3] not in source:
        return held, 0
    left = _sorted([item for item in source if item != args[3]])
    return (left, _sorted([*dict.fromkeys([*target, args[3]])])), 1


def _sinterstore(held: Several, args: tuple[bytes, ...]) -> Step:
    both = [item for item in _items(held[1]) if item in _items(held[2])]
    return (_sorted(both), *held[1:]), len(both)


def _sunionstore(held: Several, args: tuple[bytes, ...]) -> Step:
    both = [*dict.fromkeys([*_items(held[1]), *_items(held[2])])]
    return (_sorted(both), *held[1:]), len(both)


def _sunion(held: Several, args: tuple[bytes, ...]) -> Step:
    return held, _sorted([*dict.fromkeys([item for one in held for item in _items(one)])]) or ()


SEVERAL: dict[bytes, Callable[[Several, tuple[bytes, ...]], Step]] = {
    b"MGET": _mget, b"MSET": _mset, b"MSETNX": _msetnx, b"UNLINK": _del, b"RENAME": _rename,
    b"RENAMENX": _renamenx, b"COPY": _copy, b"SWAP": _swap, b"LMOVE": _lmove, b"SMOVE": _smove,
    b"SINTERSTORE": _sinterstore, b"SUNIONSTORE": _sunionstore, b"SUNION": _sunion,
}  # fmt: skip
_TWO = (b"RENAME", b"RENAMENX", b"COPY", b"SWAP", b"LMOVE", b"SMOVE")
