"""The judge of registers: what an acceptor has promised or accepted is never taken back, and nothing forks.

Watched from outside, whenever an acceptor has handed something to its log. For each place of a group:

- one ballot has one content, over all nodes and all their lives;
- what is chosen stays: once a majority has accepted a ballot, durably, whatever is accepted above it has a
  later version, or is that very content;
- a promise, the floor and the epoch never fall in one life, and what was durable is there in the next, unless
  the member says that it may have lost something, or has left the group meanwhile;
- slots come and go: a register belongs to the epoch since which its slot is held without a break. Of another
  one of that name nothing is asked; and what is chosen counts from when the slot is served.

In the end, when nothing disturbs and everything was read once, ``unsettled`` says what is not as it must be.
"""

from binascii import crc_hqx
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from trivet.lab.judges.complaint import Complaint
from trivet.lab.seam import RegisterHeldLike, RegistersLike

Ballot = tuple[int, int]
NOTHING: Ballot = (0, 0)
Held = Mapping[bytes, RegisterHeldLike]
Spans = tuple[tuple[int, int, int, int], ...] | None

SERVED = 1
HEAD_BYTES = 6
"""Of a place, before the key."""


def _slot_of(key: bytes) -> int:
    """As Redis Cluster counts them."""
    tag = key.partition(b"{")[2].partition(b"}")
    return crc_hqx(tag[0] if tag[0] and tag[1] else key, 0) % 16384


def _span_of(spans: Spans, place: bytes) -> tuple[int, int]:
    """Since when the place's slot is held, and what is done with it; (0, 0): it is not."""
    if spans is None:
        return 1, SERVED
    slot = _slot_of(place[HEAD_BYTES:])
    for first, last, since, state in spans:
        if first <= slot <= last:
            return since, state
    return 0, 0


class _Word(NamedTuple):
    """What a member has said that it keeps, beside its registers."""

    epoch: int
    floor: Ballot
    floor_version: int
    joined: int
    spans: Spans = None

    def has_still(self, place: bytes, before: "_Word") -> bool:
        """Whether the place's register is the one that was there before."""
        if self.spans == before.spans:
            return True
        since = _span_of(self.spans, place)[0]
        return since > 0 and since == _span_of(before.spans, place)[0]


class _Later(NamedTuple):
    """On its way to the disk."""

    saves: int
    word: _Word
    changed: dict[bytes, RegisterHeldLike | None]


class _Part:
    """One node's part in one group, as it was seen last."""

    def __init__(self) -> None:
        self.fresh = True
        """Of a life that has not been looked at yet."""
        self.doubtful = False
        self.saves = -1
        self.word = _Word(0, NOTHING, 0, 0)
        self.held: dict[bytes, RegisterHeldLike] = {}
        self.sure_word = self.word
        self.sure: dict[bytes, RegisterHeldLike] = {}
        """What is durable, for certain."""
        self.later: list[_Later] = []

    def forget(self) -> None:
        """It may have lost anything."""
        self.sure_word = self.word = _Word(0, NOTHING, 0, 0)
        self.sure, self.held, self.later = {}, {}, []


class _Place:
    """What all nodes have shown of one register."""

    __slots__ = ("acceptors", "chosen", "contents")

    def __init__(self) -> None:
        self.contents: dict[Ballot, tuple[int, int]] = {}
        """Ballot -> (version, crc)."""
        self.acceptors: dict[Ballot, dict[int, None]] = {}
        """Who has accepted it, durably."""
        self.chosen: Ballot = NOTHING


class RegisterJudge:
    """Complaints go to ``complaints``."""

    def __init__(self, complaints: list[Complaint]) -> None:
        self._complaints = complaints
        self._parts: dict[tuple[int, int], _Part] = {}
        self._places: dict[tuple[int, bytes, int], _Place] = {}
        """By group, place, and since when its slot is held."""
        self.looks = 0
        self.chosen = 0
        """How often something was seen to be chosen."""

    def booted(self, node: int) -> None:
        """A new life of ``node``."""
        for (other, _), part in self._parts.items():
            if other == node:
                part.fresh = True

    def left(self, node: int, group: int) -> None:
        """The group is no more there."""
        self._parts.pop((node, group), None)

    def observed(self, node: int, group: int, seen: RegistersLike, held: Callable[[], Held]) -> None:
        """One look at a node's part in a group that is not as it was."""
        part = self._parts.get((node, group))
        if part is None:
            part = self._parts[node, group] = _Part()
        who = f"node {node}, group {group}"
        if part.fresh:
            self._begins(who, part, seen, held)
        if seen.doubtful:
            part.doubtful = True
            part.saves = -1
            part.forget()
            return
        if part.doubtful:
            part.doubtful = False
            part.saves = -1
        if seen.saves != part.saves:
            self._changed(who, group, part, seen, held())
        self._settled(node, group, part, seen)

    def _begins(self, who: str, part: _Part, seen: RegistersLike, held: Callable[[], Held]) -> None:
        """A new life: what was durable is there."""
        part.fresh = False
        part.saves = -1
        part.doubtful = False
        if seen.doubtful:
            return
        before, after = part.sure_word, _word(seen)
        self._no_less(f"{who}, in its next life", before, after)
        if before.joined == after.joined:
            now = held()
            for place, one in part.sure.items():
                if after.has_still(place, before):
                    self._kept(f"{who}, in its next life", place, one, now.get(place), after)
        part.word, part.held, part.later = before, dict(part.sure), []

    def _changed(self, who: str, group: int, part: _Part, seen: RegistersLike, held: Held) -> None:
        self.looks += 1
        before, after = part.word, _word(seen)
        self._no_less(who, before, after)
        changed: dict[bytes, RegisterHeldLike | None] = {}
        for place, one in held.items():
            if part.held.get(place) != one:
                changed[place] = one
                self._accepted(who, group, place, one, seen)
        for place in part.held:
            if place not in held:
                changed[place] = None
        if before.joined == after.joined:
            for place, now in changed.items():
                was = part.held.get(place)
                if was is not None and after.has_still(place, before):
                    self._kept(who, place, was, now, after)
        part.saves, part.word, part.held = seen.saves, after, dict(held)
        part.later.append(_Later(seen.saves, after, changed))

    def _settled(self, node: int, group: int, part: _Part, seen: RegistersLike) -> None:
        """What is durable by now."""
        while part.later and part.later[0].saves <= seen.saved:
            _, part.sure_word, changed = part.later.pop(0)
            for place, one in changed.items():
                if one is None:
                    part.sure.pop(place, None)
                    continue
                part.sure[place] = one
                if one.crc and not one.is_hearsay:
                    self._is_sure(node, group, place, one, seen, part.sure_word.spans)

    def _is_sure(
        self, node: int, group: int, place: bytes, one: RegisterHeldLike, seen: RegistersLike, spans: Spans
    ) -> None:
        since, state = _span_of(spans, place)
        known = self._places.get((group, place, since))
        if known is None or state != SERVED:
            return
        acceptors = known.acceptors.setdefault(one.accepted, {})
        acceptors[node] = None
        sets = [nodes for nodes in (seen.members, seen.incoming) if nodes]
        if one.accepted <= known.chosen or not sets:
            return
        if all(2 * sum(member in acceptors for member in nodes) > len(nodes) for nodes in sets):
            known.chosen = one.accepted
            self.chosen += 1
            for ballot in sorted(known.contents):
                self._follows(group, place, known, ballot)
            for ballot in [ballot for ballot in known.acceptors if ballot < one.accepted]:
                del known.acceptors[ballot]

    def _accepted(
        self, who: str, group: int, place: bytes, one: RegisterHeldLike, seen: RegistersLike
    ) -> None:
        """One ballot, one content."""
        if not one.crc:
            return
        since, _ = _span_of(seen.spans, place)
        known = self._places.get((group, place, since))
        if known is None:
            known = self._places[group, place, since] = _Place()
        content = (one.version, one.crc)
        if known.contents.setdefault(one.accepted, content) != content:
            before = known.contents[one.accepted]
            self._complain(
                f"{who}, place {place!r}: ballot {one.accepted} has two contents",
                [f"version {before[0]} crc {before[1]:#x}", f"version {one.version} crc {one.crc:#x}"],
            )
        self._follows(group, place, known, one.accepted)

    def _follows(self, group: int, place: bytes, known: _Place, ballot: Ballot) -> None:
        """What is above the chosen ballot was made of it."""
        if ballot <= known.chosen:
            return
        version, crc = known.contents[ballot]
        chosen_version, chosen_crc = known.contents[known.chosen] if known.chosen != NOTHING else (0, 0)
        if version < chosen_version or (version == chosen_version and chosen_version and crc != chosen_crc):
            self._complain(
                f"group {group}, place {place!r}: version {version} was accepted at {ballot}, although "
                f"version {chosen_version} is chosen at {known.chosen}", [],
            )  # fmt: skip

    def _no_less(self, who: str, before: _Word, after: _Word) -> None:
        for name, was, now in zip(("epoch", "floor", "floor's version"), before, after, strict=False):
            if now < was:  # type: ignore[operator]
                self._complain(f"{who}: its {name} falls from {was} to {now}", [])

    def _kept(
        self, who: str, place: bytes, was: RegisterHeldLike, now: RegisterHeldLike | None, after: _Word
    ) -> None:
        promised = after.floor if now is None else now.promised
        if promised < was.promised:
            self._complain(f"{who}, place {place!r}: {promised} is promised, no more {was.promised}", [])
        if now is None and not was.is_tombstone and was.crc:
            self._complain(f"{who}, place {place!r}: version {was.version} is gone", [])
        elif now is None and was.version > after.floor_version:
            self._complain(f"{who}, place {place!r}: a removal forgets version {was.version}", [])
        elif now is not None and now.accepted < was.accepted:
            self._complain(f"{who}, place {place!r}: {now.accepted} is accepted, no more {was.accepted}", [])

    def _complain(self, sentence: str, evidence: list[str]) -> None:
        if len(self._complaints) < 20:
            self._complaints.append(Complaint("registers", sentence, evidence))


def _word(seen: RegistersLike) -> _Word:
    return _Word(seen.epoch_kept, seen.floor, seen.floor_version, seen.joined, seen.spans)


class Wanted(NamedTuple):
    """A group as the newest map has it."""

    epoch: int
    members: Sequence[int]
    is_changing: bool


def unsettled(
    groups: Mapping[int, Wanted],
    looks: Mapping[tuple[int, int], tuple[RegistersLike, Held]],
    nodes: Sequence[int],
) -> str:
    """What is not as it must be when nothing disturbs; empty: nothing.

    ``looks``: by (node, group). ``nodes``: those that are not lost for good.
    """
    for (node, group), (seen, held) in looks.items():
        who = f"node {node}, group {group}"
        wanted = groups.get(group)
        if wanted is None:
            return f"{who}: the group is no more"
        if seen.epoch != wanted.epoch:
            return f"{who}: its epoch is {seen.epoch}, not {wanted.epoch}"
        if seen.under_way:
            return f"{who}: {seen.under_way} operations do not end"
        if node not in wanted.members and held:
            return f"{who}: it is no member, and holds {len(held)} registers"
        if node in wanted.members and seen.doubtful:
            return f"{who}: it is doubtful still"
        for place in held if seen.spans is not None else ():
            if _span_of(seen.spans, place)[1] != SERVED:
                return f"{who}: it holds {place!r}, of a slot that is not its"
    for group, wanted in groups.items():
        if wanted.is_changing:
            return f"group {group}: its members are changing still"
        holding = [
            held for (node, other), (_, held) in looks.items() if other == group and node in wanted.members
        ]
        if len(holding) < len([node for node in wanted.members if node in nodes]):
            return f"group {group}: a member is not there"
        for place in dict.fromkeys([place for held in holding for place in held]):
            counts: dict[Ballot, int] = {}
            for held in holding:
                accepted = held[place].accepted if place in held else NOTHING
                counts[accepted] = counts.get(accepted, 0) + 1
            if 2 * max(counts.values()) <= len(wanted.members):
                return f"group {group}, place {place!r}: no majority holds one version"
    return ""
