"""The map's verbs about keyspaces: ``KEYSPACE CREATE``, ``ALTER``, ``DROP``."""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster.change_primaries import first_primary
from trivet.core.cluster.choosing import Founders
from trivet.core.cluster.keyspace_syntax import KeyspaceCall, parse
from trivet.core.cluster.ranges import Range, shares
from trivet.core.cluster.rows import (
    CLAIMS_MAX,
    DEFAULT_KEYSPACE,
    DEFAULT_NAME,
    DEFAULT_REPLICAS,
    EVENTUAL,
    GROUPS_MAX,
    KEYSPACES_MAX,
    LEADERLESS,
    LOCAL,
    PRIMARY,
    RAFT,
    UP,
    ClaimRow,
    GroupRow,
    KeyspaceRow,
    replicas_max,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply

CLAIM: Final = b"CLAIM"


def keyspace(state: MapState, args: list[bytes]) -> Reply:
    """``KEYSPACE …`` as ``keyspace_syntax`` has it, those that change something."""
    call = parse(args)
    if isinstance(call, Error):
        return call
    if call.action == b"CREATE":
        return _create(state, call, args)
    if call.action not in (b"ALTER", b"DROP"):
        return Error("ERR this KEYSPACE command changes nothing")
    row = find(state, call)
    if isinstance(row, Error):
        return row
    return _alter(state, row, call) if call.action == b"ALTER" else _drop(state, row, call, args)


def find(state: MapState, call: KeyspaceCall) -> KeyspaceRow | Error:
    """The keyspace that is spoken of, by number or name."""
    if call.called is not None:
        row = state.keyspace_named(call.called)
        return Error(f"ERR no such keyspace: {call.called}") if row is None else row
    assert call.number is not None
    row = state.keyspaces.get(call.number)
    return Error(f"ERR no such keyspace: {call.number}") if row is None else row


def _create(state: MapState, call: KeyspaceCall, args: list[bytes]) -> Reply:
    """A database that belongs to a keyspace has to be claimed first (Rule D1)."""
    assert call.number is not None
    problem = _forbids(state, call)
    if problem is not None:
        return problem
    owner = state.keyspace_of(call.number)
    if owner is None:
        return make(state, call, 0)
    return _claim(state, owner, call.number, args, False)


def _claim(state: MapState, owner: KeyspaceRow, database: int, args: list[bytes], force: bool) -> Reply:
    """[``CLAIM``, token]: the owner's groups are to hold the database back (Rules D1, D3)."""
    if any(row.database == database for row in state.claims.values()):
        return Error(f"TRYAGAIN database {database} is changing hands already")
    if len(state.claims) >= CLAIMS_MAX:
        return Error(f"TRYAGAIN {CLAIMS_MAX} databases are changing hands already")
    groups = [group.id for group in state.groups_in(owner.number)]
    for move in state.moves.values():
        if move.source in groups:
            return Error(
                f"TRYAGAIN slots of keyspace {owner.number} are being moved (move {move.id}): "
                f"say it again when that is over"
            )
    token = state.advance()
    state.claims[token] = ClaimRow(token, database, owner.number, list(args), force)
    return [CLAIM, token]


def _forbids(state: MapState, call: KeyspaceCall) -> Error | None:
    """Why the keyspace can't be made."""
    number = call.number
    if number in state.keyspaces:
        return Error(f"ERR keyspace {number} exists already")
    if len(state.keyspaces) >= KEYSPACES_MAX:
        return Error(f"ERR there are {KEYSPACES_MAX} keyspaces already")
    name = call.name or f"db{number}"
    if state.keyspace_named(name) is not None or name == DEFAULT_NAME:
        return Error(f"ERR a keyspace named {name} exists already")
    shards = call.shards or 0
    if len(state.groups) + max(1, shards) > GROUPS_MAX:
        return Error(f"ERR there are too many groups: at most {GROUPS_MAX}")
    quorums = (call.write_quorum or 1, call.read_quorum or 1)
    return _forbids_quorums(state, call.mode or RAFT, call.replicas or DEFAULT_REPLICAS, quorums)


def make(state: MapState, call: KeyspaceCall, token: int) -> Reply:
    """Make the keyspace, by the claim ``token``: 0 when its database was nobody's."""
    problem = _forbids(state, call)
    if problem is not None:
        return problem
    number, shards = call.number, call.shards or 0
    assert number is not None
    name = call.name or f"db{number}"
    mode = call.mode or RAFT
    replicas = 1 if mode == LOCAL else call.replicas or DEFAULT_REPLICAS
    founders = Founders(state, replicas, call.on)
    first = founders.choose()
    if not first:
        return Error("ERR no node is there for it: none is up")
    epoch = state.advance()
    state.keyspaces[number] = KeyspaceRow(
        number,
        name,
        mode,
        replicas,
        [number],
        shards,
        call.together or False,
        token,
        call.write_quorum or 1,
        call.read_quorum or 1,
    )
    for share in shares(max(1, shards)):
        row = found(state, number, [share], first, epoch)
        if mode == PRIMARY:
            row.primary = first_primary(state, first)
        first = founders.choose()
    state.settle_keyspaces()
    return OK


def _forbids_quorums(
    state: MapState, mode: str, replicas: int, quorums: tuple[int, int], before: int = 1
) -> Error | None:
    """Why no such quorums, of writes and of reads, can be asked for; ``before``: the larger one until now."""
    largest = max(quorums)
    if largest == 1:
        return None
    if mode != EVENTUAL:
        return Error(f"ERR WRITE QUORUM and READ QUORUM are for mode {EVENTUAL}, not for mode {mode}")
    if largest > replicas:
        return Error(f"ERR a quorum of {largest} can't be reached with {replicas} replicas")
    up = sum(1 for node in state.members.values() if node.state == UP)
    if largest > max(before, up):  # Rule P12
        return Error(f"ERR a quorum of {largest} can't be reached with {up} nodes: add nodes first")
    return None


def found(state: MapState, number: int, ranges: list[Range], nodes: list[NodeId], epoch: int) -> GroupRow:
    """A new group. Rule E2: its id was never another's."""
    row = GroupRow(state.next_group, number, ranges, list(nodes), list(nodes), [], list(nodes), epoch)
    state.next_group += 1
    state.groups[row.id] = row
    return row


def _alter(state: MapState, row: KeyspaceRow, call: KeyspaceCall) -> Reply:
    name = row.name if call.name is None else call.name
    replicas = row.replicas if call.replicas is None else call.replicas
    shards = row.shards if call.shards is None else call.shards
    together = row.together if call.together is None else call.together
    write_quorum = row.write_quorum if call.write_quorum is None else call.write_quorum
    if name != row.name:
        if row.number == DEFAULT_KEYSPACE:
            return Error("ERR the default keyspace keeps its name")
        if state.keyspace_named(name) is not None or name == DEFAULT_NAME:
            return Error(f"ERR a keyspace named {name} exists already")
    if row.mode == LOCAL and replicas != 1:
        return Error("ERR a local keyspace has one replica")
    if replicas > replicas_max(row.mode):
        return Error(f"ERR a keyspace of mode {row.mode} has at most {replicas_max(row.mode)} replicas")
    if together and shards > 1:
        return Error("ERR a keyspace that stays together has one shard")
    read_quorum = row.read_quorum if call.read_quorum is None else call.read_quorum
    quorums = (write_quorum, read_quorum)
    problem = _forbids_quorums(state, row.mode, replicas, quorums, row.quorum_max)
    if problem is not None:
        return problem
    is_fixed = row.mode in (EVENTUAL, PRIMARY)
    if is_fixed and (shards, together) != (row.shards, row.together):
        return Error(
            f"ERR the shards of a keyspace of mode {row.mode} stay as they were made: create another one"
        )
    wanted = (name, replicas, shards, together, write_quorum, read_quorum)
    if wanted == (row.name, row.replicas, row.shards, row.together, row.write_quorum, row.read_quorum):
        return OK
    state.advance()
    row.name, row.replicas, row.shards, row.together, row.write_quorum, row.read_quorum = wanted
    state.settle_keyspaces()
    return OK


def _drop(state: MapState, row: KeyspaceRow, call: KeyspaceCall, args: list[bytes]) -> Reply:
    """Rule G4: not while something of it is on its way."""
    if row.number == DEFAULT_KEYSPACE:
        return Error("ERR the default keyspace cannot be dropped")
    if row.mode in LEADERLESS:
        if not call.force:
            return Error(
                f"ERR a keyspace of mode {row.mode} is dropped with FORCE only: no log could hold its keys "
                "back while it is asked whether there are any"
            )
        remove(state, row)
        return OK
    return _claim(state, row, row.number, args, call.force)


def remove(state: MapState, row: KeyspaceRow) -> None:
    """The keyspace is no more, nor are its groups (Rule G5)."""
    state.advance()
    for group in state.groups_in(row.number):
        for move in state.moves_of(group.id):
            del state.moves[move.id]
        del state.groups[group.id]
    del state.keyspaces[row.number]
    state.settle_keyspaces()
