"""The judge of sessions: what one has seen it never loses; no write is seen before what its writer had seen.

Source: Terry and others, "Session Guarantees for Weakly Consistent Replicated Data" (1994): read your writes,
monotonic reads, monotonic writes, writes follow reads. For sets of unique elements, each added once and
perhaps removed: so which writes a read shows is no matter of opinion.

Strategy: one sweep over the beginnings and ends of all acts. At its beginning an act knows what those acts
knew in the end after which it comes; at its end what it did and saw is added, and with each element that it
saw all that whoever added it had known. What an act knows its reads must show.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint

JUDGE = "sessions"
SHOWN_MAX = 5

Element = tuple[bytes, bytes]
"""(key, element)."""


class Verb(Enum):
    """What a step does to a set."""

    ADD = 0
    REMOVE = 1
    READ = 2


class Step(NamedTuple):
    """One command of an act; of a read ``items`` is what it showed."""

    verb: Verb
    key: bytes
    items: tuple[bytes, ...]


class Act(NamedTuple):
    """One call of a session: its steps are done one after the other, with nothing of others between.

    ``after``: the acts whose sessions it goes on with. ``is_bound`` False: it is of no session, so nothing is
    promised to it. Sets whose keys have the same ``family`` know of each other, others do not.
    """

    name: int
    after: tuple[int, ...]
    is_bound: bool
    steps: tuple[Step, ...]
    operation: Operation

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return all(step.verb is Verb.READ for step in self.steps)


class Why(NamedTuple):
    """How an element came to be known."""

    guarantee: str
    operation: Operation


READ_YOUR_WRITES = "read your writes"
MONOTONIC_READS = "monotonic reads"
MONOTONIC_WRITES = "monotonic writes"
WRITES_FOLLOW_READS = "writes follow reads"
_BEHIND = {
    READ_YOUR_WRITES: MONOTONIC_WRITES, MONOTONIC_WRITES: MONOTONIC_WRITES,
    MONOTONIC_READS: WRITES_FOLLOW_READS, WRITES_FOLLOW_READS: WRITES_FOLLOW_READS,
}  # fmt: skip
"""What it is to whoever sees a write, by what it was to its writer."""


class _Known:
    """What an act knows: elements that were added, and elements that are gone; and why."""

    def __init__(self) -> None:
        self.added: dict[Element, Why] = {}
        self.gone: dict[Element, Why] = {}

    def take(self, other: "_Known") -> None:
        """The same session goes on."""
        for element, why in other.added.items():
            self.added.setdefault(element, why)
        for element, why in other.gone.items():
            self.gone.setdefault(element, why)

    def see(self, other: "_Known", family: bytes) -> None:
        """A write of somebody who knew that was seen."""
        for element, why in other.added.items():
            if family_of(element[0]) == family:
                self.added.setdefault(element, Why(_BEHIND[why.guarantee], why.operation))
        for element, why in other.gone.items():
            if family_of(element[0]) == family:
                self.gone.setdefault(element, Why(_BEHIND[why.guarantee], why.operation))


def family_of(key: bytes) -> bytes:
    """What stands in the key's braces: whose sets are in one group."""
    return key.partition(b"{")[2].partition(b"}")[0]


def judge(acts: Sequence[Act]) -> list[Complaint]:
    """Complaints about all reads of sessions."""
    return _Sweep(acts).complaints[:SHOWN_MAX]


class _Sweep:
    def __init__(self, acts: Sequence[Act]) -> None:
        self.complaints: list[Complaint] = []
        self._adders: dict[Element, Act] = {}
        self._removers: dict[Element, list[Act]] = {}
        for act in acts:
            for step in act.steps:
                for item in step.items:
                    if step.verb is Verb.ADD:
                        self._adders[step.key, item] = act
                    elif step.verb is Verb.REMOVE:
                        self._removers.setdefault((step.key, item), []).append(act)
        self._before: dict[int, _Known] = {}
        """What acts knew when they began."""
        self._after: dict[int, _Known] = {}
        moments = [(act.operation.invoke_us, 1, act.name, act) for act in acts]
        for act in acts:
            end_us = act.operation.return_us
            if act.operation.outcome is Outcome.OK and end_us < FOREVER_US:
                # At one moment those that end come before those that begin; one that lasts no time is both.
                moments.append((end_us, 0 if end_us > act.operation.invoke_us else 2, act.name, act))
        for _, what, _, act in sorted(moments, key=lambda moment: moment[:3]):
            if what == 1:
                self._begin(act)
            else:
                self._end(act)

    def _begin(self, act: Act) -> None:
        known = self._before[act.name] = _Known()
        for name in act.after:
            if name in self._after:
                known.take(self._after[name])

    def _end(self, act: Act) -> None:
        known = _Known()
        known.take(self._before[act.name])
        for step in act.steps:
            if step.verb is Verb.READ:
                self._read(act, step, known)
                continue
            whole = known.added if step.verb is Verb.ADD else known.gone
            for item in step.items:
                whole[step.key, item] = Why(READ_YOUR_WRITES, act.operation)
        self._after[act.name] = known

    def _read(self, act: Act, step: Step, known: _Known) -> None:
        shown = dict.fromkeys(step.items)
        for item in shown:
            self._look_at_adder(act, step.key, item)
        if not act.is_bound:
            return
        family = family_of(step.key)
        for item in shown:
            adder = self._adders.get((step.key, item))
            if adder is not None:
                known.see(self._known_to(adder, (step.key, item)), family)
        self._look_at_missing(act, step.key, shown, known)
        for item in shown:
            known.added.setdefault((step.key, item), Why(MONOTONIC_READS, act.operation))
        for key, item in list(known.added):
            if key == step.key and item not in shown:
                self._saw_gone(act, (key, item), known)

    def _known_to(self, writer: Act, element: Element) -> _Known:
        """What whoever made this write knew then: nothing, if it is of no session."""
        if not writer.is_bound:
            return _Known()
        before = self._before.get(writer.name) or _Known()
        if len(writer.steps) == 1 or writer.operation.outcome is not Outcome.OK:
            return before
        known = _Known()
        known.take(before)
        for step in writer.steps:
            if step.verb is not Verb.READ and (step.key, *step.items[:1]) == element:
                break
            if step.verb is Verb.READ:
                for item in step.items:
                    known.added.setdefault((step.key, item), Why(MONOTONIC_READS, writer.operation))
        return known

    def _saw_gone(self, act: Act, element: Element, known: _Known) -> None:
        """It is removed: so it does not return, and who alone can have removed it knew what it knew."""
        known.gone.setdefault(element, Why(MONOTONIC_READS, act.operation))
        removers = self._removers.get(element, [])
        if len(removers) == 1:
            known.see(self._known_to(removers[0], element), family_of(element[0]))

    def _look_at_adder(self, act: Act, key: bytes, item: bytes) -> None:
        adder = self._adders.get((key, item))
        if adder is None or adder.operation.invoke_us > act.operation.return_us:
            self._complain(f"{key.decode()} shows {item.decode()}, which nobody had added", [act.operation])
        elif adder.operation.outcome is Outcome.FAIL:
            sentence = f"{key.decode()} shows {item.decode()}, of which it was said that nothing was done"
            self._complain(sentence, [adder.operation, act.operation])

    def _look_at_missing(self, act: Act, key: bytes, shown: dict[bytes, None], known: _Known) -> None:
        for (one, item), why in known.added.items():
            if one == key and item not in shown and not self._may_be_gone((one, item), act.operation):
                sentence = f"{why.guarantee}: {key.decode()} does not show {item.decode()}"
                self._complain(sentence, [self._adders[one, item].operation, why.operation, act.operation])
        for (one, item), why in known.gone.items():
            if one == key and item in shown:
                sentence = f"{why.guarantee}: {key.decode()} shows {item.decode()} again, which was removed"
                self._complain(sentence, [why.operation, act.operation])

    def _may_be_gone(self, element: Element, read: Operation) -> bool:
        return any(
            act.operation.invoke_us < read.return_us and act.operation.outcome is not Outcome.FAIL
            for act in self._removers.get(element, [])
        )

    def _complain(self, sentence: str, operations: list[Operation]) -> None:
        evidence = list(dict.fromkeys([operation.text() for operation in operations]))
        self.complaints.append(Complaint(JUDGE, sentence, evidence))


def judge_quorums(acts: Sequence[Act]) -> list[Complaint]:
    """Where quorums of reads and writes meet: a read shows every write that was acknowledged before it began.

    Of acts that only read, be they of a session or not; it says nothing of what others had read.
    """
    done = [act for act in acts if act.operation.outcome is Outcome.OK]
    removals: dict[Element, list[Operation]] = {}
    for act in acts:
        if act.operation.outcome is not Outcome.FAIL:
            for element in _elements(act, Verb.REMOVE):
                removals.setdefault(element, []).append(act.operation)
    complaints: list[Complaint] = []
    for act in [act for act in done if act.is_read]:
        read = act.operation
        before = [one for one in done if one.operation.return_us < read.invoke_us]
        shown = dict.fromkeys(_elements(act, Verb.READ))
        keys = dict.fromkeys(step.key for step in act.steps)
        for one in before:
            for key, item in _elements(one, Verb.ADD):
                is_gone = any(gone.invoke_us < read.return_us for gone in removals.get((key, item), []))
                if key in keys and (key, item) not in shown and not is_gone:
                    complaints.append(_unseen(f"does not show {item.decode()}", key, one.operation, read))
            for key, item in _elements(one, Verb.REMOVE):
                if (key, item) in shown:
                    complaints.append(_unseen(f"still shows {item.decode()}", key, one.operation, read))
    return complaints[:SHOWN_MAX]


def _elements(act: Act, verb: Verb) -> list[Element]:
    return [(step.key, item) for step in act.steps if step.verb is verb for item in step.items]


def _unseen(what: str, key: bytes, write: Operation, read: Operation) -> Complaint:
    sentence = f"read quorum: {key.decode()} {what}, of which it was told before"
    return Complaint(JUDGE, sentence, [write.text(), read.text()])
