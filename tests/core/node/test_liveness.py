"""SWIM on beats: who is there, as all nodes together know it (Rules H1, H2)."""

import msgspec
import pytest

from tests.core.node.bench import Bench
from trivet.core.base.disk import Channel
from trivet.core.gossip.swim_messages import ALIVE, DEAD, SUSPECT, Ping, Pong
from trivet.core.node.hello import WORDS_MAX, Beat
from trivet.core.node.liveness import NAMES, PERIOD_BEATS, Liveness
from trivet.core.node.peers import NODE_GROUP, decode_message, encode_message
from trivet.core.wire.peer import FrameParser

BEAT_MS = 100


class World:
    """Nodes that beat one after the other, each at its own moment of every 100 ms."""

    def __init__(self, count: int) -> None:
        self.members = list(range(1, count + 1))
        self.nodes = {node: Liveness(node, 1_000 + node, self.members) for node in self.members}
        self.now_ms = 0
        self.cuts: set[tuple[int, int]] = set()
        self.frames = 0
        self.bytes = 0
        self.still: set[int] = set()
        """Who does not run (SIGSTOP): its links are up."""

    def beats(self, count: int) -> None:
        for _ in range(count):
            for node in [node for node in self.nodes if node not in self.still]:
                self.now_ms += max(1, BEAT_MS // len(self.members))
                up = {peer: None for peer in self.members if peer != node}
                for peer, frame in self.nodes[node].beat(self.now_ms, up):
                    self.frames += 1
                    self.bytes += len(frame)
                    if (node, peer) not in self.cuts and peer not in self.still and peer in self.nodes:
                        self.nodes[peer].hear(node, beat_of(frame), self.now_ms)

    def until(self, status: int, node: int, by: list[int], most: int = 200) -> int:
        """How many beats it takes until all of ``by`` hold ``node`` to be that."""
        for count in range(most):
            if all(self.nodes[one].status(node) == status for one in by):
                return count
            self.beats(1)
        raise AssertionError(f"node {node} is not {NAMES[status]} to {by}")


def beat_of(frame: bytes) -> Beat:
    (body,) = FrameParser(1 << 20).feed(frame)
    group, message = decode_message(body)
    assert group == NODE_GROUP and isinstance(message, Beat)
    return message


def test_who_stands_still_is_suspect_then_dead_and_comes_back_with_a_higher_incarnation() -> None:
    world = World(3)
    world.beats(50)
    assert all(world.nodes[n].suspicions == 0 for n in world.members)
    stopped_ms = world.now_ms
    world.still = {3}
    suspect = world.until(SUSPECT, 3, [1, 2])
    assert suspect <= 3 * PERIOD_BEATS
    dead = suspect + world.until(DEAD, 3, [1, 2])
    assert 20 <= dead <= 45, "two to four and a half seconds"
    one = world.nodes[1]
    assert stopped_ms <= one.alive_ms(3, world.now_ms) <= stopped_ms + 3 * PERIOD_BEATS * BEAT_MS
    assert one.is_dead(3) and one.alive_ms(2, world.now_ms) == world.now_ms
    assert (one.suspicions, one.deaths, one.refutations) == (1, 1, 0)
    before = one.incarnation_of(3)
    world.still = set()
    assert world.until(ALIVE, 3, [1, 2]) <= 4, "it hears with the first beat that it is dead"
    assert one.incarnation_of(3) == before + 1 == world.nodes[3].incarnation_of(3)
    assert (one.refutations, world.nodes[3].spoken_up, one.alive_ms(3, world.now_ms)) == (1, 1, world.now_ms)


def test_one_cut_link_is_nobodys_death() -> None:
    """Neither both ways nor one way: the third node tells."""
    for cuts in ({(1, 2), (2, 1)}, {(1, 2)}, {(2, 1)}):
        world = World(3)
        world.beats(20)
        world.cuts = cuts
        world.beats(600)
        assert [world.nodes[a].status(b) for a, b in ((1, 2), (2, 1), (3, 1), (3, 2))] == [ALIVE] * 4
        assert sum(node.deaths + node.suspicions for node in world.nodes.values()) == 0


def test_who_hears_nobody_holds_all_others_dead_and_harms_nobody() -> None:
    world = World(5)
    world.cuts = {(other, 5) for other in world.members}
    world.beats(150)
    assert [world.nodes[5].status(node) for node in world.members] == [DEAD] * 4 + [ALIVE]
    assert [world.nodes[1].status(node) for node in world.members] == [ALIVE] * 4 + [DEAD]
    world.cuts = set()
    world.beats(10)
    assert all(world.nodes[a].status(b) == ALIVE for a in world.members for b in world.members)


def test_a_new_life_is_alive_with_its_first_word() -> None:
    """Rule H2."""
    world = World(3)
    world.beats(20)
    world.still = {2}
    world.until(DEAD, 2, [1, 3])
    world.still = set()
    world.nodes[2] = Liveness(2, 9_000, world.members)
    assert world.until(ALIVE, 2, [1, 3]) <= 2 * PERIOD_BEATS
    assert world.nodes[1].incarnation_of(2) >= 9_000


def test_at_rest_beats_are_as_many_as_ever_and_say_little() -> None:
    """Rule H1: per period one question and one answer for each node, whatever their number."""
    for count in (3, 40):
        world = World(count)
        world.beats(40)
        frames, sent_bytes = world.frames, world.bytes
        world.beats(10 * PERIOD_BEATS)
        beats = 10 * PERIOD_BEATS * count * (count - 1)
        assert world.frames - frames == beats
        empty = len(encode_message(NODE_GROUP, Beat()))
        words = (world.bytes - sent_bytes - beats * empty) / (10 * count)
        assert words < 120, "bytes of one node per period, beside its beats"


def test_all_of_many_nodes_know_it_within_some_beats_of_the_first() -> None:
    world = World(40)
    world.beats(30)
    world.still = {17}
    others = [node for node in world.members if node != 17]
    while all(world.nodes[node].status(17) == ALIVE for node in others):
        world.beats(1)
    assert world.until(SUSPECT, 17, others) <= 12
    world.until(DEAD, 17, others)
    assert sum(world.nodes[node].deaths for node in others) == len(others), "and nobody else is"


def test_the_map_decides_who_is_asked() -> None:
    one = Liveness(1, 5, [])
    assert (one.status(2), one.incarnation_of(2), one.incarnation_of(1)) == (DEAD, 0, 5)
    one.learn([1, 2, 3])
    assert (one.status(2), one.status(3)) == (ALIVE, ALIVE)
    for _ in range(60):
        one.beat(100, {2: None, 3: None})
    assert one.is_dead(2) and one.alive_ms(2, 7_000) == 100
    one.learn([1, 3])
    assert one.alive_ms(2, 7_000) == 7_000, "nothing is left of whoever has left"
    assert one.incarnation_of(2) == 0


def test_an_incarnation_has_room_above_it() -> None:
    assert Liveness(1, 1 << 60, [1, 2]).incarnation_of(1) == 1 << 48


def test_what_one_beat_says_is_bounded() -> None:
    one = Liveness(1, 5, [1, 2, 3])
    one.hear(2, Beat([Ping(number, 1) for number in range(WORDS_MAX)]), 0)
    words = {peer: beat_of(frame).words for peer, frame in one.beat(100, {2: None, 3: None})}
    assert len(words[2]) <= WORDS_MAX and len(words[3]) <= 1
    decoder = msgspec.msgpack.Decoder(Beat)
    assert decoder.decode(msgspec.msgpack.encode(Beat([Ping(1, 1)] * WORDS_MAX))).words[0] == Ping(1, 1)
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(msgspec.msgpack.encode(Beat([Ping(1, 1)] * (WORDS_MAX + 1))))


def test_what_is_for_nobody_in_reach_is_lost() -> None:
    one = Liveness(1, 5, [1, 2, 3])
    one.hear(2, Beat([Ping(77, 1)]), 0)
    assert one.beat(100, {}) == []
    said = [
        word for beat in range(30) for _, frame in one.beat(100, {2: None}) for word in beat_of(frame).words
    ]
    assert not [word for word in said if isinstance(word, Pong)]


# -- on whole nodes


def status(bench: Bench, number: int, node: int) -> str:
    return NAMES[bench.node(number).front.liveness.status(node)]


def test_whole_nodes_know_whom_only_others_hear() -> None:
    bench = Bench(3)
    bench.found()
    for pair in ((1, 2), (2, 1)):
        bench.cuts[pair] = None
    bench.wait(8_000)
    assert [status(bench, a, b) for a, b in ((1, 2), (2, 1), (3, 1), (3, 2))] == ["alive"] * 4
    bench.heal()
    bench.crash(2)
    bench.until(lambda: status(bench, 1, 2) == status(bench, 3, 2) == "dead")
    bench.start(2)
    bench.until(lambda: status(bench, 1, 2) == status(bench, 3, 2) == "alive", 3_000)


def test_nothing_is_said_before_the_life_is_in_the_log() -> None:
    """Rule D2: a word may not name an incarnation that a crash would take back."""
    bench = Bench(3)
    bench.found()
    bench.crash(2)
    bench.servers[2].disk.held = dict.fromkeys(Channel, True)
    bench.start(2)
    said = []
    bench.on_send = lambda sender, to, frame: said.append(frame) if sender == 2 else None
    bench.wait(6_000)
    assert status(bench, 1, 2) == "dead"
    assert not [frame for frame in said if isinstance(decode_message(frame[8:])[1], Beat)]
    bench.servers[2].disk.held = {}
    bench.until(lambda: status(bench, 1, 2) == "alive")
