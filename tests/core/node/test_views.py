"""What is seen of a node from outside."""

from tests.core.node.bench import Bench
from trivet.core.cluster.map import FIRST_GROUP, SYSTEM_GROUP


def test_what_a_node_tells_of_itself():
    bench = Bench()
    bench.say("a", "SET k v | GET k")
    node = bench.node(1)
    told = node.facts()
    assert (told["role"], told["leader"], told["keys"], told["connections"]) == ("leader", 1, 1, 1)
    assert node.group_numbers() == [SYSTEM_GROUP, FIRST_GROUP] and node.group is node.groups[FIRST_GROUP]
    seen = node.observe()
    assert seen.applied == node.state_digest()[0] == node.group.machine.applied_index
    assert node.observe(SYSTEM_GROUP).commit == node.groups[SYSTEM_GROUP].raft.commit
    term, _ = node.log_entry(seen.last_index)
    assert term == seen.last_term
    assert node.log_entry(seen.last_index + 1) is None and node.log_entry(1, 99) is None
