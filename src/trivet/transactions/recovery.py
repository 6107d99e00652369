"""Recovery: finishes what crashed programs left, in every database that it is given.

Safe at any time, by anybody.
It finds transactions in two ways: by the names of prepared branches (``pg_prepared_xacts``, ``XA
RECOVER``), and by the index in Trivet. A record that is still open is turned into abort; a branch without a
record is rolled back, since without a record nothing is ever decided (Rule X4). What fails is reported and
stops nothing else.
"""

from typing import Final

import msgspec

from trivet.client.resp import ErrorReply, Reply
from trivet.transactions.asking import Call, Fault, Refusal, Replies, Work, call
from trivet.transactions.branch import End, Kind, Verdict
from trivet.transactions.errors import SetupError
from trivet.transactions.names import INDEX, Name, is_transaction_id
from trivet.transactions.protocol import closed, meet, told
from trivet.transactions.records import (
    KEPT_MS,
    BranchRow,
    Record,
    closing,
    read_record,
    reading,
    settling,
    troubling,
    unindexing,
)

STALE_MS: Final = 600_000
"""An index entry without a record is removed at this age: before, its record may be about to be written."""
INDEX_MAX: Final = 10_000
"""How many transactions one pass looks at."""
_READS: Final = 200


class Place(msgspec.Struct):
    """A database that recovery may use: its name for people, its kind; ``where`` once it has told."""

    to: str
    kind: Kind
    where: str = ""
    found: list[tuple[Name, str]] = []


class Outcome(msgspec.Struct):
    """One transaction: what was decided, and how each branch stands."""

    id: str
    db: int
    decision: str
    """``commit``, ``abort``, or ``open`` when it was left to its program."""
    branches: dict[str, Verdict] = {}

    @property
    def settled(self) -> bool:
        """Nothing of it is left."""
        return self.decision != "open" and all(v.end is End.DONE for v in self.branches.values())


class Report(msgspec.Struct):
    """What recovery did, and what is left."""

    outcomes: list[Outcome] = []
    troubles: list[str] = []
    """Sentences about databases that could not be asked."""

    @property
    def settled(self) -> list[Outcome]:
        """Transactions of which nothing is left now."""
        return [one for one in self.outcomes if one.settled]

    @property
    def left(self) -> list[Outcome]:
        """Transactions that are not finished everywhere, programs at work left aside."""
        return [one for one in self.outcomes if one.decision != "open" and not one.settled]

    @property
    def open(self) -> list[Outcome]:
        """Transactions that a program may still be at work on."""
        return [one for one in self.outcomes if one.decision == "open"]

    @property
    def busy(self) -> bool:
        """Whether waiting a little may help: a session that is about to end holds a branch."""
        return any(v.end is End.BUSY for one in self.outcomes for v in one.branches.values())

    @property
    def clean(self) -> bool:
        """Nothing is left, and every database could be asked."""
        return not self.left and not self.troubles


class Entry(msgspec.Struct):
    """One transaction as the index and its record have it."""

    name: Name
    record: Record | None
    age_ms: int


def recover(places: list[Place], db: int, open_ms: int, dry: bool = False) -> Work[Report]:
    """One pass. ``open_ms``: open records younger than this are left to their programs.

    Raises ``SetupError``.
    """
    report = Report()
    cluster, now_ms = yield from meet(db)
    for place in places:
        yield from _visit(place, cluster, report)
    entries = yield from _entries(places, cluster, db, now_ms, report)
    for entry in entries:
        yield from _one(entry, places, open_ms, dry, report)
    if not dry:
        for place in places:
            if place.where:
                yield from _sweep(place, cluster)
    return report


def listing(db: int) -> Work[list[Entry]]:
    """The transactions that have a record. Raises ``SetupError``."""
    cluster, now_ms = yield from meet(db)
    ages = yield from _index(db, now_ms, cluster)
    entries = yield from _read(ages)
    return [entry for entry in entries if entry.record is not None]


def _visit(place: Place, cluster: str, report: Report) -> Work[None]:
    """Which database it is, and what is prepared in it."""
    place.where, place.found = "", []
    try:
        where = yield from place.kind.identify(place.to, make=False)
    except (Refusal, SetupError) as error:
        text = str(error)
        report.troubles.append(text if text.startswith(place.to) else f"{place.to}: {text}")
        return
    found = yield from place.kind.prepared(place.to, cluster)
    if isinstance(found, Fault):
        report.troubles.append(f"{place.to}: {found.text}")
        return
    place.where, place.found = where, found


def _entries(places: list[Place], cluster: str, db: int, now_ms: int, report: Report) -> Work[list[Entry]]:
    """Every transaction that the index or a prepared branch tells of."""
    ages: dict[Name, int] = {}
    dbs = {db: True} | {name.db: True for place in places for name, _ in place.found}
    for one in dbs:
        try:
            ages |= yield from _index(one, now_ms, cluster)
        except SetupError as error:
            report.troubles.append(f"database {one}: {error}")
    for place in places:
        for name, _ in place.found:
            ages.setdefault(name, 0)
    entries: list[Entry] = []
    for one in dbs:
        try:
            entries += yield from _read({name: age for name, age in ages.items() if name.db == one})
        except SetupError as error:
            report.troubles.append(f"database {one}: {error}")
    return entries


def _index(db: int, now_ms: int, cluster: str) -> Work[dict[Name, int]]:
    """Ages (ms) of the transactions in the index."""
    answer = yield from call(
        "read index", db, (b"ZRANGE", INDEX, b"0", b"%d" % (INDEX_MAX - 1), b"WITHSCORES"), anywhere=True
    )
    ages: dict[Name, int] = {}
    for row in _replies(answer)[0]:
        member, score = row if isinstance(row, list) else (b"", 0)
        if (
            isinstance(member, bytes)
            and isinstance(score, float)
            and is_transaction_id(member.decode("latin-1"))
        ):
            ages[Name(cluster, db, member.decode())] = max(0, now_ms - int(score))
    return ages


def _read(ages: dict[Name, int]) -> Work[list[Entry]]:
    """The records of transactions in one database. Raises ``SetupError``."""
    entries: list[Entry] = []
    names = list(ages)
    for at in range(0, len(names), _READS):
        some = names[at : at + _READS]
        calls = [reading(name.id) for name in some]
        answer = yield from call("read records", some[0].db, *calls, anywhere=True)
        for name, reply in zip(some, _replies(answer), strict=True):
            try:
                entries.append(Entry(name, read_record(reply), ages[name]))
            except ValueError as error:
                raise SetupError(f"the record of {name.id}: {error}") from error
    return entries


def _replies(answer: Replies | Fault) -> list[list[Reply]]:
    """Replies that are lists. Raises ``SetupError``."""
    if isinstance(answer, Fault):
        raise SetupError(f"trivet: {answer.text}")
    found: list[list[Reply]] = []
    for reply in answer.replies:
        if isinstance(reply, ErrorReply) or not isinstance(reply, list):
            raise SetupError(f"trivet: {reply.text if isinstance(reply, ErrorReply) else 'no list came'}")
        found.append(reply)
    return found


def _one(entry: Entry, places: list[Place], open_ms: int, dry: bool, report: Report) -> Work[None]:
    """Settle one transaction."""
    name, record = entry.name, entry.record
    rows = _rows(entry, places)
    if record is None and not rows:
        if entry.age_ms >= STALE_MS and not dry:
            yield from call("tidy index", name.db, unindexing(name.id), anywhere=True)
        return
    if record is not None and record.state == "open" and entry.age_ms < open_ms:
        report.outcomes.append(Outcome(name.id, name.db, "open"))
        return
    decision = "abort" if record is None else record.state
    if decision == "open":
        decision = "abort" if dry else (yield from _end_open(name, report))
    if not decision:
        return
    outcome = Outcome(name.id, name.db, decision)
    report.outcomes.append(outcome)
    for row in rows:
        outcome.branches[row.name] = yield from _branch(row, name, decision == "commit", places, dry)
    if dry:
        return
    if any(verdict.end is End.LOST for verdict in outcome.branches.values()) and (yield from closed(name)):
        # Another recovery has finished it since we read the record (Rule X7).
        outcome.branches = {row.name: Verdict(End.DONE) for row in rows}
    yield from _conclude(outcome, rows, places, name)


def _rows(entry: Entry, places: list[Place]) -> list[BranchRow]:
    """Its branches: those of the record, and those that were found prepared and are in no record."""
    if entry.record is not None and entry.record.finished:
        rows = []
    else:
        rows = list(entry.record.branches) if entry.record is not None else []
    known = [row.name for row in rows]
    for place in places:
        for name, branch in place.found:
            if name == entry.name and branch not in known:
                rows.append(BranchRow(branch, place.kind.kind, place.where))
    return rows


def _end_open(name: Name, report: Report) -> Work[str]:
    """Turn an open record into abort, unless it was decided just now; empty when Trivet does not answer."""
    decision = settling(name.id, "recovery took the program for dead")
    answer = yield from call("settle", name.db, decision, anywhere=True)
    if isinstance(answer, Fault):
        report.troubles.append(f"trivet: {answer.text}")
        return ""
    state = answer.replies[0]
    if isinstance(state, ErrorReply):
        report.troubles.append(f"trivet: {state.text}")
        return ""
    return state.decode() if isinstance(state, bytes) else "abort"


def _branch(row: BranchRow, name: Name, commits: bool, places: list[Place], dry: bool) -> Work[Verdict]:
    """Finish one branch in the database where it is."""
    for place in places:
        if place.where == row.where and place.kind.kind == row.kind:
            if not dry:
                return (yield from place.kind.finish(place.to, row, name, commits))
            prepared = (name, row.name) in place.found
            return Verdict(End.FAILED, "prepared") if prepared else Verdict(End.DONE)
    database = row.where.partition("/")[2]
    return Verdict(End.FAILED, f"not asked: it needs a connection to the {row.kind} database {database!r}")


def _conclude(outcome: Outcome, rows: list[BranchRow], places: list[Place], name: Name) -> Work[None]:
    """Close the record when every branch is finished; write down what is wrong with one."""
    if outcome.settled:
        calls: tuple[Call, ...] = (closing(name.id, KEPT_MS), unindexing(name.id))
        answer = yield from call("close", name.db, *calls, anywhere=True)
        closed_now = isinstance(answer, Replies) and not isinstance(answer.replies[0], ErrorReply)
        if closed_now and outcome.decision == "commit":  # an abort keeps nothing, and would wait for locks
            for row in rows:
                for place in places:
                    if place.where == row.where:
                        yield from place.kind.sweep(place.to, row, name)
        return
    damage = {
        branch: verdict
        for branch, verdict in outcome.branches.items()
        if verdict.end in (End.LOST, End.HEURISTIC)
    }
    if damage:
        yield from call("write down", name.db, troubling(name.id, told(damage)), anywhere=True)


def _sweep(place: Place, cluster: str) -> Work[None]:
    """What the database keeps of transactions that have no record any more."""
    found = yield from place.kind.remains(place.to, cluster)
    if isinstance(found, Fault):
        return
    for name, branch in found:
        if (yield from closed(name)):
            row = BranchRow(branch, place.kind.kind, place.where)
            yield from place.kind.sweep(place.to, row, name)
