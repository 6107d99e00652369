"""Batches and entries as bytes: encoded once, passed on as bytes, decoded where they are applied."""

import msgspec
import pytest

from trivet.core.machine.entry import (
    Batch,
    decode_batch,
    decode_batch_head,
    decode_body,
    decode_calls,
    encode_batch,
    encode_body,
    encode_calls,
)

BATCH = Batch(2, 1_700_000_000_000, 5, 3, [(0, [b"SET", b"k", b"\xff\x00"]), (15, [b"DEL", b"k"])])


def test_a_batch_comes_back():
    assert decode_batch(encode_batch(BATCH)) == BATCH


def test_a_leader_reads_only_the_head_of_a_batch():
    head = decode_batch_head(encode_batch(BATCH))
    assert (head.node, head.incarnation, head.sequence) == (2, 1_700_000_000_000, 5)


def test_an_entry_carries_the_bytes_of_its_batches():
    data = encode_batch(BATCH)
    body = decode_body(encode_body(1000, 42, [data, data]))
    assert (body.time_ms, body.seed) == (1000, 42)
    assert [bytes(batch) for batch in body.batches] == [data, data]


def test_a_time_entry_has_no_batches():
    assert decode_body(encode_body(1000, 42, [])).batches == []


def test_the_calls_of_a_transaction_come_back():
    calls = [(0, [b"SET", b"k", b"v"]), (-1, [b"+", b"PONG"])]
    assert decode_calls(encode_calls(calls)) == calls


@pytest.mark.parametrize("decode", [decode_batch, decode_batch_head, decode_body, decode_calls])
@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x01", encode_body(1, 2, [])[:-1], b"\x93\x01\x02"])
def test_other_bytes_are_refused(decode, data):
    with pytest.raises(msgspec.DecodeError):
        decode(data)


def test_a_batch_without_an_epoch_is_of_the_first():
    old = msgspec.msgpack.encode([1, 2, 3, 0, []])
    assert decode_batch(old) == Batch(1, 2, 3, 0, [], 0)
    assert decode_batch(encode_batch(Batch(1, 2, 3, 0, [], 7))).epoch == 7
    assert decode_batch_head(encode_batch(Batch(1, 2, 3, 0, [], 7))).sequence == 3
