"""``CLIENT CAUSAL``: a connection that never sees less than it has seen, in keyspaces of mode ``eventual``.

- Rule C6: a session that asked for it carries what it has seen, per group (``Past``), and each of its runs
  has that. It may come as a token from another node, and be taken to one. Of groups that are no more nothing
  is carried; of groups that this node's map does not know yet it is.
"""

from typing import Final

from trivet.core.cluster.rows import EVENTUAL
from trivet.core.group.past import Past
from trivet.core.node.causal_token import Clocks, decode_token, encode_token
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.wire.reply import OK, Error, Reply

PARTS_MAX: Final = 20_000
"""What tokens may add up to in one connection: actors, over all groups."""
_SYNTAX: Final = Error("ERR syntax error: CLIENT CAUSAL ON [token], OFF or TOKEN")
_OFF: Final = Error("ERR CLIENT CAUSAL is off: this connection carries nothing")
_TOO_MUCH: Final = Error(
    f"ERR the tokens of this connection name more than {PARTS_MAX} lives of nodes: CLIENT CAUSAL OFF "
    "forgets them"
)


def causal(front: Front, session: Session, words: list[bytes]) -> Reply:
    """Answer it, ``words`` being what follows ``CAUSAL``. The session is idle."""
    action = words[0].upper()
    if action == b"ON" and len(words) <= 2:
        return _on(front, session, words[1:])
    if len(words) != 1:
        return _SYNTAX
    if action == b"OFF":
        session.past = None
        return OK
    if action != b"TOKEN":
        return _SYNTAX
    if session.past is None:
        return _OFF
    return encode_token(front.config.cluster, _left(front, session.past.clocks))


def _on(front: Front, session: Session, tokens: list[bytes]) -> Reply:
    past = session.past or Past()
    for token in tokens:
        clocks = decode_token(front.config.cluster, token)
        if isinstance(clocks, Error):
            return clocks
        clocks = _left(front, clocks)
        if past.parts + sum([len(clock.actors) for clock in clocks.values()]) > PARTS_MAX:
            return _TOO_MUCH
        for group, clock in clocks.items():
            past.join(group, clock)
    session.past = past
    return OK


def _left(front: Front, clocks: Clocks) -> Clocks:
    """Those of groups that there are, or will be as far as is known here."""
    cluster = front.cluster
    left: Clocks = {}
    for group, clock in clocks.items():
        row = cluster.groups.get(group)
        if row is None:
            is_left = group >= cluster.next_group
        else:
            is_left = cluster.mode_of(row) == EVENTUAL
        if is_left:
            left[group] = clock
    return left
