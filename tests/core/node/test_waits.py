"""Calls that may wait, as a session takes them."""

from tests.core.node.bench import Bench, encode
from tests.core.node.crossing import A, Between, is_clean, sharded, transactions
from trivet.core.base.limits import Limits
from trivet.core.node import transacting


def test_a_call_that_is_too_large_is_refused():
    limits = Limits(segment_bytes=64 * 1024, waiting_call_bytes_max=100)
    said = Bench(limits=limits).answer("a", "BLPOP " + "k" * 101 + " 0")
    assert said.startswith("-ERR a call that waits is larger than waiting_call_bytes_max")


def test_what_comes_after_it_waits_and_what_came_before_is_done():
    """Rule C1: with keys in one group, and with keys in several."""
    for bench in (Bench(), sharded()):
        bench.ask("c", "PING")
        bench.talk("""
            c> SET d 1 | RPUSH a x | BLPOP b a 0 | GET d | BLPOP b a 0.1 | GET d | RPUSH a 1 | BLPOP a 0
            +OK
            1
            ["a" "x"]
            "1"
            * wait 200
            c: nil*
            c: "1"
            c: 1
            c: ["a" "1"]
        """)


def test_databases_that_are_nowhere():
    bench = sharded()
    bench.node(1).front.select(bench.node(1).front.sessions[bench.clients["c"].conn], 99)
    assert bench.answer("c", "BLPOP a b 0").startswith("-ERR there is no such database")


def test_too_many_transactions_and_writes_that_are_refused(monkeypatch):
    bench = sharded()
    bench.ask("v", "SELECT 3")
    monkeypatch.setattr(transacting, "UNDER_WAY_MAX", 1)
    between = Between(bench, A, b"LOCK")
    bench.ask("c", "BLPOP a b 0.1")
    assert bench.answer("v", "BLPOP a b 0").startswith("-TXNRETRY too many")
    between.release()
    bench.wait(300)
    assert not transactions(bench).running and is_clean(bench)
    bench.stop(1)
    assert bench.answer("v", "BLPOP a b 0").startswith("-CLUSTERDOWN this node is stopping")


def test_a_client_that_is_gone_in_the_turn_in_which_it_called():
    for bench in (sharded(), Bench()):
        bench.ask("c", "PING")
        bench.send("c", encode("PING | BLPOP a b 0"))
        bench.hang_up_client("c")
        bench.wait(200)
        assert is_clean(bench) and not bench.node(1).front.blocked.by_client
