"""Places: members of a sorted set whose scores say where on the earth they are.

A score is a 52-bit number (``values.geohash``), so all commands of sorted sets work on
places too, and every score is read as some place. Searching is in ``geo_search``.
"""

from typing import Final

from trivet.core.base.trigonometry import OF_THE_MACHINE
from trivet.core.command.arguments import NOT_A_FLOAT, SYNTAX, WRONG_TYPE
from trivet.core.command.sorted_sets import zadd
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.geohash import decode, distance, encode, in_range, text_of
from trivet.core.values.numbers import parse_float
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import NULL_ARRAY, Decimal, Error, Reply

_READ: Final = Flag.READONLY
_ONE: Final = (1, 1, 1)
_NO_UNIT: Final = Error("ERR unsupported unit provided. please use M, KM, FT, MI")
_UNITS: Final[dict[bytes, float]] = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
_OPTIONS: Final = (b"NX", b"XX", b"CH")


def unit_metres(data: bytes) -> float | Error:
    """How many metres the unit has."""
    return _UNITS.get(data.upper(), _NO_UNIT)


def place(longitude: bytes, latitude: bytes) -> tuple[float, float] | Error:
    """Coordinates as numbers in range."""
    x, y = parse_float(longitude), parse_float(latitude)
    if x is None or y is None:
        return NOT_A_FLOAT
    return (x, y) if in_range(x, y) else Error(f"ERR invalid longitude,latitude pair {x:f},{y:f}")


def degrees(value: float) -> Decimal:
    """A coordinate with 17 decimals, trailing zeros cut."""
    text = (b"%.17f" % value).rstrip(b"0").rstrip(b".")
    return Decimal(b"0" if text == b"-0" else text)


def sorted_set_to_read(context: Context, key: bytes) -> SortedSet | Error | None:
    """The sorted set at ``key``, None when missing, an error when something else is there."""
    value = context.db.get(key)
    return value if value is None or isinstance(value, SortedSet) else WRONG_TYPE


@command(
    "geoadd",
    arity=-5,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=_ONE,
    group="geo",
    summary="Adds places to a sorted set, or moves them.",
    since="3.2.0",
    complexity="O(log(N)) per place, N places in the set",
)
def geoadd(context: Context, args: list[bytes]) -> Reply:
    """GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]."""
    at = 2
    while at < len(args) and args[at].upper() in _OPTIONS:
        at += 1
    options = args[2:at]
    names = [option.upper() for option in options]
    if (len(args) - at) % 3 or (b"NX" in names and b"XX" in names):
        return SYNTAX
    added = [b"ZADD", args[1], *options]
    for i in range(at, len(args), 3):
        where = place(args[i], args[i + 1])
        if isinstance(where, Error):
            return where
        added += (b"%d" % encode(*where), args[i + 2])
    return zadd(context, added)


@command(
    "geopos",
    arity=-2,
    flags=_READ,
    keys=_ONE,
    group="geo",
    summary="Gives longitude and latitude of members.",
    since="3.2.0",
    complexity="O(M) for M members",
)
def geopos(context: Context, args: list[bytes]) -> Reply:
    """GEOPOS key [member ...]."""
    value = sorted_set_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    replies: list[Reply] = []
    for member in args[2:]:
        score = None if value is None else value.get(member)
        if score is None:
            replies.append(NULL_ARRAY)
        else:
            replies.append([degrees(coordinate) for coordinate in decode(score)])
    return replies


@command(
    "geohash",
    arity=-2,
    flags=_READ,
    keys=_ONE,
    group="geo",
    summary="Gives the places of members as geohashes of 11 characters.",
    since="3.2.0",
    complexity="O(M) for M members",
)
def geohash(context: Context, args: list[bytes]) -> Reply:
    """GEOHASH key [member ...]."""
    value = sorted_set_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    scores = [None if value is None else value.get(member) for member in args[2:]]
    return [None if score is None else text_of(score) for score in scores]


@command(
    "geodist",
    arity=-4,
    flags=_READ,
    keys=_ONE,
    group="geo",
    summary="Gives the distance between two members.",
    since="3.2.0",
    complexity="O(1)",
)
def geodist(context: Context, args: list[bytes]) -> Reply:
    """GEODIST key member member [M | KM | FT | MI]."""
    if len(args) > 5:
        return SYNTAX
    unit = unit_metres(args[4]) if len(args) == 5 else 1.0
    if isinstance(unit, Error):
        return unit
    value = sorted_set_to_read(context, args[1])
    if value is None or isinstance(value, Error):
        return value
    one, other = value.get(args[2]), value.get(args[3])
    if one is None or other is None:
        return None
    return b"%.4f" % (distance(OF_THE_MACHINE, *decode(one), *decode(other)) / unit)
