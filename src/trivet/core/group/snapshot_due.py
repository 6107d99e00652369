"""When a snapshot is worth its work."""

from typing import Final

from trivet.core.base.ids import GroupId
from trivet.core.base.limits import Limits
from trivet.core.machine.machine import Machine
from trivet.core.wal.wal import Wal

VERDICTS_MAX: Final = 20
"""So often scripts may have waited for a verdict since the last one; each is about half a second."""


def is_log_long(wal: Wal, group: GroupId, limits: Limits, size_bytes: int) -> bool:
    """Whether a snapshot is worth it, after one of ``size_bytes``: the log since then is longer."""
    logged_bytes = wal.bytes_since_snapshot(group)
    return logged_bytes > limits.snapshot_log_bytes and logged_bytes > size_bytes


def is_in_the_way(wal: Wal, group: GroupId, limits: Limits, size_bytes: int) -> bool:
    """Rule T8: much more log is kept for this group than it has written itself."""
    held_bytes = wal.held_bytes(group)
    if not held_bytes:
        return False
    share_bytes = wal.groups_count() * limits.snapshot_log_bytes
    return held_bytes > max(4 * limits.snapshot_log_bytes, 4 * size_bytes, share_bytes // 4)


def takes_long_to_repeat(machine: Machine) -> bool:
    """Whether a restart would run scripts again for many seconds."""
    return machine.verdicts_met >= VERDICTS_MAX
