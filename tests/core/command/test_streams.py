from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import STREAM
from trivet.core.wire.reply import Error


def test_adding_with_ids_given():
    check("""
        > XADD s 1-1 a 1 b 2
        "1-1"
        > XADD s 1-1 a 1
        -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 1-* a 2
        "1-2"
        > XADD s 2 a 3
        "2-0"
        > XADD s 0-0 a 1
        -ERR The ID specified in XADD must be greater than 0-0
        > XADD s 5-x a 1
        -ERR Invalid stream ID specified as stream command argument
        > XADD s 3-3 a
        -ERR wrong number of arguments for 'xadd' command
        > XADD s 3-3 a 1 b
        -ERR wrong number of arguments for 'xadd' command
        > XADD s MAXLEN 3 3-3
        -ERR wrong number of arguments for 'xadd' command
        > XADD s 3-3 a 4
        "3-3"
        > XLEN s
        4
        > XRANGE s - +
        [["1-1" ["a" "1" "b" "2"]] ["1-2" ["a" "2"]] ["2-0" ["a" "3"]] ["3-3" ["a" "4"]]]
        > TYPE s
        +stream
        > XLEN none
        0
        > XADD none NOMKSTREAM 1-1 a 1
        nil
        > EXISTS none
        0
        > XADD zero 0-* a 1
        "0-1"
    """)


def test_ids_of_the_time_in_the_log_never_go_back():
    check("""
        > XADD s * a 1
        "1000000-0"
        > XADD s * a 2
        "1000000-1"
        > XADD s 2000000-5 a 3
        "2000000-5"
        > XADD s * a 4
        "2000000-6"
        > XADD s 2000000-18446744073709551615 a 5
        "2000000-18446744073709551615"
        > XADD s 2000000-* a 6
        -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s * a 6
        "2000001-0"
        > XADD s 18446744073709551615-18446744073709551614 a 7
        "18446744073709551615-18446744073709551614"
        > XADD s * a 8
        "18446744073709551615-18446744073709551615"
        > XADD s * a 9
        -ERR The stream has exhausted the last possible ID, unable to add more items
        > XADD s 18446744073709551615-* a 9
        -ERR The stream has exhausted the last possible ID, unable to add more items
    """)


def test_trimming():
    check("""
        > XADD s 1-0 a 1
        "1-0"
        > XADD s 2-0 a 2
        "2-0"
        > XADD s MAXLEN 2 3-0 a 3
        "3-0"
        > XRANGE s - +
        [["2-0" ["a" "2"]] ["3-0" ["a" "3"]]]
        > XADD s MINID 3 4-0 a 4
        "4-0"
        > XTRIM s MAXLEN = 1
        1
        > XTRIM s MAXLEN ~ 0
        1
        > XTRIM s MAXLEN 5
        0
        > XTRIM s MINID 9
        0
        > XLEN s
        0
        > XTRIM none MAXLEN 0
        0
        > XTRIM s FOO 1
        -ERR syntax error
        > XTRIM s MAXLEN 9223372036854775807
        0
        > XADD s MAXLEN 0 5-0 a 5
        "5-0"
        > XRANGE s - +
        []
    """)


def test_deleting():
    check("""
        > XADD s 1-0 a 1
        "1-0"
        > XADD s 2-0 a 2
        "2-0"
        > XDEL s 1-0 9-9 1-0
        1
        > XDEL s 2 x
        -ERR Invalid stream ID specified as stream command argument
        > XDEL s 2
        1
        > XLEN s
        0
        > EXISTS s
        1
        > XADD s 2-0 a 2
        -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XDEL none 1-0
        0
    """)


def test_setting_the_last_id():
    check("""
        > XADD s 5-0 a 1
        "5-0"
        > XSETID s 9-9 ENTRIESADDED 100 MAXDELETEDID 7-7
        +OK
        > XADD s 9-* a 1
        "9-10"
        > XSETID s 9-9
        -ERR The ID specified in XSETID is smaller than the target stream top item
        > XSETID s 7-0
        -ERR The ID specified in XSETID is smaller than the target stream top item
        > XSETID s 20-0 ENTRIESADDED 1
        -ERR The entries_added specified in XSETID is smaller than the target stream length
        > XSETID s 20-0 ENTRIESADDED -1
        -ERR entries_added must be positive
        > XSETID s 20-0 ENTRIESADDED x
        -ERR value is not an integer or out of range
        > XSETID s 20-0 MAXDELETEDID 20-1
        -ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
        > XSETID s 20-0 MAXDELETEDID x
        -ERR Invalid stream ID specified as stream command argument
        > XSETID s 20-0 FOO
        -ERR syntax error
        > XSETID s x
        -ERR Invalid stream ID specified as stream command argument
        > XSETID none 1-1
        -ERR no such key
        > XSETID s 20-0 MAXDELETEDID 15-0
        +OK
        > XSETID s 14-0
        +OK
        > XINFO STREAM s
        {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "14-0", "max-deleted-entry-id": "15-0", "entries-added": 101, "recorded-first-entry-id": "5-0", "groups": 0, "first-entry": ["5-0" ["a" "1"]], "last-entry": ["9-10" ["a" "1"]]}
    """)


def test_other_types_are_refused():
    replica = Replica()
    replica.run("SET t v")
    for line in (
        "XADD t * a 1",
        "XLEN t",
        "XDEL t 1",
        "XTRIM t MAXLEN 1",
        "XSETID t 1-1",
        "XADD t NOMKSTREAM * a 1",
    ):
        assert replica.run(line) == Error("WRONGTYPE Operation against a key holding the wrong kind of value")


def test_only_what_changes_is_announced():
    assert touches("XADD s 1-1 a 1") == [b"s"]
    assert touches("XADD s 1-1 a 1", "XADD s 1-1 a 1") == []
    assert touches("XADD s 1-1 a 1", "XDEL s 2-2") == []
    assert touches("XADD s 1-1 a 1", "XTRIM s MAXLEN 1") == []
    assert touches("XADD s 1-1 a 1", "XTRIM s MAXLEN 0") == [b"s"]
    assert touches("XADD s 1-1 a 1", "XSETID s 1-0") == []


def test_copies_are_apart_and_renaming_keeps_all():
    check("""
        > XADD s 1-1 a 1
        "1-1"
        > XGROUP CREATE s g 0
        +OK
        > COPY s c
        1
        > XADD c 2-2 a 2
        "2-2"
        > XLEN s
        1
        > RENAME s r
        +OK
        > XREADGROUP GROUP g x STREAMS r >
        {("r" [["1-1" ["a" "1"]]])}
        > XPENDING c g
        [0 nil nil nil*]
        > DEL r c
        2
    """)


def test_events():
    replica = Replica()
    replica.context.notifies = STREAM
    for line in (
        "XADD s MAXLEN 0 1-1 a 1",
        "XADD s 2-2 a 1",
        "XDEL s 2-2",
        "XSETID s 9",
        "XADD s 10 a 1",
        "XTRIM s MAXLEN 0",
    ):
        replica.run(line)
    assert [event for _, _, event, _ in replica.context.events] == [
        b"xadd",
        b"xtrim",
        b"xadd",
        b"xdel",
        b"xsetid",
        b"xadd",
        b"xtrim",
    ]
    assert all((kind, key) == (STREAM, b"s") for _, kind, _, key in replica.context.events)
