"""A group of mode ``eventual`` between its node and its rooms."""

import copy

from tests.core.node.bench import encode
from tests.core.node.founded import founded
from trivet.core.gossip.messages import updates_of
from trivet.core.group.eventual_group import SWEEP_AFTER_MS, EventualGroup
from trivet.core.group.messages import NotLeader
from trivet.core.group.run import Nobody, Run
from trivet.core.lattice.delta import STRING, Change, Delta

FIRST = 2
CHANGE = Change(STRING, b"", payload=b"\0x")


def with_copies(nodes: int = 3, options: str = "REPLICAS 3"):
    bench = founded(nodes, f"7 MODE eventual {options}")
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        if number <= nodes:
            assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    return bench


def group(bench, number: int) -> EventualGroup:
    found = bench.node(number).front.leaderless[FIRST]
    assert isinstance(found, EventualGroup)
    return found


def test_a_write_is_answered_when_it_is_synced_and_then_others_hear_of_it():
    """X4."""
    bench = with_copies()
    bench.hold(1)
    assert bench.ask("a", "SET k 1") == "", "nothing is promised that the disk might forget"
    bench.wait(100)
    assert bench.answer("b", "GET k") == "nil"
    assert bench.ask("d@1", "SELECT 7") == "+OK"
    assert bench.ask("d", "GET k") == "", "nor shown to a reader"
    bench.release(1)
    bench.wait(100)
    assert bench.answer("b", "GET k") == '"1"'


def test_what_a_transaction_publishes_and_events_are_told_when_its_writes_are_synced():
    """X4: nobody hears of what the disk might forget."""
    bench = with_copies()
    bench.answer("a", "CONFIG SET notify-keyspace-events KEA")
    for name in ("near@1", "far@2"):
        assert "news" in bench.answer(name, "SUBSCRIBE news")
        assert "set" in bench.answer(name.partition("@")[0], "PSUBSCRIBE __keyevent@7__:set")
    bench.hold(1)
    said = bench.say("a", "MULTI | SET k 1 | PUBLISH news hello | EXEC")
    assert not any("hello" in line or "__:set" in line for line in said)
    bench.events = []
    bench.release(1)
    bench.wait(100)
    for name in ("near", "far"):
        heard = [text for who, text in bench.events if who == name]
        assert len(heard) == 2 and "hello" in heard[0] and "__:set" in heard[1], heard


def test_who_hears_at_another_node_what_a_transaction_publishes_finds_its_writes_there():
    bench = with_copies()
    assert "news" in bench.answer("far@2", "SUBSCRIBE news")
    for n in range(50):
        bench.events = []
        bench.send("a", encode(f"MULTI | SET k {n} | PUBLISH news {n} | EXEC"))
        while not any(who == "far" for who, _ in bench.events):
            assert bench.step(), "it is never heard"
        assert group(bench, 2).executor.view.get(b"k") == b"%d" % n


def test_reads_are_answered_at_once_when_nothing_is_on_its_way():
    bench = with_copies()
    bench.answer("a", "SET k 1")
    bench.wait(200)
    bench.hold(1)
    assert bench.answer("a", "GET k") == '"1"'
    bench.release(1)


def test_what_was_answered_is_there_after_a_crash_of_all():
    bench = with_copies()
    for n in range(20):
        assert bench.answer("abc"[n % 3], f"INCR n{n % 4}") == f"{n // 4 + 1}"
        bench.wait(40)
    for number in bench.servers:
        bench.crash(number)
    for number in bench.servers:
        bench.start(number)
    bench.connect_all()
    bench.wait(3_000)
    assert bench.answer("x@1", "SELECT 7") == "+OK"
    assert bench.answer("x", "MGET n0 n1 n2 n3") == '["5" "5" "5" "5"]'
    actors = [group(bench, number).gossip.actor for number in bench.servers]
    assert len(dict.fromkeys(actors)) == 3


def test_a_replica_that_comes_back_goes_on_as_the_same_actor():
    bench = with_copies()
    bench.answer("a", "SET k 1")
    actor = group(bench, 1).gossip.actor
    bench.crash(1)
    bench.start(1)
    bench.connect_all()
    bench.until(lambda: FIRST in bench.node(1).front.leaderless)
    assert group(bench, 1).gossip.actor == actor


def test_whose_disk_has_lost_what_others_have_goes_on_as_another_actor():
    """N10 of the room: no dot is given twice."""
    bench = with_copies()
    bench.answer("a", "SET k 1")
    bench.wait(200)
    held = group(bench, 1)
    before = held.gossip.actor
    held.settings = type(held.settings)(
        FIRST, 1, held.settings.incarnation + 1, held.settings.command_timeout_ms, held.settings.resend_ms,
        held.settings.limits,
    )  # fmt: skip
    held.gossip.is_forgetful = True
    held.stir()
    bench.servers[1].dirty = True
    assert bench.answer("a", "SET k 2") == "+OK"
    assert held.gossip.actor == held.executor.actor != before
    bench.wait(200)
    assert bench.answer("b", "GET k") == '"2"'


def test_what_is_late_is_not_seen_and_the_first_member_takes_it_away():
    """X6."""
    bench = with_copies()
    assert bench.answer("c", "SET k v PX 300") == "+OK"
    bench.wait(200)
    assert bench.answer("a", "GET k") == '"v"'
    bench.wait(200)
    assert [bench.answer(client, "GET k") for client in "abc"] == ["nil"] * 3
    bench.until(lambda: all(group(bench, number).keys == 0 for number in bench.servers))


def test_when_the_first_member_is_away_the_next_does():
    bench = with_copies()
    assert bench.answer("c", "SET k v PX 300") == "+OK"
    bench.wait(100)
    bench.crash(1)
    bench.wait(1_000)
    assert group(bench, 2).keys == 1 and bench.answer("b", "GET k") == "nil"
    bench.wait(SWEEP_AFTER_MS + 1_000)
    assert group(bench, 2).keys == group(bench, 3).keys == 0


def test_it_sleeps_when_everybody_has_heard_everything():
    bench = with_copies()
    bench.answer("a", "SET k 1")
    bench.wait(5_000)
    for number in bench.servers:
        held = group(bench, number)
        assert held.asleep, number
        held.check_rest()
        held.check_invariants()


def test_a_message_of_another_mode_is_passed_over():
    bench = with_copies()
    group(bench, 1).on_message(2, NotLeader(1, 1))
    bench.servers[1].dirty = True
    assert bench.answer("a", "SET k 1") == "+OK"


def test_a_client_that_tracks_is_told_of_changes_elsewhere():
    bench = with_copies()
    bench.ask("a", "HELLO 3")
    bench.answer("a", "SET k 1")
    bench.wait(200)
    bench.ask("a", "CLIENT TRACKING ON")
    assert bench.answer("a", "GET k") == '"1"'
    bench.say("b", "SET k 2")
    bench.wait(200)
    assert bench.answer("a", "GET k") == '"2"'


def test_a_full_disk_takes_no_writes_and_serves_reads():
    bench = with_copies()
    bench.answer("a", "SET k 1")
    bench.wait(200)
    bench.servers[1].disk.full = True
    for n in range(400):
        if bench.answer("a", f"SET big{n} {'x' * 1_000}").startswith("-"):
            break
    else:
        raise AssertionError("it never was full")
    assert group(bench, 1).disk_full
    assert bench.answer("a", "GET k") == '"1"'
    assert bench.answer("b", "SET k 2") == "+OK", "others go on"
    bench.servers[1].disk.full = False
    bench.until(lambda: bench.answer("a", "GET k") == '"2"')


def test_how_it_stands_while_members_change():
    """X5: who goes takes no calls, and tells what it alone has."""
    bench = with_copies(3)
    held = group(bench, 3)
    assert held.serves and held.standing() == (1, True, 0)
    row = bench.node(3).front.cluster.groups[FIRST]
    bench.cut(3)
    bench.answer("c", "SET mine 1")
    assert held.standing().kept == 1
    row.membership, row.incoming = 1, [1, 2]
    held.follow(row)
    assert not held.serves and held.standing().epoch == 2
    bench.heal()
    bench.wait(500)
    assert held.standing().kept == 1, "the others have it, and go by other members (X17)"
    for number in (1, 2):
        group(bench, number).follow(row)
        bench.servers[number].dirty = True
    bench.wait(500)
    assert held.standing().kept == 0
    bench.answer("c", "SET mine 2")
    assert held.executor.lattice.clock.base(held.gossip.actor) == 1, "it was run at another"
    bench.wait(200)
    assert bench.answer("a", "GET mine") == '"2"'


def test_updates_are_told_apart_from_nonsense():
    """What a peer sends is judged before it is logged."""
    bench = with_copies()
    held = group(bench, 1)
    held.on_message(2, updates_of([Delta(5, 1, 1, b"k", [CHANGE, CHANGE])]))
    bench.servers[1].dirty = True
    bench.wait(100)
    assert held.gossip.refused >= 1 and bench.answer("a", "EXISTS k") == "0"


# -- who is no member any more (Rules X10, X11)


def without(bench, number: int, members: list[int], incoming: list[int], since=()) -> None:
    """Node ``number`` hears of the next map's row of the group, and nobody else does."""
    residents = bench.node(number).residents
    row = copy.deepcopy(bench.node(number).front.cluster.groups[FIRST])
    row.membership, row.members, row.incoming = group(bench, number).epoch, members, incoming
    row.since = list(since)
    residents._leaderless.follow(row, "eventual", True)
    residents._list()
    bench.node(number).front.homes_changed()
    bench.servers[number].dirty = True


def test_what_was_carried_to_a_member_that_goes_is_run_at_another():
    """X10."""
    bench = with_copies(3, "REPLICAS 2 ON 1 2")
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.wait(200)
    bench.hold(2)
    assert bench.ask("b", "SET mine 1") == "", "its disk hangs"
    assert bench.ask("c", "GET k") == "", "carried to node 2, and behind what is not synced"
    assert bench.answer("b2@2", "SELECT 7") == "+OK"
    assert bench.ask("b2", "GET k") == ""
    without(bench, 2, [1], [])
    told = bench.act("wait 300")
    assert 'c: "1"' in told and 'b2: "1"' in told
    assert [line for line in told if line.startswith("b: -TIMEOUT")], "nobody else knows of it"
    bench.release(2)


def test_what_had_come_and_was_not_run_is_handed_on():
    """X10."""
    bench = with_copies(3, "REPLICAS 2 ON 1 2")
    held = group(bench, 2)
    for name, words in (("b", ["INCR", "n"]), ("c", ["INCR", "n"])):
        run = Run(Nobody(), True)
        run.add((7, [word.encode() for word in words]), 10)
        group(bench, {"b": 2, "c": 3}[name]).write(run, 0)
    assert held._staged
    without(bench, 2, [1], [])
    assert not held._staged
    bench.settle()
    bench.wait(200)
    assert bench.answer("a", "GET n") == '"2"'


def test_numbers_of_what_is_carried_go_on():
    """X8, X10: who took them as a member that went does not know that it began anew."""
    bench = with_copies(3, "REPLICAS 2 ON 1 2")
    without(bench, 2, [1, 2], [1])
    for n in range(3):
        assert bench.answer("b", "INCR n") == f"{n + 1}"
    without(bench, 2, [1], [])
    for n in range(3, 6):
        assert bench.answer("b", "INCR n") == f"{n + 1}"
    assert group(bench, 2).keys == 0


def test_an_answer_to_what_was_sent_before_is_not_taken_for_another():
    """X10."""
    bench = with_copies(3, "REPLICAS 2 ON 1 2")
    assert bench.say("a", "SET k 1 | SET other 2")[-1] == "+OK"
    bench.wait(200)
    without(bench, 2, [1, 2], [1])
    bench.hold(1)
    bench.ask("a", "SET k 3")
    assert bench.ask("b", "GET k") == "", "it waits at node 1"
    without(bench, 2, [1], [])
    assert bench.answer("b2@2", "SELECT 7") == "+OK"
    assert bench.ask("b2", "GET other") == ""
    bench.release(1)
    told = bench.act("wait 300")
    assert 'b: "3"' in told and 'b2: "2"' in told


def test_who_comes_back_within_a_life_makes_updates_as_another_actor():
    """J7: those who give it what they have need not know all that it has made before."""
    bench = with_copies(3, "REPLICAS 3")
    assert bench.answer("c", "SET k 1") == "+OK"
    bench.wait(200)
    before = group(bench, 3).gossip.actor
    without(bench, 3, [1, 2], [])
    without(bench, 3, [1, 2, 3], [], [(3, 3)])
    bench.until(lambda: group(bench, 3).serves)
    assert group(bench, 3).gossip.actor == group(bench, 3).executor.actor > before
    assert bench.answer("c", "GET k") == '"1"'
    actor = group(bench, 3).gossip.actor
    bench.crash(3)
    bench.start(3)
    bench.connect_all()
    bench.until(lambda: FIRST in bench.node(3).front.leaderless)
    assert bench.node(3).front.system.settings.incarnation > actor & ((1 << 44) - 1)


def test_who_was_out_meanwhile_and_has_not_heard_of_it_begins_anew():
    """X11."""
    bench = with_copies(3, "REPLICAS 3")
    assert bench.answer("a", "INCRBY n 5") == "5"
    bench.wait(200)
    held = group(bench, 3)
    without(bench, 3, [1, 2, 3], [], [(3, 2)])
    anew = group(bench, 3)
    assert anew is not held and not anew.serves and anew.keys == 0
    bench.until(lambda: group(bench, 3).serves)
    assert bench.answer("c", "GET n") == '"5"'
    bench.wait(200)
    without(bench, 3, [1, 2, 3], [], [(3, 2)])
    assert group(bench, 3) is anew, "it has been there since then"
    bench.crash(3)
    bench.start(3)
    bench.connect_all()
    bench.until(lambda: FIRST in bench.node(3).front.cluster.groups)
    again = group(bench, 3)
    without(bench, 3, [1, 2, 3], [], [(3, 2)])
    assert group(bench, 3) is again and again.keys == 1, "the disk knows since when, too"
    without(bench, 3, [1, 2, 3], [], [(3, 9)])
    assert group(bench, 3) is not again


def test_reads_do_not_wait_for_a_member_that_is_silent():
    bench = with_copies(3, "REPLICAS 2 ON 1 2")
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.wait(200)
    bench.hold(2)
    bench.ask("b", "SET mine 1")
    assert bench.ask("c", "GET k") == "", "node 2 answers nothing"
    held = group(bench, 3)
    held.on_peer_silent(2)
    bench.servers[3].dirty = True
    assert bench.act("wait 300") == ['c: "1"']
    held.on_peer_silent(1)
    held.on_peer_silent(2)
    assert held.carriers.busy is False
    bench.release(2)


def test_what_was_asked_of_a_node_that_could_not_answer_is_asked_again():
    """It had lost its link to the one who asks, who hears of that by the next one."""
    bench = with_copies(3, "REPLICAS 1 ON 1")
    assert bench.answer("c", "SET k 1") == "+OK"
    bench.node(1).on_peer_lost(3)
    bench.settle()
    assert bench.ask("c", "GET k") == "", "node 1 runs it, and can't say what came out"
    bench.dial(1, 3)
    bench.wait(300)
    assert not group(bench, 3).carriers.busy
