"""Commands of the set family."""

from hypothesis import strategies as st

import trivet.core.command.sets
import trivet.core.command.sets_algebra  # noqa: F401
from tests.differential.family_hashes import CURSORS, SCAN_OPTIONS
from tests.differential.harness import (
    INTS,
    KEYS,
    RULES,
    VALUES,
    Args,
    Rule,
    Tree,
    joined,
    options,
    register,
    same_or_both_random,
    scanned,
    some,
    words,
)
from trivet.core.wire.reply import Members, Reply

MEMBERS = st.one_of(st.sampled_from([b"x", b"y", b"z", b"1", b"2", b"3", b""]), VALUES)
COUNTS = st.sampled_from(
    [
        b"0",
        b"1",
        b"-1",
        b"3",
        b"-3",
        b"100",
        b"-20",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"x",
        b"",
        b"1.5",
    ]
)
NUMBERS = st.one_of(st.sampled_from([b"1", b"2", b"3"]), INTS)


def removal(args: Args, reply: Reply) -> Args:
    """What the oracle does in place of SPOP: remove the members that we chose."""
    if isinstance(reply, bytes):
        return [b"SREM", args[1], reply]
    if isinstance(reply, Members) and reply.items:
        return [b"SREM", args[1], *[item for item in reply.items if isinstance(item, bytes)]]
    return args


def removed(args: Args, ours: Tree, theirs: Tree) -> bool:
    """Every member we gave was one, once."""
    if theirs[0] != ":":
        return bool(ours == theirs)
    return bool(theirs[1] == (1 if ours[0] == "$" else len(ours[1])))


RULES[b"SPOP"] = Rule(removed, removal)
RULES[b"SRANDMEMBER"] = Rule(same_or_both_random)
RULES[b"SSCAN"] = Rule(scanned)

register(
    "sets",
    st.one_of(
        joined(words(b"SADD", KEYS), some(MEMBERS, 1, 5)),
        joined(words(b"SADD", KEYS), some(MEMBERS, 1, 20)),
        joined(words(b"SREM", KEYS), some(MEMBERS, 1, 5)),
        words(b"SISMEMBER", KEYS, MEMBERS),
        joined(words(b"SMISMEMBER", KEYS), some(MEMBERS, 1, 4)),
        words(b"SCARD", KEYS),
        words(b"SMEMBERS", KEYS),
        words(b"SMOVE", KEYS, KEYS, MEMBERS),
        words(b"SPOP", KEYS),
        joined(words(b"SPOP", KEYS, COUNTS), some(COUNTS, 0, 1)),
        words(b"SRANDMEMBER", KEYS),
        joined(words(b"SRANDMEMBER", KEYS, COUNTS), some(COUNTS, 0, 1)),
        joined(words(b"SINTER"), some(KEYS, 1, 3)),
        joined(words(b"SUNION"), some(KEYS, 1, 3)),
        joined(words(b"SDIFF"), some(KEYS, 1, 3)),
        joined(words(b"SINTERSTORE", KEYS), some(KEYS, 1, 3)),
        joined(words(b"SUNIONSTORE", KEYS), some(KEYS, 1, 3)),
        joined(words(b"SDIFFSTORE", KEYS), some(KEYS, 1, 3)),
        joined(
            words(b"SINTERCARD", NUMBERS),
            some(KEYS, 1, 3),
            options(words(b"LIMIT", INTS), b"limit", b"?", most=2),
        ),
        joined(words(b"SSCAN", KEYS, CURSORS), SCAN_OPTIONS),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", KEYS),
        words(b"EXPIRE", KEYS, st.sampled_from([b"1000", b"0"])),
    ),
)
