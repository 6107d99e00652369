"""One call for people who come with a history of their own system: read, judge, say.

``read_history`` reads; ``judge`` asks the judge that fits the model, and gives a ``Verdict``.
"""

from pathlib import Path
from typing import Literal

import msgspec

from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.external import to_operations, to_transactions
from trivet.lab.judges.linearizability import judge as judge_operations
from trivet.lab.judges.linearizability import partitions
from trivet.lab.judges.reading import History, HistoryError, read_history
from trivet.lab.judges.serializability import COMPLAINTS_MAX, STRICT, Unusable
from trivet.lab.judges.serializability import judge as judge_transactions

LINEARIZABLE = "linearizable"
MODELS = ("register", "kv", "list-append")
BUDGET = 300_000
"""Configurations per key: some 10 s. Beyond that the key is unknown."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge found. ``valid``: True, False, or "unknown": too hard, or nothing there to judge."""

    valid: Literal["unknown"] | bool
    model: str
    consistency: str
    complaints: list[Complaint] = []
    counts: dict[str, int] = {}
    notes: list[str] = []

    def text(self) -> str:
        """For people."""
        words = {True: "VALID", False: "NOT VALID", "unknown": "UNKNOWN"}
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        lines = [f"{words[self.valid]}: {self.model}, {self.consistency}", counts]
        for complaint in self.complaints:
            lines += ["", complaint.text()]
        if self.notes:
            lines += ["", *("note: " + note for note in self.notes)]
        return "\n".join(lines)


def judge(
    history: History | str | Path, model: str = "register", consistency: str = "", budget: int = BUDGET
) -> Verdict:
    """Judge a history, or the text or file of one, by what its system claims to be.

    ``model``: one of ``MODELS``. ``consistency``: for ``list-append`` one of
    ``CONSISTENCIES``, by default the strictest; the other models are judged for
    linearizability. ``budget``: configurations per key. Raises ``HistoryError`` for a history that makes no
    sense, ValueError for an unknown model or consistency.
    """
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}: one of {', '.join(MODELS)}")
    read = history if isinstance(history, History) else read_history(history)
    if model == "list-append":
        return _judge_lists(read, consistency or STRICT)
    operations = to_operations(read, model)
    complaints, unknown = judge_operations(operations, FOREVER_US, budget)
    parts = len(partitions(operations))
    counts = _counts(read) | {"keys judged apart": parts, "keys unknown": unknown}
    notes = _notes(read)
    if unknown:
        notes.append(
            f"{unknown} of {parts} keys were too hard within {budget:,} configurations: shorter histories "
            "per key, fewer operations that end as info, or unique values help"
        )
    return Verdict(
        valid=_valid(read, complaints, unknown), model=model, consistency=LINEARIZABLE, complaints=complaints,
        counts=counts, notes=notes,
    )  # fmt: skip


def _judge_lists(history: History, consistency: str) -> Verdict:
    transactions = to_transactions(history)
    try:
        complaints = judge_transactions(transactions, consistency)
    except Unusable as error:
        raise HistoryError(0, str(error)) from error
    notes = _notes(history)
    if len(complaints) >= COMPLAINTS_MAX:
        notes.append(f"only the first {COMPLAINTS_MAX} complaints are shown")
    return Verdict(
        valid=_valid(history, complaints, 0), model="list-append", consistency=consistency,
        complaints=complaints, counts=_counts(history), notes=notes,
    )  # fmt: skip


def _valid(history: History, complaints: list[Complaint], unknown: int) -> Literal["unknown"] | bool:
    if complaints:
        return False
    if unknown or not any(o.outcome is Outcome.OK for o in history.operations):
        return "unknown"
    return True


def _counts(history: History) -> dict[str, int]:
    outcomes = [o.outcome for o in history.operations]
    return {
        "operations": len(outcomes),
        "ok": outcomes.count(Outcome.OK),
        "failed": outcomes.count(Outcome.FAIL),
        "indefinite": outcomes.count(Outcome.INFO),
    }


def _notes(history: History) -> list[str]:
    notes = []
    if not any(o.outcome is Outcome.OK for o in history.operations):
        notes.append("no operation succeeded: there is nothing to judge")
    if history.open:
        notes.append(f"operations that never ended, taken as indefinite: {history.open}")
    if history.skipped:
        notes.append(f"events of the nemesis, skipped: {history.skipped}")
    return notes
