"""Searching for places in a circle or a box, and the four older commands that do the same.

``Search`` holds what was asked; ``read_options`` fills it in redis-server's order of checks.
Candidates come from a few ranges of scores (``Shape.cells``), each of which is then
measured. Reads measure with the machine's own sine and cosine, what is replicated with
ours, which are the same everywhere (``base.trigonometry``).
"""

from operator import attrgetter
from typing import Final

from trivet.core.base.trigonometry import OF_THE_MACHINE, REPLICATED
from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, printable
from trivet.core.command.events import GENERIC, SORTED_SET
from trivet.core.command.geo import degrees, place, sorted_set_to_read, unit_metres
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.geohash import Shape, as_bits, decode
from trivet.core.values.numbers import INT64_MAX, parse_float, parse_int
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error, Reply

_STORE: Final = Flag.WRITE | Flag.DENYOOM
_NO_MEMBER: Final = Error("ERR could not decode requested zset member")
_NO_RADIUS: Final = Error("ERR need numeric radius")
_NEGATIVE_RADIUS: Final = Error("ERR radius cannot be negative")
_NO_WIDTH: Final = Error("ERR need numeric width")
_NO_HEIGHT: Final = Error("ERR need numeric height")
_NEGATIVE_BOX: Final = Error("ERR height or width cannot be negative")
_COUNT_NOT_POSITIVE: Final = Error("ERR COUNT must be > 0")
_ANY_WITHOUT_COUNT: Final = Error("ERR the ANY argument requires COUNT argument")
_SLICE: Final = 256
"""Candidates taken from the sorted set at a time, so that ANY need not look at all."""

_COMPLEXITY: Final = "O(N+log(M)) for N candidates of M members"

_ASCENDING: Final = 1
_DESCENDING: Final = -1
_OPTION_WORDS: Final[dict[bytes, int]] = {
    b"COUNT": 1,
    b"STORE": 1,
    b"STOREDIST": 1,
    b"FROMMEMBER": 1,
    b"FROMLONLAT": 2,
    b"BYRADIUS": 2,
    b"BYBOX": 3,
}
"""How many arguments an option has."""
_BY_DISTANCE: Final = attrgetter("metres")


class Found:
    """A place inside the shape."""

    __slots__ = ("member", "metres", "place", "score")

    def __init__(self, member: bytes, score: float, metres: float, place: tuple[float, float]) -> None:
        self.member = member
        self.score = score
        self.metres = metres
        self.place = place


class Search:
    """What one command asks for."""

    __slots__ = (
        "around", "count", "destination", "first_found", "is_new", "may_store", "order", "shape",
        "shape_kind", "source", "store_distance", "stores", "with_distance", "with_hash", "with_place",
    )  # fmt: skip

    def __init__(
        self, source: SortedSet | None, *, is_new: bool = False, may_store: bool = False, stores: bool = False
    ) -> None:
        self.source = source
        self.is_new = is_new
        """GEOSEARCH or GEOSEARCHSTORE: centre and shape are options."""
        self.may_store = may_store
        """GEORADIUS or GEORADIUSBYMEMBER: the destination is an option."""
        self.stores = stores
        """GEOSEARCHSTORE."""
        self.shape = Shape(REPLICATED if may_store or stores else OF_THE_MACHINE)
        self.around = b""
        """The option that said where the centre is."""
        self.shape_kind = b""
        """The option that said what the shape is."""
        self.destination: bytes | None = None
        self.store_distance = False
        self.with_distance = self.with_hash = self.with_place = False
        self.first_found = False
        """ANY: the first ones found are as good as the nearest."""
        self.count = 0
        self.order = 0

    def around_member(self, member: bytes) -> Error | None:
        """The centre is a member; when there is no sorted set, nothing is looked for."""
        if self.source is None:
            return None
        score = self.source.get(member)
        if score is None:
            return _NO_MEMBER
        self.shape.longitude, self.shape.latitude = decode(score)
        return None

    def around_place(self, longitude: bytes, latitude: bytes) -> Error | None:
        """The centre is a place."""
        where = place(longitude, latitude)
        if isinstance(where, Error):
            return where
        self.shape.longitude, self.shape.latitude = where
        return None

    def circle(self, radius: bytes, unit: bytes) -> Error | None:
        """The shape is a circle."""
        length = parse_float(radius)
        if length is None:
            return _NO_RADIUS
        if length < 0:
            return _NEGATIVE_RADIUS
        self.shape.radius = length
        return self._unit(unit)

    def box(self, width: bytes, height: bytes, unit: bytes) -> Error | None:
        """The shape is a box."""
        across, up = parse_float(width), parse_float(height)
        if across is None:
            return _NO_WIDTH
        if up is None:
            return _NO_HEIGHT
        if across < 0 or up < 0:
            return _NEGATIVE_BOX
        self.shape.is_box = True
        self.shape.width, self.shape.height = across, up
        return self._unit(unit)

    def _unit(self, unit: bytes) -> Error | None:
        metres = unit_metres(unit)
        if isinstance(metres, Error):
            return metres
        self.shape.unit_m = metres
        return None

    def read_options(self, args: list[bytes], at: int) -> Error | None:
        """The options from ``args[at]`` on, and whether they go together."""
        while at < len(args):
            name = args[at].upper()
            if self._flag(name):
                at += 1
                continue
            words = _OPTION_WORDS.get(name, 0)
            if not self._fits(name) or at + words >= len(args):
                return SYNTAX
            fault = self._option(name, args[at + 1 : at + 1 + words])
            if fault is not None:
                return fault
            at += 1 + words
        return self._contradiction(printable(args[0]))

    def _flag(self, name: bytes) -> bool:
        """Whether it is an option without arguments; it is noted."""
        if name == b"WITHDIST":
            self.with_distance = True
        elif name == b"WITHHASH":
            self.with_hash = True
        elif name == b"WITHCOORD":
            self.with_place = True
        elif name == b"ANY":
            self.first_found = True
        elif name == b"ASC":
            self.order = _ASCENDING
        elif name == b"DESC":
            self.order = _DESCENDING
        elif name == b"STOREDIST" and self.stores:
            self.store_distance = True
        else:
            return False
        return True

    def _fits(self, name: bytes) -> bool:
        """Whether this command has the option, and no other one contradicts it."""
        if name in (b"STORE", b"STOREDIST"):
            return self.may_store
        if name in (b"FROMMEMBER", b"FROMLONLAT"):
            return self.is_new and self.around in (b"", name)
        if name in (b"BYRADIUS", b"BYBOX"):
            return self.is_new and self.shape_kind in (b"", name)
        return name == b"COUNT"

    def _option(self, name: bytes, words: list[bytes]) -> Error | None:
        """An option that fits, with its arguments."""
        if name == b"COUNT":
            return self._read_count(words[0])
        if name in (b"STORE", b"STOREDIST"):
            self.destination = words[0]
            self.store_distance = name == b"STOREDIST"
            return None
        if name in (b"FROMMEMBER", b"FROMLONLAT"):
            self.around = name
            return self.around_member(words[0]) if name == b"FROMMEMBER" else self.around_place(*words)
        self.shape_kind = name
        return self.circle(*words) if name == b"BYRADIUS" else self.box(*words)

    def _read_count(self, data: bytes) -> Error | None:
        count = parse_int(data)
        if count is None:
            return NOT_AN_INTEGER
        if count <= 0:
            return _COUNT_NOT_POSITIVE
        self.count = count
        return None

    def _contradiction(self, name: str) -> Error | None:
        if self.destination is not None and (self.with_distance or self.with_hash or self.with_place):
            what = "GEOSEARCHSTORE" if self.stores else "STORE option in GEORADIUS"
            return Error(f"ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        if self.is_new and not self.around:
            return Error(f"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}")
        if self.is_new and not self.shape_kind:
            return Error(f"ERR exactly one of BYRADIUS and BYBOX can be specified for {name}")
        return _ANY_WITHOUT_COUNT if self.first_found and not self.count else None

    # Searching

    def run(self, context: Context) -> Reply:
        """The reply; the result is stored if that was asked for."""
        source = self.source
        if source is None:
            if self.destination is None:
                return []
            return self._store(context, self.destination, [])
        found = self._found(source)
        order = _ASCENDING if self.count and not self.order and not self.first_found else self.order
        if self.shape.trigonometry is not OF_THE_MACHINE and (
            order or self.with_distance or self.store_distance
        ):
            for one in found:
                one.metres = self.shape.distance_to(*one.place)
        if order:
            found.sort(key=_BY_DISTANCE, reverse=order == _DESCENDING)
        if self.count:
            del found[self.count :]
        if self.destination is not None:
            return self._store(context, self.destination, found)
        return [self._shown(one) for one in found]

    def _found(self, source: SortedSet) -> list[Found]:
        """The places inside; the first ones of them when any do."""
        limit = self.count if self.first_found else len(source)
        found: list[Found] = []
        shape = self.shape
        for first, last in shape.cells():
            rank, stop = source.score_rank(float(first), False), source.score_rank(float(last), False)
            while rank < stop and len(found) < limit:
                following = min(rank + _SLICE, stop)
                for score, member in source.between(rank, following):
                    where = decode(score)
                    metres = shape.distance_inside(*where)
                    if metres is not None:
                        found.append(Found(member, score, metres, where))
                        if len(found) == limit:
                            break
                rank = following
        return found

    def _store(self, context: Context, destination: bytes, found: list[Found]) -> Reply:
        unit = self.shape.unit_m
        if self.store_distance:
            scores = {one.member: one.metres / unit for one in found}
        else:
            scores = {one.member: one.score for one in found}
        if scores:
            context.db.set(destination, SortedSet.of(scores))
            if context.notifies:
                event = b"geosearchstore" if self.is_new else b"georadiusstore"
                context.notify(SORTED_SET, event, destination)
        elif context.db.remove(destination) and context.notifies:
            context.notify(GENERIC, b"del", destination)
        return len(found)

    def _shown(self, one: Found) -> Reply:
        """The member, or a list that starts with it."""
        if not (self.with_distance or self.with_hash or self.with_place):
            return one.member
        reply: list[Reply] = [one.member]
        if self.with_distance:
            reply.append(b"%.4f" % (one.metres / self.shape.unit_m))
        if self.with_hash:
            bits = as_bits(one.score)
            reply.append(bits if bits <= INT64_MAX else bits - (1 << 64))
        if self.with_place:
            reply.append([degrees(coordinate) for coordinate in one.place])
        return reply


def _search(context: Context, args: list[bytes], source: int, at: int, *, stores: bool = False) -> Reply:
    """GEOSEARCH and GEOSEARCHSTORE: ``source`` says where the key is, ``at`` where the options start."""
    value = sorted_set_to_read(context, args[source])
    if isinstance(value, Error):
        return value
    search = Search(value, is_new=True, stores=stores)
    if stores:
        search.destination = args[1]
    fault = search.read_options(args, at)
    return search.run(context) if fault is None else fault


def _radius(context: Context, args: list[bytes], may_store: bool) -> Reply:
    """GEORADIUS and GEORADIUS_RO."""
    value = sorted_set_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    search = Search(value, may_store=may_store)
    fault = (
        search.around_place(args[2], args[3])
        or search.circle(args[4], args[5])
        or search.read_options(args, 6)
    )
    return search.run(context) if fault is None else fault


def _radius_by_member(context: Context, args: list[bytes], may_store: bool) -> Reply:
    """GEORADIUSBYMEMBER and GEORADIUSBYMEMBER_RO."""
    value = sorted_set_to_read(context, args[1])
    if isinstance(value, Error):
        return value
    search = Search(value, may_store=may_store)
    fault = None
    if value is not None:
        fault = search.around_member(args[2]) or search.circle(args[3], args[4])
    fault = fault or search.read_options(args, 5)
    return search.run(context) if fault is None else fault


def _positions(args: list[bytes], start: int) -> list[int]:
    """The source, what follows the first STORE and STOREDIST from ``start`` on, and the destination.

    redis-server names the first of several destinations as key, and stores at the last.
    """
    first = {b"STORE": 0, b"STOREDIST": 0}
    destination = 0
    at = start
    while at + 1 < len(args):
        name = args[at].upper()
        if name in first:
            first[name] = first[name] or at + 1
            destination = at = at + 1
        at += 1
    positions = [1, *(position for position in first.values() if position)]
    return positions if not destination or destination in positions else [*positions, destination]


def radius_positions(args: list[bytes]) -> list[int]:
    """Key positions of GEORADIUS."""
    return _positions(args, 6)


def radius_by_member_positions(args: list[bytes]) -> list[int]:
    """Key positions of GEORADIUSBYMEMBER."""
    return _positions(args, 5)


@command(
    "geosearch",
    arity=-7,
    flags=Flag.READONLY,
    keys=(1, 1, 1),
    group="geo",
    summary="Finds the places in a circle or a box.",
    since="6.2.0",
    complexity=_COMPLEXITY,
)
def geosearch(context: Context, args: list[bytes]) -> Reply:
    """GEOSEARCH key FROMMEMBER m | FROMLONLAT x y BYRADIUS r unit | BYBOX w h unit [options]."""
    return _search(context, args, 1, 2)


@command(
    "geosearchstore",
    arity=-8,
    flags=_STORE,
    keys=(1, 2, 1),
    group="geo",
    summary="Finds the places in a circle or a box and stores them.",
    since="6.2.0",
    complexity=_COMPLEXITY,
)
def geosearchstore(context: Context, args: list[bytes]) -> Reply:
    """GEOSEARCHSTORE destination source FROMMEMBER ... BYRADIUS ... [COUNT n [ANY]] [STOREDIST]."""
    return _search(context, args, 2, 3, stores=True)


@command(
    "georadius",
    arity=-6,
    flags=_STORE | Flag.MOVABLEKEYS,
    keys=(1, 1, 1),
    group="geo",
    summary="Finds the places in a circle around a place: an older form of GEOSEARCH.",
    since="3.2.0",
    complexity=_COMPLEXITY,
    key_finder=radius_positions,
)
def georadius(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUS key longitude latitude radius unit [options] [STORE key | STOREDIST key]."""
    return _radius(context, args, True)


@command(
    "georadius_ro",
    arity=-6,
    flags=Flag.READONLY,
    keys=(1, 1, 1),
    group="geo",
    summary="Finds the places in a circle around a place, and stores nothing.",
    since="3.2.10",
    complexity=_COMPLEXITY,
)
def georadius_ro(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUS_RO key longitude latitude radius unit [options]."""
    return _radius(context, args, False)


@command(
    "georadiusbymember",
    arity=-5,
    flags=_STORE | Flag.MOVABLEKEYS,
    keys=(1, 1, 1),
    group="geo",
    summary="Finds the places in a circle around a member: an older form of GEOSEARCH.",
    since="3.2.0",
    complexity=_COMPLEXITY,
    key_finder=radius_by_member_positions,
)
def georadiusbymember(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUSBYMEMBER key member radius unit [options] [STORE key | STOREDIST key]."""
    return _radius_by_member(context, args, True)


@command(
    "georadiusbymember_ro",
    arity=-5,
    flags=Flag.READONLY,
    keys=(1, 1, 1),
    group="geo",
    summary="Finds the places in a circle around a member, and stores nothing.",
    since="3.2.10",
    complexity=_COMPLEXITY,
)
def georadiusbymember_ro(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUSBYMEMBER_RO key member radius unit [options]."""
    return _radius_by_member(context, args, False)
