import trivet.core.command.all_rows  # noqa: F401
from trivet.core.command.table import ROWS, SUBROWS, Flag, Place


def test_the_containers_have_their_subcommands():
    assert {b"GET", b"LEN", b"RESET", b"HELP"} == set(SUBROWS[b"SLOWLOG"])
    assert {b"LATEST", b"HISTORY", b"RESET", b"DOCTOR", b"GRAPH", b"HISTOGRAM", b"HELP"} == set(
        SUBROWS[b"LATENCY"]
    )
    assert {b"LIST", b"LOAD", b"LOADEX", b"UNLOAD", b"HELP"} == set(SUBROWS[b"MODULE"])


def test_what_ends_or_watches_a_server_is_for_administrators():
    for name in (b"SHUTDOWN", b"MONITOR", b"DEBUG", b"REPLICAOF"):
        assert ROWS[name].flags & Flag.ADMIN
        assert ROWS[name].place is Place.SESSION
