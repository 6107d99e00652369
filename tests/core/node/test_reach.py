"""Which nodes are heard here, and which only elsewhere; ``INFO liveness``."""

from tests.core.node.bench import Bench
from tests.core.node.founded import founded, reply
from tests.core.node.test_info import facts
from trivet.core.node.reach import facts_seen, is_unreachable


def line(bench: Bench, number: int, node: int) -> dict[str, str]:
    """What a node's ``INFO liveness`` says of another."""
    found = facts(bench, f"info{number}@{number}", "liveness")[f"trivet_node{node}"]
    return dict(pair.split("=") for pair in found.split(","))


def cut(bench: Bench, one: int, other: int) -> None:
    """Their links are down, and come up no more."""
    for pair in ((one, other), (other, one)):
        bench.cuts[pair] = None
        bench.hang_up(*pair)


def test_whom_only_others_hear():
    """To both ends of the link that is gone; the third hears both."""
    bench = founded(3)
    bench.wait(2_000)
    leader = bench.node(1).system.raft.leader
    other, third = (number for number in (1, 2, 3) if number != leader)
    cut(bench, leader, other)
    bench.wait(6_000)
    assert line(bench, leader, other)["status"] == line(bench, other, leader)["status"] == "unreachable"
    assert line(bench, third, other)["status"] == line(bench, third, leader)["status"] == "alive"
    nodes = {one["id"]: one for one in reply(bench, f"a@{leader}", "CLUSTER STATE")["nodes"]}
    assert (nodes[other]["alive"], nodes[other]["unreachable"]) == (1, 1)
    assert nodes[other]["silent-ms"] > 4_000
    assert (nodes[third]["alive"], nodes[third]["unreachable"], nodes[third]["silent-ms"]) == (1, 0, 0)
    told = facts(bench, f"b@{leader}", "cluster")
    assert (told["trivet_nodes_suspect"], told["trivet_nodes_dead"]) == ("0", "0")
    bench.cuts.clear()
    bench.connect_all()
    bench.wait(1_500)
    assert line(bench, leader, other)["status"] == "alive"
    assert all(one["unreachable"] == 0 for one in reply(bench, "a", "CLUSTER STATE")["nodes"])


def test_the_dead_and_what_was_counted():
    bench = founded(3)
    before = line(bench, 1, 2)
    assert before["status"] == "alive" and before["not_alive_ms"] == "0"
    bench.crash(2)
    bench.wait(1_500)
    assert line(bench, 1, 2)["status"] == "suspect"
    front = bench.node(1).front
    assert list(facts_seen(front).dead_ms) == [2], "its link is gone, and nobody says that it is alive"
    bench.wait(3_500)
    now = line(bench, 1, 2)
    assert now["status"] == "dead" and 3_000 < int(now["not_alive_ms"]) < 5_000
    assert facts(bench, "b", "cluster")["trivet_nodes_dead"] == "1"
    bench.start(2)
    bench.wait(1_000)
    after = line(bench, 1, 2)
    assert after["status"] == "alive" and int(after["incarnation"]) > int(before["incarnation"])
    told = facts(bench, "c", "liveness")
    counted = [told[f"trivet_{what}"] for what in ("suspicions", "deaths", "refutations", "spoken_up")]
    assert counted == ["1", "1", "1", "0"]
    assert told["trivet_incarnation"] == line(bench, 3, 1)["incarnation"]


def test_whose_link_is_up_and_who_says_nothing_is_dead_to_all():
    bench = founded(3)
    bench.wait(500)
    other = next(number for number in (2, 3) if number != bench.node(1).system.raft.leader)
    still = next(
        number for number in (1, 2, 3) if number != other and number != bench.node(1).system.raft.leader
    )
    bench.cut(still)
    bench.wait(6_000)
    front = bench.node(other).front
    assert front.alive(still), "its link is up"
    assert list(facts_seen(front).dead_ms) == [still] and not facts_seen(front).unreachable_ms
    assert not is_unreachable(front, facts_seen(front), still)


def test_it_is_shown_only_by_name():
    bench = founded(3)
    assert "trivet_spoken_up" not in facts(bench, "a")
    assert "trivet_spoken_up" in facts(bench, "a", "all")
