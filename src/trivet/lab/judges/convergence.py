"""Copies that were apart must become one: equal in the end, with every acknowledged update in them.

For stores that answer on both sides of a partition and reconcile later (Shapiro and others, "Conflict-free
Replicated Data Types", 2011, §2: strong eventual convergence). A state is what one replica holds of each key:
the set of updates it shows. The judge needs no order: it asks for presence only, since a store of this kind
promises no more.
"""

from collections.abc import Mapping, Sequence

from trivet.lab.judges.complaint import Complaint

JUDGE = "convergence"
SHOWN_MAX = 8

Updates = Mapping[str, Sequence[str]]
"""Key -> the updates on it, by names that are unique per key."""


def judge(
    finals: Mapping[str, Updates], acknowledged: Updates, attempted: Updates, removed: Updates | None = None
) -> list[Complaint]:
    """Complaints about the final states.

    ``finals``: replica -> what it holds. ``acknowledged``: updates that were answered with success; each must
    be there, unless it is among the ``removed`` ones (removals that were attempted). ``attempted``: all
    updates that may be there: these and the indefinite ones; what failed for certain must not be among them.
    """
    return [
        *_differing(finals),
        *_missing(finals, acknowledged, removed or {}),
        *_strange(finals, attempted),
    ]


def _differing(finals: Mapping[str, Updates]) -> list[Complaint]:
    replicas = list(finals)
    evidence: list[str] = []
    for replica in replicas[1:]:
        first, other = finals[replicas[0]], finals[replica]
        for key in sorted({*first, *other}):
            one, two = sorted(first.get(key, ())), sorted(other.get(key, ()))
            if one != two:
                evidence.append(f"{key}: {replicas[0]} holds {_list(one)}, {replica} holds {_list(two)}")
    if not evidence:
        return []
    return [Complaint(JUDGE, "the replicas end with different states", evidence[:SHOWN_MAX])]


def _missing(finals: Mapping[str, Updates], acknowledged: Updates, removed: Updates) -> list[Complaint]:
    evidence: list[str] = []
    for replica, state in finals.items():
        for key, updates in acknowledged.items():
            held = dict.fromkeys(state.get(key, ()))
            gone = dict.fromkeys(removed.get(key, ()))
            lost = [update for update in updates if update not in held and update not in gone]
            if lost:
                evidence.append(f"{key} at {replica}: {_list(lost)}")
    if not evidence:
        return []
    return [Complaint(JUDGE, "acknowledged updates are missing in the end", evidence[:SHOWN_MAX])]


def _strange(finals: Mapping[str, Updates], attempted: Updates) -> list[Complaint]:
    evidence: list[str] = []
    for replica, state in finals.items():
        for key, updates in state.items():
            known = dict.fromkeys(attempted.get(key, ()))
            strange = [update for update in updates if update not in known]
            twice = sorted({update for update in updates if list(updates).count(update) > 1})
            if strange:
                evidence.append(f"{key} at {replica}: {_list(strange)} that nobody made, or that failed")
            if twice:
                evidence.append(f"{key} at {replica}: {_list(twice)} more than once")
    if not evidence:
        return []
    return [Complaint(JUDGE, "the final state holds what it must not", evidence[:SHOWN_MAX])]


def _list(items: Sequence[str]) -> str:
    return "[" + " ".join(items[:12]) + (" …]" if len(items) > 12 else "]")
