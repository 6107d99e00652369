"""Adopting what another group had: the register becomes just that."""

from trivet.core.paxos.adoption import Adoption, takes
from trivet.core.paxos.content import Done, Draft, Sealed, seal
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.running import run
from trivet.core.paxos.slots import ARRIVING, SEALED, SERVED, Holding, Span

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


def test_what_arrives_is_for_its_carrier_and_what_is_served_for_all_others() -> None:
    slots = {b"served": 1, b"sealed": 2, KEY: 3, b"gone": 4}
    spans = (Span(1, 1, 1, SERVED), Span(2, 2, 1, SEALED), Span(3, 3, 4, ARRIVING))
    holding = Holding(spans, slots.__getitem__)

    def ordinary(key: bytes) -> Operation:
        return Operation(1, key, lambda value, version: Change(False, None, b""), False, 9)

    assert [key for key in slots if takes(holding, ordinary(key))] == [b"served"]
    what = content(7, b"x")
    assert [takes(holding, Adoption(1, KEY, what, 9, epoch)) for epoch in (3, 4)] == [False, True]
    assert not takes(holding, Adoption(1, b"served", what, 9, 1))
