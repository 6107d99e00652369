"""What a group's turn has for others than those who asked."""

from tests.core.node.bench import Bench
from trivet.core.node.news import take_news


def test_each_has_its_news_and_a_group_is_left_with_none():
    """A waiting client is woken, a listener hears an event and a message, a refusal is noted."""
    bench = Bench()
    bench.say("a", "CONFIG SET notify-keyspace-events KEA | ACL SETUSER bob on nopass +@all -del ~* &*")
    bench.say("w", "BLPOP q 0")
    bench.say("l", "PSUBSCRIBE __keyevent* | SUBSCRIBE news")
    bench.say("b", "AUTH bob x")
    said = bench.say(
        "b", "EVAL \"redis.call('PUBLISH', 'news', 'hello'); redis.call('RPUSH', 'q', 'x')\" 1 q"
    )
    assert any("hello" in line for line in said)
    assert any("rpush" in line for line in said)
    assert any(line.startswith("w:") for line in said)
    bench.say("b", "EVAL \"return redis.pcall('DEL', KEYS[1])\" 1 q")
    assert "bob" in str(bench.say("a", "ACL LOG"))
    group = bench.node(1).group
    take_news(bench.node(1).front, group)
    assert not (group.misrouted or group.denied or group.woken or group.published or group.events)


def test_a_client_that_is_gone_is_not_missed():
    bench = Bench()
    group = bench.node(1).group
    group.woken.append(999)
    group.jumped = True
    take_news(bench.node(1).front, group)
    assert group.woken == [] and not group.jumped
    assert bench.say("a", "PING") == ["+PONG"]
