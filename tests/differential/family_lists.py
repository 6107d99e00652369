"""Commands of the list family."""

from hypothesis import strategies as st

from tests.differential.harness import INTS, KEYS, VALUES, joined, options, register, some, words

ITEMS = st.one_of(st.sampled_from([b"x", b"y", b"z", b"10", b""]), VALUES)
ENDS = st.sampled_from([b"LEFT", b"right", b"?"])
COUNTS = st.one_of(st.sampled_from([b"0", b"1", b"2", b"5"]), INTS)
NUMBERS = st.one_of(
    st.sampled_from([b"1", b"2", b"3"]), st.sampled_from([b"0", b"-1", b"x", b"1000000000000"])
)
"""No number of keys near the end of the integers: redis-server adds to it without a check."""

register(
    "lists",
    st.one_of(
        joined(words(b"RPUSH", KEYS), some(ITEMS, 1, 5)),
        joined(words(b"RPUSH", KEYS), some(ITEMS, 1, 30)),
        joined(words(b"LPUSH", KEYS), some(ITEMS, 1, 5)),
        joined(words(b"LPUSHX", KEYS), some(ITEMS, 1, 3)),
        joined(words(b"RPUSHX", KEYS), some(ITEMS, 1, 3)),
        joined(words(b"LPOP", KEYS), some(COUNTS, 0, 2)),
        joined(words(b"RPOP", KEYS), some(COUNTS, 0, 2)),
        words(b"LLEN", KEYS),
        words(b"LINDEX", KEYS, INTS),
        words(b"LRANGE", KEYS, INTS, INTS),
        words(b"LRANGE", KEYS, INTS, INTS),
        words(b"LTRIM", KEYS, INTS, INTS),
        words(b"LSET", KEYS, INTS, ITEMS),
        words(b"LINSERT", KEYS, st.sampled_from([b"before", b"AFTER", b"?"]), ITEMS, ITEMS),
        words(b"LREM", KEYS, INTS, ITEMS),
        joined(
            words(b"LPOS", KEYS, ITEMS),
            options(
                words(b"RANK", INTS), words(b"COUNT", INTS), words(b"maxlen", INTS), b"RANK", b"?", most=3
            ),
        ),
        words(b"RPOPLPUSH", KEYS, KEYS),
        words(b"LMOVE", KEYS, KEYS, ENDS, ENDS),
        joined(
            words(b"LMPOP", NUMBERS),
            some(KEYS, 1, 3),
            st.one_of(words(ENDS), st.just([])),
            options(words(b"COUNT", COUNTS), b"COUNT", b"?", most=2),
        ),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", KEYS),
        words(b"EXPIRE", KEYS, st.sampled_from([b"1000", b"0"])),
    ),
)
