import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.values.consumer_group import ConsumerGroup


def test_delivering_and_acknowledging():
    group = ConsumerGroup(0, 0)
    one, other = group.add_consumer(b"b", 10), group.add_consumer(b"a", 11)
    assert [consumer.name for consumer in group.sorted_consumers()] == [b"a", b"b"]
    for number in (3, 1, 2):
        group.deliver(number, one, 100)
    group.deliver(2, other, 200)
    assert list(group.pending_from(2)) == [2, 3]
    assert list(group.pending_from(0, one)) == [1, 3]
    assert list(group.pending_from(0, other)) == [2]
    held = group.pending[2]
    assert (held.consumer, held.delivered_ms, held.delivered_count) == (other, 200, 1)
    assert group.acknowledge(2)
    assert not group.acknowledge(2)
    assert group.remove_consumer(other) == 0
    assert group.remove_consumer(one) == 2
    assert not group.pending
    group.check_invariants()


def test_a_consumer_that_goes_takes_only_its_own():
    group = ConsumerGroup(0, 0)
    one, other = group.add_consumer(b"a", 0), group.add_consumer(b"b", 0)
    for number in range(10):
        group.deliver(number, one if number % 3 else other, 5)
    assert group.remove_consumer(one) == 6
    assert list(group.pending_ids) == [0, 3, 6, 9]
    group.check_invariants()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["give", "ack", "drop", "copy", "restore"]), st.integers(0, 12)),
        max_size=60,
    )
)
def test_a_group_is_a_map_of_ids(operations):
    group, model = ConsumerGroup(0, -1), dict[int, bytes]()
    for what, number in operations:
        name = b"c%d" % (number % 3)
        if what == "give":
            consumer = group.consumers.get(name) or group.add_consumer(name, number)
            group.deliver(number, consumer, number)
            model[number] = name
        elif what == "ack":
            assert group.acknowledge(number) == (model.pop(number, None) is not None)
        elif what == "drop" and name in group.consumers:
            group.remove_consumer(group.consumers[name])
            model = {key: value for key, value in model.items() if value != name}
        elif what == "copy":
            group = group.copy()
        elif what == "restore":
            group = ConsumerGroup.load(group.dump(b"g"))
        group.check_invariants()
    assert {key: held.consumer.name for key, held in group.pending.items()} == model


def test_a_copy_is_apart():
    group = ConsumerGroup(7, 3)
    group.deliver(1, group.add_consumer(b"c", 5), 6)
    twin = group.copy()
    assert twin.dump(b"g") == group.dump(b"g")
    twin.acknowledge(1)
    twin.add_consumer(b"d", 0)
    assert list(group.consumers) == [b"c"]
    assert 1 in group.pending


def test_what_cannot_be_a_group_is_refused():
    group = ConsumerGroup(7, 3)
    group.deliver(1, group.add_consumer(b"c", 5), 6)
    state = group.dump(b"g")
    for wrong in (
        {"consumers": [(b"c", 1), (b"c", 2)]},
        {"consumers": []},
        {"pending": [*state.pending, *state.pending]},
        {"pending": [msgspec.structs.replace(state.pending[0], ms=-1)]},
        {"last_id": (0, -1)},
    ):
        with pytest.raises(ValueError):
            ConsumerGroup.load(msgspec.structs.replace(state, **wrong))
