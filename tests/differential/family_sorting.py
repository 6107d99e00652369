"""SORT and SORT_RO over keys of which some are weights, some hashes."""

from hypothesis import strategies as st

from tests.differential.harness import (
    BAD_INTS,
    FLOATS,
    INTS,
    KEYS,
    RULES,
    Args,
    Rule,
    Tree,
    joined,
    options,
    register,
    same_shape,
    some,
    unordered,
    words,
)

SETS = st.sampled_from([b"s1", b"s2"])
"""Only here are sets: their unsorted order is each server's own."""
ELEMENTS = st.one_of(
    st.sampled_from(
        [b"1", b"2", b"3", b"10", b"-1", b"2.5", b"0", b"1", b"2", b"3", b"a", b"b", b"c", b"abc"]
    ),
    st.sampled_from([b"", b" 1", b"1 ", b"inf", b"nan", b"1e-310", b"\xff", b"0x10"]),
)
NUMBERS = st.one_of(st.integers(-20, 20).map(lambda number: b"%d" % number), FLOATS)
PATTERNS = st.sampled_from(
    [
        b"w_*", b"h_*->f", b"*", b"w_*->f", b"h_*->", b"h_*->g", b"#", b"nosort", b"", b"w_**", b"#x", b"h_*->f->g",
        b"->*", b"w->*", b"w\x00*", b"w_*\x00", b"h_*->f\x00", b"*->f",
    ]
)  # fmt: skip
WINDOWS = words(
    b"LIMIT", st.one_of(st.sampled_from([b"0", b"1", b"2", b"-1"]), INTS), st.one_of(INTS, st.just(b"2"))
)
OPTIONS = options(
    b"ASC",
    b"desc",
    b"ALPHA",
    WINDOWS,
    words(b"BY", PATTERNS),
    words(b"GET", PATTERNS),
    b"LIMIT",
    b"?",
    most=5,
)


STALE_ERROR = ("-", b"ERR One or more scores can't be converted into double")
"""What redis-server also answers when an earlier command met a number out of range: SORT reads C's errno,
and never clears it. Which numbers are refused is tested in ``test_sorting``."""


def sorted_alike(args: Args, ours: Tree, theirs: Tree) -> bool:
    """The same bytes, but where nothing decides the order: an unsorted set, and equal or missing texts."""
    return (
        ours == theirs
        or theirs == STALE_ERROR
        or (_is_undecided(args) and same_or_unordered(args, ours, theirs))
    )


def same_or_unordered(args: Args, ours: Tree, theirs: Tree) -> bool:
    """With a window it is not even the same elements."""
    is_window = b"LIMIT" in [arg.upper() for arg in args]
    return (same_shape if is_window else unordered)(args, ours, theirs)


def _is_undecided(args: Args) -> bool:
    upper = [arg.upper() for arg in args]
    if b"BY" not in upper:
        return False
    return b"ALPHA" in upper or args[1] in (b"s1", b"s2")


def is_decided_when_stored(args: Args) -> bool:
    """What is stored must be the same on both sides: no equal texts, and no number out of range."""
    upper = [arg.upper() for arg in args]
    return not _is_undecided(args) and (b"ALPHA" in upper or b"nosort" in args)


for _name in (b"SORT", b"SORT_RO"):
    RULES[_name] = Rule(sorted_alike)

LIST_ELEMENTS = st.one_of(ELEMENTS, st.sampled_from([b"\x00", b"1\x002", b"1\x003"]))
FILL = st.one_of(
    joined(words(b"RPUSH", KEYS), some(LIST_ELEMENTS, 1, 6)),
    joined(words(b"RPUSH", KEYS), some(NUMBERS, 1, 6)),
    joined(words(b"SADD", SETS), some(st.one_of(ELEMENTS, NUMBERS), 1, 6)),
    words(b"ZADD", KEYS, st.sampled_from([b"1", b"2", b"3", b"-1"]), ELEMENTS),
    words(b"SET", ELEMENTS.map(lambda element: b"w_" + element), NUMBERS),
    words(b"HSET", ELEMENTS.map(lambda element: b"h_" + element), b"f", st.one_of(NUMBERS, ELEMENTS)),
)
"""Elements, and the keys that patterns find."""
ANY = st.one_of(KEYS, KEYS, SETS)

register(
    "sorting",
    st.one_of(
        FILL,
        FILL,
        joined(words(b"DEL"), some(ANY, 1, 2)),
        words(b"LRANGE", KEYS, b"0", b"-1"),
        joined(words(st.sampled_from([b"SORT", b"SORT_RO"]), ANY), OPTIONS),
        joined(words(st.sampled_from([b"SORT", b"SORT_RO"]), ANY, b"ALPHA"), OPTIONS),
        joined(words(b"SORT", ANY), OPTIONS, words(b"STORE", KEYS)).filter(is_decided_when_stored),
        joined(words(b"SORT", ANY, b"STORE", KEYS), OPTIONS).filter(is_decided_when_stored),
        joined(words(b"SORT", SETS, b"BY", b"nosort", b"STORE", KEYS)),
        joined(words(b"SORT", KEYS, b"LIMIT", BAD_INTS), OPTIONS),
    ),
)
