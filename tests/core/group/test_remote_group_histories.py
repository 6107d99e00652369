"""Whole histories of nodes without a replica, under faults: they are right, and planted bugs are noticed."""

from collections.abc import Callable

import pytest

from tests.core.group.remote_world import CALM, FAULTS, Op, World, judge, play, play_queue, verdict
from trivet.core.group import outbox, remote_service, reply_parts
from trivet.core.group.messages import BatchReplies, ReadReplies
from trivet.core.group.outbox import NO_LEADER_ERROR, Outbox
from trivet.core.group.proposing import Proposer
from trivet.core.group.reads import ReadQueue
from trivet.core.group.remote_group import RemoteGroup
from trivet.core.group.remote_service import RemoteService
from trivet.core.group.reply_parts import ReplyParts
from trivet.core.group.run import Run, finish_runs
from trivet.core.machine.entry import decode_batch, decode_batch_head
from trivet.core.machine.sessions import NodeSession, NodeSessions
from trivet.core.raft.state import Role
from trivet.core.wire.reply import Error

HARD = {"drop": 0.1, "double": 0.2, "late": 0.3, "crash": 0.01, "cut": 0.02, "remote_crash": 0.003}


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
