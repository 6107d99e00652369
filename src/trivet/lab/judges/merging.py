"""What must be true of values that converge: what is acknowledged counts once, what is removed stays away.

Where it stands: it gets the history of one key. Each thing (a member of a set, a field, an element of a
list, a key of its own) is added by one command only, so that a removal which found it removed it for ever,
while one that did not find it may have been nothing: where it ran the thing was not known yet. Sums add up
whatever the order. No order of commands of different clients is asked for: there is none.

Where a disk may lose what it synced before others had it (``lossless`` False), what is acknowledged may be
gone, and what is removed may be back: then only what nobody said is complained about.

Who empties a database removes what its node has seen (``Emptied``): surely what was acknowledged or shown
there before, and nothing that was begun after its end. Of all else nobody knows.
"""

from collections.abc import Sequence

import msgspec

from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint


class Thing(msgspec.Struct):
    """Something that one command adds, and others may remove."""

    name: bytes
    added: Operation | None = None
    removed: Operation | None = None
    """By this one surely: it has found it."""
    maybe: Operation | None = None
    """By this one perhaps."""


def may_be(operation: Operation) -> bool:
    """Whether it may have had an effect."""
    return operation.outcome is not Outcome.FAIL


def is_sure(operation: Operation) -> bool:
    """Whether it is acknowledged."""
    return operation.outcome is Outcome.OK


class Emptied:
    """What those who emptied the database have removed."""

    def __init__(self, emptyings: Sequence[Operation], is_local: bool) -> None:
        """``is_local``: each node runs its clients' calls itself, on what it holds, and forgets nothing."""
        self._emptyings = [o for o in emptyings if may_be(o)]
        self._sure = [o for o in self._emptyings if is_sure(o) and is_local]

    def maybe(self, operation: Operation) -> Operation | None:
        """Who may have removed what ``operation`` did."""
        for emptying in self._emptyings:
            if not is_sure(emptying) or emptying.return_us >= operation.invoke_us:
                return emptying
        return None

    def surely(self, seen: Sequence[Operation]) -> Operation | None:
        """Who has removed what these have made or shown, each at its node; they are acknowledged."""
        for emptying in self._sure:
            if any(o.node == emptying.node and o.return_us < emptying.invoke_us for o in seen):
                return emptying
        return None


NOT_EMPTIED = Emptied([], False)


class Things:
    """The things of one key, and how many removals may have taken one of them, nobody knows which."""

    def __init__(self, key: bytes, lossless: bool) -> None:
        self.things: dict[bytes, Thing] = {}
        self.blind = 0
        self._key = key.decode()
        self._lossless = lossless

    def add(self, name: bytes, operation: Operation) -> None:
        """``operation``, and no other, was to add it."""
        self.things[name] = Thing(name, operation)

    def remove(self, name: bytes, operation: Operation, found: bool) -> None:
        """``found``: the reply says that it was there."""
        thing = self.things.get(name)
        if thing is None or not may_be(operation):
            return
        if is_sure(operation) and found:
            thing.removed = operation
        elif not is_sure(operation):
            thing.maybe = operation

    def empty(self, emptied: Emptied, shown: Sequence[tuple[Operation, Sequence[bytes]]]) -> None:
        """Some of them went with all else; ``shown``: which were seen by reads in the meantime."""
        by_name: dict[bytes, list[Operation]] = {}
        for read, names in shown:
            for name in names:
                by_name.setdefault(name, []).append(read)
        for name, thing in self.things.items():
            assert thing.added is not None
            thing.maybe = thing.maybe or emptied.maybe(thing.added)
            seen = [thing.added] if is_sure(thing.added) else []
            thing.removed = thing.removed or emptied.surely(seen + by_name.get(name, []))

    def judge(self, read: Operation, seen: Sequence[bytes]) -> Complaint | None:
        """A read after the end of all writes."""
        there = dict.fromkeys(seen)
        if len(there) < len(seen):
            return self._complain("something is there twice", read)
        missing: list[Operation] = []
        for name, thing in self.things.items():
            added = thing.added
            assert added is not None
            if name in there:
                del there[name]
                if not may_be(added):
                    return self._complain("something is there whose adding was refused", added, read)
                if thing.removed is not None and self._lossless:
                    return self._complain("what was removed is there again", added, thing.removed, read)
            elif is_sure(added) and thing.removed is None and thing.maybe is None:
                missing.append(added)
        if there:
            return self._complain(f"{next(iter(there))!r} is there, which nobody added", read)
        if len(missing) > self.blind and self._lossless:
            return self._complain("what was acknowledged is lost", *missing[:3], read)
        return None

    def _complain(self, sentence: str, *evidence: Operation) -> Complaint:
        return Complaint("merging", f"{self._key}: {sentence}", [o.text() for o in evidence])


def judge_sum(
    key: bytes, additions: Sequence[tuple[int, Operation]], read: Operation, total: float, lossless: bool,
    emptied: Emptied = NOT_EMPTIED,
) -> Complaint | None:  # fmt: skip
    """Additions that were acknowledged count once each, unless they were removed; of others nobody knows."""
    if lossless:
        additions = [(amount, o) for amount, o in additions if not (is_sure(o) and emptied.surely([o]))]
    kept = [is_sure(o) and lossless and emptied.maybe(o) is None for _, o in additions]
    sure = [pair for pair, is_kept in zip(additions, kept, strict=True) if is_kept]
    open_ = [
        amount for (amount, o), is_kept in zip(additions, kept, strict=True) if may_be(o) and not is_kept
    ]
    least = sum([amount for amount, _ in sure]) + sum([amount for amount in open_ if amount < 0])
    most = sum([amount for amount, _ in sure]) + sum([amount for amount in open_ if amount > 0])
    if least <= total <= most:
        return None
    between = f"{least}" if least == most else f"{least} to {most}"
    sentence = f"{key.decode()}: {total} is not the sum of what was added ({between})"
    return Complaint("merging", sentence, [*[o.text() for _, o in additions[-5:]], read.text()])


def judge_last(
    key: bytes, writes: Sequence[tuple[bytes, Operation]], read: Operation, value: bytes | None,
    lossless: bool, emptied: Emptied = NOT_EMPTIED,
) -> Complaint | None:  # fmt: skip
    """What is there somebody wrote; and something is, if it was acknowledged and nobody removes it."""
    if value is None:
        sure = [o for _, o in writes if is_sure(o) and emptied.maybe(o) is None]
        if sure and lossless:
            evidence = [sure[-1].text(), read.text()]
            return Complaint("merging", f"{key.decode()}: what was acknowledged is lost", evidence)
        return None
    for written, operation in writes:
        if value == written and may_be(operation):
            by = emptied.surely([operation]) if is_sure(operation) and lossless else None
            if by is None:
                return None
            evidence = [operation.text(), by.text(), read.text()]
            return Complaint("merging", f"{key.decode()}: what was removed is there again", evidence)
    return Complaint("merging", f"{key.decode()}: {value!r} is there, which nobody wrote", [read.text()])


def judge_overwritten(
    key: bytes, writes: Sequence[tuple[bytes, Operation]], read: Operation, value: bytes | None
) -> Complaint | None:
    """What a connection wrote and then wrote over, where it saw what it overwrote, does not return."""
    last: dict[int, int] = {}
    for at, (_, operation) in enumerate(writes):
        if is_sure(operation) and operation.conn:
            last[operation.conn] = at
    for at, (written, operation) in enumerate(writes):
        if written == value and is_sure(operation) and last.get(operation.conn, at) > at:
            over = writes[last[operation.conn]][1]
            sentence = f"{key.decode()}: what was written over is there again"
            return Complaint("merging", sentence, [operation.text(), over.text(), read.text()])
    return None


def judge_order(key: bytes, pairs: Sequence[tuple[bytes, bytes]], read: Operation) -> Complaint | None:
    """Two elements that one command put into a list, in this order, stay in it."""
    reply = read.replies[0] if read.replies else None
    at = {item: n for n, item in enumerate(reply)} if isinstance(reply, tuple) else {}
    for first, second in pairs:
        if first in at and second in at and at[first] > at[second]:
            sentence = f"{key.decode()}: {first!r} is behind {second!r}, not before it"
            return Complaint("merging", sentence, [read.text()])
    return None


def judge_finals(key: bytes, finals: Sequence[Operation]) -> Complaint | None:
    """Through whatever node it is read, it is the same."""
    for other in finals[1:]:
        if _as_shown(other) != _as_shown(finals[0]):
            evidence = [finals[0].text(), other.text()]
            return Complaint("merging", f"{key.decode()}: in the end nodes show different values", evidence)
    return None


def _as_shown(read: Operation) -> object:
    """Sets and hashes have no order that is promised."""
    name, reply = read.commands[0][0], read.replies[0]
    if not isinstance(reply, tuple):
        return reply
    if name == b"SMEMBERS":
        return sorted([item for item in reply if isinstance(item, bytes)])
    if name == b"HGETALL":
        return sorted(pairs(reply))
    return pairs(reply) if read.commands[0][-1] == b"WITHSCORES" else reply


def pairs(reply: object) -> list[tuple[bytes, bytes]]:
    """A hash, or members with scores, flat or in pairs."""
    flat: list[bytes] = []
    for item in reply if isinstance(reply, tuple) else ():
        flat += [part for part in (item if isinstance(item, tuple) else (item,)) if isinstance(part, bytes)]
    return list(zip(flat[::2], flat[1::2], strict=True))
