import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.base.prng import Prng
from trivet.core.values.hash_value import Clock, Hash, MortalHash


def aged(size: int) -> Hash:
    """A hash with a history: fields removed and put again, so that its order is its own."""
    value = Hash()
    prng = Prng(size)
    for number in range(size * 2):
        value.put(b"%d" % prng.below(size), b"v%d" % number)
        if prng.below(3) == 0:
            value.pop(b"%d" % prng.below(size))
    value.put(b"last", b"")
    return value


@pytest.mark.parametrize("size", [0, 3, 900, 4000])
def test_what_is_loaded_or_copied_is_the_same_in_every_way(size):
    value = aged(size)
    shape, flat = value.dump()
    for twin in (Hash.load(shape, flat), value.copy()):
        twin.check_invariants()
        assert twin.shape == value.shape
        assert list(twin.items()) == list(value.items())
        assert twin.dump() == (shape, flat)
        assert twin.sample(Prng(5), 10) == value.sample(Prng(5), 10)


def test_a_copy_is_apart():
    value = aged(4000)
    twin = value.copy()
    twin.put(b"new", b"1")
    twin.pop(b"last")
    assert b"new" not in value
    assert b"last" in value


def test_a_dump_alternates_fields_and_values():
    value = Hash()
    value.put(b"a", b"1")
    value.put(b"b", b"2")
    assert value.dump() == (0, [b"a", b"1", b"b", b"2"])


# Fields with deadlines


class Model:
    """Fields with deadlines, done simply: a field past its deadline is gone."""

    def __init__(self) -> None:
        self.fields: dict[bytes, tuple[bytes, int]] = {}

    def visible(self, now_ms: int) -> dict[bytes, bytes]:
        return {field: value for field, (value, at) in self.fields.items() if at < 0 or at > now_ms}


FIELDS = st.sampled_from([b"f%d" % number for number in range(8)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), FIELDS, st.integers(0, 9)),
        st.tuples(st.just("keep"), FIELDS, st.integers(0, 9)),
        st.tuples(st.just("pop"), FIELDS, st.just(0)),
        st.tuples(st.just("expire"), FIELDS, st.integers(1, 30)),
        st.tuples(st.just("persist"), FIELDS, st.just(0)),
        st.tuples(st.just("pass"), FIELDS, st.integers(1, 20)),
        st.tuples(st.just("take"), FIELDS, st.integers(1, 5)),
        st.tuples(st.just("restore"), FIELDS, st.just(0)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS, st.booleans())
def test_a_mortal_hash_is_one_without_its_late_fields(steps, is_large):
    clock = Clock(1000)
    value = MortalHash.of(aged(4000) if is_large else Hash(), clock)
    for field in value.to_list():
        value.pop(field)
    model = Model()
    for step, field, number in steps:
        visible = model.visible(clock.now_ms)
        word = b"%d" % number
        if step == "put":
            assert value.put(field, word) == (field not in visible)
            model.fields[field] = (word, -1)
        elif step == "keep":
            assert value.put_keeping(field, word) == (field not in visible)
            model.fields[field] = (word, model.fields[field][1] if field in visible else -1)
        elif step == "pop":
            assert value.pop(field) == visible.get(field)
            model.fields.pop(field, None)
        elif step == "expire" and field in visible:
            value.expire_at(field, clock.now_ms + number)
            model.fields[field] = (visible[field], clock.now_ms + number)
        elif step == "persist" and field in visible:
            assert value.persist(field) == (model.fields[field][1] >= 0)
            model.fields[field] = (visible[field], -1)
        elif step == "pass":
            clock.now_ms += number
        elif step == "take":
            late = [name for name, (_, at) in model.fields.items() if 0 <= at <= clock.now_ms]
            assert value.take_due(number) == min(number, len(late))
            for name in sorted(late, key=lambda name: model.fields[name][1])[:number]:
                del model.fields[name]
        elif step == "restore":
            shape, flat = value.dump()
            restored = MortalHash.load_mortal(shape, flat, value.dump_deadlines())
            restored.clock = clock
            assert restored.dump() == value.dump()
            assert restored.dump_deadlines() == value.dump_deadlines()
            copied = value.copy()
            assert copied.dump_deadlines() == value.dump_deadlines()
            value = restored
        visible = model.visible(clock.now_ms)
        assert value.to_dict() == dict(value.items()) == visible
        assert sorted(value.keys()) == sorted(value.to_list()) == sorted(visible)
        assert sorted(value) == sorted(visible)
        assert len(value) == len(visible)
        assert all((field in value) == (field in visible) for field in model.fields)
        assert all(value.get(field) == visible.get(field) for field in model.fields)
        assert sorted(value.scan(0, 100_000)[1]) == sorted(visible)
        if visible:
            assert value.random_key(Prng(number)) in visible
            assert set(value.draw(Prng(number), 5)) <= visible.keys()
            assert set(value.sample(Prng(number), 5)) <= visible.keys()
            assert len(value.sample(Prng(number), 5)) == min(5, len(visible))
        value.check_invariants()


def test_a_plain_hash_has_no_room_for_deadlines():
    assert not hasattr(Hash(), "deadlines")
    assert Hash.__slots__ == ()
