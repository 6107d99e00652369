"""Coordinators that come and go, late words, plain clients: nothing is lost, doubled, half done or stuck.

Then bugs are planted into a copy of the sources: each must be noticed.
"""

import pytest

from tests.core.machine.planting import look, plant
from tests.core.machine.transaction_world import World


@pytest.mark.parametrize("seed", range(40))
def test_by_chance(seed):
    World(seed).run(1000)


def test_much_is_reached():
    """What these runs come across, together."""
    committed = aborted = flushed = taken = orphans = 0
    for seed in range(100, 110):
        world = World(seed)
        world.run(1000)
        committed += len(world.acknowledged)
        aborted += sum(coordinator.number for coordinator in world.coordinators) - len(world.acknowledged)
        flushed += sum(bool(group.closed) for group in world.groups.values())
        taken += len(world.taken)
        orphans += sum(coordinator.incarnation > 1 for coordinator in world.coordinators)
    assert committed > 80
    assert aborted > 50
    assert min(flushed, taken, orphans) > 3


LOCKS, LIVES, INTENTS = (f"core/transaction/{name}.py" for name in ("locks", "lives", "intents"))
WORDS, LOCKED = "core/machine/transactions.py", "core/machine/locked.py"
MACHINE, WAITING = "core/machine/machine.py", "core/machine/waiting.py"
PLANTED = [
    ("the younger one waits too", LOCKS, "        if self.bars(key, mode, intent.stamp):\n", "        if False:\n"),
    ("a shared lock is given beside an exclusive one", LOCKS,
     "holder.id != intent.id and not (mode == SHARED and holder.keys[key] == SHARED)", "holder.id != intent.id and mode != SHARED"),
    ("who asks again has everything", LOCKS, "if own is not None and (own != SHARED or mode == SHARED):", "if intent.keys:"),
    ("an abort leaves no mark (T1)", INTENTS, "            self.lives.end(transaction, commits)\n", "            pass\n"),
    ("marks of a life go too early (T2)", LIVES, "first := next(iter(over))) < low", "first := next(iter(over))) < low + 3"),
    ("a late lock is granted (T4)", INTENTS, "if self.lives.is_over(request.id) or (", "if ("),
    ("a decision needs no intent", INTENTS, "        if intent is None or len(intent.keys) < request.keys:\n            return None\n", "        if intent is None or len(intent.keys) < request.keys:\n            return []\n"),
    ("an abort ends nothing for good", LIVES, "        if life.incarnation == transaction.incarnation and transaction.number >= life.low:\n", "        if committed:\n"),
    ("the home forgets its record", INTENTS, "            self.records[intent.id] = Record(now_ms, effects)\n", "            pass\n"),
    ("the home resolves what it has decided as aborted", INTENTS, "        if record is not None:\n", "        if False:\n"),
    ("an effect is applied without its locks", WORDS, "        try:\n            effects, changes = _own(intent, request.effects)\n        except _Unlocked:\n            is_lost = True\n",
     "        effects, changes = _own(intent, request.effects)\n    elif request.commits and request.effects:\n        is_lost = False\n        effects = unpack_effects(request.effects)\n        changes = unpack(effects.packets)\n"),
    ("the effects are dropped at the end", WORDS, "    freed = state.intents.finish(request.id, request.commits)\n    _apply(state, context, effects, changes)\n",
     "    freed = state.intents.finish(request.id, request.commits)\n"),
    ("plain writes do not mind locks", LOCKED, "    return any(locks.met_by_write(key) for key in keys)\n", "    return False\n"),
    ("plain reads do not mind locks", LOCKED, "        return any(locks.met_by_read(key) for key in keys)\n", "        return False\n"),
    ("whole reads wait for later locks", LOCKED, "met_by_whole_read(self.since)", "met_by_whole_read(1 << 60)"),
    ("a flush does not wait", LOCKED, "self._changes and self._intents.met_by_flush(self.now_ms)", "False"),
    ("scripts are not undone", MACHINE, "            journal.undo()\n", "            pass\n"),
    ("what is given back is overwritten", WAITING, "            if self._locks.held and self._is_locked(waiting):\n                self.put_off", "            if False:\n                self.put_off"),
    ("who waits is served a locked key", WAITING, "            if self._locks.held and self._is_locked(waiting):\n                continue\n", ""),
    ("what is put off is lost", WAITING, "                if self._is_locked(waiting):\n                    self.put_off.append(waiting)\n", "                if self._is_locked(waiting):\n                    pass\n"),
    ("a snapshot forgets who waits", INTENTS, "        for one in state.reserved:\n", "        for one in state.reserved[:0]:\n"),
    ("a snapshot forgets what is over", INTENTS, "            life.over = dict(known.over)\n", ""),
]  # fmt: skip
LOOK = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from tests.core.machine.transaction_world import World
for seed in range(60):
    try:
        World(seed).run(1000)
    except Exception as error:
        print(seed, type(error).__name__, str(error)[:200])
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
