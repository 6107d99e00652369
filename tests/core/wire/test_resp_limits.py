"""The defaults are those of Redis 7.0."""

from trivet.core.wire.resp_limits import RespLimits


def test_defaults() -> None:
    limits = RespLimits()
    assert limits.bulk_bytes_max == 512 * 1024 * 1024
    assert limits.inline_bytes_max == 64 * 1024
    assert (limits.unauth_multibulk_max, limits.unauth_bulk_bytes_max) == (10, 16384)
    assert limits.unauth_query_buffer_bytes_max == 1024 * 1024
