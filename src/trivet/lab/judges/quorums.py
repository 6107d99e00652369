"""Who decides in a group whose members change: quorums that a commit must have, and that must always meet.

- A leader commits only what a quorum of its membership holds, by what it believes itself (``matches.py``
  tells whether the belief is true).
- Membership safety (Ongaro, §4; the bug of 2015): there is never a leader with a quorum that would still
  follow it and, apart from all of that quorum, another quorum that would elect a member whose membership
  differs.
- A replica goes only when its group is gone, or when its node is a voter no longer.
- A replica that comes back to a node from which it went has kept its term, and takes itself for a voter by
  what it is told, never by how the group began.

Nodes that are down count as they were seen last. Whoever may have lost something of its log, or its whole
disk, counts for nobody.
"""

from itertools import combinations

from trivet.lab.seam import MembershipLike, ObservationLike

VOTERS_MAX = 9
"""Beyond so many, sets of voters are not enumerated."""


class _Stand:
    """A replica as it was seen last."""

    __slots__ = ("damaged", "last", "leads", "membership", "term")

    def __init__(self, seen: ObservationLike, damaged: bool) -> None:
        self.term = seen.term
        self.leads = seen.role == "leader"
        self.last = (seen.last_term, seen.last_index)
        self.membership = seen.membership
        self.damaged = damaged


class Quorums:
    """Fed with every new look at a replica of one group; gives sentences that cannot be."""

    def __init__(self) -> None:
        self.committed: tuple[int, MembershipLike] | None = None
        """(index, membership) of the newest that is known to be committed."""
        self._stands: dict[int, _Stand] = {}
        self._damaged: dict[int, None] = {}
        self._before: dict[int, tuple[int, MembershipLike]] = {}
        """(commit, membership) of each node at the look before, in its present life."""
        self._losses: dict[int, tuple[int, dict[int, int]]] = {}
        """(term, by peer: how often it had lost something), as a leader knew at the look before."""
        self._reached: dict[int, int] = {}
        """The highest last index of each node that was seen."""
        self._gone: dict[int, int] = {}
        """Node -> the term of its replica that went, in the node's present life."""

    def ended(self, node: int) -> None:
        """The process is gone: as a leader it will not be back."""
        self._gone.pop(node, None)  # a power cut may have taken the going itself
        if node in self._stands:
            self._stands[node].leads = False

    def booted(self, node: int) -> None:
        """A new life; until it is seen, it stands as before."""
        self._before.pop(node, None)

    def wiped(self, node: int) -> None:
        """Its disk is empty: it counts for nobody, whatever it takes itself for when it starts."""
        self._damaged[node] = None
        if node in self._stands:
            self._stands[node].damaged = True

    def left(self, node: int) -> list[str]:
        """The replica is gone, though its group is not."""
        stand = self._stands.pop(node, None)
        if stand is not None:
            self._gone[node] = stand.term
        self._before.pop(node, None)
        if self.committed is not None and self.committed[1].is_voter(node):
            index, membership = self.committed
            return [
                f"node {node} drops its replica, but is a voter since {index}: {members_text(membership)}"
            ]
        return []

    def seen(self, node: int, seen: ObservationLike) -> list[str]:
        """A look at a replica."""
        if seen.incomplete or seen.suspect:
            self._damaged[node] = None
        membership = seen.membership
        index = seen.membership_index
        known = -1 if self.committed is None else self.committed[0]
        if seen.commit >= index > known and membership.voters:
            self.committed = (index, membership)
        self._stands[node] = _Stand(seen, node in self._damaged)
        self._reached[node] = max(self._reached.get(node, 0), seen.last_index)
        found = _revived(node, seen, self._gone.pop(node)) if node in self._gone else []
        if seen.role == "leader" and membership.voters:
            before = self._before.get(node)
            if before is not None and seen.commit > before[0]:
                found += _commits_alone(node, seen, before[1], self._forgetful(node, seen))
            self._losses[node] = (seen.term, {peer: count for peer, count, _ in seen.losses})
        self._before[node] = (seen.commit, membership)
        if any(stand.membership != membership for stand in self._stands.values()):
            found += self._apart()
        return found

    def _forgetful(self, node: int, seen: ObservationLike) -> tuple[int, ...]:
        """Peers that were counted up to the commit index, and have said since then that they lost it.

        Their logs have reached it, too. The word may be an old one that came late, in the same turn.
        """
        term, before = self._losses.get(node, (0, {}))
        known = before if term == seen.term else {}
        return tuple(
            [
                peer
                for peer, count, lost_from in seen.losses
                if count > known.get(peer, 0) and min(lost_from, self._reached.get(peer, 0)) >= seen.commit
            ]
        )

    def _apart(self) -> list[str]:
        """Whether a leader's followers and another's voters can be apart."""
        for leader, stand in self._stands.items():
            if not stand.leads:
                continue
            followers = [n for n, s in self._stands.items() if s.term <= stand.term and not s.damaged]
            for node, rival in self._stands.items():
                if node == leader or rival.damaged or not rival.membership.is_voter(node):
                    continue
                voters = [n for n, s in self._stands.items() if s.last <= rival.last and not s.damaged]
                pair = disjoint(stand.membership, followers, rival.membership, voters)
                if pair is not None:
                    return [
                        f"membership safety: nodes {list(pair[0])} are a quorum for node {leader}, leader of "
                        f"term {stand.term} by {members_text(stand.membership)}, and apart from them nodes "
                        f"{list(pair[1])} can elect node {node} by {members_text(rival.membership)}"
                    ]
        return []


def decides(membership: MembershipLike, nodes: tuple[int, ...]) -> bool:
    """Whether ``nodes`` are a quorum: a majority of the voters, and of the outgoing ones during a change."""
    sets = [membership.voters, membership.outgoing] if membership.outgoing else [membership.voters]
    return all(2 * len([n for n in voters if n in nodes]) > len(voters) for voters in sets)


def disjoint(
    one: MembershipLike, of_one: list[int], other: MembershipLike, of_other: list[int]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A quorum of ``one`` and one of ``other``, of these nodes, without a common node; None: no such pair."""
    able = [node for node in of_one if one.is_voter(node)]
    rest = [node for node in of_other if other.is_voter(node)]
    if len(able) > VOTERS_MAX or not decides(one, tuple(able)) or not decides(other, tuple(rest)):
        return None
    for size in range(1, len(able) + 1):
        for quorum in combinations(able, size):
            if decides(one, quorum):
                apart = tuple([node for node in rest if node not in quorum])
                if decides(other, apart):
                    return quorum, apart
    return None


def _revived(node: int, seen: ObservationLike, term: int) -> list[str]:
    """The first look at a replica that is back, and had ``term`` when it went."""
    if seen.term < term:
        return [f"node {node} had term {term} when its replica went, and comes back with term {seen.term}"]
    if seen.last_index == 0 and seen.membership.is_voter(node) and not seen.incomplete:
        return [f"node {node} comes back with nothing and votes by {members_text(seen.membership)}"]
    return []


def _commits_alone(
    node: int, seen: ObservationLike, before: MembershipLike, forgetful: tuple[int, ...]
) -> list[str]:
    """A change that was proposed in the same turn counts only after it: either membership may be content."""
    holders = (node, *[peer for peer, match in seen.matches if match >= seen.commit or peer in forgetful])
    if decides(seen.membership, holders) or (before.voters and decides(before, holders)):
        return []
    return [
        f"node {node}, leader of term {seen.term}, commits index {seen.commit}, which by its belief only "
        f"nodes {sorted(holders)} hold: no quorum of {members_text(seen.membership)}"
    ]


def members_text(membership: MembershipLike) -> str:
    """For people."""
    text = f"voters {list(membership.voters)}"
    if membership.outgoing:
        text += f" with {list(membership.outgoing)}"
    return text + (f", learners {list(membership.learners)}" if membership.learners else "")
