"""BITFIELD and its relatives against arbitrary arguments: an answer, never an exception, bounded memory."""

import os
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.command.dialogue import Replica

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))

NUMBERS = st.one_of(
    st.integers(-(1 << 66), 1 << 66).filter(lambda number: not 1 << 20 < number < 1 << 32),
    st.integers(-5, 200),
    st.sampled_from([(1 << power) * sign for power in (32, 62, 63, 64) for sign in (1, -1)]),
).map(lambda number: b"%d" % number)
WORDS = st.one_of(
    NUMBERS,
    NUMBERS.map(lambda number: b"#" + number),
    st.integers(-1, 70).map(lambda number: b"i%d" % number),
    st.integers(-1, 70).map(lambda number: b"u%d" % number),
    st.sampled_from(
        [b"GET", b"SET", b"INCRBY", b"OVERFLOW", b"WRAP", b"SAT", b"FAIL", b"BIT", b"BYTE", b"AND"]
    ),
    st.binary(max_size=4),
)
NAMES = st.sampled_from([b"BITFIELD", b"BITFIELD_RO", b"SETBIT", b"GETBIT", b"BITCOUNT", b"BITPOS", b"BITOP"])


@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
@given(st.lists(st.tuples(NAMES, st.lists(WORDS, max_size=8)), max_size=6))
def test_fuzz_offsets_and_numbers(calls):
    replica = Replica()
    tracemalloc.start()
    try:
        for name, arguments in calls:
            replica.run_args([name, b"a", *arguments])
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
