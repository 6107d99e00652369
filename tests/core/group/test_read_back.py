"""Forgotten entries from the files of the log, while a script keeps a leader from taking a snapshot (Rule T10)."""

from tests.core.group.snapshotting import QUICK
from tests.core.group.test_long_scripts import LONG, alike, bench, take
from tests.core.node.bench import Bench, encode
from trivet.core.group.read_back import BackReader

FEW = QUICK.__class__(
    **{**{name: getattr(QUICK, name) for name in QUICK.__struct_fields__}, "log_memory_bytes": 4_000}
)


def forgetful() -> Bench:
    """A leader that has forgotten entries behind its newest snapshot."""
    made = bench(limits=FEW, nodes=3)
    group = made.node(1).group
    made.cut(2)
    while group.raft.first_index <= group.snapshots.index + 1:
        made.ask("a", "SET k " + "v" * 200)
    return made


def test_a_follower_that_was_away_comes_back_while_the_leader_waits_for_its_vote_about_a_script():
    made = forgetful()
    group = made.node(1).group
    made.send("a", encode(f'EVAL "{LONG} return 7" 1 k'))
    while (
        group.scripts.paused is None or group.scripts.may_go_on or made.node(3).group.scripts.paused is None
    ):
        assert made.step()
    made.crash(3)
    made.events = []
    made.heal()
    made.wait(3_000)
    assert take(made, "a") == ["7"], "two of three are there"
    made.start(3)
    made.wait(500)
    alike(made)


def test_what_is_read_back_is_what_was_forgotten():
    made = forgetful()
    server, group = made.servers[1], made.node(1).group
    raft, newest = group.raft, group.snapshots._newest
    index, term = (0, 0) if newest is None else (newest.index, newest.term)
    first = raft.first_index
    reader = BackReader(1, raft, group.wal, group.snapshots._tokens)
    (job,) = reader.begin(index)
    assert reader.begin(index) == [], "one at a time"
    reads = [server.disk.read(read.file, read.offset, read.size_bytes) for read in job.operations]
    assert reader.done([data[: len(data) // 3] for data in reads], index, term) is False, "a part is missing"
    assert raft.first_index == first
    reader.begin(index)
    assert reader.done(reads, index, term)
    assert raft.first_index == index + 1
    for number in range(index + 1, raft.last_index):
        assert raft.term_at(number) <= raft.term_at(number + 1)
        assert raft.entry_at(number) is not None
    assert reader.begin(index) == [], "nothing is forgotten"
