"""Links between nodes: who is let in, and what one bad frame costs (Rules P1 to P3)."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.node.bench import CLUSTER, Bench, Limits
from trivet.core.group.messages import Forward
from trivet.core.node.peers import HELLO_TIMEOUT_MS, NEWCOMERS_MAX, PEER_FORMAT, Hello, Peers, encode_message
from trivet.core.raft.messages import AppendEntries, Heartbeat, RequestVote
from trivet.core.wire.peer import frame

MESSAGE = Heartbeat(1, 2, 3)
GOOD = Hello(CLUSTER, 2, 1, PEER_FORMAT)


def peers(links_max: int = 10) -> Peers:
    return Peers(CLUSTER, 1, 11, [1, 2, 3], 1000, links_max, 0)


def linked(*numbers: int) -> Peers:
    one = peers()
    for number in numbers:
        one.accepted(number, f"10.0.0.9:{number}")
    return one


# -- the handshake


def test_a_peer_that_introduces_itself_is_heard():
    one = linked(7)
    data = encode_message(0, GOOD) + encode_message(1, MESSAGE) + encode_message(1, Forward(b"x"))
    assert one.receive(7, data) == [(2, 1, MESSAGE), (2, 1, Forward(b"x"))]
    assert (one.closes, one.refused, one.notes) == ([], 0, [])


def test_who_introduces_itself_is_dialed_unless_it_is():
    """P6."""
    for is_up, returned in ((False, [2]), (True, [])):
        one = linked(7)
        if is_up:
            one.up[2] = None
        one.receive(7, encode_message(0, GOOD))
        assert one.returned == returned


def test_what_one_says_the_other_accepts():
    other = Peers(CLUSTER, 2, 12, [1, 2, 3], 1000, 10, 0)
    one = linked(7)
    assert one.receive(7, other.hello(1)) == []
    assert one.receive(7, encode_message(1, MESSAGE)) == [(2, 1, MESSAGE)]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (Hello("0dd", 2, 1, PEER_FORMAT), "belongs to cluster 0dd, not c0ffee"),
        (Hello(CLUSTER, 2, 3, PEER_FORMAT), "wanted node 3, this is node 1"),
        (Hello(CLUSTER, 4, 1, PEER_FORMAT), "is node 4, which is not a peer here"),
        (Hello(CLUSTER, 1, 1, PEER_FORMAT), "is node 1, which is not a peer here"),
        (Hello(CLUSTER, 2, 1, 99), f"speaks message format 99, this version {PEER_FORMAT}"),
        (MESSAGE, "did not introduce itself"),
    ],
)
def test_who_does_not_fit_is_refused(first, said):
    """P1: and nothing else is read from it."""
    one = linked(7)
    assert one.receive(7, encode_message(1, first) + encode_message(1, MESSAGE)) == []
    assert (one.closes, one.refused) == ([7], 1)
    assert one.notes == [f"refused a peer connection from 10.0.0.9:7: it {said}"]
    assert one.receive(7, encode_message(1, MESSAGE)) == []


def test_who_has_lost_its_directory_is_refused_without_a_map_too():
    """P4: after a restart the map may be as old as the last snapshot, or not there."""
    one = linked(7, 8, 9)
    one.receive(7, encode_message(0, Hello(CLUSTER, 2, 1, PEER_FORMAT, 22)))
    assert (one.births(), one.has_news) == ({2: 22}, True)
    other = linked(7, 8, 9)
    other.remember(one.births())
    for peers_ in (one, other):
        peers_.receive(8, encode_message(0, Hello(CLUSTER, 2, 1, PEER_FORMAT, 23)))
        assert (peers_.strangers, peers_.birth_of(2)) == ([2], 22)
        assert "with another data directory than before" in peers_.notes[-1]
        peers_.receive(9, encode_message(0, Hello(CLUSTER, 2, 1, PEER_FORMAT, 0)))
        assert 9 not in peers_.closes, "its log is damaged, and does not tell"


def test_the_map_knows_better_by_which_directory_a_node_is_known():
    one = linked(7, 8)
    one.remember({2: 22, 3: 33, 5: 55, 6: 66})
    one.know({1: 11, 2: 23, 3: 0}, 6)
    assert one.births() == {1: 11, 2: 23, 3: 33, 6: 66}, "5 has left, 6 has yet to come"


def newcomer(node: int, host: str = "10.0.0.4", port: int = 17004) -> bytes:
    return encode_message(0, Hello(CLUSTER, node, 1, PEER_FORMAT, 44, host, port))


def test_who_came_later_than_the_map_is_heard_and_dialed():
    """P5: this node may have been away, or have lost the map, and whoever leads now came meanwhile."""
    one = linked(7)
    assert one.receive(7, newcomer(4) + encode_message(0, MESSAGE)) == [(4, 0, MESSAGE)]
    assert (one.newcomers, one.has_news) == ({4: ("10.0.0.4", 17004)}, True)
    one.has_news = False
    one.accepted(8, "x")
    one.receive(8, newcomer(4))
    assert not one.has_news, "nothing new"
    one.accepted(9, "x")
    one.receive(9, newcomer(4, "10.9.9.9"))
    assert (one.newcomers, one.has_news) == ({4: ("10.9.9.9", 17004)}, True)


def test_once_the_map_tells_of_it_the_map_counts():
    one = linked(7, 8)
    one.receive(7, newcomer(5))
    one.receive(8, newcomer(6))
    one.closes = []
    one.know({1: 11, 2: 0, 3: 0, 5: 44}, 6)
    assert (one.newcomers, one.closes) == ({6: ("10.0.0.4", 17004)}, [])
    assert one.receive(7, encode_message(0, MESSAGE)) == [(5, 0, MESSAGE)]
    one.know({1: 11, 2: 0, 3: 0, 5: 44}, 7)
    assert (one.newcomers, one.closes) == ({}, [8]), "it has come, and left"
    one.accepted(9, "x")
    one.receive(9, newcomer(6))
    assert "is node 6, which is not a peer here" in one.notes[-1]


@pytest.mark.parametrize(
    "first",
    [newcomer(4, ""), newcomer(4, "h" * 256), newcomer(4, port=0), newcomer(4, port=65_536), newcomer(0)],
)
def test_who_says_nothing_of_use_is_no_newcomer(first):
    one = linked(7)
    one.receive(7, first)
    assert (one.newcomers, one.closes) == ({}, [7])


def test_newcomers_are_bounded():
    one = peers(links_max=100)
    for number in range(NEWCOMERS_MAX + 1):
        one.accepted(number, "x")
        one.receive(number, newcomer(10 + number))
    assert (len(one.newcomers), one.closes) == (NEWCOMERS_MAX, [NEWCOMERS_MAX])


def test_one_introduction_is_enough():
    one = linked(7)
    one.receive(7, encode_message(0, GOOD))
    assert one.receive(7, encode_message(1, MESSAGE) + encode_message(0, GOOD)) == [(2, 1, MESSAGE)]
    assert "introduced itself twice" in one.notes[0]


def test_silence_is_not_waited_for_without_end():
    one = linked(7, 8)
    one.receive(8, encode_message(0, GOOD))
    one.tick(HELLO_TIMEOUT_MS - 1)
    assert one.closes == []
    one.tick(HELLO_TIMEOUT_MS)
    assert one.closes == [7]
    assert "did not introduce itself in time" in one.notes[0]


def test_links_are_bounded():
    one = peers(links_max=2)
    for number in (1, 2, 3):
        one.accepted(number, "x")
    assert (one.closes, one.refused) == ([3], 1)
    assert one.receive(3, encode_message(0, GOOD)) == []
    one.closed(1)
    one.accepted(4, "x")
    assert one.closes == [3]


# -- one link per peer


def test_the_newest_link_counts():
    """P2."""
    one = linked(7, 8)
    one.receive(7, encode_message(0, GOOD))
    assert one.receive(8, encode_message(0, GOOD) + encode_message(1, MESSAGE)) == [(2, 1, MESSAGE)]
    assert one.closes == [7]
    assert one.receive(7, encode_message(1, MESSAGE)) == []
    assert one.closed(7) == 0, "the end of an older link is no news of its peer"
    assert one.closed(8) == 2
    assert one.closed(8) == 0


# -- frames


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"\xc1"),
        frame(b""),
        frame(msgspec.msgpack.encode([1, [99, "no such message"]])),
        frame(msgspec.msgpack.encode([1, [7, -1, 0, 0]])),
        frame(b"\x91" * 900),
        b"\xff\xff\xff\x7f" + bytes(100),
        frame(b"x")[:-1] + b"y",
    ],
)
def test_a_bad_frame_closes_its_link_and_harms_nobody(bad):
    """P3."""
    one = linked(7, 8)
    one.receive(8, encode_message(0, Hello(CLUSTER, 3, 1, PEER_FORMAT)))
    good = encode_message(0, GOOD) + encode_message(1, MESSAGE)
    assert one.receive(7, good + bad + encode_message(1, MESSAGE)) == [(2, 1, MESSAGE)]
    assert one.closes == [7]
    assert one.receive(8, encode_message(1, MESSAGE)) == [(3, 1, MESSAGE)]
    assert one.closed(7) == 0
    one.accepted(9, "x")
    assert one.receive(9, good) == [(2, 1, MESSAGE)], "the peer may come again"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_refused_or_waited_for(data, framed):
    one = linked(7)
    one.receive(7, encode_message(0, GOOD))
    for sender, _, _ in one.receive(7, frame(data) if framed else data):
        assert sender == 2


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=60), st.integers(0, 200))
def test_a_damaged_message_never_reaches_the_group(noise, at):
    message = encode_message(1, AppendEntries(3, 4, 2, 4, [], 1))
    at %= len(message)
    damaged = message[:at] + noise + message[at + len(noise) :]
    one = linked(7)
    one.receive(7, encode_message(0, GOOD))
    found = one.receive(7, damaged)
    assert found == [] or damaged.startswith(message)


# -- in a node


def test_a_stranger_changes_nothing():
    bench = Bench(3)
    node = bench.node(1)
    for number, data in enumerate(
        [b"*1\r\n$4\r\nPING\r\n", encode_message(1, RequestVote(99, 99, 99)), b"\x00" * 8], 900
    ):
        node.on_link_accepted(number, "6.6.6.6:6")
        node.on_link_bytes(number, data)
    bench.servers[1].dirty = True
    bench.settle()
    assert node.group.raft.term == 1
    assert bench.say("a", "SET k 1") == ["+OK"]
    assert "trivet_peers_refused:3" in bench.ask("a", "INFO stats")
    assert sum("refused a peer connection from 6.6.6.6:6" in line for line in bench.servers[1].log) == 3
    assert [effects.link_closes for _, effects in bench.effects if effects.link_closes] == [[900, 901, 902]]


def test_a_peer_that_comes_back_is_dialed_at_once():
    """P6: it is not without its leader's words until the next try."""
    bench = Bench(3)
    bench.hang_up(1, 2)
    bench.hang_up(2, 1)
    bench.settle()
    bench.effects.clear()
    bench.dial(2, 1)
    bench.settle()
    assert [(number, effects.redials) for number, effects in bench.effects if effects.redials] == [(1, [2])]


def test_a_message_for_another_group_is_left_alone():
    bench = Bench(3)
    link = bench.links[(2, 1)]
    bench.node(1).on_link_bytes(link, encode_message(77, RequestVote(99, 99, 99)))
    bench.settle()
    assert bench.node(1).group.raft.term == 1


def test_too_many_links_at_once_leave_the_peers_alone():
    bench = Bench(3, limits=Limits(segment_bytes=65536, peer_links_max=4))
    for number in range(900, 950):
        bench.node(1).on_link_accepted(number, "6.6.6.6:6")
    bench.servers[1].dirty = True
    bench.settle()
    assert bench.say("a", "SET k 1") == ["+OK"]
    assert "trivet_peers_refused:48" in bench.ask("a", "INFO stats")


def test_text_that_is_none_closes_its_link():
    """P3: found by an attack; the decoder raises another error for it than for all the rest."""
    one = linked(7)
    good = msgspec.msgpack.encode((0, GOOD))
    assert one.receive(7, frame(good.replace(CLUSTER.encode(), b"\xff" * len(CLUSTER)))) == []
    assert one.closes == [7]
