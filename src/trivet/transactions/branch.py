"""One branch of a transaction, and what a kind of database does with one.

The face of ``postgres`` and ``mariadb``.
"""

from enum import Enum
from typing import Protocol

import msgspec

from trivet.transactions.asking import Fault, Work
from trivet.transactions.names import Name
from trivet.transactions.records import BranchRow

BUSY_TRIES = 3
BUSY_PAUSE_S = 0.1


class Stage(Enum):
    """How far a branch is, as this program knows it."""

    NEW = "new"
    ACTIVE = "active"
    PREPARED = "prepared"
    UNKNOWN = "unknown"
    """It was told to prepare and did not answer."""


class End(Enum):
    """What came of finishing a branch."""

    DONE = "done"
    BUSY = "busy"
    """Another session has it in hand: it, or a later try, finishes it."""
    FAILED = "failed"
    """The database did not do it, or did not answer; a later try may."""
    LOST = "lost"
    HEURISTIC = "heuristic"


class Verdict(msgspec.Struct, frozen=True):
    """An ``End`` and a sentence about it."""

    end: End
    text: str = ""


DONE = Verdict(End.DONE)


def failed(fault: Fault) -> Verdict:
    """The database did not do it."""
    return Verdict(End.FAILED, fault.text)


class Branch(msgspec.Struct):
    """A branch of the transaction at hand."""

    row: BranchRow
    kind: "Kind"
    stage: Stage = Stage.NEW

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.row.name


class Kind(Protocol):
    """What a kind of database does. Every method is a generator of asks to the participant ``to``."""

    kind: str

    def identify(self, to: str, make: bool = True) -> Work[str]:
        """Which database this is, for records. Raises ``Refusal`` or ``SetupError``.

        ``make``: what the kind needs in it is made, if it is missing.
        """
        ...

    def begin(self, branch: Branch, name: Name) -> Work[None]:
        """Begin: the program's statements follow. Raises ``Refusal`` or ``SetupError``."""
        ...

    def note(self, branch: Branch) -> Work[None]:
        """What the record shall know of it. Raises ``Refusal``."""
        ...

    def prepare(self, branch: Branch, name: Name) -> Work[None]:
        """Make it durable, to be finished by anybody. Raises ``Refusal``."""
        ...

    def abandon(self, branch: Branch, name: Name) -> Work[None]:
        """Roll back what is not prepared."""
        ...

    def finish(self, to: str, row: BranchRow, name: Name, commit: bool) -> Work[Verdict]:
        """Commit or roll back a prepared branch, from any session. Doing it again does no harm."""
        ...

    def prepared(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """The prepared branches of this cluster."""
        ...

    def sweep(self, to: str, row: BranchRow, name: Name) -> Work[None]:
        """The record is gone: remove what was kept of the branch."""
        ...

    def remains(self, to: str, cluster: str) -> Work[list[tuple[Name, str]] | Fault]:
        """Branches that are finished and of which something was kept."""
        ...
