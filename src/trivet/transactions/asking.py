"""What the protocol asks of Trivet and of databases, and what they answer: plain values.

The protocol is written as generators that yield an ``Ask`` and get an ``Answer``. Who drives them
(``driving.py``) performs the asks with blocking drivers or with a loop's; the protocol itself does no IO, so
there is one for both, and a test can stop it between any two steps.
"""

from collections.abc import Generator
from typing import Final, TypeVar

import msgspec

from trivet.client.resp import Reply

TRIVET: Final = "trivet"
"""Who is asked, when it is no branch. No branch may be called so."""

Call = tuple[bytes, ...]


class Statement(msgspec.Struct, frozen=True):
    """SQL, without parameters. ``rows``: its rows are wanted."""

    sql: str
    rows: bool = False


class Calls(msgspec.Struct, frozen=True):
    """Calls to Trivet in one pipeline, in database ``db``.

    ``anywhere``: may be made again and on another node. Else they belong to the connection that is there (and
    that holds the transaction's watches), and to no other.
    """

    calls: tuple[Call, ...]
    db: int
    anywhere: bool = False


class Pause(msgspec.Struct, frozen=True):
    """A short wait."""

    seconds: float


class Ask(msgspec.Struct, frozen=True):
    """One step. ``label`` is its name for people and for tests."""

    to: str
    label: str
    what: Statement | Calls | Pause


class Rows(msgspec.Struct):
    """A statement was executed; ``status`` is PostgreSQL's command tag."""

    status: str = ""
    rows: list[tuple[object, ...]] = []


class Replies(msgspec.Struct):
    """Trivet answered, errors among it."""

    replies: list[Reply]


class Fault(msgspec.Struct):
    """It failed. ``code``: SQLSTATE or MariaDB's number; ``lost``.

    The connection is gone, it may have been done.
    """

    code: str
    text: str
    lost: bool = False
    error: Exception | None = None


Answer = Rows | Replies | Fault
_T = TypeVar("_T")
Work = Generator[Ask, Answer, _T]


class Refusal(Exception):
    """A step before the decision failed; the transaction cannot be committed."""

    def __init__(self, who: str, fault: Fault, retryable: bool = False) -> None:
        super().__init__(f"{who}: {fault.text}")
        self.fault = fault
        self.retryable = retryable


def tell(to: str, label: str, sql: str, rows: bool = False) -> Work[Rows | Fault]:
    """One statement."""
    answer = yield Ask(to, f"{to}: {label}", Statement(sql, rows))
    assert not isinstance(answer, Replies)
    return answer


def must(to: str, label: str, sql: str, rows: bool = False, retryable: tuple[str, ...] = ()) -> Work[Rows]:
    """One statement that must succeed. Raises ``Refusal``, retryable when its code is one of those."""
    answer = yield from tell(to, label, sql, rows)
    if isinstance(answer, Fault):
        raise Refusal(to, answer, answer.lost or answer.code in retryable)
    return answer


def call(label: str, db: int, *calls: Call, anywhere: bool = False) -> Work[Replies | Fault]:
    """Calls to Trivet."""
    answer = yield Ask(TRIVET, f"{TRIVET}: {label}", Calls(calls, db, anywhere))
    assert not isinstance(answer, Rows)
    return answer


def pause(seconds: float) -> Work[None]:
    """Wait."""
    yield Ask(TRIVET, "pause", Pause(seconds))
