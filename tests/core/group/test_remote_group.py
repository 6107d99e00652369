"""A group seen from a node without a replica of it: messages one by one, then whole histories under faults."""

from collections.abc import Callable

import pytest

from tests.core.group.remote_world import (
    CALM,
    FAULTS,
    LIMITS,
    Op,
    World,
    judge,
    play,
    play_queue,
    verdict,
)
from trivet.core.base.limits import Limits
from trivet.core.group import outbox, remote_service, reply_parts
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
from trivet.core.group.proposing import Proposer
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.reads import READ_TIMEOUT_ERROR, ReadQueue
from trivet.core.group.remote_group import WHO_LEADS, RemoteGroup
from trivet.core.group.remote_service import RemoteService
from trivet.core.group.reply_parts import CHUNK_BYTES, ReplyParts, chunks
from trivet.core.group.run import Run, finish_runs
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.entry import decode_batch, decode_batch_head
from trivet.core.machine.plain_reply import encode_replies
from trivet.core.machine.sessions import NodeSession, NodeSessions
from trivet.core.raft.state import Role
from trivet.core.wire.reply import Error

LIFE = 77
HARD = {"drop": 0.1, "double": 0.2, "late": 0.3, "crash": 0.01, "cut": 0.02, "remote_crash": 0.003}


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


# -- whole histories


@pytest.mark.parametrize("seed", range(1, 9))
def test_histories_under_faults_are_right(seed):
    """Exactly once, linearizable, every error as certain as it says."""
    assert verdict(play(seed, HARD if seed % 2 else FAULTS)) == []


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_histories_whose_replies_come_in_chunks_are_right(seed, monkeypatch: pytest.MonkeyPatch):
    """F4."""
    monkeypatch.setattr(reply_parts, "CHUNK_BYTES", 32)
    monkeypatch.setattr(remote_service, "CHUNK_BYTES", 32)
    monkeypatch.setattr(remote_service, "CHUNKS_BYTES_MAX", 96)
    world = play(seed, FAULTS)
    assert verdict(world) == []
    assert [op for op in world.ops if op.kind == "read" and op.outcome == "ok" and len(op.reply) > 10]


def test_a_history_is_a_function_of_its_seed():
    first, second = (
        [(op.kind, op.key, op.outcome, op.began, op.ended) for op in play(5, FAULTS, 40).ops]
        for _ in range(2)
    )
    assert first == second


def test_without_faults_everything_succeeds():
    world = play(1, CALM)
    assert verdict(world) == []
    assert {op.outcome for op in world.ops} == {"ok"}


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_element_of_a_queue_is_lost_or_served_twice(seed):
    """Waiting calls over a remote group: B1 to B4, and F6, F8."""
    world, served = play_queue(seed, HARD if seed % 2 else FAULTS)
    left = world.final("q")
    assert len(set(served + left)) == len(served + left)
    pushed = {op.value for op in world.ops if op.key == "q" and op.outcome == "ok"}
    in_doubt = [r for host in world.remotes.values() for _, r in host.served if isinstance(r, Error)]
    assert len(pushed - set(served + left)) <= len(in_doubt)
    waits = sum(len(host.blocked.by_client) for host in world.remotes.values() if host.blocked is not None)
    assert not (left and waits), "somebody waits although there is something"
    assert waits == len(world.leader().machine.waiting.by_client)


class Cache:
    """A client's cache of lists, kept by what its node hears of changes."""

    def __init__(self, everything: bool) -> None:
        self.everything = everything
        self.values: dict[str, list[bytes]] = {}
        self.pending: list[tuple[Op, bool]] = []
        """Reads under way, and whether their keys have changed meanwhile: that is told after the reply."""

    def look(self) -> None:
        """Take in what has been answered."""
        for op, changed in [one for one in self.pending if one[0].outcome]:
            if op.outcome == "ok" and not changed and isinstance(op.reply, list):
                self.values[op.key] = op.reply
        self.pending = [one for one in self.pending if not one[0].outcome]

    def jumped(self) -> None:
        self.look()
        self.values = {}
        self.pending = [(op, True) for op, _ in self.pending]

    def changed_elsewhere(self, key: bytes) -> None:
        self.look()
        self.values.pop(key.decode(), None)
        self.pending = [(op, changed or op.key == key.decode()) for op, changed in self.pending]

    def on_read(self, run: Run) -> None:
        """Who tells of a key has no need to be told of its readers here."""

    on_read_elsewhere = before_change = before_flush = on_read

    def hears_all(self) -> bool:
        return self.everything


def read_all(world: World, caches: dict[int, Cache]) -> None:
    for number, cache in caches.items():
        for key in ("k0", "k1", "k2"):
            cache.pending.append((world.read(number, key, tracks=not cache.everything), False))


def play_caches(seed: int, everything: bool) -> list[str]:
    """Clients read through caches; links lose nothing unless they break. What is stale at the end of a round."""
    world = World(seed, HARD | {"drop": 0.0, "crash": 0.0, "cut": 0.0, "remote_crash": 0.0})
    caches = {number: Cache(everything) for number in world.remotes}
    for number, cache in caches.items():
        world.remotes[number].group.follow_changes(cache)
    wrong, held = [], 0
    for _ in range(6):
        world.run(1_500)
        read_all(world, caches)
        world.run(world.prng.between(20, 1_500))
        if world.prng.chance(0.3):
            world.crash(world.prng.between(1, 3), 200)
        for member in (1, 2, 3):
            if world.prng.chance(0.4):
                world.cut(8 + world.prng.below(2), member, world.prng.between(20, 800))
        for number in caches:
            world.push(number, f"k{world.prng.below(3)}")
            world.run(world.prng.between(0, 200))
        world.heal()
        for number, cache in caches.items():
            cache.look()
            held += len(cache.values)
            for key, value in cache.values.items():
                if [item.decode() for item in value] != world.final(key):
                    wrong.append(f"node {number} holds an old {key}")
        world.faults |= {"double": 0.2, "late": 0.3}
    assert verdict(world) == [] and held, "nobody has cached anything"
    return wrong


@pytest.mark.parametrize("everything", [False, True], ids=["keys", "all"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_no_cache_keeps_what_has_changed(seed, everything):
    """F7."""
    assert play_caches(seed, everything) == []


# -- planted bugs: the judge must speak

Plant = Callable[[pytest.MonkeyPatch], None]


def duplicates_are_applied(patch: pytest.MonkeyPatch) -> None:
    def admit(self: NodeSessions, batch) -> NodeSession:
        session = self.by_node.get(batch.node)
        if session is None or session.incarnation < batch.incarnation:
            session = self.by_node[batch.node] = NodeSession(batch.incarnation)
        session.last_sequence = max(batch.sequence, session.last_sequence)
        return session

    patch.setattr(NodeSessions, "admit", admit)
    takes = RemoteService.takes

    def takes_all(self: RemoteService, sender: int, data: bytes) -> bool:
        if not data or self._replica.raft.role is not Role.LEADER:
            return takes(self, sender, data)
        head = decode_batch_head(data)
        self.asked[sender] = (head.incarnation, head.sequence)
        return True

    patch.setattr(RemoteService, "takes", takes_all)
    patch.setattr(Proposer, "_sender_if_next", lambda self, data, machine: decode_batch_head(data).node)
    patch.setattr(Outbox, "applied", _applied_at_will(Outbox.applied))


def _applied_at_will(applied):
    def at_will(self, sequence, replies, looks=False):
        if self.under_way and self.under_way[0].sequence == sequence:
            return applied(self, sequence, replies, looks)
        return None

    return at_will


def a_duplicate_is_answered_as_fresh(patch: pytest.MonkeyPatch) -> None:
    takes = RemoteService.takes

    def fresh(self: RemoteService, sender: int, data: bytes) -> bool:
        session = self._replica.machine.sessions.by_node.get(sender)
        if data and session is not None and session.replies:
            head = decode_batch_head(data)
            newest = next(reversed(session.replies.values()))
            known = head.incarnation == session.incarnation and head.sequence <= session.last_sequence
            if known and len(newest) == len(decode_batch(data).calls):
                self._answer(sender, head.incarnation, head.sequence, newest)
                return False
        return takes(self, sender, data)

    patch.setattr(RemoteService, "takes", fresh)


def reads_without_a_read_index(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReadQueue, "stage", lambda self, run, now_ms: self.stage_stale(run))


def an_answer_of_a_former_life_counts(patch: pytest.MonkeyPatch) -> None:
    def on_read_replies(self: RemoteGroup, message: ReadReplies) -> None:
        question = self.reads.answered(message, 0)
        if question is not None and question.parts is not None:
            finish_runs(question.runs, question.parts.replies)

    patch.setattr(RemoteGroup, "_on_read_replies", on_read_replies)


def what_has_left_is_said_not_to_be_done(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outbox, "TIMEOUT_ERROR", NO_LEADER_ERROR)


def replies_are_taken_out_of_order(patch: pytest.MonkeyPatch) -> None:
    def on_batch_replies(self: RemoteGroup, message: BatchReplies) -> None:
        under_way = self.outbox.under_way
        if message.incarnation == self.settings.incarnation and under_way and message.replies:
            parts = ReplyParts(sum(run.count for run in under_way[0].runs), 1000)
            if parts.add(message.offset, message.total, message.replies):
                self.outbox.applied(under_way[0].sequence, parts.replies)

    patch.setattr(RemoteGroup, "_on_batch_replies", on_batch_replies)


@pytest.mark.parametrize(
    "plant",
    [
        duplicates_are_applied,
        a_duplicate_is_answered_as_fresh,
        reads_without_a_read_index,
        an_answer_of_a_former_life_counts,
        what_has_left_is_said_not_to_be_done,
        replies_are_taken_out_of_order,
    ],
)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch):
    plant(monkeypatch)
    for seed in range(1, 60):
        try:
            world = play(seed, HARD)
        except AssertionError:
            return  # it went on in no sensible way
        if verdict(world):
            return
    raise LookupError("nobody noticed")


def forgets_the_members_that_track(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RemoteGroup, "_changes_missed_at", lambda self, member: None)


@pytest.mark.parametrize("everything", [False, True], ids=["keys", "all"])
def test_a_planted_bug_of_caches_is_found(everything, monkeypatch: pytest.MonkeyPatch):
    forgets_the_members_that_track(monkeypatch)
    assert any(play_caches(seed, everything) for seed in range(1, 40)), "nobody noticed"


def test_the_judge_itself():
    world = World(1)
    first, second, read = world.push(8, "k"), world.push(8, "k"), world.read(9, "k")
    for at, (op, reply) in enumerate(((first, 1), (second, 2), (read, [b"8-1", b"8-2"])), 10):
        op.outcome, op.reply, op.ended = "ok", reply, (2_000, at)
    ops = [first, second, read]
    assert judge(ops, {"k": ["8-1", "8-2"]}) == []
    assert "applied twice" in judge(ops, {"k": ["8-1", "8-1", "8-2"]})[0]
    assert "was answered" in judge(ops, {"k": ["8-2", "8-1"]})[0]
    late = world.read(9, "k")
    late.began, late.ended, late.outcome, late.reply = (3_000, 1), (3_000, 2), "ok", [b"8-1"]
    assert "came to 1" in judge([*ops, late], {"k": ["8-1", "8-2"]})[0]
    late.kind = "stale"
    assert judge([*ops, late], {"k": ["8-1", "8-2"]}) == []
    second.outcome = "not done"
    assert "was said not to be done" in judge(ops, {"k": ["8-1", "8-2"]})[0]
