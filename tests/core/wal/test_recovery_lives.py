"""Recovery after whole lives on a disk that loses what was not synced: all that was is there."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.wal.faulty_disk import Disk
from tests.core.wal.logged import SEGMENT, Log, boot, seen
from trivet.core.base.disk import Channel
from trivet.core.base.prng import Prng
from trivet.core.wal.record import SnapshotRecord
from trivet.core.wal.segment import segment_number


class World:
    """A node that logs two groups, its disk, and every state that the log has been in."""

    def __init__(self):
        self.disk = Disk()
        self.logs = {1: Log(1), 2: Log(2)}
        self.states = [{}]
        self.floor = 0
        """The position in ``states`` below which recovery may never fall."""
        self.start()

    def start(self):
        self.recovery = boot(self.disk)
        self.wal = self.recovery.wal
        assert not self.recovery.damaged, self.recovery.notes
        found = {group: seen(view) for group, view in self.recovery.groups.items()}
        candidates = [
            position for position in range(self.floor, len(self.states)) if self.states[position] == found
        ]
        assert candidates, (found, self.states[self.floor :])
        self.states = self.states[: candidates[-1] + 1]
        self.base = candidates[-1]
        for group, log in self.logs.items():
            serial = log.serial
            log.__init__(group)
            log.serial = serial
            if group in self.recovery.groups:
                log.load(self.recovery.groups[group])

    def stage(self, group, record):
        if record is None:
            return
        if isinstance(record, SnapshotRecord) and group not in self.states[-1]:
            self.stage(group, self.logs[group].hard())
            return
        self.wal.append(record)
        state = dict(self.states[-1])
        if isinstance(record, SnapshotRecord):
            # The record moves the log; the hard state stays what was last logged.
            term, vote, commit, _, _ = state[group]
            log = self.logs[group]
            state[group] = (term, vote, max(commit, record.index), log.snapshot, tuple(log.entries))
        else:
            state[group] = self.logs[group].view()
        self.states.append(state)

    def note_synced(self):
        if self.wal.open:
            self.floor = self.base + self.wal.synced_lsn

    def perform(self, channel):
        end = self.disk.perform(channel)
        if end is not None:
            if end[1] is not None:
                assert self.wal.on_failed(*end)
                assert self.wal.failed
                self.disk.kill()
                self.start()
            else:
                assert self.wal.on_done(end[0])
        self.note_synced()

    def act(self, action, a, b):
        log = self.logs[1 + b % 2]
        if action in ("compact", "install") and not self.wal.open:
            return  # Nothing leaves the node before that, so no leader sends a snapshot.
        if action == "append":
            self.stage(log.group, log.append(1 + a % 3, 100 * (a % 7)))
        elif action == "large":
            self.stage(log.group, log.append(1, SEGMENT + 100 * a))
        elif action == "truncate":
            self.stage(log.group, log.append(1 + a % 3, 10 * a, drop=1 + a % 4))
        elif action == "vote":
            self.stage(log.group, log.vote_for(1 + a % 3))
        elif action == "commit":
            log.commit = min(log.last, log.commit + a)
            self.stage(log.group, log.hard())
        elif action == "compact":
            # The hard state in the log must know the commit index that the snapshot covers.
            self.stage(log.group, log.hard())
            self.stage(log.group, log.compact(self.disk))
        elif action == "install":
            self.stage(log.group, log.hard())
            self.stage(log.group, log.install(self.disk, 1 + a))
        elif action == "flush":
            self.disk.submit(self.wal.flush())
        elif action == "log":
            self.perform(Channel.LOG)
        elif action == "bulk":
            self.perform(Channel.BULK)
        elif action == "settle":
            for _ in range(20):
                self.disk.submit(self.wal.flush())
                self.perform(Channel.BULK)
                self.perform(Channel.LOG)
        elif action == "kill":
            self.disk.kill()
            self.disk.sync_fails = False
            self.start()
        elif action == "failed_sync":
            self.disk.sync_fails = bool(self.disk.lanes[Channel.LOG])
        else:
            assert action == "cut"
            self.disk.sync_fails = False
            self.disk.cut_power(Prng(a * 1000 + b))
            self.start()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("append", "append", "append", "truncate", "vote", "commit", "compact", "install", "large"),
                *("flush", "flush", "log", "log", "bulk", "settle", "settle", "kill", "cut", "cut"),
            ]
        ),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    max_size=60,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(ACTIONS)
def test_what_is_recovered_lies_between_synced_and_staged(actions):
    world = World()
    for action, a, b in actions:
        world.act(action, a, b)
    world.act("cut", 1, 2)


ALL_ACTIONS = (
    *("append", "truncate", "vote", "commit", "compact", "install", "large", "flush", "log", "bulk"),
    *("settle", "kill", "cut", "failed_sync"),
)


@pytest.mark.parametrize("seed", range(150))
def test_swarm(seed):
    """Whole lives with crashes; how often each thing happens is drawn per seed, and is often never."""
    prng = Prng(seed)
    weights = [prng.between(1, 6) if prng.chance(0.6) else 0 for _ in ALL_ACTIONS]
    weights[0] = weights[7] = weights[8] = weights[9] = 6
    bag = [name for name, weight in zip(ALL_ACTIONS, weights, strict=True) for _ in range(weight)]
    world = World()
    for _ in range(150):
        world.act(bag[prng.below(len(bag))], prng.below(21), prng.below(21))
    world.act("cut", prng.below(21), prng.below(21))


def test_long_lives_recycle_segments():
    prng = Prng(20260101)
    names = ["append"] * 6 + ["truncate", "vote", "commit", "commit", "compact", "flush", "log", "settle"]
    world = World()
    frames = 0
    recycled = 0
    for step in range(4000):
        action = names[prng.below(len(names))]
        if step % 40 == 39:
            action = "cut" if prng.chance(0.7) else "kill"
            frames += world.wal.frames
        world.act(action, prng.below(21), prng.below(21))
        numbers = [segment_number(name) for name in world.disk.files]
        recycled = max(recycled, *numbers, 0)
        if world.wal.open:
            assert world.wal.segments()[0] < 60
    assert frames > 300
    assert recycled > 30
