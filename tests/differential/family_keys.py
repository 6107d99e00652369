"""Commands on keys of any type, and on databases."""

from hypothesis import strategies as st

from tests.differential.harness import (
    BAD_INTS,
    INTS,
    KEYS,
    PATTERNS,
    VALUES,
    joined,
    options,
    register,
    some,
    words,
)

SECONDS = st.one_of(
    st.sampled_from(
        [
            b"1000",
            b"50000",
            b"0",
            b"-1",
            b"-9223372036854775808",
            b"9223372036854775807",
            b"9223372036854775",
            b"9223372036854776",
            b"-9223372036854775",
            b"-9223372036854776",
        ]
    ),
    BAD_INTS,
)
MILLISECONDS = st.one_of(
    st.sampled_from(
        [
            b"1000000",
            b"50000000",
            b"0",
            b"-1",
            b"-9223372036854775808",
            b"9223372036854775807",
            b"9223370000000000000",
        ]
    ),
    BAD_INTS,
)
UNIX_SECONDS = st.one_of(st.sampled_from([b"4000000000", b"5000000000", b"6000000000", b"1"]), SECONDS)
UNIX_MS = st.one_of(
    st.sampled_from([b"4000000000000", b"5000000000000", b"6000000000499", b"1"]), MILLISECONDS
)
CONDITIONS = options(b"NX", b"XX", b"gt", b"LT", most=2)
# "greater" and "less" compare with the clock of each side when the time is relative: not here.
PLAIN_CONDITIONS = options(b"NX", b"xx", b"?", most=1)
DATABASES = st.sampled_from(
    [b"0", b"1", b"0", b"1", b"15", b"16", b"-1", b"x", b"2147483648", b"-2147483649"]
)
TYPES = st.sampled_from([b"string", b"LIST", b"hash", b"zset", b"set", b"stream", b"?"])

register(
    "keys",
    st.one_of(
        words(b"SET", KEYS, VALUES),
        words(b"SET", KEYS, VALUES),
        words(b"RPUSH", KEYS, VALUES),
        words(b"HSET", KEYS, VALUES, VALUES),
        words(b"SADD", KEYS, VALUES),
        words(b"ZADD", KEYS, b"1.5", VALUES),
        joined(words(b"DEL"), some(KEYS, 0, 3)),
        joined(words(b"UNLINK"), some(KEYS, 1, 3)),
        joined(words(b"EXISTS"), some(KEYS, 0, 3)),
        joined(words(b"TOUCH"), some(KEYS, 1, 3)),
        words(b"TYPE", KEYS),
        joined(words(b"EXPIRE", KEYS, SECONDS), PLAIN_CONDITIONS),
        joined(words(b"PEXPIRE", KEYS, MILLISECONDS), PLAIN_CONDITIONS),
        joined(words(b"EXPIREAT", KEYS, UNIX_SECONDS), CONDITIONS),
        joined(words(b"PEXPIREAT", KEYS, UNIX_MS), CONDITIONS),
        words(b"TTL", KEYS),
        words(b"PTTL", KEYS),
        words(b"EXPIRETIME", KEYS),
        words(b"PEXPIRETIME", KEYS),
        words(b"PERSIST", KEYS),
        words(b"KEYS", PATTERNS),
        joined(
            words(
                b"SCAN",
                st.sampled_from(
                    [b"0", b"0", b"0", b"", b"x", b"+", b"-", b"0x1", b" 0", b"18446744073709551616"]
                ),
            ),
            options(
                words(b"MATCH", PATTERNS),
                words(b"COUNT", st.one_of(st.just(b"1000"), BAD_INTS)),
                words(b"TYPE", TYPES),
                b"?",
                most=2,
            ),
            st.just([b"COUNT", b"1000"]),
        ),
        joined(
            words(b"SCAN", b"0", b"COUNT", INTS.filter(lambda text: len(text) > 4 or text in (b"0", b"-1")))
        ),
        words(b"RENAME", KEYS, KEYS),
        words(b"RENAMENX", KEYS, KEYS),
        words(b"RANDOMKEY"),
        joined(words(b"COPY", KEYS, KEYS), options(b"REPLACE", words(b"DB", DATABASES), b"DB", b"?", most=2)),
        words(b"MOVE", KEYS, DATABASES),
        words(b"SWAPDB", DATABASES, DATABASES),
        words(b"OBJECT", st.sampled_from([b"REFCOUNT", b"freq", b"?"]), KEYS),
        joined(words(b"OBJECT"), some(st.sampled_from([b"ENCODING", b"a", b"b"]), 0, 3)),
        words(b"DBSIZE"),
        words(b"TIME"),
        joined(words(b"FLUSHDB"), options(b"ASYNC", b"sync", b"?", most=2)),
        joined(words(b"FLUSHALL"), options(b"ASYNC", b"sync", b"?", most=2)),
        words(b"SELECT", st.sampled_from([b"0", b"1"])),
        joined(words(st.sampled_from([b"nosuch", b"GETT", b""])), some(VALUES, 0, 3)),
    ),
)
