"""What a configuration may say, and how a mistake is named."""

import msgspec
import pytest

from trivet.core.cluster.map import Member
from trivet.core.node.config import NodeConfig


def members(*numbers: int) -> list[Member]:
    return [Member(id=n, host="127.0.0.1", client_port=7000 + n, peer_port=17000 + n) for n in numbers]


def config(**changes) -> NodeConfig:
    return NodeConfig(**{"node": 1, "cluster": "ab12", "members": members(1, 2, 3), **changes})


@pytest.mark.parametrize("numbers", [(1,), (1, 2, 3), (5, 3, 1), (1, 2, 3, 4, 5)])
def test_sound(numbers):
    assert config(members=members(*numbers)).problem() == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"node": 4}, "node: 4 is not among the members [1, 2, 3]"),
        ({"members": members(1, 2, 2)}, "members: an id stands twice in [1, 2, 2]"),
        ({"members": members(1, 2)}, "members: there are 2; a cluster is founded with 1, 3 or 5 nodes"),
        ({"members": members(1, 0, 3)}, "members: ids start at 1"),
        ({"cluster": ""}, "cluster: lower-case hex digits expected"),
        ({"cluster": "XYZ"}, "cluster: lower-case hex digits expected"),
        ({"tick_ms": 0}, "tick_ms: at least 1"),
        ({"heartbeat_ms": 10}, "election_ms: at least three times heartbeat_ms, which is at least tick_ms"),
        ({"election_ms": 200}, "election_ms: at least three times heartbeat_ms, which is at least tick_ms"),
        ({"command_timeout_ms": 900}, "command_timeout_ms: at least election_ms"),
    ],
)
def test_a_mistake_is_named(changes, said):
    assert config(**changes).problem() == said


@pytest.mark.parametrize(
    ("heartbeat_ms", "election_ms", "tick_ms"), [(20, 60, 20), (100, 300, 20), (1, 3, 1), (100, 300, 90)]
)
def test_what_is_called_sound_is_sound_for_raft(heartbeat_ms, election_ms, tick_ms):
    """A configuration that passes never fails deeper down."""
    from tests.core.node.bench_disk import Disk
    from trivet.core.node.node import Node

    sound = config(heartbeat_ms=heartbeat_ms, election_ms=election_ms, tick_ms=tick_ms)
    assert sound.problem() == ""
    Node(sound, Disk(), 1, 0, 1_700_000_000_000)


def test_what_is_unknown_is_refused():
    with pytest.raises(msgspec.ValidationError, match="nosuch"):
        msgspec.convert({"node": 1, "cluster": "ab", "members": [], "nosuch": 1}, NodeConfig)


def joined(**changes) -> NodeConfig:
    facts = {"node": 4, "cluster": "ab12", "known": members(1, 2), "members": [], "host": "10.0.0.4"}
    return config(**{**facts, "client_port": 7001, "peer_port": 17001, **changes})


def test_a_node_that_joins_is_no_member_and_knows_some():
    assert joined(zone="a", labels={"rack": "7"}).problem() == ""
    assert joined().address() == Member(id=4, host="10.0.0.4", client_port=7001, peer_port=17001)


@pytest.mark.parametrize(
    "lack", [{"known": []}, {"node": 0}, {"host": ""}, {"client_port": 0}, {"peer_port": 0}]
)
def test_what_a_node_that_joins_must_say(lack):
    said = "members: without any, the node joins: node, host, client_port, peer_port, known"
    assert joined(**lack).problem() == said


def test_a_founding_node_is_where_it_says_or_where_the_members_have_it():
    assert config(node=2).address() == members(2)[0]
    assert config(node=2, host="10.0.0.2").address() == Member(2, "10.0.0.2", 7002, 17002)
