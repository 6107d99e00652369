"""``FENCE``: a number that says who held a lock later.

Whoever holds a lock may be asleep while it runs out, and wake up and write though somebody else holds it by
now. So what is guarded is told a number with each write, and refuses those that are lower than one that it
has seen. ``FENCE`` gives the number: within the transaction (or script) that takes the lock, it is higher
than for every earlier holder.

Where a group has a log it is the place in the log; where each key is a register, the register's version,
which never falls, not even when the key is removed.
"""

from typing import Final

from trivet.core.command.table import Context, Flag, command
from trivet.core.wire.reply import Error, Reply

FENCE_BITS: Final = 20
"""Numbers that one entry, or one operation on a register, can give."""
_NO_NUMBER: Final = Error("ERR FENCE has no number in a transaction over several groups")


@command(
    "fence",
    arity=2,
    flags=Flag.WRITE | Flag.FAST,
    keys=(1, 1, 1),
    group="generic",
    summary="Gives a number that is higher for each later holder of a lock.",
    since="Trivet",
    complexity="O(1)",
)
def fence(context: Context, args: list[bytes]) -> Reply:
    """FENCE key."""
    if context.fence < 0:
        return _NO_NUMBER
    context.fence += 1
    return context.fence
