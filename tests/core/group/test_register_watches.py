"""What clients have seen of the register that each of them watches."""

from trivet.core.group.register_watches import RegisterWatches
from trivet.core.machine.register_place import SEVERAL


def test_the_first_look_counts_and_exec_takes_it():
    watches = RegisterWatches()
    assert watches.begin(1, b"k") is None
    watches.note(1, b"k", 7, True)
    assert watches.begin(1, b"k") is None
    watches.note(1, b"k", 9, False)
    assert len(watches) == 1
    assert watches.take(1) == (b"k", 7, True)
    assert watches.take(1) is None and not len(watches)


def test_a_client_watches_one_register():
    """W1."""
    watches = RegisterWatches()
    assert watches.begin(1, b"k") is None
    assert watches.begin(1, b"l") is SEVERAL and watches.begin(2, b"l") is None
    watches.note(1, b"l", 3, True)
    assert watches.take(1) is None, "nobody has looked at k"
    assert watches.begin(1, b"l") is None


def test_what_comes_back_for_somebody_who_is_gone_is_forgotten():
    watches = RegisterWatches()
    watches.begin(1, b"k")
    watches.forget(1)
    watches.note(1, b"k", 7, True)
    watches.forget(2)
    assert not len(watches) and watches.take(1) is None
