"""Groups of mode ``paxos``: what they are told of their node, and with what they begin."""

from tests.core.node.bench import CLUSTER, SMALL, Limits
from tests.core.node.bench_disk import Disk
from tests.core.node.test_replicas import FOUNDERS
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.agenda import Agenda
from trivet.core.group.paxos_group import config_of
from trivet.core.group.register_log import REGISTERS
from trivet.core.machine.machine import Machine
from trivet.core.node.config import NodeConfig
from trivet.core.node.making import Making
from trivet.core.node.register_replicas import RegisterMaker, paxos_settings
from trivet.core.paxos.ballot import node_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.settings import problem
from trivet.core.wal.record import DropRecord, FoundRecord
from trivet.core.wal.recovery import Recovery, recover

CONFIG = NodeConfig(node=2, cluster=CLUSTER, members=FOUNDERS[:3], limits=SMALL, tick_ms=10)
MACHINE = Machine(10)


def system() -> Machine:
    return MACHINE


def maker(disk: Disk) -> tuple[RegisterMaker, Recovery]:
    tokens = Tokens()
    recovery = recover(disk, tokens, SMALL.segment_bytes, 7, None)
    return RegisterMaker(Making(CONFIG, recovery.wal, tokens, 1_700_000_000_000, Agenda())), recovery


def test_who_the_members_are():
    row = GroupRow(2, 7, [(0, 16383)], [1, 2, 3], [1, 2, 3], [], [1, 2, 3])
    assert config_of(row) == GroupConfig(1, (1, 2, 3))
    row.membership, row.incoming, row.since = 4, [2, 3, 4], [(4, 5)]
    assert config_of(row) == GroupConfig(5, (1, 2, 3), (2, 3, 4), ((4, 5),))


def test_the_limits_of_the_node_are_those_of_the_room():
    limits = Limits(call_bytes_max=1_000, append_bytes_max=2_000)
    config = NodeConfig(node=2, cluster=CLUSTER, members=FOUNDERS[:3], limits=limits, tick_ms=10)
    settings = paxos_settings(config, 1_700_000_000_000)
    assert not problem(settings)
    assert (settings.node, node_of(settings.proposer)) == (2, 2)
    assert settings.operation_ticks * config.tick_ms == config.command_timeout_ms
    assert (settings.value_bytes_max, settings.message_bytes_max, settings.page_bytes_max) == (
        1_000,
        2_000,
        2_000,
    )
    assert paxos_settings(config, 1_700_000_000_001).proposer > settings.proposer


def test_one_that_was_never_here_says_first_what_it_is():
    makers, recovery = maker(Disk())
    group = makers.create(9, system, Prng(1))
    assert (group.settings.group, group.settings.node, group.keys, group.doubtful) == (9, 2, 0, False)
    staged = [record for record, _ in recovery.wal._staged]
    assert staged[0] == FoundRecord(9, REGISTERS)


def test_one_that_a_damaged_log_may_have_lost_has_doubts():
    makers, recovery = maker(Disk())
    recovery.wal._tombstones[9] = DropRecord(9, 1, 0, 5, True)
    assert makers.create(9, system, Prng(1)).doubtful
