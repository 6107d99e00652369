"""Streams that are waited for: calls kept through the log, each group's entries given once (rules B1, B3)."""

import msgspec

from tests.core.machine.replicas import Replica, execute, follow
from trivet.core.command.table import ROWS
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.machine.waiting import SERVED, WAITS
from trivet.core.wire.reply import OK, Blocked, Error, MapPairs


def test_all_readers_get_what_comes_after_their_id():
    """B1."""
    replica = Replica()
    replica.run("XADD s 1-1 f a")
    assert replica.one("BLOCK 1 XREAD BLOCK 0 STREAMS s t $ $") == Blocked(
        0, b"XREAD BLOCK 0 COUNT 1000 STREAMS s t 1-1 0-0".split()
    )
    replica.one("BLOCK 2 XREAD BLOCK 0 STREAMS s 5-5", node=2)
    replica.run("XADD s 2-2 f b", "XADD s 3-3 f c")
    assert replica.one("CLAIM 1") == [SERVED, MapPairs([(b"s", [[b"2-2", [b"f", b"b"]]])])]
    assert replica.one("CLAIM 2", node=2) == [WAITS]
    replica.run("XADD s 6-6 f d")
    assert replica.one("CLAIM 2", node=2) == [SERVED, MapPairs([(b"s", [[b"6-6", [b"f", b"d"]]])])]


def test_consumers_get_each_entry_once_in_order_of_arrival():
    """B1."""
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM")
    for client in (1, 2, 3):
        replica.one(f"BLOCK {client} XREADGROUP GROUP g c{client} COUNT 1 BLOCK 0 STREAMS s >")
    replica.one(execute(["XADD s 1-1 f a", "XADD s 2-2 f b"]))
    assert replica.one("CLAIM 1") == [SERVED, MapPairs([(b"s", [[b"1-1", [b"f", b"a"]]])])]
    assert replica.one("CLAIM 2") == [SERVED, MapPairs([(b"s", [[b"2-2", [b"f", b"b"]]])])]
    assert replica.one("CLAIM 3") == [WAITS]
    assert replica.one("XPENDING s g") == [2, b"1-1", b"2-2", [[b"c1", b"1"], [b"c2", b"1"]]]


def test_one_who_waits_in_vain_stands_for_those_alike_only(monkeypatch):
    """B1: a thousand consumers that wait cost an entry one try, not a thousand."""
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $")
    for client in range(1, 6):
        replica.one(f"BLOCK {client} XREADGROUP GROUP g c{client} COUNT 1 BLOCK 0 STREAMS s >")
    replica.one("BLOCK 6 XREADGROUP GROUP h c BLOCK 0 STREAMS s >")
    replica.one("BLOCK 7 XREAD BLOCK 0 STREAMS s 9-9")
    replica.one("BLOCK 8 XREAD BLOCK 0 STREAMS s 1-0")
    tried: list[bytes] = []
    for name in (b"XREAD", b"XREADGROUP"):
        row = ROWS[name]

        def run(context, args, row=row):
            tried.append(args[3])
            return row.run(context, args)

        monkeypatch.setitem(ROWS, name, msgspec.structs.replace(row, run=run))
    replica.run("XADD s 1-1 f a")
    assert tried == [b"c1", b"c2", b"c", b"COUNT", b"COUNT"]
    assert [replica.one(f"CLAIM {client}") == [WAITS] for client in range(1, 9)] == [
        False, True, True, True, True, False, True, False,
    ]  # fmt: skip


def test_what_was_given_and_not_claimed_stays_pending():
    """B3: as when a client of Redis goes away while its reply is on the way."""
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM")
    replica.one("BLOCK 1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
    replica.run("XADD s 1-1 f a")
    assert replica.run("RELEASE 1", "XPENDING s g") == [OK, [1, b"1-1", b"1-1", [[b"c", b"1"]]]]


def test_what_a_consumer_was_given_waits_for_its_node_that_was_thought_dead():
    """B4: to ask again would give it the next entry, and this one to nobody."""
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM")
    replica.one("BLOCK 1 XREADGROUP GROUP g c COUNT 1 NOACK BLOCK 0 STREAMS s >", node=2)
    replica.run("XADD s 1-1 f a", "NODEDOWN 2 1")
    assert replica.one("CLAIM 1", node=2) == [SERVED, MapPairs([(b"s", [[b"1-1", [b"f", b"a"]]])])]


def test_a_consumer_learns_that_its_stream_or_group_is_gone():
    gone = Error("UNBLOCKED the stream key no longer exists")
    no_group = Error("NOGROUP the consumer group this client was blocked on no longer exists")
    for line, error in (
        ("DEL s", gone),
        ("SET s v", gone),
        ("RENAME s t", gone),
        ("FLUSHALL", gone),
        ("XGROUP DESTROY s g", no_group),
    ):
        replica = Replica()
        replica.run("XGROUP CREATE s g $ MKSTREAM")
        replica.one("BLOCK 1 XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
        replica.one("BLOCK 2 XREAD BLOCK 0 STREAMS s $")
        replica.run(line)
        assert replica.one("CLAIM 1") == [SERVED, error], line
        assert replica.one("CLAIM 2") == [WAITS], line


def test_in_a_transaction_nobody_waits():
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM")
    replies = replica.one(
        execute(["XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "XADD s 1-1 f a"])
    )
    assert isinstance(replies, list)
    assert replies[2] == b"1-1"
    assert not replica.machine.waiting.by_client


def test_ids_and_idle_times_are_of_the_entry():
    replica = Replica()
    assert replica.run("XADD s * f a", "XADD s * f b", at_ms=2_000_000) == [b"2000000-0", b"2000000-1"]
    replica.run("XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS s >", at_ms=2_000_100)
    assert replica.run("XPENDING s g - + 9", at_ms=2_000_350) == [[[b"2000000-0", b"c", 250, 1]]]
    assert replica.run("XADD s * f c", at_ms=2_000_350) == [b"2000350-0"]


def test_a_restored_machine_goes_on_the_same():
    replica = Replica()
    replica.run("XGROUP CREATE s g $ MKSTREAM", *(f"XADD s {number}-0 f v" for number in range(1, 250)))
    replica.run("XREADGROUP GROUP g c COUNT 120 STREAMS s >", "XDEL s 5-0 77-0 249-0", "XACK s g 3-0 99-0")
    replica.one("BLOCK 1 XREADGROUP GROUP g d BLOCK 0 STREAMS s >", node=2)
    walk, load = SnapshotWalk(replica.machine, 1000), SnapshotLoad(Machine(100))
    replica.run("XTRIM s MAXLEN 200", "XCLAIM s g d 0 100-0")
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    replica.run("XTRIM s MAXLEN ~ 100", "XADD s * f w", "XAUTOCLAIM s g e 0 0", "XINFO STREAM s FULL COUNT 0")
    restored = load.machine
    follow(replica.log, restored)
    replica.run(*["SET k v"] * 70)
    follow(replica.log, restored)
    assert restored.digest == replica.machine.digest
