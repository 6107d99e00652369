"""Eventual copies: every copy takes writes alone, and copies that have heard of the same writes are equal.

Two kinds of values, joined in two ways (Shapiro et al., "Conflict-free Replicated Data Types", 2011):
a *register* keeps the value with the latest stamp (last writer wins, the node's number breaks ties), so
of two concurrent writes one is forgotten; a *counter* keeps one number per node and adds them up, so
nothing is lost. A write leaves at once as a delta; what does not arrive is made good for by anti-entropy:
a copy shows a digest of its state to another one now and then, and states that differ are exchanged.
"""

from zlib import crc32

import msgspec

from trivet.core.base.ids import NodeId
from trivet.lab.textbook.machine import Letter, Machine


class Stamped(msgspec.Struct, frozen=True, order=True):
    """A register's value; the greatest (time, node) wins."""

    time_ms: int
    node: NodeId
    value: str


class Holdings(msgspec.Struct):
    """What a copy, or a delta, holds."""

    registers: dict[str, Stamped] = {}
    counters: dict[str, dict[NodeId, int]] = {}

    def join(self, other: "Holdings") -> None:
        """The least upper bound: commutative, associative, idempotent."""
        for key, theirs in other.registers.items():
            own = self.registers.get(key)
            if own is None or theirs > own:
                self.registers[key] = theirs
        for key, counts in other.counters.items():
            mine = self.counters.setdefault(key, {})
            for node, count in counts.items():
                mine[node] = max(mine.get(node, 0), count)

    def digest(self) -> int:
        """Equal for equal holdings, whatever way they came about."""
        registers = [(key, stamped) for key, stamped in sorted(self.registers.items())]
        counters = [(key, sorted(counts.items())) for key, counts in sorted(self.counters.items())]
        return crc32(msgspec.json.encode([registers, counters]))

    def words(self) -> str:
        """For pictures."""
        parts = [f"{key}={stamped.value}" for key, stamped in sorted(self.registers.items())]
        parts += [f"{key}={sum(counts.values())}" for key, counts in sorted(self.counters.items())]
        return " ".join(parts)


class Delta(Letter, frozen=True):
    """One write."""

    holdings: Holdings

    def label(self) -> str:
        """What was written."""
        return f"Delta {self.holdings.words()}"


class Digest(Letter, frozen=True):
    """A summary of all that I hold."""

    crc: int


class State(Letter, frozen=True):
    """All that I hold; ``answer``: send me yours."""

    holdings: Holdings
    answer: bool

    def label(self) -> str:
        """What it is."""
        return "State, and yours?" if self.answer else "State"


class Copy(Machine):
    """One copy. Durable: ``held``."""

    GOSSIP_MS = 250
    """How often it shows its digest, to one other copy in turn."""

    def __init__(self, number: NodeId, others: list[NodeId]) -> None:
        super().__init__(number)
        self.others = others
        self.held = Holdings()
        self._turn = number

    def start(self) -> None:
        """Show a digest from now on, not all copies at one moment."""
        self._show()
        self._timer(self.GOSSIP_MS + 20 * self.number, "gossip")

    def on_timer(self, name: str) -> None:
        """Anti-entropy."""
        self._turn += 1
        self._send(self.others[self._turn % len(self.others)], Digest(self.held.digest()))
        self._timer(self.GOSSIP_MS, name)

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """``set KEY VALUE``, ``get KEY``, ``count KEY`` (adds one), ``total KEY``: it answers alone."""
        command, key = words[0], words[1]
        if command == "get":
            stamped = self.held.registers.get(key)
            self._reply(number, stamped.value if stamped is not None else "nil")
        elif command == "total":
            self._reply(number, str(sum(self.held.counters.get(key, {}).values())))
        elif command == "set":
            self._write(Holdings(registers={key: Stamped(self.now_ms, self.number, words[2])}))
            self._reply(number, "OK")
        else:
            count = self.held.counters.get(key, {}).get(self.number, 0) + 1
            self._write(Holdings(counters={key: {self.number: count}}))
            self._reply(number, str(sum(self.held.counters[key].values())))

    def _write(self, delta: Holdings) -> None:
        self.held.join(delta)
        for other in self.others:
            self._send(other, Delta(delta), sync=True)
        self._show()

    def _on_delta(self, sender: NodeId, delta: Delta) -> None:
        self.held.join(delta.holdings)
        self._show()

    def _on_digest(self, sender: NodeId, digest: Digest) -> None:
        if digest.crc != self.held.digest():
            self._send(sender, State(self._copied(), True))

    def _on_state(self, sender: NodeId, state: State) -> None:
        before = self.held.digest()
        self.held.join(state.holdings)
        if self.held.digest() != before:
            self._note(Holdings(counters=self.held.counters).words() or "joined")
        if state.answer:
            self._send(sender, State(self._copied(), False))
        self._show()

    def _copied(self) -> Holdings:
        """A letter does not change once it is written."""
        copied = Holdings()
        copied.join(self.held)
        return copied

    def _show(self) -> None:
        """The band shows the registers; the label all."""
        self.role = Holdings(registers=self.held.registers).words() or "empty"
        self.label = self.held.words()


def judge_convergence(copies: list[Copy], counted: dict[str, int]) -> list[str]:
    """Complaints: copies that differ, or a counter that lost one of the ``counted`` acknowledged ones."""
    complaints = []
    if len({copy.held.digest() for copy in copies}) > 1:
        complaints.append("; ".join(f"copy {c.number} holds {c.held.words() or 'nothing'}" for c in copies))
    for key, acknowledged in counted.items():
        for copy in copies:
            total = sum(copy.held.counters.get(key, {}).values())
            if total != acknowledged:
                complaints.append(f"copy {copy.number} counts {total} {key} of {acknowledged} acknowledged")
    return complaints
