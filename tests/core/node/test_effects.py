"""Effects: data for the driver, and the order that it relies on."""

from tests.core.node.bench import Bench
from trivet.core.base.disk import Sync
from trivet.core.node.effects import ERROR, INFO, WARNING, Effects


def test_at_first_nothing_is_wanted():
    effects = Effects()
    lists = (
        "disk",
        "sends",
        "replies",
        "closes",
        "kills",
        "link_closes",
        "redials",
        "log",
        "pauses",
        "resumes",
    )
    assert all(getattr(effects, name) == [] for name in lists)
    assert (effects.again, effects.fatal, effects.finished) == (False, "", False)


def test_levels_are_those_of_the_standard_library():
    import logging

    assert (INFO, WARNING, ERROR) == (logging.INFO, logging.WARNING, logging.ERROR)


def test_a_turn_s_effects_are_given_once():
    """D1."""
    bench = Bench()
    bench.connect("a")
    node = bench.node(1)
    node.on_client_bytes(bench.clients["a"].conn, b"PING\r\n")
    assert len(node.turn(bench.mono_ms, bench.wall_ms).replies) == 1
    assert node.turn(bench.mono_ms, bench.wall_ms).replies == []


def test_a_write_is_answered_only_after_its_sync_was_reported():
    bench = Bench()
    bench.connect("a")
    bench.hold(1)
    assert bench.say("a", "SET k 1") == []
    jobs = bench.servers[1].disk.lanes[0]
    assert [type(operation) for operation in jobs[0].operations][-1] is Sync
    bench.release(1)
    assert bench.act("wait 0") == ["a: +OK"]


def test_replies_of_one_turn_are_one_piece():
    bench = Bench()
    bench.connect("a")
    bench.effects.clear()
    bench.say("a", "PING | PING | PING")
    assert [effects.replies for _, effects in bench.effects if effects.replies] == [
        [(bench.clients["a"].conn, b"+PONG\r\n" * 3)]
    ]
