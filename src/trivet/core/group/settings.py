"""What the configuration says about a group."""

import msgspec

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.base.limits import Limits


class GroupSettings(msgspec.Struct, frozen=True):
    """What the configuration says about a group. Times in ms of the driver's monotonic clock."""

    group: GroupId
    node: NodeId
    incarnation: int
    command_timeout_ms: int
    resend_ms: int
    limits: Limits
