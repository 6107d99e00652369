"""What settings mean to a node."""

from tests.core.node.bench import Bench
from trivet.core.machine.settings import Settings
from trivet.core.node.rules import Rules


def test_parsed_once_per_change():
    settings = Settings()
    rules = Rules(settings)
    assert rules.is_of(settings)
    assert (rules.timeout_ms, rules.slow_us, rules.clients_max) == (0, 10_000, 0)
    settings.put(b"timeout", b"7")
    assert not rules.is_of(settings)
    assert Rules(settings).timeout_ms == 7000
    assert not Rules(settings).is_of(Settings())


def test_idle_clients_are_closed():
    bench = Bench()
    bench.say("a", "CONFIG SET timeout 5")
    bench.say("b", "PING")
    bench.wait(3000)
    bench.say("a", "PING")
    bench.wait(3000)
    assert bench._outcome("") == ["b: cut off"]
    bench.say("c", "BLPOP k 0")
    bench.say("d", "MONITOR")
    bench.wait(3000)
    assert bench._outcome("") == ["a: cut off"]
    bench.wait(6000)
    assert bench._outcome("") == []


def test_no_more_clients_than_set():
    bench = Bench()
    bench.say("a", "CONFIG SET maxclients 2")
    bench.say("b", "PING")
    assert bench.say("c", "PING") == ["-ERR max number of clients reached", "closed"]


def test_unread_replies_have_limits():
    bench = Bench()
    bench.say("a", 'CONFIG SET client-output-buffer-limit "normal 3mb 2mb 1"')
    for name in ("b", "c"):
        bench.say(name, "PING")
    bench.backlog("b", 4 << 20)
    assert bench._outcome("") == ["b: cut off"]
    bench.backlog("c", 5 << 19)
    bench.wait(900)
    assert bench._outcome("") == []
    bench.wait(200)
    assert bench._outcome("") == ["c: cut off"]


def test_the_longest_argument():
    bench = Bench()
    bench.connect("b")
    bench.say("a", "CONFIG SET proto-max-bulk-len 1mb")
    bench.send("b", b"*2\r\n$4\r\nECHO\r\n$1048577\r\n")
    assert bench._outcome("b")[0] == "-ERR Protocol error: invalid bulk length"
