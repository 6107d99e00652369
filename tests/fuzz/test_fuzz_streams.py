"""Streams against arbitrary ids and options: an answer, never an exception, bounded memory; and bad snapshots."""

import os
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.command.dialogue import Replica
from trivet.core.command.stream_arguments import any_id, entry_id, interval_end, interval_start
from trivet.core.values.codec import decode_items, encode_items
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, format_id
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Error

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))

NUMBERS = st.one_of(
    st.integers(0, 9),
    st.integers(-(1 << 66), 1 << 66),
    st.sampled_from([(1 << power) - one for power in (31, 32, 63, 64) for one in (0, 1)]),
).map(lambda number: b"%d" % number)
IDS = st.one_of(
    st.tuples(NUMBERS, NUMBERS).map(b"-".join),
    st.integers(0, 9).map(lambda number: b"%d-0" % number),
    st.text("0123456789-+( *$>\t\0x", max_size=8).map(str.encode),
)
WORDS = st.one_of(
    IDS,
    NUMBERS,
    st.sampled_from(
        b"MAXLEN MINID LIMIT ~ = * $ > - + NOMKSTREAM COUNT BLOCK STREAMS GROUP NOACK g c s FORCE JUSTID IDLE TIME"
        b" RETRYCOUNT LASTID MKSTREAM ENTRIESREAD ENTRIESADDED MAXDELETEDID FULL".split()
    ),
    st.binary(max_size=4),
)
HEADS = st.sampled_from(
    [
        line.split()
        for line in (
            b"XADD s", b"XADD s 5-*", b"XADD s *", b"XTRIM s", b"XTRIM s MAXLEN", b"XRANGE s", b"XREVRANGE s", b"XDEL s",
            b"XSETID s", b"XREAD", b"XREAD STREAMS s", b"XREADGROUP GROUP g c", b"XREADGROUP GROUP g c STREAMS s",
            b"XGROUP CREATE s g", b"XGROUP SETID s g", b"XACK s g", b"XPENDING s g", b"XCLAIM s g c 0",
            b"XAUTOCLAIM s g c 0", b"XINFO STREAM s", b"XGROUP DELCONSUMER s g",
        )
    ]
)  # fmt: skip


@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
@given(st.lists(st.tuples(HEADS, st.lists(WORDS, max_size=6)), max_size=12), st.booleans())
def test_fuzz_ids_and_options(calls, may_block):
    replica = Replica()
    for line in (
        "XADD s 1-1 f v",
        "XADD s 2-2 f v",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
    ):
        replica.run(line)
    replica.context.may_block = may_block
    tracemalloc.start()
    try:
        for head, arguments in calls:
            replica.run_args([*head, *arguments])
            value = replica.context.db.get(b"s")
            assert isinstance(value, Stream)
            value.check_invariants()
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
@given(st.one_of(IDS, st.binary(max_size=140)))
def test_fuzz_an_id_that_is_read_reads_the_same_when_written(data):
    for read in (entry_id, any_id, interval_start, interval_end):
        found = read(data)
        if isinstance(found, Error):
            assert encode(found, 2).startswith(b"-ERR ")
        else:
            assert 0 <= found <= ID_MAX
            assert entry_id(format_id(found)) == found


@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4), st.integers(0, 300))
def test_fuzz_a_damaged_snapshot_is_refused_or_is_a_stream(changes, cut):
    stream = Stream()
    for number in range(1, 12):
        stream.append(number << 64 | number, [b"f", b"v%d" % number] + [b"g", b""] * (number % 2))
    replica = Replica()
    replica.context.db.set(b"s", stream)
    replica.run("XGROUP CREATE s g 0")
    replica.run("XREADGROUP GROUP g c COUNT 3 STREAMS s >")
    data = bytearray(encode_items([(b"s", stream, -1)]))
    for at, byte in changes:
        data[at % len(data)] = byte
    try:
        items = decode_items(bytes(data[: len(data) - cut % 7 * (cut % 5 == 0)]))
    except ValueError:
        return
    for _, value, _ in items:
        if isinstance(value, Stream):
            value.check_invariants()
            assert decode_items(encode_items([(b"s", value, -1)]))
