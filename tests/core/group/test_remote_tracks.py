"""What a member remembers for clients of nodes without a copy (Rule F7)."""

from trivet.core.group.messages import KEYS_MAX, Invalidate
from trivet.core.group.remote_tracks import ALL, RemoteTracks
from trivet.core.group.run import Run
from trivet.core.values.database import Database


class Client:
    def run_done(self) -> None:
        pass


def read(*keys: str) -> Run:
    run = Run(Client(), False)
    for key in keys:
        run.add((0, [b"GET", key.encode()]), 10)
    return run


def told(tracks: RemoteTracks) -> list[tuple[int, object]]:
    outgoing: list = []
    tracks.tell(outgoing)
    return outgoing


def test_a_node_hears_once_of_what_it_has_read():
    tracks = RemoteTracks(100)
    assert not tracks.active
    tracks.remember(8, read("a", "b"))
    tracks.remember(9, read("b"))
    assert tracks.active
    tracks.before_change(Database(0), b"b")
    tracks.changed(b"c")
    assert told(tracks) == [(8, Invalidate([b"b"])), (9, Invalidate([b"b"]))]
    tracks.changed(b"b")
    assert told(tracks) == [], "it has not read it again"


def test_a_flush_and_a_jump_are_told_as_all():
    tracks = RemoteTracks(100)
    tracks.remember(8, read("a"))
    tracks.changed(b"a")
    tracks.before_flush(Database(0))
    assert told(tracks) == [(8, ALL)]
    tracks.changed(b"a")
    tracks.all_changed()
    assert told(tracks) == [], "nothing is remembered any more"


def test_keys_beyond_the_limit_are_told_as_changed():
    tracks = RemoteTracks(2)
    tracks.remember(8, read("a", "b", "a", "c"))
    assert told(tracks) == [(8, Invalidate([b"a"]))]
    for key in (b"a", b"b", b"c"):
        tracks.changed(key)
    assert told(tracks) == [(8, Invalidate([b"b", b"c"]))]


def test_who_wants_everything_is_told_so_and_hears_everything():
    tracks = RemoteTracks(100)
    tracks.follow(8, True)
    assert told(tracks) == [(8, ALL)], "from now on"
    tracks.changed(b"a")
    assert told(tracks) == [(8, Invalidate([b"a"]))]
    for number in range(KEYS_MAX + 1):
        tracks.changed(b"%d" % number)
    assert told(tracks) == [(8, ALL)], "more than one message may hold"
    tracks.follow(8, False)
    tracks.changed(b"a")
    assert told(tracks) == [] and not tracks.active


def test_a_link_that_broke_is_made_good():
    tracks = RemoteTracks(100)
    tracks.remember(8, read("a"))
    tracks.follow(9, True)
    told(tracks)
    for node in (7, 8, 9):
        tracks.lost(node)
    tracks.changed(b"a")
    assert told(tracks) == [], "nothing gets through"
    for node in (7, 8, 9):
        tracks.back(node)
    assert told(tracks) == [(8, ALL), (9, ALL)], "7 had read nothing"
    tracks.changed(b"a")
    assert told(tracks) == [(9, Invalidate([b"a"]))]


def test_what_has_run_elsewhere_counts_as_changed():
    tracks = RemoteTracks(100)
    tracks.passed(8, read("a"))
    assert told(tracks) == [(8, Invalidate([b"a"]))]
