"""A group seen from a node without a replica of it, message by message; then such a node gets a replica."""

import pytest

from tests.core.group.remote_world import LIMITS, World
from trivet.core.base.limits import Limits
from trivet.core.group.agenda import Agenda
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
from trivet.core.group.outbox import NO_LEADER_ERROR, TIMEOUT_ERROR, Outbox
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.reads import READ_TIMEOUT_ERROR
from trivet.core.group.remote_group import WHO_LEADS, RemoteGroup
from trivet.core.group.reply_parts import CHUNK_BYTES, chunks
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.entry import decode_batch
from trivet.core.machine.plain_reply import encode_replies

LIFE = 77


class Client:
    def run_done(self) -> None:
        pass


class Desk:
    """A remote group whose members are the test."""

    def __init__(self, hint: int = 0, up: tuple[int, ...] = (1, 2, 3), limits: Limits = LIMITS) -> None:
        self.group = RemoteGroup(GroupSettings(4, 9, LIFE, 5000, 500, limits), Agenda(), (1, 2, 3), hint)
        self.now_ms = 0
        for peer in up:
            self.group.on_peer_up(peer)

    def call(self, *args: str, writes: bool = False, stale: bool = False, tracks: bool = False) -> Run:
        run = Run(Client(), writes)
        run.tracks = tracks
        if writes:
            self.group.write(run, self.now_ms)
        elif stale:
            self.group.read_stale(run)
        else:
            self.group.read(run, self.now_ms)
        run.add((0, [arg.encode() for arg in args]), 10)
        return run

    def write(self, *args: str) -> Run:
        return self.call(*(args or ("INCR", "n")), writes=True)

    def turn(self) -> list[tuple[int, object]]:
        """What leaves: (to whom, message); batches as (their number)."""
        self.group.turn(self.now_ms, 0)
        said, self.group.outgoing = self.group.outgoing, []
        return [
            (to, decode_batch(m.batch).sequence if isinstance(m, Forward) and m.batch else m)
            for to, m in said
        ]

    def wait(self, ms: int) -> list[tuple[int, object]]:
        said = []
        for _ in range(0, ms, 20):
            self.now_ms += 20
            self.group.on_tick(self.now_ms)
            said += self.turn()
        return said

    def hear(self, sender: int, message) -> list[tuple[int, object]]:
        self.group.on_message(sender, message)
        return self.turn()

    def answered(self, sequence: int, *replies, sender: int = 1) -> list[tuple[int, object]]:
        return self.hear(sender, BatchReplies(sequence, LIFE, encode_replies(list(replies))))


# -- F2: who leads


def test_batches_go_to_the_member_that_the_owner_names():
    desk = Desk(hint=2)
    desk.write()
    assert desk.turn() == [(2, 1)]
    run = desk.write()
    assert desk.turn() == [(2, 2)]
    desk.answered(1, 1)
    desk.answered(2, 2)
    assert run.replies == [2]
    assert desk.group.pending_bytes == 0


def test_one_after_the_other_is_asked_and_nothing_leaves_before():
    desk = Desk()
    assert desk.wait(100) == [], "nobody wants anything"
    run = desk.write()
    assert desk.turn() == [(2, WHO_LEADS)]
    assert desk.turn() == [], "once per tick"
    assert desk.hear(2, NotLeader(0, 4)) == []
    assert desk.wait(40) == [(3, WHO_LEADS), (1, WHO_LEADS)]
    assert desk.hear(1, NotLeader(3, 5)) == [(3, 1)]
    desk.answered(1, 1)
    assert run.replies == [1]


def test_a_leader_that_says_no_is_believed_no_more_whatever_others_say():
    desk = Desk(hint=1)
    desk.write()
    assert desk.turn() == [(1, 1)]
    assert desk.hear(1, NotLeader(0, 5)) == [(2, WHO_LEADS)]
    assert desk.hear(2, NotLeader(1, 5)) == [], "an old belief of that member"
    assert desk.group.leader == 0
    assert desk.wait(20) == [(3, WHO_LEADS)]
    assert desk.hear(3, NotLeader(2, 6)) == [(2, 1)]
    assert desk.hear(1, NotLeader(1, 5)) == [], "an earlier term"
    assert desk.hear(1, NotLeader(3, 6)) == [], "there is one leader in a term"
    assert desk.hear(1, NotLeader(3, 7)) == [(3, 1)]
    assert desk.group.leader == 3


def test_a_candidate_that_said_no_may_win_the_same_term():
    desk = Desk()
    desk.write()
    desk.turn()
    desk.hear(2, NotLeader(0, 5))
    assert desk.hear(2, NotLeader(2, 5)) == [(2, 1)]


def test_a_node_that_has_lost_its_replica_is_believed_no_more():
    desk = Desk()
    desk.write()
    desk.turn()
    assert desk.hear(2, NotLeader(2, 5)) == [(2, 1)]
    assert desk.hear(2, NotLeader(0, 0)) == []
    assert desk.group.leader == 0
    assert desk.hear(2, Forward(b"x", True)) == [(2, NotLeader(0, 0))], "and so it answers itself"


def test_what_is_under_way_goes_to_a_new_leader_from_the_first():
    """O2."""
    desk = Desk(hint=1)
    for _ in range(3):
        desk.write()
        desk.turn()
    desk.answered(2, 2)
    assert desk.hear(1, NotLeader(3, 2)) == [(3, 1), (3, 3)], "what is answered need not"


def test_silence_makes_it_send_again_and_ask_another():
    desk = Desk(hint=1)
    desk.write()
    desk.turn()
    assert desk.wait(480) == []
    assert desk.wait(20) == [(1, 1), (2, WHO_LEADS)]
    assert desk.hear(2, NotLeader(1, 3)) == [(1, 1)], "the belief has a term now"
    assert desk.wait(500) == [(1, 1), (3, WHO_LEADS)]


def test_a_link_that_comes_up_again_gets_everything_under_way():
    desk = Desk(hint=1)
    desk.write()
    assert desk.turn() == [(1, 1)]
    desk.group.on_peer_lost(1)
    assert desk.turn() == [(2, WHO_LEADS)]
    desk.write()
    assert desk.hear(2, NotLeader(1, 3)) == [], "it leads still, and can't be reached"
    desk.group.on_peer_up(1)
    assert desk.turn() == [(1, 1), (1, 2)]


def test_without_any_link_nothing_leaves():
    desk = Desk(hint=1, up=())
    desk.write()
    desk.call("GET", "k")
    assert desk.wait(600) == []
    assert desk.group.replicas_of_last_write() == 1
    assert not desk.group.disk_full and desk.group.who_changes() is None


def test_the_owner_tells_of_other_members():
    desk = Desk(hint=1)
    desk.write()
    assert desk.turn() == [(1, 1)]
    desk.group.set_members((2, 3, 4), 4)
    assert [desk.group.is_member(number) for number in (1, 4)] == [False, True]
    assert [message for _, message in desk.turn()] == [WHO_LEADS]
    desk.group.on_peer_up(4)
    assert desk.turn() == [(4, 1)]
    desk.group.set_members((2, 3, 4), 2)
    assert desk.group.leader == 4, "a hint is only a hint"


# -- replies of batches


def test_replies_come_in_any_order_in_chunks_and_twice():
    """F4."""
    desk = Desk(hint=1)
    first = desk.write("A")
    second = desk.write("B")
    desk.turn()
    third = desk.write("C")
    desk.turn()
    desk.answered(2, 3)
    data = encode_replies([b"x" * CHUNK_BYTES, 2])
    one, two = [BatchReplies(1, LIFE, chunk, offset, len(data)) for offset, chunk in chunks(data)]
    assert desk.hear(1, two) == [(1, Taken(len(two.replies)))]
    desk.hear(2, two)
    assert first.replies is None and third.replies is None
    desk.hear(1, one)
    assert (first.replies, second.replies, third.replies) == ([b"x" * CHUNK_BYTES], [2], [3])
    desk.answered(1, 9, 9)
    assert desk.group.pending_bytes == 0


def test_a_long_answer_is_waited_for_while_it_comes():
    desk = Desk(hint=1)
    run = desk.call("GET", "k")
    desk.turn()
    data = encode_replies([b"x" * 2 * CHUNK_BYTES])
    for offset, chunk in chunks(data):
        assert not [one for one in desk.wait(400) if isinstance(one[1], ForwardRead)]
        assert (1, Taken(len(chunk))) in desk.hear(1, ReadReplies(1, chunk, LIFE, offset, len(data)))
    assert run.replies == [b"x" * 2 * CHUNK_BYTES]


@pytest.mark.parametrize(
    "message",
    [
        BatchReplies(1, LIFE - 1, encode_replies([1])),
        BatchReplies(2, LIFE, encode_replies([1])),
        BatchReplies(0, LIFE, encode_replies([1])),
        BatchReplies(1, LIFE, b"\xc1"),
        BatchReplies(1, LIFE, encode_replies([1, 2])),
        BatchReplies(1, LIFE, encode_replies([1]), 0, 1 << 60),
        ReadReplies(1, encode_replies([1]), LIFE),
    ],
)
def test_an_answer_to_something_else_answers_nothing(message):
    desk = Desk(hint=1)
    run = desk.write()
    desk.turn()
    desk.hear(1, message)
    assert run.replies is None
    desk.answered(1, 7)
    assert run.replies == [7]


def test_a_batch_whose_replies_nobody_remembers_ends_in_doubt():
    desk = Desk(hint=1)
    run, other = desk.write(), None
    desk.turn()
    other = desk.write()
    desk.turn()
    desk.hear(1, BatchReplies(1, LIFE, b""))
    assert run.replies == [TIMEOUT_ERROR]
    desk.answered(2, 5)
    assert other.replies == [5]


# -- O1, O3: certain and uncertain errors


def test_what_never_left_ends_with_a_definite_error():
    desk = Desk()
    run, reads = desk.write(), desk.call("GET", "k")
    said = desk.wait(5_100)
    assert run.replies == [NO_LEADER_ERROR] and reads.replies == [READ_TIMEOUT_ERROR]
    assert not [one for one in said if one[1] == 1]


def test_what_has_left_ends_in_doubt_and_stays_under_way():
    desk = Desk(hint=1)
    run = desk.write()
    desk.turn()
    desk.wait(5_100)
    assert run.replies == [TIMEOUT_ERROR]
    desk.write()
    assert desk.turn() == [(1, 2)]
    assert desk.hear(1, NotLeader(2, 9)) == [(2, 1), (2, 2)]


# -- reads


def read_of(said: list[tuple[int, object]]) -> tuple[int, ForwardRead]:
    (one,) = [(to, message) for to, message in said if isinstance(message, ForwardRead)]
    return one


def test_reads_go_to_the_leader_or_to_any_member_while_it_is_out_of_reach():
    desk = Desk(hint=1)
    run = desk.call("GET", "k")
    assert desk.turn() == [(1, ForwardRead(1, [(0, [b"GET", b"k"])], LIFE))]
    desk.group.on_peer_lost(1)
    to, again = read_of(desk.turn())
    assert to in (2, 3) and again.read_id == 2
    desk.hear(1, ReadReplies(1, encode_replies([b"late"]), LIFE))
    desk.hear(to, ReadReplies(2, encode_replies([b"other life"]), LIFE - 1))
    assert run.replies is None
    desk.hear(to, ReadReplies(2, encode_replies([b"v"]), LIFE))
    assert run.replies == [b"v"]


def test_a_read_without_an_answer_is_asked_elsewhere():
    desk = Desk(hint=1)
    desk.call("GET", "k")
    desk.turn()
    to, again = read_of(desk.wait(520))
    assert to == 2 and again.read_id == 2


def test_stale_reads_say_so():
    desk = Desk(up=(3,))
    desk.call("GET", "k", stale=True)
    assert read_of(desk.turn()) == (3, ForwardRead(1, [(0, [b"GET", b"k"])], LIFE, True, False))


# -- waiting calls, changes, handing over


def test_woken_clients_and_links_that_matter():
    """F8."""
    desk = Desk(hint=1)
    desk.group.jumped = False
    desk.hear(2, Woken([5, 6]))
    assert desk.group.woken == [5, 6]
    desk.group.on_peer_up(7)
    desk.group.on_peer_lost(7)
    assert not desk.group.jumped, "no member"
    desk.group.on_peer_lost(3)
    assert desk.group.jumped


class Follower:
    """What a client's cache would do: ``doubted`` keys are read anew."""

    def __init__(self, everything: bool = False) -> None:
        self.everything = everything
        self.heard: list[object] = []

    def on_read(self, run: Run) -> None:
        self.heard.append(("read", run.calls[0][1][1]))

    def on_read_elsewhere(self, run: Run) -> None:
        raise AssertionError("there is no elsewhere")

    before_change = before_flush = on_read_elsewhere

    def jumped(self) -> None:
        self.heard.append("jumped")

    def changed_elsewhere(self, key: bytes) -> None:
        self.heard.append(key)

    def hears_all(self) -> bool:
        return self.everything


def test_tracked_reads_are_tracked_at_the_member():
    """F7."""
    desk, follower = Desk(hint=1), Follower()
    desk.group.follow_changes(follower)
    desk.call("GET", "k", tracks=True)
    _, asked = read_of(desk.turn())
    assert asked.tracks
    desk.hear(1, ReadReplies(1, encode_replies([b"v"]), LIFE))
    assert follower.heard == [("read", b"k"), ("read", b"k")], "before it left, and when it came"
    desk.hear(1, Invalidate([b"k"]))
    assert follower.heard[2:] == [b"k"]
    desk.group.on_peer_lost(2)
    assert follower.heard[3:] == []
    desk.group.on_peer_lost(1)
    assert follower.heard[3:] == ["jumped"], "changes may have passed unheard"
    desk.group.on_peer_up(1)
    desk.call("GET", "k", tracks=True)
    desk.turn()
    desk.group.follow_changes(None)
    assert desk.turn() == [(1, Follow(False))]
    desk.hear(1, Invalidate([b"k"]))


def test_a_member_that_is_one_no_more_tells_nothing_more():
    desk, follower = Desk(hint=1), Follower()
    desk.group.follow_changes(follower)
    desk.call("GET", "k", tracks=True)
    desk.turn()
    desk.group.set_members((2, 3, 4))
    assert follower.heard[-1] == "jumped"


def test_who_wants_everything_asks_until_it_is_confirmed_and_elsewhere_when_a_link_breaks():
    desk, follower = Desk(hint=1), Follower(everything=True)
    desk.group.follow_changes(follower)
    assert desk.turn() == [(1, Follow(True))]
    assert (1, Follow(True)) in desk.wait(520), "no answer"
    desk.hear(1, Invalidate([], True))
    assert follower.heard == ["jumped"], "from here on all is heard"
    assert desk.wait(1_000) == []
    desk.hear(1, Invalidate([b"a"]))
    assert follower.heard == ["jumped", b"a"]
    desk.group.on_peer_lost(1)
    assert follower.heard[2:] == ["jumped"]
    ((to, message),) = desk.turn()
    assert to in (2, 3) and message == Follow(True)


def test_a_node_that_gets_a_replica_hands_over_what_is_under_way():
    """F1: one batch is in the state already, its reply lost on the way; another has not left."""
    world = World(3)
    first = world.push(9, "k")
    world.until(lambda: first.outcome == "ok")
    second = world.push(9, "k")
    world.run(5)
    for member in world.members:
        world.cut(9, member, 60_000)
    world.run(500)
    third, read = world.push(9, "k"), world.read(9, "k")
    world.run(50)
    assert world.final("k") == [first.value, second.value]
    assert [op.outcome for op in (second, third, read)] == ["", "", ""]
    remote = world.remotes[9].group
    assert isinstance(remote, RemoteGroup)
    outbox_of_9, runs = remote.hand_over()
    assert runs == [read.run]
    # A follower plays the replica that the node gets: its outbox speaks for node 9 from now on.
    leading = world.leader().settings.node
    replica = next(host.group for host in world.members.values() if host.number != leading)
    assert isinstance(replica, RaftGroup)
    replica.settings = remote.settings
    replica.adopt(outbox_of_9)
    assert (second.outcome, second.reply) == ("ok", 2), "from the session (S2)"
    for run in runs:
        replica.read(run, world.mono_ms)
    world.run(500)
    assert (third.outcome, third.reply, read.outcome) == ("ok", 3, "ok")
    # And back: a node that has lost its replica goes on with the numbers that it had.
    again = RemoteGroup(remote.settings, Agenda(), (1, 2, 3), leading, replica.outbox)
    world.remotes[9].group = again
    replica.outbox = Outbox(replica.settings.node, 1, 8, 1000)
    world.cuts.clear()
    for member in world.members:
        again.on_peer_up(member)
    fourth = world.push(9, "k")
    world.run(500)
    assert (fourth.outcome, fourth.reply) == ("ok", 4)
