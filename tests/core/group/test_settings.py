"""The settings of a group are plain values."""

from trivet.core.base.limits import Limits
from trivet.core.group.settings import GroupSettings


def test_settings_are_values() -> None:
    one = GroupSettings(1, 2, 3, 5000, 500, Limits())
    assert one == GroupSettings(1, 2, 3, 5000, 500, Limits())
    assert (one.group, one.node, one.incarnation, one.command_timeout_ms, one.resend_ms) == (
        1,
        2,
        3,
        5000,
        500,
    )
