"""Two groups of one keyspace, and a mover between them: what the tests of moved slots share.

``Groups`` stands for the nodes: it routes calls by a map that it may hold too old a version of, and asks
again when a group says ``NotHere``. A ``Move`` is the mover; ``step`` does the next thing of it.
"""

from tests.core.machine.replicas import Replica, call
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call
from trivet.core.machine.exporting import RangeWalk
from trivet.core.machine.importing import AGAIN, ENDED, PURGE, TAKEN
from trivet.core.machine.machine import Machine
from trivet.core.machine.sealing import counts_as_arguments
from trivet.core.machine.slot_ranges import write_ranges
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.wire.reply import NOT_HERE, OK, Reply

LOW, HIGH = (0, 8191), (8192, 16383)
MOVER = 9
"""The node that the movers' calls come from."""


def key_in(ranges, number: int = 0) -> str:
    """The ``number``-th key of ``k0``, ``k1``… whose slot is in the range."""
    for i in range(100_000):
        if ranges[0] <= slot_of(b"k%d" % i) <= ranges[1]:
            if not number:
                return f"k{i}"
            number -= 1
    raise AssertionError


class Group(Replica):
    """A replica whose calls carry an epoch, and a twin that gets the same entries."""

    def __init__(self, expire_max: int = 100) -> None:
        super().__init__(expire_max)
        self.twin = Machine(expire_max)
        self.stands_still = False
        """Time moves on by nothing but ``now_ms``."""

    def append(self, payload: bytes):
        applied = super().append(payload)
        self.twin.apply(self.twin.applied_index + 1, payload)
        return applied

    def ask(self, calls: list[Call], epoch: int = 0, node: int = 1, at_ms: int | None = None) -> list[Reply]:
        """The replies to the calls, routed by a map of ``epoch``; one entry."""
        batch = self.batch(calls, node)
        batch = type(batch)(batch.node, batch.incarnation, batch.sequence, batch.acknowledged, calls, epoch)
        if at_ms is None and self.stands_still:
            at_ms = self.now_ms
        (applied,) = self.entry([batch], at_ms, seed=len(self.log) + 1)
        assert self.machine.defects == []
        return applied.replies

    def do(self, line: str, epoch: int = 0, node: int = 1) -> Reply:
        return self.ask([call(line)], epoch, node)[0]

    def read(self, line: str, epoch: int = 0) -> Reply:
        return self.machine.read([call(line)], self.now_ms, Prng(1), epoch)[0]

    def say(self, *words: bytes | str | int) -> Reply:
        """The mover says something."""
        args = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return self.ask([(0, args)], node=MOVER)[0]

    def reload(self) -> None:
        """The machine goes through a snapshot."""
        self.machine = through_snapshot(self.machine)


def through_snapshot(machine: Machine) -> Machine:
    walk, load = SnapshotWalk(machine, 1000), SnapshotLoad(Machine(machine._expire_max))
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    return load.machine


class Groups:
    """The first group owns everything at first; the map is only this: an epoch, and who owns which slots."""

    def __init__(self, expire_max: int = 100) -> None:
        self.groups = [Group(expire_max), Group(expire_max)]
        self.epoch = 1
        self.owners: list[list[int]] = [[], [0] * 16384]
        """By epoch, by slot."""
        self.now_ms = 1_000_000
        assert self.groups[1].say("FOUND", "", 1) == OK

    def hand_over(self, ranges, target: int) -> int:
        """``MOVE DONE``: the new epoch."""
        owner = list(self.owners[self.epoch])
        for low, high in ranges:
            owner[low : high + 1] = [target] * (high + 1 - low)
        self.owners.append(owner)
        self.epoch += 1
        return self.epoch

    def run(self, line: str, known_epoch: int | None = None) -> Reply:
        """A client's call about keys of one slot: where it was run, it was run once. ``NotHere``: nowhere now."""
        args = call(line)
        epoch = self.epoch if known_epoch is None else known_epoch
        reply: Reply = NOT_HERE
        while reply == NOT_HERE:
            owner = self.owners[epoch][slot_of(args[1][1])]
            group = self.groups[owner]
            (reply,) = group.ask([args], epoch, at_ms=self.now_ms)
            if epoch == self.epoch:
                return reply
            epoch = self.epoch
        return reply

    def run_whole(self, line: str) -> list[Reply] | None:
        """A call about whole databases, at both groups; None when some group cannot answer now."""
        args = call(line)
        assert args[1][0] in WHOLE
        replies = [group.ask([args], self.epoch)[0] for group in self.groups]
        return None if NOT_HERE in replies else replies

    def set_time(self, now_ms: int) -> None:
        """From now on every entry is of this time."""
        self.now_ms = now_ms
        for group in self.groups:
            group.stands_still = True
            group.now_ms = now_ms

    def owned_by(self, number: int) -> list[int]:
        return [slot for slot in range(16384) if self.owners[self.epoch][slot] == number]

    def check(self) -> None:
        for group in self.groups:
            group.machine.ownership.check_invariants()
            for database in group.machine.databases.opened():
                database.check_invariants()


class Move:
    """The mover of one move; lost with its leader (``lose``), and begun anew by the next."""

    def __init__(self, groups: Groups, move: int, ranges, source: int = 0, slice_bytes: int = 200) -> None:
        self.groups, self.move, self.ranges = groups, move, ranges
        self.source, self.target = groups.groups[source], groups.groups[1 - source]
        self.target_number = 1 - source
        self.slice_bytes = slice_bytes
        self.generation = 0
        self.epoch = 0
        self.phase = "begin"
        self.cursor = b"0"
        self.walk: RangeWalk | None = None
        self.restarts = 0

    def begin_walk(self) -> None:
        if self.walk is not None:
            self.walk.close()
        self.walk = RangeWalk(self.source.machine, self.ranges)
        self.restarts = 0

    def lose(self) -> None:
        """The leader of the source is another now: it knows what the map and the machines know."""
        if self.walk is not None:
            self.walk.close()
            self.walk = None
        if self.phase in ("copy", "sealed", "ready"):
            self.phase = "begin"

    def abort(self) -> None:
        """``MOVE ABORT``, if it is not too late."""
        if self.phase in ("begin", "purge_target", "copy", "sealed", "ready"):
            self.lose()
            assert self.target.say("IMPORT", "ABORT", self.move) == [TAKEN]
            assert self.source.say("UNSEAL", self.move) == OK
            self.cursor = b"0"
            self.phase = "purge_aborted"

    def _purge_aborted(self) -> None:
        self.cursor, left = self.target.say("PURGE", self.move, self.cursor)
        if self.cursor == b"0" and not left:
            self.phase = "over"

    def step(self) -> None:
        getattr(self, "_" + self.phase)()

    def _purge_target(self) -> None:
        self.cursor = self.target.say("PURGE", self.move, self.cursor)[0]
        if self.cursor == b"0":
            self.phase = "begin"

    def _begin(self) -> None:
        """On slots that are not sealed: a client that empties all databases would wait for ever (README)."""
        assert self.source.say("UNSEAL", self.move) == OK
        self.generation += 1
        reply = self.target.say("IMPORT", "BEGIN", self.move, write_ranges(self.ranges), self.generation)
        if reply == [PURGE]:
            self.phase = "purge_target"
        else:
            assert reply == [TAKEN]
            self.begin_walk()
            self.phase = "copy"

    def _send(self) -> bool:
        """Whether there was something to send, or everything begins anew."""
        if self.walk.restarts != self.restarts:
            self.phase = "begin"
            return True
        data = self.walk.take(self.slice_bytes)
        if not data:
            return not self.walk.is_complete
        if self.target.say("IMPORT", "ITEMS", self.move, self.generation, data) == [AGAIN]:
            self.phase = "begin"
        return True

    def _copy(self) -> None:
        if self._send():
            return
        assert self.source.say("SEAL", self.move, write_ranges(self.ranges)) == OK
        self.phase = "sealed"

    def _sealed(self) -> None:
        if self._send():
            return
        self.counts = self.walk.counts_at_seal(self.move)
        reply = self.target.say("IMPORT", "READY", self.move, self.generation)
        if reply == [AGAIN]:
            self.phase = "begin"
            return
        assert reply == [TAKEN]
        self.phase = "ready"

    def _ready(self) -> None:
        self.epoch = self.groups.hand_over(self.ranges, self.target_number)
        self.phase = "end"

    def _end(self) -> None:
        reply = self.target.say("IMPORT", "END", self.move, self.epoch)
        assert reply[0] == ENDED
        self.phase = "disown"

    def _disown(self) -> None:
        if self.walk is None:  # a new leader counts again
            self.begin_walk()
            while not self.walk.is_complete:
                self.walk.take(1000)
            self.counts = self.walk.counts_at_seal(self.move)
        counts = counts_as_arguments(self.counts)
        assert self.source.say("DISOWN", self.move, self.epoch, *counts) == OK
        self.walk.close()
        self.cursor = b"0"
        self.phase = "purge"

    def _purge(self) -> None:
        self.cursor, left = self.source.say("PURGE", self.move, self.cursor)
        if self.cursor == b"0" and not left:
            self.phase = "over"

    def _over(self) -> None:
        """Nothing more to do."""

    def until(self, phase: str) -> None:
        for _ in range(10_000):
            if self.phase == phase:
                return
            self.step()
        raise AssertionError(self.phase)
