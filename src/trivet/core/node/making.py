"""What a node puts at the disposal of those who make its leaderless groups.

On the path: nowhere.
"""

from typing import NamedTuple

from trivet.core.base.buggify import Buggify
from trivet.core.base.ids import GroupId
from trivet.core.base.tokens import Tokens
from trivet.core.group.agenda import Agenda
from trivet.core.group.settings import GroupSettings
from trivet.core.node.config import NodeConfig
from trivet.core.wal.wal import Wal


class Making(NamedTuple):
    """The same for all groups, in one life of the node."""

    config: NodeConfig
    wal: Wal
    tokens: Tokens
    """For jobs at the disk."""
    incarnation: int
    """Of this life; each has a greater one than those before."""
    agenda: Agenda
    buggify: Buggify | None = None

    def settings(self, group: GroupId) -> GroupSettings:
        """The limits of the node, in the words of a group."""
        config = self.config
        return GroupSettings(
            group, config.node, self.incarnation, config.command_timeout_ms, config.resend_ms, config.limits
        )
