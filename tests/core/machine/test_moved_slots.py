"""Two groups against one machine that has everything: whatever moves, clients see no difference.

Clients (some with an old map), movers (some of which are lost, aborted, or meet a flush), snapshots and time take
turns by chance. No key is lost, none is there twice, no call runs twice, every count is exact. Then bugs are
planted into a copy of the sources: each must be noticed.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.machine.moved_slots import CALLS, MOVER, OTHER, START_MS, WHOLE, Model
from tests.core.machine.planting import look, plant
from tests.core.machine.replicas import call
from tests.core.machine.two_groups import Groups, Move
from trivet.core.machine.waiting import SERVED
from trivet.core.wire.reply import NOT_HERE, Blocked

_CLIENT = st.builds(
    lambda text, number, value, later_ms, age: (text.format(number, value, START_MS + later_ms), age),
    st.sampled_from(CALLS),
    st.integers(0, 12),
    st.integers(1, 9),
    st.sampled_from([100, 300, 900]),
    st.integers(0, 3),
)
_MOVER = st.sampled_from(MOVER)
_ACTIONS = st.lists(
    st.one_of(*[_CLIENT] * 4, *[_MOVER] * 4, st.sampled_from(WHOLE), st.sampled_from(OTHER)),
    min_size=20,
    max_size=120,
)
_RANGES = st.lists(
    st.tuples(st.integers(0, 16383), st.integers(1, 9000)).map(lambda pair: (pair[0], min(16383, sum(pair)))),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(_RANGES, _ACTIONS)
def test_clients_see_no_difference(ranges, actions):
    model = Model(ranges)
    for action in actions:
        model.do(action)
        model.check()
    model.end()


# -- clients that wait


class Waiter:
    """A client that takes items from a list, as its node does it for it."""

    def __init__(self, groups: Groups, number: int, key: str) -> None:
        self.groups, self.number, self.key = groups, number, key
        self.group = None
        self.got: list[bytes] = []

    def ask(self) -> None:
        """Block, where the map says; served at once, or from now on waiting."""
        owner = self.groups.groups[self.groups.owners[self.groups.epoch][0 if self.key == "low" else 16383]]
        reply = owner.do(f"BLOCK {self.number} BLPOP {NAMES[self.key]} 0", self.groups.epoch)
        if isinstance(reply, Blocked):
            self.group = owner
        elif reply != NOT_HERE:
            self.got.append(reply[1])

    def look(self) -> None:
        """Claim what may be there."""
        if self.group is None:
            self.ask()
            return
        reply = self.group.do(f"CLAIM {self.number}")
        if reply == NOT_HERE:
            self.group = None
        elif reply[0] == SERVED:
            self.got.append(reply[1][1])
            self.group = None

    def leave(self) -> None:
        """The client is gone: what it was served goes back."""
        if self.group is not None:
            self.group.do(f"RELEASE {self.number}")
            self.group = None


NAMES = {"low": "k2", "high": "k0"}
"""Keys of slots below and above 8192."""


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["look", "look", "leave"]), st.integers(0, 5)),
            st.tuples(st.just("push"), st.sampled_from(["low", "high"])),
            st.tuples(st.just("move"), st.sampled_from(["step", "step", "step", "lose", "abort"])),
            st.tuples(st.just("move"), st.just("step")),
        ),
        max_size=120,
    )
)
def test_what_was_pushed_is_popped_once(actions):
    groups = Groups()
    waiters = [Waiter(groups, i, "low" if i % 2 else "high") for i in range(6)]
    pushed: list[bytes] = []
    moves = [Move(groups, 1, [(0, 8191)])]
    for what, which in actions:
        if what == "push":
            item = len(pushed)
            if groups.run(f"RPUSH {NAMES[which]} {item}") != NOT_HERE:
                pushed.append(b"%d" % item)
        elif what == "move":
            getattr(moves[-1], which)()
            if moves[-1].phase == "over":  # the other half, or back again
                source = groups.owners[groups.epoch][0]
                moves.append(Move(groups, len(moves) + 1, [(0, 8191)], source))
        else:
            getattr(waiters[which], what)()
        groups.check()
    moves[-1].until("over")
    for waiter in waiters:
        waiter.leave()
    left = [item for name in NAMES.values() for item in groups.run(f"LRANGE {name} 0 -1")]
    assert sorted([*left, *[item for waiter in waiters for item in waiter.got]], key=int) == pushed


def test_the_names_are_of_the_slots_that_they_should_be():
    low, high = (call(f"GET {NAMES[half]}")[1][1] for half in ("low", "high"))
    groups = Groups()
    assert groups.groups[0].machine.ownership.place(low) == 1
    groups.groups[0].say("SEAL", 1, "0-8191")
    assert [groups.groups[0].machine.ownership.place(key) for key in (low, high)] == [2, 1]


# -- planted bugs

MACHINE, EXPORTING, SEALING = (
    "core/machine/machine.py",
    "core/machine/exporting.py",
    "core/machine/sealing.py",
)
OWNERSHIP, IMPORTING = "core/machine/ownership.py", "core/machine/importing.py"
PLANTED = [
    ("reads do not ask whether the slots are sealed", MACHINE, "        if epoch < self.ownership.checks_below:", "        if False:"),
    ("writes do not ask whether the slots are sealed", MACHINE, "if batch.epoch < self.ownership.checks_below:", "if batch.epoch < 0:"),
    ("a key that changes is not given again", EXPORTING, "        if place not in self._due:\n", "        if False:\n"),
    ("a key that goes is not given again", EXPORTING, "        if place not in self._due:\n",
     "        if place not in self._due and place[1] not in database.values:\n"),
    ("an import goes on when a database was emptied", "core/machine/state.py", "            machine.ownership.flushed()\n", "            pass\n"),
    ("a purge takes keys that are owned", SEALING, "if ownership.place(k) == FOREIGN]", "if ownership.place(k) != IMPORTING]"),
    ("databases are emptied while slots are sealed", OWNERSHIP, "return bool(self.exports) or any(", "return any("),
    ("databases are emptied once an import is ready", OWNERSHIP,
     "return bool(self.exports) or any(one.ready for one in self.imports.values())", "return bool(self.exports)"),
    ("calls about whole databases by an old map run", "core/machine/checking.py", "epoch < ownership.epoch or ", ""),
    ("what expires under the seal is not counted", SEALING, "counts.get(index, 0) - expired", "counts.get(index, 0)"),
    ("keys of an import count as here before its end", "core/values/database.py", "        self.foreign_count += is_new\n", ""),
    ("an import begins where there is garbage", IMPORTING, "    if ownership.garbage_count():\n", "    if False:\n"),
    ("a snapshot forgets what is sealed", OWNERSHIP, "for move, one in self.exports.items()],\n            [(move, how",
     "for move, one in self.exports.items() if move < 0],\n            [(move, how"),
]  # fmt: skip
LOOK = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from tests.core.machine.moved_slots import play
for seed in range(250):
    try:
        play(seed)
    except Exception as error:
        print(seed, type(error).__name__, error)
        break
"""


@pytest.mark.parametrize(
    ("what", "file", "old", "new"), PLANTED, ids=[bug[0].replace(" ", "-") for bug in PLANTED]
)
def test_planted(what, file, old, new, tmp_path):
    plant(file, old, new, tmp_path)
    said = look(LOOK, tmp_path)
    assert said, f"nobody noticed that {what}"
    print(what, said)
