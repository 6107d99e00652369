"""Who is named where nobody says that he is the primary (Rules K12, K13), on whole nodes."""

from tests.core.node.test_primary_residents import DB, GROUP, primary_of, with_primary
from trivet.core.raft.terms import first_term, stamp_of
from trivet.core.steward.messages import GroupReport, HowFar, NodeReport, SoFar
from trivet.core.steward.primary_keeper import ASK_MS, PATIENCE, PrimaryKeeper
from trivet.core.steward.settings import StewardSettings

FAST = StewardSettings(report_ms=100, failover_ms=1_000)


def asked(bench, **settings):
    """A keeper of its own, which has just asked; its row."""
    node = bench.node(bench.leader())
    keeper = PrimaryKeeper(node.steward.desk)
    cluster = node.front.cluster
    keeper.tick(cluster)
    row = cluster.groups[GROUP]
    watched = keeper._watched[GROUP]
    keeper._ask(row, watched)
    watched.answers, watched.asked_ms = {}, node.steward.desk.now_ms  # its own node may have answered
    return keeper, row, watched


def answer(keeper, watched, node, generation, index, leads=False):
    keeper.take(node, SoFar(GROUP, watched.number, generation, index, leads, generation))


def test_the_newest_log_of_those_that_answer_is_named():
    bench = with_primary()
    keeper, row, watched = asked(bench)
    row.membership = 0
    answer(keeper, watched, 1, 0, 90)
    answer(keeper, watched, 2, 1, 40)
    answer(keeper, watched, 3, 1, 40)
    assert keeper._choose(row, watched) == 2, "a later generation counts more; of equals the lower number"
    answer(keeper, watched, 3, 1, 41)
    assert keeper._choose(row, watched) == 3
    answer(keeper, watched, 9, 5, 99)
    assert keeper._choose(row, watched) == 3, "who is no member is not asked"
    keeper.take(1, SoFar(GROUP, watched.number - 1, 7, 99, False, 0))
    assert keeper._choose(row, watched) == 3, "an answer to another question"


def test_within_a_generation_the_later_term_counts_however_short_the_log():
    """Who handed over, and had more that nobody else was given, has nothing that counts."""
    bench = with_primary()
    keeper, row, watched = asked(bench)
    row.membership = 0
    keeper.take(1, SoFar(GROUP, watched.number, 1, 90, False, 1, first_term(1) + 1))
    keeper.take(2, SoFar(GROUP, watched.number, 1, 40, False, 1, first_term(1) + 2))
    keeper.take(3, SoFar(GROUP, watched.number, 1, 39, False, 1, first_term(1) + 2))
    assert keeper._choose(row, watched) == 2


def test_a_member_says_the_term_of_its_last_entry():
    bench = with_primary()
    node = bench.node(primary_of(bench))
    raft = node.groups[GROUP].raft
    told = node.steward._primary_keeper.answer(HowFar(GROUP, 5))
    assert (told.last_index, told.last_term) == (raft.last_index, raft.term) and told.leads


def test_who_lacks_what_the_map_knows_is_named_late_and_who_has_nothing_never():
    bench = with_primary()
    keeper, row, watched = asked(bench)
    row.membership = stamp_of(1, 50)
    answer(keeper, watched, 1, 0, 90)
    answer(keeper, watched, 2, 1, 49)
    assert keeper._choose(row, watched) == 0
    now_ms = bench.node(bench.leader()).steward.desk.now_ms
    watched.heard_ms = now_ms - PATIENCE * StewardSettings().failover_ms
    assert keeper._choose(row, watched) == 2
    watched.answers = {}
    answer(keeper, watched, 3, 0, 0)
    assert keeper._choose(row, watched) == 0


def test_who_still_leads_ends_the_question():
    bench = with_primary()
    keeper, _, watched = asked(bench)
    answer(keeper, watched, 2, 0, 5, leads=True)
    assert watched.asked_ms == 0
    assert not watched.answers


def test_what_a_primary_of_an_earlier_generation_reports_does_not_count():
    bench = with_primary()
    keeper, row, watched = asked(bench)
    row.generation = 2
    keeper.hear(NodeReport([GroupReport(GROUP, 1, first_term(1) + 3)]))
    assert watched.asked_ms
    keeper.hear(NodeReport([GroupReport(GROUP, 1, first_term(2) + 3)]))
    assert not watched.asked_ms


def test_replicas_that_are_not_there_or_full_do_not_answer():
    bench = with_primary()
    node = bench.node(2)
    keeper = node.steward._primary_keeper
    assert keeper.answer(HowFar(99, 1)) is None
    told = keeper.answer(HowFar(GROUP, 1))
    assert told is not None
    assert (told.log_generation, told.last_index) == (0, node.groups[GROUP].raft.last_index)
    node.groups[GROUP].raft.full = True
    assert keeper.answer(HowFar(GROUP, 1)) is None


def test_one_failover_after_the_other_until_one_is_left():
    bench = with_primary(5, steward=FAST)
    members = list(bench.node(1).front.cluster.groups[GROUP].members)
    outside = [number for number in bench.servers if number not in members]
    bench.say(f"a@{outside[0]}", f"SELECT {DB} | SET k 0")
    for turn in (1, 2):
        bench.wait(1_000)
        gone = primary_of(bench)
        bench.crash(gone)
        bench.until(lambda gone=gone: primary_of(bench) not in (0, gone), 20_000)
        assert bench.answer(f"a@{outside[0]}", "INCR k") == str(turn)
        bench.until(lambda turn=turn: bench.node(outside[0]).front.cluster.groups[GROUP].generation == turn)
    assert FAST.failover_ms > ASK_MS
