"""Messages that somebody made up: a decoded message of ours in which something was changed.

Bytes that are cut or flipped mostly stop at the decoder's first look. What gets further has the right shape and
wrong contents; so here the message is decoded to plain lists, changed at random places, and encoded again.
"""

from random import Random

import msgspec

EDGES = (
    0, 1, -1, 2, 15, 16, 255, 2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("nan"), float("inf"),
)  # fmt: skip
ODD = (None, True, False, b"", b"\xff" * 3, "", "text", [], [[]], {}, {b"k": b"v"}, b"x" * 1000)


def mangled(plain: object, random: Random, changes: int) -> object:
    """``plain`` with up to ``changes`` changes; lists inside bytes are looked for, too."""
    for _ in range(changes):
        plain = _change(plain, random)
    return plain


def _change(plain: object, random: Random) -> object:
    if isinstance(plain, list) and plain and random.random() < 0.85:
        copy = list(plain)
        at = random.randrange(len(copy))
        copy[at] = _change(copy[at], random)
        return copy
    if isinstance(plain, bytes) and len(plain) > 2 and random.random() < 0.5:
        try:
            inner = msgspec.msgpack.decode(plain)
        except ValueError:
            return _flipped(plain, random)
        if isinstance(inner, list):
            return msgspec.msgpack.encode(_change(inner, random))
        return _flipped(plain, random)
    return _replaced(plain, random)


def _replaced(plain: object, random: Random) -> object:
    how = random.randrange(5)
    if how == 0 and isinstance(plain, list) and plain:
        return plain[: random.randrange(len(plain))]
    if how == 1 and isinstance(plain, list) and plain:
        return plain + [random.choice(plain)] * random.choice([1, 3])
    if how == 2 and isinstance(plain, int):
        return plain + random.choice([-1, 1, 2**31, -(2**31)])
    if how == 3 and isinstance(plain, bytes):
        return _flipped(plain, random)
    return random.choice(EDGES) if random.random() < 0.6 else random.choice(ODD)


def _flipped(data: bytes, random: Random) -> bytes:
    if not data:
        return bytes([random.randrange(256)])
    at = random.randrange(len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + random.randrange(2) :]


def made_up(message: bytes, random: Random) -> bytes:
    """Another message than ``message``, which was encoded; now and then one that is not even well-formed."""
    if random.random() < 0.2:
        return _flipped(message, random)
    while True:
        try:
            plain = mangled(msgspec.msgpack.decode(message), random, random.choice([1, 1, 1, 2, 4]))
            return msgspec.msgpack.encode(plain)
        except (OverflowError, ValueError):  # a number out of msgpack's range
            continue
