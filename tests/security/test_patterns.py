"""Patterns of somebody who means harm, wherever a pattern is taken: CVE-2022-36021, CVE-2024-31228.

The worst case of the matcher itself is in ``tests/core/values/test_glob.py``.
"""

import time
import tracemalloc

import pytest

from tests.core.command.dialogue import Replica
from tests.core.node.bench import Bench
from trivet.core.script import rows as _rows  # noqa: F401
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.wire.reply import Error

EVIL = [
    b"a*" * 2000 + b"b",
    b"[" * 4000,
    b"?*" * 2000 + b"b",
    b"[a]*" * 1000 + b"[b]",
    b"\\" * 5001,
    b"*[^b]" * 800 + b"b",
]
TAKERS = ["KEYS P", "SCAN 0 MATCH P", "HSCAN h 0 MATCH P", "SSCAN s 0 MATCH P", "ZSCAN z 0 MATCH P",
          "FUNCTION LIST LIBRARYNAME P"]  # fmt: skip


def filled() -> Replica:
    replica = Replica()
    long = b"a" * 2000
    for args in (
        [b"SET", long, b"1"],
        [b"HSET", b"h", long, b"1"],
        [b"SADD", b"s", long],
        [b"ZADD", b"z", b"1", long],
    ):
        replica.run_args(args)
    return replica


@pytest.mark.parametrize("pattern", EVIL, ids=lambda pattern: pattern[:5].decode())
@pytest.mark.parametrize("call", TAKERS)
def test_commands_that_take_a_pattern(call: str, pattern: bytes):
    replica = filled()
    begun_s = time.process_time()
    replica.run_args([pattern if word == "P" else word.encode() for word in call.split()])
    assert time.process_time() - begun_s < 1


@pytest.mark.parametrize("call", TAKERS)
def test_a_pattern_has_a_length(call: str):
    """To compile megabytes of pattern took the node seconds and a hundred times their memory."""
    replica = filled()
    pattern = b"[a]" * (PATTERN_BYTES_MAX // 3 + 1)
    args = [pattern if word == "P" else word.encode() for word in call.split()]
    assert replica.run_args(args) == Error(f"ERR the pattern is longer than {PATTERN_BYTES_MAX} bytes")
    tracemalloc.start()
    replica.run_args([arg[: PATTERN_BYTES_MAX // 3 * 3] for arg in args])
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()


def test_only_the_last_of_many_patterns_is_compiled():
    replica = Replica()
    begun_s = time.process_time()
    replica.run_args([b"SCAN", b"0", *[b"MATCH", b"[ab]?" * 10_000] * 200])
    assert time.process_time() - begun_s < 1


def test_session_commands_that_take_a_pattern():
    bench = Bench(1)
    bench.say("a", "SET " + "a" * 2000 + " 1")
    bench.say("s", "SUBSCRIBE " + "a" * 2000)
    too_long = f"-ERR the pattern is longer than {PATTERN_BYTES_MAX} bytes"
    begun_s = time.process_time()
    for pattern in ("a*" * 2000 + "b", "[" * 4000, "?*" * 2000 + "b"):
        bench.say("p", f"PSUBSCRIBE {pattern}")
        bench.say("a", "PUBLISH " + "a" * 2000 + " m")
        assert bench.say("a", f"CONFIG GET {pattern}") == ["[]"]
        assert bench.say("a", f"PUBSUB CHANNELS {pattern}") == ["[]"]
        assert bench.say("a", f"COMMAND LIST FILTERBY PATTERN {pattern}") == ["[]"]
        assert bench.say("a", f"ACL SETUSER u{len(pattern)} on nopass ~{pattern} &{pattern} +@all") == ["+OK"]
        assert bench.say(f"u{len(pattern)}", f"AUTH u{len(pattern)} x | GET " + "a" * 2000)[1].startswith(
            "-NOPERM"
        )
    long = "x" * (PATTERN_BYTES_MAX + 1)
    assert bench.say("a", f"CONFIG GET {long}") == [too_long]
    assert bench.say("a", f"PUBSUB CHANNELS {long}") == [too_long]
    assert bench.say("a", f"COMMAND LIST FILTERBY PATTERN {long}") == [too_long]
    assert time.process_time() - begun_s < 10


def test_a_large_segment_costs_a_64th():
    """A segment that fails at its last element, at every place of a long key."""
    begun_s = time.process_time()
    assert not Glob(b"*" + b"?" * 30_000 + b"[b]*").matches(b"a" * 300_000)
    assert Glob(b"*" + b"?" * 30_000 + b"[b]*").matches(b"a" * 300_000 + b"b")
    assert time.process_time() - begun_s < 10
