"""Is there an order of all operations, true to real time, that a single store would answer like this?

Keys that no transaction joins are judged apart (locality; Herlihy and Wing, "Linearizability", 1990). An
indefinite operation never returns: it may take effect at any time after its invocation, or never. The search
is in ``configurations.py``; what makes a complaint short in ``smallest.py``. What cannot be decided within
the budget is "unknown", which runs count and report.
"""

from collections.abc import Sequence

from trivet.lab.history import FOREVER_US, Operation, Outcome, brief
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.configurations import Search
from trivet.lab.judges.smallest import Smallest, first_failure, smallest

BUDGET = 100_000
"""Configurations per group of keys; some 10 µs each."""
SHOWN_MAX = 16
"""Operations in a complaint."""
SMALL_COMPLAINTS_MAX = 3
"""So many complaints are made as small as they get: it costs searches of its own."""


class PartVerdict:
    """``complaint`` None: linearizable, unless ``unknown``."""

    def __init__(self, complaint: Complaint | None, unknown: bool, explored: int) -> None:
        self.complaint = complaint
        self.unknown = unknown
        self.explored = explored


def judge(
    history: Sequence[Operation], slack_us: int = FOREVER_US, budget: int = BUDGET
) -> tuple[list[Complaint], int]:
    """Complaints about all parts of ``history``, and how many parts stay unknown.

    ``slack_us``: how far clocks may be apart where values have deadlines (for ever: they say nothing).
    ``budget``: configurations looked at per part before it is given up as unknown.
    """
    complaints: list[Complaint] = []
    unknown = 0
    for keys, operations in partitions(history):
        small = len(complaints) < SMALL_COMPLAINTS_MAX
        verdict = judge_part(keys, operations, slack_us, budget, small)
        unknown += verdict.unknown
        if verdict.complaint is not None:
            complaints.append(verdict.complaint)
    return complaints, unknown


def partitions(history: Sequence[Operation]) -> list[tuple[list[bytes], list[Operation]]]:
    """Groups of keys that transactions join, with the operations on them; what failed is left out."""
    parent: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    counted = [o for o in history if o.outcome is not Outcome.FAIL and o.keys]
    for operation in counted:
        for key in operation.keys[1:]:
            parent[root(key)] = root(operation.keys[0])
    parts: dict[bytes, tuple[dict[bytes, None], list[Operation]]] = {}
    for operation in counted:
        keys, members = parts.setdefault(root(operation.keys[0]), ({}, []))
        keys.update(dict.fromkeys(operation.keys))
        members.append(operation)
    return [(sorted(keys), members) for keys, members in parts.values()]


def judge_part(
    keys: list[bytes],
    operations: Sequence[Operation],
    slack_us: int = FOREVER_US,
    budget: int = BUDGET,
    small: bool = True,
) -> PartVerdict:
    """Judge one group of keys; ``small``: make the evidence as short as it gets."""
    search = Search(keys, operations, slack_us, budget)
    found = search.run()
    if found is not False:
        return PartVerdict(None, found is None, search.explored)
    first = first_failure(search, keys, slack_us) if small else search
    least = smallest(keys, operations, first.last_return, slack_us) if small else None
    return PartVerdict(_complaint(keys, operations, first, least), False, search.explored)


def _complaint(
    keys: list[bytes], operations: Sequence[Operation], search: Search, least: Smallest | None
) -> Complaint:
    names = ", ".join(key.decode(errors="replace") for key in keys)
    evidence: list[str] = []
    told = {o.number: o.text() for o in operations}
    if least is not None:
        shown = least.operations[-SHOWN_MAX:]
        left_out = len(least.operations) - len(shown)
        evidence += [f"these {len(least.operations)} cannot be put in any order:"] if len(shown) > 1 else []
        evidence += [f"  ({left_out} earlier ones)"] if left_out else []
        evidence += ["  " + told[o.number] for o in shown]
        if least.any_start:
            evidence.append("whatever the key held before them")
        if least.others:
            evidence.append(
                f"{least.others} other writes that had begun by then do not help, even when each may "
                "have happened at any time or never"
            )
    else:
        culprit = search.failed_at
        before = [o for o in search.operations if o.invoke_us <= culprit.return_us and o is not culprit]
        recent = sorted(before, key=lambda o: min(o.return_us, culprit.return_us))[-12:]
        lines = ["  " + told[o.number] for o in recent]
        evidence += [told[culprit.number], "latest on these keys:", *lines]
    if search.registers is None:
        values: dict[str, None] = {}
        for state in search.reached_states:
            held = [brief(value) for value, _, _ in search.machine.states[state]]
            values[" ".join(held)] = None
        evidence.append(f"values possible before the last answer: {' | '.join(list(values)[:6])}")
    return Complaint("linearizability", f"no order explains the history of {names}", evidence)
