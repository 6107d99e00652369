"""When a snapshot is worth its work (Rule T8)."""

from tests.core.group.snapshotting import QUICK, write
from tests.core.node.bench import Bench
from trivet.core.group.snapshot_due import VERDICTS_MAX, is_in_the_way


def test_an_idle_group_that_keeps_the_log_takes_a_snapshot():
    """T8: what others write must not pile up because one group writes nothing."""
    bench = Bench(limits=QUICK)
    write(bench, 20)
    wal = bench.node(1).group.wal
    snapshots = bench.node(1).group.snapshots
    assert not is_in_the_way(wal, 1, QUICK, 0)
    wal._holders, wal._held_bytes = {1: None}, 4 * QUICK.snapshot_log_bytes + 1
    assert is_in_the_way(wal, 1, QUICK, 0)
    assert not is_in_the_way(wal, 1, QUICK, QUICK.snapshot_log_bytes + 1), "a large state is worth more log"
    assert not snapshots._is_due(bench.node(1).group.machine), "once per tick is enough"
    snapshots.tick(bench.mono_ms)
    assert snapshots._is_due(bench.node(1).group.machine)


def test_a_group_that_keeps_a_bit_of_the_log_sleeps():
    """T8: it is looked at now and then, and has ticks only when a snapshot is worth it."""
    bench = Bench(3, limits=QUICK)
    write(bench, 20)
    bench.until(lambda: bench.node(1).group.asleep)
    wal = bench.node(1).group.wal
    wal._holders, wal._held_bytes = {1: None}, 4 * QUICK.snapshot_log_bytes
    group, ticks = bench.node(1).group, 0
    for _ in range(100):
        bench.wait(20)
        ticks += not group.asleep
    assert ticks <= 3
    wal._held_bytes += 1
    index = group.snapshots.index
    bench.until(lambda: group.snapshots.index > index, 3_000)


def test_a_snapshot_that_counts_now_gives_its_group_a_turn():
    """T2: the file of the one before it is removed, also if nobody has written since."""
    bench = Bench(limits=QUICK)
    write(bench, 300)
    bench.wait(200)
    group = bench.node(1).group
    snapshots = group.snapshots
    assert not snapshots.waits_for_log
    snapshots._records.append((group.wal.synced_lsn, snapshots._newest))
    assert snapshots.waits_for_log
    assert not group.stirred
    assert not group.on_synced()
    assert group.stirred


def test_a_group_whose_scripts_ran_long_takes_one_so_that_a_restart_need_not_run_them_again():
    bench = Bench(limits=QUICK)
    write(bench, 20)
    group = bench.node(1).group
    group.machine.verdicts_met = VERDICTS_MAX - 1
    assert not group.snapshots._is_due(group.machine)
    group.machine.verdicts_met = VERDICTS_MAX
    assert group.snapshots._is_due(group.machine)
    write(bench, 1, first=20)
    assert group.machine.verdicts_met == 0, "it counts from the snapshot on"
