"""The whole map: conversations, the beginning, and long random histories.

A random history says anything at all, sensible or not, to two copies, one of which goes through
its bytes now and then. After every verb the invariants hold and both are equal.
"""

import pytest

from tests.core.cluster.conversation import founders, lines_of
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import ClusterMap, Member, decode, genesis
from trivet.core.wire.reply import Error

MEMBERS = [Member(id=n, host=f"10.0.0.{n}", client_port=7000 + n, peer_port=17000 + n) for n in (3, 1, 2)]


def test_members_stand_in_the_order_of_their_ids():
    cluster = ClusterMap("ab12", MEMBERS)
    assert list(cluster.members) == [1, 2, 3]
    assert cluster.voters == (1, 2, 3)
    assert cluster.members[2].host == "10.0.0.2"


def test_every_founding_node_computes_the_same():
    assert genesis("ab12", MEMBERS).encode() == genesis("ab12", sorted(MEMBERS, key=lambda m: m.id)).encode()
    assert genesis("ab12", MEMBERS).digest() != genesis("ab13", MEMBERS).digest()


def test_the_system_group_has_up_to_five_voters_and_the_others_listen():
    cluster = genesis("ab12", founders(7), 3)
    assert lines_of(cluster)[-2:] == [
        "group 0 of -1: nothing @0, members 1 2 3 4 5 / 6 7",
        "group 1 of 0: 0-16383 @0, members 1 2 3",
    ]
    cluster.check_invariants()


def test_one_node_alone_wishes_for_more():
    cluster = genesis("ab12", founders(1))
    cluster.check_invariants()
    assert (cluster.voters, cluster.keyspaces[0].replicas) == ((1,), 3)


def test_a_verb_that_is_none_is_an_error():
    cluster = genesis("ab12", founders(1))
    assert cluster.change([b"MAP"], 0) == Error("ERR wrong number of arguments for 'map' command")
    assert cluster.change([b"MAP", b"\xff\x00"], 0) == Error("ERR unknown verb '\ufffd\0'")


def test_a_change_names_its_epoch():
    cluster = genesis("ab12", founders(3))
    assert cluster.epoch == 1
    cluster.change([b"MAP", b"zone", b"1", b"east"], 0)
    assert cluster.epoch == 2


def test_copies_do_not_share_rows():
    cluster = genesis("ab12", founders(3))
    copy = decode(cluster.encode())
    copy.change([b"MAP", b"ZONE", b"1", b"east"], 0)
    copy.change([b"MAP", b"GROUP", b"TARGET", b"1", b"1", b"2"], 0)
    assert cluster.encode() == genesis("ab12", founders(3)).encode()


class History:
    """Somebody who says anything."""

    def __init__(self, seed: int) -> None:
        self.prng = Prng(seed)
        self.births = 1000
        self.claims: list[int] = []

    def node(self) -> str:
        return str(self.prng.between(1, 9))

    def group(self) -> str:
        return str(self.prng.between(0, 12))

    def ranges(self) -> str:
        low = self.prng.below(64) * 256
        return f"{low}-{min(16383, low + 256 * self.prng.between(1, 30) - 1)}"

    def words(self) -> list[str]:
        p, node, group = self.prng, self.node, self.group
        pick = p.below(18)
        if pick == 0:
            self.births += p.below(2)
            return [
                "JOIN",
                f"h{self.births}",
                "7001",
                "17001",
                "",
                "",
                str(self.births),
                str(p.below(9) // 4),
            ]
        if pick == 1:
            return [("DRAIN", "UNDRAIN", "LEFT")[p.below(3)], node()]
        if pick == 2:
            return ["GROUP", "DROP", group()]
        if pick < 5:
            return ["GROUP", "TARGET", group(), *dict.fromkeys(node() for _ in range(p.between(1, 4)))]
        if pick < 8:
            nodes = list(dict.fromkeys(node() for _ in range(p.between(1, 6))))
            cut = p.between(1, len(nodes))
            return ["MEMBERS", group(), str(p.below(100)), *nodes[:cut], "/", *nodes[cut:]]
        if pick < 12:
            target = group() if p.below(2) else "NEW"
            return ["MOVE", "START", group(), target, self.ranges(), "chance"]
        if pick < 16:
            verb = ("ABORT", "DONE", "DONE", "TAKEN", "END", "END")[p.below(6)]
            return ["MOVE", verb, str(p.between(1, 30))]
        if self.claims and p.below(4):
            verb, token = ("HELD", "HELD", "FULL", "OVER")[p.below(4)], str(self.claims[0] - p.below(5) // 4)
            return ["CLAIM", verb, token, *[group()] * (verb != "OVER"), *["1"] * (verb == "FULL")]
        number = str(p.below(20))
        if pick == 16:
            return [
                "KEYSPACE",
                "CREATE",
                number,
                "REPLICAS",
                str(p.between(1, 4)),
                "SHARDS",
                str(p.between(1, 4)),
            ]
        return ["KEYSPACE", ("DROP", "ALTER")[p.below(2)], number]


def check_routes(cluster: ClusterMap) -> None:
    for db in (0, 5, 17):
        for slot in (0, 255, 256, 5000, 8191, 16383):
            keyspace = cluster.keyspace_of(db)
            owners = [
                row.id
                for row in cluster.groups.values()
                if keyspace is not None
                and row.keyspace == keyspace.number
                and any(first <= slot <= last for first, last in row.ranges)
            ]
            assert [cluster.group_of(db, slot)] == (owners or [-1])
            assert set(owners) <= set(cluster.groups_of(db))


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_is_said_breaks_it(seed):
    history = History(seed)
    one = genesis("ab12", founders(3))
    other = genesis("ab12", founders(3))
    accepted, given = 0, {}
    for step in range(400):
        history.claims = list(one.claims)
        args = [word.encode() for word in ("MAP", *history.words())]
        before = one.encode()
        reply = one.change(args, step)
        one.check_invariants()
        assert other.change(args, step) == reply
        if isinstance(reply, Error):
            assert one.encode() == before
        else:
            accepted += 1
        for group in one.groups.values():
            assert given.setdefault(group.id, group.keyspace) == group.keyspace, "an id came back"
        if step % 10 == 0:
            check_routes(one)
            other = decode(other.encode())
        assert other.encode() == one.encode()
    assert accepted > 40
