"""Which elements SORT takes for numbers, and in which order they come: one element more at a time."""

import pytest

from tests.differential.harness import Executor, Oracle, parse_reply
from trivet.core.wire.encode import encode

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")

NUMBERS = [
    b"", b" 1", b"\t\n\v\f\r 1", b"1 ", b" ", b"+5", b"-0", b"0x10", b"0x1p-3", b"inf", b"-INF", b"infinity", b"nan", b"x",
    b"1e400", b"-1e400", b"1e-400", b"1e-310", b"1e-320", b"2.2250738585072014e-308", b"2.2250738585072011e-308", b".5",
    b"5.", b".", b"1e", b"1e5", b"\x00", b"1\x00x", b"x\x001", b" \x00", b"0.1", b"9223372036854775808", b"1" * 400,
    b"0." + b"1" * 400, b"--1", b"1_000", b"\xc2\xb2",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("order", [b"ASC", b"DESC"])
def test_numbers(oracle: Oracle, text: bytes, order: bytes) -> None:
    executor = Executor()
    fill = [[b"FLUSHALL"], [b"RPUSH", b"l", b"3", b"-2", text, b"0", b"7", b"0.25"]]
    sort = [[b"SORT", b"l", order], [b"SORT", b"l", order, b"STORE", b"r"], [b"LRANGE", b"r", b"0", b"-1"]]
    for args in fill + sort:
        oracle.reconnect()  # accepting overwrites C's errno, which SORT reads and never clears
        ours = parse_reply(encode(executor.run(args, 1_000, 0), 3))
        assert ours == oracle.run_all(3, [args])[0], args
