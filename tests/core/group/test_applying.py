"""What applied entries say to others, and that replicas compare what they have come to (Rule G3)."""

from tests.core.node.bench import Bench, encode
from trivet.core.group.applying import digest_complaint
from trivet.core.machine.machine import Machine


def test_another_digest_at_the_same_index_is_a_complaint_and_an_unknown_index_is_none():
    machine = Machine(10)
    machine.digests[64] = 7
    assert digest_complaint(machine, 64, (7).to_bytes(4, "big")) == ""
    assert digest_complaint(machine, 128, b"abcd") == ""
    assert "differs from the leader's at index 64" in digest_complaint(machine, 64, b"abcd")


def test_nor_what_a_script_published_that_pauses_when_it_is_run_again():
    bench = Bench()
    bench.ask("a", "CONFIG SET script-instructions-max 100000")
    bench.ask("a", "EVAL \"redis.call('PUBLISH', 'c', 'once') for i = 1, 400000 do end\" 0")
    bench.crash(1)
    bench.start(1)
    bench.connect("s")
    bench.send("s", encode("SUBSCRIBE c"))
    bench.elect(1)
    assert bench.node(1).group.is_as_before
    assert [text for who, text in bench.events if who == "s"] == ['["subscribe" "c" 1]']
    assert 's: ["message" "c" "twice"]' in bench.say("b", "PUBLISH c twice")


def test_what_entries_of_an_earlier_life_published_is_not_said_again():
    bench = Bench()
    bench.talk(
        """
        a> CONFIG SET notify-keyspace-events KEA
        +OK
        a> SET k 1
        +OK
        * crash 1
        a: closed
        """
    )
    bench.start(1)
    group = bench.node(1).group
    bench.connect("s")
    bench.ask("s", "PSUBSCRIBE *")
    bench.elect(1)
    assert bench.events == [] and group.is_as_before
    bench.ask("b", "SET k 2")
    assert [text for who, text in bench.events if who == "s"] or group.events == []
