"""What is true of the map after every change; the lab and a decoder of snapshots call ``check``.

On the path: nowhere.
"""

from typing import Final

from trivet.core.cluster.ranges import ALL, Range, covers, is_normal, overlap, union
from trivet.core.cluster.rows import (
    CLAIMS_MAX,
    COPY,
    DEFAULT_KEYSPACE,
    DRAINING,
    EVENTUAL,
    GONE,
    GROUPS_MAX,
    HANDED,
    KEYSPACES_MAX,
    MODES,
    MOVES_MAX,
    NODES_MAX,
    PHASES,
    RANGES_MAX,
    REPLICAS_MAX,
    SEAL,
    SETTLED_MAX,
    STATES,
    SYSTEM_GROUP,
    SYSTEM_KEYSPACE,
    GroupRow,
    MoveRow,
    replicas_max,
)
from trivet.core.cluster.spans import ARRIVING, SEALED, SERVED, SPANS_MAX, joined, ranges_in, spans_of
from trivet.core.cluster.state import MapState

STATES_OF_SLOTS: Final = (SERVED, SEALED, ARRIVING)


def check(state: MapState) -> None:
    """Assert everything that a map can know about itself."""
    assert state.epoch >= 1
    _check_nodes(state)
    _check_keyspaces(state)
    _check_groups(state)
    _check_owners(state)
    _check_moves(state)
    _check_claims(state)


def _check_nodes(state: MapState) -> None:
    births: dict[int, int] = {}
    replaced = dict.fromkeys(row.replaces for row in state.nodes.values() if row.state != GONE)
    addresses: dict[tuple[str, int], int] = {}
    there = 0
    for node, row in state.nodes.items():
        assert node == row.id and 1 <= node < state.next_node, "Rule E2: ids are never given twice"
        assert row.state in STATES
        assert row.birth not in births, "Rule N2: one birth, one node"
        if row.birth:
            births[row.birth] = node
        if row.state == GONE:
            continue
        there += 1
        assert 0 <= row.replaces < node
        if node not in replaced:
            assert (row.host, row.peer_port) not in addresses, "Rule N3: one address, one node"
            addresses[row.host, row.peer_port] = node
        else:
            assert row.state == DRAINING, "a node that was replaced is only emptied"
    assert 1 <= there <= NODES_MAX


def _check_keyspaces(state: MapState) -> None:
    assert len(state.keyspaces) <= KEYSPACES_MAX
    assert DEFAULT_KEYSPACE in state.keyspaces
    names: dict[str, int] = {}
    for number, row in state.keyspaces.items():
        assert number == row.number
        assert row.databases == ([] if number == DEFAULT_KEYSPACE else [number])
        assert row.name not in names, "Rule K1: one name, one keyspace"
        names[row.name] = number
        assert row.mode in MODES
        assert 1 <= row.replicas <= replicas_max(row.mode)
        assert not (row.together and row.shards > 1)
        quorum_max = row.replicas if row.mode == EVENTUAL else 1
        assert 1 <= row.write_quorum <= quorum_max and 1 <= row.read_quorum <= quorum_max


def _check_groups(state: MapState) -> None:
    assert len(state.groups) <= GROUPS_MAX
    assert SYSTEM_GROUP in state.groups
    for number, row in state.groups.items():
        assert number == row.id and 0 <= number < state.next_group, "Rule E2: ids are never given twice"
        assert (number == SYSTEM_GROUP) == (row.keyspace == SYSTEM_KEYSPACE)
        assert number == SYSTEM_GROUP or row.keyspace in state.keyspaces
        assert number != SYSTEM_GROUP or not row.ranges
        assert is_normal(row.ranges) and len(row.ranges) <= RANGES_MAX
        assert 0 <= row.epoch <= state.epoch
        _check_members(state, row)


def _check_members(state: MapState, row: GroupRow) -> None:
    for nodes in (row.target, row.members, row.learners, row.founders):
        assert nodes == sorted(dict.fromkeys(nodes))
    is_of_primary = state.is_of_primary(row)
    assert (row.primary in row.members) if is_of_primary else not (row.primary or row.generation), "Rule G9"
    most = max(REPLICAS_MAX, state.members_max(row))
    assert 1 <= len(row.members) <= most + (state.mode_of(row) == EVENTUAL or is_of_primary)
    assert 1 <= len(row.target) <= most
    _check_incoming(state, row)
    for node in [*row.target, *row.incoming]:
        known = state.nodes.get(node)
        assert known is not None and known.state != GONE, "Rule N5: nobody counts on a node that has left"


def _check_incoming(state: MapState, row: GroupRow) -> None:
    """Rules G7, G8."""
    if not state.is_leaderless(row):
        assert not row.incoming and not row.since
        return
    assert not row.learners and not row.leader_hint
    assert row.incoming == sorted(dict.fromkeys(row.incoming))
    assert not row.before or row.incoming, "nobody was a member before while nothing changes"
    if state.mode_of(row) == EVENTUAL:
        assert all(node in row.members for node in row.incoming), "Rule G8: who shall stay is there"
    elif row.incoming:
        assert row.incoming != row.members
        assert sum([node not in row.members for node in row.incoming]) <= 1
        assert sum([node not in row.incoming for node in row.members]) <= 1
    assert row.since == sorted(dict(row.since).items()), "one node, one epoch"
    for node, epoch in row.since:
        assert node in row.members or node in row.incoming
        assert 1 < epoch <= row.membership + 1


def _check_owners(state: MapState) -> None:
    """Rule V1: every slot of every keyspace has exactly one owner."""
    slots: dict[int, int] = dict.fromkeys(state.keyspaces, 0)
    owned: dict[int, list[Range]] = {number: [] for number in state.keyspaces}
    for row in state.groups.values():
        if row.id == SYSTEM_GROUP:
            continue
        slots[row.keyspace] += sum(last - first + 1 for first, last in row.ranges)
        owned[row.keyspace] += row.ranges
    for number, ranges in owned.items():
        assert union(ranges, []) == [ALL], f"keyspace {number} has a slot without an owner"
        assert slots[number] == ALL[1] + 1, f"keyspace {number} has a slot with two owners"


def _check_moves(state: MapState) -> None:
    assert len(state.moves) <= MOVES_MAX
    by_group: dict[int, list[MoveRow]] = {}
    for number, row in state.moves.items():
        assert number == row.id and 1 <= number < state.next_move, "Rule E2: ids are never given twice"
        assert row.phase in PHASES
        source, target = state.groups.get(row.source), state.groups.get(row.target_group)
        assert source is not None and target is not None, "Rule G4: a group with a move stays"
        assert source is not target and source.keyspace == target.keyspace
        assert row.ranges and is_normal(row.ranges)
        copying = row.phase != HANDED
        is_of_registers = state.is_of_registers(source)
        assert row.phase == COPY or is_of_registers == (row.phase == SEAL)
        assert covers(source.ranges if copying else target.ranges, row.ranges), "Rule V4: they stay put"
        assert copying == (row.epoch == 0) and not (copying and row.taken)
        assert row.epoch <= state.epoch
        for group in (row.source, row.target_group):
            for other in by_group.setdefault(group, []):
                assert not overlap(other.ranges, row.ranges), "Rule V2: two moves never share a slot"
            by_group[group].append(row)
    for group_row in state.groups.values():
        _check_spans(state, group_row, by_group.get(group_row.id, []))


def _check_spans(state: MapState, row: GroupRow, moves: list[MoveRow]) -> None:
    """Rules V8, V9: a group of mode ``paxos`` does with its slots what its moves say."""
    if not state.is_of_registers(row):
        assert not row.spans and not row.floor_version
        return
    assert not (moves and row.incoming), "Rule V8: while slots move the members stay"
    assert len(row.spans) <= SPANS_MAX and row.spans == joined(row.spans)
    before = -1
    for first, last, since, state_ in spans_of(row):
        assert before < first <= last and 1 <= since <= row.membership + 1 and state_ in STATES_OF_SLOTS
        before = last
    sealed = [one for move in moves if move.source == row.id and move.phase == SEAL for one in move.ranges]
    come = [move for move in moves if move.target_group == row.id and move.generation]
    arriving = [one for move in come for one in move.ranges]
    assert union(ranges_in(row, SERVED, SEALED), []) == row.ranges
    assert union(ranges_in(row, SEALED), []) == union(sealed, [])
    assert union(ranges_in(row, ARRIVING), []) == union(arriving, [])


def _check_claims(state: MapState) -> None:
    assert len(state.claims) <= CLAIMS_MAX and len(state.settled) <= SETTLED_MAX
    databases: dict[int, int] = {}
    moving = [state.groups[move.source].keyspace for move in state.moves.values()]
    for token, row in state.claims.items():
        assert token == row.token and 1 < token <= state.epoch and token not in state.settled
        assert row.database not in databases, "Rule D1: one claim at a time"
        databases[row.database] = token
        assert row.keyspace in state.keyspaces and row.keyspace not in moving, "Rule D3: its slots stay put"
        for group in row.held:
            assert group in state.groups and state.groups[group].keyspace == row.keyspace
