"""Who asks for locks, and who lets others go before it."""

from tests.core.node.crossing import A, B, Nobody, lock, sharded
from trivet.core.node.attempts import NO_LINE, Attempt, Transacting
from trivet.core.node.line import Line
from trivet.core.transaction.coordinator import Coordinator, Phase
from trivet.core.transaction.locks import LOCKS_MAX
from trivet.core.transaction.words import EXCLUSIVE, SHARED, Stamp, TransactionId

DB = 3


def transaction(line: str, age: int) -> Transacting:
    wide = Transacting(Nobody(), (DB, line.encode().split()), 7, [], Stamp(age, 1, age))
    wide.latest_ms = 200
    return wide


def under_way(line: Line, wide: Transacting) -> Attempt:
    attempt = Attempt(Coordinator(TransactionId(1, 1, wide.stamp.number), wide.stamp, A, 7), wide)
    attempt.locks = {key: (A, mode) for key, mode in wide.wanted.items()}
    line.asks(attempt)
    return attempt


def locked(mode: int = EXCLUSIVE):
    """Key ``b`` is locked by somebody of age 10."""
    bench = sharded()
    lock(bench, B, b"b", mode, age=10)
    return bench, Line(bench.node(1).front)


def test_only_who_is_older_is_in_the_way():
    """Rule Z5."""
    _, line = locked()
    assert line.keeps(transaction("MSET a 1 b 1", 20)) is True
    line.look_anew()
    assert line.keeps(transaction("MSET a 1 b 1", 5)) is False
    assert line.keeps(transaction("MSET a 1 c 1", 20)) is False
    assert line.bars(Stamp(20, 1, 1), [(DB, b"b", SHARED)])
    assert not line.bars(Stamp(5, 1, 1), [(DB, b"b", SHARED)])


def test_who_shares_is_not_in_the_way_of_who_does():
    _, line = locked(SHARED)
    assert line.keeps(transaction("SUNIONSTORE a b", 20)) is False
    assert line.keeps(transaction("MSET a 1 b 1", 20)) is True
    assert line.keeps(transaction("SUNIONSTORE a b", 20)) is False


def test_a_younger_one_is_kept_by_what_keeps_an_older_one():
    """What was seen once is not looked for again in the same look, and is in the next."""
    bench, line = locked()
    wide = transaction("MSET a 1 b 1", 20)
    assert line.keeps(wide) is True and wide.barred_by == ((DB, b"b"), False)
    bench.node(1).groups[B].machine.intents.locks.held.clear()
    assert line.keeps(transaction("MSET b 1 c 1", 30)) is True
    assert line.keeps(wide) is True
    line.look_anew()
    assert line.keeps(wide) is False and wide.barred_by is None


def test_younger_ones_give_way_to_who_asks_from_here():
    _, line = locked()
    attempt = under_way(line, transaction("MSET a 1 c 1", 20))
    younger, older = transaction("MSET c 1 d 1", 30), transaction("MSET c 1 d 1", 15)
    assert line.keeps(younger) is True
    line.look_anew()
    assert line.keeps(older) is False
    attempt.coordinator.phase = Phase.RUNNING
    assert line.keeps(younger) is False, "its locks are seen by now"
    attempt.coordinator.phase = Phase.LOCKING
    line.leaves(attempt)
    assert line.keeps(younger) is False


def test_who_only_shares_gives_way_to_who_wants_it_alone():
    _, line = locked()
    attempt = under_way(line, transaction("SUNIONSTORE a c", 20))
    assert line.keeps(transaction("SUNIONSTORE d c", 30)) is False
    assert line.keeps(transaction("MSET c 1 d 1", 30)) is True
    later = under_way(line, transaction("MSET c 1 d 1", 15))
    line.leaves(attempt)
    line.look_anew()
    assert line.keeps(transaction("SUNIONSTORE d c", 30)) is True
    line.leaves(later)


def test_a_barrier_keeps_everybody():
    bench, line = locked()
    bench.node(1).groups[A].machine.intents.locks.barrier_until_ms = 10**15
    assert line.keeps(transaction("MSET a 1 c 1", 5)) is True


def test_where_no_replica_is_time_alone_decides():
    bench, line = locked()
    del bench.node(1).front.groups[B]
    assert line.keeps(transaction("MSET a 1 b 1", 20)) is None
    assert not line.bars(Stamp(20, 1, 1), [(DB, b"b", EXCLUSIVE)])
    wide = transaction("MSET a 1 c 1", 20)
    assert line.keeps(wide) is False
    wide.latest_ms = NO_LINE
    assert line.keeps(wide) is None


def test_a_group_that_has_too_many_locks_refuses_for_that_alone():
    """To ask again at once would be a word in its log for nothing, again and again."""
    bench, line = locked()
    bench.node(1).groups[B].machine.intents.locks.count = LOCKS_MAX - 1
    assert line.keeps(transaction("MSET a 1 b 1", 5)) is None
