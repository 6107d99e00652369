"""Commands of the sorted set family.

Ranges by member have a family of their own, in which all scores are equal: what
they give otherwise depends on the shape of Redis' skip list.
"""

from hypothesis import strategies as st

import trivet.core.command.sorted_sets
import trivet.core.command.sorted_sets_algebra
import trivet.core.command.sorted_sets_ends
import trivet.core.command.sorted_sets_ranges  # noqa: F401
from tests.differential.family_hashes import COUNTS, CURSORS, SCAN_OPTIONS
from tests.differential.harness import (
    FLOATS,
    INTS,
    KEYS,
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

MEMBERS = st.one_of(
    st.sampled_from([b"x", b"y", b"z", b"xy", b"", b"\xff", b"\x00"]),
    VALUES.filter(lambda text: len(text) <= 64),
)
"""Short ones: redis-server holds such sets as list packs, where -0 becomes 0, as it does here."""

SCORES = st.one_of(
    st.sampled_from([b"1", b"2", b"2.5", b"-1", b"0", b"-0", b"inf", b"-inf", b"1e17", b"0.1"]),
    st.integers(-4, 4).map(lambda number: b"%d" % number),
    FLOATS,
)
ENDS_BY_SCORE = st.one_of(
    st.sampled_from(
        [b"-inf", b"+inf", b"(1", b"1", b"(2.5", b"2.5", b"0", b"(0", b"(-inf", b"(inf", b"3", b"-3"]
    ),
    st.sampled_from(
        [b"", b"(", b" 1", b"( 1", b"1 ", b"nan", b"((1", b"x", b"1e400", b"-1e400", b"1e-400", b"0x10"]
    ),
)
ENDS_BY_MEMBER = st.one_of(
    st.sampled_from([b"-", b"+", b"[x", b"(x", b"[y", b"(y", b"[z", b"(", b"[", b"(xy", b"[\xff", b"(\xff"]),
    st.sampled_from([b"", b"x", b"+x", b"-\x00", b"++", b"1"]),
)
FLAGS = options(b"NX", b"XX", b"gt", b"LT", b"CH", b"INCR", most=3)
LIMITS = st.one_of(words(b"LIMIT", INTS, INTS), words(b"limit", st.sampled_from([b"0", b"1", b"2"]), INTS))
BY = options(b"BYSCORE", b"REV", LIMITS, b"WITHSCORES", b"?", b"LIMIT", most=4)
NUMBERS = st.one_of(st.sampled_from([b"1", b"2", b"2", b"3"]), INTS)
NUMBERS_TO_POP = st.sampled_from([b"1", b"2", b"3", b"0", b"-1", b"x", b"1000000000000"])
"""No number of keys near the end of the integers: redis-server adds to it without a check."""

ALGEBRA = options(
    joined(words(b"WEIGHTS"), some(FLOATS, 1, 3)),
    words(b"AGGREGATE", st.sampled_from([b"sum", b"MIN", b"MAX", b"?"])),
    b"withscores",
    words(b"LIMIT", INTS),
    b"?",
    b"AGGREGATE",
    most=2,
)
EXACT = st.sampled_from([b"1", b"2", b"-3", b"0.5", b"0", b"inf", b"-inf"])
"""Scores and weights whose sums do not depend on their order."""

RULES[b"ZRANDMEMBER"] = Rule(same_or_both_random)
RULES[b"ZSCAN"] = Rule(scanned_pairs)

register(
    "sorted sets",
    st.one_of(
        joined(words(b"ZADD", KEYS, SCORES, MEMBERS)),
        joined(words(b"ZADD", KEYS, SCORES, MEMBERS, SCORES, MEMBERS), some(SCORES, 0, 1)),
        joined(words(b"ZADD", KEYS, b"1", MEMBERS, b"2", MEMBERS, b"3", MEMBERS, b"1", MEMBERS)),
        joined(words(b"ZADD", KEYS), FLAGS, some(SCORES, 1, 1), some(MEMBERS, 1, 1)),
        joined(words(b"ZADD", KEYS), FLAGS, words(SCORES, MEMBERS, SCORES, MEMBERS)),
        words(b"ZINCRBY", KEYS, SCORES, MEMBERS),
        joined(words(b"ZREM", KEYS), some(MEMBERS, 1, 5)),
        words(b"ZCARD", KEYS),
        words(b"ZSCORE", KEYS, MEMBERS),
        joined(words(b"ZMSCORE", KEYS), some(MEMBERS, 1, 4)),
        words(b"ZRANK", KEYS, MEMBERS),
        words(b"ZREVRANK", KEYS, MEMBERS),
        joined(words(b"ZPOPMIN", KEYS), some(st.one_of(st.sampled_from([b"0", b"1", b"2"]), INTS), 0, 2)),
        joined(words(b"ZPOPMAX", KEYS), some(st.one_of(st.sampled_from([b"0", b"1", b"2"]), INTS), 0, 2)),
        joined(
            words(b"ZMPOP", NUMBERS_TO_POP),
            some(KEYS, 1, 3),
            words(st.sampled_from([b"MIN", b"max", b"?"])),
            options(words(b"COUNT", INTS), b"COUNT", b"?", most=2),
        ),
        words(b"ZRANDMEMBER", KEYS),
        joined(words(b"ZRANDMEMBER", KEYS, COUNTS), options(b"WITHSCORES", b"?", most=2)),
        joined(words(b"ZSCAN", KEYS, CURSORS), SCAN_OPTIONS),
        words(b"SET", KEYS, VALUES),
        words(b"EXPIRE", KEYS, st.sampled_from([b"1000", b"0"])),
    ),
)

register(
    "sorted set ranges",
    st.one_of(
        joined(words(b"ZADD", KEYS, SCORES, MEMBERS)),
        joined(words(b"ZADD", KEYS, b"1", MEMBERS, b"2", MEMBERS, b"3", MEMBERS, b"1", MEMBERS)),
        joined(words(b"ZRANGE", KEYS, INTS, INTS), BY),
        joined(words(b"ZRANGE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE, b"BYSCORE"), BY),
        joined(words(b"ZRANGE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE, b"BYSCORE"), BY),
        joined(words(b"ZRANGESTORE", KEYS, KEYS, INTS, INTS), BY),
        joined(words(b"ZRANGESTORE", KEYS, KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE, b"BYSCORE"), BY),
        joined(words(b"ZREVRANGE", KEYS, INTS, INTS), options(b"WITHSCORES", b"REV", LIMITS, most=1)),
        joined(words(b"ZRANGEBYSCORE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE), BY),
        joined(words(b"ZRANGEBYSCORE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE), options(b"WITHSCORES", LIMITS)),
        joined(
            words(b"ZREVRANGEBYSCORE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE), options(b"WITHSCORES", LIMITS)
        ),
        words(b"ZCOUNT", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE),
        words(b"ZREMRANGEBYRANK", KEYS, INTS, INTS),
        words(b"ZREMRANGEBYSCORE", KEYS, ENDS_BY_SCORE, ENDS_BY_SCORE),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", KEYS),
    ),
)

register(
    "sorted set ranges by member",
    st.one_of(
        joined(words(b"ZADD", KEYS, b"0", MEMBERS, b"0", MEMBERS, b"0", MEMBERS)),
        joined(words(b"ZADD", KEYS, b"0", MEMBERS, b"0", MEMBERS)),
        joined(words(b"ZRANGE", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER, b"bylex"), BY),
        joined(
            words(b"ZRANGE", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER, b"bylex"), options(b"REV", LIMITS, most=2)
        ),
        joined(
            words(b"ZRANGESTORE", KEYS, KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER, b"BYLEX"),
            options(b"REV", LIMITS),
        ),
        joined(
            words(b"ZRANGEBYLEX", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER),
            options(LIMITS, LIMITS, b"WITHSCORES", most=1),
        ),
        joined(
            words(b"ZREVRANGEBYLEX", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER), options(LIMITS, b"REV", most=1)
        ),
        words(b"ZLEXCOUNT", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER),
        words(b"ZREMRANGEBYLEX", KEYS, ENDS_BY_MEMBER, ENDS_BY_MEMBER),
        words(b"SET", KEYS, VALUES),
    ),
)

register(
    "sorted set algebra",
    st.one_of(
        joined(words(b"ZADD", KEYS, EXACT, MEMBERS, EXACT, MEMBERS)),
        joined(words(b"ZADD", KEYS, b"1", MEMBERS, b"2", MEMBERS, b"3", MEMBERS, b"inf", MEMBERS)),
        joined(words(b"SADD", KEYS), some(MEMBERS, 1, 4)),
        joined(
            words(st.sampled_from([b"ZUNION", b"zinter", b"ZDIFF", b"ZINTERCARD"]), NUMBERS),
            some(KEYS, 1, 3),
            ALGEBRA,
        ),
        joined(
            words(st.sampled_from([b"ZUNION", b"ZINTER"]), b"2", KEYS, KEYS),
            options(
                words(b"WEIGHTS", EXACT, EXACT),
                words(b"AGGREGATE", st.sampled_from([b"SUM", b"MIN", b"MAX"])),
                b"WITHSCORES",
            ),
        ),
        joined(words(b"ZDIFF", b"2", KEYS, KEYS), options(b"WITHSCORES")),
        joined(words(b"ZINTERCARD", b"2", KEYS, KEYS), options(words(b"LIMIT", INTS))),
        joined(
            words(st.sampled_from([b"ZUNIONSTORE", b"ZINTERSTORE", b"ZDIFFSTORE"]), KEYS, NUMBERS),
            some(KEYS, 1, 3),
            ALGEBRA,
        ),
        joined(
            words(st.sampled_from([b"ZUNIONSTORE", b"ZINTERSTORE"]), KEYS, b"2", KEYS, KEYS),
            options(
                words(b"WEIGHTS", EXACT, EXACT),
                words(b"AGGREGATE", st.sampled_from([b"SUM", b"MIN", b"MAX"])),
            ),
        ),
        words(b"ZRANGE", KEYS, b"0", b"-1", b"WITHSCORES"),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", KEYS),
    ),
)
