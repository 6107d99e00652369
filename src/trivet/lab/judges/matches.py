"""What a leader believes its followers to hold: the belief never falls, and it is true.

A leader counts a follower towards a majority up to its match index (Ongaro, §3.5, §3.6). Within
one term of one leader that index only rises, and the follower's log, as long as that follower has
seen no later term, really holds the leader's entry there. Exempt is a follower that once said
it had lost what it acknowledged (a damaged log): its match may fall, and be wrong until it says so.
"""

from collections.abc import Callable

EntryAt = Callable[[int], tuple[int, int] | None]
"""(term, crc of the payload) of a log entry while its node holds it."""


class Follower:
    """What the judge needs to know of a follower, as it was last seen."""

    __slots__ = ("entry", "last_index", "term")

    def __init__(self, term: int, last_index: int, entry: EntryAt) -> None:
        self.term = term
        self.last_index = last_index
        self.entry = entry


class Matches:
    """Fed after every turn of a leader; gives sentences that cannot be."""

    def __init__(self) -> None:
        self._damaged: dict[int, None] = {}
        self._terms: dict[int, int] = {}
        self._known: dict[int, dict[int, int]] = {}
        self._followers: dict[int, Follower] = {}

    def booted(self, node: int) -> None:
        """A new life: what it believed as a leader is gone; its log is what the disk gave back."""
        self._terms.pop(node, None)
        self._known.pop(node, None)
        self._followers.pop(node, None)

    def seen(self, node: int, term: int, last_index: int, incomplete: bool, entry: EntryAt) -> None:
        """A look at any node."""
        if incomplete:
            self._damaged[node] = None
        self._followers[node] = Follower(term, last_index, entry)

    def led(self, node: int, term: int, matches: tuple[tuple[int, int], ...], entry: EntryAt) -> list[str]:
        """A look at a leader: what is wrong with what it believes."""
        if self._terms.get(node) != term:
            self._terms[node] = term
            self._known[node] = {}
        known = self._known[node]
        present = dict(matches)
        for peer in [peer for peer in known if peer not in present]:
            del known[peer]  # who left the group, and comes back, begins anew
        found: list[str] = []
        for peer, match in matches:
            before = known.get(peer, 0)
            if match == before:
                continue
            known[peer] = match
            if peer in self._damaged:
                continue
            if match < before:
                found.append(
                    f"the match index of node {peer} falls from {before} to {match} "
                    f"at node {node}, leader of term {term}"
                )
            else:
                found += self._untrue(node, term, peer, match, entry)
        return found

    def _untrue(self, node: int, term: int, peer: int, match: int, entry: EntryAt) -> list[str]:
        follower = self._followers.get(peer)
        if follower is None or follower.term != term:
            return []
        claim = (
            f"node {node}, leader of term {term}, believes that node {peer} holds its entries up to {match}"
        )
        if follower.last_index < match:
            return [f"{claim}, but that log ends at {follower.last_index}"]
        own, other = entry(match), follower.entry(match)
        if own is not None and other is not None and own != other:
            return [f"{claim}, but entry {match} is of term {other[0]} there, of term {own[0]} here"]
        return []
