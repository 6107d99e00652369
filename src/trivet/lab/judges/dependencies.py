"""What transactions over lists say about each other: dependencies, and anomalies that show without a cycle.

From the longest read of a key follows the order of its values. From that follow (Adya, "Weak Consistency",
1999, §3.1):

- **ww**: one transaction appended a value, another the next one.
- **wr**: a transaction read a list that ends in a value; another one appended it.
- **rw**: a transaction read a list without its next value; another one appended that.

A value that was appended for certain and that nobody has read comes after all that were read: whoever read
the last version has an rw towards its writer, and the last writer a ww. Only what is certain becomes a
dependency: an indefinite transaction counts as committed once one of its values was read, and as absent until
then.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum

import msgspec

from trivet.lab.history import Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.transactions import Append, Transaction, list_text, word
from trivet.lab.resp import Value

JUDGE = "serializability"
UNREAD_PAIRS_MAX = 100_000
"""Per key: readers of the last version times values that nobody read."""


class Kind(IntEnum):
    """Why one transaction must come before another."""

    WW = 0
    WR = 1
    RW = 2
    PROCESS = 3
    REALTIME = 4


class Edge(msgspec.Struct, frozen=True):
    """``source`` and ``target`` are places in the list of transactions."""

    source: int
    target: int
    kind: Kind
    key: Value = None
    before: Value = None
    """At the source's side: the value it appended; of an rw, the list it read."""
    after: Value = None
    """At the target's side: the value it appended or read."""


class _Key:
    """What is known of one key."""

    def __init__(self) -> None:
        self.order: tuple[Value, ...] = ()
        """The longest list that was read."""
        self.writers: dict[Value, int] = {}
        self.readers: list[tuple[int, tuple[Value, ...]]] = []
        """(transaction, the version it read: without its own appends)."""
        self.reads: list[tuple[int, tuple[Value, ...]]] = []
        """(transaction, the whole list as read)."""


class Dependencies:
    """What follows from all transactions: ``edges``, ``found``, or ``unusable``, a reason not to judge."""

    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self.transactions = transactions
        self.keys: dict[Value, _Key] = {}
        self.found: list[tuple[str, Complaint]] = []
        """(name of the anomaly, complaint)."""
        self.unusable = ""
        self.committed: list[bool] = [t.outcome is Outcome.OK for t in transactions]
        self.edges: dict[tuple[int, int, Kind], Edge] = {}
        self._collect()
        if not self.unusable:
            self._check_reads()
            self._find_committed()
            self._check_writers()
            self._link()

    def _key(self, key: Value) -> _Key:
        found = self.keys.get(key)
        if found is None:
            found = self.keys[key] = _Key()
        return found

    def _say(self, anomaly: str, sentence: str, *involved: int) -> None:
        evidence = [self.transactions[place].text() for place in dict.fromkeys(involved)]
        self.found.append((anomaly, Complaint(JUDGE, f"{anomaly}: {sentence}", evidence)))

    # -- reading

    def _collect(self) -> None:
        for place, transaction in enumerate(self.transactions):
            own: dict[Value, list[Value]] = {}
            known: dict[Value, tuple[Value, ...]] = {}
            for step in transaction.steps:
                if isinstance(step, Append):
                    other = self._key(step.key).writers.setdefault(step.value, place)
                    if other != place or step.value in own.get(step.key, ()):
                        self.unusable = (
                            f"{word(step.value)} is appended to {word(step.key)} twice (by "
                            f"{self.transactions[other].name} and {transaction.name}): values must be unique"
                        )
                        return
                    own.setdefault(step.key, []).append(step.value)
                elif step.values is not None and transaction.outcome is Outcome.OK:
                    self._take_read(place, step.key, step.values, own.get(step.key, []), known)

    def _take_read(
        self,
        place: int,
        key: Value,
        values: tuple[Value, ...],
        own: list[Value],
        known: dict[Value, tuple[Value, ...]],
    ) -> None:
        """One read: it must agree with what the transaction itself read and appended before."""
        held = self._key(key)
        held.reads.append((place, values))
        count = len(own)
        if key in known:
            if values != known[key] + tuple(own):
                expected = list_text(known[key] + tuple(own))
                self._say(
                    "internal", f"a transaction read {word(key)} as {list_text(values)}, which by its own "
                    f"earlier steps is {expected}", place
                )  # fmt: skip
            return
        if values[len(values) - count :] != tuple(own) or count > len(values):
            self._say(
                "internal", f"a transaction read {word(key)} as {list_text(values)}, without what it "
                f"had appended itself: {list_text(own)}", place
            )  # fmt: skip
            return
        known[key] = values[: len(values) - count]
        held.readers.append((place, known[key]))

    def _check_reads(self) -> None:
        """Every list must be the beginning of the longest; no value twice, none from nowhere."""
        for key, held in self.keys.items():
            name = word(key)
            longest = max(held.reads, key=lambda read: len(read[1]), default=None)
            if longest is None:
                continue
            held.order = longest[1]
            for place, values in held.reads:
                if values != held.order[: len(values)]:
                    self._say(
                        "incompatible-order",
                        f"{name} was read as {list_text(values)} and as {list_text(held.order)}: "
                        "appending leads from neither to the other", place, longest[0]
                    )  # fmt: skip
                    break
            for place, values in held.reads:
                twice = _repeated(values)
                if twice is not None:
                    self._say("duplicate-elements", f"{name} holds {word(twice)} more than once", place)
                    break
            for place, values in held.reads:
                strange = next((value for value in values if value not in held.writers), None)
                if strange is not None:
                    self._say("garbage-read", f"{name} holds {word(strange)}, which nobody appended", place)
                    break

    def _find_committed(self) -> None:
        """An indefinite transaction whose value was read has happened."""
        for held in self.keys.values():
            for _, values in held.reads:
                for value in values:
                    writer = held.writers.get(value)
                    if writer is not None and self.transactions[writer].outcome is not Outcome.FAIL:
                        self.committed[writer] = True

    def _check_writers(self) -> None:
        """G1a, G1b, lost updates, and lengths that an append was answered with."""
        for key, held in self.keys.items():
            aborted: dict[int, None] = {}
            intermediate: dict[int, None] = {}
            for place, values in held.reads:
                for value in values:
                    writer = held.writers.get(value, place)
                    if self.transactions[writer].outcome is Outcome.FAIL and writer not in aborted:
                        aborted[writer] = None
                        self._say(
                            "G1a", f"aborted read: {word(key)} was read with {word(value)} in it, "
                            f"which {self.transactions[writer].name} appended and then failed", place, writer
                        )  # fmt: skip
                self._check_intermediate(key, held, place, values, intermediate)
            self._check_lost_updates(key, held)
            self._check_lengths(key, held)

    def _check_intermediate(
        self, key: Value, held: _Key, place: int, values: tuple[Value, ...], known: dict[int, None]
    ) -> None:
        writer = held.writers.get(values[-1], place) if values else place
        if writer == place or writer in known:
            return
        last = [step.value for step in appends(self.transactions[writer], key)][-1]
        if last != values[-1]:
            known[writer] = None
            self._say(
                "G1b", f"intermediate read: {word(key)} was read as {list_text(values)}, between "
                f"the appends of {word(values[-1])} and {word(last)} by one transaction", place, writer
            )  # fmt: skip

    def _check_lost_updates(self, key: Value, held: _Key) -> None:
        updates: dict[tuple[Value, ...], int] = {}
        for place, values in held.readers:
            if any(True for _ in appends(self.transactions[place], key)):
                other = updates.setdefault(values, place)
                if other != place:
                    self._say(
                        "lost-update", f"two transactions read {word(key)} as {list_text(values)}, and both "
                        "appended to it", other, place
                    )  # fmt: skip
                    return

    def _check_lengths(self, key: Value, held: _Key) -> None:
        for i, value in enumerate(held.order):
            writer = held.writers.get(value)
            if writer is None or self.transactions[writer].outcome is not Outcome.OK:
                continue
            for step in appends(self.transactions[writer], key):
                if step.value == value and step.length is not None and step.length != i + 1:
                    self._say(
                        "incompatible-order", f"appending {word(value)} to {word(key)} was answered with "
                        f"length {step.length}, but it stands at place {i + 1}", writer
                    )  # fmt: skip
                    return

    # -- edges

    def _link(self) -> None:
        for key, held in self.keys.items():
            following: dict[Value, Value] = dict(zip(held.order, held.order[1:], strict=False))
            for before, after in following.items():
                self._edge(held.writers.get(before), held.writers.get(after), Kind.WW, key, before, after)
            last = held.order[-1] if held.order else None
            known = dict.fromkeys(held.order)
            unread = [v for v, writer in held.writers.items() if v not in known and self.committed[writer]]
            if held.order:
                for value in unread:
                    self._edge(held.writers.get(last), held.writers[value], Kind.WW, key, last, value)
            if len(unread) * len(held.readers) > UNREAD_PAIRS_MAX:
                # All of them would be true; those that returned first say most about real time.
                unread.sort(key=lambda value: self.transactions[held.writers[value]].return_us)
                del unread[max(1, UNREAD_PAIRS_MAX // len(held.readers)) :]
            for place, values in held.readers:
                self._link_reader(place, key, held, values, unread)

    def _link_reader(
        self, place: int, key: Value, held: _Key, values: tuple[Value, ...], unread: list[Value]
    ) -> None:
        if values != held.order[: len(values)]:
            return
        if values:
            self._edge(held.writers.get(values[-1]), place, Kind.WR, key, values[-1], values[-1])
        if len(values) == len(held.order):
            for value in unread:
                self._edge(place, held.writers[value], Kind.RW, key, values, value)
        else:
            after = held.order[len(values)]
            self._edge(place, held.writers.get(after), Kind.RW, key, values, after)

    def _edge(
        self, source: int | None, target: int | None, kind: Kind, key: Value, before: Value, after: Value
    ) -> None:
        if source is None or target is None or source == target:
            return
        if self.committed[source] and self.committed[target]:
            self.edges.setdefault((source, target, kind), Edge(source, target, kind, key, before, after))


def appends(transaction: Transaction, key: Value) -> Iterator[Append]:
    """Its appends to ``key``."""
    return (step for step in transaction.steps if isinstance(step, Append) and step.key == key)


def _repeated(values: tuple[Value, ...]) -> Value:
    seen: dict[Value, None] = {}
    for value in values:
        if value in seen:
            return value
        seen[value] = None
    return None


def process_edges(transactions: Sequence[Transaction], committed: Sequence[bool]) -> Iterator[Edge]:
    """Each process's transactions in its own order."""
    latest: dict[int, int] = {}
    for place in sorted(range(len(transactions)), key=lambda place: (transactions[place].invoke_us, place)):
        if committed[place]:
            before = latest.get(transactions[place].process)
            if before is not None:
                yield Edge(before, place, Kind.PROCESS)
            if transactions[place].outcome is Outcome.OK:  # an unanswered one may still come later
                latest[transactions[place].process] = place


def realtime_edges(transactions: Sequence[Transaction], committed: Sequence[bool]) -> Iterator[Edge]:
    """What returned before something else began; what follows by way of a third one is left out.

    At one instant beginnings come before returns: nothing is claimed that the times do not say.
    """
    events = [(t.invoke_us, 0, p) for p, t in enumerate(transactions) if committed[p]]
    events += [
        (t.return_us, 1, p) for p, t in enumerate(transactions) if committed[p] and t.outcome is Outcome.OK
    ]
    frontier: dict[int, None] = {}
    covers: dict[int, list[int]] = {}
    """For each running transaction what had returned when it began: its own return covers these."""
    for _, kind, place in sorted(events):
        if kind == 0:
            covers[place] = list(frontier)
            for before in frontier:
                yield Edge(before, place, Kind.REALTIME)
        else:
            for before in covers.pop(place):
                frontier.pop(before, None)
            frontier[place] = None
