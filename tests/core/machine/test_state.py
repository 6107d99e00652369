"""Who hears of changes: nobody whom nobody asked for."""

from tests.core.machine.replicas import Replica
from tests.core.machine.two_groups import Group
from trivet.core.machine.exporting import RangeWalk


def test_without_listeners_there_is_no_hook():
    replica = Replica()
    replica.run("SET a 1")
    database = replica.machine.databases.open(0)
    assert (database.hook, database.outsiders, database.listener) == (None, None, None)
    assert replica.machine._writes.owner is None
    replica.run("WATCH 1 a")
    assert database.hook is not None
    replica.run("UNWATCH 1")
    assert database.hook is None


def test_a_walk_and_an_import_listen():
    group = Group()
    database = group.machine.databases.open(0)
    walk = RangeWalk(group.machine, [(0, 5)])
    assert database.hook is not None
    walk.close()
    walk.close()
    assert database.hook is None
    group.say("FOUND", "0-8191", 1)
    group.say("IMPORT", "BEGIN", 1, "9000-9001", 1)
    assert database.hook is not None
    assert database.outsiders is group.machine.ownership
    group.say("IMPORT", "ABORT", 1)
    assert database.hook is None


def test_news_are_taken_once():
    replica = Replica()
    replica.run("BLOCK 1 BLPOP q 0", "RPUSH q x")
    assert replica.machine.has_news()
    assert replica.machine.take_woken() == [(1, 1)]
    assert not replica.machine.has_news()
    assert (
        replica.machine.take_published()
        == replica.machine.take_events()
        == replica.machine.take_denied()
        == []
    )
