"""Commands of the bitmap family."""

from hypothesis import strategies as st

from tests.differential.harness import BAD_INTS, INTS, KEYS, VALUES, joined, options, register, some, words

STRINGS = st.one_of(
    VALUES,
    st.binary(max_size=12),
    st.sampled_from([b"\xff" * 9, b"\x00" * 9, b"\xff\xf0\x00", b"\x00" * 5000 + b"\x01", b"\xff" * 5000]),
)
OFFSETS = st.one_of(
    st.integers(0, 100).map(lambda number: b"%d" % number),
    st.integers(0, 100).map(lambda number: b"%d" % number),
    st.sampled_from([b"-1", b"40000", b"4294967296", b"9223372036854775807", b"9223372036854775808", b"#1"]),
    BAD_INTS,
)
BITS = st.sampled_from([b"0", b"1", b"1", b"0", b"2", b"-1", b"x", b"", b"01", b"9223372036854775808"])
INDEXES = st.one_of(INTS, st.integers(-40, 40).map(lambda number: b"%d" % number))
UNITS = st.sampled_from([[], [], [b"BIT"], [b"bit"], [b"BYTE"], [b"Byte"], [b"x"], [b"BIT", b"BIT"]])
RANGES = joined(some(INDEXES, 0, 2), UNITS)
TYPES = st.one_of(
    st.tuples(st.sampled_from([b"i", b"u"]), st.integers(1, 64)).map(lambda pair: pair[0] + b"%d" % pair[1]),
    st.sampled_from([b"i64", b"u63", b"u64", b"i65", b"i0", b"u0", b"I8", b"8", b"", b"i", b"u-1", b"i08"]),
)
PLACES = st.one_of(
    OFFSETS,
    st.integers(0, 20).map(lambda number: b"#%d" % number),
    st.sampled_from([b"#", b"##1", b"#-1", b"# 1", b"#9223372036854775807", b"4294967295"]),
)
WRITTEN_PLACES = PLACES.filter(lambda place: place != b"4294967295")
NUMBERS = st.one_of(
    INTS,
    st.integers(-(1 << 63), (1 << 63) - 1).map(lambda number: b"%d" % number),
    st.integers(-300, 300).map(lambda number: b"%d" % number),
)
GETS = words(b"GET", TYPES, PLACES)
FIELD_OPERATIONS = st.one_of(
    GETS,
    words(b"get", TYPES, PLACES),
    words(b"SET", TYPES, WRITTEN_PLACES, NUMBERS),
    words(b"SET", TYPES, WRITTEN_PLACES, NUMBERS),
    words(b"INCRBY", TYPES, WRITTEN_PLACES, NUMBERS),
    words(b"INCRBY", TYPES, WRITTEN_PLACES, NUMBERS),
    words(b"OVERFLOW", st.sampled_from([b"WRAP", b"SAT", b"FAIL", b"sat", b"x"])),
    words(st.sampled_from([b"GET", b"SET", b"x", b"OVERFLOW", b"INCRBY"])),
)
GOOD_TYPES = st.tuples(st.sampled_from([b"i", b"u"]), st.integers(1, 63)).map(
    lambda pair: pair[0] + b"%d" % pair[1]
)
GOOD_PLACES = st.integers(0, 130).map(lambda number: b"%d" % number)
GOOD_NUMBERS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1).map(lambda number: b"%d" % number),
    st.integers(-20, 20).map(lambda number: b"%d" % number),
)
GOOD_OPERATIONS = st.one_of(
    words(b"GET", GOOD_TYPES, GOOD_PLACES),
    words(b"SET", GOOD_TYPES, GOOD_PLACES, GOOD_NUMBERS),
    words(b"INCRBY", GOOD_TYPES, GOOD_PLACES, GOOD_NUMBERS),
    words(b"INCRBY", st.just(b"i64"), GOOD_PLACES, GOOD_NUMBERS),
    words(b"OVERFLOW", st.sampled_from([b"WRAP", b"SAT", b"FAIL"])),
)

register(
    "bits",
    st.one_of(
        words(b"SET", KEYS, STRINGS),
        words(b"SET", KEYS, STRINGS),
        words(b"SETBIT", KEYS, OFFSETS, BITS),
        words(b"SETBIT", KEYS, OFFSETS, BITS),
        words(b"GETBIT", KEYS, OFFSETS),
        joined(words(b"BITCOUNT", KEYS), RANGES),
        joined(words(b"BITCOUNT", KEYS, INDEXES, INDEXES), UNITS),
        joined(words(b"BITPOS", KEYS, BITS), RANGES),
        joined(words(b"BITPOS", KEYS, BITS, INDEXES, INDEXES), UNITS),
        joined(words(b"BITPOS", KEYS, BITS, INDEXES)),
        joined(
            words(b"BITOP", st.sampled_from([b"AND", b"or", b"XOR", b"NOT", b"x"]), KEYS), some(KEYS, 0, 4)
        ),
        joined(words(b"BITFIELD", KEYS), options(FIELD_OPERATIONS, most=4)),
        joined(words(b"BITFIELD", KEYS), options(GOOD_OPERATIONS, most=8)),
        joined(words(b"BITFIELD_RO", KEYS), options(GETS, FIELD_OPERATIONS, most=3)),
        joined(words(b"BITFIELD_RO", KEYS), options(words(b"GET", GOOD_TYPES, GOOD_PLACES), most=3)),
        words(b"EXPIRE", KEYS, st.just(b"1000")),
        words(b"DEL", KEYS),
        joined(words(b"RPUSH"), some(KEYS, 1, 2)),
    ),
)
