"""Slots: which are held, since when, and what is done with them; and the rules about them as conversations."""

from collections.abc import Callable

import pytest

from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.config import problem as problem_of_config
from trivet.core.paxos.slots import (
    ABSENT,
    ARRIVING,
    SEALED,
    SERVED,
    Holding,
    Span,
    Spans,
    one_slot,
    outdated,
    problem,
)


def letter(key: bytes) -> int:
    return key[0]


def span(text: str, since: int = 1, state: int = SERVED) -> Span:
    return Span(ord(text[0]), ord(text[-1]), since, state)


@pytest.mark.parametrize("name", ["sealed", "late", "anew", "forgetful"])
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(f"slots/{name}")


def test_without_spans_everything_is_served() -> None:
    holding = Holding(None, one_slot)
    assert holding.whole
    assert holding.serves(b"k")
    assert not holding.seals


def test_a_key_has_the_state_of_its_slot() -> None:
    holding = Holding((span("a-c"), span("d", 1, SEALED), span("k", 4, ARRIVING)), letter)
    states = {name: holding.state(name.encode()) for name in "acdkz"}
    assert states == {"a": SERVED, "c": SERVED, "d": SEALED, "k": ARRIVING, "z": ABSENT}
    assert [holding.serves(key) for key in (b"b", b"d", b"k", b"z")] == [True, False, False, False]
    assert holding.seals
    assert not holding.whole
    assert [holding.arrives(b"k", 4), holding.arrives(b"k", 3), holding.arrives(b"a", 1)] == [
        True,
        False,
        False,
    ]
    assert not holding.arrives(b"z", 4)


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        (None, None, ""),
        ((span("a-z"),), (span("a-z", 1, SEALED),), ""),
        ((span("a-z"),), (span("a-f"), span("g-z", 1, SEALED)), ""),
        ((span("a-z"),), (span("a-f"), span("h-z")), "g-g"),
        ((span("a-z"),), (span("a-f"), span("g-k", 5, ARRIVING), span("l-z")), "g-k"),
        ((span("a-c"), span("d-f", 3)), (span("a-f"),), "d-f"),
        ((span("a-c"), span("d-f", 3)), (span("a-f", 3),), "a-c"),
        ((span("a-z"),), (), "a-z"),
        ((), (span("a-z", 7, ARRIVING),), ""),
        ((span("b-c"), span("f-g"), span("k-p")), (span("c-f"), span("l-l"), span("o-z")), "b-b g-g k-k m-n"),
    ],
)
def test_what_is_held_no_more_or_anew_is_outdated(before: Spans, after: Spans, gone: str) -> None:
    assert " ".join(f"{chr(first)}-{chr(last)}" for first, last in outdated(before, after)) == gone


def test_all_slots_count_where_nothing_is_said() -> None:
    assert outdated(None, (Span(0, 99, 1, SERVED),)) == [(100, 16383)]
    assert outdated((Span(5, 6, 2, SERVED),), None) == [(5, 6)]


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ((span("a-c"), span("d-d", 4)), ""),
        ((span("d-d"), span("a-c")), "spans of slots stand in order, apart from each other"),
        ((span("a-c"), span("c-d")), "spans of slots stand in order, apart from each other"),
        ((Span(0, 16384, 1, SERVED),), "spans of slots stand in order, apart from each other"),
        ((span("a-c", 5),), "slots are held since an epoch that was, in some state"),
        ((span("a-c", 1, ABSENT),), "slots are held since an epoch that was, in some state"),
    ],
)
def test_what_is_wrong_with_spans_is_said(spans: Spans, words: str) -> None:
    assert problem(spans, 4) == words
    assert problem_of_config(GroupConfig(4, (1, 2, 3), spans=spans)) == words
