"""Says in words what calls about transactions over groups are: ``TXN LOCK <bytes>`` as ``LOCK T3.7 anna``."""

import msgspec

from trivet.core.machine.entry import Call
from trivet.core.transaction.words import (
    DECIDE,
    FINISH,
    FORGET,
    LOCK,
    RESOLVE,
    TXN,
    TransactionId,
    unpack_decide,
    unpack_finish,
    unpack_forget,
    unpack_lock,
    unpack_resolve,
)

KEYS_SHOWN = 3
KEY_CHARS_MAX = 20


def transaction_name(number: TransactionId) -> str:
    """One attempt: the coordinator's node, and which of its attempts."""
    return f"T{number.node}.{number.number}"


def transaction_text(call: Call) -> str:
    """A word about a transaction; empty when the call is none."""
    arguments = call[1]
    if len(arguments) != 3 or arguments[0] != TXN:
        return ""
    verb, data = arguments[1], arguments[2]
    try:
        if verb == LOCK:
            request = unpack_lock(data)
            return f"LOCK {transaction_name(request.id)} {_keys([key for _, key, _ in request.keys])}".strip()
        if verb == DECIDE:
            return f"DECIDE {transaction_name(unpack_decide(data).id)} commit"
        if verb == FINISH:
            end = unpack_finish(data)
            return f"FINISH {transaction_name(end.id)} {'commit' if end.commits else 'abort'}"
        if verb == RESOLVE:
            return f"RESOLVE {transaction_name(unpack_resolve(data).id)}"
        if verb == FORGET:
            return f"FORGET {transaction_name(unpack_forget(data).id)}"
    except (ValueError, msgspec.DecodeError):
        return ""
    return ""


def _keys(keys: list[bytes]) -> str:
    shown = [key.decode(errors="replace")[:KEY_CHARS_MAX] for key in keys[:KEYS_SHOWN]]
    return " ".join([*shown, "…"] if len(keys) > KEYS_SHOWN else shown)
