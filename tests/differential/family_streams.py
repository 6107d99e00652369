"""Commands of the stream family.

Ids are small and explicit, so that they meet. Where ours took one from the clock (``*``), redis-server is given that
one. Times that replies tell may differ by what the two runs are apart; thresholds of idle times are far from them.
"""

from hypothesis import strategies as st

from tests.differential.harness import (
    BAD_INTS,
    KEYS,
    RULES,
    TIME_TOLERANCE_MS,
    VALUES,
    Args,
    Rule,
    Tree,
    joined,
    options,
    register,
    some,
    words,
)
from trivet.core.command.stream_arguments import add_options
from trivet.core.wire.reply import Error, Reply

NAMES_OF_TIMES = (b"idle", b"seen-time")
INTERNAL = (b"radix-tree-nodes",)


def _near(ours: Tree, theirs: Tree) -> bool:
    return ours[0] == theirs[0] == ":" and abs(ours[1] - theirs[1]) <= TIME_TOLERANCE_MS


def _time_at(items: list[Tree]) -> int:
    """Where a pending entry (id, consumer, time, count or id, time, count) says a time; -1 when it is none."""
    kinds = "".join(kind for kind, _ in items)
    return {"$$::": 2, "$::": 1}.get(kinds, -1)


def alike(ours: Tree, theirs: Tree) -> bool:
    """Equal but for times, which are near each other, and what is inside redis-server only."""
    if not (isinstance(ours[1], list) and isinstance(theirs[1], list)):
        return bool(ours == theirs)
    if ours[0] != theirs[0] or len(ours[1]) != len(theirs[1]):
        return False
    time_at = _time_at(theirs[1])
    for at, (mine, other) in enumerate(zip(ours[1], theirs[1], strict=True)):
        before = theirs[1][at - 1][1] if at else None
        if isinstance(before, bytes) and before in INTERNAL:
            continue
        timed = at == time_at or (isinstance(before, bytes) and before in NAMES_OF_TIMES)
        if not (_near(mine, other) if timed else alike(mine, other)):
            return False
    return True


def _with_our_id(args: Args, reply: Reply) -> Args:
    """The call with the id that ours took from the clock."""
    options = add_options(args)
    if isinstance(options, Error) or options.entry_id is not None or not isinstance(reply, bytes):
        return args
    return [*args[: options.field_at - 1], reply, *args[options.field_at :]]


for _name in (b"XPENDING", b"XINFO"):
    RULES[_name] = Rule(lambda args, ours, theirs: alike(ours, theirs))
RULES[b"XADD"] = Rule(lambda args, ours, theirs: bool(ours == theirs), _with_our_id)

STREAMS = st.one_of(st.just(b"a"), st.just(b"a"), st.just(b"a"), st.just(b"b"), KEYS)
"""Mostly one, so that it fills."""
GROUPS = st.sampled_from([b"g", b"g", b"g", b"h"])
CONSUMERS = st.sampled_from([b"c", b"c", b"d", b"e"])
SMALL_IDS = st.one_of(
    st.tuples(st.integers(0, 9), st.integers(0, 3)).map(lambda pair: b"%d-%d" % pair),
    st.integers(0, 9).map(lambda number: b"%d" % number),
)
ODD_IDS = st.sampled_from(
    [
        b"18446744073709551615-18446744073709551615",
        b"18446744073709551615",
        b"18446744073709551614-18446744073709551615",
        b"5-18446744073709551615",
        b"18446744073709551616-0",
        b"0-18446744073709551616",
        b"9223372036854775808-1",
        b"0-0",
        b"-",
        b"+",
        b"(",
        b"(-",
        b"",
        b"5-",
        b"-5",
        b"+7",
        b"007-01",
        b"8-+1",
        b"8--1",
        b"8- 1",
        b"8- -1",
        b" 8-1",
        b"8-1 ",
        b"8-1-1",
        b"8-*",
        b"*",
        b"x",
        b"8-x",
        b"$",
        b">",
        b"8\x00-9",
        b"0" * 130,
        b"0" * 126 + b"1",
    ]
)
IDS = st.one_of(SMALL_IDS, SMALL_IDS, SMALL_IDS, SMALL_IDS, ODD_IDS)
BOUNDS = st.one_of(st.sampled_from([b"-", b"+"]), IDS, IDS.map(lambda text: b"(" + text))
NEW_IDS = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(0, 3)).map(lambda pair: b"%d-%d" % pair),
    st.tuples(st.integers(1, 40), st.integers(0, 3)).map(lambda pair: b"%d-%d" % pair),
    st.integers(1, 40).map(lambda number: b"%d-*" % number),
    st.sampled_from([b"*", b"0-*", b"18446744073709551615-*"]),
    IDS,
)
COUNTS = st.one_of(st.sampled_from([b"0", b"1", b"2", b"3", b"100", b"-1", b"9223372036854775807"]), BAD_INTS)
IDLE = st.sampled_from([b"0", b"0", b"-5", b"1000000000", b"9223372036854775807", b"x"])
FIELDS = st.one_of(
    st.sampled_from([[b"f", b"1"], [b"f", b"2"], [b"f", b"1", b"g", b""], [b"f"], []]),
    st.lists(VALUES, min_size=1, max_size=5),
)
TRIMS = st.one_of(
    joined(
        words(st.sampled_from([b"MAXLEN", b"minid"])),
        st.sampled_from([[], [], [b"="], [b"~"]]),
        some(st.one_of(st.sampled_from([b"0", b"1", b"2", b"3"]), IDS), 1, 1),
        st.sampled_from([[], [], [], [b"LIMIT", b"0"], [b"LIMIT", b"2"], [b"LIMIT", b"-1"], [b"LIMIT"]]),
    ),
    words(b"LIMIT", COUNTS),
)
ADDED = joined(
    words(b"XADD", STREAMS),
    st.one_of(st.just([]), st.just([]), st.just([b"NOMKSTREAM"]), TRIMS),
    words(NEW_IDS),
    FIELDS,
)
PLAIN_ADD = joined(words(b"XADD", STREAMS, NEW_IDS, b"f", VALUES))
READ_OPTIONS = options(
    words(b"COUNT", COUNTS),
    words(b"BLOCK", st.sampled_from([b"1", b"-1", b"x"])),
    b"NOACK",
    most=2,
)
PAIRS_OF_STREAMS = st.one_of(
    st.tuples(STREAMS, st.one_of(IDS, st.just(b">"), st.just(b"$"))).map(list),
    st.tuples(STREAMS, STREAMS, IDS, st.sampled_from([b">", b"$", b"0"])).map(list),
    st.lists(STREAMS, min_size=1, max_size=3),
)
NEW = st.sampled_from(
    [[b"a", b">"], [b"b", b">"], [b"a", b"b", b">", b">"], [b"a", b"a", b">", b">"], [b"a", b"0"]]
)
READS_OF_GROUPS = joined(
    words(b"XREADGROUP", b"GROUP", GROUPS, CONSUMERS),
    st.sampled_from([[], [], [b"COUNT", b"1"], [b"COUNT", b"2"], [b"NOACK"]]),
    words(b"STREAMS"),
    NEW,
)
CREATES = joined(
    words(b"XGROUP", b"CREATE", STREAMS, GROUPS, st.one_of(st.just(b"0"), st.just(b"$"), IDS)),
    options(b"MKSTREAM", b"MKSTREAM", words(b"ENTRIESREAD", COUNTS), b"?", most=3),
)

register(
    "streams",
    st.one_of(
        ADDED,
        ADDED,
        PLAIN_ADD,
        PLAIN_ADD,
        PLAIN_ADD,
        joined(words(b"XTRIM", STREAMS), TRIMS, st.one_of(st.just([]), TRIMS)),
        words(b"XLEN", STREAMS),
        joined(words(b"XDEL", STREAMS), some(IDS, 1, 4)),
        joined(words(b"XRANGE", STREAMS, BOUNDS, BOUNDS), options(words(b"COUNT", COUNTS), b"?", most=2)),
        joined(words(b"XREVRANGE", STREAMS, BOUNDS, BOUNDS), options(words(b"COUNT", COUNTS), most=1)),
        joined(
            words(b"XSETID", STREAMS, IDS),
            options(words(b"ENTRIESADDED", COUNTS), words(b"MAXDELETEDID", IDS), b"?", most=2),
        ),
        joined(words(b"XREAD"), READ_OPTIONS, words(b"STREAMS"), PAIRS_OF_STREAMS),
        joined(
            words(b"XREADGROUP"),
            st.one_of(words(b"GROUP", GROUPS, CONSUMERS), words(b"GROUP", GROUPS, CONSUMERS), st.just([])),
            READ_OPTIONS,
            words(b"STREAMS"),
            PAIRS_OF_STREAMS,
        ),
        READS_OF_GROUPS,
        READS_OF_GROUPS,
        READS_OF_GROUPS,
        CREATES,
        CREATES,
        joined(
            words(b"XGROUP", b"SETID", STREAMS, GROUPS, st.one_of(st.just(b"$"), IDS)),
            options(words(b"ENTRIESREAD", COUNTS), b"?", most=2),
        ),
        words(b"XGROUP", b"DESTROY", STREAMS, GROUPS),
        words(b"XGROUP", b"CREATECONSUMER", STREAMS, GROUPS, CONSUMERS),
        words(b"XGROUP", b"DELCONSUMER", STREAMS, GROUPS, CONSUMERS),
        joined(words(b"XACK", STREAMS, GROUPS), some(IDS, 1, 3)),
        words(b"XPENDING", STREAMS, GROUPS),
        joined(
            words(b"XPENDING", STREAMS, GROUPS),
            st.one_of(st.just([]), st.just([]), words(b"IDLE", IDLE)),
            words(BOUNDS, BOUNDS, COUNTS),
            some(CONSUMERS, 0, 1),
        ),
        joined(words(b"XPENDING", STREAMS, GROUPS), some(IDS, 0, 5)),
        joined(
            words(b"XCLAIM", STREAMS, GROUPS, CONSUMERS, IDLE),
            some(IDS, 1, 3),
            options(
                words(b"IDLE", IDLE),
                words(b"TIME", st.sampled_from([b"1000", b"0", b"-1", b"x", b"9223372036854775807"])),
                words(b"RETRYCOUNT", COUNTS),
                b"FORCE",
                b"FORCE",
                b"JUSTID",
                words(b"LASTID", IDS),
                b"?",
                most=3,
            ),
        ),
        joined(
            words(b"XAUTOCLAIM", STREAMS, GROUPS, CONSUMERS, IDLE, st.one_of(st.just(b"-"), BOUNDS)),
            options(
                words(
                    b"COUNT", st.sampled_from([b"1", b"2", b"100", b"0", b"-1", b"x", b"9223372036854775807"])
                ),
                b"JUSTID",
                b"?",
                most=2,
            ),
        ),
        words(b"XINFO", b"STREAM", STREAMS),
        joined(
            words(b"XINFO", b"STREAM", STREAMS), options(b"FULL", b"full", words(b"COUNT", COUNTS), most=2)
        ),
        words(b"XINFO", b"GROUPS", STREAMS),
        words(b"XINFO", b"CONSUMERS", STREAMS, GROUPS),
        words(b"COPY", STREAMS, STREAMS, b"REPLACE"),
        words(b"RENAME", STREAMS, STREAMS),
        words(b"OBJECT", b"ENCODING", STREAMS),
        words(b"SET", KEYS, VALUES),
        words(b"DEL", STREAMS),
    ),
)
