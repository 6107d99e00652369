"""Calls in the log that are no commands: the table of them. What each does is tested beside its subject."""

from tests.core.machine.replicas import Replica, call, execute
from trivet.core.machine.specials import MOVING, OUT_OF_MEMORY, ROWS_WITHOUT_GROWTH, UNKNOWN, run_calls
from trivet.core.wire.reply import OK, Simple


def test_an_unknown_word():
    assert Replica().one("NOSUCH 1") == UNKNOWN


def test_every_word_about_slots_has_its_function():
    machine = Replica().machine
    assert MOVING.keys() < machine._specials.keys()


def test_without_memory_what_grows_is_refused():
    replica = Replica()
    replica.run("SETTING maxmemory 1", "EVICT 1")
    assert replica.run("SET a 1", "GET a", execute(["SET a 1"]))[:2] == [OUT_OF_MEMORY, None]
    assert ROWS_WITHOUT_GROWTH[b"DEL"].run is not None


def test_replies_stand_among_the_calls_of_a_transaction():
    machine = Replica().machine
    calls = [(-1, [b"+", b"PONG"]), call("SET a 1"), (-1, [b"$", b"x"])]
    assert run_calls(machine._writes, calls) == [Simple("PONG"), OK, b"x"]
