"""What administrators want of nodes and groups: changes of the map."""

from tests.core.node.bench import Bench
from tests.core.node.founded import founded, reply
from trivet.core.cluster.ranges import show
from trivet.core.raft.state import Role

JOIN = 'CLUSTER JOIN 10.0.0.9 7009 17009 rack9 \'{"disk": "ssd"}\' 99'


def states(bench: Bench, number: int = 1) -> dict[int, str]:
    return {node: row.state for node, row in bench.node(number).front.cluster.nodes.items()}


def test_a_node_joins_and_leaves_again():
    bench = founded(3)
    joined = reply(bench, "a@2", JOIN)
    assert joined == [
        4, "c0ffee", [[n, f"10.0.0.{n}", 7000 + n, 17000 + n] for n in (1, 2, 3)] + [[4, "10.0.0.9", 7009, 17009]],
    ]  # fmt: skip
    assert reply(bench, "a", JOIN) == joined, "the same birth is the same node"
    row = bench.node(1).front.cluster.nodes[4]
    bench.until(lambda: row.state == "up")
    assert (row.zone, row.labels, row.state) == ("rack9", {"disk": "ssd"}, "up")
    bench.talk(
        """
        b> CLUSTER LEAVE 9 | CLUSTER JOIN 10.0.0.9 7009 17009 z {} 98 | CLUSTER JOIN h 1 2 z {} x
        -ERR Unknown node 9
        -ERR node 4 has the address 10.0.0.9, port 7009 or 17009: take another one, or join in its place
        -ERR value is not an integer or out of range
        """
    )
    bench.answer("b", "CLUSTER DRAIN 4")
    assert bench.answer("b", "CLUSTER LEAVE 4") == "+OK"
    assert states(bench)[4] == "gone"
    assert bench.answer("b", JOIN).startswith("-ERR node 4 has left the cluster")


def test_draining_and_taking_it_back():
    bench = founded(3)
    name = bench.node(1).front.cluster.node_name(3)
    bench.talk(
        f"""
        a> CLUSTER LEAVE 3 | CLUSTER DRAIN {name} | CLUSTER LEAVE 3
        -ERR node 3 is up: CLUSTER DRAIN 3 first
        +OK
        -ERR node 3 is still a member of group 0: drain it first
        a> CLUSTER UNDRAIN 3 | CLUSTER UNDRAIN 3 | CLUSTER DRAIN x | CLUSTER LEAVE 3 NOW
        +OK
        +OK
        -ERR Unknown node x
        -ERR syntax error
        """
    )
    assert states(bench)[3] == "up"


def test_only_a_dead_node_is_forced_out():
    bench = founded(3)
    assert bench.answer("a", "CLUSTER LEAVE 3 FORCE") == "-ERR node 3 is alive: CLUSTER DRAIN 3 first"
    bench.crash(3)
    bench.wait(200)
    assert bench.answer("a", "CLUSTER LEAVE 3 FORCE") == (
        "-ERR node 3 is still a member of group 0: drain it first"
    )
    assert states(bench)[3] == "draining", "so its replicas go to others, and it leaves when it has none"


def test_a_new_node_takes_the_place_of_a_dead_one():
    bench = founded(3)
    bench.answer("a", JOIN)
    bench.wait(100)
    assert bench.answer("a", "CLUSTER REPLACE 3 4") == "-ERR node 3 is alive: CLUSTER DRAIN 3 empties it"
    bench.crash(3)
    bench.wait(200)
    bench.talk(
        """
        a> CLUSTER REPLACE 3 4 | CLUSTER REPLACE 3 4 | CLUSTER REPLACE 2 9 | CLUSTER REPLACE 9 2
        +OK
        +OK
        -ERR Unknown node 9
        -ERR Unknown node 9
        """
    )
    cluster = bench.node(1).front.cluster
    assert cluster.nodes[4].replaces == 3 and cluster.nodes[3].state == "draining"


def test_moving_slots():
    bench = founded(3, "20 SHARDS 2")
    bench.talk(
        """
        a> CLUSTER SPLIT 2 | CLUSTER MERGE 3 2 | CLUSTER MOVE 2 0-9,20 3 | CLUSTER MOVE 2 30 NEW
        1
        2
        3
        4
        a> CLUSTER SPLIT 9 | CLUSTER SPLIT 2 0 | CLUSTER SPLIT 2 16384 | CLUSTER MERGE 1 2 | CLUSTER MERGE 2 9
        -ERR no such group: 9
        -ERR group 2 has nothing on both sides of slot 0
        -ERR Invalid or out of range slot
        -ERR groups 1 and 2 are of different keyspaces
        -ERR no such group: 9
        a> CLUSTER MOVE 2 x 3 | CLUSTER MOVE 9 1 3 | CLUSTER MOVE 2 1 x | CLUSTER MOVE 0 1 2 | CLUSTER MERGE 4 2
        -ERR invalid ranges: such as 0-99,200, in order, at most 512
        -ERR no such group: 9
        -ERR no such group: x
        -ERR the system group has no slots
        -ERR group 4 owns no slots
        """
    )
    moves = bench.node(1).front.cluster.moves.values()
    begun = [(2, 4, "4096-8191"), (3, 2, "8192-16383"), (2, 3, "0-9,20"), (2, 5, "30")]
    assert all((move.source, move.target_group, show(move.ranges)) in begun for move in moves)
    assert bench.node(1).front.cluster.groups[4].founders == [1, 2, 3]


def test_a_move_is_aborted_before_its_hand_over():
    bench = founded(3, "20 SHARDS 2")
    assert bench.say("a", "CLUSTER MOVE 2 0-9 3 | CLUSTER MOVE ABORT 1") == ["1", "+OK"]
    assert not bench.node(1).front.cluster.moves
    for words, answer in (
        ("ABORT 1", "-ERR move 1 is over"),
        ("ABORT 9", "-ERR no such move: 9"),
        ("ABORT x", "-ERR value is not an integer or out of range"),
        ("2 1", "-ERR syntax error"),
        ("2 1 3 4", "-ERR syntax error"),
    ):
        assert bench.answer("a", f"CLUSTER MOVE {words}") == answer


def test_a_new_group_stands_on_nodes_that_are_alive_if_they_are_enough():
    bench = founded(5, "20 REPLICAS 3 SHARDS 1")
    dead = next(number for number in (5, 4, 3) if number != bench.leader())
    bench.crash(dead)
    bench.wait(1_500)
    bench.answer("a", "CLUSTER SPLIT 2")
    bench.wait(100)
    row = bench.node(1).front.cluster.groups[3]
    assert dead not in row.members and len(row.members) == 3


def test_another_member_leads():
    bench = founded(3)
    bench.talk(
        """
        a> CLUSTER LEAD 1 1 | CLUSTER LEAD 1 9 | CLUSTER LEAD 9 1
        +OK
        -ERR Unknown node 9
        -ERR no such group: 9
        a> CLUSTER LEAD 1 2
        +OK
        """
    )
    bench.until(lambda: bench.node(2).group.raft.role is Role.LEADER)
    bench.wait(200)
    assert bench.answer("a", "CLUSTER LEAD 1 3") == "+OK", "its leader is asked"
    bench.until(lambda: bench.node(3).group.raft.role is Role.LEADER)
    bench.wait(200)
    bench.answer("a", JOIN)
    bench.wait(100)
    assert bench.answer("a", "CLUSTER LEAD 1 4") == "-ERR node 4 is no voter of group 1"
    bench.cut(1)
    bench.until(lambda: bench.node(1).group.raft.leader == 0)
    assert bench.answer("a", "CLUSTER LEAD 1 3").startswith("-CLUSTERDOWN nobody leads group 1 now")


def test_what_would_be_done():
    bench = founded(3, "20 SHARDS 2")
    leader = bench.node(1).system.raft.leader
    bench.wait(8_000)
    told = reply(bench, f"a@{leader}", "CLUSTER PLAN")
    assert all(". node " in line and " leads group " in line and ": " in line for line in told), told
