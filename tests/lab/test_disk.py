"""The simulated disk: what a crash may take, and what it may not."""

from trivet.core.base.disk import (
    Channel,
    DiskFault,
    DiskJob,
    DiskOperation,
    Prepare,
    Read,
    Remove,
    Rename,
    Sync,
    Write,
)
from trivet.core.base.prng import Prng
from trivet.lab.world.disk import SimulatedDisk
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation


class Bench:
    def __init__(self, seed: int = 1, loss: float = 1.0) -> None:
        self.simulation = Simulation()
        self.disk = SimulatedDisk(self.simulation, Prng(seed), RunOptions(seed=seed, power_loss_rate=loss))
        self.reports: list[tuple[int, list[bytes], DiskFault | None]] = []
        self.token = 0
        self.attach()

    def attach(self) -> None:
        self.disk.attach(lambda token, reads, fault: self.reports.append((token, reads, fault)))

    def job(self, *operations: DiskOperation, channel: Channel = Channel.LOG, run: bool = True) -> int:
        self.token += 1
        self.disk.submit(DiskJob(self.token, channel, list(operations)))
        if run:
            self.simulation.run_until(self.simulation.now_us + 10_000_000)
        return self.token

    def image(self, file: str) -> bytes:
        return self.disk.read(file, 0, self.disk.size_bytes(file))


def test_operations_are_performed_in_order_and_reported_once() -> None:
    bench = Bench()
    bench.job(Prepare("a", 8), Write("a", 2, b"xyz"), Read("a", 0, 100), Sync("a"), Rename("a", "b"))
    assert bench.reports == [(1, [b"\0\0xyz\0\0\0"], None)]
    assert bench.disk.names() == ["b"]
    bench.job(Remove("b"), Remove("missing"))
    assert bench.disk.names() == []


def test_a_killed_process_loses_only_what_it_had_not_handed_over() -> None:
    bench = Bench()
    bench.job(Write("a", 0, b"one"))
    bench.job(Write("a", 3, b"two"), run=False)
    bench.disk.crash(power_cut=False)
    bench.simulation.run_until(bench.simulation.now_us + 1_000_000)
    assert bench.image("a") == b"one"
    assert len(bench.reports) == 1


def test_a_power_cut_takes_what_no_sync_covers_even_after_a_restart() -> None:
    bench = Bench()
    bench.job(Write("a", 0, b"one"), Sync("a"), Write("a", 0, b"two"))
    bench.disk.crash(power_cut=False)
    assert bench.image("a") == b"two"
    bench.attach()
    bench.disk.crash(power_cut=True)
    assert bench.image("a") == b"one"


def test_a_file_whose_name_was_never_synced_vanishes() -> None:
    bench = Bench()
    bench.job(Write("a", 0, b"one"))
    bench.disk.crash(power_cut=True)
    assert bench.disk.names() == []


def test_surviving_writes_are_whole_or_torn_at_sectors() -> None:
    seen: dict[str, None] = {}
    for seed in range(200):
        bench = Bench(seed, loss=0.3)
        bench.job(Prepare("a", 2048), Write("a", 100, b"x" * 1500))
        bench.disk.crash(power_cut=True)
        image = bench.image("a")
        kept = [image[i : i + 512].count(b"x") for i in range(0, 2048, 512)]
        assert all(count in (0, whole) for count, whole in zip(kept, (412, 512, 512, 64), strict=True))
        seen["whole" if sum(kept) == 1500 else "none" if not sum(kept) else "torn"] = None
    assert sorted(seen) == ["none", "torn", "whole"]


def test_a_failed_sync_is_reported_and_a_later_one_does_not_bring_the_data_back() -> None:
    outcomes: dict[bytes, None] = {}
    for seed in range(20):
        bench = Bench(seed)
        bench.job(Prepare("a", 3))
        bench.disk.sync_failures_due = 1
        bench.job(Write("a", 0, b"one"), Sync("a"))
        assert bench.reports[-1][2] is DiskFault.FAILED
        bench.disk.crash(power_cut=False)
        outcomes[bench.image("a")] = None
        bench.attach()
        bench.job(Sync("a"))
        bench.disk.crash(power_cut=True)
        assert bench.image("a") == b"\0\0\0"
    assert sorted(outcomes) == [b"\0\0\0", b"one"]


def test_writing_again_after_a_failed_sync_makes_it_durable() -> None:
    for seed in range(20):
        bench = Bench(seed)
        bench.job(Prepare("a", 3))
        bench.disk.sync_failures_due = 1
        bench.job(Write("a", 0, b"one"), Sync("a"))
        bench.disk.crash(power_cut=False)
        bench.attach()
        bench.job(Write("a", 0, b"one"), Sync("a"))
        bench.disk.crash(power_cut=True)
        assert bench.image("a") == b"one"


def test_a_full_disk_refuses_growth_but_not_overwriting() -> None:
    bench = Bench()
    bench.job(Prepare("a", 4))
    bench.disk.full = True
    bench.job(Write("a", 0, b"abcd"), Sync("a"))
    bench.job(Write("a", 1, b"abcd"))
    bench.job(Prepare("b", 4), channel=Channel.BULK)
    assert [fault for _, _, fault in bench.reports] == [None, None, DiskFault.FULL, DiskFault.FULL]
    assert bench.disk.size_bytes("a") < 5, "a part of the write, at most"


def test_lanes_do_not_wait_for_each_other() -> None:
    bench = Bench()
    bench.job(*[Prepare(f"f{i}", 1) for i in range(20)], channel=Channel.BULK, run=False)
    bench.job(Write("a", 0, b"x"), Sync("a"), run=False)
    bench.simulation.run_until(10_000_000)
    assert [token for token, _, _ in bench.reports] == [2, 1]


def test_a_longer_file_written_again_after_a_failed_sync_keeps_its_length() -> None:
    for seed in range(20):
        bench = Bench(seed)
        bench.job(Prepare("a", 3))
        bench.disk.sync_failures_due = 1
        bench.job(Write("a", 3, b"more"), Sync("a"))
        bench.disk.crash(power_cut=False)
        image = bench.image("a")
        bench.attach()
        bench.job(Write("a", 0, image), Sync("a"))
        bench.disk.crash(power_cut=True)
        assert bench.image("a") == image


def test_a_hanging_disk_completes_nothing_until_it_is_released() -> None:
    bench = Bench()
    bench.disk.hang()
    bench.job(Write("a", 0, b"one"), Sync("a"))
    assert bench.reports == []
    assert bench.disk.names() == []
    bench.disk.release()
    bench.simulation.run_until(bench.simulation.now_us + 10_000_000)
    assert [report[0] for report in bench.reports] == [1]
    assert bench.image("a") == b"one"


def test_a_hanging_disk_hangs_for_the_next_process_too() -> None:
    bench = Bench()
    bench.disk.hang()
    bench.job(Write("a", 0, b"one"))
    bench.disk.crash(power_cut=False)
    bench.attach()
    bench.job(Write("b", 0, b"two"))
    assert bench.reports == []
    bench.disk.mend()
    bench.simulation.run_until(bench.simulation.now_us + 10_000_000)
    assert [report[0] for report in bench.reports] == [2]
    assert bench.disk.names() == ["b"], "what the first process had asked for died with it"


def test_a_full_disk_refuses_what_grows_and_may_leave_a_part_of_it() -> None:
    parts: dict[str, None] = {}
    for seed in range(40):
        bench = Bench(seed)
        bench.job(Prepare("log", 512), Sync("log"))
        bench.disk.full = True
        bench.job(Write("log", 0, b"fits"), Sync("log"))
        assert bench.reports[-1][2] is None
        bench.job(Write("snap", 0, b"x" * 100), channel=Channel.BULK)
        assert bench.reports[-1][2] is DiskFault.FULL
        bench.job(Prepare("next", 1000), channel=Channel.BULK)
        assert bench.reports[-1][2] is DiskFault.FULL
        parts["short" if 0 < len(bench.image("snap")) < 100 else "none or all"] = None
        bench.job(Rename("log", "old"), channel=Channel.BULK)
        parts["renamed" if "old" in bench.disk.names() else "not renamed"] = None
        bench.disk.full = False
        bench.job(Remove("next"), Prepare("next", 1000), Write("snap", 0, b"x" * 100), channel=Channel.BULK)
        assert bench.reports[-1][2] is None
        assert bench.disk.size_bytes("next") == 1000
    assert sorted(parts) == ["none or all", "not renamed", "renamed", "short"]


def test_a_misdirected_write_lands_elsewhere_in_its_file_and_stays_there() -> None:
    places: dict[int, None] = {}
    for seed in range(40):
        bench = Bench(seed)
        bench.job(Prepare("log", 4 * 512))
        bench.disk.misdirect_due = True
        bench.job(Write("log", 512, b"frame"), Sync("log"))
        assert bench.reports[-1][2] is None, "the disk does not notice"
        bench.disk.crash(power_cut=True)
        image = bench.image("log")
        assert image.count(b"frame") == 1
        assert len(image) == 4 * 512
        places[image.find(b"frame")] = None
    assert sorted(places) == [0, 1024, 1536]


def test_a_failed_sync_of_a_snapshot_concerns_the_bulk_lane_only() -> None:
    bench = Bench()
    bench.disk.bulk_failures_due = 1
    bench.job(Write("log", 0, b"frame"), Sync("log"))
    assert bench.reports[-1][2] is None
    bench.job(Write("snap", 0, b"chunk"), Sync("snap"), channel=Channel.BULK)
    assert bench.reports[-1][2] is DiskFault.FAILED
