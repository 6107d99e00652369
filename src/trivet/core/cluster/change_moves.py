"""The map's verbs about moves: ``MOVE START``, ``BEGIN``, ``SEAL``, ``ABORT``, ``DONE``, ``TAKEN``, ``END``.

Of groups of mode ``paxos`` they say what their members hold (``change_register_moves``). All others::

    START ──> copy ──DONE──> handed ──TAKEN──> handed, taken ──END──> (forgotten)
               └──ABORT──> (forgotten)
"""

from typing import Final

from trivet.core.base.ids import WallMs
from trivet.core.cluster import change_register_moves, fields
from trivet.core.cluster.change_groups import claimed
from trivet.core.cluster.change_groups import find as find_group
from trivet.core.cluster.change_keyspaces import found
from trivet.core.cluster.choosing import Founders
from trivet.core.cluster.ranges import Range, covers, difference, overlap, show, union
from trivet.core.cluster.rows import (
    COPY,
    EVENTUAL,
    GROUPS_MAX,
    HANDED,
    ID_MAX,
    LOCAL,
    MOVES_MAX,
    PAXOS,
    PRIMARY,
    RANGES_MAX,
    SYSTEM_GROUP,
    GroupRow,
    MoveRow,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply


def move(state: MapState, args: list[bytes], now_ms: WallMs) -> Reply:
    """``MOVE START source target|NEW ranges reason [ON node …]`` or ``MOVE verb id``, and for some more."""
    if len(args) < 3:
        return fields.SYNTAX
    action = args[1].upper()
    if action == b"START":
        return _start(state, args, now_ms)
    if len(args) - 3 > _NUMBERS.get(action, -1):
        return fields.SYNTAX
    number = fields.identity(args[2])
    if isinstance(number, Error):
        return number
    row = state.moves.get(number)
    if row is None:
        if not state.is_over(number):
            return Error(f"ERR no such move: {number}")
        return OK if action == b"END" else Error(f"ERR move {number} is over")
    generation = fields.number(args[3], 0, ID_MAX) if len(args) > 3 else row.generation
    version = fields.number(args[4], 0, ID_MAX) if len(args) > 4 else 0
    if isinstance(generation, Error):
        return generation
    if isinstance(version, Error):
        return version
    if state.is_of_registers(state.groups[row.source]):
        return _of_registers(state, row, action, generation, version)
    if action == b"SEAL" or len(args) > 4:
        return Error(f"ERR move {row.id} is of groups that seal their slots by their own logs")
    if action == b"BEGIN":
        return _begin(state, row)
    if action == b"ABORT":
        return _abort(state, row)
    if action == b"DONE":
        return _done(state, row, generation)
    return _taken(state, row) if action == b"TAKEN" else _end(state, row)


_NUMBERS: Final = {b"BEGIN": 0, b"SEAL": 1, b"ABORT": 0, b"DONE": 2, b"TAKEN": 0, b"END": 0}
"""How many words each action takes at most after the move's id."""


def _of_registers(state: MapState, row: MoveRow, action: bytes, generation: int, version: int) -> Reply:
    """Of groups of mode ``paxos``: nothing is taken or ended after the hand-over."""
    if action == b"BEGIN":
        return change_register_moves.begin(state, row)
    if action == b"SEAL":
        return change_register_moves.seal(state, row, generation)
    if action == b"ABORT":
        return change_register_moves.abort(state, row)
    if action == b"DONE":
        return change_register_moves.done(state, row, generation, version)
    return Error(f"ERR move {row.id} has not been handed over")


def _start(state: MapState, args: list[bytes], now_ms: WallMs) -> Reply:
    """The move's id. The group of a ``NEW`` one stands on nodes among those named, or on any."""
    if len(args) < 6 or (len(args) > 6 and (args[6].upper() != b"ON" or len(args) == 7)):
        return fields.SYNTAX
    source = find_group(state, args[2])
    new = args[3].upper() == b"NEW"
    target = source if new else find_group(state, args[3])
    ranges, reason, nodes = fields.ranges(args[4]), fields.reason(args[5]), fields.identities(args[7:])
    if isinstance(source, Error):
        return source
    if isinstance(target, Error):
        return target
    if isinstance(ranges, Error):
        return ranges
    if isinstance(reason, Error):
        return reason
    if isinstance(nodes, Error):
        return nodes
    if nodes and not new:
        return fields.SYNTAX
    problem = _problem(state, source, None if new else target, ranges)
    if problem is not None:
        return problem
    if new:
        keyspace = state.keyspaces[source.keyspace]
        replicas = 1 if keyspace.mode == LOCAL else keyspace.replicas
        first = Founders(state, replicas, nodes).choose()
        if not first:
            return Error("ERR no node is there for it: none is up")
        target = found(state, source.keyspace, [], first, state.advance())
    else:
        state.advance()
    row = MoveRow(state.next_move, source.id, target.id, ranges, COPY, now_ms, reason)
    state.next_move += 1
    state.moves[row.id] = row
    return row.id


def _problem(state: MapState, source: GroupRow, target: GroupRow | None, ranges: list[Range]) -> Error | None:
    """What forbids the move; ``target`` None: a new group."""
    if source.id == SYSTEM_GROUP or (target is not None and target.id == SYSTEM_GROUP):
        return Error("ERR the system group has no slots")
    if target is source:
        return Error(f"ERR group {source.id} is the source and the target")
    if target is not None and target.keyspace != source.keyspace:
        return Error(f"ERR groups {source.id} and {target.id} are of different keyspaces")
    mode = state.mode_of(source)
    if mode in (EVENTUAL, PRIMARY):
        return Error(f"ERR slots of a keyspace of mode {mode} do not move: say SHARDS when you create it")
    if mode == PAXOS and (busy := change_register_moves.changing(source, target)) is not None:
        return busy
    if state.claims_of(source.keyspace):
        return claimed(source.keyspace)
    if not covers(source.ranges, ranges):
        return Error(f"ERR group {source.id} does not own all of {show(ranges)}")
    if target is None:
        if state.keyspaces[source.keyspace].together:
            return Error(f"ERR keyspace {source.keyspace} stays together")
        if len(state.groups) >= GROUPS_MAX:
            return Error(f"ERR there are too many groups: at most {GROUPS_MAX}")
    if len(state.moves) >= MOVES_MAX:
        return Error(f"ERR there are {MOVES_MAX} moves already")
    for other in state.moves.values():
        if source.id in (other.source, other.target_group) and overlap(other.ranges, ranges):
            return Error(f"TRYAGAIN move {other.id} has some of these slots already")
    return None


def _begin(state: MapState, row: MoveRow) -> Reply:
    """Somebody copies from the beginning: the generation, higher than any before.

    Rule V7: who copied before has no say any more.
    """
    if row.phase != COPY:
        return Error(f"ERR move {row.id} has been handed over: it goes on")
    state.advance()
    row.generation += 1
    return row.generation


def _abort(state: MapState, row: MoveRow) -> Reply:
    """Rule V3: what is handed over is not taken back."""
    if row.phase != COPY:
        return Error(f"ERR move {row.id} has been handed over: it goes on")
    state.advance()
    del state.moves[row.id]
    return OK


def _done(state: MapState, row: MoveRow, generation: int) -> Reply:
    """The hand-over: its epoch, the same however often it is asked.

    Rule V1: here the slots change their owner, all at once. Rule V7: only by the last who began.
    """
    if row.phase == HANDED:
        return row.epoch
    if generation != row.generation:
        return Error(f"ERR move {row.id} has begun anew: generation {row.generation}")
    source, target = state.groups[row.source], state.groups[row.target_group]
    left, got = difference(source.ranges, row.ranges), union(target.ranges, row.ranges)
    if len(left) > RANGES_MAX or len(got) > RANGES_MAX:
        return Error(f"ERR a group owns at most {RANGES_MAX} ranges: abort move {row.id}")
    epoch = state.advance()
    source.ranges, target.ranges = left, got
    source.epoch = target.epoch = row.epoch = epoch
    row.phase = HANDED
    state.settle_slots(source.keyspace)
    return epoch


def _taken(state: MapState, row: MoveRow) -> Reply:
    """The target's log says that it owns them."""
    if row.phase != HANDED:
        return Error(f"ERR move {row.id} has not been handed over")
    if not row.taken:
        state.advance()
        row.taken = True
    return OK


def _end(state: MapState, row: MoveRow) -> Reply:
    """The source has nothing of it any more. Rule V5: and the target knows that it has."""
    if row.phase != HANDED:
        return Error(f"ERR move {row.id} has not been handed over")
    if not row.taken:
        return Error(f"ERR move {row.id} has not been taken over by group {row.target_group}")
    state.advance()
    del state.moves[row.id]
    return OK
