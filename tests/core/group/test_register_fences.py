"""Locks with fencing numbers under faults: whoever takes the lock is above all that was told before."""

import os

import pytest

from tests.core.group.pure import only_pure
from tests.core.group.register_clients import DB
from tests.core.group.register_faults import THEMES, Faults, trouble
from tests.core.group.register_world import TIMEOUT_MS, World
from trivet.core.base.prng import Prng
from trivet.core.group.run import Run
from trivet.core.machine.entry import encode_calls
from trivet.core.wire.reply import Error, Reply

pytestmark = only_pure
SEEDS = int(os.environ.get("TRIVET_REGISTER_SEEDS", "300"))
"""How many `make soak` runs."""
KEY = b"lock"
FENCE = (DB, [b"FENCE", KEY])


class Holder:
    """A program that takes the lock, looks at it, and gives it back, whether it has it or not."""

    def __init__(self, world: World, node: int, judge: "FenceJudge") -> None:
        self.world = world
        self.node = node
        self.judge = judge
        self.run: Run | None = None
        self.takes = False
        self.floor = 0

    def run_done(self) -> None:
        run, self.run = self.run, None
        assert run is not None and run.replies is not None
        self.judge.told(self, run.replies[0])

    def act(self, kind: int) -> None:
        """Take it, look, look in a transaction that may write, or give it back."""
        taking = (DB, [b"SET", KEY, b"x", b"NX", b"PX", b"40"])
        looking = (DB, [b"EXISTS", KEY])
        calls = ([taking, FENCE], [looking, FENCE], [(DB, [b"INCR", KEY]), FENCE], [])[kind]
        writes = kind != 1
        self.takes = kind == 0
        self.floor = self.judge.highest
        self.run = Run(self, writes)
        call = [b"EXEC", encode_calls(calls), b""] if calls else [b"DEL", KEY]
        self.run.add((DB, call), 100)
        group = self.world.hosts[self.node].live
        (group.write if writes else group.read)(self.run, self.world.now_ms)


class FenceJudge:
    """Numbers do not fall, and that of who has taken the lock is above all before and nobody else's."""

    def __init__(self) -> None:
        self.highest = 0
        self.owners: dict[int, None] = {}
        self.looks = 0
        self.complaints: list[str] = []

    def told(self, holder: Holder, reply: Reply) -> None:
        if isinstance(reply, Error) or not isinstance(reply, list):
            return
        taken, number = reply[0], reply[1]
        assert isinstance(number, int)
        owns = holder.takes and taken is not None
        if number < holder.floor or (owns and number == holder.floor):
            self.complaints.append(f"{number} after {holder.floor}")
        if owns:
            if number in self.owners:
                self.complaints.append(f"{number} twice")
            self.owners[number] = None
        else:
            self.looks += 1
        self.highest = max(self.highest, number)


def play(seed: int, theme: str) -> FenceJudge:
    prng = Prng(seed * 7_919 + 3)
    faults = Faults(prng, theme)
    world = World(seed, 3, 5, 10, None, tombstone_ticks=1 + prng.below(5), collect_ticks=20, origins_max=8)
    world.drop, world.late, world.slow_disks = faults.drop, faults.late, faults.slow_disks
    judge = FenceJudge()
    holders = [Holder(world, 1 + number % 5, judge) for number in range(6)]
    for _ in range(500):
        world.step()
        for holder in holders:
            if holder.node in world.down:
                holder.run = None  # nobody will tell
            elif holder.run is None and prng.below(4) == 0:
                holder.act(prng.below(4))
        trouble(world, prng, faults)
    world.heal()
    world.run_for(TIMEOUT_MS + 800)
    return judge


@pytest.mark.parametrize("theme", THEMES)
def test_owners_are_above_all_that_was_told_before(theme: str) -> None:
    judges = [play(seed, theme) for seed in range(4)]
    assert [judge.complaints for judge in judges] == [[], [], [], []]
    assert sum(len(judge.owners) for judge in judges) > 20 and sum(judge.looks for judge in judges) > 20


@pytest.mark.soak
@pytest.mark.timeout(SEEDS * 4)
def test_many_of_them() -> None:
    for seed in range(SEEDS):
        assert play(1000 + seed, THEMES[seed % len(THEMES)]).complaints == [], seed
