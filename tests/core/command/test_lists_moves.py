from tests.core.command.dialogue import check, touches


def test_an_item_moves_from_list_to_list():
    check("""
        > RPUSH a 1 2 3
        3
        > RPOPLPUSH a b
        "3"
        > LMOVE a b LEFT RIGHT
        "1"
        > LRANGE b 0 -1
        ["3" "1"]
        > LMOVE a b RIGHT LEFT
        "2"
        > EXISTS a
        0
        > LRANGE b 0 -1
        ["2" "3" "1"]
        > LMOVE b b LEFT RIGHT
        "2"
        > LRANGE b 0 -1
        ["3" "1" "2"]
        > RPOPLPUSH b b
        "2"
        > LRANGE b 0 -1
        ["2" "3" "1"]
        > LMOVE none b LEFT LEFT
        nil
        > LMOVE none b UP LEFT
        -ERR syntax error
        > SET s text
        +OK
        > RPOPLPUSH none s
        nil
        > RPOPLPUSH b s
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH s b
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH one 1
        1
        > LMOVE one one LEFT LEFT
        "1"
        > LRANGE one 0 -1
        ["1"]
    """)


def test_the_first_list_with_items_is_popped():
    check("""
        > RPUSH b 1 2 3
        3
        > LMPOP 2 a b LEFT
        ["b" ["1"]]
        > LMPOP 2 a b RIGHT COUNT 9
        ["b" ["3" "2"]]
        > EXISTS b
        0
        > LMPOP 2 a b RIGHT
        nil*
        > LMPOP 0 a LEFT
        -ERR numkeys should be greater than 0
        > LMPOP x a LEFT
        -ERR numkeys should be greater than 0
        > LMPOP 2 a LEFT
        -ERR syntax error
        > LMPOP 9223372036854775807 a LEFT
        -ERR syntax error
        > LMPOP 1 a UP
        -ERR syntax error
        > LMPOP 1 a LEFT COUNT
        -ERR syntax error
        > LMPOP 1 a LEFT COUNT 0
        -ERR count should be greater than 0
        > LMPOP 1 a LEFT COUNT 1 COUNT 1
        -ERR syntax error
        > LMPOP 1 a LEFT FOO 1
        -ERR syntax error
        > SET s text
        +OK
        > LMPOP 2 a s LEFT
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_both_lists_are_announced():
    assert touches("RPUSH a 1", "RPUSH b 1", "LMOVE a b LEFT LEFT") == [b"a", b"b"]
    assert touches("RPUSH a 1", "LMOVE a b LEFT LEFT") == [b"a", b"b"]
    assert touches("SET s x", "RPUSH a 1", "LMOVE a s LEFT LEFT") == []
    assert touches("RPUSH b 1", "LMPOP 2 a b LEFT") == [b"b"]
