"""RESTORE with good and bad payloads, options and times, and DUMP."""

from hypothesis import strategies as st

from tests.differential.harness import (
    BAD_INTS,
    EDGE_INTS,
    KEYS,
    RULES,
    VALUES,
    Rule,
    joined,
    options,
    register,
    same_shape,
    words,
)
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.rdb.payload import dump, seal
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet

GOOD = [
    dump(b"value"),
    dump(b"12"),
    dump(List([b"a", b"1", b"-5000000000"])),
    dump(Set.of([b"1", b"2"])),
    dump(Set.of([b"x", b"2"])),
    dump(Hash.load(0, [b"f", b"v", b"g", b"2"])),
    dump(SortedSet.of({b"a": 1.5, b"b": float("-inf")})),
    seal(b"\x00\x01xjunk behind the value", 10),
    seal(b"\x00\xc1\x00\x80", 1),
]
BAD = [
    b"",
    b"junk",
    dump(b"value")[:-1],
    dump(b"value") + b"x",
    seal(b"\x00\x01x", 99),
    seal(b"\x00\x3fx", 10),
    seal(b"\x00\xc4x", 10),
    seal(b"\x01\x00", 10),
    seal(b"\x02\x02\x01a\x01a", 10),
    seal(b"\x05\x01\x01a" + b"\xff" * 8, 10),
    seal(b"\x63", 10),
    seal(b"\x00\xc3\x02\x05\x00x", 10),
]
PAYLOADS = st.one_of(st.sampled_from(GOOD), st.sampled_from(GOOD), st.sampled_from(BAD), VALUES)
TIMES = st.one_of(
    st.sampled_from([b"0", b"0", b"0", b"100000000", b"4000000000000"]),
    EDGE_INTS.filter(lambda text: text != b"1"),
    BAD_INTS,
)
SMALL = st.one_of(st.sampled_from([b"0", b"1", b"255", b"256", b"-1", b"100"]), BAD_INTS, EDGE_INTS)
OPTIONS = options(
    b"REPLACE",
    b"replace",
    b"ABSTTL",
    words(b"IDLETIME", SMALL),
    words(b"freq", SMALL),
    b"FREQ",
    b"IDLETIME",
    b"?",
    most=3,
)


# The bytes of our payloads are others than theirs: what is compared is whether there is one.
RULES[b"DUMP"] = Rule(same_shape)

register(
    "dumping",
    st.one_of(
        joined(words(b"RESTORE", KEYS, TIMES, PAYLOADS), OPTIONS),
        joined(words(b"RESTORE", KEYS, TIMES, st.sampled_from(GOOD), b"REPLACE"), OPTIONS),
        words(b"RESTORE", KEYS, b"0", PAYLOADS, b"REPLACE"),
        words(b"DUMP", KEYS),
        words(b"SET", KEYS, VALUES),
        words(b"RPUSH", KEYS, VALUES),
        words(b"DEL", KEYS),
        words(b"PEXPIRETIME", KEYS),
    ),
)
