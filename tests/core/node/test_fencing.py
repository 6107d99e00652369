"""``FENCE`` on whole nodes, in both modes: numbers grow from owner to owner, whichever node they ask."""

import random

import pytest

from tests.core.node.registers import with_registers


@pytest.mark.parametrize("database", [0, 7])
def test_each_owner_has_a_greater_number_than_all_before(database):
    bench = with_registers()
    chance = random.Random(database)
    for number in bench.servers:
        assert bench.answer(f"c{number}@{number}", f"SELECT {database}") == "+OK"
    told, refused = [0], 0
    for _ in range(30):
        name = f"c{chance.randrange(1, 4)}"
        how = chance.choice(["multi", "script", "look", "gone"])
        if how == "multi":
            bench.say(name, "MULTI | SET lock me NX PX 200 | FENCE lock")
            taken, token = bench.answer(name, "EXEC").strip("[]").split()
            if taken != "+OK":
                refused += 1
                continue
        elif how == "script":
            code = "redis.call('set', KEYS[1], 'me') return redis.call('fence', KEYS[1])"
            token = bench.answer(name, f'EVAL "{code}" 1 lock')
        elif how == "look":
            token = bench.answer(name, "FENCE lock")
            assert int(token) >= told[-1]
        else:
            bench.answer(name, "DEL lock")
            continue
        assert how == "look" or int(token) > told[-1]
        told.append(int(token))
    assert refused and len(set(told)) > 10


@pytest.mark.parametrize("database", [0, 7])
def test_it_needs_the_right_to_read_its_key(database):
    bench = with_registers()
    rules = "on nopass +@read +select +auth +eval %R~a* ~w*"
    assert bench.answer("r@1", f"ACL SETUSER ann {rules}") == "+OK"
    assert bench.say("a@2", f"SELECT {database} | AUTH ann x") == ["+OK", "+OK"]
    assert "NOPERM" in bench.answer("a", "FENCE b")
    assert int(bench.answer("a", "FENCE a1")) >= 0
    script = "EVAL \"return redis.call('fence', '{0}')\" 1 {0}"
    assert "NOPERM" in bench.answer("a", script.format("b"))
    assert int(bench.answer("a", script.format("w1"))) >= 0, "a script needs both rights on its keys"
