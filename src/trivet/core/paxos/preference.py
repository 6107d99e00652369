"""Which member proposes for a key, as long as it lives.

On the path: whoever gets a command sends it to this member; then its promise is kept there, and nobody duels.
Nothing depends on all asking the same one. Strategy: rendezvous hashing (Thaler and Ravishankar, 1998):
when a member goes, only its keys go elsewhere.
"""

from collections.abc import Iterable

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NO_NODE, NodeId
from trivet.core.base.prng import Prng


def preferred(key: bytes, alive: Iterable[NodeId]) -> NodeId:
    """The member to propose for ``key``; 0 if nobody is alive. The order of ``alive`` does not matter."""
    place = crc32(key)
    best = NO_NODE
    best_weight = -1
    for node in alive:
        weight = Prng((node << 32) ^ place).u64()
        if weight > best_weight or (weight == best_weight and node > best):
            best, best_weight = node, weight
    return best
