"""What commands over several keys, groups and databases may do in a keyspace that nobody leads, by its mode.

On the path: nowhere; asked for calls that concern several groups, for transactions and for calls that wait.
What can't be done by one group the group itself says; here is only what it does not see.
"""

from typing import Final, NamedTuple

from trivet.core.cluster.rows import PAXOS
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


MANNERS: Final[dict[str, Manners]] = {
    PAXOS: Manners(register_place.SEVERAL, register_place.OTHER_DATABASE, register_place.WAITS, one_key=True),
}
