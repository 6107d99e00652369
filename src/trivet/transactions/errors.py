"""What can come of a transaction other than a commit: each error says whether something happened.

*Definite* is ``Aborted``: nothing happened, anywhere, and nothing will. *Indefinite* is ``InDoubt``: the
decision may stand in Trivet's log, and recovery will carry it out, whatever it is. ``BranchLost`` and
``Heuristic`` are damage: the decision is known, and one database no longer can follow it, or did the
opposite.
"""

from collections.abc import Awaitable, Callable, Mapping


class TransactionError(Exception):
    """What all errors of this room are."""


class SetupError(TransactionError):
    """Nothing was begun: a database, a connection or an argument is not as it must be. Definite."""


class Aborted(TransactionError):
    """Nothing happened, in no database, and nothing will. Definite.

    ``retryable``: the same transaction may succeed when it is run again (``run`` does that).
    """

    def __init__(self, text: str, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


class Conflict(Aborted):
    """A key that the transaction had read was changed meanwhile. Definite, and always worth another try."""

    def __init__(self, text: str) -> None:
        super().__init__(text, retryable=True)


class InDoubt(TransactionError):
    """The decision could not be read: it may be commit or abort. Recovery will settle it. Indefinite.

    ``resolve()`` asks again: it returns when the transaction is committed, raises ``Aborted`` when it is
    aborted, and ``InDoubt`` when Trivet still does not answer. In an ``async with`` it is to be
    awaited. Until then the connections stay occupied; who does not resolve it closes them.
    """

    def __init__(self, text: str, transaction_id: str) -> None:
        super().__init__(text)
        self.transaction_id = transaction_id
        self.resolve: Callable[[], Awaitable[None] | None] = _no_way


class Damaged(TransactionError):
    """The decision stands, and not every database follows it; ``branches`` tells which, and what is known."""

    def __init__(self, text: str, transaction_id: str, branches: Mapping[str, str]) -> None:
        super().__init__(text)
        self.transaction_id = transaction_id
        self.branches = dict(branches)


class BranchLost(Damaged):
    """The decision is commit, and a database does not have its prepared branch any more."""


class Heuristic(Damaged):
    """Somebody finished a prepared branch by hand, and not as it was decided."""


def _no_way() -> None:
    raise TransactionError("its connections are gone: `trivet txn recover` settles it")
