"""What the makers of leaderless groups work with."""

from tests.core.node.bench_disk import Disk
from tests.core.node.test_register_replicas import CONFIG
from trivet.core.base.tokens import Tokens
from trivet.core.group.agenda import Agenda
from trivet.core.node.making import Making
from trivet.core.wal.recovery import recover


def test_a_group_has_the_limits_of_its_node():
    tokens = Tokens()
    wal = recover(Disk(), tokens, CONFIG.limits.segment_bytes, 7, None).wal
    settings = Making(CONFIG, wal, tokens, 77, Agenda()).settings(5)
    assert (settings.group, settings.node, settings.incarnation) == (5, CONFIG.node, 77)
    assert settings.command_timeout_ms == CONFIG.command_timeout_ms
    assert settings.resend_ms == CONFIG.resend_ms
    assert settings.limits is CONFIG.limits
