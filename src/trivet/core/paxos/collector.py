"""Removal of deleted registers (CASPaxos §3.1, Rule P11).

On the path: after a deletion, when its tombstone has stood for a while. A tombstone is a value like any
other: it cannot simply be dropped, or an older value that some member still has would come back. So: (a)
the tombstone is accepted by *every* member, at one ballot; then (b) every member drops it if it still is
the one of that ballot, and raises its floor above it at the same time.

Why nothing comes back. After (a) nobody holds anything older, and nobody will accept anything older: every
member has promised that ballot, and where the register is gone, the floor stands for the promise. So a
quorum that finds nothing, or finds nothing but this tombstone, is right: every later value was accepted
above it, is held by a quorum, and is not dropped, because only the tombstone of that very ballot is. Late
copies of prepare and accept are below the floor; a late removal names a ballot that nobody holds again. A
promise that a proposer has kept from before is below it too, so proposers need not be told to forget
anything (the paper's ages do what the floor does here, but want an answer of every proposer). A register
with a promise above the tombstone stays: somebody is about to write.

Why nothing runs twice. The done entries go with the tombstone. The version goes into the floor: what is
created later begins above it, and counts as having forgotten everything up to it (Rule P9).

Several members may collect the same key; they get in each other's way, no more. One does so first.
"""

from trivet.core.paxos.acceptor import Acceptor
from trivet.core.paxos.preference import preferred
from trivet.core.paxos.proposer import Proposer

LATE = 4
"""So many times as old must a tombstone be, for others than the preferred member to collect it."""


class Collector:
    """Of one member."""

    __slots__ = ("_acceptor", "_proposer", "_underway", "removed")

    def __init__(self, acceptor: Acceptor, proposer: Proposer) -> None:
        self._acceptor = acceptor
        self._proposer = proposer
        self._underway: dict[bytes, None] = {}
        self.removed = 0
        """So many have been told to be dropped."""

    def tick(self) -> None:
        """Begin with what is old enough."""
        acceptor, proposer = self._acceptor, self._proposer
        tombstones = acceptor.registers.tombstones
        quorums = proposer.quorums
        if not tombstones or acceptor.doubtful or quorums is None:
            return
        settings = proposer.settings
        chosen: list[bytes] = []
        looked_at = 0
        for key, since in tombstones.items():
            looked_at += 1
            if (
                len(self._underway) + len(chosen) >= settings.collect_max
                or looked_at > 4 * settings.collect_max
            ):
                break
            age = acceptor.now - since
            if age < settings.tombstone_ticks:
                break
            if key in self._underway:
                continue
            if preferred(key, quorums.members) == settings.node:
                chosen.append(key)
            elif age >= LATE * settings.tombstone_ticks and proposer.prng.below(LATE) == 0:
                chosen.append(key)  # not always, or all the others would do it in the same tick
        for key in chosen:
            self.collect(key)

    def collect(self, key: bytes) -> bool:
        """Collect one now, however old. False: it is busy."""
        if key in self._underway or not self._proposer.collect(key):
            return False
        self._underway[key] = None
        return True

    def on_collected(self, key: bytes, ok: bool) -> None:
        """One came to its end. If it is still there, it takes its place behind the others."""
        self._underway.pop(key, None)
        self.removed += ok
        tombstones = self._acceptor.registers.tombstones
        if tombstones.pop(key, None) is not None:
            tombstones[key] = self._acceptor.now
