"""Waiting calls as replicated state: order, claims, what is given back (rules B1 to B4)."""

import msgspec
import pytest

from tests.core.machine.replicas import Replica, execute, follow
from trivet.core.command.table import ROWS
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.machine.waiting import DEFECT, ENDED, SERVED, UNKNOWN, WAITS, keys_awaited, when_told
from trivet.core.wire.reply import OK, Blocked


def test_waiters_are_served_in_order_of_arrival():
    """B1."""
    replica = Replica()
    assert replica.one("BLOCK 1 BLPOP q 0") == Blocked(0, [b"BLPOP", b"q", b"0"])
    replica.one("BLOCK 2 BLPOP other q 0", node=2)
    replica.one("BLOCK 3 BLPOP q 0")
    assert replica.run("RPUSH q x y", "LLEN q") == [2, 0]
    assert replica.machine.take_woken() == [(1, 1), (2, 2)]
    assert replica.machine.take_woken() == []
    assert replica.one("CLAIM 1") == [SERVED, [b"q", b"x"]]
    assert replica.one("CLAIM 2", node=2) == [SERVED, [b"q", b"y"]]
    assert replica.one("CLAIM 3") == [WAITS]
    assert replica.one("CLAIM 1") == [UNKNOWN], "once"


def test_a_transaction_counts_as_one():
    """B1."""
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0")
    replica.one(execute(["RPUSH q a", "LPUSH q b", "RPUSH p x", "DEL q", "RPUSH q c"]))
    assert replica.one("CLAIM 1") == [SERVED, [b"q", b"c"]]


def test_one_who_waits_for_something_else_stands_in_nobodys_way():
    replica = Replica()
    replica.one("BLOCK 1 BZPOPMIN k 0")
    replica.one("BLOCK 2 BLPOP k 0")
    replica.one("BLOCK 3 BLPOP k 0")
    replica.run("RPUSH k x")
    assert replica.one("CLAIM 2") == [SERVED, [b"k", b"x"]]
    replica.run("ZADD k 1 m")
    assert replica.one("CLAIM 1") == [SERVED, [b"k", b"m", 1.0]]
    assert replica.one("CLAIM 3") == [WAITS]


def test_a_chain_of_moves_is_served_in_one_entry():
    replica = Replica()
    replica.one("BLOCK 1 BLMOVE a b LEFT LEFT 0")
    replica.one("BLOCK 2 BLMOVE b c LEFT LEFT 0")
    replica.one("BLOCK 3 BLPOP c 0")
    assert replica.run("RPUSH a x", "EXISTS a b c") == [1, 0]
    assert replica.one("CLAIM 3") == [SERVED, [b"c", b"x"]]


def test_keys_come_in_many_ways():
    for line in ("RENAME p q", "COPY p q", "LMOVE p q LEFT LEFT", "SORT p ALPHA STORE q", "2:SWAPDB 0 2"):
        replica = Replica()
        replica.run("2:RPUSH q x" if "SWAPDB" in line else "RPUSH p x")
        replica.one("BLOCK 1 BLPOP q 0")
        replica.run(line)
        assert replica.one("CLAIM 1") == [SERVED, [b"q", b"x"]], line


def test_an_end_without_anything_and_one_with():
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0")
    assert replica.one("UNBLOCK 1") == [ENDED]
    assert replica.one("UNBLOCK 1") == [UNKNOWN]
    replica.one("BLOCK 1 BLPOP q 0")
    replica.run("RPUSH q x")
    assert replica.one("UNBLOCK 1") == [SERVED, [b"q", b"x"]]
    assert replica.run("RPUSH q y", "LLEN q") == [1, 1]


def test_what_was_not_claimed_goes_back_and_to_the_next():
    """B3."""
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0")
    replica.one("BLOCK 2 BLPOP q 0", node=2)
    replica.run("RPUSH q x")
    assert replica.one("RELEASE 1") == OK
    assert replica.one("CLAIM 2", node=2) == [SERVED, [b"q", b"x"]]
    replica.one("BLOCK 1 BRPOP q 0")
    replica.run("RPUSH q y")
    assert replica.run("RELEASE 1", "RELEASE 1", "LRANGE q 0 -1") == [OK, OK, [b"y"]]


def test_what_was_claimed_or_found_at_once_is_gone_with_a_node_that_dies_before_it_says_so():
    """B2: nobody can know whether the answer still left the node, and to take it twice would be worse."""
    ways = (
        ["BLOCK 1 BRPOP q 0", "RPUSH q x", "CLAIM 1"],
        ["RPUSH q x", "BLOCK 1 BRPOP q 0"],
        ["RPUSH q x", "RPOP q"],
    )
    ends = ("NODEDOWN 2 1", "another life")
    for way in ways:
        for end in ends:
            replica = Replica()
            taken = [replica.one(line, node=2) for line in way][-1]
            assert taken in ([SERVED, [b"q", b"x"]], [b"q", b"x"], b"x"), way
            if end == "another life":
                replica.entry([replica.batch([(0, [b"SET", b"k", b"v"])], node=2, incarnation=2)])
            else:
                replica.run(end)
            assert replica.run("LRANGE q 0 -1") == [[]], (way, end)


def test_a_move_leaves_what_it_took_where_it_can_be_found():
    """So who must not lose it takes it with BLMOVE, and removes it when the work is done."""
    for way in (
        ["BLOCK 1 BLMOVE q doing RIGHT LEFT 0", "RPUSH q x", "CLAIM 1"],
        ["RPUSH q x", "BLOCK 1 BLMOVE q doing RIGHT LEFT 0"],
        ["BLOCK 1 BLMOVE q doing RIGHT LEFT 0", "RPUSH q x"],
    ):
        replica = Replica()
        for line in way:
            replica.one(line, node=2)
        replica.run("NODEDOWN 2 1")
        replica.entry([replica.batch([(0, [b"SET", b"k", b"v"])], node=2, incarnation=2)])
        assert replica.run("LRANGE q 0 -1", "LRANGE doing 0 -1") == [[], [b"x"]], way


def test_a_node_that_is_down_gets_nothing():
    """B3."""
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0", node=2)
    replica.one("BLOCK 1 BLPOP q 0", node=3)
    assert replica.run("NODEDOWN 2 7") == [OK], "another life"
    replica.run("NODEDOWN 2 1")
    assert replica.machine.take_woken() == [(2, 1)], "it is told, should it live"
    replica.run("RPUSH q x", "RPUSH p y")
    assert replica.one("CLAIM 1", node=2) == [UNKNOWN]
    assert replica.one("CLAIM 1", node=3) == [SERVED, [b"q", b"x"]]


def test_what_cannot_go_back_stays_to_be_claimed_by_a_node_that_lives():
    """B4: a second BLMOVE would move a second item, and a second BRPOPLPUSH as well."""
    for call in ("BLMOVE q p LEFT RIGHT 0", "BRPOPLPUSH q p 0"):
        replica = Replica()
        replica.one(f"BLOCK 1 {call}", node=2)
        replica.one(f"BLOCK 2 {call}", node=2)
        replica.run("RPUSH q x")
        assert replica.machine.take_woken() == [(2, 1)]
        assert replica.machine.waiting.would_give_up(2)
        assert replica.run("NODEDOWN 2 1", "LRANGE p 0 -1") == [OK, [b"x"]]
        assert replica.machine.take_woken() == [(2, 2)], "who was served nothing asks again"
        assert not replica.machine.waiting.would_give_up(2), "the leader says it once"
        replica.run("RPUSH q y")
        assert replica.one("CLAIM 2", node=2) == [UNKNOWN]
        assert replica.one("CLAIM 1", node=2) == [SERVED, b"x"]
        assert replica.run("LRANGE p 0 -1", "LRANGE q 0 -1") == [[b"x"], [b"y"]]


def test_time_is_over_for_a_call_whose_node_was_thought_dead():
    """B4: "nothing came" would be a lie, the item has moved."""
    replica = Replica()
    replica.one("BLOCK 1 BLMOVE q p LEFT RIGHT 1", node=2)
    replica.run("RPUSH q x", "NODEDOWN 2 1")
    assert replica.one("UNBLOCK 1", node=2) == [SERVED, b"x"]


def test_what_cannot_go_back_is_given_up_with_its_client_or_its_nodes_life():
    replica = Replica()
    replica.one("BLOCK 1 BLMOVE q p LEFT RIGHT 0", node=2)
    replica.one("BLOCK 2 BLMOVE q p LEFT RIGHT 0", node=2)
    replica.run("RPUSH q x y", "NODEDOWN 2 1")
    assert replica.run("RELEASE 1", node=2) == [OK]
    assert list(replica.machine.waiting.by_client) == [(2, 2)]
    replica.entry([replica.batch([(0, [b"SET", b"k", b"v"])], node=2, incarnation=2)])
    assert not replica.machine.waiting.by_client
    assert replica.run("LRANGE p 0 -1") == [[b"x", b"y"]]


def test_a_new_life_of_a_node_ends_what_its_clients_waited_for():
    """S3, B3."""
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0", node=2)
    replica.one("BLOCK 2 BLPOP p 0", node=2)
    replica.run("RPUSH q x")
    replica.entry([replica.batch([(0, [b"SET", b"k", b"v"])], node=2, incarnation=2)])
    assert replica.run("LRANGE q 0 -1", "RPUSH p y", "LLEN p") == [[b"x"], 1, 1]
    assert not replica.machine.waiting.by_client


def test_to_block_anew_ends_the_former_wait():
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0")
    replica.one("BLOCK 1 BLPOP p 0")
    assert replica.run("RPUSH q x", "LLEN q") == [1, 1]
    assert list(replica.machine.waiting.by_key) == [(0, b"p")]


def test_a_defect_ends_the_call_and_stops_nobody(monkeypatch):
    """M3."""
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0")

    def broken(context, args):
        raise ZeroDivisionError("a planted defect")

    monkeypatch.setitem(ROWS, b"BLPOP", msgspec.structs.replace(ROWS[b"BLPOP"], run=broken))
    assert replica.run("RPUSH q x", "LLEN q") == [1, 1]
    assert replica.one("CLAIM 1") == [SERVED, DEFECT]
    assert replica.machine.defects == ["command b'BLPOP' raised ZeroDivisionError: a planted defect"]


def test_a_restored_machine_serves_the_same():
    replica = Replica()
    replica.one("BLOCK 1 BLPOP q 0", node=2)
    replica.one("BLOCK 9 BLMOVE q p LEFT RIGHT 0", node=3)
    replica.one("BLOCK 4 BLPOP q 0", node=2)
    replica.run("RPUSH q x", "SETTING a b")
    walk, load = SnapshotWalk(replica.machine, 1000), SnapshotLoad(Machine(100))
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    replica.run("RPUSH q y z")
    replica.one("CLAIM 1", node=2)
    replica.one("RELEASE 4", node=2)
    restored = load.machine
    follow(replica.log, restored)
    assert restored.waiting.by_client.keys() == replica.machine.waiting.by_client.keys() == {(3, 9): 0}.keys()
    assert restored.waiting.by_client[(3, 9)].reply == b"y"
    assert restored.settings.values == {b"a": b"b"}
    replica.run(*["SET k v"] * 70)
    assert restored.digests == {}
    follow(replica.log, restored)
    assert restored.digest == replica.machine.digest


# -- who waits in several groups is only told (Rule B5)


def woken(replica: Replica) -> list[int]:
    return [client for _, client in replica.machine.take_woken()]


def test_it_is_told_once_and_takes_nothing():
    """B5."""
    replica = Replica()
    assert replica.run("AWAIT 1 there q p", "AWAIT 2 there q", "AWAIT 3 there other") == [OK, OK, OK]
    assert replica.run("RPUSH q x", "LLEN q") == [1, 1]
    assert woken(replica) == [1, 2]
    replica.run("RPUSH q y", "RPUSH p z")
    assert woken(replica) == []
    assert [call.served for call in replica.machine.waiting.by_client.values()] == [True, True, False]
    assert replica.run("RELEASE 1", "RELEASE 2", "RELEASE 3", "RPUSH other x") == [OK, OK, OK, 1]
    assert replica.run("LRANGE q 0 -1") == [[b"x", b"y"]]
    assert not replica.machine.waiting.by_client and not replica.machine.waiting.by_key
    assert woken(replica) == []


def test_it_is_told_of_what_is_there_after_the_change():
    replica = Replica()
    replica.run("RPUSH q x", "AWAIT 1 there q", "AWAIT 2 whatever q")
    replica.run("LPOP q")
    assert woken(replica) == [2]
    replica.one(execute(["RPUSH q x", "DEL q"]))
    assert woken(replica) == []
    replica.run("SET q text")
    assert woken(replica) == [1]


def test_who_waits_here_alone_comes_first():
    replica = Replica()
    replica.run("AWAIT 1 there q", "BLOCK 2 BLPOP q 0", "AWAIT 3 there q")
    replica.run("RPUSH q x")
    assert woken(replica) == [2], "nothing is left"
    replica.run("RPUSH q y z")
    assert woken(replica) == [1, 3]


def test_it_waits_in_the_place_of_what_it_waited_for_before():
    replica = Replica()
    replica.run("AWAIT 1 there q", "AWAIT 1 there p", "RPUSH q x")
    assert woken(replica) == []
    replica.run("BLOCK 1 BLPOP none 0", "RPUSH p x")
    assert woken(replica) == []
    replica.run("AWAIT 1 there p", "NODEDOWN 1 1")
    assert woken(replica) == [1], "it is to wait again, if it lives"


def test_it_is_part_of_a_snapshot():
    replica = Replica()
    replica.run("AWAIT 1 there q p", "AWAIT 2 whatever q")
    walk = SnapshotWalk(replica.machine, 1000)
    load = SnapshotLoad(Machine(100))
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    replica.machine = load.machine
    replica.machine.take_woken()
    replica.run("DEL q", "RPUSH q x")
    assert woken(replica) == [1, 2]


@pytest.mark.parametrize(
    ("call", "keys", "when"),
    [
        ("BLPOP a b 0", "a b", "there"),
        ("BLMPOP 0 2 a b LEFT", "a b", "there"),
        ("BLMOVE a b LEFT LEFT 0", "a", "there"),
        ("BRPOPLPUSH a b 0", "a", "there"),
        ("BZMPOP 0 2 a b MIN", "a b", "there"),
        ("XREAD BLOCK 0 STREAMS a b $ $", "a b", "there"),
        ("XREADGROUP GROUP g c BLOCK 0 STREAMS a b > >", "a b", "whatever"),
    ],
)
def test_for_what_a_call_waits(call, keys, when):
    args = call.encode().split()
    assert (b" ".join(keys_awaited(args)).decode(), when_told(args).decode()) == (keys, when)
