"""The map as bytes, for snapshots: msgpack, the number of the format first."""

from typing import Final

import msgspec

from trivet.core.cluster.invariants import check
from trivet.core.cluster.rows import ClaimRow, GroupRow, KeyspaceRow, MoveRow, NodeRow
from trivet.core.cluster.state import MapState

FORMAT: Final = 3
_FORMATS_READ: Final = (1, 2, 3)
"""One of format 1 ends earlier: nobody claims a database."""


class Picture(msgspec.Struct, array_like=True):
    """All of the map."""

    format: int
    cluster: str
    epoch: int
    next_node: int
    next_group: int
    next_move: int
    nodes: list[NodeRow]
    keyspaces: list[KeyspaceRow]
    groups: list[GroupRow]
    moves: list[MoveRow]
    claims: list[ClaimRow] = []
    settled: list[tuple[int, str]] = []


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Picture)


def encode(state: MapState) -> bytes:
    """The same bytes for equal maps."""
    return _encoder.encode(
        Picture(
            FORMAT,
            state.cluster,
            state.epoch,
            state.next_node,
            state.next_group,
            state.next_move,
            list(state.nodes.values()),
            list(state.keyspaces.values()),
            list(state.groups.values()),
            list(state.moves.values()),
            list(state.claims.values()),
            list(state.settled.items()),
        )
    )


def decode_into(state: MapState, data: bytes) -> None:
    """Fill an empty map; ``ValueError`` when it is none, or one that cannot be."""
    try:
        found = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a cluster map: {error}") from None
    if found.format not in _FORMATS_READ:
        raise ValueError(f"a cluster map of format {found.format}; this version knows {FORMAT}")
    state.cluster, state.epoch = found.cluster, found.epoch
    state.next_node, state.next_group, state.next_move = found.next_node, found.next_group, found.next_move
    state.nodes = {row.id: row for row in found.nodes}
    state.keyspaces = {row.number: row for row in found.keyspaces}
    state.groups = {row.id: row for row in found.groups}
    state.moves = {row.id: row for row in found.moves}
    state.claims = {row.token: row for row in found.claims}
    state.settled = dict(found.settled)
    try:
        check(state)
        state.settle_nodes()
        state.settle_keyspaces()
    except (AssertionError, KeyError) as error:
        raise ValueError(f"a cluster map that cannot be: {error}") from None
