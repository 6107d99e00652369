from tests.core.command.dialogue import check, touches


def test_popping():
    check("""
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        5
        > ZPOPMIN z
        ["a" 1.0]
        > ZPOPMAX z
        ["e" 5.0]
        > ZPOPMIN z 2
        [("b" 2.0) ("c" 3.0)]
        > ZPOPMAX z 9
        [("d" 4.0)]
        > EXISTS z
        0
        > ZPOPMIN z
        []
        > ZPOPMIN z 2
        []
        > ZADD z 1 a 2 b
        2
        > ZPOPMAX z 2
        [("b" 2.0) ("a" 1.0)]
        > ZPOPMIN z 0
        []
        > ZPOPMIN z -1
        -ERR value is out of range, must be positive
        > ZPOPMIN z x
        -ERR value is out of range, must be positive
        > ZPOPMIN z 1 2
        -ERR syntax error
        > SET s text
        +OK
        > ZPOPMIN s
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > ZPOPMAX s 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_the_first_sorted_set_with_members_is_popped():
    check("""
        > ZADD b 1 x 2 y 3 z
        3
        > ZMPOP 2 a b MIN
        ["b" [["x" 1.0]]]
        > ZMPOP 2 a b MAX COUNT 9
        ["b" [["z" 3.0] ["y" 2.0]]]
        > EXISTS b
        0
        > ZMPOP 2 a b MAX
        nil*
        > ZMPOP 0 a MIN
        -ERR numkeys should be greater than 0
        > ZMPOP x a MIN
        -ERR numkeys should be greater than 0
        > ZMPOP 2 a MIN
        -ERR syntax error
        > ZMPOP 1 a UP
        -ERR syntax error
        > ZMPOP 1 a MIN COUNT
        -ERR syntax error
        > ZMPOP 1 a MIN COUNT 0
        -ERR count should be greater than 0
        > ZMPOP 1 a MIN COUNT 1 COUNT 1
        -ERR syntax error
        > SET s text
        +OK
        > ZMPOP 2 a s MIN
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_chance():
    check("""
        > ZADD z 1 a 2 b 3 c
        3
        > ZRANDMEMBER z
        "b"
        > ZRANDMEMBER z 2
        ["a" "c"]
        > ZRANDMEMBER z 2 WITHSCORES
        [("b" 2.0) ("a" 1.0)]
        > ZRANDMEMBER z -4
        ["c" "b" "c" "c"]
        > ZRANDMEMBER z 9
        ["a" "b" "c"]
        > ZRANDMEMBER none
        nil
        > ZRANDMEMBER none 1
        []
        > ZRANDMEMBER z x
        -ERR value is not an integer or out of range
        > ZRANDMEMBER z 1 WITHVALUES
        -ERR syntax error
        > ZRANDMEMBER z -4611686018427387904 WITHSCORES
        -ERR value is out of range
        > ZRANDMEMBER z -4611686018427387904
        -ERR value is out of range, a reply may repeat at most 1048576 elements
        > ZRANDMEMBER z -9223372036854775808
        -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > SET s text
        +OK
        > ZRANDMEMBER s
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_a_pop_is_announced():
    assert touches("ZADD z 1 a", "ZPOPMIN z") == [b"z"]
    assert touches("ZADD z 1 a", "ZPOPMIN z 0") == []
    assert touches("ZADD z 1 a", "ZMPOP 2 y z MIN") == [b"z"]
