"""The map's verbs about claims: ``CLAIM HELD``, ``CLAIM FULL``, ``CLAIM OVER``.

A database that belongs to a keyspace and is to get groups of its own, or to be dropped, is *claimed* first:
``KEYSPACE CREATE`` or ``DROP`` answers a token. Each group of the keyspace then says in its own log that it
holds the database back (``machine/withholding``), and its leader tells the map so. With the last of them
the change is made. So whatever was acknowledged in that database was seen by whoever looked whether it was
empty, or comes after the change and finds its way by the new map.

::

    KEYSPACE CREATE, DROP ──> claimed ──HELD by all──> carried out, or refused for what has changed since
                                ├──FULL──> refused: there are keys
                                └──OVER──> refused; DROP … FORCE: carried out

- Rule D1: one claim at a time on a database. Whoever asked learns from the map how it ended.
- Rule D2: how a claim ends is decided once, by the system group's log. A group that holds back learns it from
  the map, however late: given away for good, or its own again.
- Rule D3: while a database of a keyspace is claimed no slots of it are moved and none of its groups comes or
  goes: so all that might have keys of it are asked, each for what stays its own.
- Rule D4: a claim that some group does not answer is given up, but for a ``DROP`` with ``FORCE``: a group
  that has lost its quorum for good must not keep a keyspace alive.
"""

from trivet.core.cluster import fields
from trivet.core.cluster.change_keyspaces import make, remove
from trivet.core.cluster.keyspace_syntax import parse
from trivet.core.cluster.rows import ID_MAX, ClaimRow
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply

_NO_ANSWER = "CLUSTERDOWN a group that may have keys of it did not answer in time; nothing was done"


def claim(state: MapState, args: list[bytes]) -> Reply:
    """``CLAIM HELD token group``, ``CLAIM FULL token group keys``, ``CLAIM OVER token``."""
    action = b"" if len(args) < 2 else args[1].upper()
    if len(args) != {b"HELD": 4, b"FULL": 5, b"OVER": 3}.get(action):
        return fields.SYNTAX
    token = fields.identity(args[2])
    if isinstance(token, Error):
        return token
    row = state.claims.get(token)
    if row is None:
        return OK if state.is_decided(token) else Error(f"ERR no such claim: {token}")
    if action == b"OVER":
        return _over(state, row)
    group = fields.identity(args[3])
    if isinstance(group, Error):
        return group
    known = state.groups.get(group)
    if known is None or known.keyspace != row.keyspace:
        return Error(f"ERR claim {token} does not ask group {group}")
    if action == b"HELD":
        return _held(state, row, group)
    keys = fields.number(args[4], 0, ID_MAX)
    if isinstance(keys, Error):
        return keys
    what = f"database {row.database}" if row.words[1].upper() == b"CREATE" else "the keyspace"
    way_out = "" if row.words[1].upper() == b"CREATE" else ", or say FORCE"
    state.advance()
    state.settle_claim(token, f"ERR {what} holds {keys} keys or more: empty it first{way_out}")
    return OK


def _held(state: MapState, row: ClaimRow, group: int) -> Reply:
    if group in row.held:
        return OK
    row.held.append(group)
    if all(one.id in row.held for one in state.groups_in(row.keyspace)):
        _carry_out(state, row)
    else:
        state.advance()
    return OK


def _over(state: MapState, row: ClaimRow) -> Reply:
    """Rule D4."""
    if row.force:
        _carry_out(state, row)
    else:
        state.advance()
        state.settle_claim(row.token, _NO_ANSWER)
    return OK


def _carry_out(state: MapState, row: ClaimRow) -> None:
    """What was asked for when it was claimed, by the map as it is now."""
    call = parse(row.words)
    assert not isinstance(call, Error)
    if call.action == b"CREATE":
        reply = make(state, call, row.token)
        if isinstance(reply, Error):
            state.advance()
        state.settle_claim(row.token, reply.text if isinstance(reply, Error) else "")
        return
    keyspace = state.keyspaces[row.keyspace]
    state.settle_claim(row.token, "")
    remove(state, keyspace)
