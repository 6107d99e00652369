import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.values.keyed import SMALL_MAX
from trivet.core.wire.reply import Error


def test_fields_are_set_and_given():
    check("""
        > HSET h a 1 b 2
        2
        > HSET h b 3 c 4
        1
        > HGET h b
        "3"
        > HGET h x
        nil
        > HGET none x
        nil
        > HMGET h a x c
        ["1" nil "4"]
        > HMGET none a b
        [nil nil]
        > HGETALL h
        {"a": "1", "b": "3", "c": "4"}
        > HGETALL none
        {}
        > HKEYS h
        ["a" "b" "c"]
        > HVALS h
        ["1" "3" "4"]
        > HLEN h
        3
        > HLEN none
        0
        > HEXISTS h a
        1
        > HEXISTS h x
        0
        > HEXISTS none x
        0
        > HSTRLEN h a
        1
        > HSTRLEN h x
        0
        > HSTRLEN none x
        0
        > HMSET h d 5
        +OK
        > HSETNX h d 6
        0
        > HSETNX h e 6
        1
        > HSETNX new e 6
        1
        > HSET h a
        -ERR wrong number of arguments for 'hset' command
        > HSET h a 1 b
        -ERR wrong number of arguments for 'hset' command
        > HMSET h a 1 b
        -ERR wrong number of arguments for 'hmset' command
    """)


def test_an_emptied_hash_is_gone():
    check("""
        > HSET h a 1 b 2
        2
        > HDEL h a a x
        1
        > HDEL h b
        1
        > EXISTS h
        0
        > HDEL h b
        0
    """)


def test_counting():
    check("""
        > HINCRBY h n 5
        5
        > HINCRBY h n -7
        -2
        > HINCRBY h n x
        -ERR value is not an integer or out of range
        > HSET h text x max 9223372036854775807
        2
        > HINCRBY h text 1
        -ERR hash value is not an integer
        > HINCRBY h max 1
        -ERR increment or decrement would overflow
        > HINCRBY h max -1
        9223372036854775806
        > HINCRBYFLOAT h f 0.1
        "0.1"
        > HINCRBYFLOAT h f 0.2
        "0.3"
        > HINCRBYFLOAT h f x
        -ERR value is not a valid float
        > HINCRBYFLOAT h f inf
        -ERR value is NaN or Infinity
        > HINCRBYFLOAT h f nan
        -ERR value is not a valid float
        > HINCRBYFLOAT h text 1
        -ERR hash value is not a float
        > HINCRBYFLOAT h n -0.5
        "-2.5"
        > HSET h big 1e4932
        1
        > HINCRBYFLOAT h big 1.1e4932
        -ERR increment would produce NaN or Infinity
    """)


def test_chance_and_scans():
    check("""
        > HSET h a 1 b 2 c 3
        3
        > HRANDFIELD h
        "b"
        > HRANDFIELD h 2
        ["a" "c"]
        > HRANDFIELD h 2 WITHVALUES
        [("b" "2") ("a" "1")]
        > HRANDFIELD h 9
        ["a" "b" "c"]
        > HRANDFIELD h -4
        ["c" "c" "a" "a"]
        > HRANDFIELD h 0
        []
        > HRANDFIELD none
        nil
        > HRANDFIELD none 2
        []
        > HRANDFIELD h x
        -ERR value is not an integer or out of range
        > HRANDFIELD h 1 WITHSCORES
        -ERR syntax error
        > HRANDFIELD h 1 WITHVALUES x
        -ERR syntax error
        > HRANDFIELD h 4611686018427387904 WITHVALUES
        -ERR value is out of range
        > HRANDFIELD h -9223372036854775808
        -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > HRANDFIELD h -9223372036854775807
        -ERR value is out of range, a reply may repeat at most 1048576 elements
        > HRANDFIELD h -67108865
        -ERR value is out of range, a reply may repeat at most 1048576 elements
        > HSCAN h 0
        ["0" ["a" "1" "b" "2" "c" "3"]]
        > HSCAN h 0 MATCH [ab] COUNT 1
        ["0" ["a" "1" "b" "2"]]
        > HSCAN none 0 COUNT x
        ["0" []]
        > HSCAN h x
        -ERR invalid cursor
        > HSCAN h 0 COUNT x
        -ERR value is not an integer or out of range
        > HSCAN h 0 COUNT 0
        -ERR syntax error
        > HSCAN h 0 COUNT
        -ERR syntax error
        > HSCAN h 0 TYPE string
        -ERR syntax error
    """)


@pytest.mark.parametrize(
    "line",
    [
        "HSET s a 1",
        "HMSET s a 1",
        "HSETNX s a 1",
        "HDEL s a",
        "HINCRBY s a 1",
        "HINCRBYFLOAT s a 1",
        "HGET s a",
        "HMGET s a",
        "HGETALL s",
        "HKEYS s",
        "HVALS s",
        "HLEN s",
        "HEXISTS s a",
        "HSTRLEN s a",
        "HRANDFIELD s",
        "HRANDFIELD s 1",
        "HSCAN s 0",
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
    assert touches("HSET h a 1", "HDEL h b") == []
    assert touches("HSET h a 1", "HSETNX h a 2") == []
    assert touches("HSET h a x", "HINCRBY h a 1") == []
    assert touches("HSET h a x", "HINCRBYFLOAT h a 1") == []
    assert touches("HSET h a 1", "HDEL h a") == [b"h"]
    assert touches("HSET h a 1", "HSET h a 1") == [b"h"]


def test_a_scan_of_a_large_hash_meets_every_field():
    replica = Replica()
    fields = {b"%d" % number: b"v%d" % number for number in range(SMALL_MAX * 3)}
    for field, value in fields.items():
        replica.run_args([b"HSET", b"h", field, value])
    found: dict[bytes, bytes] = {}
    cursor, steps = b"0", 0
    while steps == 0 or cursor != b"0":
        reply = replica.run_args([b"HSCAN", b"h", cursor, b"COUNT", b"50"])
        cursor, flat = reply
        found.update(zip(flat[::2], flat[1::2], strict=True))
        steps += 1
    assert found == fields
    assert steps > 5
