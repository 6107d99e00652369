"""Each invariant bites: a map that is spoilt in one place is caught."""

import pytest

from tests.core.cluster.test_codec import full
from trivet.core.cluster.invariants import check
from trivet.core.cluster.rows import NodeRow


def spoil_slot_without_owner(m):
    m.groups[1].ranges = [(0, 16382)]


def spoil_slot_with_two_owners(m):
    m.groups[4].ranges = [(5, 5)]


def spoil_node_id(m):
    m.next_node = 4


def spoil_group_id(m):
    m.next_group = 4


def spoil_move_id(m):
    m.next_move = 2


def spoil_birth(m):
    m.nodes[1].birth = 77


def spoil_address(m):
    m.nodes[1].host, m.nodes[1].peer_port = "h", 2


def spoil_replaced(m):
    m.nodes[3].state = "up"


def spoil_target_that_left(m):
    m.nodes[1].state = "gone"


def spoil_name(m):
    m.keyspaces[9].name = "default"


def spoil_moved_range(m):
    m.moves[1].ranges = [(100, 101)]


def spoil_copied_range(m):
    m.groups[1].ranges = [(0, 4), (6, 16383)]
    m.groups[4].ranges = [(5, 5)]


def spoil_overlap(m):
    m.moves[3] = m.moves[2]
    m.next_move = 4


def spoil_dropped_group_with_a_move(m):
    del m.groups[4]


def spoil_phase(m):
    m.moves[2].taken = True


def spoil_members(m):
    m.groups[1].members = []


def spoil_order(m):
    m.groups[1].target = [3, 1, 2]


def spoil_system(m):
    del m.groups[0]


def spoil_together(m):
    m.keyspaces[9].together = True


def spoil_epoch(m):
    m.groups[1].epoch = 99


def spoil_nodes(m):
    m.nodes[99] = NodeRow(98, "x", 1, 2)


def spoil_copies_that_come(m):
    m.keyspaces[9].mode, m.groups[2].incoming = "eventual", [4]


def spoil_many_replicas(m):
    m.keyspaces[9].replicas = 8


def spoil_many_copies(m):
    m.keyspaces[9].mode, m.keyspaces[9].replicas = "eventual", 10


SPOILERS = [value for name, value in sorted(globals().items()) if name.startswith("spoil_")]


def test_nothing_is_wrong_with_it_unspoilt():
    check(full())


@pytest.mark.parametrize("spoil", SPOILERS)
def test_it_is_caught(spoil):
    cluster = full()
    spoil(cluster)
    with pytest.raises(AssertionError):
        check(cluster)
