"""``trivet lab judge``: reads a history, prints a verdict, says it again as an exit code."""

import sys
from pathlib import Path
from typing import TextIO

import msgspec

from trivet.lab.judges.reading import HistoryError
from trivet.lab.judges.verdict import BUDGET, judge

GOOD, COMPLAINT, UNREADABLE, UNKNOWN = 0, 1, 2, 3


def judge_file(
    path: str,
    model: str,
    consistency: str = "",
    as_json: bool = False,
    out: TextIO = sys.stdout,
    budget: int = BUDGET,
) -> int:
    """Judge the history in ``path`` (``-``: standard input) and print what was found.

    Gives 0 for a good history, 1 when the judge complains, 2 when it cannot be read or makes no sense, 3 when
    it is too hard to decide or holds nothing to judge.
    """
    try:
        source = sys.stdin.read() + "\n" if path == "-" else Path(path)
        verdict = judge(source, model, consistency, budget)
    except (HistoryError, ValueError) as error:
        if as_json:
            out.write(msgspec.json.encode({"valid": None, "error": str(error)}).decode() + "\n")
        else:
            out.write(f"cannot judge {path}: {error}\nThe format is described in docs/judging.md.\n")
        return UNREADABLE
    out.write((msgspec.json.encode(verdict).decode() if as_json else verdict.text()) + "\n")
    return {True: GOOD, False: COMPLAINT, "unknown": UNKNOWN}[verdict.valid]
