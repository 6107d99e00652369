from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.security.collisions import colliding
from trivet.core.base.prng import Prng
from trivet.core.values.table import LOAD_MAX, Table, reverse32


def filled(count: int, load_max: int = LOAD_MAX) -> Table[int]:
    table: Table[int] = Table(1, load_max)
    for number in range(count):
        table.put(b"key:%d" % number, number)
    return table


def scan_all(table: Table[int], count: int = 10) -> list[bytes]:
    cursor, found = table.scan(0, count)
    while cursor:
        cursor, more = table.scan(cursor, count)
        found += more
    return found


def test_reverse32_reverses_bits():
    assert reverse32(1) == 1 << 31
    assert reverse32(0b1011) == 0b1101 << 28
    for number in (0, 1, 0xDEADBEEF, 0xFFFFFFFF):
        assert reverse32(reverse32(number)) == number
        assert reverse32(number) == int(f"{number:032b}"[::-1], 2)


def test_put_get_pop():
    table: Table[int] = Table()
    table.put(b"a", 1)
    table.put(b"a", 2)
    assert (len(table), table.get(b"a"), b"a" in table) == (1, 2, True)
    assert table.pop(b"a") == 2
    assert table.pop(b"a") is None
    assert (len(table), table.get(b"a"), b"a" in table) == (0, None, False)


def test_growing_splits_one_bucket_at_a_time_and_shrinking_merges_them():
    table: Table[int] = Table()
    counts = []
    for number in range(LOAD_MAX * 9):
        table.put(b"key:%d" % number, number)
        counts.append(table.bucket_count)
    table.check_invariants()
    assert all(0 <= after - before <= 1 for before, after in pairwise(counts))
    assert table.bucket_count == 9
    assert all(table.get(b"key:%d" % number) == number for number in range(LOAD_MAX * 9))
    for number in range(LOAD_MAX * 9):
        before = table.bucket_count
        table.pop(b"key:%d" % number)
        assert before - table.bucket_count in (0, 1)
        if number % 100 == 0:
            table.check_invariants()
    assert (len(table), table.bucket_count) == (0, 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=300))
def test_behaves_as_a_dict(operations: list[tuple[bool, int]]):
    table: Table[int] = Table(1, 4)
    model: dict[bytes, int] = {}
    for number, (adding, chosen) in enumerate(operations):
        key = b"%d" % chosen
        if adding:
            table.put(key, number)
            model[key] = number
        else:
            assert table.pop(key) == model.pop(key, None)
    table.check_invariants()
    assert dict(table.items()) == model
    assert sorted(table) == sorted(model) == sorted(table.keys()) == sorted(scan_all(table, 1))


def test_a_bucket_is_a_contiguous_range_of_reversed_hashes():
    table = filled(1000, 8)
    ranges = sorted(
        (min(places), max(places))
        for index in range(table.bucket_count)
        if (places := [reverse32(crc32(key)) for key in table.bucket(index)])
    )
    assert all(one[1] < other[0] for one, other in pairwise(ranges))


def test_a_scan_gives_every_key_once_while_nothing_changes():
    table = filled(5000)
    assert sorted(scan_all(table)) == sorted(table)


@pytest.mark.parametrize("seed", range(20))
def test_a_scan_gives_every_key_that_stays_whatever_splits_and_merges(seed: int):
    prng = Prng(seed)
    table = filled(400, 4)
    stays = [b"key:%d" % number for number in range(0, 400, 7)]
    found: list[bytes] = []
    cursor = 0
    while True:
        cursor, keys = table.scan(cursor, 1 + prng.below(20))
        found += keys
        if cursor == 0:
            break
        for _ in range(prng.below(60)):
            number = prng.below(1200)
            if number % 7 == 0 and number < 400:
                continue
            if (seed % 2) ^ prng.chance(0.2):
                table.put(b"key:%d" % number, number)
            else:
                table.pop(b"key:%d" % number)
    assert not set(stays) - set(found)


def test_a_cursor_is_valid_on_a_replica_with_another_shape():
    table = filled(3000)
    other: Table[int] = Table(7, 5)
    for key, value in sorted(table.items()):
        other.put(key, value)
    assert other.bucket_count != table.bucket_count
    cursor, found = table.scan(0, 50)
    turn = 0
    while cursor:
        turn += 1
        cursor, keys = (other if turn % 2 else table).scan(cursor, 50)
        found += keys
    assert set(found) == set(table)


def test_any_cursor_is_answered():
    table = filled(1000)
    for cursor in (1, 2**31, 2**32 - 1, 2**32, 2**64 - 1):
        following, _ = table.scan(cursor, 1)
        assert 0 <= following < 2**32


def test_a_huge_count_ends_with_the_table():
    table = filled(1000)
    following, found = table.scan(0, 2**62)
    assert (following, len(found)) == (0, 1000)


def test_random_keys_are_about_even():
    table = filled(600, 16)
    prng = Prng(5)
    drawn: dict[bytes, int] = {}
    for _ in range(30_000):
        key = table.random_key(prng)
        assert key is not None
        drawn[key] = drawn.get(key, 0) + 1
    assert len(drawn) == 600
    assert max(drawn.values()) < 3 * 50


def test_random_key_of_nothing_of_one_and_of_nearly_empty_buckets():
    assert Table().random_key(Prng(1)) is None
    assert filled(1).random_key(Prng(1)) == b"key:0"
    sparse: Table[int] = Table(5000)
    sparse.put(b"only", 1)
    assert sparse.random_key(Prng(1)) == b"only"


def test_a_table_restored_from_its_shape_and_items_behaves_identically():
    prng = Prng(9)
    table = filled(500, 8)
    for _ in range(450):
        table.pop(b"key:%d" % prng.below(500))
    twin: Table[int] = Table(table.bucket_count, 8)
    for key, value in table.items():
        twin.put(key, value)
    for number in range(3000):
        key = b"key:%d" % prng.below(900)
        if prng.chance(0.5):
            table.put(key, number)
            twin.put(key, number)
        else:
            table.pop(key)
            twin.pop(key)
        assert table.random_key(Prng(number)) == twin.random_key(Prng(number))
    assert list(table.items()) == list(twin.items())
    assert table.bucket_count == twin.bucket_count


def test_a_walk_is_told_of_a_bucket_before_its_keys_move():
    table = filled(600, 8)

    class Walk:
        def __init__(self) -> None:
            self.seen: list[tuple[int, int]] = []

        def before_reshape(self, bucket: int) -> None:
            self.seen.append((bucket, len(table.bucket(bucket))))

    table.walk = walk = Walk()
    before = table.bucket_count
    sizes = [len(table.bucket(index)) for index in range(before)]
    added = 0
    while table.bucket_count == before:
        table.put(b"more:%d" % added, 0)
        added += 1
    ((split, size),) = walk.seen
    assert sizes[split] <= size <= sizes[split] + added
    walk.seen.clear()
    while table.bucket_count > before:
        table.pop(next(iter(table)))
    assert [bucket for bucket, _ in walk.seen] == [before, split]


def test_a_table_of_equal_hashes_is_not_even():
    table: Table[int] = Table()
    for number in range(10_000):
        table.put(b"honest %d" % number, number)
    assert table.is_even()
    for number, key in enumerate(colliding(3000)):
        table.put(key, number)
    assert not table.is_even()
