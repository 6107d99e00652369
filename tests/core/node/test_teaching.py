"""What all groups are taught: functions and scripts (Rules L1, L2)."""

import pytest

from tests.core.node.founded import founded
from tests.core.node.test_sharing import LIBRARY
from trivet.core.node.teaching import is_taught


def test_what_all_groups_have_to_learn():
    for words in ("FUNCTION LOAD x", "FUNCTION flush", "SCRIPT load x"):
        assert is_taught([word.encode() for word in words.split()])
    for words in ("FUNCTION LIST", "SCRIPT EXISTS x", "FUNCTION", "SET LOAD x"):
        assert not is_taught([word.encode() for word in words.split()])


def test_all_groups_know_before_the_answer():
    bench = founded(3, "20", "21 SHARDS 2")
    assert bench.answer("a", f"FUNCTION LOAD {LIBRARY}") == '"lib"'
    for database in (0, 20, 21):
        assert bench.say(f"b{database}@2", f"SELECT {database} | FCALL f 0") == ["+OK", "7"]
    assert bench.answer("a", "FUNCTION DELETE lib") == "+OK"
    for database in (0, 20, 21):
        assert bench.answer(f"b{database}", "FCALL f 0") == "-ERR Function not found"


def test_what_the_system_group_refuses_nobody_hears_of():
    bench = founded(3, "20")
    assert bench.answer("a", f"FUNCTION LOAD {LIBRARY}") == '"lib"'
    assert bench.answer("a", f"FUNCTION LOAD {LIBRARY}") == "-ERR Library 'lib' already exists"
    assert bench.answer("a", f"FUNCTION LOAD REPLACE {LIBRARY}") == '"lib"'
    assert bench.answer("a", "FUNCTION DELETE nosuch") == "-ERR Library not found"


@pytest.mark.parametrize("line", [f"FUNCTION LOAD {LIBRARY}", "FUNCTION FLUSH", "SCRIPT LOAD 'return 1'"])
def test_no_transaction_teaches(line):
    bench = founded(3)
    assert bench.say("a", f"MULTI | {line} | EXEC") == [
        "+OK",
        "-ERR all groups have to learn this, which no transaction can do: say it outside of MULTI",
        "-EXECABORT Transaction discarded because of previous errors.",
    ]
    assert bench.answer("a", "FUNCTION LIST") == "[]"


def test_in_a_transaction_it_may_be_asked_for():
    bench = founded(3, "20")
    assert bench.answer("a", f"FUNCTION LOAD {LIBRARY}") == '"lib"'
    assert bench.say("a", "MULTI | FCALL f 0 | EXEC")[-1] == "[7]"


def test_a_group_that_comes_meanwhile_knows_them():
    """Rule L2: whatever the order in which a keyspace is made and functions are changed."""
    for steps in range(0, 60, 4):
        bench = founded(3)
        assert bench.answer("a", "CONFIG SET slowlog-max-len 9") == "+OK"
        bench.say("a", "KEYSPACE CREATE 20")
        bench.wait(steps)
        bench.say("b@2", f"FUNCTION LOAD {LIBRARY}")
        bench.until(lambda bench=bench: ("b", '"lib"') in bench.events)
        bench.until(lambda bench=bench: bench.node(2).front.router.home(20) is not None)
        assert bench.say("b", "SELECT 20") == ["+OK"]
        assert bench.answer("b", "FCALL f 0") == "7", steps


def test_flushing_all_and_exchanging_stay_out_of_transactions():
    bench = founded(3, "20")
    said = bench.say("a", "MULTI | FLUSHALL | EXEC")
    assert said[-1].startswith("-CROSSSLOT FLUSHALL concerns all groups")
    assert bench.say("a", "SELECT 20 | MULTI | SWAPDB 0 1 | EXEC")[-1].startswith(
        "-CROSSSLOT the other database"
    )
    assert bench.say("a", "SELECT 0 | MULTI | SWAPDB 0 1 | EXEC")[-1] == "[+OK]"
