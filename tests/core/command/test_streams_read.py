import pytest

from tests.core.command.dialogue import Replica, check, show, touches
from trivet.core.command.events import STREAM
from trivet.core.command.streams_read import alike, stream_positions
from trivet.core.wire.reply import Blocked


def test_reading_after_ids():
    check("""
        > XADD a 1-1 f 1
        "1-1"
        > XADD a 2-2 f 2
        "2-2"
        > XADD b 5-5 f 3
        "5-5"
        > XREAD STREAMS a b 1-1 0
        {("a" [["2-2" ["f" "2"]]]) ("b" [["5-5" ["f" "3"]]])}
        > XREAD COUNT 1 STREAMS a b 0 0
        {("a" [["1-1" ["f" "1"]]]) ("b" [["5-5" ["f" "3"]]])}
        > XREAD COUNT -7 STREAMS a 0
        {("a" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]])}
        > XREAD STREAMS a b 2-2 $
        nil*
        > XREAD STREAMS a none $ 0
        nil*
        > XREAD STREAMS a a 0 1-1
        {("a" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]]) ("a" [["2-2" ["f" "2"]]])}
        > XREAD STREAMS a 18446744073709551615-18446744073709551615
        nil*
        > XDEL a 2-2
        1
        > XREAD STREAMS a 1-1
        nil*
    """)


def test_errors():
    check("""
        > XREAD STREAMS a b 0
        -ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.
        > XREAD COUNT 5 NOSTREAMS a 0
        -ERR syntax error
        > XREAD COUNT x STREAMS a 0
        -ERR value is not an integer or out of range
        > XREAD BLOCK x STREAMS a 0
        -ERR timeout is not an integer or out of range
        > XREAD BLOCK -1 STREAMS a 0
        -ERR timeout is negative
        > XREAD COUNT 1 COUNT
        -ERR syntax error
        > XREAD GROUP g c STREAMS a 0
        -ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD NOACK STREAMS a 0
        -ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD STREAMS a >
        -ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
        > XREAD STREAMS a x
        -ERR Invalid stream ID specified as stream command argument
        > XREADGROUP COUNT 1 BLOCK 1 STREAMS a >
        -ERR Missing GROUP option for XREADGROUP
        > XREADGROUP GROUP g c STREAMS a >
        -NOGROUP No such key 'a' or consumer group 'g' in XREADGROUP with GROUP option
        > XREADGROUP GROUP g c STREAMS a b
        -NOGROUP No such key 'a' or consumer group 'g' in XREADGROUP with GROUP option
        > SET t v
        +OK
        > XREAD STREAMS t x
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XREADGROUP GROUP g c STREAMS t >
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATE a g 0 MKSTREAM
        +OK
        > XREADGROUP GROUP g c STREAMS a $
        -ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.
        > XREADGROUP GROUP g c STREAMS a x
        -ERR Invalid stream ID specified as stream command argument
        > XREADGROUP GROUP h c STREAMS a >
        -NOGROUP No such key 'a' or consumer group 'h' in XREADGROUP with GROUP option
    """)


def test_a_group_gives_each_entry_once():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XADD s 3-3 f 3
        "3-3"
        > XGROUP CREATE s g 0
        +OK
        > XREADGROUP GROUP g one COUNT 1 STREAMS s >
        {("s" [["1-1" ["f" "1"]]])}
        > XREADGROUP GROUP g two STREAMS s >
        {("s" [["2-2" ["f" "2"]] ["3-3" ["f" "3"]]])}
        > XREADGROUP GROUP g one STREAMS s >
        nil*
        > XREADGROUP GROUP g two STREAMS s 0
        {("s" [["2-2" ["f" "2"]] ["3-3" ["f" "3"]]])}
        > XREADGROUP GROUP g two COUNT 1 STREAMS s 2-2
        {("s" [["3-3" ["f" "3"]]])}
        > XPENDING s g - + 9
        [["1-1" "one" 0 1] ["2-2" "two" 0 2] ["3-3" "two" 0 3]]
        > XDEL s 2-2
        1
        > XREADGROUP GROUP g two STREAMS s 0
        {("s" [["2-2" nil*] ["3-3" ["f" "3"]]])}
        > XADD s 4-4 f 4
        "4-4"
        > XREADGROUP GROUP g one NOACK STREAMS s >
        {("s" [["4-4" ["f" "4"]]])}
        > XPENDING s g
        [3 "1-1" "3-3" [["one" "1"] ["two" "2"]]]
        > XREADGROUP GROUP g new STREAMS s 0
        {("s" [])}
        > XGROUP SETID s g 0
        +OK
        > XREADGROUP GROUP g new COUNT 2 STREAMS s s > >
        {("s" [["1-1" ["f" "1"]] ["3-3" ["f" "3"]]]) ("s" [["4-4" ["f" "4"]]])}
        > XPENDING s g
        [4 "1-1" "4-4" [["new" "3"] ["two" "1"]]]
        > XINFO GROUPS s
        [{"name": "g", "consumers": 3, "pending": 4, "last-delivered-id": "4-4", "entries-read": 4, "lag": 0}]
    """)


def test_reading_nothing_new_changes_nothing():
    assert touches("XGROUP CREATE s g 0 MKSTREAM", "XREADGROUP GROUP g c STREAMS s >") == []
    assert touches("XGROUP CREATE s g 0 MKSTREAM", "XREADGROUP GROUP g c STREAMS s 0") == [b"s"]


def waiting(*lines: str) -> Replica:
    replica = Replica()
    for line in lines:
        replica.run(line)
    replica.context.may_block = True
    return replica


def again(replica: Replica, call: object, key: bytes) -> str:
    """What a call that waits answers when ``key`` has changed."""
    assert isinstance(call, Blocked)
    replica.context.only_key = key
    try:
        return show(replica.run_args(list(call.args)))
    finally:
        replica.context.only_key = None


def test_a_read_waits_with_absolute_ids_and_a_count():
    replica = waiting("XADD s 5-5 f 1")
    call = replica.run("XREAD BLOCK 70 STREAMS s t $ $")
    assert show(call) == "waits 70: XREAD BLOCK 70 COUNT 1000 STREAMS s t 5-5 0-0"
    assert again(replica, call, b"s") == show(call)
    replica.run("XADD s 6-6 f 2")
    replica.run("XADD t 1-1 f 3")
    assert again(replica, call, b"t") == '{("t" [["1-1" ["f" "3"]]])}'
    assert again(replica, call, b"s") == '{("s" [["6-6" ["f" "2"]]])}'
    assert (
        show(replica.run("XREAD BLOCK 0 COUNT 3 STREAMS s 9"))
        == "waits 0: XREAD BLOCK 0 COUNT 3 STREAMS s 9-0"
    )


def test_a_read_that_can_answer_does_not_wait():
    replica = waiting("XADD s 5-5 f 1")
    assert show(replica.run("XREAD BLOCK 0 STREAMS s t 0 $")) == '{("s" [["5-5" ["f" "1"]]])}'
    assert show(replica.run("XREAD STREAMS s $")) == "nil*"


def test_a_read_goes_on_waiting_when_its_stream_goes():
    replica = waiting("XADD s 5-5 f 1")
    call = replica.run("XREAD BLOCK 0 STREAMS s s $ 0-1")
    assert show(call) != show(None)
    call = replica.run("XREAD BLOCK 0 STREAMS s $")
    replica.run("DEL s")
    assert again(replica, call, b"s") == show(call)
    replica.run("SET s v")
    assert again(replica, call, b"s") == show(call)
    replica.run("DEL s")
    replica.run("XADD s 1-1 f 1")
    assert again(replica, call, b"s") == show(call)
    replica.run("XADD s 6-6 f 2")
    assert again(replica, call, b"s") == '{("s" [["6-6" ["f" "2"]]])}'


def test_a_stream_named_twice_is_given_once():
    replica = waiting()
    call = replica.run("XREAD BLOCK 0 STREAMS s s $ $")
    replica.run("XADD s 1-1 f 1")
    assert again(replica, call, b"s") == '{("s" [["1-1" ["f" "1"]]])}'


def test_consumers_that_wait_are_served_in_turn():
    replica = waiting("XADD s 1-1 f 1", "XGROUP CREATE s g $")
    one = replica.run("XREADGROUP GROUP g one BLOCK 0 COUNT 1 STREAMS s >")
    two = replica.run("XREADGROUP GROUP g two BLOCK 0 STREAMS s >")
    assert show(two) == "waits 0: XREADGROUP GROUP g two BLOCK 0 COUNT 1000 STREAMS s >"
    replica.run("XADD s 2-2 f 2")
    replica.run("XADD s 3-3 f 3")
    assert again(replica, one, b"s") == '{("s" [["2-2" ["f" "2"]]])}'
    assert again(replica, two, b"s") == '{("s" [["3-3" ["f" "3"]]])}'
    assert again(replica, two, b"s") == show(two)
    assert show(replica.run("XPENDING s g")) == '[2 "2-2" "3-3" [["one" "1"] ["two" "1"]]]'


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("DEL s", "-UNBLOCKED the stream key no longer exists"),
        ("SET s v", "-UNBLOCKED the stream key no longer exists"),
        ("RENAME s t", "-UNBLOCKED the stream key no longer exists"),
        ("XGROUP DESTROY s g", "-NOGROUP the consumer group this client was blocked on no longer exists"),
    ],
)
def test_a_consumer_learns_that_what_it_waits_for_is_gone(line: str, answer: str):
    replica = waiting("XGROUP CREATE s g $ MKSTREAM")
    call = replica.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
    replica.run(line)
    assert again(replica, call, b"s") == answer


def test_what_decides_whether_a_call_finds_something():
    consumer = b"XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s t > >".split()
    assert alike(consumer, b"s") == alike(consumer, b"t") == b"XREADGROUP g"
    reader = b"XREAD BLOCK 0 COUNT 1 STREAMS s t s 1-1 2-2 3-3".split()
    assert alike(reader, b"s") == b"XREAD 1-1 3-3"
    assert alike(reader, b"t") == b"XREAD 2-2"


def test_where_nothing_may_wait_there_is_nothing():
    replica = waiting("XGROUP CREATE s g $ MKSTREAM")
    replica.context.may_block = False
    assert show(replica.run("XREAD BLOCK 0 STREAMS s $")) == "nil*"
    assert show(replica.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s >")) == "nil*"


def test_history_never_waits():
    replica = waiting("XGROUP CREATE s g $ MKSTREAM")
    assert show(replica.run("XREADGROUP GROUP g c BLOCK 0 STREAMS s 0")) == '{("s" [])}'


@pytest.mark.parametrize(
    ("line", "positions"),
    [
        ("XREAD STREAMS a b 0 0", [2, 3]),
        ("XREAD COUNT streams STREAMS a 0", [4]),
        ("XREADGROUP GROUP streams streams NOACK BLOCK 5 streams streams 0", [8]),
        ("XREAD STREAMS a b 0", [2]),
        ("XREAD STREAMS a", []),
        ("XREAD FOO STREAMS a 0", []),
        ("XREAD BLOCK", []),
    ],
)
def test_where_the_keys_stand(line: str, positions: list[int]):
    assert stream_positions(line.encode().split()) == positions


def test_a_new_consumer_is_told():
    replica = Replica()
    replica.context.notifies = STREAM
    for line in (
        "XGROUP CREATE s g 0 MKSTREAM",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XREADGROUP GROUP g c STREAMS s 0",
    ):
        replica.run(line)
    assert [event for _, _, event, _ in replica.context.events] == [
        b"xgroup-create",
        b"xgroup-createconsumer",
    ]
