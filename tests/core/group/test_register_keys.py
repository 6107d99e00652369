"""Names of registers: in the order of cursors, database by database, and back again."""

from trivet.core.base.prng import Prng
from trivet.core.group.register_keys import before, cursor_of, db_of, key_of, place_key
from trivet.core.machine.scanning import scan_place
from trivet.core.values.databases import NUMBERS_MAX


def test_a_name_tells_what_it_was_made_of() -> None:
    for db in (0, 1, 255, 256, NUMBERS_MAX - 1):
        for key in (b"", b"k", b"\x00" * 9, b"x" * 1000):
            place = place_key(db, key)
            assert (db_of(place), key_of(place), cursor_of(place)) == (db, key, scan_place(key))


def test_their_order_is_that_of_cursors() -> None:
    prng = Prng(1)
    keys = [b"", *[b"%d" % prng.below(10_000) for _ in range(200)]]
    places = sorted([place_key(db, key) for db in (0, 1, 256) for key in keys])
    assert [(db_of(place), cursor_of(place)) for place in places] == sorted(
        [(db, scan_place(key)) for db in (0, 1, 256) for key in keys]
    )


def test_a_walk_from_a_cursor_passes_over_nothing() -> None:
    places = sorted([place_key(db, b"%d" % number) for db in (0, 1) for number in range(50)])
    places = sorted([*places, place_key(0, b""), place_key(1, b"")])
    for db in (0, 1):
        for cursor in (0, 1, *[cursor_of(place) for place in places]):
            start = before(db, cursor)
            wanted = [p for p in places if (db_of(p), cursor_of(p)) >= (db, cursor)]
            assert [place for place in places if place > start] == wanted
