"""Reads of a node that has no copy: on their way to a member and back.

All reads of a turn travel as one *question*; a member confirms it with a read index that it takes
after the question has come, runs it, and sends the replies. A question that is not answered in time, or whose
member is gone, is asked again under a new number: reads change nothing.

- Rule F5: an answer counts only for the question under whose number it was asked, and in this life.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import NO_NODE, Instant, NodeId
from trivet.core.group.messages import ReadReplies
from trivet.core.group.reads import READ_TIMEOUT_ERROR
from trivet.core.group.reply_parts import ReplyParts
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call

TOGETHER_MS: Final = 100
"""Questions that were staged further apart are not asked as one: they are given up together."""


class Question:
    """Reads that are asked together."""

    __slots__ = ("asked_ms", "at", "parts", "runs", "size_bytes", "staged_ms", "stale", "tracks")

    def __init__(self, stale: bool, tracks: bool, staged_ms: Instant) -> None:
        self.runs: list[Run] = []
        self.stale = stale
        self.tracks = tracks
        self.staged_ms = staged_ms
        self.asked_ms: Instant = 0
        self.at: NodeId = NO_NODE
        """The member that was asked."""
        self.parts: ReplyParts | None = None
        self.size_bytes = 0
        """The calls, about; known when the turn has ended."""

    def epoch(self) -> int:
        """That of the oldest map by which one of them came here."""
        return min([run.epoch for run in self.runs], default=0)

    def calls(self) -> list[Call]:
        """All calls, in order."""
        return [call for run in self.runs for call in run.calls]


class RemoteReads:
    """Questions staged, waiting, and asked."""

    def __init__(
        self, questions_max: int, asked_bytes_max: int, question_bytes_max: int, reply_bytes_max: int
    ) -> None:
        self._reply_bytes_max = reply_bytes_max
        self._questions_max = questions_max
        self._asked_bytes_max = asked_bytes_max
        self._question_bytes_max = question_bytes_max
        self._open: dict[int, Question] = {}
        """Of this turn, by kind: they may still grow."""
        self.waiting: deque[Question] = deque()
        self.asked: dict[int, Question] = {}
        self._last_id = 0

    @property
    def busy(self) -> bool:
        """Whether some read is not answered."""
        return bool(self.waiting or self.asked)

    def stage(self, run: Run, now_ms: Instant, stale: bool = False) -> None:
        """Add to this turn's question of its kind."""
        kind = int(stale) + 2 * int(run.tracks)
        question = self._open.get(kind)
        if question is None:
            question = self._open[kind] = Question(stale, run.tracks, now_ms)
        question.runs.append(run)

    def close_turn(self) -> None:
        """No more reads join this turn's questions."""
        if self._open:
            for question in self._open.values():
                question.size_bytes = sum([run.size_bytes for run in question.runs])
                self.waiting.append(question)
            self._open = {}

    def may_ask(self) -> bool:
        """Whether a question waits and may leave."""
        if not self.waiting or len(self.asked) >= self._questions_max:
            return False
        under_way_bytes = sum([question.size_bytes for question in self.asked.values()])
        return not self.asked or under_way_bytes + self.waiting[0].size_bytes <= self._asked_bytes_max

    def ask(self, member: NodeId, now_ms: Instant) -> tuple[int, Question]:
        """The next question, for ``member``, and its number. Those like it that follow go along."""
        question = self.waiting.popleft()
        while self.waiting and self._go_together(question, self.waiting[0]):
            other = self.waiting.popleft()
            question.runs.extend(other.runs)
            question.size_bytes += other.size_bytes
        question.asked_ms = now_ms
        question.at = member
        question.parts = ReplyParts(sum([run.count for run in question.runs]), self._reply_bytes_max)
        self._last_id += 1
        self.asked[self._last_id] = question
        return self._last_id, question

    def _go_together(self, question: Question, other: Question) -> bool:
        return (
            other.stale is question.stale
            and other.tracks is question.tracks
            and other.staged_ms - question.staged_ms <= TOGETHER_MS
            and question.size_bytes + other.size_bytes <= self._question_bytes_max
        )

    def answered(self, message: ReadReplies, now_ms: Instant) -> Question | None:
        """Some replies have come; the question when these were the last (its runs are not told yet)."""
        question = self.asked.get(message.read_id)
        if question is None or question.parts is None:
            return None
        question.asked_ms = now_ms  # something comes
        if not question.parts.add(message.offset, message.total, message.replies):
            return None
        del self.asked[message.read_id]
        return question

    def lost(self, member: NodeId) -> None:
        """What was asked there is asked again, elsewhere."""
        self._again([number for number, question in self.asked.items() if question.at == member])

    def retry(self, asked_before_ms: Instant) -> list[NodeId]:
        """What was asked before then is asked again; of whom it was asked."""
        late = [number for number, question in self.asked.items() if question.asked_ms < asked_before_ms]
        members = [self.asked[number].at for number in late]
        self._again(late)
        return members

    def _again(self, numbers: list[int]) -> None:
        for number in reversed(numbers):
            question = self.asked.pop(number)
            question.at = NO_NODE
            question.parts = None
            self.waiting.appendleft(question)

    def expire(self, oldest_ms: Instant) -> None:
        """Answer what was staged before ``oldest_ms`` with a definite error: reads change nothing."""
        late = [question for question in self.waiting if question.staged_ms < oldest_ms]
        if late:
            self.waiting = deque([q for q in self.waiting if q.staged_ms >= oldest_ms])
        numbers = [number for number, question in self.asked.items() if question.staged_ms < oldest_ms]
        late.extend([self.asked.pop(number) for number in numbers])
        for question in late:
            for run in question.runs:
                run.fail(READ_TIMEOUT_ERROR)

    def drain(self) -> list[Run]:
        """Every run without replies: somebody else answers them from now on."""
        self.close_turn()
        runs = [run for question in [*self.asked.values(), *self.waiting] for run in question.runs]
        self.asked = {}
        self.waiting.clear()
        return runs
