"""An acknowledged write is there at the end: unique keys, each written once, read through every node."""

from collections.abc import Sequence

from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values


def judge(history: Sequence[Operation]) -> list[Complaint]:
    """Complaints about ``u:`` keys: lost, changed, or written by a call that failed for certain."""
    finals = final_values(history)
    lost: list[str] = []
    ghosts: list[str] = []
    for operation in history:
        if operation.final or not operation.keys or operation.keys[0][:2] != b"u:":
            continue
        for final in finals.get(operation.keys[0], []):
            held = final.replies[0]
            if operation.outcome is Outcome.OK and held != operation.commands[0][2]:
                lost += [operation.text(), "  " + final.text()]
            elif operation.outcome is Outcome.FAIL and held is not None:
                ghosts += [operation.text(), "  " + final.text()]
    complaints: list[Complaint] = []
    if lost:
        complaints.append(
            Complaint("durability", f"{len(lost) // 2} final reads miss an acknowledged write", lost[:8])
        )
    if ghosts:
        sentence = "a write that failed for certain took effect"
        complaints.append(Complaint("durability", sentence, ghosts[:8]))
    return complaints
