"""What one client connection may announce and leave unfinished (see ``resp``)."""

import msgspec


class RespLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may announce and make us hold, in bytes and in arguments."""

    bulk_bytes_max: int = 512 * 1024 * 1024
    multibulk_max: int = 2**31 - 1
    inline_bytes_max: int = 65536
    query_buffer_bytes_max: int = 1024 * 1024 * 1024
    unauth_multibulk_max: int = 10
    unauth_bulk_bytes_max: int = 16384
    unauth_query_buffer_bytes_max: int = 1024 * 1024
