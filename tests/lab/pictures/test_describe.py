import msgspec
import pytest

from tests.lab.pictures.copy_messages import SAID
from trivet.core.base.entry import Entry
from trivet.core.group.messages import (
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    Invalidate,
    KillScript,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_messages import Submit, Submitted
from trivet.core.machine.entry import Batch, encode_batch, encode_body
from trivet.core.machine.register import Task
from trivet.core.node.hello import Beat, Hello, Stranger
from trivet.core.node.peers import encode_message
from trivet.core.paxos import messages as paxos
from trivet.core.pubsub.messages import Heard, Interest, Published, TellEverything
from trivet.core.raft import messages as raft
from trivet.core.steward.messages import HowFar, LeadWish, NodeReport, PlanTold, SoFar
from trivet.core.transaction import words
from trivet.lab.pictures.copy_words import is_routine
from trivet.lab.pictures.describe import Spoken, describe
from trivet.lab.recording import Fate, Recorder

BATCH = encode_batch(Batch(1, 1, 1, 0, [(0, [b"SET", b"x", b"1"]), (0, [b"DEL", b"\x00\x01"])]))
ENTRY = Entry(3, encode_body(0, 0, [BATCH]))

STANDING = paxos.Standing()
REFUSED = [paxos.Refused(0, (5, 8))]

SPOKEN = [
    (raft.PreVote(4, 7, 3), "RequestVote t4 (pre)", False),
    (raft.PreVoteReply(4, True), "yes t4 (pre)", False),
    (raft.PreVoteReply(4, False), "no t4 (pre)", False),
    (raft.RequestVote(4, 7, 3), "RequestVote t4", False),
    (raft.RequestVoteReply(4, True), "vote t4", False),
    (raft.RequestVoteReply(4, False), "no vote t4", False),
    (raft.AppendEntries(3, 4, 2, 4, [ENTRY] * 3), "AppendEntries t3 #5–7 commit 4", False),
    (raft.AppendEntries(3, 4, 2, 4, [Entry(3, b"")]), "AppendEntries t3 #5 commit 4", False),
    (raft.AppendEntries(3, 4, 2, 4, []), "AppendEntries t3 (empty)", True),
    (raft.AppendReply(3, True, 7), "ok #7", False),
    (raft.AppendReply(3, False, 7, 4, 2), "no #7, try #4", False),
    (raft.AppendReply(3, False, 7, 4, 2, lost=True), "lost entries #7, try #4", False),
    (raft.Heartbeat(3, 4), "heartbeat t3 commit 4", True),
    (raft.HeartbeatReply(3, 4), "alive #4", True),
    (raft.SnapshotChunk(3, 9, 2, 0, b"x" * 20_480, True), "snapshot #9 20 KiB (last)", False),
    (raft.SnapshotReply(3, 9, 500, True), "snapshot #9 got 500 B", False),
    (raft.SnapshotReply(3, 9, 500, False), "snapshot #9: stop", False),
    (raft.TimeoutNow(3), "TimeoutNow t3", False),
    (raft.ReadIndexRequest(3, 8), "read index?", False),
    (raft.ReadIndexReply(3, 8, 5, True), "read at #5", False),
    (raft.ReadIndexReply(3, 8, 5, False), "read refused", False),
    (Forward(BATCH), "forward SET x 1 (+1)", False),
    (Forward(b"\xff"), "forward 1 bytes", False),
    (ForwardRead(1, [(0, [b"GET", b"x"])]), "read for me: GET x", False),
    (ReadReplies(1, b"abc"), "replies to reads", False),
    (Forward(b"", True), "who leads?", False),
    (BatchReplies(4, 1, b"abc"), "replies to batch 4", False),
    (NotLeader(2, 5), "node 2 leads t5", False),
    (NotLeader(0, 5), "nobody leads t5", False),
    (Woken([1, 2]), "2 woken", False),
    (Follow(True), "tell me of changes", False),
    (Follow(False), "no more changes", False),
    (Invalidate([b"k"]), "changed: 1 keys", False),
    (Taken(7), "took 7 bytes", True),
    (KillScript(7, 1), "kill script 1 of #7", False),
    (Invalidate([], True), "changed: all keys", False),
    (paxos.Prepare(9, 1, 1, [place_key(7, b"k")] * 4, [4] * 4), "prepare k k k …", False),
    (paxos.Promises(9, 1, STANDING, 1, 0, [(0, 0)], [None], [], []), "promise", False),
    (
        paxos.Promises(9, 1, STANDING, 1, 0, [(0, 0)] * 2, [None] * 2, REFUSED, []),
        "promise, 1 refused",
        False,
    ),
    (paxos.Promises(9, 1, STANDING, 1, 0, [(0, 0)], [None], REFUSED, []), "refused", False),
    (
        paxos.Accept(9, 1, 1, [place_key(7, b"k")], [4], [0], [b""]),
        "accept k",
        False,
    ),
    (paxos.Accepted(9, 1, STANDING, 1, [], []), "accepted", False),
    (paxos.Accepted(9, 1, STANDING, 1, REFUSED, []), "accepted, 1 refused", False),
    (paxos.Read(9, 1, 1, [place_key(7, b"k")], [(0, 0)], True), "read k", False),
    (paxos.ReadReply(9, 1, STANDING, 1, 0, 1, []), "read", False),
    (paxos.Remove(9, 1, [paxos.RemoveItem(place_key(7, b"k"), (4, 9))]), "remove k", False),
    (paxos.Page(9, 1, 1, None, 9), "next page?", False),
    (paxos.PageReply(9, 1, STANDING, 1, [], False), "page", False),
    (paxos.Raise(9, 1, 1, (4, 9), 7), "raise your floor", False),
    (paxos.Raised(9, 1, STANDING, 1), "floor raised", False),
    (paxos.Refusal(9, 2), "refused, epoch 2", False),
    (paxos.Refusal(9, 2, True), "refused, doubtful", False),
    (Submit(9, 1, b"", 1, [1], [0], [1], [[Task(7, b"k", [])]]), "write for me k", False),
    (Submitted(9, 0, [], [], [], []), "that has ended", False),
    *[(message, text, is_routine(message)) for message, text in SAID],
    (Hello("c", 1, 2, 1), "hello", True),
    (Stranger(7), "you are not who you were", False),
    (Beat(), "beat", True),
    (NodeReport([]), "report", True),
    (PlanTold([]), "plan", True),
    (LeadWish(1, 2), "lead that group", True),
    (HowFar(1, 2), "how far are you?", True),
    (SoFar(1, 2, 3, 4, True, 1), "so far", True),
    (raft.LineageRequest(1), "where do our logs part?", False),
    (raft.Lineage(1, []), "generations", False),
    (Interest(1, 0, False, [], [], []), "subscribers", True),
    (Published(1, 0, []), "published", True),
    (TellEverything(), "which subscribers?", True),
    (Heard(1, 0), "heard", True),
]


def told(frames):
    recorder = Recorder()
    for number, frame in enumerate(frames):
        recorder.ends(recorder.sent(number, 1, 2, frame), number + 1, Fate.DELIVERED)
    return describe(recorder.end(100))


@pytest.mark.parametrize(
    ("spoken", "label", "routine"), SPOKEN, ids=lambda v: v if isinstance(v, str) else None
)
def test_every_message_has_words(spoken, label, routine):
    message = told([encode_message(1, spoken)]).messages[0]
    assert (message.label, message.routine) == (label, routine)
    assert message.kind
    assert all(isinstance(value, str) for value in message.fields.values())


def test_no_message_of_the_nodes_is_forgotten():
    assert {type(spoken) for spoken, _, _ in SPOKEN} == set(Spoken.__args__)


T = words.TransactionId(3, 1, 7)
STAMP = words.Stamp(0, 3, 7)
SAID = [
    (words.LOCK, words.LockRequest(T, 1, STAMP, 0, -1, [(0, b"anna", 1)]), "LOCK T3.7 anna"),
    (words.LOCK, words.LockRequest(T, 1, STAMP, 0, -1, []), "LOCK T3.7"),
    (words.LOCK, words.LockRequest(T, 1, STAMP, 0, -1, [(0, b"k", 1)] * 4), "LOCK T3.7 k k k …"),
    (words.DECIDE, words.DecideRequest(T, 0, []), "DECIDE T3.7 commit"),
    (words.FINISH, words.FinishRequest(T, True), "FINISH T3.7 commit"),
    (words.FINISH, words.FinishRequest(T, False), "FINISH T3.7 abort"),
    (words.RESOLVE, words.ResolveRequest(T, 2), "RESOLVE T3.7"),
    (words.FORGET, words.ForgetRequest(T), "FORGET T3.7"),
]


@pytest.mark.parametrize(("verb", "word", "text"), SAID, ids=lambda v: v if isinstance(v, str) else None)
def test_words_about_transactions_are_spelled_out(verb, word, text):
    batch = encode_batch(Batch(1, 1, 1, 0, [(0, [words.TXN, verb, words.pack(word)])]))
    entry = Entry(3, encode_body(0, 0, [batch]))
    frames = [
        encode_message(2, Forward(batch)),
        encode_message(2, raft.AppendEntries(3, 4, 2, 4, [entry])),
    ]
    assert [m.label for m in told(frames).messages] == [f"g2 {text}", f"g2 #5 {text}"]


def test_words_about_transactions_that_make_no_sense_are_bytes():
    batch = encode_batch(Batch(1, 1, 1, 0, [(0, [words.TXN, words.LOCK, b"\xff\x00"])]))
    assert told([encode_message(1, Forward(batch))]).messages[0].label == "forward TXN LOCK <2 bytes>"


def test_several_groups_have_acknowledgements_and_commits_of_their_own():
    frames = [encode_message(group, raft.AppendReply(3, True, 7)) for group in (1, 2, 1, 0)]
    frames += [encode_message(group, raft.Heartbeat(3, 4)) for group in (1, 2, 0)]
    recording = told(frames)
    assert [(m.label, m.routine) for m in recording.messages[:4]] == [
        ("g1 ok #7", False), ("g2 ok #7", False), ("g1 ok #7", True), ("ok #7", True),
    ]  # fmt: skip
    assert [p.text for p in recording.points] == ["g1 commit #4", "g2 commit #4"]


def test_what_the_system_group_says_is_routine():
    message = told([encode_message(0, raft.RequestVote(4, 7, 3))]).messages[0]
    assert (message.label, message.routine) == ("RequestVote t4", True)
    assert message.fields["group"] == "system"


def test_entries_are_spelled_out():
    fields = (
        told([encode_message(1, raft.AppendEntries(3, 4, 2, 4, [ENTRY, Entry(2, b"")]))]).messages[0].fields
    )
    assert fields["#5"] == "term 3: SET x 1; DEL <2 bytes>"
    assert fields["#6"] == "term 2: a leader's empty entry"
    assert fields["after"] == "#4 of term 2"


def test_an_acknowledgement_is_routine_the_second_time():
    frames = [encode_message(1, raft.AppendReply(3, True, index)) for index in (7, 7, 6, 8)]
    assert [m.routine for m in told(frames).messages] == [False, True, True, False]


def test_leaders_commit_when_they_first_say_so():
    frames = [encode_message(1, raft.Heartbeat(3, commit)) for commit in (0, 4, 4, 6)]
    recording = told(frames)
    assert [(p.at_us, p.lane, p.kind, p.text) for p in recording.points] == [
        (1, 1, "commit", "commit #4"),
        (3, 1, "commit", "commit #6"),
    ]


def test_two_frames_in_one_message_and_frames_that_are_none():
    frames = encode_message(1, raft.Heartbeat(3, 1)) + encode_message(1, raft.TimeoutNow(3))
    both, broken = told([frames, b"\x01\x02"]).messages
    assert (both.label, both.routine) == ("TimeoutNow t3 (+1)", False)
    assert both.fields["2. term"] == "3"
    assert broken.label == "2 bytes"


def test_describing_twice_changes_nothing_and_labels_given_are_kept():
    recording = told([encode_message(1, raft.Heartbeat(3, 4))])
    once = msgspec.json.encode(recording)
    assert msgspec.json.encode(describe(recording)) == once
    recording.messages[0].label = "my own"
    assert describe(recording).messages[0].label == "my own"
