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


def test_what_was_seen_goes_along_with_its_register():
    watches, heir = RegisterWatches(), RegisterWatches()
    for client, key in ((1, b"k"), (2, b"k"), (3, b"l")):
        watches.begin(client, key)
        if client != 2:
            watches.note(client, key, 7, True)
    assert watches.leaving(lambda place: place == b"l") == [(1, b"k")]
    watches.hand_over(1, heir)
    assert heir.take(1) == (b"k", 7, True)
    assert not watches.knows(1)
    assert watches.knows(3)


def test_who_watches_something_else_there_has_seen_nothing():
    watches, heir = RegisterWatches(), RegisterWatches()
    watches.begin(1, b"k")
    watches.note(1, b"k", 7, True)
    heir.begin(1, b"other")
    watches.hand_over(1, heir)
    assert watches.take(1) is None
    assert heir.take(1) is None


def test_a_look_that_did_not_take_place_is_given_up():
    watches = RegisterWatches()
    watches.begin(1, b"k")
    watches.give_up(1)
    assert not watches.knows(1)
    watches.begin(1, b"k")
    watches.note(1, b"k", 7, True)
    watches.give_up(1)
    assert watches.take(1) == (b"k", 7, True)
