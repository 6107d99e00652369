"""Scripts and patterns that come to keys which they did not name: locked, elsewhere, or on their way."""

import pytest

from tests.core.machine.replicas import Replica, call, execute
from tests.core.machine.test_checking import HERE, NOW, THERE, half
from tests.core.machine.transaction_words import finish, ident, lock
from trivet.core.base.prng import Prng
from trivet.core.machine.owner import WIDER
from trivet.core.transaction.words import SHARED
from trivet.core.wire.reply import Error, NotHere

T1 = ident(1)


def script(body: str, *keys: str, name: str = "EVAL"):
    return 0, [name.encode(), body.encode(), b"%d" % len(keys), *[key.encode() for key in keys]]


def locked(*keys) -> Replica:
    one = Replica()
    one.one("SET a 0")
    one.one(lock(T1, *keys))
    return one


def test_a_script_that_comes_to_a_locked_key_is_undone_and_waits():
    one = locked("a")
    body = "redis.call('SET', 'b', 1) redis.pcall('set', 'a', 1) redis.call('SET', 'c', 1) return 1"
    at = one.machine.applied_index + 1
    assert one.one(script(body)) == NotHere(at)
    assert one.run("EXISTS b", "EXISTS c") == [0, 0]
    assert one.one((0, [b"SINCE", b"3", *script(body)[1]])) == NotHere(3)
    one.one(finish(T1))
    assert one.one(script(body)) == 1
    assert one.run("GET a", "GET b", "GET c") == [b"1", b"1", b"1"]


def test_a_script_reads_what_is_locked_for_sharing():
    one = locked(("a", SHARED))
    assert one.one(script("return redis.call('get', 'a')")) == b"0"
    assert isinstance(one.one(script("return redis.call('incr', 'a')")), NotHere)
    assert one.machine.read([script("return redis.call('get', 'a')", name="EVAL_RO")], 0, Prng(1)) == [b"0"]


def test_a_script_that_only_reads_waits_too():
    one = locked("a")
    reads = script("return redis.call('get', 'a')", name="EVAL_RO")
    assert one.machine.read([reads], 0, Prng(1)) == [NotHere(one.machine.applied_index)]
    assert isinstance(one.one(reads), NotHere)
    assert one.machine.read(
        [call("GET b"), execute(["EVAL_RO \"return redis.call('get', 'a')\" 0"])], 0, Prng(1)
    ) == [
        None,
        NotHere(one.machine.applied_index),
    ]


@pytest.mark.parametrize("inner", ["DBSIZE", "FLUSHALL", "keys', '*"])
def test_whole_databases_in_scripts(inner):
    one = locked("a")
    assert isinstance(one.one(script(f"return redis.call('{inner}')")), NotHere)
    one.one(finish(T1))
    assert not isinstance(one.one(script(f"return redis.call('{inner}')")), NotHere | Error)


def test_who_only_reads_sets_no_barrier():
    one = locked("a")
    one.machine.read([script("return redis.pcall('FLUSHALL')", name="EVAL_RO")], 0, Prng(1))
    assert one.machine.intents.locks.barrier_until_ms == 0


def test_patterns_that_come_to_a_locked_key():
    one = locked("w2")
    one.run("RPUSH l 2 1", "SET w1 1")
    assert isinstance(one.one("SORT l BY w*"), NotHere)
    assert isinstance(one.machine.read([call("SORT_RO l BY w*")], 0, Prng(1))[0], NotHere)
    one.one(finish(T1))
    assert one.one("SORT l BY w*") == [b"2", b"1"]


def test_a_transaction_is_undone_as_one():
    group = half()
    lines = [f"SET {HERE} 1", f"EVAL \"return redis.call('SET', '{THERE}', 1)\" 0", f"SET {HERE} 2"]
    assert group.ask([execute(lines)], NOW) == [WIDER]
    assert group.read(f"EXISTS {HERE}", NOW) == 0
    assert group.machine.turned_away > 0


def test_reads_by_the_newest_map_are_looked_at_for_keys_of_other_groups():
    group = half()
    body = f"return redis.call('GET', '{THERE}')"
    assert group.machine.read([script(body, name="EVAL_RO")], 0, Prng(1), NOW) == [WIDER]
    assert group.machine.read([script("return 1", name="EVAL_RO")], 0, Prng(1), NOW) == [1]
