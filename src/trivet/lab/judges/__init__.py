"""Role: judges: they know a history and final states, and say what cannot be true of a correct store.

Floor: 7.
On the path: a run's history, or that of anybody's system -> complaints.

For other people's systems: ``judge(read_history("history.jsonl"), model="register")``; see docs/judging.md.
"""

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.reading import History, HistoryError, read_history
from trivet.lab.judges.serializability import CONSISTENCIES
from trivet.lab.judges.verdict import MODELS, Verdict, judge

__all__ = [
    "CONSISTENCIES",
    "MODELS",
    "Complaint",
    "History",
    "HistoryError",
    "Verdict",
    "judge",
    "read_history",
]
