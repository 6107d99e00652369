"""Replicas from what the disk has kept, and new ones (Rules B3 to B5)."""

from tests.core.node.bench import CLUSTER, SMALL, Bench, Limits
from tests.core.node.bench_disk import Disk, is_of_the_data
from tests.core.node.test_residents import SECOND, change_members, holders, leader_of, led, with_keyspace
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import ClusterMap, Member
from trivet.core.group.outbox import Outbox
from trivet.core.node.config import NodeConfig
from trivet.core.node.replicas import ReplicaMaker, founding_membership
from trivet.core.raft.membership import NOBODY, Membership, encode_membership
from trivet.core.wal.record import DropRecord, FoundRecord, SnapshotRecord
from trivet.core.wal.recovery import Recovery, recover
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.snapshot_file import snapshot_file

FOUNDERS = [Member(id=n, host=f"10.0.0.{n}", client_port=7000 + n, peer_port=17000 + n) for n in range(1, 6)]
MEMBERS = Membership((1, 2, 3), (), ())


def maker(disk: Disk, node: int = 1) -> tuple[ReplicaMaker, Recovery]:
    config = NodeConfig(node=node, cluster=CLUSTER, members=FOUNDERS[:3], limits=SMALL)
    tokens = Tokens()
    recovery = recover(disk, tokens, SMALL.segment_bytes, 7, None)
    return ReplicaMaker(config, recovery.wal, tokens, 5, None), recovery


# -- with whom it begins


def test_the_founders_of_a_group_begin_with_its_members():
    cluster = ClusterMap(CLUSTER, FOUNDERS, replicas=3)
    assert founding_membership(cluster, 1, 1) == MEMBERS
    assert founding_membership(cluster, 1, 4) == NOBODY
    assert founding_membership(cluster, 2, 1) == NOBODY, "there is no such group"
    assert founding_membership(cluster, 0, 5).voters == (1, 2, 3, 4, 5)


def test_a_founder_may_campaign_and_any_other_waits():
    replicas, _ = maker(Disk())
    founder = replicas.create(2, MEMBERS, Prng(1), None)
    other = replicas.create(3, NOBODY, Prng(1), None)
    for replica in (founder, other):
        for _ in range(200):
            replica.raft.tick()
    assert founder.raft.term == 0, "it asks first whether it would be elected"
    ready = founder.raft.ready()
    assert ready is not None
    assert {peer for peer, _ in ready.messages} == {2, 3}
    assert other.raft.ready() is None
    assert other.raft.membership == NOBODY


def test_what_a_replica_is_told_of_its_node():
    replicas, _ = maker(Disk())
    settings = replicas.settings(9)
    assert (settings.group, settings.node, settings.incarnation) == (9, 1, 5)
    assert settings.limits is SMALL


def test_a_replica_takes_the_batches_that_its_node_has_under_way():
    """Rule F1."""
    replicas, _ = maker(Disk())
    outbox = Outbox(1, 5, 2, 1000)
    assert replicas.create(2, MEMBERS, Prng(1), outbox).outbox is outbox


# -- B4: the log says with whom it began


def test_the_founding_membership_is_in_the_log():
    """The configuration counts only for a group whose log does not say."""
    bench = Bench(3)
    bench.found()
    bench.say("a", "SET k 1")
    bench.crash(3)
    others = [*bench.configs[3].members[:2], Member(id=3, host="h", client_port=1, peer_port=2)]
    more = [Member(id=n, host=f"h{n}", client_port=3, peer_port=4) for n in (8, 9)]
    config = NodeConfig(node=3, cluster=CLUSTER, members=[*others, *more], limits=SMALL)
    bench.configs[3] = config
    bench.start(3)
    assert bench.node(3).group.raft.membership == MEMBERS


# -- B5: tombstones


def test_a_replica_that_comes_back_begins_with_its_tombstone():
    disk = Disk()
    replicas, recovery = maker(disk)
    recovery.wal.drop(2, 7, 3, 40)
    back = replicas.create(2, MEMBERS, Prng(1), None)
    assert (back.raft.term, back.raft.missing_to) == (7, 40)
    assert back.raft.membership == NOBODY, "though the map may take it for a founder"
    for _ in range(200):
        back.raft.tick()
    ready = back.raft.ready()
    assert ready is None or not ready.messages


def test_a_replica_that_was_lost_knows_the_founders_and_does_not_act_upon_that():
    """B5: the log from its first entry tells of no members."""
    replicas, recovery = maker(Disk())
    recovery.wal._tombstones[2] = DropRecord(2, 7, 3, 40, True)
    back = replicas.create(2, MEMBERS, Prng(1), None)
    assert (back.raft.term, back.raft.missing_to, back.raft.suspect) == (7, 40, True)
    assert back.raft.membership == MEMBERS
    for _ in range(200):
        back.raft.tick()
    ready = back.raft.ready()
    assert ready is None or not ready.messages


def test_a_tombstone_outlives_a_restart():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    change_members(bench, SECOND, tuple(sorted(n for n in (*inside, new) if n != leaves)))
    stone = bench.node(leaves)._wal.tombstone(SECOND)
    assert isinstance(stone, DropRecord)
    assert stone.term > 0
    bench.crash(leaves)
    bench.start(leaves)
    bench.settle()
    assert bench.node(leaves)._wal.tombstone(SECOND) == stone
    assert SECOND not in bench.node(leaves).groups


# -- B3: snapshots


def test_whose_snapshot_cannot_be_read_says_again_who_the_members_are():
    """B3: the snapshot's record told, and does not count any more; the next life is to know, too."""
    disk = Disk()
    replicas, recovery = maker(disk)
    members = encode_membership(MEMBERS)
    record = SnapshotRecord(2, 1, 1, snapshot_file(2, 1, 1), False, members)
    disk.files[record.file] = bytearray(b"no snapshot")
    found = RecoveredGroup(2, 1, 0, 1, record, 2, [], membership=members)
    recovery.groups[2] = found
    back = replicas.restore(found, disk, recovery, ClusterMap(CLUSTER, FOUNDERS[:3]), Prng(1))
    assert back.raft.missing_to == 1 and back.raft.membership == MEMBERS
    assert FoundRecord(2, members) in [record for record, _ in recovery.wal._staged]


def test_each_group_comes_from_its_own_snapshot():
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=3000, snapshot_chunk_bytes=200)
    bench = with_keyspace(3, limits=limits)
    bench.connect("a")
    for number in range(30):
        bench.say("a", f"SELECT 3 | SET k{number} {'v' * 300} | SELECT 0 | SET k{number} zero{'v' * 300}")
    bench.wait(1000)
    before = {number: bench.node(3).groups[number].snapshots.index for number in (1, SECOND)}
    assert min(before.values()) > 0
    bench.crash(3)
    bench.start(3)
    for number, index in before.items():
        group = bench.node(3).groups[number]
        assert group.snapshots.index == group.machine.applied_index == index
    bench.wait(1000)
    assert bench.say("b@3", "GETRANGE k29 0 3 | SELECT 3 | GETRANGE k29 0 3") == ['"zero"', "+OK", '"vvvv"']


def test_a_lost_snapshot_of_one_group_is_no_loss_of_another():
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=3000, snapshot_chunk_bytes=200)
    bench = with_keyspace(3, limits=limits)
    bench.connect("a")
    for number in range(30):
        bench.say("a", f"SELECT 3 | SET k{number} {'v' * 300} | SELECT 0 | SET k{number} {'v' * 300}")
    bench.wait(1000)
    bench.crash(3)
    disk = bench.servers[3].disk
    file = next(file for file in disk.names() if is_of_the_data(file))
    disk.files[file][500] ^= 1
    bench.cut(3)
    bench.start(3)
    bench.settle()
    assert bench.node(3).groups[1].raft.missing_to > 0
    assert bench.node(3).groups[SECOND].raft.missing_to == 0
    bench.heal()
    bench.until(lambda: bench.node(3).groups[1].raft.missing_to == 0)
    bench.wait(2000)
    assert bench.say("b@3", "DBSIZE | SELECT 3 | DBSIZE") == ["30", "+OK", "30"]


def test_a_replica_that_comes_late_gets_a_snapshot_with_its_membership():
    limits = Limits(
        segment_bytes=65536, snapshot_log_bytes=2000, snapshot_chunk_bytes=200, log_memory_bytes=1500
    )
    bench = with_keyspace(5, limits=limits)
    inside = holders(bench, SECOND)
    bench.say("a@1", "SELECT 3")
    for number in range(40):
        bench.say("a", f"SET k{number} {'v' * 300}")
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    wanted = tuple(sorted(n for n in (*inside, new) if n != leaves))
    change_members(bench, SECOND, wanted)
    bench.wait(500)
    replica = bench.node(new).groups[SECOND]
    assert replica.snapshots.index > 0
    assert replica.raft.membership == led(bench, SECOND).raft.membership == Membership(wanted, (), ())
    assert replica.machine.databases.key_count() == 40
    bench.crash(new)
    bench.start(new)
    assert bench.node(new).groups[SECOND].raft.membership == Membership(wanted, (), ())
