"""One node's part: what it delivers, what it tells its peers, and when."""

from tests.core.pubsub.test_subscriptions import Ear
from trivet.core.base.limits import Limits
from trivet.core.pubsub.hub import Hub
from trivet.core.pubsub.messages import Heard, Interest, Kind, Published, PubSubMessage, TellEverything

LIFE = 9


def hub(*peers: int) -> Hub:
    one = Hub(Limits(), LIFE)
    for peer in peers:
        one.on_peer_up(peer)
    assert one.take_sends() == [(peer, Interest(LIFE, 1, True, [], [], [], 1)) for peer in peers]
    return one


def test_peers_hear_of_changes_once_per_turn():
    """H2."""
    one = hub(2, 3)
    ear = Ear()
    one.subscribe(7, ear, Kind.CHANNEL, b"x")
    one.subscribe(8, ear, Kind.CHANNEL, b"x")
    one.subscribe(7, ear, Kind.PATTERN, b"p*")
    one.unsubscribe(7, Kind.PATTERN, b"p*")
    news = Interest(LIFE, 2, False, [(b"x", 2)], [(b"p*", 0)], [], 2)
    assert one.take_sends() == [(2, news), (3, news)]
    assert one.take_sends() == []
    one.forget(7)
    one.forget(7)
    news = Interest(LIFE, 3, False, [(b"x", 1)], [], [], 3)
    assert one.take_sends() == [(2, news), (3, news)]


def test_a_new_link_gets_everything_and_others_the_news():
    one = hub(2)
    one.subscribe(7, Ear(), Kind.CHANNEL, b"x")
    one.take_sends()
    one.on_peer_up(3)
    one.subscribe(7, Ear(), Kind.SHARD, b"s")
    assert one.take_sends() == [
        (2, Interest(LIFE, 3, False, [], [], [(b"s", 1)], 3)),
        (3, Interest(LIFE, 1, True, [(b"x", 1)], [], [(b"s", 1)], 3)),
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
        (2, Interest(LIFE, 2, True, [], [], [], 2)),
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
    assert [first.change, second.change] == [0, 0]
    assert third.change
    one.on_peer_up(3)
    parts = [said for _, said in one.take_sends() if isinstance(said, Interest)]
    assert [part.fresh for part in parts] == [True, False, False]
    assert [part.change for part in parts] == [0, 0, third.change + 1]


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
    assert one.take_sends() == [(3, Interest(LIFE, 3, True, [(b"x", 1)], [], [], 3))]


def told(one: Hub, sender: int, message: PubSubMessage) -> list[tuple[int, PubSubMessage]]:
    """What ``one`` says to what ``sender`` says."""
    one.on_message(sender, message)
    return one.take_sends()


def unanswered(one: Hub, conn: int, *names: bytes) -> list[int]:
    """A client listens, and the turn ends; who is to be answered by then."""
    assert not one.are_known(Kind.CHANNEL, list(names))
    one.subscribe_and_wait(conn, Ear(), Kind.CHANNEL, b"subscribe", list(names), 0)
    one.take_sends()
    return heard(one)


def heard(one: Hub) -> list[int]:
    """Who is to be answered."""
    taken = one.take_confirmed()
    one.local.check_invariants()
    return [one_of_them.conn for one_of_them in taken]


def with_peers(*peers: int) -> Hub:
    """Whose peers are alive, and have heard everything."""
    one = hub(*peers)
    for peer in peers:
        one.on_message(peer, Interest(5, 1, True, [], [], [], 1))
        one.on_message(peer, Heard(LIFE, 1))
    assert one.take_sends() == [(peer, Heard(5, 1)) for peer in peers]
    return one


def test_announcements_are_answered_once_per_turn():
    """H7."""
    one = hub(2, 3)
    one.on_message(2, Interest(5, 1, True, [], [], [], 1))
    one.on_message(2, Interest(5, 2, False, [(b"x", 1)], [], [], 2))
    one.on_message(3, Interest(6, 1, True, [], [], [], 0))
    one.on_message(4, Interest(7, 1, True, [], [], [], 1))
    assert one.take_sends() == [(2, Heard(5, 2))], "3 has more to tell, and to 4 there is no link"
    assert told(one, 3, Interest(6, 2, False, [(b"y", 1)], [], [], 9)) == [(3, Heard(6, 9))]
    assert told(one, 2, Interest(5, 2, False, [(b"x", 1)], [], [], 2)) == [], "a copy"


def test_after_a_gap_nothing_is_said_to_be_heard_until_everything_is():
    """H6, H7."""
    one = hub(2)
    assert told(one, 2, Interest(5, 1, True, [], [], [], 1)) == [(2, Heard(5, 1))]
    assert told(one, 2, Interest(5, 3, False, [(b"x", 1)], [], [], 3)) == [(2, TellEverything())]
    assert told(one, 2, Interest(5, 4, False, [(b"y", 1)], [], [], 4)) == []
    assert told(one, 2, Interest(5, 5, True, [(b"x", 1)], [], [], 5)) == [(2, Heard(5, 5))]


def test_what_was_heard_is_said_again_on_a_new_link():
    """H7."""
    one = hub(2)
    one.on_message(2, Interest(5, 1, True, [], [], [], 4))
    one.take_sends()
    one.on_peer_lost(2)
    one.on_peer_up(2)
    assert one.take_sends()[0] == (2, Heard(5, 4))
    one.on_peer_silent(2)
    one.on_peer_up(2)
    assert [said for _, said in one.take_sends() if isinstance(said, Heard)] == []


def test_a_subscription_is_confirmed_when_all_peers_have_heard():
    """H7."""
    one = with_peers(2, 3)
    one.subscribe_and_wait(7, Ear(), Kind.CHANNEL, b"subscribe", [b"x", b"x"], 0)
    one.subscribe_and_wait(7, Ear(), Kind.PATTERN, b"psubscribe", [b"*"], 0)
    assert [answer.items for answer in one.confirmations[7].answers] == [
        [b"subscribe", b"x", 1], [b"subscribe", b"x", 1], [b"psubscribe", b"*", 2],
    ]  # fmt: skip
    news = Interest(LIFE, 2, False, [(b"x", 1)], [(b"*", 1)], [], 2)
    assert one.take_sends() == [(2, news), (3, news)]
    assert one.deliver(False, b"x", b"0") == 2, "it listens already"
    one.on_message(2, Heard(LIFE, 2))
    one.on_message(3, Heard(LIFE, 1))
    assert heard(one) == []
    one.on_message(3, Heard(8, 2))
    assert heard(one) == [], "said to an earlier life"
    one.on_message(3, Heard(LIFE, 2))
    assert heard(one) == [7]
    assert one.deliver(False, b"x", b"1") == 2
    assert one.take_sends() == [], "peers know it all"
    assert one.local.born == {}
    assert one.are_known(Kind.CHANNEL, [b"x"])
    assert not one.are_known(Kind.CHANNEL, [b"x", b"y"])


def test_a_name_that_peers_may_not_know_yet_is_waited_for_by_all():
    """H7."""
    one = with_peers(2)
    assert unanswered(one, 7, b"x") == []
    assert unanswered(one, 8, b"x") == []
    one.forget(7)
    one.take_sends()
    one.on_message(2, Heard(LIFE, 2))
    assert heard(one) == [8]
    one.forget(8)
    assert unanswered(one, 9, b"x") == [], "nobody listened in between"


def test_without_peers_that_are_alive_nobody_waits():
    one = hub(2)
    assert one.are_known(Kind.CHANNEL, [b"x"]), "2 has not spoken"
    one = with_peers(2)
    one.on_peer_silent(2)
    assert one.are_known(Kind.CHANNEL, [b"x"])
    one = with_peers(2)
    one.on_peer_lost(2)
    assert one.are_known(Kind.CHANNEL, [b"x"])


def test_a_link_that_breaks_ends_the_wait_for_its_peer():
    """H7."""
    for lose in (Hub.on_peer_lost, Hub.on_peer_silent):
        one = with_peers(2, 3)
        assert unanswered(one, 7, b"x") == []
        lose(one, 2)
        assert heard(one) == []
        one.on_message(3, Heard(LIFE, 2))
        assert heard(one) == [7]


def test_a_peer_with_a_new_link_must_hear_everything_anew():
    """H7: also what it had heard before."""
    one = with_peers(2)
    one.on_message(2, Heard(LIFE, 1))
    unanswered(one, 7, b"x")
    one.on_message(2, Heard(LIFE, 2))
    assert heard(one) == [7]
    one.on_peer_up(2)
    one.on_message(2, Heard(LIFE, 2))
    assert one.take_sends() == [(2, Heard(5, 1)), (2, Interest(LIFE, 3, True, [(b"x", 1)], [], [], 3))]
    assert not one.are_known(Kind.CHANNEL, [b"x"])
    one.on_message(2, Heard(LIFE, 2))
    assert not one.are_known(Kind.CHANNEL, [b"x"]), "that was about the link before"
    one.on_message(2, Heard(LIFE, 3))
    assert one.are_known(Kind.CHANNEL, [b"x"])


def test_a_late_peer_is_waited_for_again_when_it_answers():
    """H7."""
    one = with_peers(2, 3)
    assert unanswered(one, 7, b"x") == []
    one.on_message(3, Heard(LIFE, 2))
    one.tick(499)
    assert heard(one) == []
    one.tick(500)
    assert heard(one) == [7]
    assert one.take_sends() == [(2, Interest(LIFE, 3, False, [], [], [], 3))], "a probe"
    one.tick(999)
    assert one.take_sends() == []
    assert unanswered(one, 8, b"y") == []
    one.on_message(3, Heard(LIFE, 4))
    assert heard(one) == [8], "nobody waits for 2"
    one.tick(1000)
    assert one.take_sends() == [(2, Interest(LIFE, 5, False, [], [], [], 5))]
    one.on_message(2, Heard(LIFE, 3))
    assert not one.are_known(Kind.CHANNEL, [b"y"])
    one.on_message(2, Heard(LIFE, 5))
    assert one.are_known(Kind.CHANNEL, [b"y"])
    one.tick(1500)
    assert one.take_sends() == []


def test_who_waits_for_nobody_is_answered_where_a_peer_has_heard_nothing_yet():
    """H7: over a new link."""
    one = hub(2)
    one.on_message(2, Interest(5, 1, True, [], [], [], 1))
    assert unanswered(one, 7, b"x") == []
    one.confirmations[7].wait_for_nobody()
    assert heard(one) == [7]


def test_one_that_goes_is_confirmed_nothing():
    one = with_peers(2)
    unanswered(one, 7, b"x", b"y")
    assert one.all_names() == [(7, ({b"x": None, b"y": None}, {}, {}))]
    one.forget(7)
    assert one.take_sends() == [(2, Interest(LIFE, 3, False, [(b"x", 0), (b"y", 0)], [], [], 3))]
    one.on_message(2, Heard(LIFE, 3))
    assert heard(one) == []
    assert (one.local.count, one.local.cost_bytes) == (0, 0)


def test_what_is_not_confirmed_counts_for_the_limits():
    """H5."""
    one = Hub(Limits(client_subscriptions_max=2, subscriptions_max=3), LIFE)
    one.subscribe_and_wait(7, Ear(), Kind.CHANNEL, b"subscribe", [b"x", b"y"], 0)
    assert one.refuse(7, Kind.CHANNEL, [b"x"]) is None
    refusal = one.refuse(7, Kind.CHANNEL, [b"z"])
    assert refusal is not None and "client_subscriptions_max (2)" in refusal.text
    refusal = one.refuse(8, Kind.CHANNEL, [b"x", b"y"])
    assert refusal is not None and "(3)" in refusal.text


def test_a_message_published_after_the_answer_is_heard():
    """H3, H7: two nodes."""
    one, other = Hub(Limits(), 1), Hub(Limits(), 2)
    one.on_peer_up(2)
    other.on_peer_up(1)

    def exchange() -> None:
        for _, said in one.take_sends():
            other.on_message(1, said)
        for _, said in other.take_sends():
            one.on_message(2, said)

    for _ in range(3):
        exchange()
    ear = Ear()
    other.subscribe_and_wait(7, ear, Kind.CHANNEL, b"subscribe", [b"x"], 0)
    assert one.publish(False, b"x", b"0") == 0
    while not heard(other):
        exchange()
    assert one.publish(False, b"x", b"1") == 1
    exchange()
    other.open_inbox()
    assert [data.split(b"\r\n")[-2] for data in ear.heard] == [b"1"]
