"""Bugs of others, planted into a copy: the worlds and the conversations notice each of them."""

import pytest

from tests.core.machine.planting import look, plant

LOOK = """
import trivet.core.machine.convergent
from tests.core.machine.convergence import alone, converse, together
from tests.core.machine.convergent_talks import TALKS

def complaint():
    for name, talk in TALKS.items():
        try:
            converse(talk)
        except Exception as error:
            return f"{name}: {error!r}"
    for seed in range(30):
        for world in (alone, together):
            try:
                world(seed)
            except Exception as error:
                return f"{world.__name__} {seed}: {error!r}"
    return ""

print(complaint()[:300])
"""

UPDATES = "core/machine/convergent_updates.py"
EXECUTOR = "core/machine/convergent.py"
LISTS = "core/machine/convergent_lists.py"
LOOKS = "core/machine/convergent_looks.py"
VALUES = "core/machine/convergent_values.py"
ROWS = "core/machine/convergent_rows.py"

PLANTED = {
    "INCR assigns": (UPDATES, "if amount is not None:\n                writer.add(STRING", "if False:\n                writer.add(STRING"),
    "the difference is told of the rounded score": (
        UPDATES,
        "return amount if added is None else minus(amount, added)",
        "return amount",
    ),
    "what was hidden stays": (UPDATES, "place[0] < BESIDE and place[0] != kind", "False"),
    "of another type, what was there stays": (
        UPDATES,
        "        writer.remove_all()\n\n    # -- lists",
        "        pass\n\n    # -- lists",
    ),
    "bits are assigned as text": (UPDATES, "tag = BITS_TAG if name in BITS else", "tag ="),
    "LREM takes the first of equal items": (LOOKS, "abs(count), 0, count < 0)", "abs(count), 0, False)"),
    "LTRIM takes all from the right": (LOOKS, "return TRIM, [min(", "return TRIM, [0 * min("),
    "XADD with MAXLEN removes nothing elsewhere": (LOOKS, "if surplus > 0 else []", "if surplus > 9 else []"),
    "an item is put behind its place": (LISTS, "value.insert(at, best[3])", "value.insert(at + 1, best[3])"),
    "places of a list outlive it": (
        EXECUTOR,
        "in the lattice.\"\"\"\n        self._places.forget(key)\n",
        "in the lattice.\"\"\"\n",
    ),
    "SADD of what is there is nothing": (
        EXECUTOR,
        "if not looks.found and name in AGAIN and",
        "if False and",
    ),
    "what was late and not swept comes back": (
        EXECUTOR,
        "self._forget(key, made)  # it was past",
        "pass  # it was past",
    ),
    "an entry that comes late stands last": (EXECUTOR, "value.between(entry_id + 1, ID_MAX", "value.between(entry_id + 1, 0"),
    "two nodes give the same ids": (EXECUTOR, "sequence = self._node &", "sequence = 1 &"),
    "a deadline of another is not followed": (
        EXECUTOR,
        "        self._show_deadline(key)\n\n    def _follow_one",
        "\n    def _follow_one",
    ),
    "the shown deadline is the first": (VALUES, "best = None if cell is None else winner(cell)\n    if best is None or not", "best = None\n    if best is None or not"),
    "PERSIST is no update": (UPDATES, "if before_ms != after_ms or (again", "if after_ms != -1 or (again"),
    "a plain string forgets what it replaces": (EXECUTOR, "removed = [] if state is None else", "removed = [] if True else"),
    "ZADD INCR assigns": (ROWS, "any(word.upper() == b\"INCR\"", "any(word.upper() == b\"NONE\""),
    "bits that have met: one side is shown": (VALUES, "if tag == BITS:", "if False:"),
}  # fmt: skip


# The first ones in every run of the tests; all of them in the soak.
NAMES = [
    pytest.param(name, marks=[pytest.mark.soak] if place > 4 else []) for place, name in enumerate(PLANTED)
]


@pytest.mark.parametrize("name", NAMES)
def test_planted_bug_is_noticed(name, tmp_path):
    file, there, planted = PLANTED[name]
    plant(file, there, planted, tmp_path)
    said = look(LOOK, tmp_path).strip()
    assert said, f"nobody noticed: {name}"
    print(said)


def test_nobody_speaks_without_a_bug(tmp_path):
    plant(ROWS, "PUSHES: Final = {", "PUSHES: Final = {  ", tmp_path)
    assert look(LOOK, tmp_path).strip() == ""
