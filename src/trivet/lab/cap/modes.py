"""The modes of the card: a row each, with what is promised (DESIGN, section 1) and what it is good for.

A mode that the store does not have yet is not in the card (``present``): when it comes, its row is here.
"""

from enum import StrEnum
from typing import Final

import msgspec

from trivet.core.cluster.rows import MODES


class Serves(StrEnum):
    """Whom a mode promises to serve while nodes cannot reach each other."""

    MAJORITY = "the side with a majority"
    EVERYONE = "every node"
    HOLDER = "the side with the one node that has the data"
    PRIMARY = "the side with the primary"


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One mode: how its keyspace is made, what it promises."""

    name: str
    corner: str
    """Its place in the triangle."""
    how: str
    alone: bool = False
    """One copy, whatever the number of nodes."""
    greeting: tuple[tuple[bytes, ...], ...] = ()
    """What a client says after it has chosen the database."""
    serves: Serves
    is_linearizable: bool
    may_lose: tuple[str, ...] = ()
    """Troubles in which acknowledged writes may be lost."""
    pause_ms_max: int
    """So long at most does a client wait whom the mode promises to serve."""
    converge_ms_max: int = 0
    """So long after healing, at most, a read may miss what was acknowledged before; 0: no read ever may."""
    promise: str
    """All of that in one sentence."""
    take_for: str
    gives_up: str


MODE_ROWS: Final[tuple[Mode, ...]] = (
    Mode(
        name="raft",
        corner="CP",
        how="a Raft group: one leader, a majority confirms",
        serves=Serves.MAJORITY,
        is_linearizable=True,
        pause_ms_max=4_000,
        promise="linearizable, nothing lost; a majority serves after at most an election, a minority refuses",
        take_for="locks, money, queues, unique names; transactions and scripts over many keys; the default",
        gives_up="whoever is with a minority is refused; a pause of an election when the leader goes",
    ),
    Mode(
        name="paxos",
        corner="CP, leaderless",
        how="a CASPaxos register per key: any node that reaches a majority decides",
        serves=Serves.MAJORITY,
        is_linearizable=True,
        pause_ms_max=1_000,
        promise="linearizable, nothing lost; a majority serves without an election, a minority refuses",
        take_for="leases, limits, flags and counters that must not pause when any one node dies",
        gives_up="whoever is with a minority is refused; one key per command; more bytes per operation",
    ),
    Mode(
        name="eventual",
        corner="AP",
        how="delta CRDTs: every node answers at once, changes travel afterwards",
        serves=Serves.EVERYONE,
        is_linearizable=False,
        pause_ms_max=500,
        converge_ms_max=2_000,
        promise="every node serves at once; reads may be stale; nothing lost; copies converge when it heals",
        take_for="carts, sessions, caches, presence, likes: whatever must always answer and can be merged",
        gives_up="reads may be stale, and of two values set at once one wins; no locks, no unique names",
    ),
    Mode(
        name="primary",
        corner="weak",
        how="one primary answers after its own sync, backups follow",
        serves=Serves.PRIMARY,
        is_linearizable=False,
        may_lose=("cut", "crash", "flapping"),
        pause_ms_max=7_000,
        converge_ms_max=5_000,
        promise="the primary serves; what its backups did not have yet is lost when another takes over",
        take_for="caches and statistics that can be made anew, where a write should cost one sync",
        gives_up="the newest writes are lost on a failover; an old primary may answer for a while",
    ),
    Mode(
        name="local",
        corner="CA",
        how="one copy on one node",
        alone=True,
        serves=Serves.HOLDER,
        is_linearizable=True,
        pause_ms_max=500,
        promise="linearizable, nothing lost; that node or nothing",
        take_for="scratch data, and what is better gone for a while than copied",
        gives_up="everything while its one node is down or out of reach",
    ),
)


def present(names: tuple[str, ...] = MODES) -> list[Mode]:
    """The rows of the modes that the store has."""
    return [mode for mode in MODE_ROWS if mode.name in names]
