"""Raft's invariants of one group over the whole run (Ongaro, figure 3.2), watched from outside.

- Election safety: at most one leader per term, ever.
- Log matching: an (index, term) names one entry, and one entry before it.
- Leader completeness: a new leader holds every entry that was committed in an earlier term than its own.
  (It may be elected late: a leader of a later term may already have committed more.)
- State machine safety: one entry per committed index, one digest per applied index.
- Quorums meet, while members come and go (``quorums.py``).
- Within one life of a replica neither term nor commit nor applied goes back; nor does what a leader believes
  its followers to hold, which must be true (``matches.py``).
"""

from collections.abc import Callable

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.matches import Matches
from trivet.lab.judges.quorums import Quorums
from trivet.lab.seam import ObservationLike

Entry = tuple[int, int]
"""(term, crc of the payload)."""
EntryAt = Callable[[int], Entry | None]
DigestOf = Callable[[bool], object]
"""The digest at the applied index: rolling, or (True) over the whole state."""

GENERATION_BITS = 24
"""Terms of a group of mode ``primary`` have the generation above so many bits."""
WHOLE_EVERY = 16
"""At every so many-th applied index the whole states are compared."""


class _View:
    """What the judge remembers of one node's present life."""

    def __init__(self) -> None:
        self.term = 0
        self.commit = 0
        self.applied = 0
        self.first_index = 0
        self.last_index = 0
        self.last_term = 0
        self.leading_in = 0
        self.log: dict[int, Entry] = {}
        self.entry: EntryAt = lambda index: None


class InvariantJudge:
    """Fed with observations of one group; complaints gather in ``complaints``."""

    def __init__(
        self,
        complaints: list[Complaint] | None = None,
        reached: dict[str, int] | None = None,
        where: str = "",
    ) -> None:
        """``complaints``, ``reached``: where to gather; ``where``: said at the end of each complaint."""
        self.complaints: list[Complaint] = [] if complaints is None else complaints
        self._where = where
        self.committed: dict[int, Entry] = {}
        self.commit_max = 0
        self._committed_in: dict[int, int] = {}
        """The term in which an index was first seen to be committed."""
        self.reached: dict[str, int] = {} if reached is None else reached
        """How often something worth reaching happened."""
        self._views: dict[int, _View] = {}
        self._leaders: dict[int, int] = {}
        self._entries: dict[Entry, tuple[int, int]] = {}
        """(index, term) -> (crc, term of the entry before, or -1 where unknown)."""
        self._digests: dict[int, tuple[object, int]] = {}
        self._matches = Matches()
        self.quorums = Quorums()
        self._generation = 0
        """Of a group of mode ``primary``: the newest that anybody has led."""
        self.backed: tuple[int, ...] = ()
        """The members of such a group, as its primary has them."""

    def booted(self, node: int) -> None:
        """A new life of the replica at ``node``: what it held only in memory is gone."""
        self._views[node] = _View()
        self._matches.booted(node)
        self.quorums.booted(node)

    def ended(self, node: int) -> None:
        """The process of ``node`` is gone, and leads no more."""
        if node in self._views:
            self._views[node].leading_in = 0
        self.quorums.ended(node)

    def left(self, node: int, is_dropped: bool) -> None:
        """The replica at ``node`` is gone for good; ``is_dropped``: so is its group."""
        self._views.pop(node, None)
        self._matches.booted(node)
        for sentence in self.quorums.left(node):
            if not is_dropped:
                self._complain(sentence, [])

    def observed(self, node: int, seen: ObservationLike, entry: EntryAt, digest: DigestOf) -> None:
        """One look at ``node``; ``entry(index)`` reads its log while it holds the index."""
        view = self._views[node]
        view.entry = entry
        self._check_forward(node, view, seen)
        self._check_log(node, view, seen, entry)
        if seen.membership.lineage or self._generation:
            self._observed_primary(node, view, seen, entry, digest)
            return
        self._check_commits(node, view, seen, entry)
        if seen.role == "leader" and view.leading_in != seen.term:
            self._check_new_leader(node, seen, entry)
            view.leading_in = seen.term
        elif seen.role != "leader":
            view.leading_in = 0
        self._matches.seen(node, seen.term, seen.last_index, seen.incomplete, entry)
        if seen.role == "leader":
            for sentence in self._matches.led(node, seen.term, seen.matches, entry):
                self._complain(sentence, [])
        for sentence in self.quorums.seen(node, seen):
            self._complain(sentence, [])
        if seen.applied != view.applied:
            self._check_digest(node, seen.applied, digest)
        view.term, view.commit, view.applied = seen.term, seen.commit, seen.applied

    def _observed_primary(
        self, node: int, view: _View, seen: ObservationLike, entry: EntryAt, digest: DigestOf
    ) -> None:
        """Of a group with one voter, which is replaced by force: all holds as ever within a generation.

        What an earlier one had and the next has not counts no more, nor what its members do.
        """
        generation = seen.last_term >> GENERATION_BITS
        leads = seen.role == "leader"
        if leads and generation > self._generation:
            self._begin_generation(generation, seen, entry)
        if leads and generation == self._generation and seen.membership_index <= seen.commit:
            self.backed = seen.membership.members()
        if generation == self._generation:
            self._check_commits(node, view, seen, entry)
            if seen.applied != view.applied:
                self._check_digest(node, seen.applied, digest)
        if leads and view.leading_in != seen.term:
            if generation == self._generation:
                self._check_new_leader(node, seen, entry)
            elif self._leaders.setdefault(seen.term, node) != node:
                self._complain(f"election safety: two nodes led term {seen.term}", [])
        view.leading_in = seen.term if leads else 0
        view.term, view.commit, view.applied = seen.term, seen.commit, seen.applied

    def _begin_generation(self, generation: int, seen: ObservationLike, entry: EntryAt) -> None:
        self._generation = generation
        self._count("failovers")
        fork = dict(seen.membership.lineage).get(generation, 0)
        self.committed = {index: held for index, held in self.committed.items() if index < fork}
        self.commit_max = max(self.committed, default=0)
        self._digests = {index: known for index, known in self._digests.items() if index < fork}
        for view in self._views.values():
            view.leading_in = 0

    def _complain(self, sentence: str, evidence: list[str]) -> None:
        if len(self.complaints) < 10:
            self.complaints.append(Complaint("invariants", sentence + self._where, evidence))

    def _count(self, what: str) -> None:
        self.reached[what] = self.reached.get(what, 0) + 1

    def _check_forward(self, node: int, view: _View, seen: ObservationLike) -> None:
        pairs = (("term", view.term, seen.term), ("commit", view.commit, seen.commit))
        for name, before, now in (*pairs, ("applied", view.applied, seen.applied)):
            if now < before:
                self._complain(f"{name} of node {node} goes back from {before} to {now}", [])
        if seen.applied > seen.commit or seen.commit > seen.last_index:
            where = f"applied {seen.applied}, commit {seen.commit}, last {seen.last_index}"
            self._complain(f"node {node} is ahead of itself: {where}", [])

    def _check_log(self, node: int, view: _View, seen: ObservationLike, entry: EntryAt) -> None:
        """Compare the entries that are new since the last look, from the end backwards."""
        last = entry(seen.last_index)
        last_term = last[0] if last is not None else 0
        if seen.first_index > view.first_index and view.first_index:
            self._count("compactions" if seen.first_index <= view.last_index + 1 else "snapshots installed")
        same = seen.last_index == view.last_index and last_term == view.last_term
        if seen.last_index < view.last_index or (
            view.last_index and view.log.get(seen.last_index, last) != last
        ):
            self._count("truncations")
        view.first_index, view.last_index, view.last_term = seen.first_index, seen.last_index, last_term
        if same:
            return
        index = seen.last_index
        held = last
        while held is not None and view.log.get(index) != held:
            before = entry(index - 1)
            self._check_entry(node, index, held, before[0] if before is not None else -1)
            view.log[index] = held
            index, held = index - 1, before

    def _check_entry(self, node: int, index: int, held: Entry, term_before: int) -> None:
        term, crc = held
        known = self._entries.get((index, term))
        if known is None or (known[1] < 0 and known[0] == crc):
            self._entries[(index, term)] = (crc, term_before)
            return
        if known[0] != crc or (term_before >= 0 and known[1] != term_before):
            self._complain(
                f"log matching: node {node} holds another entry at index {index}, term {term} than before",
                [f"crc {crc:#x} after term {term_before}; before: {known[0]:#x} after term {known[1]}"],
            )

    def _check_commits(self, node: int, view: _View, seen: ObservationLike, entry: EntryAt) -> None:
        for index in range(view.commit + 1, seen.commit + 1):
            held = entry(index)
            if held is None:
                continue
            known = self.committed.get(index)
            if known is None:
                self.committed[index] = held
                self._committed_in[index] = seen.term
                self.commit_max = max(self.commit_max, index)
                self._check_present_leaders(node, seen.term, index, held)
            elif known != held:
                self._complain(
                    f"node {node} commits another entry at index {index} than was committed before",
                    [f"term {held[0]} crc {held[1]:#x}; before: term {known[0]} crc {known[1]:#x}"],
                )

    def _check_present_leaders(self, node: int, term: int, index: int, held: Entry) -> None:
        """An entry that becomes committed now must already be in every leader of a later term."""
        for other, view in self._views.items():
            if other == node or view.leading_in <= term or index < view.first_index:
                continue
            if view.log.get(index) != held:
                self._complain(
                    f"leader completeness: node {node} (term {term}) commits index {index}, "
                    f"which node {other}, leader of term {view.leading_in}, does not hold", [],
                )  # fmt: skip

    def _check_new_leader(self, node: int, seen: ObservationLike, entry: EntryAt) -> None:
        self._count("elections")
        other = self._leaders.setdefault(seen.term, node)
        if other != node:
            self._complain(f"election safety: nodes {other} and {node} both led term {seen.term}", [])
        due = self.commit_max
        while due and self._committed_in.get(due, 0) >= seen.term:
            due -= 1
        if seen.last_index < due:
            self._complain(
                f"leader completeness: node {node} leads term {seen.term} with a log to {seen.last_index}, "
                f"but index {due} is committed", [],
            )  # fmt: skip
            return
        for index in range(max(1, seen.first_index), due + 1):
            known, held = self.committed.get(index), entry(index)
            if known is not None and held is not None and known != held:
                self._complain(
                    f"leader completeness: node {node} leads term {seen.term} without the committed {index}",
                    [f"it holds term {held[0]} crc {held[1]:#x}, not term {known[0]} crc {known[1]:#x}"],
                )
                return

    def _check_digest(self, node: int, applied: int, digest: DigestOf) -> None:
        own = (digest(False), digest(True) if applied % WHOLE_EVERY == 0 else None)
        if own[0] is None:
            return
        known, other = self._digests.setdefault(applied, (own, node))
        if known != own:
            self._complain(
                f"replicas: at applied index {applied} node {node} holds another state than node {other}",
                [f"digest {own!r} against {known!r}"],
            )
