"""Running one operation upon the present value, at most once (Rules P8, P9).

On the path: between the promises of a quorum and the accept. What comes out is tentative until a quorum has
accepted it. If it has to be run again upon another value, everything is decided anew.
"""

from typing import Final

from trivet.core.paxos.adoption import Adoption
from trivet.core.paxos.content import Draft
from trivet.core.paxos.operation import OK, Operation, Outcome

SETTLED_MAX: Final = 4096
"""Origins of which a proposer knows which operations are over."""


def settle(settled: dict[int, int], origin: int, seq: int) -> None:
    """Operations of ``origin`` below ``seq`` are over.

    A node's later life replaces its earlier ones in time, by being used more.
    """
    settled.pop(origin, None)
    settled[origin] = seq
    if len(settled) > SETTLED_MAX:
        del settled[next(iter(settled))]


def run(operation: Operation, draft: Draft, settled: dict[int, int], value_bytes_max: int) -> None:
    """Run ``operation`` upon ``draft``, unless it has been run before, or may have been."""
    operation.wrote = False
    operation.version = draft.version
    operation.tentative = OK
    if isinstance(operation, Adoption):
        draft.adopt(operation.content)
        operation.wrote = draft.changed
        operation.version = draft.version
        return
    if operation.reads_only:
        change = operation.change(draft.value, draft.version)
        assert not change.changed, "a read changes nothing"
        operation.reply = change.reply
        return
    last = draft.last_of(operation.origin)
    if last is not None and last.seq >= operation.seq:
        operation.fresh = False
        if last.seq > operation.seq:
            operation.tentative = Outcome.OVER
        else:
            operation.reply = last.reply
            operation.exposed = True
        return
    if operation.fresh:
        # Only now it may happen: what was forgotten before is no loss. Never lower than what copies of it
        # carry.
        operation.fresh = False
        operation.since = max(operation.since, draft.version)
    elif draft.forgotten > operation.since:
        operation.tentative = Outcome.FORGOTTEN
        return  # with the present version: where many origins write, what is forgotten goes on by and by
    change = operation.change(draft.value, draft.version)
    if change.changed:
        if change.value is not None and len(change.value) > value_bytes_max:
            operation.tentative = Outcome.TOO_LARGE
            return
        _write(operation, draft, change.value, change.reply, settled)
    elif not operation.sole:
        # A copy of it may come when it would change something, long after this reply.
        _write(operation, draft, draft.value, change.reply, settled)
    operation.reply = change.reply


def _write(
    operation: Operation, draft: Draft, value: bytes | None, reply: bytes, settled: dict[int, int]
) -> None:
    draft.change(value, operation, reply, settled)
    operation.wrote = True
    operation.version = draft.version
