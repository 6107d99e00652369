"""The least evidence for "not linearizable": what is left when all that does not matter is forgotten.

To leave a write out of a history would prove nothing: it may be what the answers need. So an operation is not
left out but *loosened*: it may have happened at any time, or never, with any answer. Whatever order explains
the whole history also explains the loosened one. Hence, if the loosened history has no order either, the
operations that kept their times and answers are all that it takes to see it.
What began after the last answer in question has no part in it. Reads that are loosened say nothing, and go.
Whether a try fails is asked with a small budget; "not known" counts as no.
"""

from collections.abc import Callable, Sequence

import msgspec

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.configurations import Registers, Search, only_reads

TRY_BUDGET = 5000
BUDGET = 40_000
"""Configurations: for one try, and for all of them."""
FEW = 16
"""So many operations are tried before a window is looked for."""
LOOSE_MAX = 2000
"""With more loosened writes than this nothing is tried."""


class Smallest(msgspec.Struct, frozen=True):
    """Operations that have no order, by invocation; ``others``: how many writes were loosened.

    An operation that returned after the last answer in question is kept as an indefinite one. ``any_start``:
    whatever the key held before the first of them.
    """

    operations: list[Operation]
    others: int
    any_start: bool = False


def first_failure(search: Search, keys: Sequence[bytes], slack_us: int) -> Search:
    """The search of the shortest beginning that has no order, given one of the whole that found none.

    The whole's search knows answers before they are given, and stops early: so the beginning is found by
    halving.
    """
    returns = [search.operations[number] for number, _ in search.time.returns]
    low, high = search.reached, len(returns) - 1
    found = search
    while low < high:
        middle = (low + high) // 2
        start = Search(keys, beginning(search.operations, returns[middle].return_us), slack_us, BUDGET)
        if start.run() is False:
            high, found = middle, start
        else:
            low = middle + 1
    return found


def beginning(operations: Sequence[Operation], end_us: int) -> list[Operation]:
    """What is known at ``end_us``: it has an order when the whole has. Later returns are open."""
    begun = [o for o in operations if o.invoke_us <= end_us and o.outcome is not Outcome.FAIL]
    begun = [o if o.return_us <= end_us else loosened(o, o.invoke_us) for o in begun]
    return [o for o in begun if o.outcome is Outcome.OK or not only_reads(o)]


def smallest(
    keys: Sequence[bytes], operations: Sequence[Operation], culprit: Operation, slack_us: int
) -> Smallest | None:
    """The operations around ``culprit`` that have no order; None when no small proof was found."""
    begun = beginning(operations, culprit.return_us)
    if len(begun) > LOOSE_MAX:
        return None
    tries = _Tries(keys, begun, slack_us)
    near = tries.near(culprit)
    kept = tries.grow(near, 1, FEW)
    if kept is None and Registers.fits(begun) and len(keys) == 1:
        window = _window(keys, begun, culprit, slack_us)
        if window is not None:
            tries, near = window, window.near(culprit)
            kept = tries.grow(near, 1, len(near))
    if kept is None:
        kept = tries.grow(near, 2 * FEW, len(near))
    if kept is None:
        return None
    kept = _without_needless(kept, tries.fails)
    others = sum(number not in dict.fromkeys(o.number for o in kept) for number in tries.loose)
    return Smallest(sorted(kept, key=lambda o: (o.invoke_us, o.number)), others, tries.any_start)


def _window(
    keys: Sequence[bytes], begun: list[Operation], culprit: Operation, slack_us: int
) -> "_Tries | None":
    """The latest moment such that what began since has no order, whatever the register held then.

    What had ended before that moment comes before all that began since: it left some value, and is gone. What
    was under way is loosened. If the whole has an order, its end is an order of the rest, from some value.
    """
    since = sorted((o.invoke_us for o in begun), reverse=True)
    size = 1
    while size < 2 * len(since):
        start_us = since[min(size, len(since)) - 1]
        rest = [o for o in begun if o.return_us >= start_us]
        kept = [o for o in rest if o.invoke_us >= start_us]
        tries = _Tries(keys, rest, slack_us, any_start=True)
        if tries.fails(kept):
            tries.since_us = start_us
            return tries
        size *= 2
    return None


def _without_needless(kept: list[Operation], fails: Callable[[list[Operation]], bool]) -> list[Operation]:
    """Drop halves, quarters, …, single operations, as long as the rest still has no order."""
    step = max(1, len(kept) // 2)
    while True:
        place = len(kept) - step
        while place >= 0:
            rest = kept[:place] + kept[place + step :]
            if rest and fails(rest):
                kept = rest
            place -= step
        if step == 1:
            return kept
        step = max(1, min(step // 2, len(kept) // 2))


def loosened(operation: Operation, invoke_us: int) -> Operation:
    """The same, but nobody knows when or whether."""
    return msgspec.structs.replace(
        operation, invoke_us=invoke_us, return_us=FOREVER_US, outcome=Outcome.INFO, replies=()
    )


class _Tries:
    def __init__(
        self, keys: Sequence[bytes], operations: Sequence[Operation], slack_us: int, any_start: bool = False
    ) -> None:
        self.keys = keys
        self.operations = operations
        self.slack_us = slack_us
        self.any_start = any_start
        self.since_us = -FOREVER_US
        """What began before is loose in every try."""
        self.loose = {o.number: loosened(o, -FOREVER_US) for o in operations if not only_reads(o)}
        self.spent = 0

    def near(self, culprit: Operation) -> list[Operation]:
        """What may be kept, the nearest first: what is open has no return, and matters least often."""
        return sorted(
            [o for o in self.operations if o.invoke_us >= self.since_us],
            key=lambda o: (o.number != culprit.number, o.outcome is not Outcome.OK, -o.return_us),
        )

    def grow(self, near: list[Operation], size: int, size_max: int) -> list[Operation] | None:
        """The first ``size`` of ``near``, doubled until they fail; None when ``size_max`` do not."""
        while not self.fails(near[:size]):
            if size >= min(size_max, len(near)) or self.spent > BUDGET:
                return None
            size *= 2
        return near[:size]

    def fails(self, kept: list[Operation]) -> bool:
        """Whether ``kept`` has no order, everything else being loose."""
        if self.spent > BUDGET:
            return False
        numbers = dict.fromkeys(o.number for o in kept)
        loose = [o for number, o in self.loose.items() if number not in numbers]
        search = Search(self.keys, [*loose, *kept], self.slack_us, TRY_BUDGET, self.any_start)
        verdict = search.run()
        self.spent += search.explored + len(loose) // 64 + 1
        return verdict is False
