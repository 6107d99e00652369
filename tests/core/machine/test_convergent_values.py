"""What is shown of cells."""

from fractions import Fraction

import pytest

from trivet.core.lattice.cell import Cell
from trivet.core.lattice.key_state import KeyState
from trivet.core.machine.convergent_values import (
    BITS,
    PLAIN,
    amount_of_text,
    double_of,
    entry_name,
    entry_of,
    entry_payload,
    kind_of,
    score_bytes,
    settle_stream,
    shown_deadline,
    shown_field,
    shown_last_id,
    shown_score,
    shown_string,
    shown_text,
    shown_value,
    text_of_amount,
)
from trivet.core.values.list_value import List
from trivet.core.values.stream import Stream


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (b"7", 7),
        (b"-3", -3),
        (b"2.50", Fraction(5, 2)),
        (b"3.0", 3),
        (b"", None),
        (b"x", None),
        (b"1e5", None),
        (b" 1", None),
        (b"9" * 401, None),
    ],
)
def test_numbers_of_text(text, amount):
    assert amount_of_text(text) == amount


def test_text_of_numbers():
    assert text_of_amount(5) == b"5" and text_of_amount(Fraction(-5, 2)) == b"-2.5"
    assert text_of_amount(Fraction(1, 3)) == b"0.33333333333333333"
    assert shown_text(b"10", 5) == b"15" and shown_text(None, 5) == b"5"
    assert shown_text(b"word", 5) == b"word" and shown_text(b"word", None) == b"word"


def both(*payloads: bytes) -> Cell:
    cell = Cell()
    for at, payload in enumerate(payloads):
        cell.assigns[(at + 1, 1)] = (at + 1, payload)
    return cell


def test_strings():
    assert shown_string(both(PLAIN + b"x", PLAIN + b"y")) == b"y"
    assert shown_string(both(BITS + b"\x01", BITS + b"\x80\x01")) == b"\x81\x01"
    assert shown_string(both(BITS + b"\x01", PLAIN + b"y")) == b"y"
    assert shown_field((1, 1, 1, b"v")) == b"v"


def test_scores():
    cell = both(score_bytes(0.1))
    cell.adds[1] = (2, 2, Fraction(0.2))
    assert shown_score(cell) == float(Fraction(0.1) + Fraction(0.2))
    cell.adds[1] = (2, 2, 10**400)
    assert shown_score(cell) == float("inf")
    cell.adds[1] = (2, 2, -(10**400))
    assert shown_score(cell) == float("-inf")
    assert double_of(b"short") == 0.0 and double_of(score_bytes(float("nan"))) == 0.0


def test_what_stands_beside():
    assert shown_deadline((1, 1, 1, b"55")) == 55
    assert [shown_deadline(one) for one in (None, (1, 1, 1, b""), (1, 1, 1, b"9" * 19))] == [-1, -1, -1]
    assert shown_last_id(None) == 0 and shown_last_id(both(entry_name(9), entry_name(4))) == 9


def test_entries_of_streams_that_others_send_may_be_nonsense():
    assert entry_of(entry_payload([b"f", b"v"])) == [b"f", b"v"]
    for payload in (b"", b"\xc1", entry_payload([]), entry_payload([b"odd"])):
        assert entry_of(payload) == [b"?", b"?"]
    state = KeyState()
    for name in (b"short", entry_name(0), entry_name(5)):
        state.put((6, name), (1, 1, 1, entry_payload([b"f", b"v"])))
    value, _ = shown_value(state)
    assert isinstance(value, Stream) and value.between(0, 9) == [(5, [b"f", b"v"])]
    assert (value.last_id, value.entries_added, value.max_deleted_id) == (5, 1, 0)
    settle_stream(value, 8)
    assert value.last_id == 8


def test_a_list_tells_its_places_and_nothing_shows_nothing():
    state = KeyState()
    state.put((5, b"b"), (1, 1, 1, b"y"))
    state.put((5, b"a"), (1, 2, 1, b"x"))
    value, places = shown_value(state)
    assert isinstance(value, List) and (value.dump(), places) == ([b"x", b"y"], [b"a", b"b"])
    assert shown_value(None) == (None, []) and kind_of(None) == 0 and kind_of(value) == 5
