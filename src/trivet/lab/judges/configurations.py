"""The search behind the linearizability judge: is there an order of the operations on one group of keys?

Just-in-time linearization (Lowe, "Testing for linearizability", 2017; after Wing and Gong, 1993): walk
through the returns in their order; a *configuration* is the state with the pending operations that already
took effect. When an operation returns and has not taken effect, some order of pending operations must end
with it. The search goes depth first, so that a good history costs little more than its length, and remembers
every configuration, so that a broken one costs no more than there are configurations. What keeps these few:

- A pending read that fits the state takes effect at once: it changes nothing, and must come anyway.
- Of two indefinite operations with the same commands the older one goes first.
- A configuration that used up more indefinite operations than another, and is else equal, is not looked at.
- Answered operations of one connection and lane take effect in the order in which they were sent (Rule C1
  of the node): each comes after the one before it.
- On registers (SET, GET and CAS only) a value that one write makes is gone when it is overwritten: if an
  answer still waits for it, no order follows. And a write whose value nobody sees may hide under any later
  write.
"""

from collections.abc import Sequence

from trivet.lab.history import SIDE_BY_SIDE, Operation, Outcome
from trivet.lab.judges.models import ANY, READS, canonical
from trivet.lab.judges.several import SEVERAL, keys_of
from trivet.lab.judges.state import ABSENT, KeyState, Span, steps
from trivet.lab.resp import Value

State = tuple[KeyState, ...]
Node = tuple[int, int, int, int]
"""(returns passed, number of the state, pending definite operations that took effect, indefinite ones)."""


def only_reads(operation: Operation) -> bool:
    """Whether no command of it can change anything."""
    return all(command[0] in READS for command in operation.commands)


class Machine:
    """The states of one group of keys, numbered, and where each operation leads from each."""

    def __init__(self, keys: Sequence[bytes], operations: Sequence[Operation], slack_us: int) -> None:
        self.places = {key: i for i, key in enumerate(keys)}
        self.operations = operations
        self.slack_us = slack_us
        first: State = tuple(ABSENT for _ in keys)
        self.states = [first]
        self._numbers: dict[State, int] = {first: 0}
        self._moves: dict[tuple[int, int], tuple[int, ...]] = {}

    def moves(self, state: int, number: int) -> tuple[int, ...]:
        """The states after operation ``number``; none when it cannot answer from ``state`` as it did."""
        found = self._moves.get((state, number))
        if found is None:
            after = self._apply(self.states[state], self.operations[number])
            found = self._moves[(state, number)] = tuple([self._number(new) for new in after])
        return found

    def holding(self, values: Sequence[Value]) -> list[int]:
        """The states of a single key that holds one of ``values``."""
        return [self._number(((value, *ABSENT[1:]),)) for value in values if isinstance(value, bytes)]

    def _number(self, state: State) -> int:
        number = self._numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
        return number

    def _apply(self, state: State, operation: Operation) -> list[State]:
        answered = operation.outcome is Outcome.OK
        span = Span(operation.invoke_us, operation.return_us, self.slack_us)
        states = [state]
        for i, command in enumerate(operation.commands):
            reply: Value = operation.replies[i] if answered else None
            known = answered and reply != ANY
            if command[0] in SEVERAL:
                states = self._several(states, command, reply, known)
                continue
            place = self.places[command[1]]
            states = [
                (*before[:place], after, *before[place + 1 :])
                for before in states
                for after in steps(before[place], command, reply, known, span)
            ]
        return states

    def _several(
        self, states: list[State], command: tuple[bytes, ...], reply: Value, known: bool
    ) -> list[State]:
        """A command about several keys at once, none of which ever has a deadline."""
        places = [self.places[key] for key in keys_of(command)]
        found: list[State] = []
        for before in states:
            held, answer = SEVERAL[command[0]](tuple([before[place][0] for place in places]), command)
            if known and answer != canonical(command, reply):
                continue
            after = list(before)
            for place, value in zip(places, held, strict=True):
                after[place] = ABSENT if value is None else (value, *ABSENT[1:])
            found.append(tuple(after))
        return found


class Timeline:
    """The returns in their order, and what is pending at each; operations by their place in the list."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        # At one instant invocations come before returns: more orders stay possible.
        events = [(o.invoke_us, 0, i) for i, o in enumerate(operations)]
        events += [(o.return_us, 1, i) for i, o in enumerate(operations) if o.outcome is Outcome.OK]
        self.returns: list[tuple[int, int]] = []
        """(operation, its bit)."""
        self.reads: list[list[tuple[int, int]]] = []
        self.writes: list[list[tuple[int, int]]] = []
        """At each return: the pending definite operations, with their bits, the returning one included."""
        self.open_count: list[int] = []
        """At each return: how many indefinite operations have been invoked."""
        self.open: list[int] = []
        self.twins: list[int] = []
        """For each open operation the one before it with the same commands, or -1."""
        self.bits: dict[int, int] = {}
        self.before: dict[int, int] = {}
        """For each definite operation of a pipeline the one that its connection sent before it."""
        self.first: dict[int, int] = {}
        """Returns before each operation's invocation."""
        self.last: dict[int, int] = {}
        """The place of each definite operation's return."""
        self._walk(sorted(events), operations)

    def _walk(self, events: list[tuple[int, int, int]], operations: Sequence[Operation]) -> None:
        reads: dict[int, int] = {}
        writes: dict[int, int] = {}
        latest: dict[tuple[tuple[bytes, ...], ...], int] = {}
        sent: dict[tuple[int, int], int] = {}
        free = 1
        for _, kind, number in events:
            operation = operations[number]
            if kind == 1:
                bit = self.bits[number]
                self.last[number] = len(self.returns)
                self.returns.append((number, bit))
                self.reads.append(list(reads.items()))
                self.writes.append(list(writes.items()))
                self.open_count.append(len(self.open))
                reads.pop(number, None)
                writes.pop(number, None)
                free |= bit
                continue
            self.first[number] = len(self.returns)
            if operation.outcome is Outcome.OK:
                bit = free & -free
                free = free & ~bit or bit << 1
                self.bits[number] = bit
                line = (operation.conn, operation.lane)
                ordered = operation.conn and operation.lane != SIDE_BY_SIDE
                earlier = sent.get(line, -1) if ordered else -1
                if earlier >= 0 and operations[earlier].return_us >= operation.invoke_us:
                    self.before[number] = earlier
                sent[line] = number
                (reads if only_reads(operation) else writes)[number] = bit
            else:
                # Deadlines count from the invocation: two PEXPIRE of different times are no twins.
                timed = any(
                    c[0] == b"PEXPIRE" or (c[0] == b"SET" and len(c) == 5) for c in operation.commands
                )
                self.twins.append(-1 if timed else latest.get(operation.commands, -1))
                latest[operation.commands] = len(self.open)
                self.open.append(number)


class Registers:
    """What SET, GET and CAS commands on one key need of each other: who makes and who needs a value."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.needed_by: dict[Value, list[int]] = {}
        """Value -> answered operations that must meet it."""
        self.makers: dict[Value, int] = {}
        self.wanted: dict[Value, None] = {}
        """Values that any operation, answered or not, could have use for."""
        for number, operation in enumerate(operations):
            command = operation.commands[0]
            if command[0] == b"SET":
                self.makers[command[2]] = self.makers.get(command[2], 0) + 1
                continue
            need: Value = operation.replies[0] if command[0] == b"GET" else _expected(command)
            self.wanted[need] = None
            if operation.outcome is Outcome.OK:
                self.needed_by.setdefault(need, []).append(number)
            if command[0] == b"CAS":
                self.makers[command[2]] = self.makers.get(command[2], 0) + 1

    @staticmethod
    def fits(operations: Sequence[Operation]) -> bool:
        """Whether there is nothing but these commands, without deadlines and with answers that are known."""
        return all(
            len(o.commands) == 1
            and ((o.commands[0][0] in (b"GET", b"SET") and len(o.commands[0]) < 5) or _won(o))
            and (o.outcome is not Outcome.OK or o.replies[0] != ANY)
            for o in operations
        )

    def useless(self, operation: Operation) -> bool:
        """An unanswered write of a value that nobody has use for."""
        return operation.outcome is not Outcome.OK and operation.commands[0][2] not in self.wanted

    def hides(self, number: int) -> bool:
        """A write that may stand right before another one, unseen."""
        command = self.operations[number].commands[0]
        return command[0] == b"SET" and command[2] not in self.wanted


def _won(operation: Operation) -> bool:
    """A CAS that replaced the value, or may have."""
    won = operation.outcome is not Outcome.OK or operation.replies[0] is not None
    return operation.commands[0][0] == b"CAS" and won


def _expected(command: tuple[bytes, ...]) -> Value:
    return command[4] if command[3] == b"is" else None


class Search:
    """One group of keys. After a ``run`` that gave False, ``failed_at`` is where it got no further.

    ``any_start``: a register may hold anything in the beginning (else, and for all other keys, nothing).
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        operations: Sequence[Operation],
        slack_us: int,
        budget: int,
        any_start: bool = False,
    ) -> None:
        told = [o for o in operations if o.outcome is Outcome.OK or not only_reads(o)]
        self.registers: Registers | None = None
        if len(keys) == 1 and Registers.fits(told):
            before = len(told) + 1
            while len(told) < before:  # a CAS that goes may have been the last to want a value
                before = len(told)
                self.registers = Registers(told)
                told = [o for o in told if not self.registers.useless(o)]
        self.operations = told
        self.machine = Machine(keys, told, slack_us)
        self.time = Timeline(told)
        self.budget = budget
        self.explored = 0
        self.reached = 0
        """The latest return that any configuration got to."""
        self.reached_states: dict[int, None] = {}
        self._seen: dict[tuple[int, int, int], list[int]] = {}
        self._starts = [0]
        if any_start and self.registers is not None:
            self._starts += self.machine.holding(list(self.registers.wanted))
        self._makers_max = 1 if len(self._starts) == 1 else 0
        """A value with more makers than this may come back when it is gone."""

    def run(self) -> bool | None:
        """True: an order exists. False: none does. None: not known within the budget."""
        stack: list[Node] = [(0, start, 0, 0) for start in self._starts]
        while stack:
            at, state, done, used = self._advance(stack.pop())
            if at == len(self.time.returns):
                return True
            if at >= self.reached:
                if at > self.reached:
                    self.reached_states.clear()
                self.reached = at
                self.reached_states[state] = None
            if self._covered(at, state, done, used):
                continue
            if self.explored > self.budget:
                return None
            self._expand(stack, at, state, done, used)
        return False

    @property
    def failed_at(self) -> Operation:
        """After ``run`` gave False: the operation whose return no configuration survives."""
        return self.operations[self.time.returns[self.reached][0]]

    @property
    def last_return(self) -> Operation:
        """The operation that returns last of all."""
        return self.operations[self.time.returns[-1][0]]

    def _advance(self, node: Node) -> Node:
        """Pass all returns of what took effect, after letting every read take effect that fits."""
        at, state, done, used = node
        returns, reads, moves = self.time.returns, self.time.reads, self.machine.moves
        before = self.time.before
        stays = (state,)
        while at < len(returns):
            for number, bit in reads[at]:
                if (
                    not done & bit
                    and moves(state, number) == stays
                    and (number not in before or self._follows(at, number, done))
                ):
                    done |= bit
            bit = returns[at][1]
            if not done & bit:
                break
            done ^= bit
            at += 1
        return at, state, done, used

    def _covered(self, at: int, state: int, done: int, used: int) -> bool:
        """The same was looked at before, with no more indefinite operations used up.

        Where there are many of them, looking costs more than going on: it counts too.
        """
        seen = self._seen.setdefault((at, state, done), [])
        self.explored += len(seen) >> 7
        if any(less & used == less for less in seen):
            return True
        seen.append(used)
        return False

    def _expand(self, stack: list[Node], at: int, state: int, done: int, used: int) -> None:
        """Push all ways on, the most promising one last: what lets the returning operation follow."""
        time, moves = self.time, self.machine.moves
        target, target_bit = time.returns[at]
        likely: list[Node] = []
        self.explored += 1 + (time.open_count[at] >> 6)
        for place in range(time.open_count[at]):
            if used >> place & 1 or (time.twins[place] >= 0 and not used >> time.twins[place] & 1):
                continue
            for new in moves(state, time.open[place]):
                if new != state and self._alive(at, state, new, done):
                    hidden = self._hidden(at, time.open[place], done)
                    promising = not done & target_bit and moves(new, target)
                    (likely if promising else stack).append((at, new, hidden, used | 1 << place))
        for pending in (time.reads[at], time.writes[at]):
            for number, bit in pending:
                if done & bit or number == target or not self._follows(at, number, done):
                    continue
                for new in moves(state, number):
                    after = self._hidden(at, number, done | bit)
                    if self._alive(at, state, new, after):
                        (likely if moves(new, target) else stack).append((at, new, after, used))
        stack.extend(likely)
        if not self._follows(at, target, done):
            return
        for new in moves(state, target):
            after = self._hidden(at, target, done | target_bit)
            if self._alive(at, state, new, after):
                stack.append((at, new, after, used))

    def _follows(self, at: int, number: int, done: int) -> bool:
        """Whether what the connection of ``number`` sent before it has taken effect."""
        earlier = self.time.before.get(number, -1)
        return earlier < 0 or self.time.last[earlier] < at or done & self.time.bits[earlier] != 0

    def _hidden(self, at: int, number: int, done: int) -> int:
        """With a blind write, every pending write that nobody sees can take effect just before it."""
        if self.registers is not None and self.operations[number].commands[0][0] == b"SET":
            earlier = done & ~self.time.bits.get(number, 0)
            for other, bit in self.time.writes[at]:
                if not done & bit and self.registers.hides(other) and self._follows(at, other, earlier):
                    done |= bit
        return done

    def _alive(self, at: int, state: int, new: int, done: int) -> bool:
        """Whether nothing still waits for a value that cannot come back."""
        registers = self.registers
        if registers is None or state == new:
            return True
        value: Value = self.machine.states[state][0][0]
        if registers.makers.get(value, 0) > self._makers_max:
            return True
        for number in registers.needed_by.get(value, ()):
            if self.time.last[number] < at:
                continue
            if self.time.first[number] > at or not done & self.time.bits[number]:
                return False
        return True
