"""Is there an order of all operations, true to real time, that a single store would answer like this?

Just-in-time linearization (Lowe, "Testing for linearizability", 2017; after Wing and Gong, 1993), as
a set of configurations instead of a search with back-tracking: walking through the history, keep every
(state, operations that took effect but have not returned). When an operation returns, each configuration
must have it, or get it by letting pending operations take effect first, in any order. No configuration
left: not linearizable, and the operation at hand is the evidence.

Keys that no transaction joins are judged apart (locality; Herlihy and Wing, 1990). An indefinite
operation never returns: it may take effect at any time after its invocation, or never. What is *not* known is
bounded: a part that needs more than ``BUDGET`` configurations is "unknown", which runs count and report.
"""

from collections.abc import Sequence

from trivet.lab.history import FOREVER_US, Operation, Outcome, brief
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.models import READS
from trivet.lab.judges.state import ABSENT, KeyState, Span, steps

BUDGET = 100_000

State = tuple[KeyState, ...]
Configuration = tuple[State, int]
"""(state, bit mask of pending operations that already took effect)."""


class Verdict:
    """``complaint`` None: linearizable, unless ``unknown``."""

    def __init__(self, complaint: Complaint | None, unknown: bool, explored: int) -> None:
        self.complaint = complaint
        self.unknown = unknown
        self.explored = explored


def judge(history: Sequence[Operation], slack_us: int = FOREVER_US) -> tuple[list[Complaint], int]:
    """Complaints about all parts of ``history``, and how many parts stay unknown."""
    complaints: list[Complaint] = []
    unknown = 0
    for keys, operations in partitions(history):
        verdict = judge_part(keys, operations, slack_us)
        unknown += verdict.unknown
        if verdict.complaint is not None:
            complaints.append(verdict.complaint)
    return complaints, unknown


def partitions(history: Sequence[Operation]) -> list[tuple[list[bytes], list[Operation]]]:
    """Groups of keys that transactions join, with the operations on them; what failed is left out."""
    parent: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    counted = [o for o in history if o.outcome is not Outcome.FAIL and o.keys]
    for operation in counted:
        for key in operation.keys[1:]:
            parent[root(key)] = root(operation.keys[0])
    parts: dict[bytes, tuple[dict[bytes, None], list[Operation]]] = {}
    for operation in counted:
        keys, members = parts.setdefault(root(operation.keys[0]), ({}, []))
        keys.update(dict.fromkeys(operation.keys))
        members.append(operation)
    return [(sorted(keys), members) for keys, members in parts.values()]


def judge_part(keys: list[bytes], operations: list[Operation], slack_us: int = FOREVER_US) -> Verdict:
    """Judge one group of keys."""
    return _Part(keys, operations, slack_us).judge()


class _Part:
    def __init__(self, keys: list[bytes], operations: list[Operation], slack_us: int) -> None:
        self.places = {key: i for i, key in enumerate(keys)}
        self.keys = keys
        self.slack_us = slack_us
        self.explored = 0
        self.operations = [o for o in operations if not _says_nothing(o)]
        self.pending: dict[int, Operation] = {}
        self.twins: dict[int, int] = {}
        """An indefinite operation's earlier pending twin: the one that takes effect first of the two."""
        self.free = 1

    def judge(self) -> Verdict:
        # At one instant invocations come before returns: more orders stay possible.
        events = [(o.invoke_us, 0, o.number, o) for o in self.operations]
        events += [(o.return_us, 1, o.number, o) for o in self.operations if o.outcome is Outcome.OK]
        bits: dict[int, int] = {}
        configurations: dict[Configuration, None] = {(tuple(ABSENT for _ in self.keys), 0): None}
        for _, kind, number, operation in sorted(events, key=lambda event: event[:3]):
            if kind == 0:
                bits[number] = self._open(operation)
                continue
            bit = bits.pop(number)
            after = self._close(configurations, bit)
            if self.explored > BUDGET:
                return Verdict(None, True, self.explored)
            if not after:
                return Verdict(self._complaint(operation, configurations), False, self.explored)
            del self.pending[bit]
            self.free |= bit
            configurations = self._prune(after)
        return Verdict(None, False, self.explored)

    def _open(self, operation: Operation) -> int:
        """Give ``operation`` the lowest free bit."""
        bit = self.free & -self.free
        self.free &= ~bit
        if self.free == 0:
            self.free = bit << 1
        self.twins.pop(bit, None)
        if operation.outcome is not Outcome.OK and operation.commands[0][0] != b"PEXPIRE":
            for other, earlier in self.pending.items():
                if earlier.outcome is not Outcome.OK and earlier.commands == operation.commands:
                    self.twins[bit] = other
        self.pending[bit] = operation
        return bit

    def _close(self, configurations: dict[Configuration, None], bit: int) -> dict[Configuration, None]:
        """Let the operation of ``bit`` take effect in every configuration where it has not, in every way."""
        after: dict[Configuration, None] = {}
        seen: dict[Configuration, None] = dict(configurations)
        stack = list(configurations)
        while stack and self.explored <= BUDGET:
            state, mask = stack.pop()
            if mask & bit:
                after[(state, mask & ~bit)] = None
                continue
            for candidate in self._moves(state, mask):
                if candidate not in seen:
                    seen[candidate] = None
                    stack.append(candidate)
        return after

    def _moves(self, state: State, mask: int) -> list[Configuration]:
        self.explored += 1
        moves: list[Configuration] = []
        for other, operation in self.pending.items():
            if mask & other:
                continue
            twin = self.twins.get(other)
            if twin is not None and not mask & twin:
                continue
            found = self._apply(state, operation)
            if found == [state] and _only_reads(operation):
                return [(state, mask | other)]  # it changes nothing and must come: now is as good as ever
            must = operation.outcome is Outcome.OK  # else it need not come, least of all to change nothing
            moves.extend([(new, mask | other) for new in found if must or new != state])
        return moves

    def _apply(self, state: State, operation: Operation) -> list[State]:
        known = operation.outcome is Outcome.OK
        span = Span(operation.invoke_us, operation.return_us, self.slack_us)
        states = [state]
        for i, command in enumerate(operation.commands):
            place = self.places[command[1]]
            reply = operation.replies[i] if known else None
            states = [
                (*before[:place], after, *before[place + 1 :])
                for before in states
                for after in steps(before[place], command, reply, known, span)
            ]
        return states

    def _prune(self, configurations: dict[Configuration, None]) -> dict[Configuration, None]:
        """Drop what another configuration covers: the same state with fewer indefinite operations used up."""
        if len(configurations) < 8:
            return configurations
        indefinite = sum(
            bit for bit, operation in self.pending.items() if operation.outcome is not Outcome.OK
        )
        groups: dict[tuple[State, int], list[int]] = {}
        for state, mask in sorted(configurations, key=lambda c: c[1].bit_count()):
            kept = groups.setdefault((state, mask & ~indefinite), [])
            used = mask & indefinite
            if not any(less & used == less for less in kept):
                kept.append(used)
        return {(state, definite | used): None for (state, definite), kept in groups.items() for used in kept}

    def _complaint(self, operation: Operation, configurations: dict[Configuration, None]) -> Complaint:
        names = ", ".join(key.decode(errors="replace") for key in self.keys)
        values: dict[str, None] = {}
        for state, _ in configurations:
            values[" ".join(brief(value) for value, _, _ in state)] = None
        before = [o for o in self.operations if o.invoke_us <= operation.return_us and o is not operation]
        recent = sorted(before, key=lambda o: min(o.return_us, operation.return_us))[-12:]
        evidence = [
            operation.text(),
            f"possible values before: {' | '.join(list(values)[:6])}",
            "latest on these keys:",
        ]
        return Complaint(
            "linearizability",
            f"no order explains the history of {names}",
            evidence + ["  " + o.text() for o in recent],
        )


def _says_nothing(operation: Operation) -> bool:
    """An unanswered read."""
    return operation.outcome is not Outcome.OK and _only_reads(operation)


def _only_reads(operation: Operation) -> bool:
    return all(command[0] in READS for command in operation.commands)
