"""Fencing numbers of a group with a log (Rules F1 to F3, G1, G2; G3 in ``test_importing``)."""

import random

from tests.core.machine.replicas import Replica, call, execute, follow
from trivet.core.base.prng import Prng
from trivet.core.machine.fences import Fences
from trivet.core.machine.machine import Machine
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Reply

SINCE = 1_577_836_800_000
FIRST = 1 << 12
"""The first number of a ms."""
TAKE = ["SET k me NX PX 100", "FENCE k"]


def read(replica: Replica, *lines: str) -> list[Reply]:
    return replica.machine.read([call(line) for line in lines], replica.now_ms + 5_000, Prng(1))


def begun() -> Replica:
    return Replica(now_ms=SINCE)


def test_a_number_is_the_machines_time_and_a_count():
    replica = begun()
    assert replica.run("FENCE a", "FENCE a", "FENCE b") == [FIRST, FIRST + 1, FIRST + 2]
    assert replica.one("FENCE a", at_ms=SINCE + 1) == FIRST + 3
    assert replica.one("FENCE a", at_ms=SINCE + 9) == 9 * FIRST


def test_two_owners_of_one_entry_have_two_numbers():
    replica = begun()
    (one,), (none,), _, (two,) = [
        [reply[-1]] if isinstance(reply, list) else [reply]
        for reply in replica.run(execute(TAKE), execute(TAKE), "DEL k", execute(TAKE))
    ]
    assert one < none < two


def test_a_read_is_not_below_owners_before_and_below_owners_after():
    replica = begun()
    (first,) = read(replica, "FENCE k")
    taken = replica.one(execute(TAKE))[1]
    assert first < taken
    assert read(replica, "FENCE k", "GET k") == [taken, b"me"]
    replica.run("DEL k", at_ms=SINCE + 7)
    (between,) = read(replica, "FENCE k")
    assert between == 7 * FIRST - 1
    assert replica.one(execute(TAKE), at_ms=SINCE + 7)[1] == between + 1


def test_reads_change_nothing():
    replica = begun()
    replica.run("FENCE k")
    digest, last = replica.machine.digest, replica.machine.fences.last
    assert read(replica, "FENCE k", "FENCE k") == [last, last]
    assert (replica.machine.digest, replica.machine.fences.last) == (digest, last)


def test_time_that_stands_still_or_is_that_of_1970():
    replica = begun()
    numbers = [replica.one("FENCE k", at_ms=SINCE + 3) for _ in range(3)]
    numbers.append(replica.one("FENCE k", at_ms=5))
    assert numbers == [3 * FIRST + n for n in range(4)]
    early = Replica()
    assert (early.one("FENCE k"), early.one("FENCE k"), read(early, "FENCE k")) == (1, 2, [2])


def test_more_numbers_than_fit_a_ms_run_ahead_of_the_time():
    databases = Databases()
    databases.set_now(SINCE + 1)
    fences = Fences(databases)
    assert fences.time_ms() == SINCE + 1
    numbers = [fences.tell() for _ in range(FIRST + 1)]
    assert numbers[-1] == 2 * FIRST and fences.time_ms() == SINCE + 2
    other = Fences(databases)
    other.rise_above(fences.time_ms())
    assert fences.present() < other.present() < other.tell()


def test_in_a_script_it_is_exact():
    replica = begun()
    replica.one("PING", at_ms=SINCE + (60 * 365 * 86_400_000))
    code = "redis.call('set', KEYS[1], 'me') return redis.call('fence', KEYS[1])"
    told = replica.one((0, [b"EVAL", code.encode(), b"1", b"k"]))
    assert told == replica.machine.fences.last and 1 << 52 < told < 1 << 53
    assert replica.one((0, [b"EVAL", code.encode(), b"1", b"k"])) == told + (1 << 12)
    only_reads = "return redis.call('fence', KEYS[1])"
    answer = replica.machine.read([(0, [b"EVAL_RO", only_reads.encode(), b"1", b"k"])], 0, Prng(1))
    assert answer == [told + (1 << 12)]


def test_on_behalf_of_a_user_it_reads_its_key():
    replica = begun()
    replica.one("USERS SET ann '' on nopass +@all ~a*")
    number, error = replica.one((0, [b"AS", b"ann", b"4", *execute(["FENCE a1", "FENCE b1"])[1]]))
    assert isinstance(number, int) and "NOPERM" in str(error)


def test_replicas_give_the_same_numbers_over_any_history():
    chance = random.Random(5)
    replica = begun()
    told: list[int] = []
    for _ in range(300):
        if chance.random() < 0.3:
            told += [number for number in read(replica, "FENCE k") if isinstance(number, int)]
        else:
            count = chance.randrange(1, 4)
            at_ms = replica.now_ms + chance.choice([0, 0, 1, 2, -1])
            replica.now_ms = at_ms
            replies = replica.run(*["FENCE k"] * count, at_ms=at_ms)
            told += [number for number in replies if isinstance(number, int)]
    assert told == sorted(told)
    twin = Machine(100)
    follow(replica.log, twin)
    assert (twin.digest, twin.fences.last) == (replica.machine.digest, replica.machine.fences.last)
