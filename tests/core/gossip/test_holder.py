"""What a turn has for the log."""

from trivet.core.gossip.holder import Taken
from trivet.core.lattice.delta import STRING, Change, Delta


def test_a_turn_has_something_for_the_log_or_nothing() -> None:
    taken = Taken()
    assert taken.is_empty
    taken.clock = b"clock"
    assert not taken.is_empty
    taken.clock = b""
    taken.updates.append(Delta(1, 1, 1, b"k", [Change(STRING, b"", payload=b"\0v")]))
    assert not taken.is_empty
