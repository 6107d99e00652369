"""What goes along with an errand, and when a key is at rest."""

from trivet.core.group.register_errand import CALLS_BYTES_MAX, TASKS_MAX, Errand, Front
from trivet.core.group.register_runs import Part
from trivet.core.machine.register import Task

PLACE = b"......k"


def part(size_bytes: int = 10) -> Part:
    return Part(Task(0, b"k", []), size_bytes, 5)


def test_so_many_go_along_and_so_large():
    errand = Errand(PLACE, False, part())
    for _ in range(TASKS_MAX - 1):
        assert errand.has_room_for(part())
        errand.join(part())
    assert not errand.has_room_for(part())
    assert len(errand.tasks) == TASKS_MAX
    assert not Errand(PLACE, False, part(CALLS_BYTES_MAX)).has_room_for(part())


def test_a_key_of_which_nobody_wants_anything_is_at_rest():
    front = Front()
    assert front.is_idle()
    front.reads = 1
    assert not front.is_idle()
    assert front.reads_alone()
    front.reads = 0
    front.waiting.append(part())
    assert not front.is_idle()
