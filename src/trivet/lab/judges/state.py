"""One key under judgement: its value, and when its deadline may let it vanish.

Time in the store is the log's time, which real time bounds only up to the clocks' ``slack``. So
a deadline is an interval of virtual time, ``gone_from_us`` .. ``gone_by_us``: before it the key is
there, after it the key is not, and within it an operation may see either (but no way back).
"""

from trivet.lab.history import FOREVER_US
from trivet.lab.judges.models import MODELS, Held, canonical
from trivet.lab.resp import OK, Value

NEVER_US = FOREVER_US

KeyState = tuple[Held, int, int]
"""(value, gone_from_us, gone_by_us)."""

ABSENT: KeyState = (None, NEVER_US, NEVER_US)


class Span:
    """When an operation ran, widened by how far clocks may be apart."""

    def __init__(self, invoke_us: int, return_us: int, slack_us: int) -> None:
        self.invoke_us = invoke_us
        self.return_us = return_us
        self.slack_us = slack_us


def steps(
    state: KeyState, command: tuple[bytes, ...], reply: Value, known: bool, span: Span
) -> list[KeyState]:
    """Every state that ``command`` may lead to from ``state`` such that it answers ``reply``.

    With ``known`` False the reply is not known, and any will do.
    """
    found: list[KeyState] = []
    for start in _alternatives(state, span):
        for after, answer in _outcomes(start, command, reply, known, span):
            if (not known or answer == canonical(command, reply)) and after not in found:
                found.append(after)
    return found


def _alternatives(state: KeyState, span: Span) -> list[KeyState]:
    """The state as it is, vanished, or both when nobody can tell."""
    _, gone_from_us, gone_by_us = state
    if gone_from_us >= NEVER_US:
        return [state]
    found = []
    if span.invoke_us <= gone_by_us + span.slack_us:
        found.append(state)
    if span.return_us >= gone_from_us - span.slack_us:
        found.append(ABSENT)
    return found


def _outcomes(
    state: KeyState, command: tuple[bytes, ...], reply: Value, known: bool, span: Span
) -> list[tuple[KeyState, Value]]:
    name = command[0]
    held, gone_from_us, gone_by_us = state
    if name == b"SPOP":
        return _spop(state, reply, known)
    if name == b"PEXPIRE":
        return [(state, 0)] if held is None else [(_doomed(held, int(command[2]), span), 1)]
    if name == b"PERSIST":
        lasting = held is not None and gone_from_us < NEVER_US
        return [((held, NEVER_US, NEVER_US), 1)] if lasting else [(state, 0)]
    if name == b"SET" and len(command) == 5:
        return [(_doomed(command[2], int(command[4]), span), OK)]
    after, answer = MODELS[name](held, command)
    if after is None:
        return [(ABSENT, answer)]
    if held is None or name in (b"SET", b"GETSET", b"CAS"):
        # A write that replaces the value takes the deadline away; a refused CAS changed nothing.
        return [(state if after == held and name == b"CAS" else (after, NEVER_US, NEVER_US), answer)]
    return [((after, gone_from_us, gone_by_us), answer)]


def _doomed(held: Held, ttl_ms: int, span: Span) -> KeyState:
    if span.slack_us >= FOREVER_US:
        return held, 0, NEVER_US - 1  # clocks say nothing: one state, not one per deadline
    until_us = min(NEVER_US - 1, span.return_us + ttl_ms * 1000)
    return held, span.invoke_us + ttl_ms * 1000, until_us


def _spop(state: KeyState, reply: Value, known: bool) -> list[tuple[KeyState, Value]]:
    held, gone_from_us, gone_by_us = state
    if held is None:
        return [(ABSENT, None)]
    assert isinstance(held, tuple)
    found: list[tuple[KeyState, Value]] = []
    for member in held:
        if known and member != reply:
            continue
        kept = tuple(item for item in held if item != member)
        found.append(((kept, gone_from_us, gone_by_us) if kept else ABSENT, member))
    return found
