"""``SLOWLOG``: the runs of this node's clients that took longest until they were acknowledged.

See ``stats`` for what is measured: not processor time, but the time that a client waited.
"""

from typing import Final

from trivet.core.command.arguments import unknown_subcommand, wrong_arity
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, Error, Reply, Simple

_COUNT_DEFAULT: Final = 10
_BAD_COUNT: Final = Error("ERR count should be greater than or equal to -1")
_ARITY: Final[dict[bytes, tuple[int, int]]] = {
    b"GET": (2, 3), b"LEN": (2, 2), b"RESET": (2, 2), b"HELP": (2, 2),
}  # fmt: skip
_HELP: Final = (
    "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET [<count>]",
    "    The newest entries (default: 10, -1: all): id, Unix time, time until the answer in microseconds,",
    "    arguments, client address, client name.",
    "LEN",
    "    How many entries there are.",
    "RESET",
    "    Forget them.",
    "HELP",
    "    This text.",
)


def slowlog(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``SLOWLOG`` command."""
    session.answer_reply(_answer(front, args))
    return True


def _answer(front: Front, args: list[bytes]) -> Reply:
    action = args[1].upper()
    bounds = _ARITY.get(action)
    if bounds is None:
        return unknown_subcommand(args[0], args[1])
    if not bounds[0] <= len(args) <= bounds[1]:
        return wrong_arity(f"slowlog|{action.decode().lower()}")
    slow = front.stats.slow
    if action == b"LEN":
        return len(slow)
    if action == b"RESET":
        slow.clear()
        return OK
    if action == b"HELP":
        return [Simple(line) for line in _HELP]
    count = parse_int(args[2]) if len(args) > 2 else _COUNT_DEFAULT
    if count is None or count < -1:
        return _BAD_COUNT
    shown = list(slow) if count == -1 else list(slow)[:count]
    return [
        [entry.number, entry.unix_s, entry.took_us, list(entry.args), entry.address.encode(), entry.name]
        for entry in shown
    ]
