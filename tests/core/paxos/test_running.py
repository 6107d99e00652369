"""Running an operation at most once: what is done, over, forgotten, too large."""

from trivet.core.paxos.content import Draft
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.running import SETTLED_MAX, run, settle


def increment(value: bytes | None, version: int) -> Change:
    number = int(value or b"0") + 1
    return Change(True, b"%d" % number, b":%d" % number)


def nothing(value: bytes | None, version: int) -> Change:
    return Change(False, None, b"nothing")


def ran(draft: Draft, operation: Operation) -> tuple[Outcome, bytes]:
    run(operation, draft, {}, 100)
    return operation.tentative, operation.reply


def test_a_copy_gets_the_stored_reply() -> None:
    draft = Draft(None, 0, 16)
    first = Operation(1, b"k", increment, False, 7, 1)
    assert ran(draft, first) == (Outcome.OK, b":1")
    assert (first.wrote, first.version) == (True, 1)
    copy = Operation(2, b"k", increment, False, 7, 1)
    assert ran(draft, copy) == (Outcome.OK, b":1")
    assert (copy.wrote, copy.exposed, draft.version) == (False, True, 1)


def test_a_late_copy_is_over() -> None:
    draft = Draft(None, 0, 16)
    ran(draft, Operation(1, b"k", increment, False, 7, 2))
    assert ran(draft, Operation(2, b"k", increment, False, 7, 1))[0] is Outcome.OVER


def test_what_may_have_been_forgotten_is_not_run() -> None:
    draft = Draft(None, 5, 16)
    copy = Operation(1, b"k", increment, False, 7, 1, 4)
    assert ran(draft, copy)[0] is Outcome.FORGOTTEN
    assert (copy.version, draft.changed) == (5, False)
    assert ran(draft, Operation(2, b"k", increment, False, 7, 2, 5)) == (Outcome.OK, b":1")


def test_a_fresh_one_cannot_have_been_forgotten_until_it_was_run_once() -> None:
    fresh = Operation(1, b"k", increment, False, 7, 1, 3, True)
    assert ran(Draft(None, 5, 16), fresh) == (Outcome.OK, b":1")
    assert (fresh.fresh, fresh.since) == (False, 5)
    assert ran(Draft(None, 5, 16), fresh) == (Outcome.OK, b":1")
    assert ran(Draft(None, 6, 16), fresh)[0] is Outcome.FORGOTTEN


def test_what_changes_nothing_is_recorded_where_there_may_be_copies() -> None:
    draft = Draft(None, 0, 16)
    assert ran(draft, Operation(1, b"k", nothing, False, 7, 1, 0, True)) == (Outcome.OK, b"nothing")
    assert not draft.changed
    assert ran(draft, Operation(2, b"k", nothing, False, 8, 1)) == (Outcome.OK, b"nothing")
    assert (draft.version, draft.value) == (1, None)
    assert ran(draft, Operation(3, b"k", increment, False, 8, 1)) == (Outcome.OK, b"nothing")


def test_reads_see_what_was_run_before_them() -> None:
    draft = Draft(None, 0, 16)
    ran(draft, Operation(1, b"k", increment, False, 7, 1))
    read = Operation(2, b"k", lambda value, version: Change(False, None, value or b""), True)
    assert ran(draft, read) == (Outcome.OK, b"1")
    assert read.version == 1


def test_a_value_has_a_limit() -> None:
    draft = Draft(None, 0, 16)
    large = Operation(1, b"k", lambda value, version: Change(True, b"x" * 101, b""), False, 7, 1)
    assert ran(draft, large)[0] is Outcome.TOO_LARGE
    assert not draft.changed


def test_of_so_many_origins_it_is_known_what_is_over() -> None:
    settled: dict[int, int] = {}
    for origin in range(SETTLED_MAX):
        settle(settled, origin, 5)
    settle(settled, 0, 6)
    settle(settled, SETTLED_MAX, 1)
    assert len(settled) == SETTLED_MAX
    assert 1 not in settled
    assert settled[0] == 6
