"""One node's part: what it delivers, what it tells its peers, and when."""

from tests.core.pubsub.test_subscriptions import Ear
from trivet.core.base.limits import Limits
from trivet.core.pubsub.hub import Hub
from trivet.core.pubsub.messages import Interest, Kind, Published, TellEverything

LIFE = 9


def hub(*peers: int) -> Hub:
    one = Hub(Limits(), LIFE)
    for peer in peers:
        one.on_peer_up(peer)
    assert one.take_sends() == [(peer, Interest(LIFE, 1, True, [], [], [])) for peer in peers]
    return one


def test_peers_hear_of_changes_once_per_turn():
    """H2."""
    one = hub(2, 3)
    ear = Ear()
    one.subscribe(7, ear, Kind.CHANNEL, b"x")
    one.subscribe(8, ear, Kind.CHANNEL, b"x")
    one.subscribe(7, ear, Kind.PATTERN, b"p*")
    one.unsubscribe(7, Kind.PATTERN, b"p*")
    news = Interest(LIFE, 2, False, [(b"x", 2)], [(b"p*", 0)], [])
    assert one.take_sends() == [(2, news), (3, news)]
    assert one.take_sends() == []
    one.forget(7)
    one.forget(7)
    news = Interest(LIFE, 3, False, [(b"x", 1)], [], [])
    assert one.take_sends() == [(2, news), (3, news)]


def test_a_new_link_gets_everything_and_others_the_news():
    one = hub(2)
    one.subscribe(7, Ear(), Kind.CHANNEL, b"x")
    one.take_sends()
    one.on_peer_up(3)
    one.subscribe(7, Ear(), Kind.SHARD, b"s")
    assert one.take_sends() == [
        (2, Interest(LIFE, 3, False, [], [], [(b"s", 1)])),
        (3, Interest(LIFE, 1, True, [(b"x", 1)], [], [(b"s", 1)])),
    ]


def test_messages_go_where_somebody_listens():
    """H3."""
    one = hub(2, 3)
    one.on_message(2, Interest(5, 1, True, [(b"x", 2)], [], []))
    one.on_message(3, Interest(5, 1, True, [], [(b"*", 1)], [(b"x", 4)]))
    assert one.publish(False, b"x", b"1") == 3
    assert one.publish(False, b"y", b"2") == 1
    assert one.publish(True, b"x", b"3") == 4
    assert one.publish(True, b"y", b"4") == 0
    assert one.take_sends() == [
        (2, Published(LIFE, 2, [(False, b"x", b"1")])),
        (3, Published(LIFE, 2, [(False, b"x", b"1"), (False, b"y", b"2"), (True, b"x", b"3")])),
    ]
    assert one.published == 4


def test_what_peers_send_is_for_those_here_only():
    one = hub(2, 3)
    one.on_message(3, Interest(5, 1, True, [(b"x", 1)], [], []))
    ear = Ear()
    one.subscribe(7, ear, Kind.CHANNEL, b"x")
    one.take_sends()
    one.on_message(2, Published(5, 1, [(False, b"x", b"1"), (True, b"x", b"2"), (False, b"y", b"3")]))
    assert ear.heard == [], "not before the turn ends"
    one.open_inbox()
    one.open_inbox()
    assert len(ear.heard) == 1
    assert [sent for sent in one.take_sends() if sent[1] != TellEverything()] == []


def test_links_that_break_take_along_what_was_for_them():
    """H1, H2."""
    one = hub(2)
    one.on_message(2, Interest(5, 1, True, [(b"x", 1)], [], []))
    one.publish(False, b"x", b"lost")
    one.on_peer_lost(2)
    assert one.publish(False, b"x", b"no way") == 0
    one.on_peer_up(2)
    assert one.publish(False, b"x", b"1") == 1
    assert one.take_sends() == [
        (2, Interest(LIFE, 2, True, [], [], [])),
        (2, Published(LIFE, 3, [(False, b"x", b"1")])),
    ]
    one.on_peer_silent(2)
    assert one.publish(False, b"x", b"2") == 0
    assert one.channels(Kind.CHANNEL, None) == []


def test_large_turns_travel_in_several_frames():
    one = hub(2)
    one.on_message(2, Interest(5, 1, True, [(b"x", 1)], [], []))
    texts = [b"a" * 600_000, b"b" * 600_000, b"c" * 3_000_000, b"d", b"e"]
    for text in texts:
        one.publish(False, b"x", text)
    frames = [said for _, said in one.take_sends() if isinstance(said, Published)]
    assert [[text for _, _, text in frame.messages] for frame in frames] == [
        texts[:1],
        texts[1:2],
        texts[2:3],
        texts[3:],
    ]
    ear = Ear()
    for n in range(50):
        one.subscribe(7, ear, Kind.CHANNEL, b"%d" % n + bytes(50_000))
    first, second, third = [said for _, said in one.take_sends() if isinstance(said, Interest)]
    assert len(first.channels) + len(second.channels) + len(third.channels) == 50
    one.on_peer_up(3)
    assert [said.fresh for _, said in one.take_sends() if isinstance(said, Interest)] == [True, False, False]


def test_questions_are_answered_for_all_nodes():
    one = hub(2, 3)
    one.on_message(2, Interest(5, 1, True, [(b"x", 2), (b"ab", 1)], [(b"p*", 1)], []))
    one.on_message(3, Interest(5, 1, True, [(b"x", 1)], [(b"p*", 1), (b"q*", 1)], []))
    one.subscribe(7, Ear(), Kind.CHANNEL, b"x")
    assert one.channels(Kind.CHANNEL, None) == [b"x", b"ab"]
    assert one.channels(Kind.CHANNEL, b"a*") == [b"ab"]
    assert one.channels(Kind.PATTERN, None) == [b"p*", b"q*"]
    assert [one.clients_of(Kind.CHANNEL, name) for name in (b"x", b"ab", b"y")] == [4, 1, 0]
    assert (one.names(7, Kind.CHANNEL), one.names(8, Kind.CHANNEL)) == ([b"x"], [])
    assert (one.count(7, Kind.PATTERN), one.count(8, Kind.CHANNEL)) == (1, 0)
    assert one.left_out == 0


def test_refusals_name_their_limit_and_repetitions_cost_nothing():
    """H5."""
    one = Hub(Limits(client_subscriptions_max=2, subscriptions_max=3, subscriptions_bytes_max=1000), LIFE)
    one.subscribe(7, Ear(), Kind.CHANNEL, b"a")
    one.subscribe(7, Ear(), Kind.CHANNEL, b"b")
    assert one.refuse(7, Kind.CHANNEL, [b"a", b"b"]) is None
    for conn, kind, names, word in (
        (7, Kind.CHANNEL, [b"c"], "client_subscriptions_max (2)"),
        (8, Kind.CHANNEL, [b"c", b"d"], "subscriptions_max (3)"),
        (8, Kind.PATTERN, [bytes(30)], "subscriptions_bytes_max (1000)"),
        (8, Kind.CHANNEL, [bytes(70_000)], "channel_bytes_max (65536)"),
    ):
        refusal = one.refuse(conn, kind, names)
        assert refusal is not None
        assert word in refusal.text


def test_copies_and_what_was_overtaken_are_passed_over():
    """H6."""
    one = hub(2)
    ear = Ear()
    one.subscribe(7, ear, Kind.CHANNEL, b"x")
    one.take_sends()
    one.on_message(2, Interest(5, 1, True, [(b"y", 1)], [], []))
    for number, text in ((2, b"a"), (2, b"a"), (4, b"c"), (3, b"b"), (4, b"c"), (5, b"d")):
        one.on_message(2, Published(5, number, [(False, b"x", text)]))
    one.on_message(2, Published(4, 99, [(False, b"x", b"of an earlier life")]))
    one.on_message(2, Interest(5, 1, True, [], [], []))
    one.open_inbox()
    assert [data.split(b"\r\n")[-2] for data in ear.heard] == [b"a", b"c", b"d"]
    assert one.clients_of(Kind.CHANNEL, b"y") == 1


def test_after_a_gap_a_peer_is_asked_for_everything_until_it_tells():
    """H6."""
    one = hub(2)
    one.on_message(2, Interest(5, 1, True, [], [], []))
    one.on_message(2, Interest(5, 2, False, [(b"x", 1)], [], []))
    assert one.take_sends() == []
    one.on_message(2, Interest(5, 4, False, [(b"y", 1)], [], []))
    assert one.take_sends() == [(2, TellEverything())]
    for number in range(5, 5 + 64):
        assert one.take_sends() == []
        one.on_message(2, Published(5, number, [(False, b"x", b"")]))
    assert one.take_sends() == [(2, TellEverything())], "the answer seems lost"
    one.on_message(2, Interest(5, 100, True, [(b"z", 1)], [], []))
    one.on_message(2, Interest(5, 101, False, [(b"y", 1)], [], []))
    assert one.take_sends() == []
    assert one.channels(Kind.CHANNEL, None) == [b"z", b"y"]


def test_a_peer_that_asks_is_told_of_everything():
    """H6."""
    one = hub(2, 3)
    one.subscribe(7, Ear(), Kind.CHANNEL, b"x")
    one.take_sends()
    one.on_message(3, TellEverything())
    one.on_message(4, TellEverything())
    assert one.take_sends() == [(3, Interest(LIFE, 3, True, [(b"x", 1)], [], []))]
