"""What the clients of one peer listen to, as the peer has announced (Rule H2).

It comes from outside: a peer may announce so many names of so many bytes, and no more.
"""

from trivet.core.pubsub.messages import Interest, Kind
from trivet.core.pubsub.subscriptions import cost_bytes
from trivet.core.values.glob import Glob


class PeerInterest:
    """One peer's."""

    def __init__(self, names_max: int, cost_bytes_max: int) -> None:
        self.counts: tuple[dict[bytes, int], dict[bytes, int], dict[bytes, int]] = ({}, {}, {})
        """Clients of the peer by name, by kind."""
        self.globs: dict[bytes, Glob] = {}
        self.left_out = 0
        """Names beyond what may be announced (Rule H5)."""
        self._names_max = names_max
        self._cost_bytes_max = cost_bytes_max
        self._cost_bytes = 0

    def take(self, message: Interest) -> None:
        """What the peer says now."""
        if message.fresh:
            self.counts = ({}, {}, {})
            self.globs = {}
            self._cost_bytes = 0
        for kind, names in message.by_kind():
            for name, count in names:
                if count <= 0:
                    self._drop(kind, name)
                elif name in self.counts[kind]:
                    self.counts[kind][name] = count
                else:
                    self._enter(kind, name, count)

    def _enter(self, kind: Kind, name: bytes, count: int) -> None:
        cost = self._cost_bytes + cost_bytes(kind, name)
        if sum(map(len, self.counts)) >= self._names_max or cost > self._cost_bytes_max:
            self.left_out += 1
            return
        self._cost_bytes = cost
        self.counts[kind][name] = count
        if kind is Kind.PATTERN:
            self.globs[name] = Glob(name)

    def _drop(self, kind: Kind, name: bytes) -> None:
        if self.counts[kind].pop(name, 0):
            self._cost_bytes -= cost_bytes(kind, name)
            if kind is Kind.PATTERN:
                del self.globs[name]

    def receivers(self, channel: bytes) -> int:
        """How many clients of the peer hear a message to ``channel``, by name or by pattern."""
        count = self.counts[Kind.CHANNEL].get(channel, 0)
        for pattern, glob in self.globs.items():
            if glob.matches(channel):
                count += self.counts[Kind.PATTERN][pattern]
        return count

    def shard_receivers(self, channel: bytes) -> int:
        """How many clients of the peer hear a message to the sharded ``channel``."""
        return self.counts[Kind.SHARD].get(channel, 0)
