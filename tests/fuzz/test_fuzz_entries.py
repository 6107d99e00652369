"""Entries of the log that somebody made up: every replica applies them to the same end, and none stops.

An entry comes from a peer. What does not decode is noted and left out; a call that no node would send is answered
with an error. Whatever it holds, two replicas agree on what came of it.
"""

import os
from random import Random

import msgspec
import pytest

from tests.core.machine.replicas import Replica
from tests.fuzz.mangling import made_up
from trivet.core.machine.entry import Batch, encode_batch, encode_body, encode_calls
from trivet.core.machine.machine import Machine
from trivet.core.script import rows as _rows  # noqa: F401
from trivet.core.wire.reply import OK, Error

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))
CALLS = [
    (0, [b"SET", b"a", b"1"]),
    (0, [b"EXEC", encode_calls([(0, [b"INCR", b"a"]), (-1, [b"+", b"OK"]), (2, [b"GET", b"a"])]), b"5"]),
    (0, [b"WATCH", b"5", b"a"]),
    (0, [b"UNWATCH", b"5"]),
    (0, [b"BLOCK", b"7", b"BLPOP", b"q", b"0"]),
    (0, [b"CLAIM", b"7"]),
    (0, [b"UNBLOCK", b"7"]),
    (0, [b"RELEASE", b"7"]),
    (0, [b"NODEDOWN", b"2"]),
    (0, [b"USERS", b"SET", b"ann", b"", b"on", b"~a", b"+get"]),
    (0, [b"AS", b"ann", b"7", b"GET", b"a"]),
    (0, [b"SETTING", b"maxmemory", b"1000000"]),
    (0, [b"EVAL", b"return redis.call('get', KEYS[1])", b"1", b"a"]),
    (0, [b"FOUND", b"0-8191", b"1"]),
    (0, [b"SEAL", b"1", b"0-16383"]),
    (0, [b"UNSEAL", b"1"]),
    (0, [b"DISOWN", b"1", b"2", b"0", b"1"]),
    (0, [b"PURGE", b"1", b"0"]),
    (0, [b"IMPORT", b"BEGIN", b"1", b"0-8191", b"1"]),
    (0, [b"IMPORT", b"ITEMS", b"1", b"1", b"\x91\x93\x00\x91\xc4\x01a\xc4\x01\x90"]),
    (0, [b"IMPORT", b"END", b"1", b"2"]),
]


def whole(data: bytes) -> bytes:
    """``data``, if it is one msgpack value, as a leader has made sure that a batch is; else something that is."""
    try:
        msgspec.msgpack.decode(data)
    except ValueError:
        return b"\xc0"
    return data


@pytest.mark.parametrize("number", range(len(CALLS)), ids=lambda number: CALLS[number][1][0].decode())
def test_a_made_up_entry_is_applied_alike_and_stops_nobody(number: int):
    random = Random(number)
    one, other = Replica(), Machine(100)
    one.run("SET a 1", "RPUSH q 1")
    for step in range(FUZZ_EXAMPLES):
        batch = encode_batch(Batch(1, 1, step + 2, step + 1, [CALLS[number], CALLS[0]]))
        one.now_ms += 1
        one.append(encode_body(one.now_ms, step, [whole(made_up(batch, random))]))
    for index, payload in enumerate(one.log, 1):
        other.apply(index, payload)
    assert (other.digest, other.digests) == (one.machine.digest, one.machine.digests)


@pytest.mark.parametrize(
    "calls", [[(10_000, [b"SET", b"a", b"1"])], [(-1, [b"SET", b"a", b"1"])], [(0, [])], [(2**63 - 1, [])]]
)
def test_a_call_that_no_node_sends_is_a_defect_and_no_end(calls):
    """It would be in every replica's log: whoever stopped at it would stop at every start."""
    replica = Replica()
    replies = replica.run("SET a 1", *calls, "GET a")
    assert [replies[0], replies[2]] == [OK, b"1"]
    assert isinstance(replies[1], Error)
    assert replica.machine.defects


@pytest.mark.parametrize("payload", [b"\xc1", b"\x90", b"\x94\x01\x00\x00\xa1x", b"x" * 100])
def test_an_entry_that_is_none_is_passed_over(payload):
    replica = Replica()
    replica.append(payload)
    assert "does not decode" in replica.machine.defects[0]
    assert replica.run("SET a 1") == [OK]
