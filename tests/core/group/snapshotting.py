"""Benches whose groups take snapshots early and often, and what tests ask of them."""

from tests.core.node.bench import Bench, Limits
from tests.core.node.bench_disk import is_of_the_data

QUICK = Limits(
    segment_bytes=64 * 1024, snapshot_log_bytes=20_000, snapshot_chunk_bytes=2_000, log_memory_bytes=10_000
)
VALUE = "v" * 100


def write(bench: Bench, count: int, name: str = "a", first: int = 0) -> None:
    for i in range(first, first + count):
        assert bench.say(name, f"SET k{i} {VALUE}") == ["+OK"]


def snapshot_files(bench: Bench, number: int) -> list[str]:
    return [file for file in bench.servers[number].disk.files if is_of_the_data(file)]


def digests_agree(bench: Bench) -> bool:
    return (
        len({server.node.state_digest() for server in bench.servers.values() if server.node is not None}) == 1
    )
