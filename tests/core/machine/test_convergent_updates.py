"""What concurrent calls come to, type by type: conversations with replicas that have not heard of one another."""

import pytest

from tests.core.machine.convergence import Replica, check_same, converse
from tests.core.machine.convergent_talks import TALKS


@pytest.mark.parametrize("talk", TALKS)
def test_talk(talk):
    converse(TALKS[talk])


def test_of_many_replicas_that_count_each_sum_is_exact_to_the_last_digit():
    replicas = [Replica(1), Replica(2)]
    sent = [[], []]
    for step, amount in enumerate(("0.1", "0.2", "1e-9", "3.3", "-0.7", "1e15")):
        for at, replica in enumerate(replicas):
            sent[at] += replica.say(f"ZINCRBY z {amount} m")[1] + replica.say("INCRBYFLOAT k 0.1")[1]
            replica.check()
        if step % 2:
            for at, replica in enumerate(replicas):
                for delta in sent[1 - at]:
                    replica.hear(delta)
            check_same(replicas)
    assert replicas[0].say("GET k")[0] == b"1.2"


@pytest.mark.parametrize("line", ["LPUSH l x", "RPUSH l x", "LPOP l", "RPOP l", "LSET l 7 x", "LTRIM l 1 -1"])
def test_an_update_of_a_long_list_names_no_more_than_changes(line):
    replica = Replica(1)
    replica.run([b"RPUSH", b"l", *[b"%d" % one for one in range(500)]])
    _, (delta,) = replica.say(line)
    assert len(delta.changes) == 1
    replica.check()


@pytest.mark.parametrize(
    ("first", "line", "changes"),
    [
        ("XADD s * f v", "EXPIRE s 100", 1),
        ("HSET h f 1 g 2", "HINCRBY h f 1", 1),
        ("HSET h f 1 g 2", "EXPIRE h 100", 1),
        ("SADD s x y z", "SPOP s", 1),
        ("ZADD z 1 x 2 y", "ZREMRANGEBYSCORE z 1 1", 1),
        ("SET k v", "EXPIRE k 100", 1),
        ("SET k v", "SETNX k w", 0),
        ("SADD s x", "SADD s x", 1),
        ("SADD s x", "SREM s y", 0),
        ("ZADD z 1 x", "ZADD z XX 1 y", 0),
        ("ZADD z 5 x", "ZADD z GT 1 x", 0),
        ("SET k v", "GET k", 0),
        ("RPUSH l x", "LINSERT l BEFORE nothing y", 0),
        ("SET k v", "INCR k", 0),
        ("SADD s x", "GET s", 0),
    ],
)
def test_an_update_holds_what_changed_and_nothing_else(first, line, changes):
    replica = Replica(1)
    replica.say(first)
    _, made = replica.say(line)
    assert sum(len(delta.changes) for delta in made) == changes
