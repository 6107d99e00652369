"""Who makes groups that nobody leads."""

from tests.core.node.bench_disk import Disk
from tests.core.node.test_register_replicas import CONFIG, SMALL
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.rows import LEADERLESS
from trivet.core.group.agenda import Agenda
from trivet.core.node.leaderless_makers import makers_of
from trivet.core.node.making import Making
from trivet.core.wal.recovery import recover


def test_each_mode_has_one_and_each_log_tells_which():
    tokens = Tokens()
    recovery = recover(Disk(), tokens, SMALL.segment_bytes, 7, None)
    makers = makers_of(Making(CONFIG, recovery.wal, tokens, 1_700_000_000_000, Agenda()))
    assert sorted(makers) == sorted(LEADERLESS)
    assert all(maker.mode == mode for mode, maker in makers.items())
    kinds = {maker.kind for maker in makers.values()}
    assert len(kinds) == len(makers) and b"" not in kinds
