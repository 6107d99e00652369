"""What a client has seen, as a short text that it takes to another node (``CLIENT CAUSAL TOKEN``, Rule C6).

The text is URL-safe base64 without padding, of: the format (1 byte), a check of the cluster (4), for each
group its number, how many actors follow, and of each actor its node, its life and the last of its updates, as
numbers of 7 bits a byte, lowest first (LEB128), and a crc32 of all before (4). Groups and actors rise. A
checksum is no proof of who wrote it: a token that nobody gave makes its bearer wait in vain, and harms nobody
else.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from typing import Final

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import GroupId
from trivet.core.lattice.clock import Clock
from trivet.core.paxos.ballot import INCARNATION_BITS, INCARNATION_MAX, NODE_MAX
from trivet.core.wire.reply import Error

TOKEN_FORMAT: Final = 1
TOKEN_BYTES_MAX: Final = 16 * 1024
"""Of a token, as text."""
NUMBER_MAX: Final = (1 << 63) - 1
_CHECKS_BYTES: Final = 9

TOO_LARGE: Final = Error(
    f"ERR the token would be longer than {TOKEN_BYTES_MAX} bytes: this connection has used too many groups; "
    "CLIENT CAUSAL OFF forgets what was seen"
)
MALFORMED: Final = Error("ERR this is no token of CLIENT CAUSAL TOKEN, or not all of it")
FOREIGN: Final = Error("ERR this token is of another cluster")
_OF_THE_FUTURE: Final = Error("ERR this token has a format that this version of Trivet does not know")

Clocks = dict[GroupId, Clock]
"""By group. A token knows of each actor the last number: clocks of replicas have no gaps."""


def encode_token(cluster: str, clocks: Clocks) -> bytes | Error:
    """The text."""
    out = bytearray([TOKEN_FORMAT])
    out += _check_of(cluster)
    for group in sorted(clocks):
        clock = clocks[group]
        actors = clock.actors
        _put(out, group)
        _put(out, len(actors))
        for actor in actors:
            _put(out, actor >> INCARNATION_BITS)
            _put(out, actor & INCARNATION_MAX)
            _put(out, clock.top(actor))
    out += crc32(bytes(out)).to_bytes(4, "big")
    text = urlsafe_b64encode(bytes(out)).rstrip(b"=")
    return text if len(text) <= TOKEN_BYTES_MAX else TOO_LARGE


def decode_token(cluster: str, text: bytes) -> Clocks | Error:
    """The clocks; or what is wrong."""
    if len(text) > TOKEN_BYTES_MAX:
        return MALFORMED
    try:
        data = b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return MALFORMED
    if len(data) < _CHECKS_BYTES or crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        return MALFORMED
    if data[0] != TOKEN_FORMAT:
        return _OF_THE_FUTURE
    if data[1:5] != _check_of(cluster):
        return FOREIGN
    clocks = _Reader(data[5:-4]).clocks()
    return MALFORMED if clocks is None else clocks


def _check_of(cluster: str) -> bytes:
    return crc32(cluster.encode()).to_bytes(4, "big")


def _put(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class _Reader:
    """Numbers from bytes whose checksum is right; what makes no sense all the same is nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def clocks(self) -> Clocks | None:
        """All of them."""
        clocks: Clocks = {}
        group_before = -1
        while self._at < len(self._data):
            group, count = self._number(), self._number()
            if group <= group_before or count < 0:
                return None
            clock = self._clock(count)
            if clock is None:
                return None
            clocks[group] = clock
            group_before = group
        return clocks

    def _clock(self, count: int) -> Clock | None:
        clock = Clock()
        actor_before = 0
        for _ in range(count):
            node, life, last = self._number(), self._number(), self._number()
            if not 1 <= node <= NODE_MAX or not 0 <= life <= INCARNATION_MAX or last < 1:
                return None
            actor = node << INCARNATION_BITS | life
            if actor <= actor_before:
                return None
            clock.add_range(actor, 1, last)
            actor_before = actor
        return clock

    def _number(self) -> int:
        """The next; -1: there is none, or it is too large."""
        number = shift = 0
        data = self._data
        while self._at < len(data) and shift < 63:
            byte = data[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number if number <= NUMBER_MAX else -1
            shift += 7
        return -1
