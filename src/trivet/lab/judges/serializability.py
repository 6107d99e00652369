"""Is there an order of all transactions, one after the other, in which each would have read what it read?

The judge looks for the reasons why there is none, so that it can show one: anomalies within a read
(``dependencies.py``), and cycles of dependencies (``cycles.py``), by which a transaction would have to come
before itself. After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
Observations" (VLDB 2020), and Adya, "Weak Consistency" (1999). What it says is certain; what nobody read it
cannot see.

The consistency models, each including the ones before it where that makes sense:

- ``read-committed``: no G0, G1a, G1b, G1c; no list that two reads contradict.
- ``snapshot-isolation``: also no G-single, no cycle whose rw are all apart, no lost update, no internal
  contradiction.
- ``serializable``: also no G2: no cycle of dependencies at all.
- ``strong-session-serializable``: also none that an order of a process's own transactions closes.
- ``strict-serializable``: none that real time closes (a transaction returned before another one began).
"""

from collections.abc import Callable, Sequence

import msgspec

from trivet.lab.history import Operation
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.cycles import WORK_MAX, Cycle, Graph, Work, name, shortened, shortest_cycle
from trivet.lab.judges.dependencies import (
    JUDGE,
    Dependencies,
    Edge,
    Kind,
    process_edges,
    realtime_edges,
)
from trivet.lab.judges.transactions import Transaction, from_operations, list_text, word

READ_COMMITTED = "read-committed"
SNAPSHOT_ISOLATION = "snapshot-isolation"
SERIALIZABLE = "serializable"
STRONG_SESSION = "strong-session-serializable"
STRICT = "strict-serializable"
CONSISTENCIES = (READ_COMMITTED, SNAPSHOT_ISOLATION, SERIALIZABLE, STRONG_SESSION, STRICT)
"""From weak to strong."""

COMPLAINTS_MAX = 20
ALLOWED_ANOMALIES = {READ_COMMITTED: ("internal", "lost-update")}


class Unusable(Exception):
    """The history cannot be judged by its reads: a value is appended twice to one key."""


def judge(transactions: Sequence[Transaction], consistency: str = STRICT) -> list[Complaint]:
    """Complaints about ``transactions`` under one of ``CONSISTENCIES``, each with the least evidence.

    Raises ``Unusable`` when a value is appended to a key twice, and ValueError for an unknown consistency.
    """
    if consistency not in CONSISTENCIES:
        raise ValueError(f"unknown consistency {consistency!r}: one of {', '.join(CONSISTENCIES)}")
    known = Dependencies(transactions)
    if known.unusable:
        raise Unusable(known.unusable)
    allowed = ALLOWED_ANOMALIES.get(consistency, ())
    complaints = [complaint for anomaly, complaint in known.found if anomaly not in allowed]
    for cycle, anomaly in _cycles(known, consistency):
        if len(complaints) >= COMPLAINTS_MAX:
            break
        complaints.append(_complaint(transactions, cycle, anomaly))
    return complaints


def judge_operations(
    history: Sequence[Operation], prefix: bytes, consistency: str = STRICT
) -> list[Complaint]:
    """The same for operations of RPUSH and LRANGE (whole lists) on keys that start with ``prefix``."""
    return judge(from_operations(history, prefix), consistency)


# -- cycles


class _Level(msgspec.Struct, frozen=True):
    """Cycles that begin with an edge of ``firsts`` and go on with edges of ``kinds``."""

    firsts: tuple[Kind, ...]
    kinds: tuple[Kind, ...]
    apart: bool = False


WRITES = (Kind.WW,)
DATA = (Kind.WW, Kind.WR)
ALL = (Kind.WW, Kind.WR, Kind.RW)
ANTI = (Kind.RW,)


def _levels(consistency: str) -> list[_Level]:
    """From the worst to the mildest: what is found by one is not looked for again in the next."""
    levels = [_Level(WRITES, WRITES), _Level((Kind.WR,), DATA)]
    if consistency == READ_COMMITTED:
        return levels
    levels += [_Level(ANTI, DATA), _Level(ANTI, ALL, apart=True)]
    if consistency == SNAPSHOT_ISOLATION:
        return levels
    levels.append(_Level(ANTI, ALL))
    if consistency == SERIALIZABLE:
        return levels
    order = Kind.PROCESS if consistency == STRONG_SESSION else Kind.REALTIME
    return [
        *levels,
        _Level(WRITES, (*WRITES, order)),
        _Level((Kind.WR,), (*DATA, order)),
        _Level(ANTI, (*DATA, order)),
        _Level(ANTI, (*ALL, order)),
    ]


def _cycles(known: Dependencies, consistency: str) -> list[tuple[Cycle, str]]:
    """A shortest cycle for each knot of the graph, and its name."""
    transactions = known.transactions
    edges = sorted(known.edges.values(), key=lambda e: (e.kind, e.source, e.target))
    if consistency == STRONG_SESSION:
        edges += process_edges(transactions, known.committed)
    elif consistency == STRICT:
        edges += realtime_edges(transactions, known.committed)
    if not Graph(len(transactions), edges).components():
        return []
    found: list[tuple[Cycle, str]] = []
    marked: dict[int, None] = {}

    def in_time(source: int, target: int) -> Edge | None:
        """The edge of real time between two transactions, also where the graph leaves it out."""
        if consistency == STRICT and transactions[source].return_us < transactions[target].invoke_us:
            return Edge(source, target, Kind.REALTIME)
        return None

    for level in _levels(consistency):
        firsts = [edge for edge in edges if edge.kind in level.firsts]
        ways = Graph(len(transactions), [edge for edge in edges if edge.kind in level.kinds])
        whole = Graph(
            len(transactions), [e for e in edges if e.kind in level.kinds or e.kind in level.firsts]
        )
        for component in whole.components():
            if any(member in marked for member in component):
                continue
            cycle = _shortest(ways, component, firsts, level, in_time)
            if cycle is not None:
                marked.update(dict.fromkeys(edge.source for edge in cycle))
                named = name(cycle)
                found.append((cycle, "G-nonadjacent" if level.apart and named == "G2" else named))
    return found


def _shortest(
    ways: Graph, component: list[int], firsts: list[Edge], level: _Level,
    in_time: Callable[[int, int], Edge | None],
) -> Cycle | None:  # fmt: skip
    inside = dict.fromkeys(component)
    firsts = [edge for edge in firsts if edge.source in inside and edge.target in inside]
    if Kind.REALTIME in level.kinds:
        for first in firsts:
            back = in_time(first.target, first.source)
            if back is not None:
                return [first, back]
    # One search is always affordable: a knot without a cycle to show would be passed over.
    work = Work(WORK_MAX + sum(len(ways.out[member]) for member in component))
    cycle = shortest_cycle(ways, inside, firsts, work, level.apart)
    return shortened(cycle, in_time) if cycle is not None else None


# -- words


def _complaint(transactions: Sequence[Transaction], cycle: Cycle, anomaly: str) -> Complaint:
    places = [edge.source for edge in cycle]
    evidence = [transactions[place].text() for place in places]
    for i, edge in enumerate(cycle):
        lead = "because" if not i else "while" if i < len(cycle) - 1 else "but"
        evidence.append(f"{lead} {sentence(transactions, edge)}")
    names = " before ".join(transactions[place].name for place in [*places, places[0]])
    return Complaint(JUDGE, f"{anomaly}: no serial order is possible: {names}", evidence)


def sentence(transactions: Sequence[Transaction], edge: Edge) -> str:
    """Why the edge's source comes before its target, in words."""
    source, target = transactions[edge.source], transactions[edge.target]
    key = word(edge.key)
    if edge.kind is Kind.REALTIME:
        return f"{source.name} had returned before {target.name} began"
    if edge.kind is Kind.PROCESS:
        return f"{source.name} and then {target.name} are of one process"
    if edge.kind is Kind.WW:
        return f"{target.name} appended {word(edge.after)} to {key} after {source.name}'s {word(edge.before)}"
    if edge.kind is Kind.WR:
        return f"{target.name} read {key} with {source.name}'s {word(edge.before)} in it"
    assert isinstance(edge.before, tuple)
    read = list_text(edge.before)
    return f"{source.name} read {key} as {read}, before {target.name} appended {word(edge.after)}"
