"""What this node's own replicas know of locks."""

from tests.core.node.crossing import A, B, lock, sharded
from trivet.core.node.held import Held
from trivet.core.transaction.words import EXCLUSIVE, SHARED

DB = 3


def words(line: str) -> tuple[int, list[bytes]]:
    return DB, line.encode().split()


def locked(mode: int = EXCLUSIVE):
    """Key ``a`` is locked by somebody."""
    bench = sharded()
    lock(bench, A, b"a", mode)
    return bench, Held(bench.node(1).front)


def test_of_a_locked_key():
    _, held = locked()
    assert held.call(words("SET a 1"), None, 0) is True
    assert held.call(words("MSET b 1 a 1"), None, 0) is True
    assert held.call(words("SET b 1"), None, 0) is False
    assert held.keys(A, [(DB, b"a", SHARED)]) is True
    assert held.keys(B, [(DB, b"b", EXCLUSIVE)]) is False


def test_a_shared_lock_holds_up_writers_only():
    _, held = locked(SHARED)
    assert held.call(words("GET a"), None, 0) is False
    assert held.call(words("SET a 1"), None, 0) is True


def test_a_replica_that_is_behind_can_not_tell():
    bench, held = locked()
    applied = bench.node(1).groups[A].machine.applied_index
    assert held.call(words("SET a 1"), None, applied) is True
    assert held.call(words("SET a 1"), None, applied + 1) is None


def test_of_keys_that_are_not_named_nobody_can_tell():
    _, held = locked()
    assert held.call(words("EVAL x 1 b"), None, 0) is None
    assert held.call(words("SORT b BY w*"), None, 0) is None
    assert held.call(words("PING"), None, 0) is None


def test_a_part_of_a_call_to_all_groups_goes_by_what_that_group_has():
    bench, held = locked()
    front = bench.node(1).front
    index = bench.node(1).groups[A].machine.applied_index
    assert held.call(words("DBSIZE"), front.replicas[A], index) is True
    assert held.call(words("DBSIZE"), front.replicas[A], index + 1) is None, "it is behind"
    assert held.call(words("DBSIZE"), front.replicas[B], 0) is False
    assert held.call(words(f"SINCE {index - 1} DBSIZE"), front.replicas[A], 0) is False, (
        "that lock came later"
    )
    assert held.call(words("FLUSHDB"), front.replicas[A], 0) is True


def test_a_node_without_a_replica_can_not_tell():
    bench, held = locked()
    del bench.node(1).front.groups[A]
    assert held.call(words("SET a 1"), None, 0) is None
    assert held.keys(A, [(DB, b"a", EXCLUSIVE)]) is None
