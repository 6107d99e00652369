"""An outcome is empty until something is in it."""

from trivet.core.raft.messages import Heartbeat, SnapshotChunk, SnapshotReply
from trivet.core.raft.ready import HardState, Ready, Save


def test_empty_until_something_comes_out() -> None:
    assert Ready().is_empty()
    for name, value in {
        "messages": [(2, Heartbeat(1, 0))],
        "save": Save(1, 1, 0, 0, 0, [], 0, 0, 0),
        "committed": [b""],
        "reads": [(1, 1)],
        "reads_dropped": [1],
        "chunks": [(2, SnapshotChunk(1, 1, 1, 0, b"", True))],
        "snapshot_replies": [(2, SnapshotReply(1, 1, 0, True))],
        "snapshots_wanted": [2],
        "digests": [(1, b"")],
    }.items():
        ready = Ready()
        setattr(ready, name, value)
        assert not ready.is_empty(), name


def test_a_fresh_member_remembers_nothing() -> None:
    assert HardState() == HardState(0, 0, 0)
