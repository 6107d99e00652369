"""Bugs of others, planted into a copy of the room: the worlds and scenes notice each of them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import trivet.core.lattice.cell

ROOM = Path(trivet.core.lattice.cell.__file__).parent
HERE = Path(__file__).parents[3]
SEEDS = 400

LOOK = """
import sys
import trivet.core
trivet.core.__path__.insert(0, sys.argv[1])
import trivet.core.lattice.cell
assert trivet.core.lattice.cell.__file__.startswith(sys.argv[1])
from tests.core.lattice.judging import complaint
print(complaint(int(sys.argv[2])))
"""

PLANTED = {
    "K1 what both have seen stays, wherever it was removed": (
        "cell.py",
        "if dot in right.assigns or not their_clock.has(dot[0], dot[1]):",
        "if dot in right.assigns or not their_clock.top(dot[0]) > dot[1]:",
    ),
    "K1 the other's clock is not looked at": (
        "cell.py",
        "if actor in right.adds or not their_clock.has(actor, series[0]):",
        "if True:",
    ),
    "K1 one's own clock is not looked at": (
        "cell.py",
        "if dot in left.assigns or not mine_clock.has(dot[0], dot[1]):",
        "if True:",
    ),
    "K2 a joined state leaves no clock with the key": (
        "lattice.py",
        "            self.note(key, their_clock)\n",
        "            pass\n",
    ),
    "K2 a joined state claims the clock for all keys": (
        "lattice.py",
        "            self.note(key, their_clock)\n",
        "            self.clock.join(their_clock)\n",
    ),
    "K2 updates are taken before what they replace": (
        "lattice.py",
        "                if not clock.has(actor, number):\n                    return True\n            for",
        "                if not clock.has(actor, number):\n                    pass\n            for",
    ),
    "K2 updates of an actor are taken in any order": (
        "lattice.py",
        "if delta.number > self.clock.base(delta.actor) + 1:",
        "if False:",
    ),
    "K2 a known update is applied again": (
        "lattice.py",
        "return []  # Rule L5",
        "pass",
    ),
    "K2 an exchange that was spoiled counts": ("lattice.py", "if watch.is_spoiled:", "if False:"),
    "K3 additions are not counted from their base": (
        "cell.py",
        "amount if base is None or base[0] < start else minus(amount, base[1])",
        "amount",
    ),
    "K3 an older base takes the place of a newer": (
        "cell.py",
        "if before is None or base[0] > before[0] or (",
        "if before is None or base[0] != before[0] or (",
    ),
    "K3 what a base covers stays": ("cell.py", "series[0] <= base[0]", "series[0] < base[0]"),
    "K3 an assignment leaves the additions it has seen": (
        "writer.py",
        "        self._changes[place] = Change(kind, name, removed, bases, payload)",
        "        self._changes[place] = Change(kind, name, removed, [], payload)",
    ),
    "K3 a series goes on after it was removed": (
        "writer.py",
        "after = None if base is None else (base[2], base[3])",
        "after = None",
    ),
    "K4 bases go before everybody has seen the removal": (
        "lattice.py",
        "return self._stable.has(by_actor, by_number) and self",
        "return self",
    ),
    "K4 bases go before all of the actor is here": (
        "lattice.py",
        " and self.clock.base(actor) >= self._told.top(actor)",
        "",
    ),
    "K4 bases of a series that goes on are dropped": (
        "lattice.py",
        "(series is not None and series[1] <= number)",
        "False",
    ),
    "K4 bases of lost lives are dropped": ("lattice.py", "if actor not in self._living or ", "if "),
    "K6 bases stay for ever": ("lattice.py", "if self._is_over(cell, actor):", "if False:"),
    # Guarded twice: by Rule L11, and by Rule C6.
    "K6 forgotten bases come back with states": [
        (
            "lattice.py",
            "to_any(self._forget(join_cells(before, context, theirs.get(place), their_clock)))",
            "to_any(join_cells(before, context, theirs.get(place), their_clock))",
        ),
        ("cell.py", "if actor in left.bases or not mine_clock.has(base[2], base[3]):", "if True:"),
    ],
    "places of concurrent items are the same": (
        "positions.py",
        "_LEVEL.pack(low + step * (n + 1), dot[0], dot[1])",
        "_LEVEL.pack(low + step * (n + 1), 1, 1)",
    ),
    "of equal stamps, the one that was heard last is shown": (
        "cell.py",
        "if best is None or (stamp, actor, number) > (best[2], best[0], best[1]):",
        "if best is None or stamp >= best[2]:",
    ),
}


def look(room: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(room), str(SEEDS)],
        cwd=HERE,
        env={
            "PYTHONPATH": f"{ROOM.parents[2]}:{HERE}",
            "PYTHONHASHSEED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


# The first ones in every run of the tests; all of them in the soak.
NAMES = [
    pytest.param(name, marks=[pytest.mark.soak] if place > 4 else []) for place, name in enumerate(PLANTED)
]


@pytest.mark.parametrize("name", NAMES)
def test_planted_bug_is_noticed(name, tmp_path):
    edits = PLANTED[name]
    shutil.copytree(ROOM, tmp_path / "lattice")
    for file, there, planted in edits if isinstance(edits, list) else [edits]:
        text = (tmp_path / "lattice" / file).read_text()
        assert text.count(there) == 1, "the place has moved"
        (tmp_path / "lattice" / file).write_text(text.replace(there, planted))
    said = look(tmp_path)
    assert said, f"nobody noticed: {name}"
    print(said)


@pytest.mark.soak
def test_nobody_speaks_without_a_bug(tmp_path):
    shutil.copytree(ROOM, tmp_path / "lattice")
    assert look(tmp_path) == ""
