from bisect import bisect_left

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.values.consumer_group import ConsumerGroup
from trivet.core.values.stream import UNKNOWN, Stream
from trivet.core.values.stream_id import ID_MAX


def of(*ids: int) -> Stream:
    stream = Stream()
    for number in ids:
        stream.append(number, [b"f", b"%d" % number])
    return stream


def ids(stream: Stream) -> list[int]:
    return [number for number, _ in stream.between(0, ID_MAX)]


def test_adding_and_finding():
    stream = of(3, 5, 9)
    assert len(stream) == 3
    assert (stream.first_id, stream.top_id, stream.last_id, stream.entries_added) == (3, 9, 9, 3)
    assert stream.get(5) == [b"f", b"5"]
    assert stream.get(4) is None
    assert 9 in stream
    assert 2 not in stream
    assert 10 not in stream


def test_an_empty_stream_keeps_its_last_id():
    stream = of(3)
    assert stream.delete(3)
    assert not stream.delete(3)
    assert (len(stream), stream.first_id, stream.top_id, stream.node_count) == (0, 0, 0, 0)
    assert (stream.last_id, stream.max_deleted_id, stream.entries_added) == (3, 3, 1)
    assert stream.between(0, ID_MAX) == []
    stream.append(4, [b"f", b"v"])
    assert ids(stream) == [4]


def test_whole_nodes_go_first_and_the_limit_holds():
    stream = of(*range(1, 351))
    assert stream.node_count == 4
    assert stream.trim_to(260, whole_nodes=True) == 0
    assert stream.trim_to(240, whole_nodes=True) == 100
    assert stream.trim_to(0, whole_nodes=True, limit=150) == 100
    assert stream.trim_before(300, whole_nodes=True) == 0
    assert stream.trim_before(301, whole_nodes=True, limit=99) == 0
    assert stream.trim_before(301, whole_nodes=True, limit=100) == 100
    assert stream.first_id == 301
    assert stream.trim_to(500) == 0
    assert stream.trim_to(7) == 43
    assert stream.trim_before(346) == 2
    assert stream.trim_before(ID_MAX) == 5
    assert stream.trim_to(0) == 0
    assert len(stream) == 0


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 80)),
        st.tuples(st.just("delete"), st.integers(0, 600)),
        st.tuples(st.just("trim_to"), st.integers(0, 300)),
        st.tuples(st.just("trim_before"), st.integers(0, 600)),
        st.tuples(st.just("restore"), st.just(0)),
        st.tuples(st.just("copy"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(OPERATIONS, st.integers(0, 600), st.integers(0, 600), st.integers(0, 9))
def test_a_stream_is_a_sorted_list_of_its_ids(operations, start, stop, count):
    stream, model = Stream(), list[int]()
    for what, number in operations:
        if what == "add":
            for _ in range(number):
                stream.append(stream.last_id + 1 + number % 3, [b"f", b"v"])
                model.append(stream.last_id)
        elif what == "delete":
            assert stream.delete(number) == (number in model)
            model = [other for other in model if other != number]
        elif what == "trim_to":
            assert stream.trim_to(number) == max(len(model) - number, 0)
            model = model[max(len(model) - number, 0) :]
        elif what == "trim_before":
            assert stream.trim_before(number) == bisect_left(model, number)
            model = model[bisect_left(model, number) :]
        else:
            stream = stream.copy() if what == "copy" else Stream.load(stream.dump())
        stream.check_invariants()
    assert ids(stream) == model
    found = [number for number in model if start <= number <= stop]
    assert [number for number, _ in stream.between(start, stop, count)] == found[: count or None]
    found.reverse()
    assert [number for number, _ in stream.between(start, stop, count, True)] == found[: count or None]


def test_what_a_group_has_read_is_counted():
    stream = of(1, 2, 3, 4)
    group = ConsumerGroup(0, 0)
    assert stream.lag_of(group) == 4
    stream.count_read(group, 1)
    assert (group.last_id, group.entries_read, stream.lag_of(group)) == (1, 1, 3)
    stream.delete(3)
    assert stream.lag_of(group) is None
    stream.count_read(group, 2)
    assert group.entries_read == UNKNOWN
    stream.count_read(group, 4)
    assert (group.entries_read, stream.lag_of(group)) == (4, 0)


def test_ranks_ever():
    stream = of(5, 6, 7)
    assert [stream.rank_ever(number) for number in (1, 5, 6, 7, 8)] == [0, 1, UNKNOWN, 3, UNKNOWN]
    stream.trim_to(1)
    assert [stream.rank_ever(number) for number in (1, 7)] == [2, 3]
    stream.trim_to(0)
    assert stream.rank_ever(1) == 3
    assert Stream().rank_ever(9) == 0
    assert Stream().lag_of(ConsumerGroup(9, UNKNOWN)) == 0


def test_a_restored_stream_trims_as_the_old_one():
    stream = of(*range(1, 400))
    for number in range(50, 150):
        stream.delete(number)
    twin = Stream.load(stream.dump())
    for number in range(400, 700):
        for one in (stream, twin):
            one.append(number, [b"f", b"v"])
        assert stream.trim_to(150, whole_nodes=True) == twin.trim_to(150, whole_nodes=True)
    assert stream.dump() == twin.dump()


def test_contents_do_not_depend_on_nodes():
    one, other = of(*range(1, 300)), of(*range(1, 300))
    one.delete(50)
    other.delete(50)
    one.append(300, [b"f", b"v"])
    other.append(300, [b"f", b"v"])
    assert one.contents() == other.contents()
    other.append(301, [b"f", b"v"])
    assert one.contents() != other.contents()


def test_what_cannot_be_a_stream_is_refused():
    stream = of(*range(1, 150))
    stream.groups[b"g"] = ConsumerGroup(3, 3)
    state = stream.dump()
    assert Stream.load(state).dump() == state
    for wrong in (
        {"last_id": (0, 5)},
        {"last_id": (-1, 5)},
        {"max_deleted_id": (0, 1 << 64)},
        {"nodes": state.nodes[::-1]},
    ):
        with pytest.raises(ValueError):
            Stream.load(msgspec.structs.replace(state, **wrong))
