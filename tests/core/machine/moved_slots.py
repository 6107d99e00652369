"""Clients and a mover between two groups, against one machine that has everything.

A ``Model`` checks each reply as it goes. ``play`` is a run by chance from a seed; the tests of this
file's neighbours have hypothesis choose.
"""

from random import Random

from tests.core.machine.replicas import Replica, call
from tests.core.machine.two_groups import Group, Groups, Move
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.values.codec import encode_items, item_of
from trivet.core.wire.reply import NOT_HERE

START_MS = 1_000_100
CALLS = [
    "INCR n{0}",
    "INCR n{0}",
    "APPEND k{0} x",
    "SET k{0} v PXAT {2}",
    "GET k{0}",
    "GETDEL k{0}",
    "DEL n{0}",
    "RPUSH l{0} {1} y",
    "LPOP l{0}",
    "LRANGE l{0} 0 -1",
    "SADD s{0} {1}",
    "SMEMBERS s{0}",
    "HSET h{0} f {1} g{1} x",
    "HPEXPIREAT h{0} {2} FIELDS 1 f",
    "HGETALL h{0}",
    "ZINCRBY z{0} {1} m",
    "ZRANGE z{0} 0 -1 WITHSCORES",
    "XADD x{0} * f {1}",
    "XRANGE x{0} - +",
    "PEXPIREAT n{0} {2}",
    "5:INCR n{0}",
    "MOVE n{0} 5",
    "COPY n{0} n{0} DB 5 REPLACE",
]
WHOLE = ["DBSIZE", "5:DBSIZE", "KEYS *", "FLUSHDB", "5:FLUSHDB", "FLUSHALL", "SWAPDB 0 5"]
MOVER = ["step", "step", "step", "step", "step", "step", "lose", "abort"]
OTHER = ["reload 0", "reload 1", "purge 0", "purge 1", "time", "time"]


class Model:
    """The groups, their mover, and the one machine that they must not differ from."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self.groups = Groups()
        self.groups.set_time(START_MS)
        self.one = Replica()
        self.ranges = ranges
        self.moves = 0
        self.prng = Prng(1)
        self.move = self.next_move()

    def next_move(self) -> Move:
        """The next range, as far as the group that owns most of it owns it."""
        low, high = self.ranges[self.moves % len(self.ranges)]
        self.moves += 1
        owner = self.groups.owners[self.groups.epoch]
        source = int(sum(owner[low : high + 1]) * 2 > high + 1 - low)
        ranges: list[tuple[int, int]] = []
        for slot in range(low, high + 1):
            if owner[slot] == source:
                if ranges and ranges[-1][1] == slot - 1:
                    ranges[-1] = (ranges[-1][0], slot)
                else:
                    ranges.append((slot, slot))
        return Move(self.groups, self.moves, ranges, source, slice_bytes=30)

    def expected(self, line: str):
        return self.one.one(call(line), at_ms=self.groups.now_ms)

    def client(self, line: str, age: int) -> None:
        known = max(1, self.groups.epoch - age)
        reply = self.groups.run(line, known)
        if reply != NOT_HERE:
            assert reply == self.expected(line), line
        self.reader(line.split()[1], known)

    def reader(self, key: str, epoch: int) -> None:
        """Every group that answers tells the present state, whatever the reader knew of the map."""
        owner = self.groups.groups[self.groups.owners[epoch][slot_of(key.encode())]]
        for line in (f"TYPE {key}", f"EXISTS {key}", f"DUMP {key}"):
            for group in (owner, self.owner(key)):
                reply = group.read(line, epoch if group is owner else self.groups.epoch)
                if reply != NOT_HERE and group.machine.now_ms == self.one.machine.now_ms:
                    assert reply == self.one.machine.read([call(line)], 0, self.prng)[0], line

    def owner(self, key: str) -> Group:
        return self.groups.groups[self.groups.owners[self.groups.epoch][slot_of(key.encode())]]

    def at_both(self, line: str, steps: int):
        """Ask both groups by the same map, one after the other; the mover goes on in between."""
        args, epoch = call(line), self.groups.epoch
        replies = []
        for group in self.groups.groups[:: 1 if self.moves % 2 else -1]:
            replies += group.ask([args], epoch)
            for _ in range(steps):
                self.step()
        return None if NOT_HERE in replies else replies

    def whole(self, line: str) -> None:
        replies = self.at_both(line, len(self.one.log) % 5)
        if "FLUSH" in line:
            for tries in range(1000):  # half of it may be done: the client waits for the rest
                if replies is not None:
                    break
                for _ in range(tries % 5):
                    self.step()
                replies = self.at_both(line, tries % 3)
            assert replies is not None
            self.expected(line)
        elif replies is not None:
            expected = self.expected(line)
            if "DBSIZE" in line:
                assert sum(replies) == expected
            elif "KEYS" in line:
                assert sorted(replies[0] + replies[1]) == sorted(expected)

    def swap(self) -> None:
        """It is not atomic over groups: here nodes wait until both can do it."""
        if not any(group.machine.ownership.is_in_the_way() for group in self.groups.groups):
            assert self.groups.run_whole("SWAPDB 0 5") is not None
            self.expected("SWAPDB 0 5")

    def step(self) -> None:
        self.move.step()
        if self.move.phase == "over":
            self.move = self.next_move()

    def do(self, action) -> None:
        if isinstance(action, tuple):
            self.client(*action)
        elif action == "SWAPDB 0 5":
            self.swap()
        elif action == "step":
            self.step()
        elif action in ("lose", "abort"):
            getattr(self.move, action)()
        elif action.startswith("reload"):
            group = self.groups.groups[int(action[-1])]
            if group is self.move.source:
                self.move.lose()
            group.reload()
        elif action.startswith("purge"):
            self.groups.groups[int(action[-1])].say("PURGE", 1, 0)
        elif action == "time":
            self.groups.set_time(self.groups.now_ms + 150)
        else:
            self.whole(action)

    def check(self) -> None:
        self.groups.check()
        for group in self.groups.groups:
            assert group.twin.digest == group.machine.digest

    def contents(self) -> list[dict[tuple[int, bytes], bytes]]:
        return [
            {
                (index, key): encode_items([item_of(database, key)])
                for index, database in machine.databases.items()
                for key in database.keys()  # noqa: SIM118 (those that are seen)
            }
            for machine in [self.one.machine, *[group.machine for group in self.groups.groups]]
        ]

    def end(self) -> None:
        """The last move is over: both groups together have what the one machine has."""
        for _ in range(1000):
            if self.move.phase == "over":
                break
            self.move.step()
        self.expected("TIME")
        for group in self.groups.groups:
            group.do("TIME")
        one, low, high = self.contents()
        assert not low.keys() & high.keys()
        assert low | high == one
        self.check()


def play(seed: int, actions: int = 120) -> None:
    """One run by chance."""
    random = Random(seed)
    starts = [random.randint(0, 16383) for _ in range(random.randint(1, 6))]
    model = Model([(start, min(16383, start + random.randint(1, 9000))) for start in starts])
    mover = ["step"] * 12 + random.choice([[], ["lose", "abort"]])
    for _ in range(actions):
        kind = random.random()
        if kind < 0.5:
            line = random.choice(CALLS).format(
                random.randint(0, 12), random.randint(1, 9), START_MS + random.choice([100, 300, 900])
            )
            model.do((line, random.randint(0, 3)))
        elif kind < 0.9:
            model.do(random.choice(mover))
        else:
            model.do(random.choice(WHOLE if kind < 0.95 else OTHER))
        model.check()
    model.end()
