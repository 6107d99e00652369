"""Reads of other replicas: handed to Raft at once, or when the log has told of a deadline."""

from typing import Any

from trivet.core.group.peer_reads import PeerReads
from trivet.core.raft.messages import ReadIndexRequest


class Raft:
    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def step(self, sender: int, request: ReadIndexRequest) -> None:
        self.steps.append((sender, request.seq))


def test_they_go_on_at_once_or_with_the_entry() -> None:
    raft: Any = Raft()
    reads = PeerReads()
    reads.add(2, ReadIndexRequest(1, 7))
    reads.ask(raft, 5, 0)
    assert raft.steps == [(2, 7)]
    reads.add(2, ReadIndexRequest(1, 8))
    reads.add(3, ReadIndexRequest(1, 9))
    reads.ask(raft, 5, 6)
    assert raft.steps == [(2, 7)] and not reads.may_go_on(5) and reads.may_go_on(6)
    reads.ask(raft, 6, 0)
    assert raft.steps == [(2, 7), (2, 8), (3, 9)] and not reads.may_go_on(9)


def test_another_leader_knows_nothing_of_them() -> None:
    raft: Any = Raft()
    reads = PeerReads()
    reads.add(2, ReadIndexRequest(1, 7))
    reads.ask(raft, 5, 6)
    reads.add(3, ReadIndexRequest(1, 8))
    reads.clear()
    reads.ask(raft, 9, 0)
    assert raft.steps == []
