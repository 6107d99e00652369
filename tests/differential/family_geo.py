"""Commands of the geo family.

STOREDIST is compared in ``test_geo.py``: its scores carry the last bit of C's sine, ours do not.
Members have places of their own: redis-server's order of equal distances depends on its sort.
"""

from hypothesis import strategies as st

from tests.differential.harness import (
    FLOATS,
    INTS,
    KEYS,
    Args,
    joined,
    options,
    register,
    words,
)

PLACES: list[Args] = [
    [b"13.361389", b"38.115556", b"Palermo"],
    [b"15.087269", b"37.502669", b"Catania"],
    [b"2.349014", b"48.864716", b"Paris"],
    [b"-179.99", b"0.01", b"west"],
    [b"179.99", b"-0.01", b"east"],
    [b"-3.7", b"-85.05", b"south"],
    [b"100.25", b"84.9", b"north"],
    [b"-73.935242", b"40.73061", b"York"],
    [b"151.2", b"-33.87", b"Sydney"],
    [b"13.362", b"38.1156", b"near"],
    [b"180", b"85.05112878", b"corner"],
    [b"-180", b"-85.05112878", b"other corner"],
    [b"0", b"0", b"nowhere"],
    [b"13.361", b"38.1155", b"nearer"],
    [b"1e-7", b"-1e-7", b"about nowhere"],
]
BAD_PLACES: list[Args] = [
    [b"180.01", b"0", b"x"],
    [b"0", b"85.06", b"x"],
    [b"-inf", b"1e300", b"x"],
    [b"x", b"0", b"x"],
    [b"0", b"", b"x"],
    [b"nan", b"0", b"x"],
    [b"0", b"0"],
]
MEMBERS = st.sampled_from([*(place[2] for place in PLACES), b"x", b"scored"])
PLACED = st.sampled_from([*PLACES, *PLACES, *PLACES, *BAD_PLACES])
UNITS = st.sampled_from([b"m", b"km", b"KM", b"ft", b"mi", b"Mi", b"km", b"km", b"x", b""])
LENGTHS = st.one_of(
    st.sampled_from(
        [b"0", b"1", b"100", b"200.5", b"1000", b"5000", b"20000", b"1e5", b"1e9", b"3e7", b"-1"]
    ),
    st.sampled_from([b"10", b"300", b"500", b"7000", b"15000"]),
    FLOATS,
)
COORDINATES = st.one_of(
    st.sampled_from([[place[0], place[1]] for place in PLACES]),
    st.tuples(st.floats(-180, 180), st.floats(-85.05, 85.05)).map(
        lambda drawn: [repr(number).encode() for number in drawn]
    ),
    st.tuples(FLOATS, FLOATS).map(list),
)
FROM = st.one_of(
    words(b"FROMMEMBER", MEMBERS),
    words(b"frommember", MEMBERS),
    joined(words(b"FROMLONLAT"), COORDINATES),
    joined(words(b"FROMLONLAT"), COORDINATES),
)
GOOD_LENGTHS = st.one_of(
    st.integers(0, 21000).map(lambda number: b"%d" % number),
    st.integers(0, 900).map(lambda number: b"%d" % number),
)
BY = st.one_of(
    words(b"BYRADIUS", LENGTHS, UNITS),
    words(b"BYBOX", LENGTHS, LENGTHS, UNITS),
    words(b"BYRADIUS", GOOD_LENGTHS, st.just(b"km")),
    words(b"byradius", GOOD_LENGTHS, st.just(b"km")),
    words(b"BYBOX", GOOD_LENGTHS, GOOD_LENGTHS, st.just(b"km")),
    words(b"BYBOX", GOOD_LENGTHS, GOOD_LENGTHS, st.just(b"mi")),
)
COUNTS = st.one_of(words(b"COUNT", INTS), words(b"COUNT", st.sampled_from([b"1", b"2", b"3"])))
SHOWN = options(b"WITHCOORD", b"WITHDIST", b"WITHHASH", b"ASC", b"DESC", COUNTS, b"ANY", most=4)
STORED = options(b"ASC", b"DESC", COUNTS, b"ANY", b"WITHDIST", b"STORE", most=2)
STORE = words(b"STORE", KEYS)
OLD = joined(options(b"WITHCOORD", b"WITHDIST", b"ASC", COUNTS, b"ANY", most=2), options(STORE, most=2))
RADII = st.one_of(words(LENGTHS, UNITS), words(GOOD_LENGTHS, st.just(b"km")))


ADD = joined(
    words(b"GEOADD", KEYS),
    options(b"NX", b"XX", b"CH", b"ch", most=2),
    st.lists(PLACED, min_size=1, max_size=4).map(lambda lists: [word for part in lists for word in part]),
)
FILL = joined(words(b"GEOADD", KEYS), st.just([word for place in PLACES for word in place]))

register(
    "places",
    st.one_of(
        ADD,
        ADD,
        FILL,
        FILL,
        words(b"ZADD", KEYS, FLOATS, st.just(b"scored")),
        words(b"ZADD", KEYS, st.integers(0, 1 << 53).map(lambda number: b"%d" % number), st.just(b"scored")),
        joined(words(b"GEOPOS", KEYS), options(words(MEMBERS), most=3)),
        joined(words(b"GEOHASH", KEYS), options(words(MEMBERS), most=3)),
        joined(words(b"GEODIST", KEYS, MEMBERS, MEMBERS), options(words(UNITS), most=1)),
        joined(words(b"GEODIST", KEYS, MEMBERS, MEMBERS, UNITS), options(words(UNITS), most=1)),
        joined(words(b"GEOSEARCH", KEYS), FROM, BY, SHOWN),
        joined(words(b"GEOSEARCH", KEYS), FROM, BY, SHOWN),
        joined(words(b"GEOSEARCH", KEYS), FROM, BY, SHOWN),
        joined(words(b"geosearch", KEYS), options(FROM, BY, SHOWN, b"STOREDIST", STORE, b"x", most=4)),
        joined(words(b"GEOSEARCHSTORE", KEYS, KEYS), FROM, BY, STORED),
        joined(words(b"GEOSEARCHSTORE", KEYS, KEYS), options(FROM, BY, STORED, STORE, most=4)),
        joined(words(b"GEORADIUS", KEYS), COORDINATES, RADII, OLD),
        joined(words(b"GEORADIUS_RO", KEYS), COORDINATES, RADII, SHOWN),
        joined(words(b"GEORADIUS_RO", KEYS), COORDINATES, RADII, options(SHOWN, STORE, FROM, most=3)),
        joined(words(b"GEORADIUSBYMEMBER", KEYS, MEMBERS), RADII, OLD),
        joined(words(b"GEORADIUSBYMEMBER_RO", KEYS, MEMBERS), RADII, SHOWN),
        words(b"DEL", KEYS),
        words(b"SET", KEYS, st.just(b"x")),
    ),
)
