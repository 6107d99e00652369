"""HyperLogLogs that a client made up: an answer, never an exception, and nothing lost.

A count in a run that leads beyond the last register has let clients write outside of the value
elsewhere (CVE-2025-32023).
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.command.dialogue import Replica
from trivet.core.values.hyperloglog import DENSE_BYTES
from trivet.core.wire.reply import Error

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))

HEADERS = st.tuples(
    st.sampled_from([b"HYLL", b"HYLL", b"HYLL", b"HYL"]),
    st.sampled_from([b"\x01", b"\x01", b"\x00", b"\x02", b"\xff"]),
    st.binary(min_size=3, max_size=3),
    st.one_of(st.just(bytes(7) + b"\x80"), st.binary(min_size=8, max_size=8)),
).map(b"".join)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.tuples(st.binary(min_size=1, max_size=2), st.integers(1, 9000)).map(lambda drawn: drawn[0] * drawn[1]),
    st.binary(min_size=1, max_size=64).map(lambda part: (part * 12288)[: DENSE_BYTES - 16]),
    st.tuples(st.just(b"\x7f\xff"), st.binary(max_size=10)).map(b"".join),
)
PAYLOADS = st.tuples(HEADERS, BODIES).map(b"".join)
CALLS = st.one_of(
    st.tuples(st.just(b"PFADD"), st.just(b"a"), st.binary(max_size=9)),
    st.tuples(st.just(b"PFADD"), st.just(b"b"), st.binary(max_size=9), st.binary(max_size=9)),
    st.tuples(st.just(b"PFCOUNT"), st.just(b"a")),
    st.tuples(st.just(b"PFCOUNT"), st.just(b"a"), st.just(b"b")),
    st.tuples(st.just(b"PFMERGE"), st.sampled_from([b"a", b"c"]), st.just(b"b")),
    st.tuples(
        st.just(b"PFDEBUG"), st.sampled_from([b"GETREG", b"DECODE", b"ENCODING", b"TODENSE"]), st.just(b"a")
    ),
).map(list)


@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
@given(PAYLOADS, PAYLOADS, st.lists(CALLS, min_size=1, max_size=8))
def test_fuzz_payloads(one, other, calls):
    replica = Replica()
    replica.run_args([b"SET", b"a", one])
    replica.run_args([b"SET", b"b", other])
    for call in calls:
        before = replica.run("MGET a b c")
        reply = replica.run_args(call)
        after = replica.run("MGET a b c")
        if isinstance(reply, Error):
            assert before == after
        assert isinstance(after, list)
        assert all(len(value) <= max(len(one), len(other), DENSE_BYTES) for value in after if value)
