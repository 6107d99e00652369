import pytest

from trivet.core.base.prng import Prng
from trivet.core.values.database import Database
from trivet.core.values.deadlines import NEVER
from trivet.core.values.hash_value import Hash, MortalHash


class Hook:
    """Notes what was announced, with the value that the key had then."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, object]] = []
        self.flushes = 0

    def before_change(self, database: Database, key: bytes) -> None:
        self.seen.append((key, database.values.get(key)))

    def before_flush(self, database: Database) -> None:
        self.flushes += 1


@pytest.fixture
def database() -> Database:
    return Database(0, now_ms=1000)


def test_set_get_remove(database: Database):
    database.set(b"a", b"1")
    assert (database.get(b"a"), database.exists(b"a"), len(database)) == (b"1", True, 1)
    assert database.remove(b"a")
    assert not database.remove(b"a")
    assert (database.get(b"a"), database.exists(b"a"), len(database)) == (None, False, 0)


def hash_with(database: Database, key: bytes, deadlines: dict[bytes, int]) -> MortalHash:
    value = MortalHash.of(Hash(), database.clock)
    for field, deadline_ms in deadlines.items():
        value.put(field, b"x")
        if deadline_ms >= 0:
            value.expire_at(field, deadline_ms)
    database.set(key, value)
    database.adopt(key, value)
    return value


def pass_to(database: Database, now_ms: int) -> None:
    database.now_ms = database.clock.now_ms = now_ms


def test_a_hash_is_gone_with_the_last_of_its_fields(database: Database):
    hash_with(database, b"all", {b"a": 1001, b"b": 1002})
    hash_with(database, b"some", {b"a": 1001, b"b": -1})
    assert database.next_deadline_ms() == 1001
    pass_to(database, 1002)
    assert database.get(b"all") is None
    assert database.get(b"some") is not None
    assert list(database.keys()) == [b"some"]
    assert database.scan(0, 10) == (0, [b"some"])
    assert database.edit(b"all") is None
    assert (len(database), database.expired_count) == (1, 1)
    assert database.expire_due(10) == 1
    assert database.next_deadline_ms() == NEVER
    database.check_invariants()


def test_a_hash_that_a_command_emptied_did_not_expire(database: Database):
    """Whether another key has fields with deadlines makes no difference."""
    hash_with(database, b"other", {b"a": 1001})
    value = hash_with(database, b"a", {b"x": 1001})
    value.pop(b"x")
    assert database.remove(b"a")
    assert database.expired_count == 0


def test_fields_go_in_the_order_of_what_is_true_and_not_of_what_was_noted(database: Database):
    """A replica that was restored noted less, and removes the same."""
    late, early = hash_with(database, b"a", {b"x": 1001, b"y": 1010}), hash_with(database, b"b", {b"z": 1005})
    late.persist(b"x")
    pass_to(database, 1020)
    assert database.expire_due(1) == 1
    assert (late.held(), early.held()) == (2, 0)
    assert database.expire_due(9) == 1
    assert late.held() == 1
    database.check_invariants()


def test_another_value_at_the_key_of_a_mortal_hash(database: Database):
    for change in ("set", "replace", "remove", "flush"):
        hash_with(database, b"a", {b"x": 1001})
        if change in ("set", "replace"):
            getattr(database, change)(b"a", b"1")
        elif change == "remove":
            database.remove(b"a")
        else:
            database.flush()
        assert database.next_deadline_ms() == NEVER
        assert database.expire_due(10) == 0


def test_an_empty_string_is_a_value(database: Database):
    database.set(b"", b"")
    assert database.get(b"") == b""
    assert database.exists(b"")
    assert database.remove(b"")


def test_a_key_is_gone_from_the_millisecond_of_its_deadline(database: Database):
    database.set(b"a", b"1")
    database.expire_at(b"a", 1005)
    assert database.deadline_ms(b"a") == 1005
    database.now_ms = 1004
    assert database.get(b"a") == b"1"
    database.now_ms = 1005
    assert database.get(b"a") is None
    assert not database.exists(b"a")
    assert list(database.keys()) == []
    assert database.scan(0, 10) == (0, [])
    assert database.random_key(Prng(1)) is None


def test_reads_never_change_anything(database: Database):
    database.set(b"a", b"1")
    database.expire_at(b"a", 1001)
    database.now_ms = 2000
    database.hook = hook = Hook()
    database.get(b"a")
    database.exists(b"a")
    database.scan(0, 10)
    database.random_key(Prng(1))
    list(database.keys())
    database.deadline_ms(b"a")
    assert len(database) == 1
    assert hook.seen == []


def test_a_write_that_meets_an_expired_key_removes_it(database: Database):
    for key in (b"edit", b"remove", b"set", b"replace"):
        database.set(key, b"old")
        database.expire_at(key, 1001)
    database.now_ms = 2000
    assert database.edit(b"edit") is None
    assert not database.remove(b"remove")
    assert len(database) == 2
    database.set(b"set", b"new")
    database.replace(b"replace", b"new")
    assert database.get(b"set") == database.get(b"replace") == b"new"
    assert database.deadline_ms(b"set") == database.deadline_ms(b"replace") == -1
    assert database.expired_count == 3
    database.check_invariants()


def test_set_clears_the_deadline_and_replace_keeps_it(database: Database):
    for key in (b"a", b"b"):
        database.set(key, b"1")
        database.expire_at(key, 5000)
    database.set(b"a", b"2")
    database.replace(b"b", b"2")
    assert (database.deadline_ms(b"a"), database.deadline_ms(b"b")) == (-1, 5000)
    assert database.deadline_count == 1


def test_persist(database: Database):
    assert not database.persist(b"a")
    database.set(b"a", b"1")
    assert not database.persist(b"a")
    database.expire_at(b"a", 5000)
    assert database.persist(b"a")
    assert database.deadline_ms(b"a") == -1
    database.expire_at(b"a", 5000)
    database.now_ms = 5000
    assert not database.persist(b"a")


def test_expire_due_takes_the_earliest_first_and_stops_at_the_limit(database: Database):
    for number in range(10):
        database.set(b"%d" % number, b"")
        database.expire_at(b"%d" % number, 2000 - number)
    assert database.next_deadline_ms() == 1991
    assert database.expire_due(100) == 0
    database.now_ms = 1998
    assert database.expire_due(3) == 3
    assert sorted(database.values) == [b"%d" % number for number in range(7)]
    assert database.expire_due(100) == 5
    assert sorted(database.values) == [b"0", b"1"]
    database.now_ms = 3000
    assert database.expire_due(100) == 2
    assert (database.next_deadline_ms(), database.expired_count) == (NEVER, 10)


def test_every_change_is_announced_before_it_happens(database: Database):
    database.hook = hook = Hook()
    steps = [
        (lambda: database.set(b"a", b"1"), None),
        (lambda: database.set(b"a", b"2"), b"1"),
        (lambda: database.replace(b"a", b"3"), b"2"),
        (lambda: database.edit(b"a"), b"3"),
        (lambda: database.expire_at(b"a", 5000), b"3"),
        (lambda: database.persist(b"a"), b"3"),
        (lambda: database.remove(b"a"), b"3"),
    ]
    for step, before in steps:
        hook.seen.clear()
        step()
        assert hook.seen == [(b"a", before)]
    database.set(b"a", b"4")
    database.expire_at(b"a", 1001)
    database.now_ms = 1001
    hook.seen.clear()
    database.expire_due(10)
    assert hook.seen == [(b"a", b"4")]


def test_what_changes_nothing_is_not_announced(database: Database):
    database.hook = hook = Hook()
    database.edit(b"a")
    database.remove(b"a")
    database.persist(b"a")
    assert hook.seen == []


def test_flush_leaves_the_old_tables_to_who_holds_them(database: Database):
    database.set(b"a", b"1")
    database.expire_at(b"a", 5000)
    database.hook = hook = Hook()
    values = database.values
    database.flush()
    assert (len(database), database.deadline_count, hook.flushes) == (0, 0, 1)
    assert dict(values.items()) == {b"a": b"1"}


def test_random_key_passes_over_expired_ones(database: Database):
    for number in range(20):
        database.set(b"%d" % number, b"")
        if number:
            database.expire_at(b"%d" % number, 1001)
    database.now_ms = 1001
    assert database.random_key(Prng(4)) == b"0"


class Listener:
    """Hears of keys that come and of those that expire."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def expired(self, database: Database, key: bytes) -> None:
        self.heard.append(f"expired {key.decode()}")

    def created(self, database: Database, key: bytes) -> None:
        self.heard.append(f"new {key.decode()}")


def test_a_listener_hears_of_keys_that_come_and_of_those_that_expire(database: Database):
    database.listener = listener = Listener()
    for key in (b"a", b"b", b"c", b"d", b"e"):
        database.set(key, b"1")
        database.set(key, b"2")
        database.replace(key, b"3")
        database.expire_at(key, 1001)
    database.replace(b"f", b"1")
    assert listener.heard == ["new a", "new b", "new c", "new d", "new e", "new f"]
    database.now_ms = 1001
    listener.heard.clear()
    database.set(b"a", b"again")
    database.replace(b"b", b"again")
    assert database.edit(b"c") is None
    assert not database.remove(b"d")
    assert database.expire_due(9) == 1
    database.remove(b"f")
    assert listener.heard == [
        "expired a",
        "new a",
        "expired b",
        "new b",
        "expired c",
        "expired d",
        "expired e",
    ]


# -- foreign keys (Rule V10)


class Foreign:
    """Keys that begin with ``f`` are foreign."""

    def __init__(self) -> None:
        self.gone: list[bytes] = []

    def is_foreign(self, key: bytes) -> bool:
        return key.startswith(b"f")

    def forgotten(self, database: Database, key: bytes) -> bool:
        self.gone.append(key)
        return self.is_foreign(key)


def with_foreign(count: int) -> Database:
    database = Database(0)
    database.outsiders = Foreign()
    for i in range(count):
        assert database.put_foreign(b"f%d" % i, b"", -1)
    return database


def test_foreign_keys_are_not_counted_and_not_found() -> None:
    database = with_foreign(2000)
    assert (len(database), list(database.keys()), database.random_key(Prng(1))) == (0, [], None)
    database.set(b"own", b"")
    assert (len(database), list(database.keys()), database.random_key(Prng(1))) == (1, [b"own"], b"own")
    cursor, found = database.scan(0, 100_000)
    assert (cursor, found) == (0, [b"own"])
    assert not database.put_foreign(b"f0", b"again", 50)
    assert (database.values.get(b"f0"), database.deadline_ms(b"f0")) == (b"again", 50)
    assert database.drop_foreign(b"f0")
    assert not database.drop_foreign(b"f0")
    assert (database.foreign_count, database.deadline_count) == (1999, 0)
    database.check_invariants()
    database.flush()
    assert (database.foreign_count, len(database)) == (0, 0)


def test_foreign_keys_expire_unheard_and_uncounted() -> None:
    database = with_foreign(0)
    database.put_foreign(b"f", b"", 10)
    database.set(b"own", b"")
    database.expire_at(b"own", 10)
    database.now_ms = 10
    assert database.expire_due(10) == 2
    assert (database.foreign_count, database.expired_count) == (0, 1)
    outsiders = database.outsiders
    assert isinstance(outsiders, Foreign)
    assert sorted(outsiders.gone) == [b"f", b"own"]


def test_a_hook_hears_of_foreign_keys_and_a_listener_does_not() -> None:
    changed: list[bytes] = []

    class Hook:
        def before_change(self, database: Database, key: bytes) -> None:
            changed.append(key)

        def before_flush(self, database: Database) -> None:
            """Not here."""

    class Listener:
        def expired(self, database: Database, key: bytes) -> None:
            raise AssertionError

        created = expired

    database = with_foreign(0)
    database.hook = Hook()
    database.listener = Listener()
    database.put_foreign(b"f", b"", 5)
    database.drop_foreign(b"f")
    assert changed == [b"f", b"f"]
