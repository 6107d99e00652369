"""FENCE: a number that grows with every owner of a lock.

Who was stopped for longer than its lock lasts goes on as if it had the lock. What it changes outside is safe
only if that remembers the highest number that it has seen, and refuses lower ones. Here is that number.

- Rule F1: a number told after a change of the key, in the same transaction or script, is greater than every
  number that was told of the key before that change, also by those who only read. So whoever takes a lock and
  asks then, in one step, is above all former owners.
- Rule F2: numbers of a key never fall: not when it goes and comes again, not when its slot moves, not when
  all nodes start anew.
- Rule F3: below 2^53, so that Lua and JavaScript can hold it exactly.

Where it comes from differs: a group with a log counts (``machine.fences``), a register has its version
(``machine.register``).
"""

from typing import Final

from trivet.core.command.table import Context, Flag, command
from trivet.core.wire.reply import Error, Reply

NOT_OVER_GROUPS: Final = Error(
    "CROSSSLOT FENCE can't be part of what runs over several groups: ask for it together with the lock alone"
)


@command(
    "fence",
    arity=2,
    flags=Flag.READONLY | Flag.FAST,
    keys=(1, 1, 1),
    group="generic",
    summary="Tells a number that grows with every owner of a lock: asked after taking it, in one MULTI.",
    since="Trivet",
    complexity="O(1)",
)
def fence(context: Context, args: list[bytes]) -> Reply:
    """FENCE key."""
    return NOT_OVER_GROUPS if context.fences is None else context.fences.tell()
