"""Trivet: a distributed data store that speaks the Redis protocol.

Start with ``ARCHITECTURE.md``; the rooms below are listed there in the order
in which a write walks through them.
"""

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (what it is depends on the name)
    """``trivet.transaction`` and ``trivet.transactions``, when they are asked for: nodes do without them."""
    if name in ("transaction", "transactions"):
        module = importlib.import_module("trivet.transactions")
        return module if name == "transactions" else module.transaction
    raise AttributeError(f"module 'trivet' has no attribute {name!r}")
