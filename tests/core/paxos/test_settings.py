"""Settings: what is sound."""

import msgspec

from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.settings import PaxosSettings, problem


def test_the_defaults_are_sound() -> None:
    assert problem(PaxosSettings(node=1, proposer=proposer_of(1, 1))) == ""


def test_what_is_not_is_named() -> None:
    settings = PaxosSettings(node=1, proposer=proposer_of(1, 1))
    assert problem(msgspec.structs.replace(settings, node=0))
    for proposer in (0, 1, 2 << 44 | 1, (1 << 63) + 1):
        assert problem(msgspec.structs.replace(settings, proposer=proposer)), "of no node, or of another"
    for name in PaxosSettings.__struct_fields__:
        if name not in ("node", "proposer"):
            assert problem(msgspec.structs.replace(settings, **{name: 0})), name
