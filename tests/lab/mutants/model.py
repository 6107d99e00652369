"""What a mutant is: a bug of another system, as an edit of our own sources, kept as data.

Rows are those of the fault matrix: R (logs and terms), E (elections), L (reads), M (snapshots and membership),
H (slots on the move), T (transactions over groups), P (registers), V (values that converge, beyond the matrix), G (who leads groups, beyond it too), C (clients and the machine), S (scripts that run long, beyond it too). A mutant names the circumstances that it needs and the first seed at which a judge
spoke; the search begins there and goes on, since any change of the code moves the seeds.
"""

from typing import NamedTuple

Focus = dict[str, int | float | str]
"""Options of a run that replace the drawn ones, to make a bug's circumstances common."""


class Edit(NamedTuple):
    """``old`` must stand in ``file`` exactly once."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """One planted bug."""

    row: str
    what: str
    edits: list[Edit]
    first_seed: int
    judge: str
    """Who spoke at ``first_seed``: for readers, not for the search."""
    focus: Focus
    liveness: bool = False
    """The row is about progress: the judge of liveness counts. Else only safety does, since a broken
    cluster also gets stuck."""
    scene: str = ""
    """Not a drawn run, but this scene of ``scenes.py``, or one of ``members``, ``schedules``, ``directed``."""
    soak: bool = False
    """Too slow for the quick share."""
    gap: str = ""
    """Not empty: no judge has noticed it, and why."""


class Absent(NamedTuple):
    """A row whose mechanism is not in the code (yet)."""

    row: str
    what: str
    reason: str


def edit(file: str, old: str, new: str) -> list[Edit]:
    """The edits of a mutant that needs one only."""
    return [Edit(file, old, new)]
