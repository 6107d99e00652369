"""What a group has missed of functions and scripts (Rule C4)."""

import pytest

from tests.core.machine.replicas import Replica, follow
from tests.core.machine.test_sharing import LIBRARY
from trivet.core.machine.lessons import LESSON, lesson_call, take_lesson
from trivet.core.machine.machine import Machine
from trivet.core.wire.reply import OK

OTHER = LIBRARY.replace("return 7", "return 8")
LOAD, REPLACE = f'FUNCTION LOAD "{LIBRARY}"', f'FUNCTION LOAD REPLACE "{OTHER}"'
SECOND = LOAD.replace("lib", "second").replace("'f'", "'g'")


def lesson(system: Replica, group: Replica) -> list[bytes]:
    return lesson_call(system.machine.scripts, group.machine.scripts)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ([LOAD, SECOND], []),
        ([], [LOAD, "SCRIPT LOAD 'return 1'"]),
        ([REPLACE], [LOAD]),
        ([LOAD, "SCRIPT LOAD 'return 1'"], [SECOND, "SCRIPT LOAD 'return 2'"]),
        ([LOAD, SECOND, "SCRIPT LOAD 'return 1'"], [SECOND]),
        (["SCRIPT LOAD 'return 1'"], ["EVAL 'return 1' 0"]),
    ],
)
def test_after_the_lesson_it_knows_the_same(there, here):
    system, group = Replica(), Replica()
    for replica, calls in ((system, there), (group, [*here, "EVAL 'return 5' 0"])):
        for call in calls:
            replica.run(call)
    assert group.machine.scripts.taught != system.machine.scripts.taught
    assert group.one((0, lesson(system, group))) == OK
    assert group.machine.scripts.taught == system.machine.scripts.taught
    assert group.machine.scripts.libraries == system.machine.scripts.libraries
    assert len(group.machine.scripts.state().scripts) >= 1, "what was only evaluated stays"
    if LOAD in there or REPLACE in there:
        assert group.one("FCALL f 0") == (8 if REPLACE in there else 7)


def test_a_lesson_that_comes_late_takes_nothing_back():
    """C4: another word came first."""
    system, group = Replica(), Replica()
    system.run(LOAD)
    late = lesson(system, group)
    group.run(LOAD)
    group.run(REPLACE)
    before = group.machine.scripts.taught
    assert group.one((0, late)) == OK
    assert group.machine.scripts.taught == before
    assert group.one("FCALL f 0") == 8


@pytest.mark.parametrize("packed", [b"", b"\x90", b"\x94\x01\x90\x90\x90", b"\xff" * 9])
def test_what_is_no_lesson_changes_nothing(packed):
    group = Replica()
    with pytest.raises(ValueError, match=r"."):
        take_lesson(group.machine, [LESSON, b"", packed])
    assert group.machine.scripts.taught == b""


def test_replicas_are_equal_after_it():
    system, one = Replica(), Replica()
    system.run(SECOND)
    system.run(LOAD)
    one.run(REPLACE)
    one.run((0, lesson(system, one)))
    other = Machine(100)
    follow(one.log, other)
    assert (other.digest, other.scripts.taught) == (one.machine.digest, system.machine.scripts.taught)
