"""Actions in the words of the map and of people."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.actions import Drop, Lead, Merge, Retire, Split, Target, explain, verb_of
from trivet.core.cluster.map import genesis

ACTIONS = [
    Target(1, [1, 2, 4], "node 3 has not been heard for 300 s"),
    Lead(1, 2, "node 1 leads 3 groups and node 2 1"),
    Split(2, 4000, [1, 2, 3], "it is large"),
    Merge(3, 2, "it is small"),
    Drop(4, "it owns nothing"),
    Retire(5, "it was emptied"),
]


def test_people_read_them():
    assert explain(ACTIONS) == (
        "1. group 1 gets the members 1, 2, 4: node 3 has not been heard for 300 s\n"
        "2. node 2 leads group 1: node 1 leads 3 groups and node 2 1\n"
        "3. group 2 is split at slot 4000, new group on 1, 2, 3: it is large\n"
        "4. group 3 is merged into group 2: it is small\n"
        "5. group 4 is dropped: it owns nothing\n"
        "6. node 5 leaves: it was emptied\n"
    )


def test_the_map_takes_them():
    cluster = genesis("ab12", founders(3))
    hold_back(cluster, cluster.change(b"MAP KEYSPACE CREATE 9 SHARDS 2".split(), 0))
    assert [verb_of(cluster, action) for action in ACTIONS] == [
        [b"MAP", b"GROUP", b"TARGET", b"1", b"1", b"2", b"4"],
        [],
        [b"MAP", b"MOVE", b"START", b"2", b"NEW", b"4000-8191", b"it is large", b"ON", b"1", b"2", b"3"],
        [b"MAP", b"MOVE", b"START", b"3", b"2", b"8192-16383", b"it is small"],
        [b"MAP", b"GROUP", b"DROP", b"4"],
        [b"MAP", b"LEFT", b"5"],
    ]


def test_a_long_reason_is_cut_between_characters():
    cluster = genesis("ab12", founders(3))
    words = verb_of(cluster, Split(1, 5, [1], "x" + "ä" * 300))
    assert len(words[6]) == 255
    assert cluster.change(words, 0) == 1
