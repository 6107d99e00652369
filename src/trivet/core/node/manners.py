"""What commands over several keys, groups and databases may do in a keyspace that nobody leads, by its mode.

On the path: nowhere; asked for calls that concern several groups, for transactions and for calls that wait.
What can't be done by one group the group itself says; here is only what it does not see.
"""

from typing import Final, NamedTuple

from trivet.core.cluster.rows import EVENTUAL, PAXOS
from trivet.core.machine import register_place
from trivet.core.wire.reply import Error


class Manners(NamedTuple):
    """Of one mode."""

    several: Error
    """Said where a command, a transaction or what a client watches is in several groups."""
    other_database: Error
    """Said where something is to go to another database, or to come from one."""
    waits: Error
    """Said to calls that wait (``BLPOP``)."""
    one_key: bool
    """A transaction concerns one key, not only one group."""
    parts: tuple[bytes, ...]
    """Commands of several keys that go in parts to several groups, each part for itself."""


SEVERAL: Final[Error] = Error(
    "CROSSSLOT the groups of a keyspace of mode eventual know nothing of each other: a command, a "
    "transaction and what is watched concern one of them; nothing was done"
)
OTHER_DATABASE: Final[Error] = Error(
    "CROSSSLOT members of a keyspace of mode eventual may hold different data at a time: none of it can be "
    "moved or copied to another database; nothing was done"
)
WAITS: Final[Error] = Error(
    "ERR calls that wait (BLPOP, XREAD BLOCK, ...) are not for a keyspace of mode eventual: what one waits "
    "for may come to two; nothing was done"
)
_SPLIT: Final = (b"MGET", b"EXISTS", b"TOUCH", b"DEL", b"UNLINK")
"""Redis Cluster's clients split them, too: nobody takes them for atomic."""


MANNERS: Final[dict[str, Manners]] = {
    PAXOS: Manners(register_place.SEVERAL, register_place.OTHER_DATABASE, register_place.WAITS, True, _SPLIT),
    EVENTUAL: Manners(SEVERAL, OTHER_DATABASE, WAITS, False, (*_SPLIT, b"MSET")),
}
