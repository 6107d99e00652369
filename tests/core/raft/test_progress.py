"""A follower in the eyes of the leader, step by step."""

from trivet.core.raft.progress import Mode, Progress


def replicating(match: int) -> Progress:
    progress = Progress(2, match + 1)
    progress.acknowledge(match)
    assert progress.mode is Mode.REPLICATE
    return progress


def test_a_probe_waits_until_it_is_answered() -> None:
    progress = Progress(2, 10)
    assert (progress.mode, progress.match, progress.next) == (Mode.PROBE, 0, 10)
    progress.sent(12, 100)
    assert (progress.paused, progress.next, progress.inflight_count) == (True, 10, 0)
    assert progress.is_stale_refusal(8)
    assert not progress.is_stale_refusal(9)
    progress.probe(5)
    assert (progress.paused, progress.next) == (False, 5)
    assert progress.acknowledge(7)
    assert (progress.mode, progress.match, progress.next) == (Mode.REPLICATE, 7, 8)


def test_the_window_opens_as_acknowledgements_come() -> None:
    progress = replicating(3)
    for last in (4, 5, 6):
        progress.sent(last, 10)
    assert (progress.next, progress.inflight_count, progress.inflight_bytes) == (7, 3, 30)
    assert progress.acknowledge(5)
    assert (progress.match, progress.inflight_count, progress.inflight_bytes) == (5, 1, 10)
    assert not progress.acknowledge(4), "match never goes back"
    assert (progress.match, progress.next) == (5, 7)
    assert progress.is_stale_refusal(5)
    assert not progress.is_stale_refusal(6)
    progress.probe(2)
    assert (progress.mode, progress.next, progress.inflight_bytes) == (Mode.PROBE, 6, 0)


def test_an_acknowledgement_of_more_than_was_sent_here() -> None:
    progress = Progress(2, 4)
    assert progress.acknowledge(9)
    assert progress.next == 10


def test_a_snapshot_keeps_everything_else_back() -> None:
    progress = replicating(3)
    progress.sent(4, 1)
    progress.await_snapshot()
    assert (progress.mode, progress.inflight_count) == (Mode.SNAPSHOT, 0)
    assert progress.is_stale_refusal(4)
    assert progress.acknowledge(8)
    assert progress.mode is Mode.SNAPSHOT


def test_lost_entries_lower_the_match() -> None:
    progress = replicating(9)
    progress.lower(12)
    assert progress.match == 9
    progress.lower(4)
    progress.probe(5)
    assert (progress.match, progress.next) == (4, 5)


def test_nothing_moves_between_two_heartbeats() -> None:
    progress = replicating(3)
    progress.sent(4, 1)
    for nudge in (False, True):
        progress.beaten = True
        progress.heartbeat_answered(4)
        assert progress.nudge is nudge
    progress.nudge = False
    progress.heartbeat_answered(4)
    assert not progress.nudge, "answers to the heartbeats of reads tell nothing about time"
    progress.acknowledge(4)
    progress.beaten = True
    progress.heartbeat_answered(4)
    assert not progress.nudge


def test_a_heartbeat_lets_a_probe_go_again() -> None:
    progress = Progress(2, 4)
    progress.sent(3, 0)
    progress.heartbeat_answered(3)
    assert progress.paused
    progress.beaten = True
    progress.heartbeat_answered(3)
    assert not progress.paused
