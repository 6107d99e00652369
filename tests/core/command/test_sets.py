import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.wire.reply import Error, Members


def test_members():
    check("""
        > SADD s a b a
        2
        > SADD s b c
        1
        > SADD s a
        0
        > SCARD s
        3
        > SCARD none
        0
        > SMEMBERS s
        ~["a" "b" "c"]
        > SMEMBERS none
        ~[]
        > SISMEMBER s a
        1
        > SISMEMBER s x
        0
        > SISMEMBER none x
        0
        > SMISMEMBER s a x
        [1 0]
        > SMISMEMBER none a x
        [0 0]
        > SREM s a a x
        1
        > SREM s b c
        2
        > EXISTS s
        0
        > SREM s a
        0
    """)


def test_moving():
    check("""
        > SADD s a b
        2
        > SMOVE s t a
        1
        > SMOVE s t x
        0
        > SMOVE none t x
        0
        > SADD t b
        1
        > SMOVE s t b
        1
        > EXISTS s
        0
        > SMEMBERS t
        ~["a" "b"]
        > SMOVE t t a
        1
        > SMOVE t t x
        0
        > SET text x
        +OK
        > SMOVE none text a
        0
        > SMOVE t text a
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE text t a
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_chance():
    check("""
        > SADD s a b c d
        4
        > SPOP s
        "c"
        > SPOP s 2
        ~["a" "d"]
        > SPOP s 0
        ~[]
        > SPOP s 9
        ~["b"]
        > EXISTS s
        0
        > SPOP s
        nil
        > SPOP s 2
        ~[]
        > SPOP s -1
        -ERR value is out of range, must be positive
        > SPOP s x
        -ERR value is out of range, must be positive
        > SPOP s 1 2
        -ERR syntax error
        > SADD s a b c d
        4
        > SRANDMEMBER s
        "d"
        > SRANDMEMBER s 2
        ["c" "b"]
        > SRANDMEMBER s 9
        ["a" "b" "c" "d"]
        > SRANDMEMBER s -6
        ["d" "d" "a" "c" "c" "a"]
        > SRANDMEMBER s 0
        []
        > SRANDMEMBER none
        nil
        > SRANDMEMBER none 2
        []
        > SRANDMEMBER s x
        -ERR value is not an integer or out of range
        > SRANDMEMBER s 1 2
        -ERR syntax error
        > SRANDMEMBER s -9223372036854775808
        -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > SRANDMEMBER s -9223372036854775807
        -ERR value is out of range, a reply may repeat at most 1048576 elements
        > SRANDMEMBER s 9223372036854775807
        ["a" "b" "c" "d"]
    """)


def test_scans():
    check("""
        > SADD s a b c
        3
        > SSCAN s 0
        ["0" ["a" "b" "c"]]
        > SSCAN s 0 MATCH b
        ["0" ["b"]]
        > SSCAN none 0 COUNT x
        ["0" []]
        > SSCAN s x
        -ERR invalid cursor
        > SSCAN s 0 COUNT 0
        -ERR syntax error
    """)


@pytest.mark.parametrize(
    "line",
    [
        "SADD s a",
        "SREM s a",
        "SPOP s",
        "SPOP s 0",
        "SRANDMEMBER s",
        "SRANDMEMBER s 1",
        "SISMEMBER s a",
        "SMISMEMBER s a",
        "SCARD s",
        "SMEMBERS s",
        "SSCAN s 0",
    ],
)
def test_another_type_is_refused_and_left_alone(line):
    replica = Replica()
    replica.run("SET s text")
    reply = replica.run(line)
    assert isinstance(reply, Error)
    assert reply.text.startswith("WRONGTYPE")
    assert replica.run("GET s") == b"text"


def test_a_write_without_effect_is_no_change():
    assert touches("SADD s a", "SADD s a a") == []
    assert touches("SADD s a", "SREM s b") == []
    assert touches("SADD s a", "SPOP s 0") == []
    assert touches("SADD s a", "SMOVE s s a") == []
    assert touches("SADD s a", "SMOVE s t b") == []
    assert touches("SADD s a", "SADD t a", "SMOVE s t a") == [b"s"]
    assert touches("SADD s a", "SPOP s") == [b"s"]


def test_every_member_is_popped_once_and_chance_is_even():
    first: dict[bytes, int] = {}
    for seed in range(400):
        replica = Replica()
        replica.run("SADD s a b c d")
        popped = [replica.run("SPOP s", seed * 4 + turn) for turn in range(4)]
        assert sorted(popped) == [b"a", b"b", b"c", b"d"]
        first[popped[0]] = first.get(popped[0], 0) + 1
    assert min(first.values()) > 60


def test_large_counts_on_large_sets():
    replica = Replica()
    replica.run_args([b"SADD", b"s", *(b"%d" % number for number in range(5000))])
    few = replica.run("SRANDMEMBER s 10", 1)
    assert len(set(few)) == 10
    many = replica.run("SRANDMEMBER s 4000", 2)
    assert len(set(many)) == 4000
    assert len(replica.run("SRANDMEMBER s -20000", 3)) == 20000
    taken = replica.run("SPOP s 4999", 4)
    assert isinstance(taken, Members)
    assert len(set(taken.items)) == 4999
    assert replica.run("SCARD s") == 1
