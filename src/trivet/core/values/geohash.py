"""Places on the earth as 52-bit numbers whose neighbourhoods are ranges, as redis-server computes them.

Longitude and latitude each become 26 bits, interleaved, latitude in the even bits. So a
number cut to ``2 * step`` bits names a cell, and the places in a cell are one range of
scores of a sorted set. A shape is searched in the cell of its centre and the eight around
it, at the step at which these cover it. Operations stand in the order in which
redis-server does them, so that sums agree to the last bit.
"""

import math
from typing import Final

from trivet.core.base.trigonometry import OF_THE_MACHINE, Trigonometry

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878
"""Beyond it the Web Mercator projection does not go."""
EARTH_RADIUS_M: Final = 6372797.560856
_MERCATOR_M: Final = 20037726.37
_DEGREE: Final = math.pi / 180.0
STEP_MAX: Final = 26
_CELLS: Final = 1 << STEP_MAX
_BITS: Final = 2 * STEP_MAX
_LEFT: Final = -LONGITUDE_MAX
_WIDTH: Final = LONGITUDE_MAX - _LEFT
_DOWN: Final = -LATITUDE_MAX
_HEIGHT: Final = LATITUDE_MAX - _DOWN
_MASK: Final = (1 << 64) - 1
_EVEN: Final = 0x5555555555555555
_ODD: Final = 0xAAAAAAAAAAAAAAAA
_MARGIN: Final = 1.0 + 1e-6
_MARGIN_M: Final = 1.0
"""Far more, in proportion and in all, than the machine's sine and cosine can be wrong by."""
_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_SPREAD: Final = tuple(int(format(byte, "b"), 4) for byte in range(256))
"""The bits of a byte, every second one."""


def _interleave(even: int, odd: int) -> int:
    """Two 32-bit numbers, bit by bit."""
    spread = _SPREAD
    one = spread[even & 255] | spread[even >> 8 & 255] << 16 | spread[even >> 16 & 255] << 32
    other = spread[odd & 255] | spread[odd >> 8 & 255] << 16 | spread[odd >> 16 & 255] << 32
    return one | spread[even >> 24 & 255] << 48 | (other | spread[odd >> 24 & 255] << 48) << 1


def _separate(bits: int) -> tuple[int, int]:
    """The even and the odd bits of a 64-bit number."""
    text = format(bits, "064b")
    return int(text[1::2], 2), int(text[::2], 2)


def _encode(longitude: float, latitude: float, latitude_max: float, step: int) -> int:
    width, height = LONGITUDE_MAX - -LONGITUDE_MAX, latitude_max - -latitude_max
    east = int((longitude - -LONGITUDE_MAX) / width * (1 << step))
    north = int((latitude - -latitude_max) / height * (1 << step))
    return _interleave(north, east)


def encode(longitude: float, latitude: float) -> int:
    """The 52-bit number of a place whose coordinates are in range."""
    return _encode(longitude, latitude, LATITUDE_MAX, STEP_MAX)


def in_range(longitude: float, latitude: float) -> bool:
    """Whether there is a number for the place."""
    return abs(longitude) <= LONGITUDE_MAX and abs(latitude) <= LATITUDE_MAX


class Area:
    """A cell, in degrees."""

    __slots__ = ("east", "north", "south", "west")

    def __init__(self, bits: int, step: int) -> None:
        north, east = _separate(bits)
        cells = 1 << step
        self.south = _DOWN + north * 1.0 / cells * _HEIGHT
        self.north = _DOWN + (north + 1) * 1.0 / cells * _HEIGHT
        self.west = _LEFT + east * 1.0 / cells * _WIDTH
        self.east = _LEFT + (east + 1) * 1.0 / cells * _WIDTH


def decode(score: float) -> tuple[float, float]:
    """Longitude and latitude of the middle of the cell that a score names; any score names one."""
    north, east = _separate(as_bits(score))
    longitude = (_LEFT + east * 1.0 / _CELLS * _WIDTH + (_LEFT + (east + 1) * 1.0 / _CELLS * _WIDTH)) / 2
    latitude = (_DOWN + north * 1.0 / _CELLS * _HEIGHT + (_DOWN + (north + 1) * 1.0 / _CELLS * _HEIGHT)) / 2
    if east >= _CELLS:
        longitude = min(longitude, LONGITUDE_MAX)
    return longitude, min(latitude, LATITUDE_MAX)


def as_bits(score: float) -> int:
    """A score as unsigned 64 bits, the way x86-64 converts it."""
    if -9223372036854775808.0 <= score < 18446744073709551616.0:
        return int(score) & _MASK
    return 0 if score > 0 else 1 << 63


def text_of(score: float) -> bytes:
    """The usual geohash of 11 characters, which takes latitude from -90 to 90."""
    longitude, latitude = decode(score)
    bits = _encode(longitude, latitude, 90.0, STEP_MAX)
    text = [_ALPHABET[bits >> (_BITS - 5 * place) & 31] for place in range(1, 11)]
    return bytes(text) + b"0"


# Distances


def _latitude_distance(latitude: float, other: float) -> float:
    return EARTH_RADIUS_M * abs(other * _DEGREE - latitude * _DEGREE)


def distance(
    trigonometry: Trigonometry, longitude: float, latitude: float, longitude_2: float, latitude_2: float
) -> float:
    """Metres between two places, by the haversine formula."""
    sin, cos, asin = trigonometry
    v = sin((longitude_2 * _DEGREE - longitude * _DEGREE) / 2)
    if v == 0.0:
        return _latitude_distance(latitude, latitude_2)
    north, north_2 = latitude * _DEGREE, latitude_2 * _DEGREE
    u = sin((north_2 - north) / 2)
    a = u * u + cos(north) * cos(north_2) * v * v
    return 2.0 * EARTH_RADIUS_M * asin(min(math.sqrt(a), 1.0))


class Shape:
    """A circle or a box around a place. Lengths are in units of ``unit_m`` metres."""

    __slots__ = ("height", "is_box", "latitude", "longitude", "radius", "trigonometry", "unit_m", "width")

    def __init__(self, trigonometry: Trigonometry) -> None:
        self.trigonometry = trigonometry
        self.longitude = 0.0
        self.latitude = 0.0
        self.unit_m = 1.0
        self.is_box = False
        self.radius = 0.0
        self.width = 0.0
        self.height = 0.0

    def distance_inside(self, longitude: float, latitude: float) -> float | None:
        """Metres from the centre as the machine measures them, None when the place is outside.

        What is inside is decided by ``trigonometry``, which is asked only where the machine's may be wrong.
        """
        up = _latitude_distance(latitude, self.latitude)
        if not self.is_box:
            radius = self.radius * self.unit_m
            if up > radius * _MARGIN + _MARGIN_M:
                return None
            metres = distance(OF_THE_MACHINE, self.longitude, self.latitude, longitude, latitude)
            near = self._is_near(metres, radius)
            decides = self.distance_to(longitude, latitude) if near else metres
            return None if decides > radius else metres
        if up > self.height * self.unit_m / 2:
            return None
        width = self.width * self.unit_m / 2
        along = distance(OF_THE_MACHINE, longitude, latitude, self.longitude, latitude)
        if self._is_near(along, width):
            along = distance(self.trigonometry, longitude, latitude, self.longitude, latitude)
        if along > width:
            return None
        return distance(OF_THE_MACHINE, self.longitude, self.latitude, longitude, latitude)

    def _is_near(self, metres: float, limit: float) -> bool:
        """Whether the machine's distance is too near the limit for all machines to agree on the side."""
        if self.trigonometry is OF_THE_MACHINE:
            return False
        return abs(metres - limit) <= limit * (_MARGIN - 1.0) + _MARGIN_M

    def distance_to(self, longitude: float, latitude: float) -> float:
        """Metres from the centre, by the trigonometry of the shape."""
        return distance(self.trigonometry, self.longitude, self.latitude, longitude, latitude)

    def cells(self) -> list[tuple[int, int]]:
        """The ranges of scores, [first, last), in which the shape lies, in redis-server's order."""
        west, south, east, north = self._bounds()
        step = self._step()
        cell = _Cell(_encode(self.longitude, self.latitude, LATITUDE_MAX, step), step)
        if step > 1 and not cell.neighbours_cover(west, south, east, north):
            step -= 1
            cell = _Cell(_encode(self.longitude, self.latitude, LATITUDE_MAX, step), step)
        area = Area(cell.bits, step)
        found: list[tuple[int, int]] = []
        last: int | None = None
        for number, (x, y) in enumerate(_AROUND):
            if step >= 2 and (
                (y < 0 and area.south < south)
                or (y > 0 and area.north > north)
                or (x < 0 and area.west < west)
                or (x > 0 and area.east > east)
            ):
                continue
            bits = cell.moved(x, y)
            if bits == last:
                continue  # cells are so large that they meet on the other side
            shift = _BITS - 2 * step
            found.append((bits << shift & _MASK, (bits + 1 << shift) & _MASK))
            last = bits if number else None
        return found

    def _bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the box around the shape; anything where it reaches a pole."""
        height = self.unit_m * (self.height / 2 if self.is_box else self.radius)
        width = self.unit_m * (self.width / 2 if self.is_box else self.radius)
        up = height / EARTH_RADIUS_M / _DEGREE
        nearer_pole = self.latitude - up if self.latitude < 0 else self.latitude + up
        if not math.isfinite(nearer_pole):
            return math.nan, -math.inf, math.nan, math.inf
        narrowed = self.trigonometry.cos(nearer_pole * _DEGREE)
        across = width / EARTH_RADIUS_M / narrowed / _DEGREE if narrowed else math.inf
        return self.longitude - across, self.latitude - up, self.longitude + across, self.latitude + up

    def _step(self) -> int:
        """The step at which nine cells cover the shape nearly always."""
        reach = self.radius
        if self.is_box:
            reach = math.sqrt(self.width / 2 * (self.width / 2) + self.height / 2 * (self.height / 2))
        reach *= self.unit_m
        if reach == 0:
            return STEP_MAX
        step = 1
        while reach < _MERCATOR_M:
            reach *= 2
            step += 1
        step -= 2
        if abs(self.latitude) > 66:
            step -= 1
            if abs(self.latitude) > 80:
                step -= 1
        return min(max(step, 1), STEP_MAX)


_AROUND: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""East and north of the centre: the order in which cells are searched."""


class _Cell:
    """A cell among its neighbours."""

    __slots__ = ("bits", "step")

    def __init__(self, bits: int, step: int) -> None:
        self.bits = bits
        self.step = step

    def moved(self, x: int, y: int) -> int:
        """The bits of the cell ``x`` to the east and ``y`` to the north, around the edges of the map."""
        unused = 64 - 2 * self.step
        odd = _moved(self.bits & _ODD, x, _EVEN >> unused, _ODD >> unused)
        even = _moved(self.bits & _EVEN, y, _ODD >> unused, _EVEN >> unused)
        return odd | even

    def neighbours_cover(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether the four neighbours reach beyond these bounds."""
        return not (
            Area(self.moved(0, 1), self.step).north < north
            or Area(self.moved(0, -1), self.step).south > south
            or Area(self.moved(1, 0), self.step).east < east
            or Area(self.moved(-1, 0), self.step).west > west
        )


def _moved(bits: int, by: int, others: int, mask: int) -> int:
    """Every second bit counted one up or down: the bits between are filled, so that the carry passes."""
    if by > 0:
        bits += others + 1
    elif by < 0:
        bits = (bits | others) - (others + 1)
    else:
        return bits
    return bits & mask
