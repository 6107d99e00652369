import pytest

from trivet.core.values.database import Database
from trivet.core.values.databases import NUMBERS_MAX, Databases
from trivet.core.values.deadlines import NEVER


class Hook:
    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes]] = []

    def before_change(self, database: Database, key: bytes) -> None:
        self.seen.append((database.index, key))

    def before_flush(self, database: Database) -> None:
        self.seen.append((database.index, b"*"))


def test_databases_open_on_first_use():
    databases = Databases()
    assert databases.items() == []
    assert databases.open(3) is databases.open(3)
    assert [index for index, _ in databases.items()] == [3]
    assert databases.opened() == [databases.open(3)]
    databases.open(NUMBERS_MAX - 1)
    databases.open(0)
    assert [index for index, _ in databases.items()] == [0, 3, NUMBERS_MAX - 1]
    assert [database.index for database in databases.opened()] == [0, 3, NUMBERS_MAX - 1]
    for number in (-1, NUMBERS_MAX):
        with pytest.raises(IndexError):
            databases.open(number)


def test_time_and_hook_reach_all_also_those_opened_later():
    databases, hook = Databases(), Hook()
    databases.open(0)
    databases.set_now(77)
    databases.set_hook(hook)
    assert databases.now_ms == databases.open(0).now_ms == databases.open(5).now_ms == 77
    databases.open(0).set(b"a", b"")
    databases.open(5).set(b"b", b"")
    databases.flush_all()
    assert hook.seen == [(0, b"a"), (5, b"b"), (0, b"*"), (5, b"*")]
    databases.set_hook(None)
    databases.open(0).set(b"a", b"")
    assert len(hook.seen) == 4


def test_swap_exchanges_the_numbers():
    databases = Databases()
    databases.open(0).set(b"a", b"1")
    databases.swap(0, 2)
    assert (len(databases.open(0)), databases.open(2).get(b"a")) == (0, b"1")
    assert [database.index for _, database in databases.items()] == [0, 2]


def test_flush_all_and_key_count():
    databases = Databases()
    databases.open(1).set(b"a", b"")
    databases.open(4).set(b"a", b"")
    assert databases.key_count() == 2
    databases.flush_all()
    assert databases.key_count() == 0


def test_expiry_over_all_databases():
    databases = Databases()
    assert databases.next_deadline_ms() == NEVER
    for index, deadline_ms in ((2, 30), (0, 20), (9, 10)):
        databases.open(index).set(b"a", b"")
        databases.open(index).expire_at(b"a", deadline_ms)
    assert databases.next_deadline_ms() == 10
    databases.set_now(25)
    assert databases.expire_due(1) == 1
    assert databases.next_deadline_ms() == 10
    assert databases.expire_due(5) == 1
    assert databases.next_deadline_ms() == 30


def test_a_listener_is_everywhere():
    class Listener:
        heard: list[int] = []  # noqa: RUF012

        def expired(self, database: Database, key: bytes) -> None:
            """Not here."""

        def created(self, database: Database, key: bytes) -> None:
            self.heard.append(database.index)

    databases = Databases()
    databases.open(1)
    databases.set_listener(Listener())
    for index in (1, 2):
        databases.open(index).set(b"a", b"")
    databases.swap(1, 3)
    databases.open(3).set(b"b", b"")
    databases.set_listener(None)
    databases.open(4).set(b"a", b"")
    assert Listener.heard == [1, 2, 3]


def test_deadlines_follow_their_databases_when_those_are_exchanged():
    databases = Databases()
    databases.open(3).set(b"a", b"")
    databases.open(3).expire_at(b"a", 50)
    databases.swap(3, 1)
    assert databases.next_deadline_ms() == 50
    databases.set_now(50)
    assert [database.now_ms for database in databases.opened()] == [50, 50]
    assert databases.expire_due(10) == 1
    assert databases.next_deadline_ms() == NEVER


def test_an_exchange_is_undone_by_the_numbers_of_before():
    databases = Databases()
    databases.open(0).set(b"a", b"0")
    databases.open(5).set(b"a", b"5")
    before = dict(databases.items())
    databases.swap(0, 9)
    databases.swap(9, 5)
    databases.open(7)
    databases.renumber(before)
    assert [index for index, _ in databases.items()] == [0, 5]
    assert [database.index for database in databases.opened()] == [0, 5]
    assert databases.open(0).get(b"a") == b"0"
    assert databases.open(5).get(b"a") == b"5"
    databases.set_now(7)
    assert databases.open(5).now_ms == 7
