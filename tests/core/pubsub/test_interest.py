"""What a peer announces, and how much of it is believed."""

from trivet.core.pubsub.interest import PeerInterest
from trivet.core.pubsub.messages import Interest, Kind

MANY = 1 << 30


def told(fresh: bool, *names: list[tuple[bytes, int]]) -> Interest:
    return Interest(1, 1, fresh, *names)


def said(*messages: Interest, names_max: int = MANY, cost_bytes_max: int = MANY) -> PeerInterest:
    interest = PeerInterest(names_max, cost_bytes_max)
    for message in messages:
        interest.take(message)
    return interest


def test_clients_count_for_each_name_that_fits():
    interest = said(told(True, [(b"ab", 2)], [(b"a*", 3), (b"b*", 5)], [(b"ab", 7)]))
    assert [interest.receivers(name) for name in (b"ab", b"a", b"b", b"c")] == [5, 3, 5, 0]
    assert [interest.shard_receivers(name) for name in (b"ab", b"a")] == [7, 0]


def test_later_news_changes_what_it_names():
    first = told(True, [(b"a", 2), (b"b", 1)], [(b"*", 1)], [])
    interest = said(first, told(False, [(b"a", 0), (b"c", 4)], [(b"*", 0), (b"nosuch", 0)], []))
    assert interest.counts == ({b"b": 1, b"c": 4}, {}, {})
    assert interest.globs == {}
    assert said(first, told(False, [(b"a", 9)], [], [])).receivers(b"a") == 10


def test_a_fresh_announcement_voids_all_before():
    first = told(True, [(b"a", 2)], [(b"*", 1)], [(b"s", 1)])
    interest = said(first, told(True, [(b"b", 1)], [], []), names_max=3)
    assert interest.counts == ({b"b": 1}, {}, {})
    assert interest.receivers(b"a") == 0


def test_a_peer_may_announce_so_much_and_no_more():
    """H5."""
    names = [(b"%d" % n, 1) for n in range(10)]
    interest = said(told(True, names, [], []), names_max=4)
    assert (len(interest.counts[Kind.CHANNEL]), interest.left_out) == (4, 6)
    interest = said(told(True, names, [], []), cost_bytes_max=101 * 3)
    assert (len(interest.counts[Kind.CHANNEL]), interest.left_out) == (3, 7)
    interest.take(told(False, [(b"0", 0), (b"9", -1)], [], []))
    interest.take(told(False, [(b"x", 1)], [(b"y", 1)], []))
    assert list(interest.counts[Kind.CHANNEL]) == [b"1", b"2", b"x"], "what goes makes room"
    assert interest.left_out == 8, "a pattern costs more"
