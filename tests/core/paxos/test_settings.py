"""Settings: what is sound."""

import msgspec

from trivet.core.paxos.settings import PaxosSettings, problem


def test_the_defaults_are_sound() -> None:
    assert problem(PaxosSettings(node=1, proposer=1 << 32)) == ""


def test_what_is_not_is_named() -> None:
    settings = PaxosSettings(node=1, proposer=1)
    assert problem(msgspec.structs.replace(settings, node=0))
    assert problem(msgspec.structs.replace(settings, proposer=0))
    for name in PaxosSettings.__struct_fields__:
        if name not in ("node", "proposer"):
            assert problem(msgspec.structs.replace(settings, **{name: 0})), name
