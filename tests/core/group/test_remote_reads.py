"""Questions of a node without a copy: together, bounded, asked again (Rule F5)."""

from trivet.core.group.messages import ReadReplies
from trivet.core.group.reads import READ_TIMEOUT_ERROR
from trivet.core.group.remote_reads import TOGETHER_MS, RemoteReads
from trivet.core.group.run import Run, finish_runs
from trivet.core.machine.plain_reply import encode_replies


class Client:
    def run_done(self) -> None:
        pass


def read(key: str = "k", size_bytes: int = 10, tracks: bool = False) -> Run:
    run = Run(Client(), False)
    run.tracks = tracks
    run.add((0, [b"GET", key.encode()]), size_bytes)
    return run


def queue(questions_max: int = 2, asked_bytes_max: int = 1000, question_bytes_max: int = 1000) -> RemoteReads:
    return RemoteReads(questions_max, asked_bytes_max, question_bytes_max, 1000)


def staged(reads: RemoteReads, now_ms: int = 0, **kinds) -> Run:
    run = read(**kinds)
    reads.stage(run, now_ms)
    reads.close_turn()
    return run


def answer(reads: RemoteReads, number: int, *replies) -> None:
    question = reads.answered(ReadReplies(number, encode_replies(list(replies))), 0)
    if question is not None and question.parts is not None:
        finish_runs(question.runs, question.parts.replies)


def test_the_reads_of_a_turn_are_one_question_of_each_kind():
    reads = queue(8)
    plain, other, stale, tracked = read("a"), read("b"), read("c"), read("d", tracks=True)
    for run in (plain, tracked, other):
        reads.stage(run, 5)
    reads.stage(stale, 5, stale=True)
    assert not reads.may_ask(), "the turn has not ended"
    reads.close_turn()
    asked = []
    while reads.may_ask():
        number, question = reads.ask(3, 5)
        asked.append((number, question.runs, question.stale, question.tracks, question.at))
    assert asked == [
        (1, [plain, other], False, False, 3), (2, [tracked], False, True, 3), (3, [stale], True, False, 3),
    ]  # fmt: skip


def test_turns_that_could_not_ask_share_a_question_unless_they_lie_far_apart():
    reads = queue()
    first, second = staged(reads, 0), staged(reads, TOGETHER_MS)
    late = staged(reads, TOGETHER_MS + 1)
    number, question = reads.ask(1, 200)
    assert question.runs == [first, second]
    answer(reads, number, b"1", b"2")
    assert (first.replies, second.replies) == ([b"1"], [b"2"])
    assert reads.ask(1, 200)[1].runs == [late]


def test_questions_under_way_are_bounded():
    reads = queue(questions_max=2, asked_bytes_max=100, question_bytes_max=50)
    for size_bytes in (40, 40, 40):
        staged(reads, 0, size_bytes=size_bytes)
    reads.ask(1, 0)
    assert reads.may_ask()
    number, _ = reads.ask(1, 0)
    assert not reads.may_ask(), "two at most"
    answer(reads, number, b"1")
    assert reads.may_ask()
    wide = queue(questions_max=9, asked_bytes_max=100, question_bytes_max=50)
    staged(wide, 0, size_bytes=500)
    staged(wide, 0, size_bytes=10)
    assert wide.may_ask(), "a large one goes alone"
    wide.ask(1, 0)
    assert not wide.may_ask()


def test_an_answer_counts_for_its_number_only():
    reads = queue()
    run = staged(reads)
    lost, _ = reads.ask(1, 0)
    assert reads.retry(0) == [] and reads.retry(1) == [1]
    again, question = reads.ask(2, 600)
    assert (question.at, question.runs) == (2, [run])
    answer(reads, lost, b"late")
    answer(reads, again, b"one", b"too many")
    assert run.replies is None
    answer(reads, again, b"now")
    answer(reads, again, b"twice")
    assert run.replies == [b"now"]


def test_what_was_asked_of_a_member_that_is_gone_is_asked_first():
    reads = queue(8)
    one, two, three = staged(reads, 0), staged(reads, 500), staged(reads, 1000)
    reads.ask(1, 0)
    reads.ask(2, 0)
    reads.lost(1)
    assert reads.ask(2, 0)[1].runs == [one]
    assert reads.ask(2, 0)[1].runs == [three]
    assert two.replies is None


def test_reads_end_with_a_definite_error():
    reads = queue()
    asked, waiting, young = staged(reads, 0), staged(reads, 500), staged(reads, 1000)
    reads.ask(1, 0)
    reads.expire(600)
    assert asked.replies == waiting.replies == [READ_TIMEOUT_ERROR]
    assert young.replies is None and not reads.asked


def test_everything_without_a_reply_can_be_taken_away():
    reads = queue()
    asked, waiting = staged(reads, 0), staged(reads, 500)
    reads.ask(1, 0)
    opened = read()
    reads.stage(opened, 500)
    assert reads.drain() == [asked, waiting, opened]
    assert reads.drain() == []
