from tests.core.command.dialogue import Replica, check, show, touches
from trivet.core.command.events import STREAM
from trivet.core.wire.reply import Error


def test_acknowledging():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XGROUP CREATE s g 0
        +OK
        > XREADGROUP GROUP g c STREAMS s >
        {("s" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]])}
        > XACK s g 1-1 9-9 1-1
        1
        > XACK s g 2-2 x
        -ERR Invalid stream ID specified as stream command argument
        > XACK s h 2-2
        0
        > XACK none g x
        0
        > XPENDING s g
        [1 "2-2" "2-2" [["c" "1"]]]
        > XACK s g 2
        0
        > XACK s g 2-2
        1
        > XPENDING s g
        [0 nil nil nil*]
    """)


def test_looking_at_what_is_pending():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XADD s 3-3 f 3
        "3-3"
        > XGROUP CREATE s g 0
        +OK
        > XREADGROUP GROUP g b COUNT 2 STREAMS s >
        {("s" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]])}
        > XREADGROUP GROUP g a STREAMS s >
        {("s" [["3-3" ["f" "3"]]])}
        > XPENDING s g
        [3 "1-1" "3-3" [["a" "1"] ["b" "2"]]]
        > XPENDING s g - + 10
        [["1-1" "b" 0 1] ["2-2" "b" 0 1] ["3-3" "a" 0 1]]
        > XPENDING s g (1-1 3 1
        [["2-2" "b" 0 1]]
        > XPENDING s g - + 10 a
        [["3-3" "a" 0 1]]
        > XPENDING s g - + 10 none
        []
        > XPENDING s g IDLE 1 - + 10
        []
        > XPENDING s g IDLE 0 - + 10 b
        [["1-1" "b" 0 1] ["2-2" "b" 0 1]]
        > XPENDING s g - + 0
        []
        > XPENDING s g - + -1
        []
        > XPENDING s g - + 9223372036854775807
        [["1-1" "b" 0 1] ["2-2" "b" 0 1] ["3-3" "a" 0 1]]
        > XPENDING s g -
        -ERR syntax error
        > XPENDING s g - + x
        -ERR value is not an integer or out of range
        > XPENDING s g IDLE 5 - +
        -ERR syntax error
        > XPENDING s g IDLE x - + 5
        -ERR value is not an integer or out of range
        > XPENDING s g (- + 5
        -ERR Invalid stream ID specified as stream command argument
        > XPENDING s g - (0-0 5
        -ERR invalid end ID for the interval
        > XPENDING s h - + 5
        -NOGROUP No such key 's' or consumer group 'h'
        > XPENDING none g
        -NOGROUP No such key 'none' or consumer group 'g'
    """)


def test_time_makes_idle():
    replica = Replica()
    for line in ("XADD s 1-1 f 1", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"):
        replica.run(line)
    replica.context.now_ms += 500
    assert show(replica.run("XPENDING s g - + 5")) == '[["1-1" "c" 500 1]]'
    assert show(replica.run("XPENDING s g IDLE 501 - + 5")) == "[]"
    assert show(replica.run("XCLAIM s g d 501 1-1")) == "[]"
    assert show(replica.run("XAUTOCLAIM s g d 501 0")) == '["0-0" [] []]'
    assert show(replica.run("XINFO CONSUMERS s g")) == '[{"name": "c", "pending": 1, "idle": 500}]'
    assert show(replica.run("XCLAIM s g d 500 1-1 JUSTID")) == '["1-1"]'
    replica.context.now_ms -= 100
    assert show(replica.run("XPENDING s g - + 5")) == '[["1-1" "d" 0 1]]'


def test_claiming():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XADD s 3-3 f 3
        "3-3"
        > XGROUP CREATE s g 0
        +OK
        > XREADGROUP GROUP g a COUNT 2 STREAMS s >
        {("s" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]])}
        > XCLAIM s g b 0 1-1 2-2 3-3
        [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]]
        > XCLAIM s g b 0 1-1 JUSTID
        ["1-1"]
        > XCLAIM s g a 0 1-1 IDLE 300 RETRYCOUNT 7
        [["1-1" ["f" "1"]]]
        > XCLAIM s g a 0 2-2 TIME 999000
        [["2-2" ["f" "2"]]]
        > XPENDING s g - + 10
        [["1-1" "a" 300 7] ["2-2" "a" 1000 3]]
        > XCLAIM s g a 0 2-2 TIME 99999999999
        [["2-2" ["f" "2"]]]
        > XCLAIM s g c 0 3-3 FORCE JUSTID LASTID 3-3
        ["3-3"]
        > XPENDING s g - + 10
        [["1-1" "a" 300 7] ["2-2" "a" 0 4] ["3-3" "c" 0 1]]
        > XDEL s 2-2
        1
        > XCLAIM s g c 0 2-2 3-3
        [["3-3" ["f" "3"]]]
        > XPENDING s g
        [2 "1-1" "3-3" [["a" "1"] ["c" "1"]]]
        > XINFO GROUPS s
        [{"name": "g", "consumers": 3, "pending": 2, "last-delivered-id": "3-3", "entries-read": 2, "lag": 1}]
        > XCLAIM s g never 0 9-9
        []
        > XINFO CONSUMERS s g
        [{"name": "a", "pending": 1, "idle": 0} {"name": "b", "pending": 0, "idle": 0} {"name": "c", "pending": 1, "idle": 0}]
    """)


def test_wrong_claims():
    check("""
        > XCLAIM s g c 0 1-1
        -NOGROUP No such key 's' or consumer group 'g'
        > XGROUP CREATE s g 0 MKSTREAM
        +OK
        > XCLAIM s g c x 1-1
        -ERR Invalid min-idle-time argument for XCLAIM
        > XCLAIM s g c 0 1-1 IDLE x
        -ERR Invalid IDLE option argument for XCLAIM
        > XCLAIM s g c 0 1-1 TIME x
        -ERR Invalid TIME option argument for XCLAIM
        > XCLAIM s g c 0 1-1 RETRYCOUNT x
        -ERR Invalid RETRYCOUNT option argument for XCLAIM
        > XCLAIM s g c 0 1-1 LASTID x
        -ERR Invalid stream ID specified as stream command argument
        > XCLAIM s g c 0 1-1 IDLE
        -ERR Unrecognized XCLAIM option 'IDLE'
        > XCLAIM s g c 0 1-1 foo
        -ERR Unrecognized XCLAIM option 'foo'
        > XCLAIM s g c -5 x
        -ERR Unrecognized XCLAIM option 'x'
        > XAUTOCLAIM s g c x 0
        -ERR Invalid min-idle-time argument for XAUTOCLAIM
        > XAUTOCLAIM s g c 0 x
        -ERR Invalid stream ID specified as stream command argument
        > XAUTOCLAIM s g c 0 0 COUNT 0
        -ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT x
        -ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT 576460752303423488
        -ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT
        -ERR syntax error
        > XAUTOCLAIM s g c 0 0 COUNT 576460752303423487
        ["0-0" [] []]
        > XAUTOCLAIM s h c 0 0
        -NOGROUP No such key 's' or consumer group 'h'
        > SET t v
        +OK
        > XAUTOCLAIM t g c 0 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XCLAIM t g c 0 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XACK t g 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XPENDING t g
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_claiming_from_an_id_on():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XADD s 3-3 f 3
        "3-3"
        > XADD s 4-4 f 4
        "4-4"
        > XGROUP CREATE s g 0
        +OK
        > XREADGROUP GROUP g a STREAMS s >
        {("s" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]] ["3-3" ["f" "3"]] ["4-4" ["f" "4"]]])}
        > XAUTOCLAIM s g b 0 - COUNT 2
        ["3-3" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]] []]
        > XAUTOCLAIM s g b 0 3-3 COUNT 1 JUSTID
        ["4-4" ["3-3"] []]
        > XAUTOCLAIM s g b 0 (3-3
        ["0-0" [["4-4" ["f" "4"]]] []]
        > XPENDING s g - + 10
        [["1-1" "b" 0 2] ["2-2" "b" 0 2] ["3-3" "b" 0 1] ["4-4" "b" 0 2]]
        > XDEL s 2-2 3-3
        2
        > XAUTOCLAIM s g c 0 0 COUNT 2
        ["3-3" [["1-1" ["f" "1"]]] ["2-2"]]
        > XAUTOCLAIM s g c 0 0 COUNT 3 JUSTID
        ["0-0" ["1-1" "4-4"] ["3-3"]]
        > XPENDING s g
        [2 "1-1" "4-4" [["c" "2"]]]
    """)


def test_claiming_looks_at_ten_times_the_count():
    replica = Replica()
    for number in range(1, 31):
        replica.run(f"XADD s {number}-0 f v")
    replica.run("XGROUP CREATE s g 0")
    replica.run("XREADGROUP GROUP g a STREAMS s >")
    replica.run("XCLAIM s g a 0 15-0 IDLE 1000 JUSTID")
    assert show(replica.run("XAUTOCLAIM s g b 500 0 COUNT 1 JUSTID")) == '["11-0" [] []]'
    assert show(replica.run("XAUTOCLAIM s g b 500 11-0 COUNT 1 JUSTID")) == '["16-0" ["15-0"] []]'


def test_only_what_changes_is_announced():
    made = ("XADD s 1-1 f 1", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >")
    assert touches(*made, "XACK s g 1-1") == [b"s"]
    assert touches(*made, "XACK s g 2-2") == []
    assert touches(*made, "XPENDING s g") == []


def test_a_count_of_deliveries_wraps_as_in_redis():
    replica = Replica()
    for line in (
        "XADD s 1-1 f 1",
        "XGROUP CREATE s g 0",
        "XCLAIM s g c 0 1-1 FORCE RETRYCOUNT 9223372036854775807",
        "XCLAIM s g c 0 1-1",
    ):
        assert not isinstance(replica.run(line), Error)
    assert show(replica.run("XPENDING s g - + 1")) == '[["1-1" "c" 0 -9223372036854775808]]'


def test_a_new_consumer_is_told():
    replica = Replica()
    for line in ("XADD s 1-1 f 1", "XGROUP CREATE s g 0"):
        replica.run(line)
    replica.context.notifies = STREAM
    for line in (
        "XCLAIM s g c 0 1-1",
        "XCLAIM s g c 0 1-1 FORCE",
        "XAUTOCLAIM s g d 0 0",
        "XAUTOCLAIM s g d 0 0",
    ):
        replica.run(line)
    assert [event for _, _, event, _ in replica.context.events] == [b"xgroup-createconsumer"] * 2
