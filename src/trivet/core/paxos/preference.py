"""Which member proposes for a key, as long as it lives.

On the path: whoever gets a command sends it to this member; then its promise is kept there, and nobody duels.
Nothing depends on all asking the same one. Strategy: keys fall into buckets, each of which has its member by
rendezvous hashing (Thaler and Ravishankar, 1998): when a member goes, only its buckets go elsewhere.
"""

from collections.abc import Iterable
from typing import Final

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NO_NODE, NodeId
from trivet.core.base.prng import Prng

BUCKETS: Final = 4096
_UNKNOWN: Final = -1


def preferred(key: bytes, alive: Iterable[NodeId]) -> NodeId:
    """The member to propose for ``key``; 0 if nobody is alive. The order of ``alive`` does not matter."""
    return _of_bucket(crc32(key) % BUCKETS, alive)


def _of_bucket(bucket: int, alive: Iterable[NodeId]) -> NodeId:
    best = NO_NODE
    best_weight = -1
    for node in alive:
        weight = Prng((node << 32) ^ bucket).u64()
        if weight > best_weight or (weight == best_weight and node > best):
            best, best_weight = node, weight
    return best


class Preferred:
    """The same for many keys, as long as nobody dies and nobody comes."""

    __slots__ = ("_alive", "_nodes")

    def __init__(self, alive: Iterable[NodeId]) -> None:
        self._alive = tuple(alive)
        self._nodes: list[NodeId] = [_UNKNOWN] * BUCKETS
        """By bucket; found out when it is asked for."""

    def of(self, key: bytes) -> NodeId:
        """The member to propose for ``key``; 0 if nobody is alive."""
        bucket = crc32(key) % BUCKETS
        node = self._nodes[bucket]
        if node == _UNKNOWN:
            node = self._nodes[bucket] = _of_bucket(bucket, self._alive)
        return node
