"""Files of what a new primary does not have (Rules Z1, Z2), and what a primary keeps for that (Rule T9)."""

import msgspec
import pytest

from tests.core.node.test_primary_residents import GROUP, asides, fail_over, with_primary
from trivet.core.base.disk import Rename, Sync, Write
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.group.set_aside import PREFIX, Asides, SetAside, read_file, read_head
from trivet.core.machine.entry import Batch, encode_batch, encode_body
from trivet.core.node.config import Limits
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.generations import FOUNDING_LINEAGE
from trivet.core.raft.membership import Membership
from trivet.core.raft.messages import Entry, Heartbeat, Lineage
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import HardState
from trivet.core.raft.terms import first_term

NODE = 1


def entry(number: int, *calls: list[bytes]) -> Entry:
    batch = encode_batch(Batch(2, 77, number, number - 1, [(3, call) for call in calls]))
    return Entry(1, encode_body(1_000 + number, 5, [batch]))


def at_fork(entries: list[Entry], fork: int) -> Raft:
    """A member that has heard where its log and that of the primary of generation 1 part."""
    membership = Membership((NODE,), (), (2,), FOUNDING_LINEAGE)
    raft = Raft(RaftConfig(node=NODE), Prng(1), HardState(1, 1, 0), 0, 0, entries, membership)
    raft.step(2, Heartbeat(first_term(1) + 1, 1))
    raft.step(2, Lineage(first_term(1) + 1, [(0, 1), (1, fork)]))
    return raft


class Disk:
    """One file, as its operations leave it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def run(self, aside: SetAside) -> None:
        for operation in aside.job.operations:
            if isinstance(operation, Write):
                data = self.files.get(operation.file, b"")
                assert operation.offset == len(data)
                self.files[operation.file] = data + operation.data
            elif isinstance(operation, Rename):
                self.files[operation.to] = self.files.pop(operation.file)
            else:
                assert isinstance(operation, Sync)

    def names(self) -> list[str]:
        return sorted(self.files)

    def size_bytes(self, file: str) -> int:
        return len(self.files[file])

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        return self.files[file][offset : offset + size_bytes]


def test_everything_from_the_fork_on_is_in_the_file():
    entries = [entry(1, [b"SET", b"a", b"1"]), entry(2, [b"SET", b"b", b"1"], [b"INCR", b"b"])]
    entries += [Entry(1, b""), Entry(1, b"no batch"), entry(3, [b"DEL", b"a"])]
    raft = at_fork(entries, 2)
    assert raft.fork == 2
    aside = SetAside(7, raft, NODE, Tokens())
    disk = Disk()
    disk.run(aside)
    (name,) = disk.names()
    assert name == f"{PREFIX}7-0-2.msgpack"
    head, rows = read_file(disk.files[name])
    assert [row.index for row in rows] == [2, 3, 4, 5]
    assert [call for row in rows for batch in row.batches for call in batch.calls] == [
        (3, [b"SET", b"b", b"1"]), (3, [b"INCR", b"b"]), (3, [b"DEL", b"a"]),
    ]  # fmt: skip
    assert (head.first, head.last, head.lost_before, head.entries, head.batches, head.calls) == (
        2,
        5,
        2,
        4,
        2,
        3,
    )
    assert (head.generation, head.new_generation, head.node, head.group) == (0, 1, NODE, 7)
    assert "lacks 2 batches" in aside.sentence()


def test_files_are_counted_at_a_start_and_nonsense_is_not():
    raft = at_fork([entry(1, [b"SET", b"a", b"1"])], 1)
    disk = Disk()
    disk.run(SetAside(7, raft, NODE, Tokens()))
    disk.run(SetAside(8, raft, NODE, Tokens()))
    disk.files[f"{PREFIX}9-0-1.msgpack"] = b"\xce\x00\x00\x00\x02\xff\xff"
    disk.files[f"{PREFIX}10-0-1.msgpack"] = b""
    disk.files["other"] = b"x"
    asides = Asides()
    asides.find(disk)
    facts = asides.facts()
    assert (facts["set_aside_files"], facts["set_aside_calls"], facts["set_aside_lost_entries"]) == (2, 2, 0)
    assert read_head(b"\x01") is None
    with pytest.raises(msgspec.DecodeError):
        read_file(b"")


def test_large_tails_are_written_in_pieces():
    raft = at_fork([entry(n, [b"SET", b"k", b"v" * 400_000]) for n in range(1, 9)], 1)
    aside = SetAside(7, raft, NODE, Tokens())
    assert len([one for one in aside.job.operations if isinstance(one, Write)]) > 2
    disk = Disk()
    disk.run(aside)
    head, rows = read_file(disk.files[aside.file])
    assert len(rows) == head.entries == 8


def test_a_primary_forgets_nothing_that_no_backup_has():
    """It is cut off and writes more than is kept between two snapshots; it is killed, comes back, and tells all."""
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=3_000, snapshot_chunk_bytes=500)
    bench = with_primary(limits=limits)
    old, _ = fail_over(bench, 20)
    raft = bench.node(old).groups[GROUP].raft
    assert bench.node(old).groups[GROUP].snapshots.index < raft.last_index - 15
    bench.crash(old)
    bench.heal()
    bench.start(old)
    bench.until(lambda: asides(bench, old))
    (file,) = asides(bench, old)
    head, rows = read_file(bench.servers[old].disk.read(file, 0, 1 << 24))
    assert head.lost_before == head.first
    assert len([batch for row in rows for batch in row.batches]) == head.batches >= 20
