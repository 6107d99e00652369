"""Frames that somebody made up, on the port for peers: the link is closed or the message is taken, nothing else.

The frames are well-formed: length and checksum are right, so that they reach the decoder, and many of them what
comes after it. After every frame the node goes on, and serves its clients.
"""

import os
import time
import tracemalloc
from random import Random

import msgspec
import pytest

from tests.core.node.bench import CLUSTER, Bench
from tests.fuzz.mangling import made_up
from trivet.core.group.messages import (
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    Invalidate,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.machine.entry import Batch, encode_batch
from trivet.core.machine.plain_reply import encode_replies
from trivet.core.node.peers import PEER_FORMAT, Hello, Peers, encode_message
from trivet.core.pubsub.messages import Interest, Published, TellEverything
from trivet.core.wire.peer import frame

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))
SEEDS = [
    (0, Hello(CLUSTER, 2, 1, PEER_FORMAT)),
    (0, Interest(1, 1, True, [(b"c", 1), (b"d", 2)], [(b"p*", 1)], [(b"s", 3)])),
    (0, Published(1, 2, [(False, b"c", b"message"), (True, b"s", b"message")])),
    (0, TellEverything()),
    (1, Forward(encode_batch(Batch(2, 1, 1, 0, [(0, [b"SET", b"a", b"1"])])))),
    (1, ForwardRead(1, [(0, [b"GET", b"a"]), (3, [b"AS", b"ann", b"7", b"LRANGE", b"l", b"0", b"-1"])])),
    (1, ReadReplies(1, encode_replies([1, b"x", None]))),
    (1, Forward(encode_batch(Batch(2, 1, 1, 0, [(0, [b"SET", b"a", b"1"])])), True)),
    (1, ForwardRead(1, [(0, [b"GET", b"a"])], 5, True, True)),
    (1, BatchReplies(1, 1, encode_replies([1, b"x", None]))),
    (1, NotLeader(2, 7)),
    (1, Woken([1, 2])),
    (1, Follow(True)),
    (1, Taken(7)),
    (1, Invalidate([b"a"], False)),
]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: type(seed[1]).__name__)
def test_a_made_up_frame_closes_its_link_or_is_taken(seed):
    random = Random(7)
    message = msgspec.msgpack.encode(seed)
    for number in range(FUZZ_EXAMPLES):
        data = made_up(message, random)
        peers = Peers(CLUSTER, 1, 11, [1, 2, 3], 1 << 20, 10, 0)
        peers.accepted(number, "10.0.0.9:1")
        if not isinstance(seed[1], Hello):
            peers.receive(number, encode_message(0, Hello(CLUSTER, 2, 1, PEER_FORMAT)))
        peers.receive(number, frame(data))


def test_text_that_is_none_does_not_end_the_node():
    """A name in a frame's first message that is not UTF-8, from anybody who reaches the port."""
    peers = Peers(CLUSTER, 1, 11, [1, 2, 3], 1 << 20, 10, 0)
    peers.accepted(7, "10.0.0.9:1")
    good = msgspec.msgpack.encode((0, Hello(CLUSTER, 2, 1, PEER_FORMAT)))
    assert peers.receive(7, frame(good.replace(CLUSTER.encode(), b"\xff" * len(CLUSTER)))) == []
    assert peers.closes == [7]
    assert "does not decode" in peers.notes[0]


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_deep_nesting_does_not_end_the_node(depth):
    peers = Peers(CLUSTER, 1, 11, [1, 2, 3], 1 << 20, 10, 0)
    peers.accepted(7, "10.0.0.9:1")
    assert peers.receive(7, frame(b"\x91" * depth)) == []
    assert peers.closes == [7]


def test_a_running_node_outlives_what_its_peers_make_up():
    """The messages of publish/subscribe and of forwarded calls, as node 1 hears them from node 2."""
    random = Random(11)
    bench = Bench(3)
    bench.say("a", "SUBSCRIBE c")
    bench.say("b", "SET kept 1")
    node = bench.node(1)
    began_s = time.process_time()
    tracemalloc.start()
    for number in range(FUZZ_EXAMPLES):
        data = made_up(msgspec.msgpack.encode(random.choice(SEEDS[1:])), random)
        link = 1_000_000 + number
        node.on_link_accepted(link, "10.0.0.2:5")
        node.on_link_bytes(link, encode_message(0, Hello(CLUSTER, 2, 1, PEER_FORMAT)) + frame(data))
        node.on_link_closed(link)
        bench.settle()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 200 * 1024 * 1024
    assert time.process_time() - began_s < 120
    bench.wait(5_000)
    assert bench.say("b", "GET kept") == ['"1"']
