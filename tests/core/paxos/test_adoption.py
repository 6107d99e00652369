"""Adopting what another group had: the register becomes just that."""

from trivet.core.paxos.adoption import Adoption
from trivet.core.paxos.content import Done, Draft, Sealed, seal
from trivet.core.paxos.operation import Outcome
from trivet.core.paxos.running import run

KEY = b"k"


def content(version: int, value: bytes | None, *done: Done, forgotten: int = 0) -> Sealed:
    return seal(KEY, version, value, done, forgotten)


def adopted(before: Sealed | None, what: Sealed) -> tuple[Adoption, Draft]:
    draft = Draft(before, 3, 2)
    operation = Adoption(1, KEY, what, 9, 4)
    run(operation, draft, {}, 100)
    assert operation.tentative is Outcome.OK
    return operation, draft


def test_everything_of_it_is_taken_over() -> None:
    what = content(7, b"x", Done(1, 5, 6, b"a"), Done(2, 1, 7, b"b"), forgotten=4)
    for before in (None, content(2, b"y"), content(9, b"later", Done(3, 1, 9, b"c")), content(7, None)):
        operation, draft = adopted(before, what)
        assert draft.changed
        assert operation.wrote
        assert draft.sealed(KEY) == what


def test_a_tombstone_is_a_content_like_others() -> None:
    what = content(8, None, Done(1, 5, 8, b"a"))
    _, draft = adopted(content(7, b"x"), what)
    assert draft.sealed(KEY) == what


def test_the_same_content_changes_nothing() -> None:
    what = content(7, b"x", Done(1, 5, 7, b"a"))
    operation, draft = adopted(what, what)
    assert not draft.changed
    assert not operation.wrote
    assert operation.version == 7
