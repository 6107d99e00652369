"""Commands of the string family."""

from hypothesis import strategies as st

from tests.differential.harness import (
    FLOATS,
    INTS,
    KEYS,
    VALUES,
    joined,
    options,
    register,
    some,
    words,
)

DURATIONS = st.one_of(
    st.sampled_from(
        [
            b"100",
            b"200000",
            b"1000000",
            b"0",
            b"-1",
            b"x",
            b"9223372036854775807",
            b"9223372036854775",
            b"1.5",
        ]
    ),
    INTS.filter(lambda text: text not in (b"1", b"2", b"3", b"4", b"5", b"6")),
)
EXPIRIES = st.tuples(st.sampled_from([b"EX", b"PX", b"EXAT", b"PXAT", b"ex", b"pX"]), DURATIONS).map(
    lambda pair: [pair[0], pair[1] + b"000" if pair[0].upper() == b"PX" and len(pair[1]) > 2 else pair[1]]
)
OFFSETS = st.one_of(INTS, st.sampled_from([b"3", b"10", b"536870911", b"536870912", b"536870905"]))

register(
    "strings",
    st.one_of(
        words(b"GET", KEYS),
        words(b"set", KEYS, VALUES),
        joined(
            words(b"SET", KEYS, VALUES),
            options(b"NX", b"XX", b"GET", b"KEEPTTL", b"PERSIST", b"?", EXPIRIES, most=3),
        ),
        joined(words(b"GETEX", KEYS), options(b"PERSIST", b"KEEPTTL", b"NX", EXPIRIES, most=2)),
        words(b"GETDEL", KEYS),
        words(b"GETSET", KEYS, VALUES),
        words(b"SETNX", KEYS, VALUES),
        words(b"SETEX", KEYS, DURATIONS, VALUES),
        words(b"PSETEX", KEYS, DURATIONS.map(lambda text: text + b"000" if len(text) > 2 else text), VALUES),
        joined(words(b"MSET", KEYS, VALUES), some(st.one_of(KEYS, VALUES), 0, 4)),
        joined(words(b"MSETNX", KEYS, VALUES), some(st.one_of(KEYS, VALUES), 0, 4)),
        joined(words(b"MGET"), some(KEYS, 0, 4)),
        words(b"APPEND", KEYS, VALUES),
        words(b"STRLEN", KEYS),
        words(b"GETRANGE", KEYS, INTS, INTS),
        words(b"SUBSTR", KEYS, INTS, INTS),
        words(
            b"SETRANGE", KEYS, OFFSETS.filter(lambda text: text not in (b"536870911", b"536870905")), VALUES
        ),
        words(
            b"SETRANGE",
            KEYS,
            st.sampled_from([b"536870912", b"1099511627776", b"9223372036854775807"]),
            VALUES,
        ),
        words(b"INCR", KEYS),
        words(b"DECR", KEYS),
        words(b"INCRBY", KEYS, INTS),
        words(b"DECRBY", KEYS, INTS),
        words(b"INCRBYFLOAT", KEYS, FLOATS),
        words(b"INCRBYFLOAT", KEYS, FLOATS),
        joined(
            words(b"LCS", KEYS, KEYS),
            options(b"LEN", b"IDX", b"IDX", b"WITHMATCHLEN", words(b"MINMATCHLEN", INTS), most=3),
        ),
        joined(words(b"RPUSH"), some(KEYS, 1, 2)),
    ),
)

register(
    "long common subsequences",
    st.one_of(
        words(b"SET", KEYS, st.text("abc", max_size=40).map(str.encode)),
        words(b"SET", KEYS, st.text("ab", max_size=12).map(str.encode)),
        joined(
            words(b"LCS", KEYS, KEYS),
            options(b"LEN", b"IDX", b"WITHMATCHLEN", words(b"MINMATCHLEN", INTS), most=3),
        ),
        words(b"LCS", KEYS, KEYS),
        words(b"LCS", KEYS, KEYS, b"IDX"),
    ),
)
