from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trivet.lab.pictures.axis import BREAK_PX, Axis, Claim

CLAIMS = st.lists(
    st.builds(
        Claim,
        at_us=st.integers(0, 5_000),
        slots=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
        top=st.sampled_from([-5.0, 2.0]),
        height=st.sampled_from([13.0, 17.0]),
        wide=st.booleans(),
    ),
    max_size=40,
)


@given(CLAIMS, st.lists(st.integers(0, 5_000), max_size=20))
def test_time_keeps_its_order_and_texts_do_not_touch(claims, moments):
    axis = Axis(flight_us=200, silence_us=1_000, top_px=40)
    axis.lay(moments, claims)
    places = axis.places()
    assert [at for at, _ in places] == sorted({*moments, *(claim.at_us for claim in claims)})
    assert all(y1 <= y2 for (_, y1), (_, y2) in pairwise(places))
    for number, one in enumerate(claims):
        for other in claims[number + 1 :]:
            if one.wide or other.wide or set(one.slots) & set(other.slots):
                assert one.y + one.height <= other.y or other.y + other.height <= one.y
        assert one.y + one.height <= axis.bottom()


def test_silence_becomes_a_break():
    axis = Axis(flight_us=200, silence_us=1_000, top_px=0)
    axis.lay([0, 100, 900_000], [])
    assert [(b.begin_us, b.end_us) for b in axis.breaks] == [(100, 900_000)]
    assert axis.y(900_000) - axis.y(100) == BREAK_PX
    assert axis.y(100) < axis.y(400_000) < axis.y(900_000)
    assert axis.y(2_000_000) == axis.y(900_000)
