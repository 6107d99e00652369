"""Groups of mode ``eventual``: with what they begin, and as whom they go on (Rule J7)."""

from tests.core.node.bench import CLUSTER, SMALL
from tests.core.node.bench_disk import Disk
from tests.core.node.founded import founded
from tests.core.node.test_replicas import FOUNDERS
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.agenda import Agenda
from trivet.core.group.eventual_group import EventualGroup
from trivet.core.group.eventual_log import COPIES
from trivet.core.machine.machine import Machine
from trivet.core.node.config import NodeConfig
from trivet.core.node.eventual_replicas import EventualMaker, gossip_settings
from trivet.core.node.making import Making
from trivet.core.paxos.ballot import node_of, proposer_of
from trivet.core.wal.record import BootRecord, DropRecord, FoundRecord
from trivet.core.wal.recovery import Recovery, recover

CONFIG = NodeConfig(node=2, cluster=CLUSTER, members=FOUNDERS[:3], limits=SMALL, tick_ms=10)
MACHINE = Machine(10)
GROUP = 2
LIFE = 1_700_000_000_000


def system() -> Machine:
    return MACHINE


def maker(disk: Disk) -> tuple[EventualMaker, Recovery]:
    tokens = Tokens()
    recovery = recover(disk, tokens, SMALL.segment_bytes, 7, None)
    recovery.wal.append(BootRecord(CLUSTER, 2, LIFE))
    return EventualMaker(Making(CONFIG, recovery.wal, tokens, LIFE, Agenda())), recovery


def row(members=(1, 2, 3), since=()) -> GroupRow:
    return GroupRow(9, 7, [(0, 16383)], [1, 2, 3], list(members), [], list(members), since=list(since))


def test_the_limits_of_the_node_are_those_of_the_room():
    settings = gossip_settings(CONFIG, 77, 5)
    assert (settings.node, settings.actor) == (2, 77)
    assert settings.message_bytes_max == SMALL.append_bytes_max
    assert (
        settings.patience_ticks * CONFIG.tick_ms == settings.tell_ticks * CONFIG.tick_ms <= CONFIG.resend_ms
    )
    assert settings.life == 5
    assert settings.silence_ticks * CONFIG.tick_ms == CONFIG.command_timeout_ms


def test_one_that_was_never_here_says_first_what_it_is():
    makers, recovery = maker(Disk())
    group = makers.create(9, system, Prng(1))
    assert (group.settings.group, group.settings.node, group.keys, group.doubtful) == (9, 2, 0, False)
    staged = [record for record, _ in recovery.wal._staged]
    assert staged[1] == FoundRecord(9, COPIES)
    assert node_of(group.gossip.actor) == 2 and group.gossip.actor == group.executor.actor


def test_a_founder_serves_at_once_and_who_comes_later_when_it_has_what_the_others_have():
    makers, _ = maker(Disk())
    group = makers.create(9, system, Prng(1))
    group.follow(row())
    assert group.serves and group.standing().is_caught_up
    group = makers.create(9, system, Prng(1))
    group.follow(row(since=[(2, 4)]))
    assert not group.serves and not group.standing().is_caught_up and not group.left_over
    group = makers.create(9, system, Prng(1))
    group.follow(row((1, 3)))
    assert not group.serves and not group.left_over


def test_one_of_which_a_damaged_log_has_lost_everything_gets_it_from_others_first():
    makers, recovery = maker(Disk())
    recovery.wal._tombstones[9] = DropRecord(9, 1, 0, 5, True)
    group = makers.create(9, system, Prng(1))
    group.follow(row())
    assert group.doubtful and not group.serves and not group.standing().is_caught_up
    said = [record for record, _ in recovery.wal._staged if isinstance(record, BootRecord)]
    assert [record.incarnation for record in said] == [LIFE, LIFE + 1], "no later life is that one"
    assert group.gossip.actor == proposer_of(2, LIFE + 1), "nor was another group's actor here"


def test_who_waited_to_be_a_member_with_doubts_has_yet_to_catch_up_all_the_same():
    makers, recovery = maker(Disk())
    recovery.wal._tombstones[9] = DropRecord(9, 1, 0, 5, True)
    group = makers.create(9, system, Prng(1))
    group.follow(row((1, 3)))
    group.turn(0, 0)
    came = row((1, 2, 3), [(2, 2)])
    came.membership = 1
    group.follow(came)
    group.turn(0, 0)
    assert group.comes and not group.serves


# -- over restarts


def copies(bench, number: int) -> EventualGroup:
    group = bench.node(number).front.leaderless[GROUP]
    assert isinstance(group, EventualGroup)
    return group


def with_copies(nodes: int = 3, options: str = "REPLICAS 3"):
    bench = founded(nodes, f"7 MODE eventual {options}")
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    return bench


def test_what_was_acknowledged_is_there_after_a_restart_and_it_goes_on_as_the_same_actor():
    bench = with_copies()
    assert bench.answer("a", "INCRBY n 5") == "5"
    actor = copies(bench, 1).gossip.actor
    bench.crash(1)
    bench.start(1)
    bench.until(lambda: GROUP in bench.node(1).front.leaderless and copies(bench, 1).serves)
    assert bench.answer("d@1", "SELECT 7") == "+OK"
    assert bench.answer("d", "INCRBY n 2") == "7"
    assert copies(bench, 1).gossip.actor == actor
    bench.until(lambda: bench.answer("b", "GET n") == '"7"')


def test_who_is_no_member_any_more_holds_nothing_and_comes_back_as_one_that_has_to_catch_up():
    """F7."""
    bench = with_copies(5, "REPLICAS 3 ON 1 2 3")
    assert bench.answer("c", "SET k v") == "+OK"
    for words in ("1 2 4", "1 2 3"):
        bench.change_map(bench.leader(), f"GROUP TARGET {GROUP} {words}")
        wanted = [int(word) for word in words.split()]
        bench.until(
            lambda w=wanted: (r := bench.node(1).front.cluster.groups[GROUP]).members == w and not r.incoming
        )
        bench.wait(300)
        for number in bench.servers:
            held = copies(bench, number)
            assert (held.keys > 0) is (number in wanted) and not held.left_over
        assert bench.answer("c", "GET k") == '"v"', "a member answers for it"
