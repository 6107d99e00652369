"""Commands of the hash family."""

from hypothesis import strategies as st

from tests.differential.harness import (
    FLOATS,
    INTS,
    KEYS,
    PATTERNS,
    RULES,
    VALUES,
    Rule,
    joined,
    options,
    register,
    same_or_both_random,
    scanned_pairs,
    some,
    words,
)

FIELDS = st.one_of(st.sampled_from([b"f", b"g", b"h", b"", b"\x00\r\n"]), VALUES)
CURSORS = st.sampled_from([b"0", b"0", b"0", b"", b"x", b"+", b"0x1", b"18446744073709551616"])
"""Only first calls and faulty ones: what a later call gives depends on the hash function."""

COUNTS = st.one_of(
    st.sampled_from(
        [b"0", b"1", b"-1", b"3", b"-3", b"100", b"-20", b"9223372036854775807", b"-9223372036854775808"]
    ),
    st.sampled_from([b"4611686018427387904", b"4611686018427387903", b"x", b"", b"1.5"]),
)
"""No large negative ones: redis-server would try to draw as many."""

SCAN_OPTIONS = options(words(b"MATCH", PATTERNS), words(b"count", INTS), b"TYPE", b"?", b"COUNT", most=2)

RULES[b"HRANDFIELD"] = Rule(same_or_both_random)
RULES[b"HSCAN"] = Rule(scanned_pairs)

register(
    "hashes",
    st.one_of(
        joined(words(b"HSET", KEYS, FIELDS, VALUES), some(FIELDS, 0, 4)),
        joined(words(b"HSET", KEYS, FIELDS, VALUES), some(FIELDS, 0, 4)),
        joined(words(b"HMSET", KEYS, FIELDS, VALUES), some(FIELDS, 0, 4)),
        words(b"HSETNX", KEYS, FIELDS, VALUES),
        words(b"HGET", KEYS, FIELDS),
        joined(words(b"HMGET", KEYS), some(FIELDS, 1, 4)),
        words(b"HGETALL", KEYS),
        words(b"HKEYS", KEYS),
        words(b"HVALS", KEYS),
        words(b"HLEN", KEYS),
        words(b"HEXISTS", KEYS, FIELDS),
        words(b"HSTRLEN", KEYS, FIELDS),
        joined(words(b"HDEL", KEYS), some(FIELDS, 1, 6)),
        words(b"HINCRBY", KEYS, FIELDS, INTS),
        words(b"HINCRBYFLOAT", KEYS, FIELDS, FLOATS),
        words(b"HRANDFIELD", KEYS),
        joined(words(b"HRANDFIELD", KEYS, COUNTS), options(b"withvalues", b"?", most=2)),
        joined(words(b"HSCAN", KEYS, CURSORS), SCAN_OPTIONS),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", KEYS),
        words(b"EXPIRE", KEYS, st.sampled_from([b"1000", b"0"])),
    ),
)
