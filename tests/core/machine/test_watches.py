"""WATCH as replicated state: who aborts, and who does not (Rules W1 to W3)."""

import pytest

from tests.core.machine.replicas import Replica, execute
from trivet.core.machine.watches import Watches
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import NULL_ARRAY, OK

DONE = [OK]


def outcome(
    *between: str, before: tuple[str, ...] = ("SET k 1",), watched: str = "k", at_ms: int | None = None
):
    """What EXEC answers when ``between`` happens after WATCH, from another node's client."""
    replica = Replica()
    replica.run(*before)
    assert replica.one(f"WATCH 9 {watched}") == OK
    if between:
        replica.run(*between, node=2)
    return replica.one(execute(["SET done 1"], "9"), at_ms=at_ms)


def test_nothing_happened():
    assert outcome() == DONE


def test_others_did_other_things():
    assert outcome("SET other 1", "GET k", "1:SET k 2", "DEL missing", "EXPIRE missing 10") == DONE


@pytest.mark.parametrize(
    "change",
    [
        "SET k 1",
        "DEL k",
        "APPEND k x",
        "PEXPIRE k 100000",
        "RENAME k other",
        "FLUSHDB",
        "FLUSHALL",
        "SWAPDB 0 5",
        "SWAPDB 5 0",
    ],
)
def test_the_key_changed(change):
    """W1."""
    assert outcome(change) == NULL_ARRAY


def test_one_of_many_changed():
    assert outcome("SET c 1", watched="a b c") == NULL_ARRAY


def test_own_changes_count_too():
    replica = Replica()
    replica.run("WATCH 9 k", "SET k 1")
    assert replica.one(execute(["GET k"], "9")) == NULL_ARRAY


@pytest.mark.parametrize("change", ["FLUSHDB", "FLUSHALL", "SWAPDB 0 5", "1:FLUSHDB"])
def test_a_missing_key_is_still_missing(change):
    """As Redis: emptying and exchanging touches the keys that are there."""
    assert outcome(change, before=("SET other 1",)) == DONE


def test_a_missing_key_appeared():
    assert outcome("SET k 1", before=()) == NULL_ARRAY
    assert outcome("SET k 1", "DEL k", before=()) == NULL_ARRAY


def test_a_missing_key_appeared_with_another_database():
    """W2."""
    assert outcome("SWAPDB 0 5", before=("5:SET k 1",)) == NULL_ARRAY


def test_the_deadline_passed():
    """W2: also when it passes by the entry of EXEC itself."""
    before = ("SET k 1", "PEXPIREAT k 1000100")
    assert outcome(before=before, at_ms=1_000_099) == DONE
    assert outcome(before=before, at_ms=1_000_100) == NULL_ARRAY


def test_a_key_in_another_database():
    replica = Replica()
    replica.run("3:WATCH 9 k")
    replica.run("3:SET k 1", node=2)
    assert replica.one(execute(["GET k"], "9")) == NULL_ARRAY


def test_a_watcher_that_nobody_knows_aborts():
    """W3: its WATCH was refused, or forgotten with an earlier life."""
    replica = Replica()
    assert replica.one(execute(["SET k 1"], "9")) == NULL_ARRAY
    assert replica.one("GET k") is None


def test_without_watch_nothing_is_asked():
    replica = Replica()
    replica.run("WATCH 9 k", "SET k 1")
    assert replica.one(execute(["SET k 2"])) == DONE
    assert replica.one(execute(["SET k 3"], "9")) == NULL_ARRAY, "EXEC of another client ends no watch"


def test_exec_ends_the_watch_either_way():
    replica = Replica()
    replica.run("WATCH 9 k", execute(["GET k"], "9"))
    assert replica.machine.watches.watchers == {}
    replica.run("WATCH 9 k", "SET k 1", execute(["GET k"], "9"))
    assert replica.machine.watches.watchers == {}
    assert replica.machine.watches.keys == {}
    assert replica.machine.watches.dirty == {}
    assert replica.machine.databases.open(0).hook is None, "a database without watches pays nothing"


def test_unwatch_forgets():
    replica = Replica()
    replica.run("WATCH 9 k", "SET k 1", "UNWATCH 9", "WATCH 9 j")
    assert replica.one(execute(["SET done 1"], "9")) == DONE


def test_clients_of_one_node_and_of_two():
    replica = Replica()
    replica.one("WATCH 9 k", node=1)
    replica.one("WATCH 8 j", node=1)
    replica.one("WATCH 9 j", node=2)
    replica.one("SET k 1", node=2)
    assert replica.one(execute(["SET a 1"], "9"), node=1) == NULL_ARRAY
    assert replica.one(execute(["SET a 1"], "8"), node=1) == DONE
    assert replica.one(execute(["SET a 1"], "9"), node=2) == DONE


def test_a_new_life_of_a_node_ends_the_watches_of_its_clients():
    replica = Replica()
    replica.one("WATCH 9 k", node=1)
    replica.one("WATCH 9 k", node=2)
    replica.entry([replica.batch([], node=1, incarnation=2)])
    assert list(replica.machine.watches.watchers) == [(2, 9)]


def test_watching_twice_changes_nothing():
    watches, databases = Watches(), Databases()
    watches.watch((1, 9), (0, b"k"), False)
    watches.touched((0, b"k"))
    watches.watch((1, 9), (0, b"k"), True)
    assert not watches.is_clean((1, 9), databases)
    watches.forget((1, 9))
    watches.forget((1, 9))
    assert (watches.keys, watches.watchers, watches.dirty) == ({}, {}, {})
