"""The member's side for nodes without a copy: each message, and what may not harm a member."""

import pytest

from tests.core.group.remote_world import CALM, LIMITS, World
from trivet.core.base.limits import Limits
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
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.remote_service import (
    CHUNKS_BYTES_MAX,
    READ_REPLY_TOO_LARGE,
    WRITE_REPLY_TOO_LARGE,
    may_be_read,
)
from trivet.core.group.reply_parts import CHUNK_BYTES, ReplyParts
from trivet.core.machine.entry import Batch, encode_batch, encode_calls
from trivet.core.machine.plain_reply import decode_replies
from trivet.core.node.peers import decode_message
from trivet.core.raft.state import Role
from trivet.core.wire.peer import FrameParser

ME = 7
LIFE = 1 << 50


class Asked(World):
    """The members; the test itself is node 7, which has no copy."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.said: list[tuple[int, object]] = []
        super().__init__(1, CALM, limits)
        self.until(lambda: any(self.member(n).raft.role is Role.LEADER for n in self.members))
        self.run(500)
        self.leading = self.leader().settings.node
        for number in self.members:
            self.member(number).on_peer_up(ME)
        self.following = [n for n in self.members if n != self.leading]

    def member(self, number: int) -> RaftGroup:
        group = self.members[number].group
        assert isinstance(group, RaftGroup)
        return group

    def _send(self, sender: int, to: int, data: bytes) -> None:
        if to == ME:
            (body,) = FrameParser(1 << 30).feed(data)
            self.said.append((sender, decode_message(body)[1]))
        else:
            super()._send(sender, to, data)

    def ask(self, number: int, *messages, for_ms: int = 100) -> list[tuple[int, object]]:
        """What is said after ``messages`` to a member, raft's own left out."""
        self.said = []
        for message in messages:
            self.member(number).on_message(ME, message)
        self.run(for_ms)
        return self.said


def batch(sequence: int, *line: str, acknowledged: int = 0, node: int = ME, life: int = LIFE) -> Forward:
    args = [word.encode() for word in line or ("RPUSH", "l", f"v{sequence}")]
    return Forward(encode_batch(Batch(node, life, sequence, acknowledged, [(0, args)])), True)


def replies(said: list[tuple[int, object]]) -> list[tuple[int, object]]:
    return [
        (message.sequence, decode_replies(message.replies)[0] if message.replies else "forgotten")
        for _, message in said
        if isinstance(message, BatchReplies) and message.incarnation == LIFE
    ]


def read(number: int, *line: str, **kinds) -> ForwardRead:
    return ForwardRead(number, [(0, [word.encode() for word in line])], LIFE, **kinds)


def answers(said: list[tuple[int, object]]) -> list[tuple[int, int, list]]:
    return [
        (message.read_id, message.total, decode_replies(message.replies))
        for _, message in said
        if isinstance(message, ReadReplies) and message.incarnation == LIFE
    ]


# -- writes


def test_the_leader_answers_when_it_has_applied():
    world = Asked()
    assert replies(world.ask(world.leading, batch(1), batch(2))) == [(1, 1), (2, 2)]


def test_a_duplicate_is_answered_at_once_with_the_replies_of_then():
    """F3: by any member that has applied it."""
    world = Asked()
    world.ask(world.leading, batch(1), batch(2), for_ms=500)
    for number in world.members:
        assert replies(world.ask(number, batch(1), for_ms=5)) == [(1, 1)]
    world.ask(world.leading, batch(3, acknowledged=2), for_ms=500)
    assert replies(world.ask(world.leading, batch(2), for_ms=5)) == [(2, "forgotten")]
    assert world.final("l") == ["v1", "v2", "v3"]


def test_a_duplicate_before_the_first_is_applied_is_answered_once():
    world = Asked()
    assert replies(world.ask(world.leading, batch(1), batch(1))) == [(1, 1)]


def test_a_follower_says_who_leads_and_forwards_nothing():
    world = Asked()
    term = world.leader().raft.term
    last = world.leader().raft.last_index
    for number in world.following:
        assert world.ask(number, batch(1)) == [(number, NotLeader(world.leading, term))]
    assert world.leader().raft.last_index == last


def test_an_empty_batch_asks_who_leads():
    world = Asked()
    term = world.leader().raft.term
    for number in world.members:
        assert world.ask(number, Forward(b"", True)) == [(number, NotLeader(world.leading, term))]


def test_who_was_asked_says_so_when_it_leads_no_more():
    world = Asked()
    old = world.leading
    for other in world.following:
        world.cut(old, other, 10_000)
    assert world.ask(old, batch(1)) == []
    term = world.member(old).raft.term
    world.run(3_000)
    assert world.said[:1] == [(old, NotLeader(0, term))]
    world.cuts = dict.fromkeys(world.cuts, 0)
    world.said = []
    world.run(3_000)
    leading = world.leader()
    assert (old, NotLeader(leading.settings.node, leading.raft.term)) in world.said


def test_a_batch_that_is_none_or_another_node_s_is_left_out():
    world = Asked()
    last = world.leader().raft.last_index
    for data in (b"\xc1", b"x", encode_batch(Batch(8, LIFE, 1, 0, []))):
        assert world.ask(world.leading, Forward(data, True)) == []
    assert world.leader().raft.last_index == last


def test_a_reply_too_large_says_that_the_command_took_effect():
    world = Asked(Limits(segment_bytes=64 * 1024, remote_reply_bytes_max=2_000))
    (found,) = replies(world.ask(world.leading, batch(1, "EVAL", "return string.rep('x', 5000)", "0")))
    assert found == (1, WRITE_REPLY_TOO_LARGE)


# -- reads


def test_any_member_reads_after_a_read_index():
    """F5."""
    world = Asked()
    world.ask(world.leading, batch(1))
    for number in world.members:
        assert answers(world.ask(number, read(5, "LLEN", "l"))) == [(5, 0, [1])]


def test_a_follower_without_its_leader_reads_stale_only():
    world = Asked()
    world.ask(world.leading, batch(1), for_ms=500)
    alone = world.following[0]
    for other in world.members:
        if other != alone:
            world.cut(alone, other, 60_000)
    assert answers(world.ask(alone, read(1, "LLEN", "l"), for_ms=3_000)) == []
    assert answers(world.ask(alone, read(2, "LLEN", "l", stale=True))) == [(2, 0, [1])]
    said = world.ask(alone, for_ms=5_000)
    assert answers(said) == [], "an error would say nothing new: it was asked again elsewhere"
    world.cuts = dict.fromkeys(world.cuts, 0)
    assert answers(world.ask(alone, read(3, "LLEN", "l"), for_ms=5_000)) == [(3, 0, [1])]


def test_reads_under_way_of_one_node_are_bounded():
    world = Asked(Limits(segment_bytes=64 * 1024, remote_reads_max=2, remote_read_bytes_max=500))
    alone = world.following[0]
    for other in world.members:
        if other != alone:
            world.cut(alone, other, 1_000)
    small = [read(number, "LLEN", "l") for number in range(1, 8)]
    said = world.ask(alone, *small, for_ms=5_000)
    assert sorted(number for number, _, _ in answers(said)) == [1, 2, 3, 4]
    assert world.member(alone).remotes.refused_reads == 3
    assert answers(world.ask(alone, read(9, "LLEN", "l"))) == [(9, 0, [0])], "they are counted out again"
    large = [read(number, "GET", "k" * 600) for number in (1, 2)]
    assert len(answers(world.ask(alone, *large))) == 1


@pytest.mark.parametrize(
    "call",
    [
        (0, []),
        (0, [b"SET", b"a", b"1"]),
        (0, [b"NOSUCH"]),
        (0, [b"GET"]),
        (-1, [b"GET", b"a"]),
        (1 << 40, [b"GET", b"a"]),
        (0, [b"AS", b"ann", b"1", b"SET", b"a", b"1"]),
        (0, [b"AS", b"ann"]),
        (0, [b"EXEC", b"\xc1", b""]),
        (0, [b"EXEC", encode_calls([(0, [b"GET", b"a"]), (0, [b"SET", b"a", b"1"])]), b""]),
        (0, [b"EXEC", encode_calls([(0, [])]), b""]),
        (0, [b"USERS", b"DELETE", b"ann"]),
        (0, [b"CLAIM", b"1"]),
    ],
)
def test_what_is_no_read_is_not_run(call):
    assert not may_be_read(call)
    world = Asked()
    assert (
        world.ask(world.leading, ForwardRead(1, [call], LIFE), ForwardRead(2, [call], LIFE, True, True)) == []
    )


def test_questions_and_transactions_are_reads():
    assert may_be_read((0, [b"USERS", b"NAMES"]))
    assert may_be_read((3, [b"EXEC", encode_calls([(0, [b"GET", b"a"]), (-1, [b"+", b"PONG"])]), b""]))
    assert may_be_read((0, [b"AS", b"ann", b"1", b"LRANGE", b"l", b"0", b"-1"]))


def test_replies_too_large_become_errors_and_harm_no_neighbour():
    """F4."""
    world = Asked(Limits(segment_bytes=64 * 1024, remote_reply_bytes_max=2_000))
    world.ask(world.leading, batch(1, "SET", "k", "v" * 700), batch(2, "SET", "big", "v" * 1_500))
    calls = [(0, [b"GET", key]) for key in (b"k", b"big", b"none")]
    found = answers(world.ask(world.leading, ForwardRead(4, calls, LIFE)))
    assert found == [(4, 0, [b"v" * 700, READ_REPLY_TOO_LARGE, None])]


def test_long_replies_leave_as_they_are_taken():
    """F4: few bytes are on their way at a time, and nothing is kept for who takes nothing."""
    world = Asked(Limits(segment_bytes=64 * 1024))
    size_bytes = CHUNKS_BYTES_MAX + 3 * CHUNK_BYTES
    value = b"v" * (size_bytes // 4)
    world.member(world.leading).machine.databases.open(0).set(b"k", value)
    ask = ForwardRead(4, [(0, [b"GET", b"k"])] * 4, LIFE)
    said = world.ask(world.leading, ask, for_ms=50)
    parts = ReplyParts(4, 1 << 30)
    assert len(said) == CHUNKS_BYTES_MAX // CHUNK_BYTES
    while not parts.whole:
        taken = []
        for _, message in said:
            parts.add(message.offset, message.total, message.replies)
            taken.append(Taken(len(message.replies)))
        said = world.ask(world.leading, *taken, for_ms=10)
    assert parts.replies == [value] * 4 and said == []
    world.ask(world.leading, ask, for_ms=600)
    assert world.ask(world.leading, Taken(CHUNK_BYTES)) == [], "it was given up"
    assert len(world.ask(world.leading, ask, for_ms=50)) == CHUNKS_BYTES_MAX // CHUNK_BYTES
    world.member(world.leading).on_peer_lost(ME)
    assert world.ask(world.leading, Taken(CHUNK_BYTES)) == []


def test_a_follower_with_a_full_disk_leaves_reads_to_others():
    world = Asked()
    number = world.following[0]
    assert answers(world.ask(number, read(1, "LLEN", "l")))
    world.members[number].disk.full = True
    for sequence in range(1, 9):
        world.ask(world.leading, batch(sequence, "SET", "k", "v" * 20_000))
    assert world.member(number).disk_full
    assert answers(world.ask(number, read(1, "LLEN", "l"))) == []


def test_what_is_refused_inside_a_read_is_no_client_s_of_this_member():
    world = Asked()
    world.ask(world.leading, batch(1, "USERS", "SET", "ann", "", "on", "+@all", "~a*"))
    args = [b"AS", b"ann", b"3", b"EXEC", encode_calls([(0, [b"GET", b"b"])]), b""]
    ((_, _, found),) = answers(world.ask(world.leading, ForwardRead(1, [(0, args)], LIFE)))
    assert found[0][0].text.startswith("NOPERM")
    assert world.member(world.leading).denied == []


# -- waiting clients, and who follows changes


def test_the_leader_tells_of_woken_clients_until_they_claim():
    """F6."""
    world = Asked()
    world.ask(world.leading, batch(1, "BLOCK", "31", "BLPOP", "q", "0"))
    said = world.ask(world.leading, batch(2, "RPUSH", "q", "x"), for_ms=50)
    assert [one for one in said if isinstance(one[1], Woken)] == [(world.leading, Woken([31]))]
    again = world.ask(world.leading, for_ms=1_000)
    assert (world.leading, Woken([31])) in again
    old, new = world.leading, world.following[0]
    world.member(old).raft.transfer(new)
    assert (new, Woken([31])) in world.ask(old, for_ms=1_000)
    world.said = []
    world.member(new).on_peer_up(ME)
    world.run(50)
    assert (new, Woken([31])) in world.said
    assert replies(world.ask(new, batch(3, "CLAIM", "31"))) == [(3, [b"served", [b"q", b"x"]])]
    assert world.ask(new, for_ms=1_500) == []


def test_what_clients_of_a_dead_node_wait_for_is_given_up():
    world = Asked()
    world.ask(world.leading, batch(1, "BLOCK", "31", "BLPOP", "q", "0"), for_ms=500)
    assert world.leader().machine.waiting.by_client
    for group in (world.member(number) for number in world.members):
        group.on_peer_lost(ME)
    world.run(200)
    assert not world.leader().machine.waiting.by_client


def test_a_node_hears_of_changes_of_what_it_has_read():
    world = Asked()
    world.ask(world.leading, batch(1))
    number = world.following[0]
    assert answers(world.ask(number, read(1, "LLEN", "l", tracks=True))) == [(1, 0, [1])]
    said = world.ask(world.leading, batch(2), for_ms=300)  # the follower hears of the commit by a heartbeat
    assert [one for one in said if isinstance(one[1], Invalidate)] == [(number, Invalidate([b"l"]))]
    said = world.ask(world.leading, batch(3), for_ms=300)
    assert not [one for one in said if isinstance(one[1], Invalidate)]
    assert world.ask(number, Follow(True)) == [(number, Invalidate([], True))]
    said = world.ask(world.leading, batch(4, "SET", "other", "1"), for_ms=300)
    assert [one for one in said if isinstance(one[1], Invalidate)] == [(number, Invalidate([b"other"]))]
    world.ask(number, Follow(False))
    assert world.member(number).machine.follower is None
