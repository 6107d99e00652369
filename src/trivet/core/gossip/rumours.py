"""News about nodes that ride on other messages, so that spreading them costs no messages of its own.

Source: Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
Protocol" (2002), §4.1.

- Rule D4: one rumour per node, the newest. It goes out so many times (``budget``), which suffices to reach
  all with high probability, and is dropped then; those sent least go first, so that news is not held up.
"""

from trivet.core.gossip.swim_messages import Rumour


class Rumours:
    """What this node has to pass on."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[int, tuple[Rumour, int]] = {}
        """By node: the rumour, and how often it has gone out."""

    def __len__(self) -> int:
        return len(self._held)

    def put(self, rumour: Rumour) -> None:
        """News: what there was about the node is old."""
        self._held[rumour.node] = (rumour, 0)

    def drop(self, node: int) -> None:
        """The node is none of ours any more."""
        self._held.pop(node, None)

    def take(self, count: int, budget: int, except_for: int) -> list[Rumour]:
        """At most ``count`` for one message (Rule D4); not about ``except_for``."""
        if not self._held or count <= 0:
            return []
        rows = [(sent, node) for node, (_, sent) in self._held.items() if node != except_for]
        rows.sort()
        taken: list[Rumour] = []
        for sent, node in rows[:count]:
            rumour = self._held[node][0]
            taken.append(rumour)
            if sent + 1 >= budget:
                del self._held[node]
            else:
                self._held[node] = (rumour, sent + 1)
        return taken
