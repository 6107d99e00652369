"""``WATCH`` in mode ``eventual``: of what this node holds."""

import pytest

from tests.core.machine.convergence import DB, START_MS, Replica
from trivet.core.group import eventual_watches
from trivet.core.group.eventual_watches import EventualWatches
from trivet.core.machine.entry import encode_calls
from trivet.core.wire.reply import NULL_ARRAY, OK


class Node:
    def __init__(self) -> None:
        self.replica = Replica(1)
        self.watches = EventualWatches(self.replica.executor)

    def say(self, *args: bytes):
        made: list = []
        return self.watches.run([(DB, list(args))], START_MS, 1, made)[0]

    def exec(self, client: bytes, *calls: list[bytes]):
        return self.say(b"EXEC", encode_calls([(DB, call) for call in calls]), client)


def test_an_exec_is_done_if_nothing_has_changed():
    node = Node()
    assert node.say(b"WATCH", b"7", b"a", b"b") == OK
    assert node.exec(b"7", [b"SET", b"a", b"1"], [b"GET", b"a"]) == [OK, b"1"]
    assert len(node.watches) == 0


def test_a_change_breaks_it_off():
    node = Node()
    node.say(b"WATCH", b"7", b"a")
    node.say(b"SET", b"a", b"2")
    assert node.exec(b"7", [b"SET", b"a", b"1"]) == NULL_ARRAY
    assert node.say(b"GET", b"a") == b"2"


def test_a_change_of_another_replica_does_too():
    """X7."""
    node, other = Node(), Replica(2)
    node.say(b"SET", b"a", b"1")
    node.say(b"WATCH", b"7", b"a")
    _, made = other.say("SET a 5")
    node.replica.hear(made[0])
    assert node.exec(b"7", [b"SET", b"a", b"1"]) == NULL_ARRAY


def test_what_is_watched_first_counts():
    node = Node()
    node.say(b"WATCH", b"7", b"a")
    node.say(b"SET", b"a", b"2")
    node.say(b"WATCH", b"7", b"a")
    assert node.exec(b"7", [b"PING"]) == NULL_ARRAY


def test_unwatch_ends_it():
    node = Node()
    node.say(b"WATCH", b"7", b"a")
    assert node.say(b"UNWATCH", b"7") == OK
    assert node.exec(b"7", [b"SET", b"a", b"1"]) == NULL_ARRAY, (
        "who watches and is not known gets nothing done"
    )
    assert node.exec(b"", [b"SET", b"a", b"1"]) == [OK]


def test_calls_around_it_keep_their_order():
    node = Node()
    packed = encode_calls([(DB, [b"INCR", b"n"])])
    calls = [
        (DB, [b"SET", b"n", b"4"]), (DB, [b"WATCH", b"7", b"n"]), (DB, [b"EXEC", packed, b"7"]),
        (DB, [b"GET", b"n"]),
    ]  # fmt: skip
    assert node.watches.run(calls, START_MS, 1, []) == [OK, OK, [5], b"5"]


def test_clients_that_watch_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(eventual_watches, "CLIENTS_MAX", 3)
    node = Node()
    for client in range(5):
        node.say(b"WATCH", b"%d" % client, b"a")
    assert len(node.watches) == 3
    assert node.exec(b"0", [b"SET", b"a", b"1"]) == NULL_ARRAY
    assert node.exec(b"4", [b"SET", b"a", b"1"]) == [OK]
