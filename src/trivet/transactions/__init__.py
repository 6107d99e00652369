"""Role: one transaction over keys of Trivet, PostgreSQL and MariaDB, and what finishes it after a crash.

Floor: 9.
On the path: a program's ``with trivet.transaction(…)`` -> prepared branches, one decision in Trivet's log.
"""

from trivet.transactions.errors import (
    Aborted,
    BranchLost,
    Conflict,
    Damaged,
    Heuristic,
    InDoubt,
    SetupError,
    TransactionError,
)
from trivet.transactions.recovering import Recovery, recover
from trivet.transactions.transaction import (
    AsyncTransaction,
    Transaction,
    is_retryable,
    run,
    run_async,
    transaction,
)

__all__ = [
    "Aborted",
    "AsyncTransaction",
    "BranchLost",
    "Conflict",
    "Damaged",
    "Heuristic",
    "InDoubt",
    "Recovery",
    "SetupError",
    "Transaction",
    "TransactionError",
    "is_retryable",
    "recover",
    "run",
    "run_async",
    "transaction",
]
