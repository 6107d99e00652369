import msgspec

from trivet.core.machine.ownership_state import ExportState, ImportState, OwnershipState


def test_a_group_without_a_word_about_it_has_all_slots():
    state = msgspec.msgpack.decode(msgspec.msgpack.encode([]), type=OwnershipState)
    assert state == OwnershipState()
    assert state.owned == [(0, 16383)]


def test_there_and_back():
    state = OwnershipState(
        4,
        [(0, 9)],
        [ImportState(1, [(10, 11)], 3, True, [(0, 2)])],
        [ExportState(2, [(0, 1)], [(5, 1)])],
        [(7, b"END", [(0, 9)])],
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=OwnershipState) == state
